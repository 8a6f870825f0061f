// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/OffsetDelete.schema by ProtocolGenerator.

import KafkaModel

/// Deletes committed positions of a group (KIP-496).
///
/// Version 0; request.
package struct OffsetDeleteRequest: RequestMessage {
    package typealias Response = OffsetDeleteResponse
    package static var apiKey: ApiKey { .offsetDelete }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 6 }

    package var groupID: String = ""
    package var topics: [OffsetDeleteRequestTopic] = []

    package init() {}

    package init(groupID: String = "", topics: [OffsetDeleteRequestTopic] = []) {
        self.groupID = groupID
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupID = try reader.read()
        topics = try reader.read()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupID)
        try writer.write(topics)
    }
}

extension OffsetDeleteRequest {
    /// An element of `topics`.
    package struct OffsetDeleteRequestTopic: WireMessage {
        package static var minimumSize: Int { 6 }

        /// Unique among its siblings.
        package var name: String = ""
        package var partitions: [OffsetDeleteRequestPartition] = []

        package init() {}

        package init(name: String = "", partitions: [OffsetDeleteRequestPartition] = []) {
            self.name = name
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitions = try reader.read()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitions)
        }
    }

    /// An element of `partitions`.
    package struct OffsetDeleteRequestPartition: WireMessage {
        package static var minimumSize: Int { 4 }

        package var partitionIndex: Int32 = 0

        package init() {}

        package init(partitionIndex: Int32 = 0) {
            self.partitionIndex = partitionIndex
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
        }
    }
}

/// Deletes committed positions of a group (KIP-496).
///
/// Version 0; response.
package struct OffsetDeleteResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .offsetDelete }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 10 }

    package var errorCode: ErrorCode = .none
    package var throttleTimeMs: Int32 = 0
    package var topics: [OffsetDeleteResponseTopic] = []

    package init() {}

    package init(errorCode: ErrorCode = .none, throttleTimeMs: Int32 = 0, topics: [OffsetDeleteResponseTopic] = []) {
        self.errorCode = errorCode
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        throttleTimeMs = try reader.read()
        topics = try reader.read()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(throttleTimeMs)
        try writer.write(topics)
    }
}

extension OffsetDeleteResponse {
    /// An element of `topics`.
    package struct OffsetDeleteResponseTopic: WireMessage {
        package static var minimumSize: Int { 6 }

        /// Unique among its siblings.
        package var name: String = ""
        package var partitions: [OffsetDeleteResponsePartition] = []

        package init() {}

        package init(name: String = "", partitions: [OffsetDeleteResponsePartition] = []) {
            self.name = name
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitions = try reader.read()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitions)
        }
    }

    /// An element of `partitions`.
    package struct OffsetDeleteResponsePartition: WireMessage {
        package static var minimumSize: Int { 6 }

        /// Unique among its siblings.
        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none

        package init() {}

        package init(partitionIndex: Int32 = 0, errorCode: ErrorCode = .none) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            errorCode = try reader.read()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(errorCode)
        }
    }
}
