// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import KafkaRecords
import NIOCore
import Testing

@testable import LogStorage

/// What a start reads, how it tells of it, and that it may be interrupted.
@Suite struct RecoveryTests {
    private let partition = TopicPartition("t", 0)

    private func open(_ disk: ForgetfulFileSystem, threads: Int = 2) throws(LogDirectoriesError) -> LogDirectories {
        var configuration = LogDirectoriesConfiguration(paths: ["/a"], brokerID: 1, clusterID: "c")
        configuration.recoveryThreads = threads
        return try LogDirectories.open(configuration, fileSystem: disk, now: 0, logger: quiet) { _ in }
    }

    private func settings() -> LogConfiguration {
        var settings = LogConfiguration()
        settings.segmentBytes = 1000
        settings.indexIntervalBytes = 100
        return settings
    }

    /// A log of some twenty segments with producers and transactions, of which those below offset 60 are flushed.
    private func write(_ log: PartitionLog) throws {
        for number in 0..<120 {
            let time = Timestamp(1000 + number)
            switch number % 6 {
            case 4:
                try log.append(
                    TestBatch(
                        ["t \(number)"], timestamp: time, producerID: 9, epoch: 0, sequence: Int32(number / 6),
                        isTransactional: true), epoch: Int32(number / 50))
            case 5:
                try log.append(
                    TestBatch.marker(9, epoch: 0, commit: number % 12 == 5, timestamp: time),
                    epoch: Int32(number / 50), origin: .coordinator)
            default:
                try log.append(
                    TestBatch(
                        ["v \(number)", String(repeating: "x", count: 90)], timestamp: time, producerID: 7, epoch: 0,
                        sequence: Int32(number / 6 * 8 + number % 6 * 2)), epoch: Int32(number / 50))
            }
            if number == 60 { try log.flush() }
        }
    }

    private func files(_ disk: ForgetfulFileSystem, _ kind: SegmentFileName.Kind) throws -> [(
        base: Offset, size: Int64
    )] {
        try disk.list("/a/t-0").compactMap { SegmentFileName($0.name) }.filter { $0.kind == kind }.map(\.base).sorted()
            .map { base in
                let path = "/a/t-0/" + SegmentFileName(base: base, kind: kind).name
                return (base, try disk.status(of: path)?.size ?? 0)
            }
    }

    @Test func onlyWhatLiesBeyondTheRecoveryPointIsRead() throws {
        let disk = ForgetfulFileSystem(seed: 1)
        let manager = try open(disk)
        let log = try manager.getOrCreateLog(partition, topicID: nil, configuration: settings(), now: 0)
        try write(log)
        manager.checkpointRecoveryPoints()
        let point = log.offsets.recoveryPoint
        let segments = try files(disk, .log)
        let beyond = segments.suffix(from: try #require(segments.lastIndex { $0.base <= point }))
        #expect(segments.count > 15 && beyond.count < segments.count && beyond.count > 3)
        // Killed: what was written is in the kernel's cache.
        disk.kill()
        _ = disk.takeOpened()
        let again = try open(disk)
        let opened = disk.takeOpened()
        for (base, _) in segments {
            let isOpened = opened.contains("/a/t-0/" + SegmentFileName(base: base, kind: .log).name)
            #expect(isOpened == (base >= beyond[beyond.startIndex].base), "segment \(base)")
        }
        let bytes = beyond.reduce(0) { $0 + $1.size }
        #expect(
            again.progress
                == LoadProgress(
                    logsLoaded: 1, logsTotal: 1, segmentsRecovered: beyond.count, segmentsTotal: beyond.count,
                    bytesScanned: bytes, bytesTotal: bytes))
        #expect(again.progressByDirectory == ["/a": again.progress])
        again.close(now: 0)
        // And after an orderly stop, nothing but the end.
        _ = disk.takeOpened()
        let last = try open(disk)
        let read = disk.takeOpened().filter { $0.hasSuffix(".log") }
        #expect(read == ["/a/t-0/" + SegmentFileName(base: segments[segments.count - 1].base, kind: .log).name])
        #expect(last.progress == LoadProgress(logsLoaded: 1, logsTotal: 1))
        last.close(now: 0)
    }

