// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import GoldenFixtures
import KafkaModel
import KafkaRecords
import NIOCore
import Testing

@testable import LogStorage

@Suite struct OffsetMapTests {
    @Test func theHashIsSipHash24With128Bits() {
        // From the reference implementation's vectors_sip128, key 00 01 … 0f, empty input.
        let hash = SipHash128(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        let (first, second) = hash(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(first == 0xe6a8_25ba_047f_81a3)
        #expect(second == 0x9302_55c7_1472_f66d)
    }

    @Test func itKnowsTheLargestOffsetOfEachKeyAndKeepsToItsBytes() throws {
        let map = try #require(OffsetMap(byteLimit: 24 * 100, loadFactor: 0.9))
        #expect(map.capacity == 90)
        for index in 0..<90 { map.put(ByteBuffer(string: "key \(index)"), Offset(index)) }
        #expect(map.isFull)
        map.put(ByteBuffer(string: "key 7"), 500)
        map.put(ByteBuffer(string: "key 8"), 2)
        #expect(map.count == 90)
        #expect(map.offset(of: ByteBuffer(string: "key 7")) == 500)
        #expect(map.offset(of: ByteBuffer(string: "key 8")) == 8)
        #expect(map.offset(of: ByteBuffer(string: "key 0")) == 0)
        #expect(map.offset(of: ByteBuffer(string: "key 90")) == nil)
    }
}

@Suite struct CleanerPlanTests {
    private let offsets = LogOffsets(logStart: 10, highWatermark: 90, lastStable: 80, logEnd: 100, recoveryPoint: 0)
    private let segments = [
        CleanerPlan.Segment(base: 0, next: 30, size: 100, largestTimestamp: 5, firstTimestamp: 1),
        CleanerPlan.Segment(base: 30, next: 60, size: 200, largestTimestamp: 50, firstTimestamp: 40),
        CleanerPlan.Segment(base: 60, next: 95, size: 300, largestTimestamp: 70, firstTimestamp: 60),
    ]

    private func range(_ checkpoint: Offset?, lag: Int64 = 0, now: Timestamp = 100) -> CleanerPlan.Range {
        CleanerPlan.range(
            checkpoint: checkpoint, offsets: offsets, activeBase: 95, segments: segments, minimumLag: lag, now: now)
    }

    @Test func aCheckpointOutsideOfTheLogIsForgotten() {
        #expect(range(nil) == .init(firstDirty: 10, firstUncleanable: 80))
        #expect(range(50) == .init(firstDirty: 50, firstUncleanable: 80))
        #expect(range(9).firstDirty == 10)
        #expect(range(101).firstDirty == 10)
    }

    @Test func theLagAndTheLastStableOffsetBoundIt() {
        #expect(range(nil, lag: 50).firstUncleanable == 60)
        #expect(range(nil, lag: 60).firstUncleanable == 30)
        #expect(range(nil, lag: 20).firstUncleanable == 80)
        #expect(range(nil, lag: 100).isEmpty)
    }

    @Test func theRatioOrTheLagDecide() {
        var dirt = CleanerPlan.dirt(segments, range(30), maximumLag: .max, now: 100)
        #expect(dirt.cleanBytes == 100)
        #expect(dirt.cleanableBytes == 500)
        #expect(dirt.isDue(minimumRatio: 0.8))
        #expect(!dirt.isDue(minimumRatio: 0.9))
        dirt = CleanerPlan.dirt(segments, range(30), maximumLag: 59, now: 100)
        #expect(dirt.isDue(minimumRatio: 0.9))
        dirt = CleanerPlan.dirt(segments, range(30), maximumLag: 60, now: 100)
        #expect(!dirt.isDue(minimumRatio: 0.9))
    }

    @Test func segmentsAreGroupedAsLongAsTheyFit() {
        func bases(_ end: Offset, _ bytes: Int) -> [[Offset]] {
            CleanerPlan.groups(segments, end: end, segmentBytes: bytes, indexBytes: 1000).map { $0.map(\.base) }
        }
        #expect(bases(100, 600) == [[0, 30, 60]])
        #expect(bases(100, 599) == [[0, 30], [60]])
        #expect(bases(60, 600) == [[0, 30]])
        #expect(bases(100, 1) == [[0], [30], [60]])
        let far = [
            CleanerPlan.Segment(base: 0, next: 1, size: 1),
            CleanerPlan.Segment(base: 1, next: 1 << 32, size: 1),
        ]
        #expect(CleanerPlan.groups(far, end: .max, segmentBytes: 100, indexBytes: 100).count == 2)
    }
}

/// Compaction of whole logs, with a model beside it.
@Suite struct CleaningTests {
    static func batch(
        _ records: [(key: String, value: String?)], timestamp: Timestamp = 1000, producerID: ProducerID = -1,
        sequence: Int32 = -1, isTransactional: Bool = false, compression: Compression = .none
    ) -> TestBatch {
        var settings = RecordBatchBuilder.Settings()
        settings.producerID = producerID
        settings.producerEpoch = producerID < 0 ? -1 : 0
        settings.baseSequence = sequence
        settings.isTransactional = isTransactional
        settings.compression = compression
        var builder = RecordBatchBuilder(settings)
        for (key, value) in records {
            builder.append(
                timestamp: timestamp, key: ByteBuffer(string: key), value: value.map { ByteBuffer(string: $0) })
        }
        return TestBatch(builder.finish())
    }

    private static func clean(
        _ log: PartitionLog, from checkpoint: Offset? = nil, mapBytes: Int = 1 << 16, now: Timestamp,
        recordRecoveryPoint: @escaping () -> Void = {}
    ) throws -> CleaningResult {
        let (view, segments) = try log.cleaningFacts()
        let range = CleanerPlan.range(
            checkpoint: checkpoint, offsets: view.offsets, activeBase: view.segments.active.base, segments: segments,
            minimumLag: 0, now: now)
        var settings = CleaningSettings()
        settings.mapBytes = mapBytes
        settings.recordRecoveryPoint = recordRecoveryPoint
        return try log.clean(range, settings, now: now)
    }

    @Test func aTombstoneStaysUntilItsHorizon() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.isCompacted = true
            test.configuration.deleteRetentionMilliseconds = 1000
            let log = try test.open()
            try log.append(Self.batch([("a", "1"), ("b", "1"), ("a", "2")]))
            try log.append(Self.batch([("b", nil), ("c", "1")]))
            try log.roll(now: 0)
            log.updateHighWatermark(.max)
            #expect(try Self.clean(log, now: 5000).cleanedTo == 5)
            #expect(try log.allRecords().map(\.offset) == [2, 3, 4])
            #expect(try log.allBatches().map(\.header.deleteHorizon) == [nil, 6000])
            #expect(try log.allBatches().map(\.header.baseOffset) == [0, 3])
            try log.append(Self.batch([("d", "1")]))
            try log.roll(now: 0)
            log.updateHighWatermark(.max)
            #expect(try Self.clean(log, from: 5, now: 5999).cleanedTo == 6)
            #expect(try log.allRecords().map(\.offset) == [2, 3, 4, 5])
            try log.append(Self.batch([("e", "1")]))
            try log.roll(now: 0)
            log.updateHighWatermark(.max)
            _ = try Self.clean(log, from: 6, now: 6000)
            #expect(try log.allRecords().map(\.offset) == [2, 4, 5, 6])
            #expect(try log.removeDeletedFiles(now: .max) > 0)
            try log.close(now: 0)
            #expect(try IndependentLogReader(test.directory).problems == [])
        }
    }

