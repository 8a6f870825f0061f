// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/UpdateMetadata.schema by ProtocolGenerator.

import KafkaModel

/// The controller tells a broker the state of the whole cluster, or what changed in it.
///
/// Versions 0 to 8, flexible from 6; request.
package struct UpdateMetadataRequest: RequestMessage {
    package typealias Response = UpdateMetadataResponse
    package static var apiKey: ApiKey { .updateMetadata }
    package static var versions: ClosedRange<Int16> { 0...8 }
    package static var firstFlexibleVersion: Int16 { 6 }
    package static var minimumSize: Int { 16 }

    package var controllerID: Int32 = 0
    /// Since version 8.
    package var isKRaftController: Bool = false
    /// Since version 8.
    package var type: Int8 = 0
    package var controllerEpoch: Int32 = 0
    /// Since version 5.
    package var brokerEpoch: Int64 = -1
    /// Until version 4.
    package var ungroupedPartitionStates: [UpdateMetadataPartitionState] = []
    /// Since version 5.
    package var topicStates: [UpdateMetadataTopicState] = []
    package var liveBrokers: [UpdateMetadataBroker] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        controllerID: Int32 = 0,
        isKRaftController: Bool = false,
        type: Int8 = 0,
        controllerEpoch: Int32 = 0,
        brokerEpoch: Int64 = -1,
        ungroupedPartitionStates: [UpdateMetadataPartitionState] = [],
        topicStates: [UpdateMetadataTopicState] = [],
        liveBrokers: [UpdateMetadataBroker] = []
    ) {
        self.controllerID = controllerID
        self.isKRaftController = isKRaftController
        self.type = type
        self.controllerEpoch = controllerEpoch
        self.brokerEpoch = brokerEpoch
        self.ungroupedPartitionStates = ungroupedPartitionStates
        self.topicStates = topicStates
        self.liveBrokers = liveBrokers
    }

    package init(from reader: inout WireReader) throws(WireError) {
        controllerID = try reader.read()
        isKRaftController = try reader.read(since: 8, else: false)
        controllerEpoch = try reader.read()
        brokerEpoch = try reader.read(since: 5, else: -1)
        ungroupedPartitionStates = try reader.read(until: 4, else: [])
        topicStates = try reader.read(since: 5, else: [])
        liveBrokers = try reader.read()
        var tags = try reader.beginTaggedFields()
        while let tag = try reader.nextTaggedField(&tags) {
            switch tag {
            case 0 where reader.version >= 8: type = try reader.read()
            default: try reader.keepUnknown(&tags)
            }
        }
        unknownTaggedFields = tags.unknown
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(controllerID)
        try writer.write(isKRaftController, since: 8, else: false, field: "isKRaftController")
        try writer.write(controllerEpoch)
        try writer.write(brokerEpoch, since: 5)
        try writer.write(ungroupedPartitionStates, until: 4, else: [], field: "ungroupedPartitionStates")
        try writer.write(topicStates, since: 5, else: [], field: "topicStates")
        try writer.write(liveBrokers)
        try writer.require(type, since: 8, else: 0, field: "type")
        var tags = try writer.beginTaggedFields(unknownTaggedFields)
        try writer.writeTagged(0, type, since: 8, else: 0, in: &tags)
        try writer.endTaggedFields(&tags)
    }
}

extension UpdateMetadataRequest {
    /// An element of `topicStates`.
    package struct UpdateMetadataTopicState: WireMessage {
        package static var minimumSize: Int { 1 }

        package var topicName: String = ""
        /// Since version 7.
        package var topicID: KafkaUUID = .zero
        package var partitionStates: [UpdateMetadataPartitionState] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            topicName: String = "",
            topicID: KafkaUUID = .zero,
            partitionStates: [UpdateMetadataPartitionState] = []
        ) {
            self.topicName = topicName
            self.topicID = topicID
            self.partitionStates = partitionStates
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read()
            topicID = try reader.read(since: 7, else: .zero)
            partitionStates = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName)
            try writer.write(topicID, since: 7)
            try writer.write(partitionStates)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `liveBrokers`.
    package struct UpdateMetadataBroker: WireMessage {
        package static var minimumSize: Int { 7 }

        package var id: Int32 = 0
        /// Until version 0.
        package var v0Host: String = ""
        /// Until version 0.
        package var v0Port: Int32 = 0
        /// Since version 1.
        package var endpoints: [UpdateMetadataEndpoint] = []
        /// Since version 2.
        package var rack: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            id: Int32 = 0,
            v0Host: String = "",
            v0Port: Int32 = 0,
            endpoints: [UpdateMetadataEndpoint] = [],
            rack: String? = ""
        ) {
            self.id = id
            self.v0Host = v0Host
            self.v0Port = v0Port
            self.endpoints = endpoints
            self.rack = rack
        }

