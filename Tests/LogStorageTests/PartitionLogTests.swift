// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import KafkaRecords
import NIOCore
import Synchronization
import Testing

@testable import LogStorage

@Suite struct PartitionLogTests {
    @Test func whatIsAppendedIsReadAtEachLimit() throws {
        try withDirectory { root in
            let log = try TestLog(root).open()
            let first = try log.append(TestBatch(["a", "b"]))
            #expect(first.firstOffset == 0 && first.lastOffset == 1 && first.recordCount == 2)
            #expect(try log.append(TestBatch(["c"])).firstOffset == 2)
            #expect(try log.allValues == ["a", "b", "c"])
            #expect(try log.bytes(from: 0, upTo: .highWatermark).readableBytes == 0)
            log.updateHighWatermark(2)
            #expect(try log.allBatches(upTo: .highWatermark).map(\.header.lastOffset) == [1])
            #expect(throws: LogError.self) { try log.bytes(from: 4) }
            #expect(try log.bytes(from: 3).readableBytes == 0)
        }
    }

    @Test func theFirstBatchIsWholeEvenIfItIsLarger() throws {
        try withDirectory { root in
            let log = try TestLog(root).open()
            let batch = TestBatch([String(repeating: "x", count: 500)])
            try log.append(batch)
            try log.append(batch)
            let size = batch.buffer.readableBytes
            #expect(try log.bytes(from: 0, maxBytes: 10).readableBytes == size)
            let cut = try log.read(from: 0, maxBytes: 10, upTo: .logEnd, atLeastOneBatch: false)
            #expect(cut.records.byteCount == 10 && cut.firstBatchIncomplete)
            #expect(try log.bytes(from: 0, maxBytes: size + 5).readableBytes == size + 5)
        }
    }

    @Test func regionsStayReadableWhenTheirSegmentIsDeleted() throws {
        try withDirectory { root in
            var test = try TestLog(root, openFiles: 8)
            test.configuration.segmentBytes = 200
            let log = try test.open()
            for value in ["a", "b", "c", "d"] { try log.append(TestBatch([value])) }
            log.updateHighWatermark(log.offsets.logEnd)
            let read = try log.read(from: 0, maxBytes: 1000, upTo: .logEnd, atLeastOneBatch: true)
            guard case .region(let region) = read.records else {
                Issue.record("no region")
                return
            }
            try log.raiseLogStart(to: 3)
            #expect(try !log.deleteOldSegments(now: 0).removed.isEmpty)
            try log.removeDeletedFiles(now: .max)
            // As sendfile would.
            var bytes = [UInt8](repeating: 0, count: region.readableBytes)
            let count = try region.fileHandle.withUnsafeFileDescriptor { descriptor in
                pread(descriptor, &bytes, bytes.count, off_t(region.readerIndex))
            }
            #expect(count == bytes.count)
            var batches = RecordBatches(ByteBuffer(bytes: bytes))
            #expect(try batches.next()?.hasValidChecksum == true)
            #expect(throws: LogError.self) { try log.bytes(from: 0) }
        }
    }

    @Test func twoReadersAtOnceGetHandlesOfTheirOwn() throws {
        try withDirectory { root in
            let log = try TestLog(root).open()
            try log.append(TestBatch(["a"]))
            guard
                case .region(let one) = try log.read(from: 0, maxBytes: 99, upTo: .logEnd, atLeastOneBatch: true)
                    .records,
                case .region(let two) = try log.read(from: 0, maxBytes: 99, upTo: .logEnd, atLeastOneBatch: true)
                    .records
            else {
                Issue.record("no region")
                return
            }
            #expect(one.fileHandle !== two.fileHandle)
        }
    }

