// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A named value beside a record's own.
public struct RecordHeader: Sendable, Hashable {
    /// The name; need not be unique in a record.
    public var key: String
    /// The value; nil is not the same as empty.
    public var value: ByteBuffer?

    /// A header by its name and bytes.
    public init(key: String, value: ByteBuffer?) {
        self.key = key
        self.value = value
    }

    /// A header whose value is text.
    public init(key: String, value: String) {
        self.init(key: key, value: ByteBuffer(string: value))
    }
}

/// A record to send.
public struct ProducerRecord: Sendable, Hashable {
    /// The topic to send to.
    public var topic: String
    /// The partition, or nil to let the key, or else chance, decide as in Apache's Java client.
    public var partition: Int32?
    /// Bytes that choose the partition and that compaction goes by.
    public var key: ByteBuffer?
    /// The payload; nil deletes the key from a compacted topic.
    public var value: ByteBuffer?
    /// Named values beside the payload.
    public var headers: [RecordHeader]
    /// Milliseconds since 1970, or nil for now.
    public var timestamp: Int64?

    /// A record of bytes.
    public init(
        topic: String, partition: Int32? = nil, key: ByteBuffer? = nil, value: ByteBuffer?,
        headers: [RecordHeader] = [], timestamp: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }

    /// A record of text.
    public init(topic: String, key: String? = nil, value: String, headers: [RecordHeader] = []) {
        self.init(
            topic: topic, key: key.map { ByteBuffer(string: $0) }, value: ByteBuffer(string: value), headers: headers)
    }
}

/// Where a record went.
public struct RecordMetadata: Sendable, Hashable {
    /// The partition that has it.
    public var partition: TopicPartition
    /// Its position there; −1 if the broker was not asked to confirm it.
    public var offset: Int64
    /// Its time in the log: its own, or the broker's if the topic says so.
    public var timestamp: Int64
}

/// A record received.
public struct ConsumerRecord: Sendable {
    /// What a record's timestamp means.
    public enum TimestampType: Sendable {
        /// Old formats have no time.
        case none
        /// The producer set it.
        case createTime
        /// The broker set it when it wrote the record.
        case logAppendTime
    }

    /// The record's topic.
    public var topic: String
    /// The partition it was read from.
    public var partition: Int32
    /// Its position there.
    public var offset: Int64
    /// Milliseconds since 1970; −1 if there is none.
    public var timestamp: Int64
    /// What ``timestamp`` means.
    public var timestampType: TimestampType
    /// A slice of what the broker sent.
    public var key: ByteBuffer?
    /// A slice of what the broker sent.
    public var value: ByteBuffer?
    /// Named values beside the payload.
    public var headers: [RecordHeader]
    /// The leadership under which it was written, if known.
    public var leaderEpoch: Int32?
}