    @Test func whatLiesBehindDamageIsNotWaitedFor() throws {
        let disk = ForgetfulFileSystem(seed: 2)
        let manager = try open(disk)
        let log = try manager.getOrCreateLog(partition, topicID: nil, configuration: settings(), now: 0)
        try write(log)
        let victim = try files(disk, .log)[8]
        try disk.open("/a/t-0/" + SegmentFileName(base: victim.base, kind: .log).name, .update)
            .write(ByteBuffer(bytes: [0xff]), at: 70)
        disk.kill()
        let again = try open(disk)
        #expect(again.progress.remainingLogs == 0 && again.progress.remainingSegments == 0)
        #expect(again.progress.remainingBytes == 0 && again.progress.segmentsRecovered == 9)
        #expect(again.log(for: partition)?.offsets.logEnd == victim.base)
    }

    /// All that recovery finds out.
    private struct Story: Equatable {
        var offsets: LogOffsets
        var values: [String]
        var epochs: [EpochEntry]
        var aborted: [AbortedTransaction]
        var producers: [ProducerState]
        var indexes: [Int64]

        init(_ log: PartitionLog) throws {
            offsets = log.offsets
            values = try log.allRecords().map { "\($0.offset) " + ($0.value.map { String(buffer: $0) } ?? "") }
            epochs = log.epochs.entries
            aborted = try log.abortedTransactions(from: 0, upTo: offsets.logEnd)
            producers = log.producers
            indexes = try log.published.withLock { $0.segments.all }.map { try $0.offsetIndex.usedBytes }
        }
    }

    @Test(arguments: 0..<12)
    func aRecoveryThatWasInterruptedEndsAsOneThatWasNot(_ seed: Int) throws {
        let disk = ForgetfulFileSystem(seed: UInt64(seed))
        let manager = try open(disk)
        let log = try manager.getOrCreateLog(partition, topicID: nil, configuration: settings(), now: 0)
        try disk.syncDirectory("/a")
        try write(log)
        manager.checkpointRecoveryPoints()
        disk.crash()
        let whole = disk.copy(seed: 1)
        let expected = try Story(#require(open(whole).log(for: partition)))
        for calls in 0..<60 {
            let broken = disk.copy(seed: UInt64(calls))
            broken.fail(
                after: calls, with: EIO, [.write, .ftruncate, .unlink, .rename, .fsync, .fdatasync, .utimensat],
                under: "/a")
            _ = try? open(broken, threads: 1)
            broken.crash()
            broken.heal()
            let story = try Story(#require(open(broken).log(for: partition)))
            #expect(story == expected, "interrupted at call \(calls)")
        }
    }

    @Test func theTimeLeftIsTold() {
        var meter = RecoveryMeter()
        meter.planned(in: "/a", [.init(segments: 2, bytes: 600), .init(segments: 1, bytes: 200)])
        meter.planned(in: "/b", [.init()])
        #expect(meter.total.timeLeft(after: .seconds(1)) == nil)
        #expect(meter.due(after: .seconds(4)) == nil)
        meter.scanned(200, in: "/a")
        #expect(meter.due(after: .seconds(5))?.timeLeft(after: .seconds(5)) == .seconds(15))
        #expect(meter.due(after: .seconds(9)) == nil && meter.due(after: .seconds(10)) != nil)
        // The first log turns out to be damaged in its first segment.
        meter.recoveredSegment(in: "/a")
        meter.finished(in: "/a", .init(segments: 2, bytes: 600), did: .init(segments: 1, bytes: 200))
        #expect(meter.total.remainingLogs == 2 && meter.total.remainingSegments == 1)
        #expect(meter.total.remainingBytes == 200)
        #expect(meter.directories["/b"]?.remainingLogs == 1)
        // Without anything to scan logs are what takes time.
        let clean = LoadProgress(logsLoaded: 25, logsTotal: 100)
        #expect(clean.timeLeft(after: .seconds(2)) == .seconds(6))
    }
}
