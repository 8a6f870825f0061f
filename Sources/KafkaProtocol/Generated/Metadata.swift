// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/Metadata.schema by ProtocolGenerator.

import KafkaModel

/// Brokers, topics, partitions and their leaders.
///
/// Versions 0 to 12, flexible from 9; request.
package struct MetadataRequest: RequestMessage {
    package typealias Response = MetadataResponse
    package static var apiKey: ApiKey { .metadata }
    package static var versions: ClosedRange<Int16> { 0...12 }
    package static var firstFlexibleVersion: Int16 { 9 }
    package static var minimumSize: Int { 4 }

    /// Null for all topics; in version 0 an empty list means all.
    package var topics: [MetadataRequestTopic]? = []
    /// Since version 4.
    package var allowAutoTopicCreation: Bool = true
    /// Versions 8 to 10.
    package var includeClusterAuthorizedOperations: Bool = false
    /// Since version 8.
    package var includeTopicAuthorizedOperations: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        topics: [MetadataRequestTopic]? = [],
        allowAutoTopicCreation: Bool = true,
        includeClusterAuthorizedOperations: Bool = false,
        includeTopicAuthorizedOperations: Bool = false
    ) {
        self.topics = topics
        self.allowAutoTopicCreation = allowAutoTopicCreation
        self.includeClusterAuthorizedOperations = includeClusterAuthorizedOperations
        self.includeTopicAuthorizedOperations = includeTopicAuthorizedOperations
    }

    package init(from reader: inout WireReader) throws(WireError) {
        topics = try reader.read(nullableSince: 1, else: [])
        allowAutoTopicCreation = try reader.read(since: 4, else: true)
        includeClusterAuthorizedOperations = try reader.read(since: 8, until: 10, else: false)
        includeTopicAuthorizedOperations = try reader.read(since: 8, else: false)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(topics, nullableSince: 1, else: [], field: "topics")
        try writer.write(allowAutoTopicCreation, since: 4, else: true, field: "allowAutoTopicCreation")
        try writer.write(
            includeClusterAuthorizedOperations, since: 8, until: 10, else: false,
            field: "includeClusterAuthorizedOperations")
        try writer.write(
            includeTopicAuthorizedOperations, since: 8, else: false, field: "includeTopicAuthorizedOperations")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension MetadataRequest {
    /// An element of `topics`.
    package struct MetadataRequestTopic: WireMessage {
        package static var minimumSize: Int { 2 }

        /// Since version 10.
        package var topicID: KafkaUUID = .zero
        package var name: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicID: KafkaUUID = .zero, name: String? = "") {
            self.topicID = topicID
            self.name = name
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicID = try reader.read(since: 10, else: .zero)
            name = try reader.read(nullableSince: 10, else: "")
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicID, since: 10)
            try writer.write(name, nullableSince: 10, else: "", field: "name")
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Brokers, topics, partitions and their leaders.
///
/// Versions 0 to 12, flexible from 9; response.
package struct MetadataResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .metadata }
    package static var versions: ClosedRange<Int16> { 0...12 }
    package static var firstFlexibleVersion: Int16 { 9 }
    package static var minimumSize: Int { 8 }

    /// Since version 3.
    package var throttleTimeMs: Int32 = 0
    package var brokers: [MetadataResponseBroker] = []
    /// Since version 2.
    package var clusterID: String? = nil
    /// Since version 1.
    package var controllerID: Int32 = -1
    package var topics: [MetadataResponseTopic] = []
    /// Versions 8 to 10.
    package var clusterAuthorizedOperations: Int32 = -2147483648
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        brokers: [MetadataResponseBroker] = [],
        clusterID: String? = nil,
        controllerID: Int32 = -1,
        topics: [MetadataResponseTopic] = [],
        clusterAuthorizedOperations: Int32 = -2147483648
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.brokers = brokers
        self.clusterID = clusterID
        self.controllerID = controllerID
        self.topics = topics
        self.clusterAuthorizedOperations = clusterAuthorizedOperations
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 3, else: 0)
        brokers = try reader.read()
        clusterID = try reader.read(since: 2, else: nil)
        controllerID = try reader.read(since: 1, else: -1)
        topics = try reader.read()
        clusterAuthorizedOperations = try reader.read(since: 8, until: 10, else: -2147483648)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 3)
        try writer.write(brokers)
        try writer.write(clusterID, since: 2)
        try writer.write(controllerID, since: 1)
        try writer.write(topics)
        try writer.write(
            clusterAuthorizedOperations, since: 8, until: 10, else: -2147483648, field: "clusterAuthorizedOperations")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension MetadataResponse {
    /// An element of `brokers`.
    package struct MetadataResponseBroker: WireMessage {
        package static var minimumSize: Int { 10 }

        /// Unique among its siblings.
        package var nodeID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        /// Since version 1.
        package var rack: String? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(nodeID: Int32 = 0, host: String = "", port: Int32 = 0, rack: String? = nil) {
            self.nodeID = nodeID
            self.host = host
            self.port = port
            self.rack = rack
        }

        package init(from reader: inout WireReader) throws(WireError) {
            nodeID = try reader.read()
            host = try reader.read()
            port = try reader.read()
            rack = try reader.read(since: 1, else: nil)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(nodeID)
            try writer.write(host)
            try writer.write(port)
            try writer.write(rack, since: 1)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct MetadataResponseTopic: WireMessage {
        package static var minimumSize: Int { 8 }

        package var errorCode: ErrorCode = .none
        /// Unique among its siblings.
        package var name: String? = ""
        /// Since version 10.
        package var topicID: KafkaUUID = .zero
        /// Since version 1.
        package var isInternal: Bool = false
        package var partitions: [MetadataResponsePartition] = []
        /// Since version 8.
        package var topicAuthorizedOperations: Int32 = -2147483648
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            name: String? = "",
            topicID: KafkaUUID = .zero,
            isInternal: Bool = false,
            partitions: [MetadataResponsePartition] = [],
            topicAuthorizedOperations: Int32 = -2147483648
        ) {
            self.errorCode = errorCode
            self.name = name
            self.topicID = topicID
            self.isInternal = isInternal
            self.partitions = partitions
            self.topicAuthorizedOperations = topicAuthorizedOperations
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            name = try reader.read(nullableSince: 12, else: "")
            topicID = try reader.read(since: 10, else: .zero)
            isInternal = try reader.read(since: 1, else: false)
            partitions = try reader.read()
            topicAuthorizedOperations = try reader.read(since: 8, else: -2147483648)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(name, nullableSince: 12, else: "", field: "name")
            try writer.write(topicID, since: 10)
            try writer.write(isInternal, since: 1)
            try writer.write(partitions)
            try writer.write(topicAuthorizedOperations, since: 8, else: -2147483648, field: "topicAuthorizedOperations")
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct MetadataResponsePartition: WireMessage {
        package static var minimumSize: Int { 18 }

        package var errorCode: ErrorCode = .none
        package var partitionIndex: Int32 = 0
        package var leaderID: Int32 = 0
        /// Since version 7.
        package var leaderEpoch: Int32 = -1
        package var replicaNodes: [Int32] = []
        package var isrNodes: [Int32] = []
        /// Since version 5.
        package var offlineReplicas: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            partitionIndex: Int32 = 0,
            leaderID: Int32 = 0,
            leaderEpoch: Int32 = -1,
            replicaNodes: [Int32] = [],
            isrNodes: [Int32] = [],
            offlineReplicas: [Int32] = []
        ) {
            self.errorCode = errorCode
            self.partitionIndex = partitionIndex
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
            self.replicaNodes = replicaNodes
            self.isrNodes = isrNodes
            self.offlineReplicas = offlineReplicas
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            partitionIndex = try reader.read()
            leaderID = try reader.read()
            leaderEpoch = try reader.read(since: 7, else: -1)
            replicaNodes = try reader.read()
            isrNodes = try reader.read()
            offlineReplicas = try reader.read(since: 5, else: [])
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(partitionIndex)
            try writer.write(leaderID)
            try writer.write(leaderEpoch, since: 7)
            try writer.write(replicaNodes)
            try writer.write(isrNodes)
            try writer.write(offlineReplicas, since: 5)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
