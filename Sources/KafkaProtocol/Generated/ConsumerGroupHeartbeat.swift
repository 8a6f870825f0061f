// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ConsumerGroupHeartbeat.schema by ProtocolGenerator.

import KafkaModel

/// Membership and assignment in the group protocol of KIP-848.
///
/// Version 0, flexible from 0; request.
package struct ConsumerGroupHeartbeatRequest: RequestMessage {
    package typealias Response = ConsumerGroupHeartbeatResponse
    package static var apiKey: ApiKey { .consumerGroupHeartbeat }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 16 }

    package var groupID: String = ""
    package var memberID: String = ""
    /// 0 joins; -1 leaves; -2 leaves for a while, as a static member.
    package var memberEpoch: Int32 = 0
    package var instanceID: String? = nil
    package var rackID: String? = nil
    package var rebalanceTimeoutMs: Int32 = -1
    package var subscribedTopicNames: [String]? = nil
    package var serverAssignor: String? = nil
    package var topicPartitions: [TopicPartitions]? = nil
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        groupID: String = "",
        memberID: String = "",
        memberEpoch: Int32 = 0,
        instanceID: String? = nil,
        rackID: String? = nil,
        rebalanceTimeoutMs: Int32 = -1,
        subscribedTopicNames: [String]? = nil,
        serverAssignor: String? = nil,
        topicPartitions: [TopicPartitions]? = nil
    ) {
        self.groupID = groupID
        self.memberID = memberID
        self.memberEpoch = memberEpoch
        self.instanceID = instanceID
        self.rackID = rackID
        self.rebalanceTimeoutMs = rebalanceTimeoutMs
        self.subscribedTopicNames = subscribedTopicNames
        self.serverAssignor = serverAssignor
        self.topicPartitions = topicPartitions
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupID = try reader.read()
        memberID = try reader.read()
        memberEpoch = try reader.read()
        instanceID = try reader.read()
        rackID = try reader.read()
        rebalanceTimeoutMs = try reader.read()
        subscribedTopicNames = try reader.read()
        serverAssignor = try reader.read()
        topicPartitions = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupID)
        try writer.write(memberID)
        try writer.write(memberEpoch)
        try writer.write(instanceID)
        try writer.write(rackID)
        try writer.write(rebalanceTimeoutMs)
        try writer.write(subscribedTopicNames)
        try writer.write(serverAssignor)
        try writer.write(topicPartitions)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ConsumerGroupHeartbeatRequest {
    /// An element of `topicPartitions`.
    package struct TopicPartitions: WireMessage {
        package static var minimumSize: Int { 18 }

        package var topicID: KafkaUUID = .zero
        package var partitions: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicID: KafkaUUID = .zero, partitions: [Int32] = []) {
            self.topicID = topicID
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicID = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicID)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Membership and assignment in the group protocol of KIP-848.
///
/// Version 0, flexible from 0; response.
package struct ConsumerGroupHeartbeatResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .consumerGroupHeartbeat }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 18 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var errorMessage: String? = nil
    package var memberID: String? = nil
    package var memberEpoch: Int32 = 0
    package var heartbeatIntervalMs: Int32 = 0
    package var assignment: Assignment? = nil
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        errorMessage: String? = nil,
        memberID: String? = nil,
        memberEpoch: Int32 = 0,
        heartbeatIntervalMs: Int32 = 0,
        assignment: Assignment? = nil
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.memberID = memberID
        self.memberEpoch = memberEpoch
        self.heartbeatIntervalMs = heartbeatIntervalMs
        self.assignment = assignment
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        errorMessage = try reader.read()
        memberID = try reader.read()
        memberEpoch = try reader.read()
        heartbeatIntervalMs = try reader.read()
        assignment = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(errorMessage)
        try writer.write(memberID)
        try writer.write(memberEpoch)
        try writer.write(heartbeatIntervalMs)
        try writer.write(assignment)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ConsumerGroupHeartbeatResponse {
    /// The value of `assignment`.
    package struct Assignment: WireMessage {
        package static var minimumSize: Int { 2 }

        package var topicPartitions: [TopicPartitions] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicPartitions: [TopicPartitions] = []) {
            self.topicPartitions = topicPartitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicPartitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicPartitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    package struct TopicPartitions: WireMessage {
        package static var minimumSize: Int { 18 }

        package var topicID: KafkaUUID = .zero
        package var partitions: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicID: KafkaUUID = .zero, partitions: [Int32] = []) {
            self.topicID = topicID
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicID = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicID)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
