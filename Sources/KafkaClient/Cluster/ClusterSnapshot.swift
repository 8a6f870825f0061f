// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What a client knows of a cluster at one moment.
package struct ClusterSnapshot: Sendable {
    package struct Broker: Hashable, Sendable, CustomStringConvertible {
        package var id: BrokerID
        package var host: String
        package var port: Int32
        package var rack: String?

        package init(id: BrokerID, host: String, port: Int32, rack: String? = nil) {
            self.id = id
            self.host = host
            self.port = port
            self.rack = rack
        }

        /// As Java's `Node` prints itself.
        package var description: String { "\(host):\(port) (id: \(id) rack: \(rack ?? "null"))" }
    }

    package struct Partition: Hashable, Sendable {
        package var index: Int32
        /// Nil while there is none.
        package var leader: BrokerID?
        package var leaderEpoch: LeaderEpoch
        package var replicas: [BrokerID]
        package var inSync: [BrokerID]
        package var offline: [BrokerID]
        package var error: ErrorCode
    }

    package struct Topic: Hashable, Sendable {
        package var name: String
        package var id: KafkaUUID
        package var isInternal: Bool
        package var error: ErrorCode
        /// By index.
        package var partitions: [Partition]
        /// What the caller may do with it, as bits; nil if not asked for.
        package var authorizedOperations: Int32?

        package func partition(_ index: Int32) -> Partition? {
            guard index >= 0 else { return nil }
            if Int(index) < partitions.count, partitions[Int(index)].index == index { return partitions[Int(index)] }
            return partitions.first { $0.index == index }
        }

        /// Partitions that have a leader.
        package var available: [Int32] { partitions.compactMap { $0.leader == nil ? nil : $0.index } }
    }

    package var clusterID: String?
    package var controller: BrokerID?
    package var brokers: [BrokerID: Broker] = [:]
    package var topics: [String: Topic] = [:]

    package init() {}

    package func leader(of partition: TopicPartition) -> BrokerID? {
        topics[partition.topic]?.partition(partition.partition)?.leader
    }

    package func leaderEpoch(of partition: TopicPartition) -> LeaderEpoch {
        topics[partition.topic]?.partition(partition.partition)?.leaderEpoch ?? -1
    }
}