    @Test func segmentsRollBySizeAndAge() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.segmentBytes = 150
            let log = try test.open()
            for _ in 0..<3 { try log.append(TestBatch(["x"])) }
            #expect(log.segmentCount == 2)
            log.reconfigure(LogConfiguration())
            try log.append(TestBatch(["x"], timestamp: 2000))
            #expect(log.segmentCount == 2)
            // Age is told by the records' own timestamps.
            try log.append(TestBatch(["x"], timestamp: 2000 + 8 * 24 * 3_600_000))
            #expect(log.segmentCount == 3)
            #expect(try log.allValues.count == 5)
        }
    }

    @Test func aRetriedBatchIsFoundAndNotWrittenAgain() throws {
        try withDirectory { root in
            let log = try TestLog(root).open()
            try log.append(TestBatch(["other"]))
            let batch = TestBatch(["a", "b"], producerID: 5, epoch: 0, sequence: 0)
            #expect(try log.append(batch).firstOffset == 1)
            try log.append(TestBatch(["c"], producerID: 5, epoch: 0, sequence: 2))
            let again = try log.append(batch)
            #expect(again.isDuplicate && again.firstOffset == 1 && again.lastOffset == 2)
            #expect(log.offsets.logEnd == 4)
            #expect(throws: LogError.self) {
                try log.append(TestBatch(["d"], producerID: 5, epoch: 0, sequence: 9))
            }
        }
    }

    @Test func theLastStableOffsetWaitsForTheMarkerToBeReplicated() throws {
        try withDirectory { root in
            let test = try TestLog(root)
            let log = try test.open()
            try log.append(TestBatch(["plain"]))
            try log.append(TestBatch(["in"], producerID: 5, epoch: 0, sequence: 0, isTransactional: true))
            log.updateHighWatermark(2)
            #expect(log.offsets.lastStable == 1)
            try log.append(.marker(5, epoch: 0, commit: false), origin: .coordinator)
            #expect(log.offsets.lastStable == 1)
            log.updateHighWatermark(3)
            #expect(log.offsets.lastStable == 3)
            let read = try log.read(from: 0, maxBytes: 9999, upTo: .lastStableOffset, atLeastOneBatch: true)
            #expect(read.abortedTransactions == [AbortedTransaction(producerID: 5, firstOffset: 1)])
            try log.close(now: 1000)
            let again = try test.open(highWatermark: 3)
            #expect(again.offsets.lastStable == 3)
            #expect(try again.abortedTransactions(from: 0, upTo: 3).count == 1)
        }
    }

    @Test func retentionGoesByTimeSizeAndStart() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.segmentBytes = 100
            test.configuration.retentionMilliseconds = 1000
            test.configuration.fileDeleteDelayMilliseconds = 50
            let log = try test.open()
            for index in 0..<5 { try log.append(TestBatch(["x"], timestamp: Int64(index) * 1000)) }
            // Nothing above the high watermark goes.
            #expect(try log.deleteOldSegments(now: 100_000).removed.isEmpty)
            log.updateHighWatermark(4)
            #expect(try log.deleteOldSegments(now: 2500).removed.map(\.base) == [0, 1])
            #expect(log.offsets.logStart == 2)
            #expect(log.nextRemoval == 2550)
            #expect(try log.removeDeletedFiles(now: 2549) == 0)
            #expect(try log.removeDeletedFiles(now: 2550) == 2)
            log.updateHighWatermark(5)
            var settings = test.configuration
            settings.retentionMilliseconds = -1
            settings.retentionBytes = try log.byteCount() - 1
            log.reconfigure(settings)
            #expect(try log.deleteOldSegments(now: 2600).removed.isEmpty)
            settings.retentionBytes -= 100
            log.reconfigure(settings)
            #expect(try log.deleteOldSegments(now: 2600).removed.map(\.reason) == [.size])
            // All of it: a new active segment takes the place of the old one.
            settings.retentionBytes = 0
            log.reconfigure(settings)
            #expect(try log.deleteOldSegments(now: 2600).logStart == 5)
            #expect(log.offsets.logStart == 5 && log.segmentCount == 1)
            #expect(try log.append(TestBatch(["y"])).firstOffset == 5)
        }
    }

    @Test func truncationAndANewBeginning() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.segmentBytes = 150
            let log = try test.open()
            for index in 0..<6 { try log.append(TestBatch(["v\(index)"]), epoch: Int32(index / 2)) }
            #expect(try log.truncate(to: 3, now: 0) == 3)
            #expect(try log.allValues == ["v0", "v1", "v2"])
            #expect(log.latestEpoch == 1)
            // Never within a batch.
            try log.append(TestBatch(["a", "b", "c"]), epoch: 1)
            #expect(try log.truncate(to: 5, now: 0) == 3)
            try log.truncateFullyAndStart(at: 100, now: 0)
            #expect(log.offsets.logStart == 100 && log.offsets.logEnd == 100 && log.latestEpoch == nil)
            #expect(try log.append(TestBatch(["z"])).firstOffset == 100)
            try log.close(now: 0)
            #expect(try test.open().allValues == ["z"])
        }
    }

    /// A broker that becomes leader of thousands of partitions does not wait for as many syncs.
    @Test func aLeadershipIsWrittenDownWithItsFirstRecord() throws {
        try withDirectory { root in
            let log = try TestLog(root).open()
            func written() throws -> [EpochEntry] {
                try LeaderEpochCheckpoint(in: log.path, PosixFileSystem()).read()
            }
            try log.append(TestBatch(["v"]), epoch: 1)
            try log.assignEpochStart(4)
            #expect(log.latestEpoch == 4)
            #expect(try written() == [EpochEntry(epoch: 1, startOffset: 0)])
            try log.append(TestBatch(["w"]), epoch: 4)
            #expect(
                try written() == [EpochEntry(epoch: 1, startOffset: 0), EpochEntry(epoch: 4, startOffset: 1)])
            try log.assignEpochStart(5)
            // Nor does a stop wait for leaderships that nothing came of.
            try log.close(now: 0)
            #expect(try written().last == EpochEntry(epoch: 4, startOffset: 1))
            #expect(try TestLog(root).open().latestEpoch == 4)
        }
    }

    /// Else a follower that led for a moment would go on naming an epoch that its leader has never heard of.
    @Test func anEpochWithoutRecordsIsCutOffWithTheEndItStandsAt() throws {
        try withDirectory { root in
            let log = try TestLog(root).open()
            try log.append(TestBatch(["v"]), epoch: 1)
            try log.assignEpochStart(4)
            #expect(log.latestEpoch == 4)
            #expect(try log.truncate(to: 1, now: 0) == 1)
            #expect(log.latestEpoch == 1)
            try log.assignEpochStart(5)
            #expect(try log.truncate(to: 90, now: 0) == 1)
            #expect(log.latestEpoch == 1)
        }
    }

    @Test func aFollowerTakesBatchesAsTheyAreAndRefusesWhatDoesNotFollow() throws {
        try withDirectory { root in
            let leader = try TestLog(root + "/").open()
            for index in 0..<3 { try leader.append(TestBatch(["v\(index)"]), epoch: 7) }
            let bytes = try leader.bytes(from: 0)
            let other = root + "/follower"
            try PosixFileSystem().makeDirectory(other)
            let follower = try TestLog(other).open()
            // A batch that is cut off waits for the next fetch.
            let info = try follower.appendAsFollower(
                bytes.getSlice(at: 0, length: bytes.readableBytes - 3) ?? bytes, now: 0)
            #expect(info.lastOffset == 1 && follower.latestEpoch == 7)
            #expect(throws: LogError.self) { try follower.appendAsFollower(bytes, now: 0) }
            #expect(try follower.appendAsFollower(leader.bytes(from: 2), now: 0).lastOffset == 2)
            var damaged = try leader.bytes(from: 2)
            damaged.setInteger(Int64(3), at: 0)
            damaged.setInteger(UInt8(0xff), at: damaged.readableBytes - 1)
            #expect(throws: LogError.self) { try follower.appendAsFollower(damaged, now: 0) }
            #expect(try follower.allValues == ["v0", "v1", "v2"])
        }
    }

    @Test func afterAKillTheTailIsScannedAndCutAtTheDamage() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.segmentBytes = 400
            test.configuration.indexIntervalBytes = 100
            let log = try test.open()
            for index in 0..<12 {
                try log.append(TestBatch(["v\(index)"], producerID: 9, epoch: 0, sequence: Int32(index)))
            }
            let path = test.directory + "/" + SegmentFileName(base: log.end.segmentBase, kind: .log).name
            log.abandon()
            let file = try test.fileSystem.open(path, .update)
            try file.write(ByteBuffer(repeating: 0x41, count: 50), at: file.length())
            let again = try test.open(clean: false)
            #expect(again.offsets.logEnd == 12 && test.reports.truncations == 1)
            #expect(try again.append(TestBatch(["v11"], producerID: 9, epoch: 0, sequence: 11)).isDuplicate)
            #expect(try again.allValues.count == 12)
        }
    }

    @Test func aFullDiskRefusesAppendsServesReadsAndHeals() throws {
        let disk = ForgetfulFileSystem(seed: 1)
        try disk.makeDirectory("/d")
        let test = try TestLog("/d", disk)
        let log = try test.open()
        try log.append(TestBatch(["a"]))
        disk.limit(to: 250)
        #expect(throws: LogError.self) {
            while true { try log.append(TestBatch([String(repeating: "x", count: 50)])) }
        }
        #expect(!log.isOffline)
        let before = try log.allValues
        #expect(before.first == "a")
        disk.heal()
        try log.append(TestBatch(["b"]))
        #expect(try log.allValues == before + ["b"])
        try log.close(now: 0)
        #expect(try test.open().allValues == before + ["b"])
    }

    @Test func aFailedSyncTakesTheDirectoryOffline() throws {
        let disk = ForgetfulFileSystem(seed: 1)
        try disk.makeDirectory("/d")
        let failures = Mutex(0)
        let health = DirectoryHealth("/d") { _ in failures.withLock { $0 += 1 } }
        try disk.makeDirectory("/d/topic-0")
        let log = try LogLoader(
            partition: TopicPartition("topic", 0), directory: "/d/topic-0", health: health,
            pool: FilePool(disk, limit: 8), configuration: LogConfiguration(), isClean: true, recoveryPoint: 0,
            logStart: 0, highWatermark: 0, wasCompacted: false, now: 0,
            producerExpiration: ProducerExpiration(milliseconds: 1), report: { _ in }
        ).load()
        try log.append(TestBatch(["a"]))
        disk.fail(after: 0, with: EIO, [.fdatasync])
        #expect(throws: LogError.self) { try log.flush() }
        disk.heal()
        #expect(log.isOffline && failures.withLock { $0 } == 1)
        #expect(throws: LogError.self) { try log.append(TestBatch(["b"])) }
        #expect(throws: LogError.self) { try log.bytes(from: 0) }
    }

    @Test func offsetsForTimesAreExactToTheRecord() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.segmentBytes = 300
            let log = try test.open()
            try log.append(TestBatch(["a", "b", "c"], timestamp: 100))
            try log.append(TestBatch(["d", "e"], timestamp: 50, compression: Compression(.gzip)))
            try log.append(TestBatch(["f", "g"], timestamp: 200))
            func offset(_ query: TimestampQuery) throws -> Offset? { try log.offset(for: query)?.offset }
            #expect(try offset(.time(0)) == 0)
            #expect(try offset(.time(101)) == 1)
            #expect(try offset(.time(103)) == 5)
            #expect(try offset(.time(201)) == 6)
            #expect(try offset(.time(202)) == nil)
            #expect(try offset(.maximum) == 6)
            #expect(try offset(.earliest) == 0)
            #expect(try offset(.latest(.logEnd)) == 7)
        }
    }

    @Test func appendsThatWaitForOneAnotherShareASync() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.flushRecords = 1
            let log = try test.open()
            Threads.forEach(64, threads: 8) { index in
                do {
                    let info = try log.append(TestBatch(["v\(index)"]))
                    #expect(log.offsets.recoveryPoint > info.lastOffset)
                } catch {
                    Issue.record(error)
                }
            }
            #expect(log.offsets.recoveryPoint == 64)
        }
    }

    @Test func aTransactionWhoseBeginIsDeletedHoldsTheLastStableOffsetBackUntilItEnds() throws {
        try withDirectory { root in
            let log = try TestLog(root).open()
            try log.append(
                TestBatch(["a", "b", "c"], producerID: 1, epoch: 0, sequence: 0, isTransactional: true))
            log.updateHighWatermark(.max)
            try log.raiseLogStart(to: 2)
            #expect(log.offsets.lastStable == 2)
            try log.append(.marker(1, epoch: 0, commit: false), origin: .coordinator)
            log.updateHighWatermark(.max)
            #expect(log.offsets.lastStable == 4)
            #expect(try log.abortedTransactions(from: 2, upTo: 3).count == 1)
            log.abandon()
        }
    }

    /// So that the client sees the time that its records have, not its own.
    @Test func aRetriedBatchIsToldTheTimeThatItWasGiven() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.usesLogAppendTime = true
            let log = try test.open()
            let batch = TestBatch(["a"], producerID: 5, epoch: 0, sequence: 0)
            #expect(try log.append(batch, now: 5000).logAppendTime == 5000)
            let again = try log.append(batch, now: 9000)
            #expect(again.isDuplicate && again.logAppendTime == 5000)
            log.reconfigure(LogConfiguration())
            #expect(try log.append(batch, now: 9000).logAppendTime == -1)
            log.abandon()
        }
    }

    /// As Kafka tells the age of such segments.
    @Test func withoutTimestampsTheCompactionLagGoesByTheFile() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.minimumCompactionLagMilliseconds = 1
            let log = try test.open()
            try log.append(TestBatch(["a"], timestamp: -1))
            try log.roll(now: 0)
            try PosixFileSystem().setModificationTime(of: test.directory + "/00000000000000000000.log", to: 7000)
            #expect(try log.cleaningFacts().segments.map(\.largestTimestamp) == [7000])
            log.abandon()
        }
    }

    /// The jitter is drawn for each segment, below `segment.jitter.ms`.
    @Test func segmentsRollEarlierByTheirJitter() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.segmentMilliseconds = 1000
            for jitter in [0, 1000] as [Int64] {
                test.configuration.segmentJitterMilliseconds = jitter
                let log = try test.open()
                var rolled = 0
                for _ in 0..<64 {
                    try log.roll(now: 0)
                    let before = log.segmentCount
                    try log.append(TestBatch(["x"], timestamp: 1000))
                    try log.append(TestBatch(["x"], timestamp: 1500))
                    rolled += log.segmentCount - before
                }
                #expect(jitter == 0 ? rolled == 0 : (1..<64).contains(rolled))
                try log.close(now: 0)
            }
        }
    }

    /// The active segment is never compacted (KIP-354).
    @Test(arguments: [true, false]) func aCompactedLogRollsInTimeForItsLongestLag(_ isCompacted: Bool) throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.isCompacted = isCompacted
            test.configuration.maximumCompactionLagMilliseconds = 1000
            let log = try test.open()
            for timestamp in [1000, 2000, 2001] as [Timestamp] {
                #expect(log.segmentCount == 1)
                try log.append(TestBatch(["x"], timestamp: timestamp))
            }
            #expect(log.segmentCount == (isCompacted ? 2 : 1))
            log.abandon()
        }
    }

    @Test func whatIsUnflushedForLongIsFlushed() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.flushMilliseconds = 1000
            let log = try test.open()
            try log.flush(now: 5000)
            try log.append(TestBatch(["x"]))
            try log.flushIfDue(now: 5999)
            #expect(log.offsets.recoveryPoint == 0)
            try log.flushIfDue(now: 6000)
            #expect(log.offsets.recoveryPoint == 1)
            log.abandon()
        }
    }

    @Test func aPreallocatedSegmentHasItsFullSizeWhileItIsActive() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.preallocate = true
            test.configuration.segmentBytes = 10_000
            func length(_ base: Int) throws -> Int64? {
                let name = SegmentFileName(base: Offset(base), kind: .log).name
                return try PosixFileSystem().status(of: test.directory + "/" + name)?.size
            }
            let log = try test.open()
            let used = try Int64(log.append(TestBatch(["x"])).byteCount)
            #expect(try length(0) == 10_000)
            #expect(try log.byteCount() == used)
            try log.roll(now: 0)
            #expect(try length(0) == used && length(1) == 10_000)
            try log.append(TestBatch(["y"]))
            log.abandon()
            // After a kill, what was made room for is no record.
            let killed = try test.open(clean: false)
            #expect(try killed.allValues == ["x", "y"])
            try killed.close(now: 0)
            #expect(try length(1) == used)
        }
    }
}
