// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords

/// Compares what replicas hold, batch by batch, as far as all of them have it and know it to be committed.
///
/// A machine: what was fetched goes in, findings come out, and ``offsets`` says where to fetch next.
struct ReplicaComparison {
    /// What a replica answered to a fetch. A replica that did not answer has nothing.
    struct Fetched {
        var highWatermark: Offset = -1
        var batches: [RecordBatch] = []
    }

    enum Finding: Equatable, CustomStringConvertible {
        /// Different bytes at the same place.
        case checksum(TopicPartition, Offset, first: BrokerID, UInt32, second: BrokerID, UInt32)
        /// Batches that end at different places: there is nothing to compare from there on.
        case offset(TopicPartition, first: BrokerID, Offset, second: BrokerID, Offset)

        var isFatal: Bool { if case .offset = self { true } else { false } }

        var description: String {
            switch self {
            case .checksum(let partition, let offset, let first, let one, let second, let other):
                "partition \(partition) has unmatched checksum at offset \(offset); replica \(first)'s checksum \(one); replica \(second)'s checksum \(other)"
            case .offset(let partition, let first, let one, let second, let other):
                "partition \(partition): replica \(first)'s offset \(one) doesn't match replica \(second)'s offset \(other)"
            }
        }
    }

    /// The partition that is furthest behind: how many offsets are committed and not compared yet.
    struct Lag: Equatable {
        var partition: TopicPartition
        var offset: Offset
        var lag: Offset
    }

    let replicas: [TopicPartition: [BrokerID]]
    /// Where each partition is to be fetched next; everything before is compared.
    private(set) var offsets: [TopicPartition: Offset]
    private(set) var largestLag: Lag?

    init(replicas: [TopicPartition: [BrokerID]], from offsets: [TopicPartition: Offset]) {
        self.replicas = replicas
        self.offsets = offsets
    }

    /// Compares one round: what all replicas answered to a fetch from ``offsets``.
    mutating func compare(_ fetched: [TopicPartition: [BrokerID: Fetched]]) -> [Finding] {
        var findings: [Finding] = []
        largestLag = nil
        for (partition, brokers) in replicas.sorted(by: { $0.key < $1.key }) {
            let answers = brokers.map { ($0, fetched[partition]?[$0] ?? Fetched()) }
            findings += compare(partition, answers)
            let highest = answers.map(\.1.highWatermark).max() ?? -1
            let offset = offsets[partition] ?? 0
            if highest - offset > largestLag?.lag ?? -1 {
                largestLag = Lag(partition: partition, offset: offset, lag: highest - offset)
            }
        }
        return findings
    }

    private mutating func compare(_ partition: TopicPartition, _ answers: [(BrokerID, Fetched)]) -> [Finding] {
        var findings: [Finding] = []
        var index = 0
        while true {
            // Only what every replica has, and knows to be committed: the others are asked for it again.
            let batches = answers.compactMap { broker, fetched -> (BrokerID, RecordBatch)? in
                guard index < fetched.batches.count,
                    fetched.batches[index].header.lastOffset < fetched.highWatermark
                else { return nil }
                return (broker, fetched.batches[index])
            }
            guard batches.count == answers.count, let (first, expected) = batches.first else { return findings }
            for (broker, batch) in batches.dropFirst() {
                guard batch.header.lastOffset == expected.header.lastOffset else {
                    return findings + [
                        .offset(
                            partition, first: first, expected.header.lastOffset, second: broker,
                            batch.header.lastOffset)
                    ]
                }
                // Of the bytes as they came, not as their header has it: a flipped bit shall be found, too.
                let (one, other) = (expected.computedChecksum, batch.computedChecksum)
                if one != other {
                    findings.append(
                        .checksum(partition, batch.header.lastOffset, first: first, one, second: broker, other))
                }
            }
            offsets[partition] = expected.header.nextOffset
            index += 1
        }
    }
}
