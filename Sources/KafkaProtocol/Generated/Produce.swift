// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/Produce.schema by ProtocolGenerator.

import KafkaModel

/// Appends record batches to partitions. With acks 0 no response follows.
///
/// Versions 0 to 11, flexible from 9; request.
package struct ProduceRequest: RequestMessage {
    package typealias Response = ProduceResponse
    package static var apiKey: ApiKey { .produce }
    package static var versions: ClosedRange<Int16> { 0...11 }
    package static var firstFlexibleVersion: Int16 { 9 }
    package static var minimumSize: Int { 9 }

    /// Since version 3.
    package var transactionalID: String? = nil
    /// 0: no response; 1: once the leader has it; -1: once all in-sync replicas have it.
    package var acks: Int16 = 0
    /// How long to wait for the in-sync replicas.
    package var timeoutMs: Int32 = 0
    package var topicData: [TopicProduceData] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        transactionalID: String? = nil,
        acks: Int16 = 0,
        timeoutMs: Int32 = 0,
        topicData: [TopicProduceData] = []
    ) {
        self.transactionalID = transactionalID
        self.acks = acks
        self.timeoutMs = timeoutMs
        self.topicData = topicData
    }

    package init(from reader: inout WireReader) throws(WireError) {
        transactionalID = try reader.read(since: 3, else: nil)
        acks = try reader.read()
        timeoutMs = try reader.read()
        topicData = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(transactionalID, since: 3, else: nil, field: "transactionalId")
        try writer.write(acks)
        try writer.write(timeoutMs)
        try writer.write(topicData)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ProduceRequest {
    /// An element of `topicData`.
    package struct TopicProduceData: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var name: String = ""
        package var partitionData: [PartitionProduceData] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitionData: [PartitionProduceData] = []) {
            self.name = name
            self.partitionData = partitionData
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitionData = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitionData)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitionData`.
    package struct PartitionProduceData: WireMessage {
        package static var minimumSize: Int { 6 }

        package var index: Int32 = 0
        package var records: RecordsPayload? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(index: Int32 = 0, records: RecordsPayload? = nil) {
            self.index = index
            self.records = records
        }

        package init(from reader: inout WireReader) throws(WireError) {
            index = try reader.read()
            records = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(index)
            try writer.write(records)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Appends record batches to partitions. With acks 0 no response follows.
///
/// Versions 0 to 11, flexible from 9; response.
package struct ProduceResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .produce }
    package static var versions: ClosedRange<Int16> { 0...11 }
    package static var firstFlexibleVersion: Int16 { 9 }
    package static var minimumSize: Int { 4 }

    package var responses: [TopicProduceResponse] = []
    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    /// Where the leaders named above can be reached.
    /// Since version 10.
    package var nodeEndpoints: [NodeEndpoint] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        responses: [TopicProduceResponse] = [],
        throttleTimeMs: Int32 = 0,
        nodeEndpoints: [NodeEndpoint] = []
    ) {
        self.responses = responses
        self.throttleTimeMs = throttleTimeMs
        self.nodeEndpoints = nodeEndpoints
    }

    package init(from reader: inout WireReader) throws(WireError) {
        responses = try reader.read()
        throttleTimeMs = try reader.read(since: 1, else: 0)
        var tags = try reader.beginTaggedFields()
        while let tag = try reader.nextTaggedField(&tags) {
            switch tag {
            case 0 where reader.version >= 10: nodeEndpoints = try reader.read()
            default: try reader.keepUnknown(&tags)
            }
        }
        unknownTaggedFields = tags.unknown
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(responses)
        try writer.write(throttleTimeMs, since: 1)
        try writer.require(nodeEndpoints, since: 10, else: [], field: "nodeEndpoints")
        var tags = try writer.beginTaggedFields(unknownTaggedFields)
        try writer.writeTagged(0, nodeEndpoints, since: 10, else: [], in: &tags)
        try writer.endTaggedFields(&tags)
    }
}

extension ProduceResponse {
    /// An element of `responses`.
    package struct TopicProduceResponse: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var name: String = ""
        package var partitionResponses: [PartitionProduceResponse] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitionResponses: [PartitionProduceResponse] = []) {
            self.name = name
            self.partitionResponses = partitionResponses
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitionResponses = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitionResponses)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitionResponses`.
    package struct PartitionProduceResponse: WireMessage {
        package static var minimumSize: Int { 14 }

        package var index: Int32 = 0
        package var errorCode: ErrorCode = .none
        /// The offset of the first record; -1 after an error.
        package var baseOffset: Int64 = 0
        /// -1 unless the topic takes the time of the append.
        /// Since version 2.
        package var logAppendTimeMs: Int64 = -1
        /// Since version 5.
        package var logStartOffset: Int64 = -1
        /// Since version 8.
        package var recordErrors: [BatchIndexAndErrorMessage] = []
        /// Since version 8.
        package var errorMessage: String? = nil
        /// Where the leader is now, with error 6 (KIP-951).
        /// Since version 10.
        package var currentLeader: LeaderIdAndEpoch = LeaderIdAndEpoch()
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            index: Int32 = 0,
            errorCode: ErrorCode = .none,
            baseOffset: Int64 = 0,
            logAppendTimeMs: Int64 = -1,
            logStartOffset: Int64 = -1,
            recordErrors: [BatchIndexAndErrorMessage] = [],
            errorMessage: String? = nil,
            currentLeader: LeaderIdAndEpoch = LeaderIdAndEpoch()
        ) {
            self.index = index
            self.errorCode = errorCode
            self.baseOffset = baseOffset
            self.logAppendTimeMs = logAppendTimeMs
            self.logStartOffset = logStartOffset
            self.recordErrors = recordErrors
            self.errorMessage = errorMessage
            self.currentLeader = currentLeader
        }

        package init(from reader: inout WireReader) throws(WireError) {
            index = try reader.read()
            errorCode = try reader.read()
            baseOffset = try reader.read()
            logAppendTimeMs = try reader.read(since: 2, else: -1)
            logStartOffset = try reader.read(since: 5, else: -1)
            recordErrors = try reader.read(since: 8, else: [])
            errorMessage = try reader.read(since: 8, else: nil)
            var tags = try reader.beginTaggedFields()
            while let tag = try reader.nextTaggedField(&tags) {
                switch tag {
                case 0 where reader.version >= 10: currentLeader = try reader.read()
                default: try reader.keepUnknown(&tags)
                }
            }
            unknownTaggedFields = tags.unknown
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(index)
            try writer.write(errorCode)
            try writer.write(baseOffset)
            try writer.write(logAppendTimeMs, since: 2)
            try writer.write(logStartOffset, since: 5)
            try writer.write(recordErrors, since: 8)
            try writer.write(errorMessage, since: 8)
            try writer.require(currentLeader, since: 10, else: LeaderIdAndEpoch(), field: "currentLeader")
            var tags = try writer.beginTaggedFields(unknownTaggedFields)
            try writer.writeTagged(0, currentLeader, since: 10, else: LeaderIdAndEpoch(), in: &tags)
            try writer.endTaggedFields(&tags)
        }
    }

    /// An element of `recordErrors`.
    package struct BatchIndexAndErrorMessage: WireMessage {
        package static var minimumSize: Int { 1 }

        package var batchIndex: Int32 = 0
        package var batchIndexErrorMessage: String? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(batchIndex: Int32 = 0, batchIndexErrorMessage: String? = nil) {
            self.batchIndex = batchIndex
            self.batchIndexErrorMessage = batchIndexErrorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            batchIndex = try reader.read()
            batchIndexErrorMessage = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(batchIndex)
            try writer.write(batchIndexErrorMessage)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// The value of `currentLeader`.
    package struct LeaderIdAndEpoch: WireMessage {
        package static var minimumSize: Int { 1 }

        package var leaderID: Int32 = -1
        package var leaderEpoch: Int32 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(leaderID: Int32 = -1, leaderEpoch: Int32 = -1) {
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            leaderID = try reader.read()
            leaderEpoch = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(leaderID)
            try writer.write(leaderEpoch)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `nodeEndpoints`.
    package struct NodeEndpoint: WireMessage {
        package static var minimumSize: Int { 1 }

        /// Unique among its siblings.
        package var nodeID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
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
            rack = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(nodeID)
            try writer.write(host)
            try writer.write(port)
            try writer.write(rack)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
