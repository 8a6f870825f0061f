// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ConsumerGroupDescribe.schema by ProtocolGenerator.

import KafkaModel

/// State and members of groups of the protocol of KIP-848.
///
/// Version 0, flexible from 0; request.
package struct ConsumerGroupDescribeRequest: RequestMessage {
    package typealias Response = ConsumerGroupDescribeResponse
    package static var apiKey: ApiKey { .consumerGroupDescribe }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 3 }

    package var groupIDs: [String] = []
    package var includeAuthorizedOperations: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(groupIDs: [String] = [], includeAuthorizedOperations: Bool = false) {
        self.groupIDs = groupIDs
        self.includeAuthorizedOperations = includeAuthorizedOperations
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupIDs = try reader.read()
        includeAuthorizedOperations = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupIDs)
        try writer.write(includeAuthorizedOperations)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// State and members of groups of the protocol of KIP-848.
///
/// Version 0, flexible from 0; response.
package struct ConsumerGroupDescribeResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .consumerGroupDescribe }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var groups: [DescribedGroup] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, groups: [DescribedGroup] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.groups = groups
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        groups = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(groups)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ConsumerGroupDescribeResponse {
    /// An element of `groups`.
    package struct DescribedGroup: WireMessage {
        package static var minimumSize: Int { 20 }

        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = nil
        package var groupID: String = ""
        package var groupState: String = ""
        package var groupEpoch: Int32 = 0
        package var assignmentEpoch: Int32 = 0
        package var assignorName: String = ""
        package var members: [Member] = []
        package var authorizedOperations: Int32 = -2147483648
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            errorMessage: String? = nil,
            groupID: String = "",
            groupState: String = "",
            groupEpoch: Int32 = 0,
            assignmentEpoch: Int32 = 0,
            assignorName: String = "",
            members: [Member] = [],
            authorizedOperations: Int32 = -2147483648
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.groupID = groupID
            self.groupState = groupState
            self.groupEpoch = groupEpoch
            self.assignmentEpoch = assignmentEpoch
            self.assignorName = assignorName
            self.members = members
            self.authorizedOperations = authorizedOperations
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            errorMessage = try reader.read()
            groupID = try reader.read()
            groupState = try reader.read()
            groupEpoch = try reader.read()
            assignmentEpoch = try reader.read()
            assignorName = try reader.read()
            members = try reader.read()
            authorizedOperations = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.write(groupID)
            try writer.write(groupState)
            try writer.write(groupEpoch)
            try writer.write(assignmentEpoch)
            try writer.write(assignorName)
            try writer.write(members)
            try writer.write(authorizedOperations)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `members`.
    package struct Member: WireMessage {
        package static var minimumSize: Int { 16 }

        package var memberID: String = ""
        package var instanceID: String? = nil
        package var rackID: String? = nil
        package var memberEpoch: Int32 = 0
        package var clientID: String = ""
        package var clientHost: String = ""
        package var subscribedTopicNames: [String] = []
        package var subscribedTopicRegex: String? = nil
        package var assignment: Assignment = Assignment()
        package var targetAssignment: Assignment = Assignment()
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            memberID: String = "",
            instanceID: String? = nil,
            rackID: String? = nil,
            memberEpoch: Int32 = 0,
            clientID: String = "",
            clientHost: String = "",
            subscribedTopicNames: [String] = [],
            subscribedTopicRegex: String? = nil,
            assignment: Assignment = Assignment(),
            targetAssignment: Assignment = Assignment()
        ) {
            self.memberID = memberID
            self.instanceID = instanceID
            self.rackID = rackID
            self.memberEpoch = memberEpoch
            self.clientID = clientID
            self.clientHost = clientHost
            self.subscribedTopicNames = subscribedTopicNames
            self.subscribedTopicRegex = subscribedTopicRegex
            self.assignment = assignment
            self.targetAssignment = targetAssignment
        }

        package init(from reader: inout WireReader) throws(WireError) {
            memberID = try reader.read()
            instanceID = try reader.read()
            rackID = try reader.read()
            memberEpoch = try reader.read()
            clientID = try reader.read()
            clientHost = try reader.read()
            subscribedTopicNames = try reader.read()
            subscribedTopicRegex = try reader.read()
            assignment = try reader.read()
            targetAssignment = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(memberID)
            try writer.write(instanceID)
            try writer.write(rackID)
            try writer.write(memberEpoch)
            try writer.write(clientID)
            try writer.write(clientHost)
            try writer.write(subscribedTopicNames)
            try writer.write(subscribedTopicRegex)
            try writer.write(assignment)
            try writer.write(targetAssignment)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    package struct TopicPartitions: WireMessage {
        package static var minimumSize: Int { 19 }

        package var topicID: KafkaUUID = .zero
        package var topicName: String = ""
        package var partitions: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicID: KafkaUUID = .zero, topicName: String = "", partitions: [Int32] = []) {
            self.topicID = topicID
            self.topicName = topicName
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicID = try reader.read()
            topicName = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicID)
            try writer.write(topicName)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

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
}
