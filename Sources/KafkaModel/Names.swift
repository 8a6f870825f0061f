// SPDX-License-Identifier: Apache-2.0

/// The position of a record in its partition: dense, from 0, never reused. −1 on the wire means "none".
package typealias Offset = Int64

/// Counts the leaderships of a partition. It grows by one with each decision of the controller about it, and fences
/// who acts on an older one (KIP-101, KIP-320). −1 means "unknown, do not check".
package typealias LeaderEpoch = Int32

/// The data version of a partition's state znode: grows with each change of its in-sync set. Kafka's `zkVersion`.
package typealias PartitionEpoch = Int32

/// The number that `broker.id` gives a broker. −1 means "none", −2 a debugging reader.
package typealias BrokerID = Int32

/// The creation transaction (czxid) of a broker's registration znode: tells one life of a broker from the next (KIP-380).
package typealias BrokerEpoch = Int64

/// The number of a controllership, from `/controller_epoch`.
package typealias ControllerEpoch = Int32

/// Milliseconds since 1970-01-01T00:00:00Z. −1 means "none".
package typealias Timestamp = Int64

/// The number that the cluster gives a producer for idempotence (KIP-98). −1 means "none".
package typealias ProducerID = Int64

/// Tells one life of a producer from the next. −1 means "none".
package typealias ProducerEpoch = Int16

/// One partition of one topic, by name.
package struct TopicPartition: Hashable, Sendable {
    package var topic: String
    /// The partition's index in its topic, from 0.
    package var partition: Int32

    package init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }
}

extension TopicPartition {
    /// Whether a directory can be called by it: what a controller or a node names may be anything.
    package var isNameable: Bool { partition >= 0 && TopicName.isValid(topic) }
}

extension TopicPartition: CustomStringConvertible {
    /// As Kafka writes it in logs and names directories: `topic-3`.
    package var description: String { "\(topic)-\(partition)" }
}

extension TopicPartition: Comparable {
    /// By topic name, then by partition number.
    package static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
    }
}