    @Test func abortedDataGoesAndMarkersFollowAfterTheHorizon() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.isCompacted = true
            test.configuration.deleteRetentionMilliseconds = 1000
            let log = try test.open()
            try log.append(Self.batch([("a", "no")], producerID: 1, sequence: 0, isTransactional: true))
            try log.append(.marker(1, epoch: 0, commit: false), origin: .coordinator)
            try log.append(Self.batch([("a", "yes")], producerID: 1, sequence: 1, isTransactional: true))
            try log.append(.marker(1, epoch: 0, commit: true), origin: .coordinator)
            try log.roll(now: 0)
            log.updateHighWatermark(.max)
            // One pass sees the data, the next one that it is gone, a third one that time is up.
            for (now, left) in [(0, [1, 2, 3]), (10, [1, 2, 3]), (1010, [2, 3])] as [(Int64, [Offset])] {
                let end = log.offsets.logEnd
                _ = try Self.clean(log, now: now)
                #expect(try log.allBatches().map(\.header.baseOffset).filter { $0 < 4 } == left, "at \(now)")
                try log.append(Self.batch([("z", "\(now)")]))
                try log.roll(now: 0)
                log.updateHighWatermark(end + 1)
            }
            try log.close(now: 0)
        }
    }

    @Test func theLastBatchOfAProducerKeepsItsHeader() throws {
        try withDirectory { root in
            var test = try TestLog(root)
            test.configuration.isCompacted = true
            let log = try test.open()
            try log.append(Self.batch([("a", "1"), ("b", "1")], producerID: 5, sequence: 0))
            try log.append(Self.batch([("a", "2"), ("b", "2")]))
            try log.roll(now: 0)
            log.updateHighWatermark(.max)
            _ = try Self.clean(log, now: 0)
            let batches = try log.allBatches()
            #expect(batches.map(\.header.recordCount) == [0, 2])
            #expect(batches[0].header.lastSequence == 1)
            #expect(batches[0].hasValidChecksum)
            try log.append(Self.batch([("c", "1")], producerID: 5, sequence: 2))
            try log.close(now: 0)
        }
    }

    /// The directories of a broker whose topics are compacted.
    private func openCompacted(
        _ paths: [String], _ fileSystem: any FileSystem = PosixFileSystem()
    ) throws -> (LogDirectoriesConfiguration, LogDirectories) {
        var configuration = LogDirectoriesConfiguration(paths: paths, brokerID: 1, clusterID: "c")
        configuration.defaults.isCompacted = true
        return (
            configuration,
            try LogDirectories.open(configuration, fileSystem: fileSystem, now: 0, logger: quiet) { _ in }
        )
    }

    @Test func aBatchThatCannotBeReadMakesTheLogUncleanableAndLeavesItWhole() throws {
        try withDirectory { root in
            let (configuration, logs) = try openCompacted([root])
            let partition = TopicPartition("t", 0)
            let log = try logs.getOrCreateLog(
                partition, topicID: nil, configuration: configuration.defaults, now: 0)
            try log.append(Self.batch([("a", "1")]))
            try log.append(Self.batch([("a", "2")]))
            try log.roll(now: 0)
            log.updateHighWatermark(.max)
            let file = try PosixFileSystem().open(log.path + "/00000000000000000000.log", .update)
            try file.write(ByteBuffer(bytes: [0xff]), at: 65)
            let cleaner = LogCleaner(logs, LogCleanerConfiguration(), logger: quiet)
            #expect(!cleaner.cleanNext(now: 0))
            #expect(cleaner.status.uncleanable[partition]?.contains("byte 0") == true)
            #expect(cleaner.status.uncleanableCounts == [root: 1])
            #expect(!cleaner.cleanNext(now: 0))
            #expect(logs.offlinePaths.isEmpty)
            #expect(log.segmentCount == 2)
            logs.close(now: 0)
        }
    }

    @Test func theDriverCleansTheDirtiestAndWritesItsCheckpoint() throws {
        try withDirectory { root in
            let (configuration, logs) = try openCompacted([root])
            for index in 0..<3 as Range<Int32> {
                let log = try logs.getOrCreateLog(
                    TopicPartition("t", index), topicID: nil, configuration: configuration.defaults, now: 0)
                for round in 0..<(10 * (index + 1)) { try log.append(Self.batch([("a", "\(round)"), ("b", "x")])) }
                if index < 2 { try log.roll(now: 0) }
                log.updateHighWatermark(.max)
            }
            let cleaner = LogCleaner(logs, LogCleanerConfiguration(), logger: quiet)
            #expect(cleaner.cleanNext(now: 0))
            #expect(cleaner.cleanNext(now: 0))
            #expect(!cleaner.cleanNext(now: 0))
            let written = try OffsetCheckpoint(.cleaner, in: root, PosixFileSystem()).read()
            #expect(written == [TopicPartition("t", 0): 20, TopicPartition("t", 1): 40])
            #expect(try logs.log(for: TopicPartition("t", 1))?.allRecords().map(\.offset) == [38, 39])
            logs.close(now: 0)
            // Another start takes it up from there.
            let again = try LogDirectories.open(configuration, now: 0, logger: quiet) { _ in }
            for log in again.logs { log.updateHighWatermark(.max) }
            #expect(!LogCleaner(again, LogCleanerConfiguration(), logger: quiet).cleanNext(now: 0))
            again.close(now: 0)
        }
    }

    /// Kafka moves the line of `cleaner-offset-checkpoint` with the replica, and so the work is not done again.
    @Test func aLogThatMovesTakesAlongUpToWhereItIsCompacted() throws {
        try withDirectory { root in
            let paths = [root + "/a", root + "/b"]
            let (configuration, logs) = try openCompacted(paths)
            let partition = TopicPartition("t", 0)
            let log = try logs.getOrCreateLog(
                partition, topicID: nil, configuration: configuration.defaults, in: paths[0], now: 0)
            for round in 0..<10 { try log.append(Self.batch([("a", "\(round)"), ("b", "x")])) }
            try log.roll(now: 0)
            log.updateHighWatermark(.max)
            let cleaner = LogCleaner(logs, LogCleanerConfiguration(), logger: quiet)
            #expect(cleaner.cleanNext(now: 0))
            let future = try logs.getOrCreateFutureLog(
                partition, topicID: nil, configuration: configuration.defaults, in: paths[1], startingAt: 0, now: 0)
            _ = try future.appendAsFollower(log.bytes(from: 0), now: 0)
            try future.roll(now: 0)
            let moved = try #require(try logs.replaceCurrentWithFuture(partition, now: 0))
            #expect(moved.cleanedTo == 20)
            #expect(!cleaner.cleanNext(now: 0))
            func written(_ path: String) throws -> [TopicPartition: Offset] {
                try OffsetCheckpoint(.cleaner, in: path, PosixFileSystem()).read()
            }
            #expect(try written(paths[0]) == [:])
            #expect(try written(paths[1]) == [partition: 20])
            logs.close(now: 0)
        }
    }

    @Test func aCutTakesFromWhatCountsAsCompacted() throws {
        try withDirectory { root in
            let (configuration, logs) = try openCompacted([root])
            let partition = TopicPartition("t", 0)
            let log = try logs.getOrCreateLog(
                partition, topicID: nil, configuration: configuration.defaults, now: 0)
            for round in 0..<10 { try log.append(Self.batch([("a", "\(round)"), ("b", "x")])) }
            try log.roll(now: 0)
            log.updateHighWatermark(.max)
            #expect(LogCleaner(logs, LogCleanerConfiguration(), logger: quiet).cleanNext(now: 0))
            // The batch that is left, at 18 and 19, goes.
            let ends = try logs.truncate([partition: 18], now: 0)
            #expect(log.cleanedTo == ends[partition])
            #expect(try OffsetCheckpoint(.cleaner, in: root, PosixFileSystem()).read() == [partition: ends[partition]])
            logs.close(now: 0)
        }
    }

    @Test func aCutThatFoundNoRoomIsWrittenDownLater() throws {
        let disk = ForgetfulFileSystem(seed: 1)
        let (configuration, logs) = try openCompacted(["/d"], disk)
        let partition = TopicPartition("t", 0)
        let log = try logs.getOrCreateLog(partition, topicID: nil, configuration: configuration.defaults, now: 0)
        for round in 0..<10 { try log.append(Self.batch([("a", "\(round)"), ("b", "x")])) }
        try log.roll(now: 0)
        log.updateHighWatermark(.max)
        let cleaner = LogCleaner(logs, LogCleanerConfiguration(), logger: quiet)
        #expect(cleaner.cleanNext(now: 0))
        disk.fail(after: 0, with: FileError.noSpace, [.write], under: "/d/cleaner-offset-checkpoint")
        let ends = try logs.truncate([partition: 18], now: 0)
        #expect(try OffsetCheckpoint(.cleaner, in: "/d", disk).read() == [partition: 20])
        disk.heal()
        _ = cleaner.cleanNext(now: 0)
        #expect(try OffsetCheckpoint(.cleaner, in: "/d", disk).read() == [partition: ends[partition]])
        logs.close(now: 0)
    }

    // MARK: Random histories

    private struct History {
        struct Entry {
            var offset: Offset
            var key: String
            var value: String?
            var producer: ProducerID
        }
        var entries: [Entry] = []
        var markers: [(offset: Offset, producer: ProducerID, commit: Bool)] = []

        mutating func cut(to end: Offset) {
            entries.removeAll { $0.offset >= end }
            markers.removeAll { $0.offset >= end }
        }

        /// What a consumer with read_committed is left with, by key.
        func state(from start: Offset, below end: Offset) -> [String: String] {
            var state: [String: String] = [:]
            for entry in entries where entry.offset >= start && entry.offset < end {
                if entry.producer >= 0,
                    markers.first(where: { $0.producer == entry.producer && $0.offset > entry.offset })?.commit
                        != true
                {
                    continue
                }
                state[entry.key] = entry.value
            }
            return state
        }
    }

    private static func consume(_ log: PartitionLog) throws -> [String: String] {
        let visible = Set(try LogGoldenTests.committedOffsets(log))
        var state: [String: String] = [:]
        for record in try log.allRecords(upTo: .lastStableOffset) where visible.contains(record.offset) {
            let key = record.key.map { String(buffer: $0) } ?? ""
            state[key] = record.value.map { String(buffer: $0) }
        }
        return state
    }

    @Test(arguments: 0..<120)
    func aCompactedLogHasTheLastValueOfEachKeyWhateverCrashesInBetween(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let disk = ForgetfulFileSystem(seed: UInt64(seed) &+ 77)
        try disk.makeDirectory("/d")
        try disk.syncDirectory("/")
        var history = History()
        var now: Timestamp = 10_000
        var recoveryPoint: Offset = 0
        var flushed: Offset = 0
        var logStart: Offset = 0
        var checkpoint: Offset?
        var counter = 0
        for life in 0..<4 {
            var test = try TestLog("/d", disk, openFiles: 8)
            try disk.syncDirectory("/d")
            test.wasCompacted = true
            test.configuration.isCompacted = true
            test.configuration.segmentBytes = 700
            test.configuration.indexIntervalBytes = 150
            test.configuration.deleteRetentionMilliseconds = 500
            let log = try test.open(clean: life == 0, recoveryPoint: recoveryPoint, logStart: logStart, now: now)
            let context = "seed \(seed), life \(life)"
            #expect(log.offsets.logEnd >= flushed, "\(context): flushed records are gone")
            history.cut(to: log.offsets.logEnd)
            if let known = checkpoint, known > log.offsets.logEnd { checkpoint = nil }
            func verify(_ what: String) throws {
                log.updateHighWatermark(log.offsets.logEnd)
                let expected = history.state(from: logStart, below: log.offsets.lastStable)
                #expect(try Self.consume(log) == expected, "\(context) \(what)")
            }
            try verify("after the start")
            for _ in 0..<Int.random(in: 5..<60, using: &random) {
                now += 50
                let producer = ProducerID.random(in: 1...2, using: &random)
                let known = log.producers.first { $0.producerID == producer }
                switch Int.random(in: 0..<(seed % 3 == 0 ? 22 : 20), using: &random) {
                case 0..<12:
                    let isTransactional = Bool.random(using: &random)
                    let records = (0..<Int.random(in: 1...4, using: &random)).map { _ -> (String, String?) in
                        counter += 1
                        let key = "k\(Int.random(in: 0..<6, using: &random))"
                        return (key, Int.random(in: 0..<4, using: &random) == 0 ? nil : "v\(counter)")
                    }
                    let sequence = (known?.lastSequence ?? -1) + 1
                    let codec: Compression = Bool.random(using: &random) ? .none : Compression(.lz4)
                    let info = try log.append(
                        Self.batch(
                            records, timestamp: now, producerID: isTransactional ? producer : -1,
                            sequence: isTransactional ? sequence : -1, isTransactional: isTransactional,
                            compression: codec), now: now)
                    for (index, record) in records.enumerated() {
                        history.entries.append(
                            .init(
                                offset: info.firstOffset + Offset(index), key: record.0, value: record.1,
                                producer: isTransactional ? producer : -1))
                    }
                case 12..<16:
                    guard log.hasOpenTransaction(producer) else { break }
                    let commit = Bool.random(using: &random)
                    let info = try log.append(
                        .marker(producer, epoch: 0, commit: commit, timestamp: now), origin: .coordinator, now: now)
                    history.markers.append((info.firstOffset, producer, commit))
                case 16:
                    flushed = max(flushed, try log.flush())
                    recoveryPoint = log.offsets.recoveryPoint
                case 20...:
                    // As with cleanup.policy=compact,delete.
                    log.updateHighWatermark(log.offsets.logEnd)
                    let start = Offset.random(in: logStart...log.offsets.logEnd, using: &random)
                    try log.raiseLogStart(to: min(start, logStart + 10))
                    try log.deleteOldSegments(now: now)
                    // The checkpoint is written in time with this test.
                    logStart = log.offsets.logStart
                    try verify("after the removal of what lies below \(logStart)")
                default:
                    log.updateHighWatermark(log.offsets.logEnd)
                    if Bool.random(using: &random) { try log.roll(now: now) }
                    let result = try Self.clean(
                        log, from: checkpoint, mapBytes: Bool.random(using: &random) ? 24 * 5 : 1 << 16, now: now
                    ) {
                        recoveryPoint = log.offsets.recoveryPoint
                        flushed = max(flushed, recoveryPoint)
                    }
                    checkpoint = result.cleanedTo
                    try verify("after compaction to \(result.cleanedTo)")
                    if Bool.random(using: &random) { try log.removeDeletedFiles(now: .max) }
                }
            }
            // A compaction that the crash interrupts at any of its changes.
            log.updateHighWatermark(log.offsets.logEnd)
            disk.fail(
                after: Int.random(in: 0..<25, using: &random), with: EIO,
                [.write, .ftruncate, .unlink, .rename, .fsync, .fdatasync, .utimensat])
            _ = try? Self.clean(log, from: checkpoint, now: now) {
                recoveryPoint = log.offsets.recoveryPoint
                flushed = max(flushed, recoveryPoint)
            }
            disk.heal()
            log.abandon()
            disk.crash()
        }
    }
}

