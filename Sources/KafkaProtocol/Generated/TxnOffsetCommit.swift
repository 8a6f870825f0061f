// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/TxnOffsetCommit.schema by ProtocolGenerator.

import KafkaModel

/// Commits a group's positions as a part of a transaction.
///
/// Versions 0 to 4, flexible from 3; request.
package struct TxnOffsetCommitRequest: RequestMessage {
    package typealias Response = TxnOffsetCommitResponse
    package static var apiKey: ApiKey { .txnOffsetCommit }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 18 }

    package var transactionalID: String = ""
    package var groupID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    /// Since version 3.
    package var generationID: Int32 = -1
    /// Since version 3.
    package var memberID: String = ""
    /// Since version 3.
    package var groupInstanceID: String? = nil
    package var topics: [TxnOffsetCommitRequestTopic] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        transactionalID: String = "",
        groupID: String = "",
        producerID: Int64 = 0,
        producerEpoch: Int16 = 0,
        generationID: Int32 = -1,
        memberID: String = "",
        groupInstanceID: String? = nil,
        topics: [TxnOffsetCommitRequestTopic] = []
    ) {
        self.transactionalID = transactionalID
        self.groupID = groupID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        transactionalID = try reader.read()
        groupID = try reader.read()
        producerID = try reader.read()
        producerEpoch = try reader.read()
        generationID = try reader.read(since: 3, else: -1)
        memberID = try reader.read(since: 3, else: "")
        groupInstanceID = try reader.read(since: 3, else: nil)
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(transactionalID)
        try writer.write(groupID)
        try writer.write(producerID)
        try writer.write(producerEpoch)
        try writer.write(generationID, since: 3, else: -1, field: "generationId")
        try writer.write(memberID, since: 3, else: "", field: "memberId")
        try writer.write(groupInstanceID, since: 3, else: nil, field: "groupInstanceId")
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension TxnOffsetCommitRequest {
    /// An element of `topics`.
    package struct TxnOffsetCommitRequestTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [TxnOffsetCommitRequestPartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [TxnOffsetCommitRequestPartition] = []) {
            self.name = name
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct TxnOffsetCommitRequestPartition: WireMessage {
        package static var minimumSize: Int { 14 }

        package var partitionIndex: Int32 = 0
        package var committedOffset: Int64 = 0
        /// Since version 2.
        package var committedLeaderEpoch: Int32 = -1
        package var committedMetadata: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            committedOffset: Int64 = 0,
            committedLeaderEpoch: Int32 = -1,
            committedMetadata: String? = ""
        ) {
            self.partitionIndex = partitionIndex
            self.committedOffset = committedOffset
            self.committedLeaderEpoch = committedLeaderEpoch
            self.committedMetadata = committedMetadata
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            committedOffset = try reader.read()
            committedLeaderEpoch = try reader.read(since: 2, else: -1)
            committedMetadata = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(committedOffset)
            try writer.write(committedLeaderEpoch, since: 2)
            try writer.write(committedMetadata)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Commits a group's positions as a part of a transaction.
///
/// Versions 0 to 4, flexible from 3; response.
package struct TxnOffsetCommitResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .txnOffsetCommit }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var topics: [TxnOffsetCommitResponseTopic] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, topics: [TxnOffsetCommitResponseTopic] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension TxnOffsetCommitResponse {
    /// An element of `topics`.
    package struct TxnOffsetCommitResponseTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [TxnOffsetCommitResponsePartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [TxnOffsetCommitResponsePartition] = []) {
            self.name = name
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct TxnOffsetCommitResponsePartition: WireMessage {
        package static var minimumSize: Int { 6 }

        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partitionIndex: Int32 = 0, errorCode: ErrorCode = .none) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
