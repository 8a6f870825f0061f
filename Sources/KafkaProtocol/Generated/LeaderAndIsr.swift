// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/LeaderAndIsr.schema by ProtocolGenerator.

import KafkaModel

/// The controller tells a broker which partitions it leads or follows.
///
/// Versions 0 to 7, flexible from 4; request.
package struct LeaderAndIsrRequest: RequestMessage {
    package typealias Response = LeaderAndIsrResponse
    package static var apiKey: ApiKey { .leaderAndIsr }
    package static var versions: ClosedRange<Int16> { 0...7 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 16 }

    package var controllerID: Int32 = 0
    /// Since version 7.
    package var isKRaftController: Bool = false
    package var controllerEpoch: Int32 = 0
    /// The life of the broker that is addressed (KIP-380).
    /// Since version 2.
    package var brokerEpoch: Int64 = -1
    /// 1: changed partitions only; 2: all partitions of the broker (KIP-516).
    /// Since version 5.
    package var type: Int8 = 0
    /// Until version 1.
    package var ungroupedPartitionStates: [LeaderAndIsrPartitionState] = []
    /// Since version 2.
    package var topicStates: [LeaderAndIsrTopicState] = []
    package var liveLeaders: [LeaderAndIsrLiveLeader] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        controllerID: Int32 = 0,
        isKRaftController: Bool = false,
        controllerEpoch: Int32 = 0,
        brokerEpoch: Int64 = -1,
        type: Int8 = 0,
        ungroupedPartitionStates: [LeaderAndIsrPartitionState] = [],
        topicStates: [LeaderAndIsrTopicState] = [],
        liveLeaders: [LeaderAndIsrLiveLeader] = []
    ) {
        self.controllerID = controllerID
        self.isKRaftController = isKRaftController
        self.controllerEpoch = controllerEpoch
        self.brokerEpoch = brokerEpoch
        self.type = type
        self.ungroupedPartitionStates = ungroupedPartitionStates
        self.topicStates = topicStates
        self.liveLeaders = liveLeaders
    }

    package init(from reader: inout WireReader) throws(WireError) {
        controllerID = try reader.read()
        isKRaftController = try reader.read(since: 7, else: false)
        controllerEpoch = try reader.read()
        brokerEpoch = try reader.read(since: 2, else: -1)
        type = try reader.read(since: 5, else: 0)
        ungroupedPartitionStates = try reader.read(until: 1, else: [])
        topicStates = try reader.read(since: 2, else: [])
        liveLeaders = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(controllerID)
        try writer.write(isKRaftController, since: 7, else: false, field: "isKRaftController")
        try writer.write(controllerEpoch)
        try writer.write(brokerEpoch, since: 2)
        try writer.write(type, since: 5, else: 0, field: "type")
        try writer.write(ungroupedPartitionStates, until: 1, else: [], field: "ungroupedPartitionStates")
        try writer.write(topicStates, since: 2, else: [], field: "topicStates")
        try writer.write(liveLeaders)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension LeaderAndIsrRequest {
    /// An element of `topicStates`.
    package struct LeaderAndIsrTopicState: WireMessage {
        package static var minimumSize: Int { 1 }

        package var topicName: String = ""
        /// Since version 5.
        package var topicID: KafkaUUID = .zero
        package var partitionStates: [LeaderAndIsrPartitionState] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            topicName: String = "",
            topicID: KafkaUUID = .zero,
            partitionStates: [LeaderAndIsrPartitionState] = []
        ) {
            self.topicName = topicName
            self.topicID = topicID
            self.partitionStates = partitionStates
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read()
            topicID = try reader.read(since: 5, else: .zero)
            partitionStates = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName)
            try writer.write(topicID, since: 5)
            try writer.write(partitionStates)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `liveLeaders`.
    package struct LeaderAndIsrLiveLeader: WireMessage {
        package static var minimumSize: Int { 10 }

        package var brokerID: Int32 = 0
        package var hostName: String = ""
        package var port: Int32 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(brokerID: Int32 = 0, hostName: String = "", port: Int32 = 0) {
            self.brokerID = brokerID
            self.hostName = hostName
            self.port = port
        }

        package init(from reader: inout WireReader) throws(WireError) {
            brokerID = try reader.read()
            hostName = try reader.read()
            port = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(brokerID)
            try writer.write(hostName)
            try writer.write(port)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    package struct LeaderAndIsrPartitionState: WireMessage {
        package static var minimumSize: Int { 26 }

        /// Until version 1.
        package var topicName: String = ""
        package var partitionIndex: Int32 = 0
        package var controllerEpoch: Int32 = 0
        package var leader: Int32 = 0
        package var leaderEpoch: Int32 = 0
        package var isr: [Int32] = []
        package var partitionEpoch: Int32 = 0
        package var replicas: [Int32] = []
        /// Since version 3.
        package var addingReplicas: [Int32] = []
        /// Since version 3.
        package var removingReplicas: [Int32] = []
        /// Since version 1.
        package var isNew: Bool = false
        /// Since version 6.
        package var leaderRecoveryState: Int8 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            topicName: String = "",
            partitionIndex: Int32 = 0,
            controllerEpoch: Int32 = 0,
            leader: Int32 = 0,
            leaderEpoch: Int32 = 0,
            isr: [Int32] = [],
            partitionEpoch: Int32 = 0,
            replicas: [Int32] = [],
            addingReplicas: [Int32] = [],
            removingReplicas: [Int32] = [],
            isNew: Bool = false,
            leaderRecoveryState: Int8 = 0
        ) {
            self.topicName = topicName
            self.partitionIndex = partitionIndex
            self.controllerEpoch = controllerEpoch
            self.leader = leader
            self.leaderEpoch = leaderEpoch
            self.isr = isr
            self.partitionEpoch = partitionEpoch
            self.replicas = replicas
            self.addingReplicas = addingReplicas
            self.removingReplicas = removingReplicas
            self.isNew = isNew
            self.leaderRecoveryState = leaderRecoveryState
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read(until: 1, else: "")
            partitionIndex = try reader.read()
            controllerEpoch = try reader.read()
            leader = try reader.read()
            leaderEpoch = try reader.read()
            isr = try reader.read()
            partitionEpoch = try reader.read()
            replicas = try reader.read()
            addingReplicas = try reader.read(since: 3, else: [])
            removingReplicas = try reader.read(since: 3, else: [])
            isNew = try reader.read(since: 1, else: false)
            leaderRecoveryState = try reader.read(since: 6, else: 0)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName, until: 1)
            try writer.write(partitionIndex)
            try writer.write(controllerEpoch)
            try writer.write(leader)
            try writer.write(leaderEpoch)
            try writer.write(isr)
            try writer.write(partitionEpoch)
            try writer.write(replicas)
            try writer.write(addingReplicas, since: 3)
            try writer.write(removingReplicas, since: 3)
            try writer.write(isNew, since: 1)
            try writer.write(leaderRecoveryState, since: 6, else: 0, field: "leaderRecoveryState")
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// The controller tells a broker which partitions it leads or follows.
///
/// Versions 0 to 7, flexible from 4; response.
package struct LeaderAndIsrResponse: ResponseMessage {
    package static var apiKey: ApiKey { .leaderAndIsr }
    package static var versions: ClosedRange<Int16> { 0...7 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 4 }

    package var errorCode: ErrorCode = .none
    /// Until version 4.
    package var partitionErrors: [LeaderAndIsrPartitionError] = []
    /// Since version 5.
    package var topics: [LeaderAndIsrTopicError] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        errorCode: ErrorCode = .none,
        partitionErrors: [LeaderAndIsrPartitionError] = [],
        topics: [LeaderAndIsrTopicError] = []
    ) {
        self.errorCode = errorCode
        self.partitionErrors = partitionErrors
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        partitionErrors = try reader.read(until: 4, else: [])
        topics = try reader.read(since: 5, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(partitionErrors, until: 4, else: [], field: "partitionErrors")
        try writer.write(topics, since: 5, else: [], field: "topics")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension LeaderAndIsrResponse {
    /// An element of `topics`.
    package struct LeaderAndIsrTopicError: WireMessage {
        package static var minimumSize: Int { 1 }

        /// Unique among its siblings.
        package var topicID: KafkaUUID = .zero
        package var partitionErrors: [LeaderAndIsrPartitionError] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicID: KafkaUUID = .zero, partitionErrors: [LeaderAndIsrPartitionError] = []) {
            self.topicID = topicID
            self.partitionErrors = partitionErrors
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicID = try reader.read()
            partitionErrors = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicID)
            try writer.write(partitionErrors)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    package struct LeaderAndIsrPartitionError: WireMessage {
        package static var minimumSize: Int { 7 }

        /// Until version 4.
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
            topicName = try reader.read(until: 4, else: "")
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName, until: 4)
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
