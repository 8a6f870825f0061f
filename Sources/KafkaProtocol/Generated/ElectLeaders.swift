// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ElectLeaders.schema by ProtocolGenerator.

import KafkaModel

/// Elects the preferred leader, or one outside the in-sync set (KIP-183, KIP-460).
///
/// Versions 0 to 2, flexible from 2; request.
package struct ElectLeadersRequest: RequestMessage {
    package typealias Response = ElectLeadersResponse
    package static var apiKey: ApiKey { .electLeaders }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 7 }

    /// 0: the preferred replica; 1: any replica, if none is in sync.
    /// Since version 1.
    package var electionType: Int8 = 0
    /// Null for all partitions.
    package var topicPartitions: [TopicPartitions]? = []
    package var timeoutMs: Int32 = 60000
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(electionType: Int8 = 0, topicPartitions: [TopicPartitions]? = [], timeoutMs: Int32 = 60000) {
        self.electionType = electionType
        self.topicPartitions = topicPartitions
        self.timeoutMs = timeoutMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        electionType = try reader.read(since: 1, else: 0)
        topicPartitions = try reader.read()
        timeoutMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(electionType, since: 1, else: 0, field: "electionType")
        try writer.write(topicPartitions)
        try writer.write(timeoutMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ElectLeadersRequest {
    /// An element of `topicPartitions`.
    package struct TopicPartitions: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var topic: String = ""
        package var partitions: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", partitions: [Int32] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Elects the preferred leader, or one outside the in-sync set (KIP-183, KIP-460).
///
/// Versions 0 to 2, flexible from 2; response.
package struct ElectLeadersResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .electLeaders }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 8 }

    package var throttleTimeMs: Int32 = 0
    /// Since version 1.
    package var errorCode: ErrorCode = .none
    package var replicaElectionResults: [ReplicaElectionResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        replicaElectionResults: [ReplicaElectionResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.replicaElectionResults = replicaElectionResults
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read(since: 1, else: .none)
        replicaElectionResults = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode, since: 1, else: .none, field: "errorCode")
        try writer.write(replicaElectionResults)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ElectLeadersResponse {
    /// An element of `replicaElectionResults`.
    package struct ReplicaElectionResult: WireMessage {
        package static var minimumSize: Int { 3 }

        package var topic: String = ""
        package var partitionResult: [PartitionResult] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", partitionResult: [PartitionResult] = []) {
            self.topic = topic
            self.partitionResult = partitionResult
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read()
            partitionResult = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic)
            try writer.write(partitionResult)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitionResult`.
    package struct PartitionResult: WireMessage {
        package static var minimumSize: Int { 8 }

        package var partitionID: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partitionID: Int32 = 0, errorCode: ErrorCode = .none, errorMessage: String? = "") {
            self.partitionID = partitionID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionID = try reader.read()
            errorCode = try reader.read()
            errorMessage = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionID)
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
