// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaRecords
import LogStorage
import Logging
import NIOCore

/// Damages any file of a whole log directory, opens it, reads all that it has by offset and by time, and compacts it.
/// Nothing may trap or hang, and after a scan of all nothing with a wrong checksum may come out.
///
/// A start takes far longer than a decoder, so one of these stands for 200 iterations.
enum LogDirectoryFuzz {
    private static let partition = TopicPartition("fuzzed", 0)
    private static let iterationsPerStart = 200
    private static let firstOffset: Offset = 1000

    static func run(iterations: Int, seed: UInt64) throws -> String {
        var random = SeededRandom(seed: seed)
        // In memory where the system has such a place.
        let place = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let root = place + "/martlet-fuzz-\(getpid())"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        let sound = try makeSample(in: root)
        let names = sound.keys.sorted()
        var counts: [String: Int] = [:]
        for _ in 0..<max(iterations / iterationsPerStart, 1) {
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            let isClean = Bool.random(using: &random)
            var files = sound
            files[name] = random.mutated(sound[name] ?? [])
            files[".kafka_cleanshutdown"] = isClean ? [] : nil
            if !isClean { files["recovery-point-offset-checkpoint"] = nil }
            try write(files, in: root)
            let outcome = try open(root, isClean: isClean)
            counts["\(name.split(separator: ".").last ?? "") \(outcome)", default: 0] += 1
        }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private static func configuration(_ root: String) -> LogDirectoriesConfiguration {
        var configuration = LogDirectoriesConfiguration(paths: [root], brokerID: 1, clusterID: "fuzz")
        configuration.defaults.segmentBytes = 700
        configuration.defaults.indexIntervalBytes = 150
        configuration.defaults.isCompacted = true
        configuration.defaults.minimumCleanableDirtyRatio = 0
        return configuration
    }

    private static let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }

    // MARK: The directory

    /// Several segments, compacted up to the middle, with transactions, and a start inside of a segment.
    private static func makeSample(in root: String) throws -> [String: [UInt8]] {
        let configuration = configuration(root)
        let logs = try LogDirectories.open(configuration, now: 1, logger: logger) { _ in }
        let log = try logs.getOrCreateLog(
            partition, topicID: KafkaUUID(high: 0x1234, low: 0x5678), configuration: configuration.defaults, now: 1)
        // So that a first offset that is wrong can lie below the log.
        try log.truncateFullyAndStart(at: firstOffset, now: 1)
        var sequence: Int32 = 0
        for round in 0..<30 {
            if round == 15 {
                log.updateHighWatermark(log.offsets.logEnd)
                LogCleaner(logs, LogCleanerConfiguration(), logger: logger).cleanNext(now: 1)
            }
            var settings = RecordBatchBuilder.Settings()
            settings.baseOffset = log.offsets.logEnd
            settings.leaderEpoch = Int32(round / 10)
            settings.compression = round % 4 == 0 ? Compression(.lz4) : .none
            let isTransactional = round % 3 == 0
            if isTransactional {
                (settings.producerID, settings.producerEpoch, settings.isTransactional) = (7, 0, true)
                settings.baseSequence = sequence
                sequence += 3
            }
            var builder = RecordBatchBuilder(settings)
            for number in 0..<3 {
                builder.append(
                    timestamp: Int64(1000 + round), key: ByteBuffer(string: "key \(number + round % 2)"),
                    value: number == 2 ? nil : ByteBuffer(string: "value \(round)"))
            }
            _ = try log.appendAsFollower(builder.finish(), now: 1)
            guard isTransactional else { continue }
            var marker = RecordBatchBuilder.endTransaction(
                EndTransactionMarker(isCommit: round % 2 == 0, coordinatorEpoch: 0), producerID: 7, producerEpoch: 0,
                timestamp: Int64(1000 + round))
            marker.setInteger(log.offsets.logEnd, at: marker.readerIndex)
            _ = try log.appendAsFollower(marker, now: 1)
        }
        log.updateHighWatermark(log.offsets.logEnd)
        try log.raiseLogStart(to: firstOffset + 2)
        logs.close(now: 1)
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: root) {
            guard let content = FileManager.default.contents(atPath: root + "/" + name) else { continue }
            if !content.isEmpty, name != ".kafka_cleanshutdown" { files[name] = [UInt8](content) }
        }
        // What a crash in the middle of a compaction leaves.
        for name in files.keys.sorted() where name.contains("/" + SegmentFileName.digits(firstOffset) + ".") {
            files[name + ".swap"] = files[name]
        }
        return files
    }

    private static func write(_ files: [String: [UInt8]], in root: String) throws {
        try FileManager.default.removeItem(atPath: root)
        try FileManager.default.createDirectory(
            atPath: root + "/" + partition.description, withIntermediateDirectories: true)
        for (name, bytes) in files {
            try Data(bytes).write(to: URL(fileURLWithPath: root + "/" + name))
        }
    }

    // MARK: The attack

    private static func open(_ root: String, isClean: Bool) throws -> String {
        let logs: LogDirectories
        do throws(LogDirectoriesError) {
            logs = try LogDirectories.open(configuration(root), now: 1, logger: logger) { _ in }
        } catch {
            return "refused"
        }
        defer { logs.close(now: 1) }
        guard let log = logs.log(for: partition) else { return "offline" }
        log.updateHighWatermark(log.offsets.logEnd)
        do {
            try read(log, isClean: isClean)
            for time in [0, 1010, Int64.max] as [Timestamp] {
                _ = try log.offset(for: .time(time), upTo: .lastStableOffset)
            }
            _ = try log.offset(for: .maximum, upTo: .logEnd)
            LogCleaner(logs, LogCleanerConfiguration(), logger: logger).cleanNext(now: 1)
            try read(log, isClean: isClean)
            try append(to: log)
            return "opened"
        } catch let error as LogError {
            return error.errorCode == .kafkaStorageError || error.errorCode == .offsetOutOfRange ? "named" : "\(error)"
        }
    }

    /// Whatever has become of the log, it goes on, also into the next segment.
    private static func append(to log: PartitionLog) throws {
        for _ in 0..<10 {
            var settings = RecordBatchBuilder.Settings()
            settings.baseOffset = log.offsets.logEnd
            var builder = RecordBatchBuilder(settings)
            builder.append(timestamp: 2000, key: ByteBuffer(string: "key"), value: ByteBuffer(string: "appended"))
            _ = try log.appendAsFollower(builder.finish(), now: 1)
        }
    }

    private static func read(_ log: PartitionLog, isClean: Bool) throws {
        var next = log.offsets.logStart
        while next < log.offsets.logEnd {
            let read = try log.read(
                from: next, maxBytes: 1, upTo: .lastStableOffset, atLeastOneBatch: true, as: .bytes)
            guard case .bytes(let buffer) = read.records else { return }
            var batches = RecordBatches(buffer)
            guard let batch = try? batches.next(), batch.header.nextOffset > next else { return }
            precondition(isClean || batch.hasValidChecksum, "a scanned log gave out a batch with a wrong checksum")
            next = batch.header.nextOffset
        }
    }
}
