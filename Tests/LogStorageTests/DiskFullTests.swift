// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import KafkaRecords
import Testing

@testable import LogStorage

/// A disk without room refuses appends and nothing else, and no trace of what was refused is left.
@Suite struct DiskFullTests {
    /// The same history for every disk: what a log is asked to do, one step at a time.
    private struct History {
        static let steps = 60
        private(set) var done = 0
        /// Offsets that retention has let go of.
        private var logStart: Offset = 0

        mutating func next(_ log: PartitionLog) throws(LogError) {
            let now = Timestamp(1000 + done)
            let epoch = LeaderEpoch(done / 9)
            switch done % 10 {
            case 0, 1, 2:
                try log.append(
                    TestBatch(["plain \(done)", String(repeating: "x", count: done)], timestamp: now), epoch: epoch)
            case 3:
                try log.append(
                    TestBatch(
                        ["idempotent \(done)"], timestamp: now, producerID: 7, epoch: 0, sequence: Int32(done / 10)),
                    epoch: epoch)
            case 4:
                try log.append(
                    TestBatch(
                        ["in a transaction \(done)"], timestamp: now, producerID: 9, epoch: 0,
                        sequence: Int32(done / 10), isTransactional: true), epoch: epoch)
            case 5:
                try log.append(
                    TestBatch.marker(9, epoch: 0, commit: done % 20 == 5, timestamp: now), epoch: epoch,
                    origin: .coordinator)
            case 6: try log.assignEpochStart(LeaderEpoch((done + 3) / 9))
            case 7: try log.roll(now: now)
            case 8: try log.flush()
            default:
                log.updateHighWatermark(log.offsets.logEnd)
                if done % 20 == 9 { try log.raiseLogStart(to: max(logStart, log.offsets.logEnd - 6)) }
                logStart = log.offsets.logStart
                try log.deleteOldSegments(now: now)
                try log.removeDeletedFiles(now: .max)
            }
            done += 1
        }

        mutating func run(_ log: PartitionLog) throws(LogError) {
            while done < Self.steps { try next(log) }
        }
    }

    /// All that a log tells of itself.
    private struct Story: Equatable {
        var values: [String]
        var logStart: Offset
        var logEnd: Offset
        var epochs: [EpochEntry]
        var aborted: [AbortedTransaction]
        var producers: [ProducerID]

        init(_ log: PartitionLog) throws {
            values = try log.allRecords().map { "\($0.offset) " + ($0.value.map { String(buffer: $0) } ?? "") }
            logStart = log.offsets.logStart
            logEnd = log.offsets.logEnd
            epochs = log.epochs.entries
            aborted = try log.abortedTransactions(from: log.offsets.logStart, upTo: log.offsets.logEnd)
            producers = log.activeProducers.map(\.producerID)
        }
    }

    private func disk() throws -> (ForgetfulFileSystem, TestLog) {
        let disk = ForgetfulFileSystem(seed: 1)
        try disk.makeDirectory("/d")
        var test = try TestLog("/d", disk)
        test.configuration.segmentBytes = 700
        test.configuration.indexIntervalBytes = 80
        test.configuration.indexBytes = 400
        test.configuration.retentionMilliseconds = -1
        return (disk, test)
    }

    private func expected() throws -> (story: Story, writes: Int, bytes: Int) {
        let (disk, test) = try disk()
        let log = try test.open()
        var history = History()
        try history.run(log)
        return (try Story(log), disk.changes, disk.usedBytes)
    }

    /// Lets one write find no room, twice, and then goes on where it stopped.
    private func interrupt(_ disk: ForgetfulFileSystem, _ log: PartitionLog, _ history: inout History) throws {
        do throws(LogError) {
            try history.run(log)
        } catch {
            guard error.isDiskFull else { throw error }
            #expect(!log.isOffline)
            #expect(error.errorCode == .kafkaStorageError)
            // What is there can be read to its end, and no torn batch lies behind it.
            let before = try Story(log)
            #expect(throws: LogError.self) { try history.next(log) }
            #expect(try Story(log) == before)
            let size = try disk.contents(
                of: log.path + "/" + SegmentFileName(base: log.end.segmentBase, kind: .log).name)
            #expect(Int64(size?.count ?? 0) == log.end.position)
        }
    }

    @Test func aLogHealsWhicheverWriteFindsNoRoom() throws {
        let (story, writes, _) = try expected()
        for number in 0..<writes {
            let (disk, test) = try disk()
            let log = try test.open()
            disk.fail(after: number, with: ENOSPC, [.write])
            var history = History()
            try interrupt(disk, log, &history)
            disk.heal()
            try history.run(log)
            #expect(try Story(log) == story, "write \(number)")
            try log.close(now: 0)
            let again = try test.open(logStart: story.logStart, highWatermark: story.logEnd)
            #expect(try Story(again) == story, "write \(number), after a stop in order")
            #expect(test.reports.list.isEmpty, "\(test.reports.list)")
        }
    }

    /// As above, but a part of the write that finds no room is made.
    @Test func aLogHealsHoweverMuchOfAWriteFits() throws {
        let (story, _, bytes) = try expected()
        for capacity in stride(from: 0, through: bytes + 1000, by: 11) {
            let (disk, test) = try disk()
            let log = try test.open()
            disk.limit(to: capacity)
            var history = History()
            try interrupt(disk, log, &history)
            disk.heal()
            try history.run(log)
            #expect(try Story(log) == story, "\(capacity) bytes")
        }
    }

