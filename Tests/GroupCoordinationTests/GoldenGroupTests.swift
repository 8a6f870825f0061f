// SPDX-License-Identifier: Apache-2.0

import Coordination
import Foundation
import GoldenFixtures
import GroupCoordination
import KafkaModel
import KafkaRecords
import NIOCore
import Testing

/// The `__consumer_offsets` partitions that Apache Kafka wrote load to what its own coordinators reported.
@Suite struct GoldenGroupTests {
    /// Log directories, by the stem of the archive.
    static func archives() throws -> [URL] {
        try GoldenFixtures.files("logs", suffix: ".tar.gz")
    }

    /// The archives of which it is known what the coordinators said, and the file that says it.
    static func views() throws -> [(archive: URL, view: URL)] {
        let archives = try archives()
        return try GoldenFixtures.files("logs", suffix: ".consumer-view.jsonl").compactMap { view in
            let stem = String(view.lastPathComponent.dropLast(".consumer-view.jsonl".count))
            // A view of a whole cluster is that of its first broker, which stopped last.
            let names = ["\(stem).tar.gz", "\(stem)-broker-1.tar.gz"]
            return archives.first { names.contains($0.lastPathComponent) }.map { ($0, view) }
        }
    }

    @Test func groupsAndPositionsAreThoseThatKafkaReported() throws {
        var compared = 0
        for (archive, view) in try Self.views() {
            let expected = try GoldenFixtures.jsonLines(view).filter { $0["group"] != nil }
            try GoldenFixtures.withTemporaryDirectory { directory in
                try GoldenFixtures.untar(archive, into: directory)
                let coordinators = try Self.partitions(in: directory).map { try Self.coordinator($0) }
                for line in expected {
                    let name = try #require(line["group"] as? String)
                    let owners = coordinators.filter { $0.describe(name).state != "Dead" }
                    guard let owner = owners.first, owners.count == 1 else {
                        Issue.record("\(archive.lastPathComponent): \(name) is in \(owners.count) partitions")
                        continue
                    }
                    let group = owner.describe(name)
                    #expect(group.state == line["state"] as? String, "\(name)")
                    #expect(group.protocolType == line["protocol_type"] as? String, "\(name)")
                    #expect(group.members.count == (line["members"] as? [Any])?.count, "\(name)")
                    let offsets = (line["offsets"] as? [[String: Any]] ?? []).compactMap { offset -> String? in
                        guard let topic = offset["topic"], let partition = offset["partition"],
                            let position = offset["offset"], let metadata = offset["metadata"]
                        else { return nil }
                        return "\(topic)-\(partition): \(position) \(offset["leader_epoch"] ?? "") \(metadata)"
                    }
                    let mine = owner.fetchOffsets(OffsetFetch(group: name, partitions: nil)).partitions.map {
                        "\($0.partition): \($0.offset) \($0.leaderEpoch) \($0.metadata)"
                    }
                    #expect(mine.sorted() == offsets.sorted(), "\(archive.lastPathComponent): \(name)")
                    compared += 1
                }
            }
        }
        #expect(compared > 0)
    }

    @Test func everyRecordIsEncodedToTheSameBytes() throws {
        var count = 0
        for archive in try Self.archives() {
            try GoldenFixtures.withTemporaryDirectory { directory in
                try GoldenFixtures.untar(archive, into: directory)
                for partition in try Self.partitions(in: directory) {
                    for batch in try Self.batches(partition) where !batch.header.isControl {
                        for record in try batch.allRecords() {
                            let key = try #require(record.key)
                            let read = try #require(try OffsetsRecord(key: key, value: record.value))
                            let version = record.value?.getInteger(at: record.value?.readerIndex ?? 0, as: Int16.self)
                            let written = try read.encoded(valueVersion: version ?? 0)
                            #expect(written.value == record.value)
                            // Version 0 of the key has the same fields.
                            #expect(written.key == key)
                            count += 1
                        }
                    }
                }
            }
        }
        #expect(count > 0)
    }

    private static func partitions(in directory: URL) throws -> [URL] {
        var partitions: [URL] = []
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            let name = file.lastPathComponent
            if name.hasPrefix("__consumer_offsets-"), Int(name.dropFirst("__consumer_offsets-".count)) != nil {
                partitions.append(file)
            }
        }
        return partitions
    }

    private static func batches(_ partition: URL) throws -> [RecordBatch] {
        try FileManager.default.contentsOfDirectory(atPath: partition.path)
            .filter { $0.hasSuffix(".log") }.sorted()
            .flatMap { file in
                let bytes = try Data(contentsOf: partition.appendingPathComponent(file))
                return try RecordBatches(ByteBuffer(bytes: bytes)).all()
            }
    }

    private static func coordinator(_ partition: URL) throws -> GroupCoordinator {
        var coordinator = GroupCoordinator(configuration: GroupConfiguration())
        for batch in try batches(partition) {
            try coordinator.load(batch, now: CoordinatorTime(uptime: 0, wallClock: 0))
        }
        _ = coordinator.finishLoading(now: CoordinatorTime(uptime: 0, wallClock: 0))
        return coordinator
    }
}
