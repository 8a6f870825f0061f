// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/OffsetForLeaderEpoch.schema by ProtocolGenerator.

import KafkaModel

/// Where the leader's log ends for a leader epoch (KIP-101, KIP-320).
///
/// Versions 0 to 4, flexible from 4; request.
package struct OffsetForLeaderEpochRequest: RequestMessage {
    package typealias Response = OffsetForLeaderEpochResponse
    package static var apiKey: ApiKey { .offsetForLeaderEpoch }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 4 }

    /// Since version 3.
    package var replicaID: Int32 = -2
    package var topics: [OffsetForLeaderTopic] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(replicaID: Int32 = -2, topics: [OffsetForLeaderTopic] = []) {
        self.replicaID = replicaID
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        replicaID = try reader.read(since: 3, else: -2)
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(replicaID, since: 3)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension OffsetForLeaderEpochRequest {
    /// An element of `topics`.
    package struct OffsetForLeaderTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var topic: String = ""
        package var partitions: [OffsetForLeaderPartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", partitions: [OffsetForLeaderPartition] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct OffsetForLeaderPartition: WireMessage {
        package static var minimumSize: Int { 8 }

        package var partition: Int32 = 0
        /// Since version 2.
        package var currentLeaderEpoch: Int32 = -1
        package var leaderEpoch: Int32 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partition: Int32 = 0, currentLeaderEpoch: Int32 = -1, leaderEpoch: Int32 = 0) {
            self.partition = partition
            self.currentLeaderEpoch = currentLeaderEpoch
            self.leaderEpoch = leaderEpoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partition = try reader.read()
            currentLeaderEpoch = try reader.read(since: 2, else: -1)
            leaderEpoch = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partition)
            try writer.write(currentLeaderEpoch, since: 2)
            try writer.write(leaderEpoch)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Where the leader's log ends for a leader epoch (KIP-101, KIP-320).
///
/// Versions 0 to 4, flexible from 4; response.
package struct OffsetForLeaderEpochResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .offsetForLeaderEpoch }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 4 }

    /// Since version 2.
    package var throttleTimeMs: Int32 = 0
    package var topics: [OffsetForLeaderTopicResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, topics: [OffsetForLeaderTopicResult] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 2, else: 0)
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 2)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension OffsetForLeaderEpochResponse {
    /// An element of `topics`.
    package struct OffsetForLeaderTopicResult: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var topic: String = ""
        package var partitions: [EpochEndOffset] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", partitions: [EpochEndOffset] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct EpochEndOffset: WireMessage {
        package static var minimumSize: Int { 14 }

        package var errorCode: ErrorCode = .none
        package var partition: Int32 = 0
        /// Since version 1.
        package var leaderEpoch: Int32 = -1
        /// Where the epoch ends; -1 if it is not known.
        package var endOffset: Int64 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            partition: Int32 = 0,
            leaderEpoch: Int32 = -1,
            endOffset: Int64 = -1
        ) {
            self.errorCode = errorCode
            self.partition = partition
            self.leaderEpoch = leaderEpoch
            self.endOffset = endOffset
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            partition = try reader.read()
            leaderEpoch = try reader.read(since: 1, else: -1)
            endOffset = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(partition)
            try writer.write(leaderEpoch, since: 1)
            try writer.write(endOffset)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
