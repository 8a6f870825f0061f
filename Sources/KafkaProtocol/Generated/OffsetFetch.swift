// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/OffsetFetch.schema by ProtocolGenerator.

import KafkaModel

/// Reads the positions that groups have committed.
///
/// Versions 0 to 9, flexible from 6; request.
package struct OffsetFetchRequest: RequestMessage {
    package typealias Response = OffsetFetchResponse
    package static var apiKey: ApiKey { .offsetFetch }
    package static var versions: ClosedRange<Int16> { 0...9 }
    package static var firstFlexibleVersion: Int16 { 6 }
    package static var minimumSize: Int { 3 }

    /// Until version 7.
    package var groupID: String = ""
    /// Until version 7.
    package var topics: [OffsetFetchRequestTopic]? = []
    /// Since version 8.
    package var groups: [OffsetFetchRequestGroup] = []
    /// Since version 7.
    package var requireStable: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        groupID: String = "",
        topics: [OffsetFetchRequestTopic]? = [],
        groups: [OffsetFetchRequestGroup] = [],
        requireStable: Bool = false
    ) {
        self.groupID = groupID
        self.topics = topics
        self.groups = groups
        self.requireStable = requireStable
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupID = try reader.read(until: 7, else: "")
        topics = try reader.read(until: 7, nullableSince: 2, else: [])
        groups = try reader.read(since: 8, else: [])
        requireStable = try reader.read(since: 7, else: false)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupID, until: 7, else: "", field: "groupId")
        try writer.write(topics, until: 7, nullableSince: 2, else: [], field: "topics")
        try writer.write(groups, since: 8, else: [], field: "groups")
        try writer.write(requireStable, since: 7, else: false, field: "requireStable")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension OffsetFetchRequest {
    /// An element of `topics`.
    package struct OffsetFetchRequestTopic: WireMessage {
        package static var minimumSize: Int { 1 }

        package var name: String = ""
        package var partitionIndexes: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitionIndexes: [Int32] = []) {
            self.name = name
            self.partitionIndexes = partitionIndexes
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitionIndexes = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitionIndexes)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `groups`.
    package struct OffsetFetchRequestGroup: WireMessage {
        package static var minimumSize: Int { 1 }

        package var groupID: String = ""
        /// Since version 9.
        package var memberID: String? = nil
        /// Since version 9.
        package var memberEpoch: Int32 = -1
        package var topics: [OffsetFetchRequestTopics]? = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            groupID: String = "",
            memberID: String? = nil,
            memberEpoch: Int32 = -1,
            topics: [OffsetFetchRequestTopics]? = []
        ) {
            self.groupID = groupID
            self.memberID = memberID
            self.memberEpoch = memberEpoch
            self.topics = topics
        }

        package init(from reader: inout WireReader) throws(WireError) {
            groupID = try reader.read()
            memberID = try reader.read(since: 9, else: nil)
            memberEpoch = try reader.read(since: 9, else: -1)
            topics = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(groupID)
            try writer.write(memberID, since: 9)
            try writer.write(memberEpoch, since: 9)
            try writer.write(topics)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct OffsetFetchRequestTopics: WireMessage {
        package static var minimumSize: Int { 1 }

        package var name: String = ""
        package var partitionIndexes: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitionIndexes: [Int32] = []) {
            self.name = name
            self.partitionIndexes = partitionIndexes
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitionIndexes = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitionIndexes)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Reads the positions that groups have committed.
///
/// Versions 0 to 9, flexible from 6; response.
package struct OffsetFetchResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .offsetFetch }
    package static var versions: ClosedRange<Int16> { 0...9 }
    package static var firstFlexibleVersion: Int16 { 6 }
    package static var minimumSize: Int { 4 }

    /// Since version 3.
    package var throttleTimeMs: Int32 = 0
    /// Until version 7.
    package var topics: [OffsetFetchResponseTopic] = []
    /// Versions 2 to 7.
    package var errorCode: ErrorCode = .none
    /// Since version 8.
    package var groups: [OffsetFetchResponseGroup] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        topics: [OffsetFetchResponseTopic] = [],
        errorCode: ErrorCode = .none,
        groups: [OffsetFetchResponseGroup] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
        self.errorCode = errorCode
        self.groups = groups
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 3, else: 0)
        topics = try reader.read(until: 7, else: [])
        errorCode = try reader.read(since: 2, until: 7, else: .none)
        groups = try reader.read(since: 8, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 3)
        try writer.write(topics, until: 7, else: [], field: "topics")
        try writer.write(errorCode, since: 2, until: 7)
        try writer.write(groups, since: 8, else: [], field: "groups")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension OffsetFetchResponse {
    /// An element of `topics`.
    package struct OffsetFetchResponseTopic: WireMessage {
        package static var minimumSize: Int { 1 }

        package var name: String = ""
        package var partitions: [OffsetFetchResponsePartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [OffsetFetchResponsePartition] = []) {
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
    package struct OffsetFetchResponsePartition: WireMessage {
        package static var minimumSize: Int { 1 }

        package var partitionIndex: Int32 = 0
        package var committedOffset: Int64 = 0
        /// Since version 5.
        package var committedLeaderEpoch: Int32 = -1
        package var metadata: String? = ""
        package var errorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            committedOffset: Int64 = 0,
            committedLeaderEpoch: Int32 = -1,
            metadata: String? = "",
            errorCode: ErrorCode = .none
        ) {
            self.partitionIndex = partitionIndex
            self.committedOffset = committedOffset
            self.committedLeaderEpoch = committedLeaderEpoch
            self.metadata = metadata
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            committedOffset = try reader.read()
            committedLeaderEpoch = try reader.read(since: 5, else: -1)
            metadata = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(committedOffset)
            try writer.write(committedLeaderEpoch, since: 5)
            try writer.write(metadata)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `groups`.
    package struct OffsetFetchResponseGroup: WireMessage {
        package static var minimumSize: Int { 1 }

        package var groupID: String = ""
        package var topics: [OffsetFetchResponseTopics] = []
        package var errorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(groupID: String = "", topics: [OffsetFetchResponseTopics] = [], errorCode: ErrorCode = .none) {
            self.groupID = groupID
            self.topics = topics
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            groupID = try reader.read()
            topics = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(groupID)
            try writer.write(topics)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct OffsetFetchResponseTopics: WireMessage {
        package static var minimumSize: Int { 1 }

        package var name: String = ""
        package var partitions: [OffsetFetchResponsePartitions] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [OffsetFetchResponsePartitions] = []) {
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
    package struct OffsetFetchResponsePartitions: WireMessage {
        package static var minimumSize: Int { 1 }

        package var partitionIndex: Int32 = 0
        package var committedOffset: Int64 = 0
        package var committedLeaderEpoch: Int32 = -1
        package var metadata: String? = ""
        package var errorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            committedOffset: Int64 = 0,
            committedLeaderEpoch: Int32 = -1,
            metadata: String? = "",
            errorCode: ErrorCode = .none
        ) {
            self.partitionIndex = partitionIndex
            self.committedOffset = committedOffset
            self.committedLeaderEpoch = committedLeaderEpoch
            self.metadata = metadata
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            committedOffset = try reader.read()
            committedLeaderEpoch = try reader.read()
            metadata = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(committedOffset)
            try writer.write(committedLeaderEpoch)
            try writer.write(metadata)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
