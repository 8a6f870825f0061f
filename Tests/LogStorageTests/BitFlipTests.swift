// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaRecords
import NIOCore
import Synchronization
import Testing

@testable import LogStorage

/// One bit of one file of a recorded partition is wrong. Opening it, reading all of it and asking for all that its indexes
/// know comes to an end, and what has changed is either named or what it was.
///
/// A sample; `make fuzz` draws more.
@Suite struct BitFlipTests {
    /// The files of a partition as they were recorded, and what is read from them when they are whole.
    struct Sample: CustomTestStringConvertible {
        var name: String
        var files: [String: [UInt8]]
        var testDescription: String { name }
    }

    struct Flip: CustomStringConvertible {
        var file: String
        var bit: Int
        var isClean: Bool
        var description: String { "\(file), byte \(bit / 8), bit \(bit % 8), \(isClean ? "clean" : "unclean")" }
    }

    /// All that a partition says of itself.
    struct Content: Equatable {
        var batches: [ByteBuffer] = []
        var offsets: LogOffsets
        var aborted: [AbortedTransaction] = []
        var times: [TimestampedOffset?] = []
        var epochs: [EpochEntry] = []
        var producers: [ProducerState] = []
        var topicID: KafkaUUID?
    }

    enum Outcome: Equatable {
        case same
        case named
        case changed(String)
    }

    // MARK: Samples

    static let samples = (try? readSamples()) ?? []

    private static func readSamples() throws -> [Sample] {
        var samples: [Sample] = []
        for archive in try LogGoldenTests.archives() {
            try LogGoldenTests.withArchive(archive) { archive in
                for directory in archive.directories {
                    let entries = try FileManager.default.contentsOfDirectory(
                        at: directory, includingPropertiesForKeys: nil)
                    for entry in entries
                    where PartitionDirectoryName(entry.lastPathComponent)?.role == .current {
                        var files: [String: [UInt8]] = [:]
                        for name in try FileManager.default.contentsOfDirectory(atPath: entry.path) {
                            // Kafka's index of an active segment has its full size; most of it is zeros.
                            let file = try FileHandle(forReadingFrom: entry.appendingPathComponent(name))
                            var bytes = [UInt8](try file.read(upToCount: 64 << 10) ?? Data())
                            try file.close()
                            if name.hasSuffix("index"), bytes.count > 1200, bytes[1200...].allSatisfy({ $0 == 0 }) {
                                bytes.removeLast(bytes.count - 1200)
                            }
                            files[name] = bytes
                        }
                        guard files.contains(where: { $0.key.hasSuffix(".log") && !$0.value.isEmpty }) else { continue }
                        samples.append(Sample(name: "\(archive.name)/\(entry.lastPathComponent)", files: files))
                    }
                }
            }
        }
        return samples
    }

    // MARK: One case

    static func disk(_ sample: Sample, _ flip: Flip?) throws -> TestLog {
        let disk = ForgetfulFileSystem(seed: 1)
        try disk.makeDirectory("/d")
        let test = try TestLog("/d", disk)
        for (name, bytes) in sample.files {
            var bytes = bytes
            if let flip, flip.file == name { bytes[flip.bit / 8] ^= 1 << UInt8(flip.bit % 8) }
            try disk.open(test.directory + "/" + name, .replace).write(ByteBuffer(bytes: bytes), at: 0)
        }
        return test
    }

    static func read(_ log: PartitionLog) throws -> Content {
        log.updateHighWatermark(.max)
        var content = Content(offsets: log.offsets)
        content.offsets.recoveryPoint = 0
        var next = log.offsets.logStart
        while next < log.offsets.logEnd {
            let read = try log.read(from: next, maxBytes: 1, upTo: .logEnd, atLeastOneBatch: true, as: .bytes)
            guard case .bytes(let bytes) = read.records else { break }
            var batches = RecordBatches(bytes)
            guard let batch = try batches.next(), batch.header.nextOffset > next else { break }
            content.batches.append(batch.bytes)
            next = batch.header.nextOffset
        }
        content.aborted = try log.abortedTransactions(from: log.offsets.logStart, upTo: log.offsets.logEnd)
        let times = try content.batches.map { bytes in
            try bytes.withUnsafeReadableBytes { try RecordBatchHeader(prefix: $0) }
        }
        for time in times.compactMap({ $0?.maxTimestamp }).suffix(3) + [0] {
            content.times.append(try log.offset(for: .time(time)))
        }
        content.times.append(try log.offset(for: .maximum))
        content.epochs = log.epochs.entries
        content.producers = log.producers
        content.topicID = log.topicID
        return content
    }

    static func outcome(_ sample: Sample, _ flip: Flip, _ whole: Content) throws -> Outcome {
        let test = try disk(sample, flip)
        do {
            let log = try test.open(clean: flip.isClean, recoveryPoint: flip.isClean ? whole.offsets.logEnd : 0)
            defer { log.abandon() }
            let content = try read(log)
            // Whoever knows the topic's id, as a leader's requests do, hears of another one.
            if let id = whole.topicID { try log.assignTopicID(id) }
            let isNamed = test.reports.list.contains {
                switch $0 {
                case .malformed, .truncated, .removedSegments, .rebuiltIndex, .impossibleStart, .startedOver: true
                default: false
                }
            }
            // Whatever has become of it, it goes on.
            try log.append(TestBatch(["appended"]), origin: .coordinator)
            try log.roll(now: 0)
            if isNamed { return .named }
            if content == whole { return .same }
            return .changed(difference(content, whole))
        } catch is LogError {
            return .named
        }
    }

