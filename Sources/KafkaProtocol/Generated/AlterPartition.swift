// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AlterPartition.schema by ProtocolGenerator.

import KafkaModel

/// A leader proposes a new in-sync set to the controller (KIP-497).
///
/// Versions 0 to 3, flexible from 0; request.
package struct AlterPartitionRequest: RequestMessage {
    package typealias Response = AlterPartitionResponse
    package static var apiKey: ApiKey { .alterPartition }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 14 }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = -1
    package var topics: [TopicData] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(brokerID: Int32 = 0, brokerEpoch: Int64 = -1, topics: [TopicData] = []) {
        self.brokerID = brokerID
        self.brokerEpoch = brokerEpoch
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        brokerID = try reader.read()
        brokerEpoch = try reader.read()
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(brokerID)
        try writer.write(brokerEpoch)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterPartitionRequest {
    /// An element of `topics`.
    package struct TopicData: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Until version 1.
        package var topicName: String = ""
        /// Since version 2.
        package var topicID: KafkaUUID = .zero
        package var partitions: [PartitionData] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicName: String = "", topicID: KafkaUUID = .zero, partitions: [PartitionData] = []) {
            self.topicName = topicName
            self.topicID = topicID
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read(until: 1, else: "")
            topicID = try reader.read(since: 2, else: .zero)
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName, until: 1)
            try writer.write(topicID, since: 2)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct PartitionData: WireMessage {
        package static var minimumSize: Int { 14 }

        package var partitionIndex: Int32 = 0
        package var leaderEpoch: Int32 = 0
        /// Until version 2.
        package var newIsr: [Int32] = []
        /// Since version 3.
        package var newIsrWithEpochs: [BrokerState] = []
        /// Since version 1.
        package var leaderRecoveryState: Int8 = 0
        package var partitionEpoch: Int32 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            leaderEpoch: Int32 = 0,
            newIsr: [Int32] = [],
            newIsrWithEpochs: [BrokerState] = [],
            leaderRecoveryState: Int8 = 0,
            partitionEpoch: Int32 = 0
        ) {
            self.partitionIndex = partitionIndex
            self.leaderEpoch = leaderEpoch
            self.newIsr = newIsr
            self.newIsrWithEpochs = newIsrWithEpochs
            self.leaderRecoveryState = leaderRecoveryState
            self.partitionEpoch = partitionEpoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            leaderEpoch = try reader.read()
            newIsr = try reader.read(until: 2, else: [])
            newIsrWithEpochs = try reader.read(since: 3, else: [])
            leaderRecoveryState = try reader.read(since: 1, else: 0)
            partitionEpoch = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(leaderEpoch)
            try writer.write(newIsr, until: 2, else: [], field: "newIsr")
            try writer.write(newIsrWithEpochs, since: 3, else: [], field: "newIsrWithEpochs")
            try writer.write(leaderRecoveryState, since: 1, else: 0, field: "leaderRecoveryState")
            try writer.write(partitionEpoch)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `newIsrWithEpochs`.
    package struct BrokerState: WireMessage {
        package static var minimumSize: Int { 1 }

        package var brokerID: Int32 = 0
        package var brokerEpoch: Int64 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(brokerID: Int32 = 0, brokerEpoch: Int64 = -1) {
            self.brokerID = brokerID
            self.brokerEpoch = brokerEpoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            brokerID = try reader.read()
            brokerEpoch = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(brokerID)
            try writer.write(brokerEpoch)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// A leader proposes a new in-sync set to the controller (KIP-497).
///
/// Versions 0 to 3, flexible from 0; response.
package struct AlterPartitionResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .alterPartition }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 8 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var topics: [TopicData] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, errorCode: ErrorCode = .none, topics: [TopicData] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterPartitionResponse {
    /// An element of `topics`.
    package struct TopicData: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Until version 1.
        package var topicName: String = ""
        /// Since version 2.
        package var topicID: KafkaUUID = .zero
        package var partitions: [PartitionData] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicName: String = "", topicID: KafkaUUID = .zero, partitions: [PartitionData] = []) {
            self.topicName = topicName
            self.topicID = topicID
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read(until: 1, else: "")
            topicID = try reader.read(since: 2, else: .zero)
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName, until: 1)
            try writer.write(topicID, since: 2)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct PartitionData: WireMessage {
        package static var minimumSize: Int { 20 }

        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var leaderID: Int32 = 0
        package var leaderEpoch: Int32 = 0
        package var isr: [Int32] = []
        /// Since version 1.
        package var leaderRecoveryState: Int8 = 0
        package var partitionEpoch: Int32 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            errorCode: ErrorCode = .none,
            leaderID: Int32 = 0,
            leaderEpoch: Int32 = 0,
            isr: [Int32] = [],
            leaderRecoveryState: Int8 = 0,
            partitionEpoch: Int32 = 0
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
            self.isr = isr
            self.leaderRecoveryState = leaderRecoveryState
            self.partitionEpoch = partitionEpoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            leaderID = try reader.read()
            leaderEpoch = try reader.read()
            isr = try reader.read()
            leaderRecoveryState = try reader.read(since: 1, else: 0)
            partitionEpoch = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.write(leaderID)
            try writer.write(leaderEpoch)
            try writer.write(isr)
            try writer.write(leaderRecoveryState, since: 1)
            try writer.write(partitionEpoch)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
