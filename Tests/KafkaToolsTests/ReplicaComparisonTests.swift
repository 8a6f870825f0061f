// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaRecords
import NIOCore
import Testing

@testable import KafkaTools

@Suite struct ReplicaComparisonTests {
    private let name = KafkaClient.TopicPartition("t", 0)

    private func batch(at offset: Int64, _ values: String...) throws -> RecordBatch {
        var settings = RecordBatchBuilder.Settings()
        settings.baseOffset = offset
        var builder = RecordBatchBuilder(settings)
        for value in values { builder.append(timestamp: 1, key: nil, value: ByteBuffer(string: value)) }
        return try #require(try RecordBatches(builder.finish()).all().first)
    }

    private func compare(
        _ comparison: inout ReplicaComparison, _ answers: [BrokerID: ReplicaComparison.Fetched]
    ) -> [ReplicaComparison.Finding] { comparison.compare([name: answers]) }

    @Test func equalReplicasAreFollowedToTheHighWatermark() throws {
        var comparison = ReplicaComparison(replicas: [name: [1, 2]], from: [name: 0])
        let batches = [try batch(at: 0, "a", "b"), try batch(at: 2, "c")]
        let committed = ReplicaComparison.Fetched(highWatermark: 3, batches: batches)
        #expect(compare(&comparison, [1: committed, 2: committed]) == [])
        #expect(comparison.offsets == [name: 3])
        #expect(comparison.largestLag == .init(partition: name, offset: 3, lag: 0))
    }

    @Test func whatOneReplicaLacksOrDoesNotKnowToBeCommittedWaits() throws {
        var comparison = ReplicaComparison(replicas: [name: [1, 2]], from: [name: 0])
        let batches = [try batch(at: 0, "a"), try batch(at: 1, "b")]
        let leader = ReplicaComparison.Fetched(highWatermark: 2, batches: batches)
        #expect(compare(&comparison, [1: leader, 2: .init(highWatermark: 1, batches: batches)]) == [])
        #expect(comparison.offsets == [name: 1])
        #expect(comparison.largestLag == .init(partition: name, offset: 1, lag: 1))
        // Nor does a replica that is away let anything count as compared.
        #expect(compare(&comparison, [1: .init(highWatermark: 2, batches: [batches[1]])]) == [])
        #expect(comparison.offsets == [name: 1])
    }

    @Test func otherBytesAreFound() throws {
        var comparison = ReplicaComparison(replicas: [name: [1, 2, 3]], from: [name: 5])
        let good = try batch(at: 5, "a")
        let other = try batch(at: 5, "b")
        let findings = compare(
            &comparison,
            [
                1: .init(highWatermark: 6, batches: [good]), 2: .init(highWatermark: 6, batches: [other]),
                3: .init(highWatermark: 6, batches: [good]),
            ])
        #expect(
            findings == [
                .checksum(name, 5, first: 1, good.computedChecksum, second: 2, other.computedChecksum)
            ])
        #expect(
            findings.first?.description
                == "partition t-0 has unmatched checksum at offset 5; replica 1's checksum \(good.header.crc); replica 2's checksum \(other.header.crc)"
        )
        // The rest is compared all the same.
        #expect(comparison.offsets == [name: 6])
    }

    @Test func aFlippedBitIsFoundWhateverTheHeaderSays() throws {
        var comparison = ReplicaComparison(replicas: [name: [1, 2]], from: [name: 0])
        let good = try batch(at: 0, "a")
        var bytes = good.bytes
        let last = bytes.writerIndex - 2
        bytes.setInteger((bytes.getInteger(at: last) ?? UInt8(0)) ^ 1, at: last)
        let damaged = try #require(try RecordBatches(bytes).all().first)
        #expect(damaged.header.crc == good.header.crc)
        let findings = compare(
            &comparison, [1: .init(highWatermark: 1, batches: [good]), 2: .init(highWatermark: 1, batches: [damaged])])
        #expect(findings.count == 1)
    }

    @Test func batchesThatEndElsewhereEndTheComparison() throws {
        var comparison = ReplicaComparison(replicas: [name: [1, 2]], from: [name: 0])
        let findings = compare(
            &comparison,
            [
                1: .init(highWatermark: 2, batches: [try batch(at: 0, "a", "b")]),
                2: .init(highWatermark: 2, batches: [try batch(at: 0, "a")]),
            ])
        #expect(findings == [.offset(name, first: 1, 1, second: 2, 0)])
        #expect(findings.contains { $0.isFatal })
        #expect(findings.first?.description == "partition t-0: replica 1's offset 1 doesn't match replica 2's offset 0")
    }
}
