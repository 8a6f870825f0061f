// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaRecords
import Testing

@testable import LogStorage

/// Log directories that Apache's broker has written.
@Suite struct LogGoldenTests {
    static let now: Timestamp = 1_795_250_000_000

    /// An unpacked archive and the log directories in it.
    struct Archive {
        var name: String
        var directories: [URL]

        /// The file that says what Kafka's own classes read from one of the directories.
        func expected(_ directory: URL) throws -> [[String: Any]]? {
            for name in ["\(name).expected.jsonl.gz", "\(name).\(directory.lastPathComponent).expected.jsonl.gz"] {
                let file = GoldenFixtures.directory("logs").appendingPathComponent(name)
                if FileManager.default.fileExists(atPath: file.path) { return try GoldenFixtures.jsonLines(file) }
            }
            return nil
        }
    }

    static func archives() throws -> [URL] { try GoldenFixtures.files("logs", suffix: ".tar.gz") }

    static func withArchive<Result>(_ file: URL, _ body: (Archive) throws -> Result) throws -> Result {
        try GoldenFixtures.withTemporaryDirectory { root in
            try GoldenFixtures.untar(file, into: root)
            var directories: [URL] = []
            let all = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
            while let entry = all?.nextObject() as? URL {
                if entry.lastPathComponent == "meta.properties" {
                    directories.append(entry.deletingLastPathComponent())
                }
            }
            directories.sort { $0.path < $1.path }
            let name = String(file.lastPathComponent.dropLast(".tar.gz".count))
            return try body(Archive(name: name, directories: directories))
        }
    }

    static func configuration(_ directories: [URL]) throws -> LogDirectoriesConfiguration {
        let meta = try #require(try MetaProperties.read(in: directories[0].path, PosixFileSystem()))
        var configuration = LogDirectoriesConfiguration(
            paths: directories.map(\.path), brokerID: try #require(meta.brokerID), clusterID: meta.clusterID)
        configuration.recoveryThreads = 2
        // Nobody expires while the recording grows old.
        configuration.producerExpiration = .max
        return configuration
    }

    static func open(_ archive: Archive, topics: [String: LogConfiguration] = [:]) throws -> LogDirectories {
        var configuration = try configuration(archive.directories)
        configuration.topics = topics
        return try LogDirectories.open(configuration, now: now, logger: quiet) { _ in }
    }

    private static func isUnclean(_ directory: URL) -> Bool {
        !FileManager.default.fileExists(atPath: directory.appendingPathComponent(".kafka_cleanshutdown").path)
    }

    /// What is expected of one partition's directory.
    private struct Expected {
        var batches: [[String: Any]] = []
        var records: [[String: Any]] = []
    }

    private static func expected(_ lines: [[String: Any]]) -> [String: Expected] {
        var all: [String: Expected] = [:]
        for line in lines {
            guard let directory = line["dir"] as? String else { continue }
            switch line["kind"] as? String {
            case "batch" where line["valid"] as? Bool == true: all[directory, default: Expected()].batches.append(line)
            case "record": all[directory, default: Expected()].records.append(line)
            case "log": all[directory, default: Expected()].batches += []
            default: break
            }
        }
        return all
    }

    @Test(arguments: try archives())
    func everyLogOpensAndGivesBackWhatKafkaRead(_ file: URL) throws {
        try Self.withArchive(file) { archive in
            let hasDamage = archive.name.contains("before-recovery")
            let manager = try Self.open(archive)
            defer { manager.close(now: Self.now) }
            #expect(manager.offlinePaths.isEmpty)
            for directory in archive.directories {
                guard let lines = try archive.expected(directory) else { continue }
                for (name, expected) in Self.expected(lines) {
                    guard let parsed = PartitionDirectoryName(name), parsed.role == .current || parsed.role == .future
                    else { continue }
                    let log = try #require(
                        parsed.role == .current
                            ? manager.log(for: parsed.partition) : manager.futureLog(for: parsed.partition),
                        "\(archive.name) \(name)")
                    try Self.check(log, expected, allowingLoss: hasDamage, "\(archive.name) \(name)")
                }
            }
        }
    }

