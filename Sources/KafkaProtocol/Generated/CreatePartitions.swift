// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/CreatePartitions.schema by ProtocolGenerator.

import KafkaModel

/// Adds partitions to topics, through the controller.
///
/// Versions 0 to 3, flexible from 2; request.
package struct CreatePartitionsRequest: RequestMessage {
    package typealias Response = CreatePartitionsResponse
    package static var apiKey: ApiKey { .createPartitions }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 7 }

    package var topics: [CreatePartitionsTopic] = []
    package var timeoutMs: Int32 = 0
    package var validateOnly: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(topics: [CreatePartitionsTopic] = [], timeoutMs: Int32 = 0, validateOnly: Bool = false) {
        self.topics = topics
        self.timeoutMs = timeoutMs
        self.validateOnly = validateOnly
    }

    package init(from reader: inout WireReader) throws(WireError) {
        topics = try reader.read()
        timeoutMs = try reader.read()
        validateOnly = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(topics)
        try writer.write(timeoutMs)
        try writer.write(validateOnly)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension CreatePartitionsRequest {
    /// An element of `topics`.
    package struct CreatePartitionsTopic: WireMessage {
        package static var minimumSize: Int { 7 }

        /// Unique among its siblings.
        package var name: String = ""
        package var count: Int32 = 0
        package var assignments: [CreatePartitionsAssignment]? = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", count: Int32 = 0, assignments: [CreatePartitionsAssignment]? = []) {
            self.name = name
            self.count = count
            self.assignments = assignments
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            count = try reader.read()
            assignments = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(count)
            try writer.write(assignments)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `assignments`.
    package struct CreatePartitionsAssignment: WireMessage {
        package static var minimumSize: Int { 2 }

        package var brokerIDs: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(brokerIDs: [Int32] = []) {
            self.brokerIDs = brokerIDs
        }

        package init(from reader: inout WireReader) throws(WireError) {
            brokerIDs = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(brokerIDs)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Adds partitions to topics, through the controller.
///
/// Versions 0 to 3, flexible from 2; response.
package struct CreatePartitionsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .createPartitions }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var results: [CreatePartitionsTopicResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, results: [CreatePartitionsTopicResult] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.results = results
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        results = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(results)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension CreatePartitionsResponse {
    /// An element of `results`.
    package struct CreatePartitionsTopicResult: WireMessage {
        package static var minimumSize: Int { 5 }

        package var name: String = ""
        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", errorCode: ErrorCode = .none, errorMessage: String? = nil) {
            self.name = name
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            errorCode = try reader.read()
            errorMessage = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