    /// Killed while the disk was full, and started before there was room.
    @Test func aLogRecoversOnADiskThatIsStillFull() throws {
        let (story, writes, _) = try expected()
        for number in 0..<writes {
            let (disk, test) = try disk()
            let log = try test.open()
            disk.fail(after: number, with: ENOSPC, [.write])
            var history = History()
            try interrupt(disk, log, &history)
            let before = try Story(log)
            let logStart = log.offsets.logStart
            log.abandon()
            var again = try test.open(clean: false, recoveryPoint: 0, logStart: logStart, highWatermark: before.logEnd)
            #expect(try Story(again).values == before.values, "write \(number)")
            again.abandon()
            // And once more, since the first recovery could write nothing down.
            again = try test.open(clean: false, recoveryPoint: 0, logStart: logStart, highWatermark: before.logEnd)
            disk.heal()
            try history.run(again)
            let after = try Story(again)
            #expect(after.values == story.values && after.aborted == story.aborted, "write \(number)")
            try again.close(now: 0)
            let last = try test.open(logStart: after.logStart, highWatermark: after.logEnd)
            #expect(try Story(last) == after, "write \(number), after a stop in order")
        }
    }

    /// All that is left is one segment, and all of it has expired: room must come from it.
    @Test func retentionMakesRoomOnADiskThatHasNone() throws {
        var (disk, test) = try disk()
        test.configuration.retentionMilliseconds = 10
        test.configuration.segmentBytes = 1 << 20
        let log = try test.open()
        for sequence in 0..<20 {
            try log.append(
                TestBatch(["value \(sequence)"], timestamp: 0, producerID: 7, epoch: 0, sequence: Int32(sequence)))
        }
        log.updateHighWatermark(20)
        let data = log.path + "/" + SegmentFileName(base: 0, kind: .log).name
        let used = disk.usedBytes
        disk.limit(to: used)
        let result = try log.deleteOldSegments(now: 1_000_000)
        #expect(result.removed.map(\.base) == [0] && log.offsets.logStart == 20)
        #expect(try disk.status(of: data) == nil)
        #expect(disk.usedBytes < used)
        // There is room again, and what was known of the producer still is.
        try log.append(TestBatch(["next"], timestamp: 2_000_000, producerID: 7, epoch: 0, sequence: 20))
        try log.flush()
        log.abandon()
        let again = try test.open(clean: false, recoveryPoint: 21, logStart: 20, highWatermark: 21)
        #expect(again.activeProducers.map(\.producerID) == [7] && again.offsets.logStart == 20)
    }

    /// Delayed allocation and network disks may tell of it only then, when records are gone already.
    @Test(arguments: [ENOSPC, EDQUOT])
    func aSyncThatFindsNoRoomTakesTheDirectoryOffline(_ code: Int32) throws {
        let (disk, test) = try disk()
        let log = try test.open()
        try log.append(TestBatch(["x"]))
        disk.fail(after: 0, with: code, [.fdatasync])
        #expect(throws: LogError.self) { try log.flush() }
        #expect(log.isOffline)
    }

    @Test func aLeadershipThatCouldNotBeWrittenDownIsBeforeItsFirstRecord() throws {
        let (disk, test) = try disk()
        let log = try test.open()
        try log.append(TestBatch(["x"]), epoch: 1)
        disk.fail(after: 0, with: ENOSPC, [.write])
        // To lead takes no room.
        try log.assignEpochStart(4)
        #expect(log.latestEpoch == 4)
        #expect(throws: LogError.self) { try log.append(TestBatch(["y"]), epoch: 4) }
        // Nor may a record come first: only the data file has room.
        disk.heal()
        disk.fail(after: 0, with: ENOSPC, [.write], under: log.path + "/" + LeaderEpochCheckpoint.name)
        #expect(throws: LogError.self) { try log.append(TestBatch(["y"]), epoch: 4) }
        #expect(log.offsets.logEnd == 1)
        disk.heal()
        try log.append(TestBatch(["y"]), epoch: 4)
        #expect(
            try LeaderEpochCheckpoint(in: log.path, disk).read()
                == [EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 4, startOffset: 1)])
    }

    @Test func aStopOnAFullDiskIsNotInOrder() throws {
        let disk = ForgetfulFileSystem(seed: 3)
        let configuration = LogDirectoriesConfiguration(paths: ["/d"], brokerID: 1, clusterID: "c")
        func open() throws -> LogDirectories {
            try LogDirectories.open(configuration, fileSystem: disk, now: 0, logger: quiet) { _ in }
        }
        let manager = try open()
        let partition = TopicPartition("t", 0)
        let log = try manager.getOrCreateLog(partition, topicID: nil, configuration: LogConfiguration(), now: 0)
        try log.append(TestBatch(["x"]))
        disk.limit(to: disk.usedBytes)
        manager.close(now: 0)
        #expect(try !CleanShutdownFile.exists(in: "/d", disk))
        let again = try open()
        #expect(try again.log(for: partition)?.allValues == ["x"])
        disk.heal()
        again.close(now: 0)
        #expect(try CleanShutdownFile.exists(in: "/d", disk))
    }
}