    private static func check(
        _ log: PartitionLog, _ expected: Expected, allowingLoss: Bool, _ name: String
    ) throws {
        let found = try log.allBatches()
        let start = log.offsets.logStart
        var batches = expected.batches.filter { ($0["last_offset"] as? Int64 ?? -1) >= start }
        if allowingLoss { batches = Array(batches.prefix(found.count)) }
        #expect(found.count == batches.count, "\(name)")
        for (batch, wanted) in zip(found, batches) {
            #expect(batch.header.lastOffset == wanted["last_offset"] as? Int64, "\(name)")
            #expect(batch.header.sizeInBytes == wanted["size"] as? Int, "\(name)")
            #expect(Int64(batch.header.crc) == wanted["crc"] as? Int64, "\(name)")
            #expect(Int(batch.header.magic) == wanted["magic"] as? Int, "\(name)")
            #expect(batch.hasValidChecksum, "\(name)")
            // By position of the segment and in it, too: that is what the indexes lead to.
            let position = try log.position(of: max(batch.header.baseOffset, start))
            #expect(position.position == wanted["position"] as? Int64, "\(name) \(batch.header.baseOffset)")
            #expect(SegmentFileName.digits(position.segmentBase) == wanted["segment"] as? String, "\(name)")
        }
        let records = try found.flatMap { try $0.allRecords() }
        var wanted = expected.records
        let first = found.first.flatMap { try? $0.firstOffset() } ?? .max
        wanted.removeAll { ($0["offset"] as? Int64 ?? -1) < first }
        if allowingLoss { wanted = Array(wanted.prefix(records.count)) }
        #expect(records.map(\.offset) == wanted.compactMap { $0["offset"] as? Int64 }, "\(name)")
        #expect(records.map(\.timestamp) == wanted.compactMap { $0["timestamp"] as? Int64 }, "\(name)")
    }

