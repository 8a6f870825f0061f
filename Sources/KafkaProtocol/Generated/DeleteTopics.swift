// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DeleteTopics.schema by ProtocolGenerator.

import KafkaModel

/// Deletes topics by name or id, through the controller.
///
/// Versions 0 to 6, flexible from 4; request.
package struct DeleteTopicsRequest: RequestMessage {
    package typealias Response = DeleteTopicsResponse
    package static var apiKey: ApiKey { .deleteTopics }
    package static var versions: ClosedRange<Int16> { 0...6 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 6 }

    /// Since version 6.
    package var topics: [DeleteTopicState] = []
    /// Until version 5.
    package var topicNames: [String] = []
    package var timeoutMs: Int32 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(topics: [DeleteTopicState] = [], topicNames: [String] = [], timeoutMs: Int32 = 0) {
        self.topics = topics
        self.topicNames = topicNames
        self.timeoutMs = timeoutMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        topics = try reader.read(since: 6, else: [])
        topicNames = try reader.read(until: 5, else: [])
        timeoutMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(topics, since: 6, else: [], field: "topics")
        try writer.write(topicNames, until: 5)
        try writer.write(timeoutMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DeleteTopicsRequest {
    /// An element of `topics`.
    package struct DeleteTopicState: WireMessage {
        package static var minimumSize: Int { 1 }

        package var name: String? = nil
        package var topicID: KafkaUUID = .zero
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String? = nil, topicID: KafkaUUID = .zero) {
            self.name = name
            self.topicID = topicID
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            topicID = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(topicID)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Deletes topics by name or id, through the controller.
///
/// Versions 0 to 6, flexible from 4; response.
package struct DeleteTopicsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .deleteTopics }
    package static var versions: ClosedRange<Int16> { 0...6 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 4 }

    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    package var responses: [DeletableTopicResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, responses: [DeletableTopicResult] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.responses = responses
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 1, else: 0)
        responses = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 1)
        try writer.write(responses)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DeleteTopicsResponse {
    /// An element of `responses`.
    package struct DeletableTopicResult: WireMessage {
        package static var minimumSize: Int { 4 }

        /// Unique among its siblings.
        package var name: String? = ""
        /// Since version 6.
        package var topicID: KafkaUUID = .zero
        package var errorCode: ErrorCode = .none
        /// Since version 5.
        package var errorMessage: String? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            name: String? = "",
            topicID: KafkaUUID = .zero,
            errorCode: ErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.name = name
            self.topicID = topicID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read(nullableSince: 6, else: "")
            topicID = try reader.read(since: 6, else: .zero)
            errorCode = try reader.read()
            errorMessage = try reader.read(since: 5, else: nil)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name, nullableSince: 6, else: "", field: "name")
            try writer.write(topicID, since: 6)
            try writer.write(errorCode)
            try writer.write(errorMessage, since: 5)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
