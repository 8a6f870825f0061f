// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// How many bytes per second went lately: over the samples that are not too old, and the time since the oldest of them
/// began, as Kafka measures rates of replication.
package struct ByteRate: Sendable {
    private struct Sample: Sendable {
        var begin: Timestamp
        var bytes: Int64
    }

    private let count: Int
    private let length: Int64
    /// From the oldest to the one that is being filled.
    private var samples: [Sample] = []

    /// - Parameters:
    ///   - count: `replication.quota.window.num`.
    ///   - length: `replication.quota.window.size.seconds`, in milliseconds.
    package init(samples count: Int, length: Int64) {
        self.count = max(1, count)
        self.length = max(1, length)
    }

    package mutating func record(_ bytes: Int, now: Timestamp) {
        let horizon = horizon(now)
        samples.removeAll { $0.begin <= horizon }
        if let last = samples.last, now - last.begin < length {
            samples[samples.count - 1].bytes &+= Int64(bytes)
        } else {
            samples.append(Sample(begin: now, bytes: Int64(bytes)))
        }
    }

    package func perSecond(now: Timestamp) -> Double {
        let young = samples.drop { $0.begin <= horizon(now) }
        guard let oldest = young.first else { return 0 }
        let bytes = young.reduce(into: Int64(0)) { $0 &+= $1.bytes }
        return Double(bytes) * 1000 / Double(max(now - oldest.begin, length))
    }

    /// Samples that begin then or earlier are too old.
    private func horizon(_ now: Timestamp) -> Timestamp { now - Int64(count) * length }
}

/// The most that throttled replicas may cost a broker, as leader or as follower (KIP-73). Whoever exceeds it is not slowed
/// down but left out, until the rate has sunk below the limit again.
package struct ReplicationQuota: Sendable {
    private var rate: ByteRate

    /// As ``ByteRate/init(samples:length:)``.
    package init(samples: Int, length: Int64) { rate = ByteRate(samples: samples, length: length) }

    package mutating func record(_ bytes: Int, now: Timestamp) { rate.record(bytes, now: now) }

    /// - Parameter limit: bytes per second; the largest number is none.
    package func isExceeded(limit: Int, now: Timestamp) -> Bool {
        limit < .max && rate.perSecond(now: now) > Double(limit)
    }
}

/// Which replicas of a topic are throttled: the value of `leader.replication.throttled.replicas` and of
/// `follower.replication.throttled.replicas`.
package enum ThrottledReplicas: Hashable, Sendable {
    case all
    /// Partitions with the brokers that hold the replicas meant.
    case some([Int32: Set<BrokerID>])

    package static let none = ThrottledReplicas.some([:])

    /// `*`, or `partition:broker` each. What is neither does not get past the check of the setting, and is left out.
    package init(_ elements: [String]) {
        if elements.contains("*") {
            self = .all
            return
        }
        var replicas: [Int32: Set<BrokerID>] = [:]
        for element in elements {
            let parts = element.split(separator: ":")
            guard parts.count == 2, let partition = Int32(parts[0]), let broker = BrokerID(parts[1]) else { continue }
            replicas[partition, default: []].insert(broker)
        }
        self = .some(replicas)
    }

    package func contains(_ partition: Int32, on broker: BrokerID) -> Bool {
        switch self {
        case .all: true
        case .some(let replicas): replicas[partition]?.contains(broker) ?? false
        }
    }
}
