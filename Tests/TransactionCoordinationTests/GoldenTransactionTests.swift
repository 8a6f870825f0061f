// SPDX-License-Identifier: Apache-2.0

import Coordination
import Foundation
import GoldenFixtures
import KafkaModel
import KafkaRecords
import NIOCore
import Testing
import TransactionCoordination

/// The `__transaction_state` partitions that Apache Kafka wrote load to what its own coordinators reported.
@Suite struct GoldenTransactionTests {
    @Test func transactionsAreThoseThatKafkaReported() throws {
        var compared = 0
        let archives = try GoldenFixtures.files("logs", suffix: ".tar.gz")
        for view in try GoldenFixtures.files("logs", suffix: ".consumer-view.jsonl") {
            let stem = String(view.lastPathComponent.dropLast(".consumer-view.jsonl".count))
            // A view of a whole cluster is that of its first broker, which stopped last.
            let names = ["\(stem).tar.gz", "\(stem)-broker-1.tar.gz"]
            guard let archive = archives.first(where: { names.contains($0.lastPathComponent) }) else { continue }
            let expected = try GoldenFixtures.jsonLines(view).filter { $0["transactional_id"] != nil }
            try GoldenFixtures.withTemporaryDirectory { directory in
                try GoldenFixtures.untar(archive, into: directory)
                let coordinators = try Self.partitions(in: directory).map { try Self.coordinator($0) }
                for line in expected {
                    let id = try #require(line["transactional_id"] as? String)
                    let found = coordinators.compactMap { $0.describe(id).snapshot }
                    guard let snapshot = found.first, found.count == 1 else {
                        Issue.record("\(archive.lastPathComponent): \(id) is in \(found.count) partitions")
                        continue
                    }
                    #expect(snapshot.state.name == line["state"] as? String, "\(id)")
                    #expect(Int(snapshot.producer.id) == line["producer_id"] as? Int, "\(id)")
                    #expect(Int(snapshot.producer.epoch) == line["producer_epoch"] as? Int, "\(id)")
                    #expect(Int(snapshot.timeout) == line["timeout_ms"] as? Int, "\(id)")
                    #expect(Int(snapshot.start) == line["start_time"] as? Int, "\(id)")
                    #expect(
                        snapshot.partitions.map(\.description).sorted()
                            == (line["partitions"] as? [String])?.sorted(), "\(id)")
                    compared += 1
                }
            }
        }
        #expect(compared > 0)
    }

    @Test func everyRecordIsEncodedToTheSameBytes() throws {
        var count = 0
        for archive in try GoldenFixtures.files("logs", suffix: ".tar.gz") {
            try GoldenFixtures.withTemporaryDirectory { directory in
                try GoldenFixtures.untar(archive, into: directory)
                for partition in try Self.partitions(in: directory) {
                    for batch in try Self.batches(partition) {
                        for record in try batch.allRecords() {
                            let key = try #require(record.key)
                            let read = try #require(try TransactionRecord(key: key, value: record.value))
                            let written = try read.encoded()
                            #expect(written.key == key)
                            #expect(written.value == record.value)
                            count += 1
                        }
                    }
                }
            }
        }
        #expect(count > 0)
    }

    @Test func whatIsNoTransactionIsRefused() throws {
        let (key, value) = try TransactionRecord(
            transactionalID: "t",
            value: TransactionSnapshot(
                producer: ProducerIdentity(id: 1, epoch: 2), timeout: 3, state: .ongoing,
                partitions: [TopicPartition("a", 0)], lastUpdate: 4, start: 5)
        ).encoded()
        let bytes = try #require(value)
        for length in 0..<bytes.readableBytes {
            let part = bytes.getSlice(at: bytes.readerIndex, length: length)
            #expect(throws: (any Error).self) { try TransactionRecord(key: key, value: part) }
        }
        var unknownState = bytes
        unknownState.setInteger(Int8(6), at: bytes.readerIndex + 16)
        #expect(throws: UnknownTransactionState(number: 6)) { try TransactionRecord(key: key, value: unknownState) }
        var unknownKey = key
        unknownKey.setInteger(Int16(9), at: key.readerIndex)
        #expect(try TransactionRecord(key: unknownKey, value: bytes) == nil)
    }

    private static func partitions(in directory: URL) throws -> [URL] {
        var partitions: [URL] = []
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            let name = file.lastPathComponent
            if name.hasPrefix("__transaction_state-"), Int(name.dropFirst("__transaction_state-".count)) != nil {
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

    private static func coordinator(_ partition: URL) throws -> TransactionCoordinator {
        var coordinator = TransactionCoordinator(configuration: TransactionConfiguration(), coordinatorEpoch: 0)
        for batch in try batches(partition) {
            try coordinator.load(batch, now: CoordinatorTime(uptime: 0, wallClock: 0))
        }
        _ = coordinator.finishLoading(now: CoordinatorTime(uptime: 0, wallClock: 0))
        return coordinator
    }
}