    @Test(arguments: try archives())
    func afterAnAppendAndAStopTheFilesAreReadByAnIndependentReader(_ file: URL) throws {
        try Self.withArchive(file) { archive in
            let manager = try Self.open(archive)
            var ends: [String: (Offset, Int)] = [:]
            for log in manager.logs {
                let before = try log.allBatches().count
                var sequence: Int32 = 0
                for count in 1...3 {
                    try log.append(
                        TestBatch(
                            (0..<count).map { "value \($0)" }, timestamp: Self.now, producerID: 777, epoch: 0,
                            sequence: sequence), epoch: 1000, now: Self.now)
                    sequence += Int32(count)
                }
                ends[log.path] = (log.offsets.logEnd, before + 3)
            }
            manager.close(now: Self.now)
            for (path, (end, count)) in ends {
                let reader = try IndependentLogReader(path)
                #expect(reader.nextOffset == end, "\(path)")
                #expect(reader.batches.count >= count, "\(path)")
                #expect(reader.problems == [], "\(path)")
                #expect(reader.snapshotOffsets.last == end, "\(path)")
                #expect(reader.epochs.last?.0 == 1000, "\(path)")
            }
            // And by us, after a stop that was clean.
            let again = try Self.open(archive)
            defer { again.close(now: Self.now) }
            for log in again.logs { #expect(log.offsets.logEnd == ends[log.path]?.0, "\(log.path)") }
        }
    }

    /// Settings as `segment.bytes=2000;index.interval.bytes=100`.
    private static func configuration(_ text: String) -> LogConfiguration {
        var configuration = LogConfiguration()
        for setting in text.split(separator: ";") {
            let parts = setting.split(separator: "=")
            guard parts.count == 2, let number = Int(parts[1]) else { continue }
            switch parts[0] {
            case "segment.bytes": configuration.segmentBytes = number
            case "index.interval.bytes": configuration.indexIntervalBytes = number
            default: break
            }
        }
        return configuration
    }

    private static func cases(_ prefix: String) throws -> [[String: Any]] {
        let file = GoldenFixtures.directory("logs").appendingPathComponent("\(prefix).cases.jsonl")
        return FileManager.default.fileExists(atPath: file.path) ? try GoldenFixtures.jsonLines(file) : []
    }

    /// Archives with a description of the damage: `X-before-recovery.tar.gz` and `X.cases.jsonl`.
    static func damaged() throws -> [URL] {
        try archives().filter { $0.lastPathComponent.hasSuffix("-before-recovery.tar.gz") }
    }

    @Test(arguments: try damaged())
    func damagedLogsRecoverToWhereKafkaRecoveredThem(_ file: URL) throws {
        let prefix = String(file.lastPathComponent.dropLast("-before-recovery.tar.gz".count))
        let cases = try Self.cases(prefix)
        var topics: [String: LogConfiguration] = [:]
        for entry in cases {
            guard let topic = entry["topic"] as? String else { continue }
            topics[topic] = Self.configuration(entry["topic_config"] as? String ?? "")
        }
        try Self.withArchive(file) { archive in
            let manager = try Self.open(archive, topics: topics)
            for entry in cases {
                let topic = try #require(entry["topic"] as? String)
                let log = try #require(manager.log(for: TopicPartition(topic, entry["partition"] as? Int32 ?? 0)))
                log.updateHighWatermark(log.offsets.logEnd)
                let offsets = log.offsets
                #expect(offsets.logStart == entry["recovered_log_start_offset"] as? Int64, "\(topic)")
                #expect(offsets.logEnd == entry["recovered_log_end_offset"] as? Int64, "\(topic)")
                #expect(offsets.lastStable == entry["recovered_last_stable_offset"] as? Int64, "\(topic)")
                #expect(
                    try log.allRecords(upTo: .highWatermark).count == entry["records_read_uncommitted"] as? Int,
                    "\(topic)")
                #expect(
                    try Self.committedOffsets(log).count == entry["records_read_committed"] as? Int, "\(topic)")
            }
            manager.close(now: Self.now)
            // Indexes, epochs and aborted transactions are now as Kafka's own recovery left them.
            let after = GoldenFixtures.directory("logs").appendingPathComponent(
                "\(prefix)-after-recovery.expected.jsonl.gz")
            guard FileManager.default.fileExists(atPath: after.path) else { return }
            for line in try GoldenFixtures.jsonLines(after) where line["kind"] as? String == "log" {
                let name = try #require(line["dir"] as? String)
                guard cases.contains(where: { "\($0["topic"] ?? "")-0" == name }) else { continue }
                try Self.compareFiles(archive.directories[0].appendingPathComponent(name), line)
            }
        }
    }

    private static func compareFiles(_ directory: URL, _ line: [String: Any]) throws {
        let reader = try IndependentLogReader(directory.path)
        #expect(reader.problems == [], "\(directory.lastPathComponent)")
        for file in line["files"] as? [[String: Any]] ?? [] {
            let name = try #require(file["name"] as? String)
            let path = directory.appendingPathComponent(name)
            let context = "\(directory.lastPathComponent)/\(name)"
            if let entries = file["entries"] as? [[Int64]] {
                #expect(reader.indexes[name] == entries, "\(context)")
            } else if let text = file["text"] as? String {
                #expect(String(decoding: try Data(contentsOf: path), as: UTF8.self) == text, "\(context)")
            } else if let aborted = file["aborted"] as? [[String: Any]] {
                let entries = try TransactionIndex.parse([UInt8](try Data(contentsOf: path)), path: context)
                #expect(entries.map(\.firstOffset) == aborted.compactMap { $0["first_offset"] as? Int64 }, "\(context)")
                #expect(entries.map(\.lastOffset) == aborted.compactMap { $0["last_offset"] as? Int64 }, "\(context)")
                #expect(
                    entries.map(\.lastStable) == aborted.compactMap { $0["last_stable_offset"] as? Int64 }, "\(context)"
                )
            } else if let producers = file["producers"] as? [[String: Any]] {
                let states = try ProducerSnapshot.decode([UInt8](try Data(contentsOf: path)), path: context)
                // Kafka's recovery forgets some producers whose segments it does not scan; we may know more.
                let known = Set(states.map(\.producerID))
                #expect(known.isSuperset(of: producers.compactMap { $0["producer_id"] as? Int64 }), "\(context)")
                for state in states {
                    guard let wanted = producers.first(where: { $0["producer_id"] as? Int64 == state.producerID })
                    else { continue }
                    #expect(state.lastOffset == wanted["last_offset"] as? Int64, "\(context)")
                    #expect(Int(state.lastSequence) == wanted["last_sequence"] as? Int, "\(context)")
                    #expect(state.transactionStart ?? -1 == wanted["current_txn_first_offset"] as? Int64, "\(context)")
                }
            }
        }
    }

    /// What a consumer with read_committed is left with, after it has dropped the aborted.
    static func committedOffsets(_ log: PartitionLog) throws -> [Offset] {
        var next = log.offsets.logStart
        var offsets: [Offset] = []
        while true {
            let read = try log.read(
                from: next, maxBytes: 700, upTo: .lastStableOffset, atLeastOneBatch: true, as: .bytes)
            guard case .bytes(let buffer) = read.records, buffer.readableBytes > 0 else { return offsets }
            let start = next
            var pending = (read.abortedTransactions ?? [])[...]
            var aborting: Set<ProducerID> = []
            var batches = RecordBatches(buffer)
            while let batch = try batches.next() {
                while let first = pending.first, first.firstOffset <= batch.header.lastOffset {
                    aborting.insert(first.producerID)
                    pending = pending.dropFirst()
                }
                if let marker = try batch.endTransactionMarker() {
                    if !marker.isCommit { aborting.remove(batch.header.producerID) }
                } else if !batch.header.isControl,
                    !(batch.header.isTransactional && aborting.contains(batch.header.producerID))
                {
                    offsets += try batch.allRecords().map(\.offset).filter { $0 >= next }
                }
                next = batch.header.nextOffset
            }
            // A damaged offset leads nowhere.
            guard next > start else { return offsets }
        }
    }

    /// Archives of single brokers, or of the one that led, and what consumers saw: `X.consumer-view.jsonl`.
    private static func consumerView(_ archive: Archive) throws -> [[String: Any]] {
        // The view of a cluster is told by the broker that stopped last, the first.
        var names = [archive.name]
        if archive.name.hasSuffix("-broker-1") { names.append(String(archive.name.dropLast("-broker-1".count))) }
        for name in names {
            let file = GoldenFixtures.directory("logs").appendingPathComponent("\(name).consumer-view.jsonl")
            if FileManager.default.fileExists(atPath: file.path) { return try GoldenFixtures.jsonLines(file) }
        }
        return []
    }

    @Test(arguments: try archives())
    func consumersSeeWhatTheySawOfKafka(_ file: URL) throws {
        try Self.withArchive(file) { archive in
            let view = try Self.consumerView(archive)
            let manager = try Self.open(archive)
            defer { manager.close(now: Self.now) }
            for line in view {
                // The coordinators went on writing to their topics while they were looked at.
                guard let topic = line["topic"] as? String, !topic.hasPrefix("__"),
                    let partition = line["partition"] as? Int32,
                    let log = manager.log(for: TopicPartition(topic, partition))
                else { continue }
                let name = "\(archive.name) \(log.topicPartition)"
                let offsets = log.offsets
                #expect(offsets.logStart == line["beginning_offset"] as? Int64, "\(name)")
                let seen = line["offsets"] as? [Int64] ?? []
                if line["isolation"] as? String == "read_committed" {
                    #expect(offsets.lastStable == line["end_offset"] as? Int64, "\(name)")
                    #expect(try Self.committedOffsets(log) == seen, "\(name)")
                } else {
                    #expect(offsets.highWatermark == line["end_offset"] as? Int64, "\(name)")
                    #expect(try log.allRecords(upTo: .highWatermark).map(\.offset) == seen, "\(name)")
                }
                for question in line["list_offsets"] as? [[String: Any]] ?? [] {
                    let time = try #require(question["timestamp"] as? Int64)
                    let limit: ReadLimit =
                        line["isolation"] as? String == "read_committed" ? .lastStableOffset : .highWatermark
                    // Old formats of inter.broker.protocol.version 2.8 refuse, which is the broker's business.
                    if question["error"] != nil { continue }
                    let answer = try log.offset(for: time == -3 ? .maximum : .time(time), upTo: limit)
                    #expect(answer?.offset ?? -1 == question["offset"] as? Int64, "\(name) at \(time)")
                    #expect(answer?.timestamp ?? -1 == question["found_timestamp"] as? Int64, "\(name) at \(time)")
                    #expect(
                        answer?.leaderEpoch ?? -1 == question["leader_epoch"] as? Int32 ?? -1, "\(name) at \(time)")
                }
            }
        }
    }
}