/// What Apache's cleaner has written.
@Suite struct CleaningGoldenTests {
    @Test(arguments: try LogGoldenTests.archives())
    func batchesThatKafkaHasFilteredAreThoseThatWeMake(_ file: URL) throws {
        try LogGoldenTests.withArchive(file) { archive in
            let manager = try LogGoldenTests.open(archive)
            defer { manager.close(now: LogGoldenTests.now) }
            for log in manager.logs {
                for batch in try log.allBatches() where batch.header.magic == 2 {
                    let header = batch.header
                    if header.recordCount == 0 {
                        #expect(RecordBatchBuilder.emptied(header) == batch.bytes, "\(log.topicPartition)")
                    } else if header.deleteHorizon != nil, !header.isCompressed {
                        var builder = RecordBatchBuilder(RecordBatchBuilder.Settings(header))
                        for record in try batch.allRecords() { builder.append(record) }
                        #expect(builder.finish(lastOffset: header.lastOffset) == batch.bytes, "\(log.topicPartition)")
                    }
                }
            }
        }
    }

    @Test(arguments: try LogGoldenTests.archives())
    func compactionOfKafkasLogsKeepsTheLastValueOfEachKeyAndAllOffsets(_ file: URL) throws {
        try LogGoldenTests.withArchive(file) { archive in
            let manager = try LogGoldenTests.open(archive)
            for log in manager.logs where log.topicPartition.topic.contains("compact") {
                func state() throws -> [ByteBuffer: ByteBuffer?] {
                    let visible = Set(try LogGoldenTests.committedOffsets(log))
                    var state: [ByteBuffer: ByteBuffer?] = [:]
                    for record in try log.allRecords() where visible.contains(record.offset) {
                        if let key = record.key { state[key] = record.value }
                    }
                    return state
                }
                let before = try state()
                let batches = try log.allBatches()
                try log.roll(now: LogGoldenTests.now)
                let end = log.offsets.logEnd
                var configuration = log.configuration
                configuration.isCompacted = true
                log.reconfigure(configuration)
                log.updateHighWatermark(end)
                let range = CleanerPlan.Range(
                    firstDirty: log.offsets.logStart, firstUncleanable: log.offsets.lastStable)
                // Before any horizon in the recording.
                _ = try log.clean(range, CleaningSettings(), now: 1_795_244_000_000)
                #expect(try state() == before, "\(archive.name) \(log.topicPartition)")
                #expect(log.offsets.logEnd == end)
                let known = Dictionary(
                    batches.map { ($0.header.lastOffset, $0.header) }, uniquingKeysWith: { first, _ in first })
                for batch in try log.allBatches() where batch.header.magic == 2 {
                    let old = known[batch.header.lastOffset]
                    #expect(old?.baseOffset == batch.header.baseOffset)
                    #expect(old?.baseSequence == batch.header.baseSequence)
                    #expect(batch.hasValidChecksum)
                }
            }
            manager.close(now: LogGoldenTests.now)
        }
    }
}
