// SPDX-License-Identifier: Apache-2.0

/// One partition of one topic, by name.
public struct TopicPartition: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The topic's name.
    public var topic: String
    /// The partition's index in its topic, from 0.
    public var partition: Int32

    /// A partition by its topic's name and its index.
    public init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// As Kafka writes it: `topic-3`.
    public var description: String { "\(topic)-\(partition)" }

    /// By topic name, then by partition number.
    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        left.topic == right.topic ? left.partition < right.partition : left.topic < right.topic
    }
}
