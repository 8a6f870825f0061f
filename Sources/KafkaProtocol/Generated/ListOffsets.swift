// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ListOffsets.schema by ProtocolGenerator.

import KafkaModel

/// Finds offsets by timestamp, or by one of the special timestamps (-1 latest, -2 earliest, -3 maximum).
///
/// Versions 0 to 9, flexible from 6; request.
package struct ListOffsetsRequest: RequestMessage {
    package typealias Response = ListOffsetsResponse
    package static var apiKey: ApiKey { .listOffsets }
    package static var versions: ClosedRange<Int16> { 0...9 }
    package static var firstFlexibleVersion: Int16 { 6 }
    package static var minimumSize: Int { 7 }

    /// The follower, -1 for a consumer, -2 for a debugging reader.
    package var replicaID: Int32 = 0
    /// 0: read uncommitted; 1: read committed.
    /// Since version 2.
    package var isolationLevel: Int8 = 0
    package var topics: [ListOffsetsTopic] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(replicaID: Int32 = 0, isolationLevel: Int8 = 0, topics: [ListOffsetsTopic] = []) {
        self.replicaID = replicaID
        self.isolationLevel = isolationLevel
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        replicaID = try reader.read()
        isolationLevel = try reader.read(since: 2, else: 0)
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(replicaID)
        try writer.write(isolationLevel, since: 2, else: 0, field: "isolationLevel")
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ListOffsetsRequest {
    /// An element of `topics`.
    package struct ListOffsetsTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [ListOffsetsPartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [ListOffsetsPartition] = []) {
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
    package struct ListOffsetsPartition: WireMessage {
        package static var minimumSize: Int { 12 }

        package var partitionIndex: Int32 = 0
        /// Since version 4.
        package var currentLeaderEpoch: Int32 = -1
        /// Milliseconds; -1 latest, -2 earliest, -3 largest timestamp, -4 earliest local, -5 last tiered.
        package var timestamp: Int64 = 0
        /// Until version 0.
        package var maxNumOffsets: Int32 = 1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            currentLeaderEpoch: Int32 = -1,
            timestamp: Int64 = 0,
            maxNumOffsets: Int32 = 1
        ) {
            self.partitionIndex = partitionIndex
            self.currentLeaderEpoch = currentLeaderEpoch
            self.timestamp = timestamp
            self.maxNumOffsets = maxNumOffsets
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            currentLeaderEpoch = try reader.read(since: 4, else: -1)
            timestamp = try reader.read()
            maxNumOffsets = try reader.read(until: 0, else: 1)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(currentLeaderEpoch, since: 4)
            try writer.write(timestamp)
            try writer.write(maxNumOffsets, until: 0, else: 1, field: "maxNumOffsets")
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Finds offsets by timestamp, or by one of the special timestamps (-1 latest, -2 earliest, -3 maximum).
///
/// Versions 0 to 9, flexible from 6; response.
package struct ListOffsetsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .listOffsets }
    package static var versions: ClosedRange<Int16> { 0...9 }
    package static var firstFlexibleVersion: Int16 { 6 }
    package static var minimumSize: Int { 4 }

    /// Since version 2.
    package var throttleTimeMs: Int32 = 0
    package var topics: [ListOffsetsTopicResponse] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, topics: [ListOffsetsTopicResponse] = []) {
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

extension ListOffsetsResponse {
    /// An element of `topics`.
    package struct ListOffsetsTopicResponse: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [ListOffsetsPartitionResponse] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [ListOffsetsPartitionResponse] = []) {
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
    package struct ListOffsetsPartitionResponse: WireMessage {
        package static var minimumSize: Int { 10 }

        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none
        /// The offsets of version 0, newest first.
        /// Until version 0.
        package var oldStyleOffsets: [Int64] = []
        /// Since version 1.
        package var timestamp: Int64 = -1
        /// Since version 1.
        package var offset: Int64 = -1
        /// Since version 4.
        package var leaderEpoch: Int32 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            errorCode: ErrorCode = .none,
            oldStyleOffsets: [Int64] = [],
            timestamp: Int64 = -1,
            offset: Int64 = -1,
            leaderEpoch: Int32 = -1
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.oldStyleOffsets = oldStyleOffsets
            self.timestamp = timestamp
            self.offset = offset
            self.leaderEpoch = leaderEpoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            oldStyleOffsets = try reader.read(until: 0, else: [])
            timestamp = try reader.read(since: 1, else: -1)
            offset = try reader.read(since: 1, else: -1)
            leaderEpoch = try reader.read(since: 4, else: -1)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.write(oldStyleOffsets, until: 0, else: [], field: "oldStyleOffsets")
            try writer.write(timestamp, since: 1, else: -1, field: "timestamp")
            try writer.write(offset, since: 1, else: -1, field: "offset")
            try writer.write(leaderEpoch, since: 4, else: -1, field: "leaderEpoch")
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