        package init(from reader: inout WireReader) throws(WireError) {
            id = try reader.read()
            v0Host = try reader.read(until: 0, else: "")
            v0Port = try reader.read(until: 0, else: 0)
            endpoints = try reader.read(since: 1, else: [])
            rack = try reader.read(since: 2, else: "")
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(id)
            try writer.write(v0Host, until: 0)
            try writer.write(v0Port, until: 0)
            try writer.write(endpoints, since: 1)
            try writer.write(rack, since: 2)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `endpoints`.
    package struct UpdateMetadataEndpoint: WireMessage {
        package static var minimumSize: Int { 1 }

        package var port: Int32 = 0
        package var host: String = ""
        /// Since version 3.
        package var listener: String = ""
        package var securityProtocol: Int16 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(port: Int32 = 0, host: String = "", listener: String = "", securityProtocol: Int16 = 0) {
            self.port = port
            self.host = host
            self.listener = listener
            self.securityProtocol = securityProtocol
        }

        package init(from reader: inout WireReader) throws(WireError) {
            port = try reader.read()
            host = try reader.read()
            listener = try reader.read(since: 3, else: "")
            securityProtocol = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(port)
            try writer.write(host)
            try writer.write(listener, since: 3)
            try writer.write(securityProtocol)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    package struct UpdateMetadataPartitionState: WireMessage {
        package static var minimumSize: Int { 24 }

        /// Until version 4.
        package var topicName: String = ""
        package var partitionIndex: Int32 = 0
        package var controllerEpoch: Int32 = 0
        package var leader: Int32 = 0
        package var leaderEpoch: Int32 = 0
        package var isr: [Int32] = []
        package var zkVersion: Int32 = 0
        package var replicas: [Int32] = []
        /// Since version 4.
        package var offlineReplicas: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            topicName: String = "",
            partitionIndex: Int32 = 0,
            controllerEpoch: Int32 = 0,
            leader: Int32 = 0,
            leaderEpoch: Int32 = 0,
            isr: [Int32] = [],
            zkVersion: Int32 = 0,
            replicas: [Int32] = [],
            offlineReplicas: [Int32] = []
        ) {
            self.topicName = topicName
            self.partitionIndex = partitionIndex
            self.controllerEpoch = controllerEpoch
            self.leader = leader
            self.leaderEpoch = leaderEpoch
            self.isr = isr
            self.zkVersion = zkVersion
            self.replicas = replicas
            self.offlineReplicas = offlineReplicas
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read(until: 4, else: "")
            partitionIndex = try reader.read()
            controllerEpoch = try reader.read()
            leader = try reader.read()
            leaderEpoch = try reader.read()
            isr = try reader.read()
            zkVersion = try reader.read()
            replicas = try reader.read()
            offlineReplicas = try reader.read(since: 4, else: [])
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName, until: 4)
            try writer.write(partitionIndex)
            try writer.write(controllerEpoch)
            try writer.write(leader)
            try writer.write(leaderEpoch)
            try writer.write(isr)
            try writer.write(zkVersion)
            try writer.write(replicas)
            try writer.write(offlineReplicas, since: 4)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// The controller tells a broker the state of the whole cluster, or what changed in it.
///
/// Versions 0 to 8, flexible from 6; response.
package struct UpdateMetadataResponse: ResponseMessage {
    package static var apiKey: ApiKey { .updateMetadata }
    package static var versions: ClosedRange<Int16> { 0...8 }
    package static var firstFlexibleVersion: Int16 { 6 }
    package static var minimumSize: Int { 2 }

    package var errorCode: ErrorCode = .none
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(errorCode: ErrorCode = .none) {
        self.errorCode = errorCode
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
