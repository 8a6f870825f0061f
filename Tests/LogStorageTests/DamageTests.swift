// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import KafkaRecords
import NIOCore
import Testing

@testable import LogStorage

/// What a start makes of holes between segments and of offsets that cannot be.
@Suite struct DamageTests {
    /// Three segments of one record each, of which the middle one has lost its own, and the index of the active one.
    private func makeHole(_ test: TestLog) throws {
        let log = try test.open()
        for value in ["a", "b", "c"] {
            try log.append(TestBatch([value]))
            if value != "c" { try log.roll(now: 0) }
        }
        log.abandon()
        try PosixFileSystem().open(test.directory + "/00000000000000000001.log", .update).truncate(to: 0)
    }

    @Test func aHoleBetweenSegmentsIsALostEnd() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.wasCompacted = true
            try makeHole(test)
            let log = try test.open(clean: false)
            #expect(log.offsets.logEnd == 1)
            #expect(try log.allValues == ["a"])
            #expect(
                test.reports.list.contains { if case .removedSegments(count: 1, after: 1) = $0 { true } else { false } }
            )
        }
    }

    /// Somebody else cuts a file while it is scanned: there is nothing to wait for.
    @Test func aScanEndsWhereTheFileHasBecomeShorter() throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            for value in ["a", "b", "c"] { try log.append(TestBatch([value])) }
            let third = try log.position(of: 2).position
            let segment = log.published.withLock { $0.segments.active }
            try segment.data.open().truncate(to: third + 20)
            let result = try SegmentScan(segment).run { (_, _) in }
            #expect(result.problem == "the file has become shorter while it was read")
            log.abandon()
        }
    }

    @Test func anEpochThatTheBatchesAroundItBelieIsNamedAndPutRight() throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            for (value, epoch) in [("a", 1), ("b", 1), ("c", 2)] as [(String, LeaderEpoch)] {
                try log.append(TestBatch([value]), epoch: epoch)
            }
            let second = try log.position(of: 1).position
            log.abandon()
            let file = try PosixFileSystem().open(test.directory + "/00000000000000000000.log", .update)
            for damaged in [0, 9] as [UInt8] {
                try file.write(ByteBuffer(bytes: [damaged]), at: second + 15)
                let again = try test.open(clean: false)
                #expect(try again.allBatches().map(\.header.partitionLeaderEpoch) == [1, 1, 2])
                #expect(try again.allValues == ["a", "b", "c"])
                #expect(
                    again.epochs.entries == [
                        EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 2, startOffset: 2),
                    ])
                #expect(
                    test.reports.list.contains { report in
                        guard case .malformed(let file) = report else { return false }
                        return file.place == .position(second)
                            && file.problem.hasPrefix("the leader epoch \(damaged) lies")
                    })
                again.abandon()
            }
        }
    }

    /// Else what another transaction has committed would be hidden, or aborted records be shown.
    @Test(arguments: [(0, 2, [0, 1, 3]), (1, 7, [5, 6])] as [(Int, Offset, [Offset])])
    func transactionsThatCannotHaveBegunWhereTheIndexSaysAreNamed(
        _ index: Int, _ first: Offset, _ wrong: [Offset]
    ) throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            var sequences: [ProducerID: Int32] = [:]
            func write(_ producer: ProducerID) throws {
                let sequence = sequences[producer, default: 0]
                sequences[producer] = sequence + 1
                try log.append(
                    TestBatch(["x"], producerID: producer, epoch: 0, sequence: sequence, isTransactional: true))
            }
            func end(_ producer: ProducerID, commit: Bool) throws {
                try log.append(.marker(producer, epoch: 0, commit: commit), origin: .coordinator)
            }
            try write(1)
            try end(1, commit: true)
            for _ in 0..<2 { try write(1) }
            try end(1, commit: false)
            try write(2)
            try end(2, commit: true)
            try write(2)
            try log.roll(now: 0)
            try write(2)
            try end(2, commit: false)
            try log.close(now: 0)
            let path = test.directory + ["/00000000000000000000.txnindex", "/00000000000000000008.txnindex"][index]
            func opened(first: Offset) throws -> [Offset] {
                try test.fileSystem.open(path, .update).write(ByteBuffer(integer: first), at: 10)
                let log = try test.open()
                defer { log.abandon() }
                return try log.abortedTransactions(from: 0, upTo: 10).map(\.firstOffset)
            }
            #expect(try opened(first: first) == [2, 7])
            for offset in wrong {
                #expect {
                    _ = try opened(first: offset)
                } throws: { error in
                    guard case LogError.malformed(let file) = error else { return false }
                    return file.path == path && file.place == .position(0)
                }
            }
        }
    }

    @Test func epochsThatTheLastBatchBeliesAreLearnedAnew() throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            for epoch in [1, 4] as [LeaderEpoch] { try log.append(TestBatch(["x"]), epoch: epoch) }
            try log.close(now: 0)
            let checkpoint = LeaderEpochCheckpoint(in: test.directory, PosixFileSystem())
            try checkpoint.write([EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 5, startOffset: 1)])
            let again = try test.open(clean: true)
            #expect(
                again.epochs.entries == [EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 4, startOffset: 1)])
            #expect(try checkpoint.read() == again.epochs.entries)
            #expect(
                test.reports.list.contains {
                    if case .malformed(let file) = $0 { file.path == checkpoint.path } else { false }
                })
            try again.close(now: 0)
        }
    }

    @Test func aDamagedSnapshotIsNamed() throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            try log.append(TestBatch(["x"], producerID: 7, epoch: 0, sequence: 0))
            try log.close(now: 0)
            let path = test.directory + "/00000000000000000001.snapshot"
            try PosixFileSystem().open(path, .update).write(ByteBuffer(bytes: [0xff]), at: 20)
            let again = try test.open(clean: true)
            #expect(again.producers.map(\.producerID) == [7])
            #expect(
                test.reports.list.contains { if case .malformed(let file) = $0 { file.path == path } else { false } })
            again.abandon()
        }
    }

    @Test func aHoleThatKafkaHasLeftIsClosedForGood() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.wasCompacted = true
            test.configuration.indexBytes = 804
            try makeHole(test)
            // Kafka's index of the active segment has its full size while it runs.
            let index = try PosixFileSystem().open(test.directory + "/00000000000000000002.index", .update)
            try index.truncate(to: 800)
            let log = try test.open(clean: false)
            #expect(try log.allRecords().map(\.offset) == [0, 2])
            #expect(test.reports.list.contains { if case .closedHole(from: 1, to: 2) = $0 { true } else { false } })
            try log.append(TestBatch(["d"]))
            log.abandon()
            // Whoever looks again finds none.
            let again = try test.open(clean: false)
            #expect(try again.allRecords().map(\.offset) == [0, 2, 3])
            try again.close(now: 0)
            #expect(try IndependentLogReader(test.directory).problems == [])
        }
    }

    @Test func withoutKnownRecoveryPointsAHoleIsCompactions() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.wasCompacted = true
            try makeHole(test)
            let log = try LogLoader(
                partition: test.partition, directory: test.directory, health: test.health, pool: test.pool,
                configuration: test.configuration, isClean: false, recoveryPoint: 0, logStart: 0, highWatermark: 0,
                wasCompacted: true, knowsRecoveryPoint: false, now: 0,
                producerExpiration: ProducerExpiration(milliseconds: 1), report: { _ in }
            ).load()
            #expect(try log.allRecords().map(\.offset) == [0, 2])
            log.abandon()
        }
    }

    @Test func aBatchWhoseOffsetTheNextOneBeliesIsCutOff() throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            for value in ["a", "b", "c"] { try log.append(TestBatch([value])) }
            let second = try log.position(of: 1).position
            log.abandon()
            let file = try PosixFileSystem().open(test.directory + "/00000000000000000000.log", .update)
            try file.write(ByteBuffer(bytes: [5]), at: second + 7)
            let again = try test.open(clean: false)
            #expect(try again.allValues == ["a"])
            #expect(test.reports.truncations == 1)
            again.abandon()
        }
    }

    @Test func afterAStopInOrderAStartBehindTheEndIsNotBelieved() throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            try log.append(TestBatch(["a", "b"]))
            try log.close(now: 0)
            let again = try test.open(clean: true, logStart: 1000)
            #expect(again.offsets.logStart == 0)
            #expect(try again.allValues == ["a", "b"])
            again.abandon()
        }
    }

    /// Segments from 100 on: one of a record, then an active one of two. Returns where the last of them lies.
    private func makeSegmentsFrom100(_ log: PartitionLog) throws -> Int64 {
        try log.truncateFullyAndStart(at: 100, now: 0)
        try log.append(TestBatch(["a"]))
        try log.roll(now: 0)
        for value in ["b", "c"] { try log.append(TestBatch([value])) }
        return try log.position(of: 102).position
    }

    private func write(_ offset: Offset, at position: Int64, _ test: TestLog) throws {
        var bytes = ByteBuffer()
        bytes.writeInteger(offset)
        try PosixFileSystem().open(test.directory + "/00000000000000000101.log", .update).write(bytes, at: position)
    }

    /// No checksum covers it. Below the log's start, below the active segment, at its base but for the record before, too far
    /// above, and where nothing can follow any more.
    @Test(arguments: [5, 99, 100, 1 << 40, .max - 1] as [Offset])
    func afterAStopInOrderALastOffsetThatCannotBeIsFound(_ offset: Offset) throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            let last = try makeSegmentsFrom100(log)
            try log.close(now: 0)
            try write(offset, at: last, test)
            let again = try test.open(clean: true, recoveryPoint: 103)
            #expect(test.reports.list.contains { if case .malformed = $0 { true } else { false } })
            #expect(again.offsets.logEnd == 102)
            try again.append(TestBatch(["d"]))
            #expect(try again.allValues == ["a", "b", "d"])
            again.abandon()
        }
    }

    /// Found when it is too late: the log refuses what it cannot put anywhere.
    @Test func aLogThatWasCutBehindSuchABatchBeginsNoSegmentBelowItsLast() throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            _ = try makeSegmentsFrom100(log)
            try write(50, at: 0, test)
            try log.truncate(to: 102, now: 0)
            let error = #expect(throws: LogError.self) { try log.append(TestBatch(["d"])) }
            guard case .malformed? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(!test.health.isOffline)
            log.abandon()
        }
    }

    @Test func noLogBeginsWhereNothingCanFollow() throws {
        try withDirectory { root in
            let log = try TestLog(root).open()
            try log.append(TestBatch(["a"]))
            #expect(throws: LogError.self) { try log.truncateFullyAndStart(at: .max, now: 0) }
            #expect(try log.allValues == ["a"])
            #expect(SegmentFileName("09223372036854775807.log") == nil)
            log.abandon()
        }
    }

    @Test func aCutIntoAHoleEndsBeforeIt() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.isCompacted = true
            let log = try test.open()
            for value in ["1", "2", "3"] {
                try log.append(CleaningTests.batch([("k", value)]))
                try log.roll(now: 0)
            }
            log.updateHighWatermark(.max)
            _ = try log.clean(CleanerPlan.Range(firstDirty: 0, firstUncleanable: 3), CleaningSettings(), now: 0)
            #expect(try log.allRecords().map(\.offset) == [2])
            #expect(try log.truncate(to: 2, now: 0) == 0)
            try log.append(TestBatch(["x"]))
            log.abandon()
            let again = try test.open(clean: false)
            #expect(try again.allValues == ["x"])
            again.abandon()
        }
    }

    /// What was flushed whole while it was active is not scanned any more once there is a next segment.
    @Test(arguments: 0..<20)
    func theAbortsOfASegmentThatWasFlushedBeforeItWasFullOutliveACrash(_ seed: UInt64) throws {
        let disk = ForgetfulFileSystem(seed: seed)
        try disk.makeDirectory("/d")
        try disk.syncDirectory("/")
        let test = try TestLog("/d", disk)
        try disk.syncDirectory("/d")
        let log = try test.open()
        try log.append(TestBatch(["no"], producerID: 1, epoch: 0, sequence: 0, isTransactional: true))
        try log.append(.marker(1, epoch: 0, commit: false), origin: .coordinator)
        let recoveryPoint = try log.flush()
        try log.roll(now: 0)
        try log.append(TestBatch(["x"]))
        log.abandon()
        disk.crash()
        let again = try TestLog("/d", disk).open(clean: false, recoveryPoint: recoveryPoint)
        #expect(try again.abortedTransactions(from: 0, upTo: 2).count == 1)
    }

    @Test func cleanersShareTheirRate() {
        let throttle = CleanerThrottle(bytesPerSecond: 1000)
        let now = ContinuousClock.now
        #expect(throttle.reserve(500, at: now) == .milliseconds(500))
        #expect(throttle.reserve(500, at: now) == .seconds(1))
        throttle.set(bytesPerSecond: 2000)
        #expect(throttle.reserve(1000, at: now) == .milliseconds(500))
        throttle.set(bytesPerSecond: .greatestFiniteMagnitude)
        #expect(throttle.reserve(.max, at: now) == .zero)
    }
}
