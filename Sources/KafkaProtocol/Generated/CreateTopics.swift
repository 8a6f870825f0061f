// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/CreateTopics.schema by ProtocolGenerator.

import KafkaModel

/// Creates topics, through the controller.
///
/// Versions 0 to 7, flexible from 5; request.
package struct CreateTopicsRequest: RequestMessage {
    package typealias Response = CreateTopicsResponse
    package static var apiKey: ApiKey { .createTopics }
    package static var versions: ClosedRange<Int16> { 0...7 }
    package static var firstFlexibleVersion: Int16 { 5 }
    package static var minimumSize: Int { 7 }

    package var topics: [CreatableTopic] = []
    package var timeoutMs: Int32 = 60000
    /// Since version 1.
    package var validateOnly: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(topics: [CreatableTopic] = [], timeoutMs: Int32 = 60000, validateOnly: Bool = false) {
        self.topics = topics
        self.timeoutMs = timeoutMs
        self.validateOnly = validateOnly
    }

    package init(from reader: inout WireReader) throws(WireError) {
        topics = try reader.read()
        timeoutMs = try reader.read()
        validateOnly = try reader.read(since: 1, else: false)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(topics)
        try writer.write(timeoutMs)
        try writer.write(validateOnly, since: 1, else: false, field: "validateOnly")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension CreateTopicsRequest {
    /// An element of `topics`.
    package struct CreatableTopic: WireMessage {
        package static var minimumSize: Int { 10 }

        /// Unique among its siblings.
        package var name: String = ""
        package var numPartitions: Int32 = 0
        package var replicationFactor: Int16 = 0
        package var assignments: [CreatableReplicaAssignment] = []
        package var configs: [CreatableTopicConfig] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            name: String = "",
            numPartitions: Int32 = 0,
            replicationFactor: Int16 = 0,
            assignments: [CreatableReplicaAssignment] = [],
            configs: [CreatableTopicConfig] = []
        ) {
            self.name = name
            self.numPartitions = numPartitions
            self.replicationFactor = replicationFactor
            self.assignments = assignments
            self.configs = configs
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            numPartitions = try reader.read()
            replicationFactor = try reader.read()
            assignments = try reader.read()
            configs = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(numPartitions)
            try writer.write(replicationFactor)
            try writer.write(assignments)
            try writer.write(configs)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `assignments`.
    package struct CreatableReplicaAssignment: WireMessage {
        package static var minimumSize: Int { 6 }

        /// Unique among its siblings.
        package var partitionIndex: Int32 = 0
        package var brokerIDs: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partitionIndex: Int32 = 0, brokerIDs: [Int32] = []) {
            self.partitionIndex = partitionIndex
            self.brokerIDs = brokerIDs
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            brokerIDs = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(brokerIDs)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `configs`.
    package struct CreatableTopicConfig: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var name: String = ""
        package var value: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", value: String? = "") {
            self.name = name
            self.value = value
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            value = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(value)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Creates topics, through the controller.
///
/// Versions 0 to 7, flexible from 5; response.
package struct CreateTopicsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .createTopics }
    package static var versions: ClosedRange<Int16> { 0...7 }
    package static var firstFlexibleVersion: Int16 { 5 }
    package static var minimumSize: Int { 4 }

    /// Since version 2.
    package var throttleTimeMs: Int32 = 0
    package var topics: [CreatableTopicResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, topics: [CreatableTopicResult] = []) {
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

extension CreateTopicsResponse {
    /// An element of `topics`.
    package struct CreatableTopicResult: WireMessage {
        package static var minimumSize: Int { 4 }

        /// Unique among its siblings.
        package var name: String = ""
        /// Since version 7.
        package var topicID: KafkaUUID = .zero
        package var errorCode: ErrorCode = .none
        /// Since version 1.
        package var errorMessage: String? = ""
        /// Since version 5.
        package var topicConfigErrorCode: ErrorCode = .none
        /// Since version 5.
        package var numPartitions: Int32 = -1
        /// Since version 5.
        package var replicationFactor: Int16 = -1
        /// Since version 5.
        package var configs: [CreatableTopicConfigs]? = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            name: String = "",
            topicID: KafkaUUID = .zero,
            errorCode: ErrorCode = .none,
            errorMessage: String? = "",
            topicConfigErrorCode: ErrorCode = .none,
            numPartitions: Int32 = -1,
            replicationFactor: Int16 = -1,
            configs: [CreatableTopicConfigs]? = []
        ) {
            self.name = name
            self.topicID = topicID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.topicConfigErrorCode = topicConfigErrorCode
            self.numPartitions = numPartitions
            self.replicationFactor = replicationFactor
            self.configs = configs
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            topicID = try reader.read(since: 7, else: .zero)
            errorCode = try reader.read()
            errorMessage = try reader.read(since: 1, else: "")
            numPartitions = try reader.read(since: 5, else: -1)
            replicationFactor = try reader.read(since: 5, else: -1)
            configs = try reader.read(since: 5, else: [])
            var tags = try reader.beginTaggedFields()
            while let tag = try reader.nextTaggedField(&tags) {
                switch tag {
                case 0: topicConfigErrorCode = try reader.read()
                default: try reader.keepUnknown(&tags)
                }
            }
            unknownTaggedFields = tags.unknown
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(topicID, since: 7)
            try writer.write(errorCode)
            try writer.write(errorMessage, since: 1)
            try writer.write(numPartitions, since: 5)
            try writer.write(replicationFactor, since: 5)
            try writer.write(configs, since: 5)
            var tags = try writer.beginTaggedFields(unknownTaggedFields)
            try writer.writeTagged(0, topicConfigErrorCode, else: .none, in: &tags)
            try writer.endTaggedFields(&tags)
        }
    }

    /// An element of `configs`.
    package struct CreatableTopicConfigs: WireMessage {
        package static var minimumSize: Int { 1 }

        package var name: String = ""
        package var value: String? = ""
        package var readOnly: Bool = false
        package var configSource: Int8 = -1
        package var isSensitive: Bool = false
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            name: String = "",
            value: String? = "",
            readOnly: Bool = false,
            configSource: Int8 = -1,
            isSensitive: Bool = false
        ) {
            self.name = name
            self.value = value
            self.readOnly = readOnly
            self.configSource = configSource
            self.isSensitive = isSensitive
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            value = try reader.read()
            readOnly = try reader.read()
            configSource = try reader.read()
            isSensitive = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(value)
            try writer.write(readOnly)
            try writer.write(configSource)
            try writer.write(isSensitive)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