    static func difference(_ found: Content, _ whole: Content) -> String {
        var parts: [String] = []
        if found.batches != whole.batches { parts.append("batches") }
        if found.offsets != whole.offsets { parts.append("offsets") }
        if found.aborted != whole.aborted { parts.append("aborted") }
        if found.times != whole.times { parts.append("times") }
        if found.epochs != whole.epochs { parts.append("epochs") }
        if found.producers != whole.producers { parts.append("producers") }
        if found.topicID != whole.topicID { parts.append("topic id") }
        return parts.joined(separator: " ")
    }

    // MARK: The rule

    /// What no checksum and no second copy of the same fact covers: a first offset that is another one within a hole that
    /// compaction has left, or behind which nothing comes after a crash; a leader epoch where neighbours and checkpoint bear it
    /// out; the numbers of the leader epoch checkpoint; an entry of the time index that names a later batch with the very
    /// timestamp.
    static func isExcused(_ flip: Flip, _ sample: Sample, _ change: String) -> Bool {
        if flip.file == LeaderEpochCheckpoint.name { return ["epochs", "times epochs"].contains(change) }
        if flip.file.hasSuffix(".timeindex") {
            return change == "times" && flip.bit / 8 % TimeIndexEntry.byteCount >= 8
        }
        guard flip.file.hasSuffix(".log"), let content = sample.files[flip.file] else { return false }
        var start = 0
        var next = SegmentFileName(flip.file)?.base ?? 0
        while case .header(let batch)? = header(content, at: start) {
            if flip.bit / 8 >= Int(batch.end) {
                start = Int(batch.end)
                next = batch.header.nextOffset
                continue
            }
            var damaged = content
            damaged[flip.bit / 8] ^= 1 << UInt8(flip.bit % 8)
            guard case .header(let found)? = header(damaged, at: start) else { return false }
            var following: Offset?
            if case .header(let batch)? = header(content, at: Int(batch.end)) { following = batch.firstStated }
            switch flip.bit / 8 - start {
            case ..<8:
                let isInOrder = found.firstStated >= next && found.lastOffset < following ?? .max
                return isInOrder && (following != nil || !flip.isClean)
            case 12..<16 where batch.header.magic >= 2: return !flip.isClean
            default: return false
            }
        }
        return false
    }

    private static func header(_ content: [UInt8], at position: Int) -> BatchHeader.Parsed? {
        guard position < content.count else { return nil }
        return content.withUnsafeBytes {
            BatchHeader.parse(UnsafeRawBufferPointer(rebasing: $0[position...]), at: Int64(position))
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func everyFlipIsFoundOrHealed(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        // Every kind of file as often as any other, whatever their sizes.
        var files: [String: [(sample: Int, file: String)]] = [:]
        for (index, sample) in Self.samples.enumerated() {
            for (name, bytes) in sample.files where !bytes.isEmpty {
                files[name.split(separator: ".").last.map(String.init) ?? name, default: []].append((index, name))
            }
        }
        var whole: [String: Content] = [:]
        let watchdog = Watchdog()
        defer { watchdog.stop() }
        for kind in files.keys.sorted() {
            let candidates = files[kind, default: []].sorted { ($0.sample, $0.file) < ($1.sample, $1.file) }
            for _ in 0..<12 {
                guard let (index, file) = candidates.randomElement(using: &random) else { continue }
                let sample = Self.samples[index]
                let bits = (sample.files[file]?.count ?? 0) * 8
                // What was damaged when it was recorded was never closed in order.
                let isSound = !sample.name.hasPrefix("unclean-before-recovery/")
                let flip = Flip(
                    file: file, bit: Int.random(in: 0..<bits, using: &random),
                    isClean: Bool.random(using: &random) && isSound)
                watchdog.begin("\(sample.name)/\(flip)")
                let key = "\(sample.name) \(flip.isClean)"
                let known = try whole[key] ?? Self.read(Self.disk(sample, nil).open(clean: flip.isClean))
                whole[key] = known
                if case .changed(let change) = try Self.outcome(sample, flip, known) {
                    #expect(Self.isExcused(flip, sample, change), "\(sample.name)/\(flip): \(change)")
                }
            }
        }
    }

    /// Ends the process, and says why, when one case takes longer than any file can excuse.
    private final class Watchdog: Sendable {
        private let state = Mutex<(name: String, since: ContinuousClock.Instant, isOver: Bool)>(("", .now, false))

        init() {
            Thread.detachNewThread { [self] in
                while true {
                    Thread.sleep(forTimeInterval: 1)
                    let (name, since, isOver) = state.withLock { $0 }
                    if isOver { return }
                    if ContinuousClock.now - since > .seconds(60) { fatalError("does not come to an end: \(name)") }
                }
            }
        }

        func begin(_ name: String) { state.withLock { $0 = (name, .now, false) } }
        func stop() { state.withLock { $0.isOver = true } }
    }
}
