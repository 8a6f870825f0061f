// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/OffsetCommit.schema by ProtocolGenerator.

import KafkaModel

/// A group commits the positions up to which it has consumed.
///
/// Versions 0 to 9, flexible from 8; request.
package struct OffsetCommitRequest: RequestMessage {
    package typealias Response = OffsetCommitResponse
    package static var apiKey: ApiKey { .offsetCommit }
    package static var versions: ClosedRange<Int16> { 0...9 }
    package static var firstFlexibleVersion: Int16 { 8 }
    package static var minimumSize: Int { 6 }

    package var groupID: String = ""
    /// -1 from a consumer that assigns partitions itself.
    /// Since version 1.
    package var generationIDOrMemberEpoch: Int32 = -1
    /// Since version 1.
    package var memberID: String = ""
    /// Since version 7.
    package var groupInstanceID: String? = nil
    /// -1 for the retention of the broker.
    /// Versions 2 to 4.
    package var retentionTimeMs: Int64 = -1
    package var topics: [OffsetCommitRequestTopic] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        groupID: String = "",
        generationIDOrMemberEpoch: Int32 = -1,
        memberID: String = "",
        groupInstanceID: String? = nil,
        retentionTimeMs: Int64 = -1,
        topics: [OffsetCommitRequestTopic] = []
    ) {
        self.groupID = groupID
        self.generationIDOrMemberEpoch = generationIDOrMemberEpoch
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.retentionTimeMs = retentionTimeMs
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupID = try reader.read()
        generationIDOrMemberEpoch = try reader.read(since: 1, else: -1)
        memberID = try reader.read(since: 1, else: "")
        groupInstanceID = try reader.read(since: 7, else: nil)
        retentionTimeMs = try reader.read(since: 2, until: 4, else: -1)
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupID)
        try writer.write(generationIDOrMemberEpoch, since: 1)
        try writer.write(memberID, since: 1)
        try writer.write(groupInstanceID, since: 7, else: nil, field: "groupInstanceId")
        try writer.write(retentionTimeMs, since: 2, until: 4)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension OffsetCommitRequest {
    /// An element of `topics`.
    package struct OffsetCommitRequestTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [OffsetCommitRequestPartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [OffsetCommitRequestPartition] = []) {
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
    package struct OffsetCommitRequestPartition: WireMessage {
        package static var minimumSize: Int { 14 }

        package var partitionIndex: Int32 = 0
        package var committedOffset: Int64 = 0
        /// Since version 6.
        package var committedLeaderEpoch: Int32 = -1
        /// Only in version 1.
        package var commitTimestamp: Int64 = -1
        package var committedMetadata: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            committedOffset: Int64 = 0,
            committedLeaderEpoch: Int32 = -1,
            commitTimestamp: Int64 = -1,
            committedMetadata: String? = ""
        ) {
            self.partitionIndex = partitionIndex
            self.committedOffset = committedOffset
            self.committedLeaderEpoch = committedLeaderEpoch
            self.commitTimestamp = commitTimestamp
            self.committedMetadata = committedMetadata
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            committedOffset = try reader.read()
            committedLeaderEpoch = try reader.read(since: 6, else: -1)
            commitTimestamp = try reader.read(since: 1, until: 1, else: -1)
            committedMetadata = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(committedOffset)
            try writer.write(committedLeaderEpoch, since: 6)
            try writer.write(commitTimestamp, since: 1, until: 1, else: -1, field: "commitTimestamp")
            try writer.write(committedMetadata)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// A group commits the positions up to which it has consumed.
///
/// Versions 0 to 9, flexible from 8; response.
package struct OffsetCommitResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .offsetCommit }
    package static var versions: ClosedRange<Int16> { 0...9 }
    package static var firstFlexibleVersion: Int16 { 8 }
    package static var minimumSize: Int { 4 }

    /// Since version 3.
    package var throttleTimeMs: Int32 = 0
    package var topics: [OffsetCommitResponseTopic] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, topics: [OffsetCommitResponseTopic] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 3, else: 0)
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 3)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension OffsetCommitResponse {
    /// An element of `topics`.
    package struct OffsetCommitResponseTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [OffsetCommitResponsePartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [OffsetCommitResponsePartition] = []) {
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
    package struct OffsetCommitResponsePartition: WireMessage {
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
