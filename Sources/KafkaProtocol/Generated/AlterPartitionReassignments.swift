// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AlterPartitionReassignments.schema by ProtocolGenerator.

import KafkaModel

/// Starts or cancels the move of partitions to other brokers (KIP-455).
///
/// Version 0, flexible from 0; request.
package struct AlterPartitionReassignmentsRequest: RequestMessage {
    package typealias Response = AlterPartitionReassignmentsResponse
    package static var apiKey: ApiKey { .alterPartitionReassignments }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 6 }

    package var timeoutMs: Int32 = 60000
    package var topics: [ReassignableTopic] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(timeoutMs: Int32 = 60000, topics: [ReassignableTopic] = []) {
        self.timeoutMs = timeoutMs
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        timeoutMs = try reader.read()
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(timeoutMs)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterPartitionReassignmentsRequest {
    /// An element of `topics`.
    package struct ReassignableTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [ReassignablePartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [ReassignablePartition] = []) {
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
    package struct ReassignablePartition: WireMessage {
        package static var minimumSize: Int { 6 }

        package var partitionIndex: Int32 = 0
        /// Null cancels a move.
        package var replicas: [Int32]? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partitionIndex: Int32 = 0, replicas: [Int32]? = nil) {
            self.partitionIndex = partitionIndex
            self.replicas = replicas
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            replicas = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(replicas)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Starts or cancels the move of partitions to other brokers (KIP-455).
///
/// Version 0, flexible from 0; response.
package struct AlterPartitionReassignmentsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .alterPartitionReassignments }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 9 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var errorMessage: String? = ""
    package var responses: [ReassignableTopicResponse] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        errorMessage: String? = "",
        responses: [ReassignableTopicResponse] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.responses = responses
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        errorMessage = try reader.read()
        responses = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(errorMessage)
        try writer.write(responses)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterPartitionReassignmentsResponse {
    /// An element of `responses`.
    package struct ReassignableTopicResponse: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [ReassignablePartitionResponse] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [ReassignablePartitionResponse] = []) {
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
    package struct ReassignablePartitionResponse: WireMessage {
        package static var minimumSize: Int { 8 }

        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partitionIndex: Int32 = 0, errorCode: ErrorCode = .none, errorMessage: String? = "") {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            errorMessage = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
