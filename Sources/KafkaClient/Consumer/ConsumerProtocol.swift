// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What members of a consumer group tell each other through the coordinator, which does not look into it: what each one
/// subscribes to and has, and what the leader gives it. Kafka's `ConsumerProtocolSubscription` and `-Assignment`.
package enum ConsumerProtocol {
    /// The protocol type that consumers join groups with.
    package static let type = "consumer"

    /// What a member wants and has. Versions: 1 added what it owns, 2 its generation (KIP-792), 3 its rack (KIP-881).
    package struct Subscription: Hashable, Sendable {
        package var topics: [String]
        package var userData: [UInt8]?
        package var owned: [TopicPartition]
        package var generation: Int32
        package var rack: String?

        package init(
            topics: [String], userData: [UInt8]? = nil, owned: [TopicPartition] = [], generation: Int32 = -1,
            rack: String? = nil
        ) {
            self.topics = topics
            self.userData = userData
            self.owned = owned
            self.generation = generation
            self.rack = rack
        }

        /// The bytes of version 3.
        package func encoded() -> ByteBuffer {
            var buffer = ByteBuffer()
            buffer.writeInteger(Int16(3))
            buffer.writeInteger(Int32(topics.count))
            for topic in topics { buffer.write(string: topic) }
            buffer.write(bytes: userData)
            buffer.write(owned)
            buffer.writeInteger(generation)
            buffer.write(nullable: rack)
            return buffer
        }

        /// Reads any version; nil if the bytes are not a subscription.
        package init?(_ bytes: ByteBuffer) {
            var buffer = bytes
            guard let version = buffer.readInteger(as: Int16.self), version >= 0,
                let topics = buffer.readArray({ $0.readKafkaString() }), let userData = buffer.readNullableBytes()
            else { return nil }
            self.init(topics: topics, userData: userData)
            guard version >= 1 else { return }
            guard let owned = buffer.readPartitions() else { return nil }
            self.owned = owned
            guard version >= 2 else { return }
            guard let generation = buffer.readInteger(as: Int32.self) else { return nil }
            self.generation = generation
            guard version >= 3 else { return }
            guard let rack = buffer.readNullableString() else { return nil }
            self.rack = rack
        }
    }

    /// What the group's leader gives a member.
    package struct Assignment: Hashable, Sendable {
        package var partitions: [TopicPartition]
        package var userData: [UInt8]?

        package init(partitions: [TopicPartition], userData: [UInt8]? = nil) {
            self.partitions = partitions
            self.userData = userData
        }

        /// The bytes of version 3.
        package func encoded() -> ByteBuffer {
            var buffer = ByteBuffer()
            buffer.writeInteger(Int16(3))
            buffer.write(partitions)
            buffer.write(bytes: userData)
            return buffer
        }

        /// Reads any version; nil if the bytes are not an assignment. No bytes mean no partitions.
        package init?(_ bytes: ByteBuffer) {
            var buffer = bytes
            guard buffer.readableBytes > 0 else {
                self.init(partitions: [])
                return
            }
            guard let version = buffer.readInteger(as: Int16.self), version >= 0,
                let partitions = buffer.readPartitions(), let userData = buffer.readNullableBytes()
            else { return nil }
            self.init(partitions: partitions, userData: userData)
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func write(string: String) {
        writeInteger(Int16(clamping: string.utf8.count))
        writeString(string)
    }

    fileprivate mutating func write(nullable string: String?) {
        if let string { write(string: string) } else { writeInteger(Int16(-1)) }
    }

    fileprivate mutating func write(bytes: [UInt8]?) {
        writeInteger(Int32(bytes?.count ?? -1))
        if let bytes { writeBytes(bytes) }
    }

    /// Partitions by topic, in the order in which the topics first appear.
    mutating func write(_ partitions: [TopicPartition]) {
        var order: [String] = []
        var byTopic: [String: [Int32]] = [:]
        for partition in partitions {
            if byTopic[partition.topic] == nil { order.append(partition.topic) }
            byTopic[partition.topic, default: []].append(partition.partition)
        }
        writeInteger(Int32(order.count))
        for topic in order {
            let numbers = byTopic[topic] ?? []
            write(string: topic)
            writeInteger(Int32(numbers.count))
            for number in numbers { writeInteger(number) }
        }
    }

    fileprivate mutating func readKafkaString() -> String? {
        guard let count = readInteger(as: Int16.self), count >= 0 else { return nil }
        return readString(length: Int(count))
    }

    fileprivate mutating func readNullableString() -> String?? {
        guard let count = readInteger(as: Int16.self) else { return nil }
        guard count >= 0 else { return .some(nil) }
        return readString(length: Int(count)).map { .some($0) }
    }

    fileprivate mutating func readNullableBytes() -> [UInt8]?? {
        guard let count = readInteger(as: Int32.self) else { return nil }
        guard count >= 0 else { return .some(nil) }
        return readBytes(length: Int(count)).map { .some($0) }
    }

    /// Reads elements one by one, so that a false count costs no more than the bytes at hand.
    fileprivate mutating func readArray<Element>(_ element: (inout ByteBuffer) -> Element?) -> [Element]? {
        guard let count = readInteger(as: Int32.self), count >= 0, count <= readableBytes else { return nil }
        var elements: [Element] = []
        for _ in 0..<count {
            guard let next = element(&self) else { return nil }
            elements.append(next)
        }
        return elements
    }

    mutating func readPartitions() -> [TopicPartition]? {
        readArray { buffer -> [TopicPartition]? in
            guard let topic = buffer.readKafkaString(),
                let numbers = buffer.readArray({ $0.readInteger(as: Int32.self) })
            else { return nil }
            return numbers.map { TopicPartition(topic, $0) }
        }?.flatMap { $0 }
    }
}
