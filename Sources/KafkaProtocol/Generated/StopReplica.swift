// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/StopReplica.schema by ProtocolGenerator.

import KafkaModel

/// The controller tells a broker to stop replicas, and perhaps to delete them.
///
/// Versions 0 to 4, flexible from 2; request.
package struct StopReplicaRequest: RequestMessage {
    package typealias Response = StopReplicaResponse
    package static var apiKey: ApiKey { .stopReplica }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 13 }

    package var controllerID: Int32 = 0
    /// Since version 4.
    package var isKRaftController: Bool = false
    package var controllerEpoch: Int32 = 0
    /// Since version 1.
    package var brokerEpoch: Int64 = -1
    /// Until version 2.
    package var deletePartitions: Bool = false
    /// Until version 0.
    package var ungroupedPartitions: [StopReplicaPartitionV0] = []
    /// Versions 1 to 2.
    package var topics: [StopReplicaTopicV1] = []
    /// Since version 3.
    package var topicStates: [StopReplicaTopicState] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        controllerID: Int32 = 0,
        isKRaftController: Bool = false,
        controllerEpoch: Int32 = 0,
        brokerEpoch: Int64 = -1,
        deletePartitions: Bool = false,
        ungroupedPartitions: [StopReplicaPartitionV0] = [],
        topics: [StopReplicaTopicV1] = [],
        topicStates: [StopReplicaTopicState] = []
    ) {
        self.controllerID = controllerID
        self.isKRaftController = isKRaftController
        self.controllerEpoch = controllerEpoch
        self.brokerEpoch = brokerEpoch
        self.deletePartitions = deletePartitions
        self.ungroupedPartitions = ungroupedPartitions
        self.topics = topics
        self.topicStates = topicStates
    }

    package init(from reader: inout WireReader) throws(WireError) {
        controllerID = try reader.read()
        isKRaftController = try reader.read(since: 4, else: false)
        controllerEpoch = try reader.read()
        brokerEpoch = try reader.read(since: 1, else: -1)
        deletePartitions = try reader.read(until: 2, else: false)
        ungroupedPartitions = try reader.read(until: 0, else: [])
        topics = try reader.read(since: 1, until: 2, else: [])
        topicStates = try reader.read(since: 3, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(controllerID)
        try writer.write(isKRaftController, since: 4, else: false, field: "isKRaftController")
        try writer.write(controllerEpoch)
        try writer.write(brokerEpoch, since: 1)
        try writer.write(deletePartitions, until: 2, else: false, field: "deletePartitions")
        try writer.write(ungroupedPartitions, until: 0, else: [], field: "ungroupedPartitions")
        try writer.write(topics, since: 1, until: 2, else: [], field: "topics")
        try writer.write(topicStates, since: 3, else: [], field: "topicStates")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension StopReplicaRequest {
    /// An element of `ungroupedPartitions`.
    package struct StopReplicaPartitionV0: WireMessage {
        package static var minimumSize: Int { 1 }

        package var topicName: String = ""
        package var partitionIndex: Int32 = 0

        package init() {}

        package init(topicName: String = "", partitionIndex: Int32 = 0) {
            self.topicName = topicName
            self.partitionIndex = partitionIndex
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read()
            partitionIndex = try reader.read()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName)
            try writer.write(partitionIndex)
        }
    }

    /// An element of `topics`.
    package struct StopReplicaTopicV1: WireMessage {
        package static var minimumSize: Int { 1 }

        package var name: String = ""
        package var partitionIndexes: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitionIndexes: [Int32] = []) {
            self.name = name
            self.partitionIndexes = partitionIndexes
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitionIndexes = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitionIndexes)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topicStates`.
    package struct StopReplicaTopicState: WireMessage {
        package static var minimumSize: Int { 1 }

        package var topicName: String = ""
        package var partitionStates: [StopReplicaPartitionState] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicName: String = "", partitionStates: [StopReplicaPartitionState] = []) {
            self.topicName = topicName
            self.partitionStates = partitionStates
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read()
            partitionStates = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName)
            try writer.write(partitionStates)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitionStates`.
    package struct StopReplicaPartitionState: WireMessage {
        package static var minimumSize: Int { 1 }

        package var partitionIndex: Int32 = 0
        package var leaderEpoch: Int32 = -1
        /// Whether the replica is deleted as well.
        package var deletePartition: Bool = false
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partitionIndex: Int32 = 0, leaderEpoch: Int32 = -1, deletePartition: Bool = false) {
            self.partitionIndex = partitionIndex
            self.leaderEpoch = leaderEpoch
            self.deletePartition = deletePartition
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            leaderEpoch = try reader.read()
            deletePartition = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(leaderEpoch)
            try writer.write(deletePartition)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// The controller tells a broker to stop replicas, and perhaps to delete them.
///
/// Versions 0 to 4, flexible from 2; response.
package struct StopReplicaResponse: ResponseMessage {
    package static var apiKey: ApiKey { .stopReplica }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 4 }

    package var errorCode: ErrorCode = .none
    package var partitionErrors: [StopReplicaPartitionError] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(errorCode: ErrorCode = .none, partitionErrors: [StopReplicaPartitionError] = []) {
        self.errorCode = errorCode
        self.partitionErrors = partitionErrors
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        partitionErrors = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(partitionErrors)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension StopReplicaResponse {
    /// An element of `partitionErrors`.
    package struct StopReplicaPartitionError: WireMessage {
        package static var minimumSize: Int { 8 }

        package var topicName: String = ""
        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicName: String = "", partitionIndex: Int32 = 0, errorCode: ErrorCode = .none) {
            self.topicName = topicName
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read()
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName)
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
