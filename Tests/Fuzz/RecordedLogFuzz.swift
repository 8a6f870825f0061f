// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaRecords
import LogStorage
import Logging
import NIOCore
import Synchronization

/// One wrong bit in one file of a partition that Apache Kafka has written. Opening it, reading all of it and closing it comes
/// to an end, and after a scan of all nothing with a wrong checksum comes out.
///
/// As with ``LogDirectoryFuzz``, one start stands for 200 iterations.
enum RecordedLogFuzz {
    private static let iterationsPerStart = 200
    /// Longer than any of these starts can take.
    private static let patience = Duration.seconds(60)

    private struct Sample {
        var partition: TopicPartition
        var name: String
        var files: [String: [UInt8]]
    }

    static func run(iterations: Int, seed: UInt64) throws -> String {
        var random = SeededRandom(seed: seed)
        let samples = try samples()
        let place = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let root = place + "/martlet-fuzz-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: root) }
        let current = Mutex<(String, ContinuousClock.Instant)>(("", .now))
        let watchdog = Thread {
            while true {
                Thread.sleep(forTimeInterval: 1)
                let (name, since) = current.withLock { $0 }
                if ContinuousClock.now - since > patience { fatalError("does not come to an end: \(name)") }
            }
        }
        watchdog.start()
        var counts: [String: Int] = [:]
        for _ in 0..<max(iterations / iterationsPerStart, 1) {
            var sample = samples[Int.random(in: 0..<samples.count, using: &random)]
            let names = sample.files.filter { !$0.value.isEmpty }.keys.sorted()
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            let bit = Int.random(in: 0..<(sample.files[name, default: []].count * 8), using: &random)
            sample.files[name]?[bit / 8] ^= 1 << UInt8(bit % 8)
            let isClean = Bool.random(using: &random)
            current.withLock { $0 = ("\(sample.name)/\(name), bit \(bit), clean \(isClean)", .now) }
            let outcome = try open(sample, in: root, isClean: isClean)
            counts["\(name.split(separator: ".").last ?? "") \(outcome)", default: 0] += 1
        }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private static func samples() throws -> [Sample] {
        var samples: [Sample] = []
        for archive in try GoldenFixtures.files("logs", suffix: ".tar.gz") {
            try GoldenFixtures.withTemporaryDirectory { root in
                try GoldenFixtures.untar(archive, into: root)
                let all = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
                while let entry = all?.nextObject() as? URL {
                    guard entry.hasDirectoryPath, let name = PartitionDirectoryName(entry.lastPathComponent),
                        name.role == .current
                    else { continue }
                    let names = try FileManager.default.contentsOfDirectory(atPath: entry.path)
                    // The name of a log directory may look like a partition's.
                    guard names.contains(where: { $0.hasSuffix(".log") }) else { continue }
                    var files: [String: [UInt8]] = [:]
                    for file in names {
                        // Of Kafka's indexes of active segments the rest is zeros.
                        let handle = try FileHandle(forReadingFrom: entry.appendingPathComponent(file))
                        files[file] = [UInt8](try handle.read(upToCount: 64 << 10) ?? Data())
                        try handle.close()
                    }
                    guard files.contains(where: { !$0.value.isEmpty }) else { continue }
                    samples.append(
                        Sample(
                            partition: name.partition, name: archive.lastPathComponent + "/" + entry.lastPathComponent,
                            files: files))
                }
            }
        }
        return samples
    }

    private static func open(_ sample: Sample, in root: String, isClean: Bool) throws -> String {
        try? FileManager.default.removeItem(atPath: root)
        let directory = root + "/" + sample.partition.description
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, bytes) in sample.files { try Data(bytes).write(to: URL(fileURLWithPath: directory + "/" + name)) }
        if isClean { try Data().write(to: URL(fileURLWithPath: root + "/.kafka_cleanshutdown")) }
        let logs = try LogDirectories.open(
            LogDirectoriesConfiguration(paths: [root], brokerID: 1, clusterID: "fuzz"), now: 1,
            logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in }
        defer { logs.close(now: 1) }
        guard let log = logs.log(for: sample.partition) else { return "offline" }
        log.updateHighWatermark(log.offsets.logEnd)
        do throws(LogError) {
            var next = log.offsets.logStart
            while next < log.offsets.logEnd {
                let read = try log.read(
                    from: next, maxBytes: 1, upTo: .lastStableOffset, atLeastOneBatch: true, as: .bytes)
                guard case .bytes(let buffer) = read.records else { break }
                var batches = RecordBatches(buffer)
                guard let batch = try? batches.next(), batch.header.nextOffset > next else { break }
                precondition(isClean || batch.hasValidChecksum, "a scanned log gave out a batch with a wrong checksum")
                next = batch.header.nextOffset
            }
            for time in [0, 1_732_000_000_000, Int64.max] as [Timestamp] {
                _ = try log.offset(for: .time(time), upTo: .lastStableOffset)
            }
            _ = try log.offset(for: .maximum, upTo: .logEnd)
            return "opened"
        } catch {
            return error.errorCode == .kafkaStorageError || error.errorCode == .offsetOutOfRange ? "named" : "\(error)"
        }
    }
}
