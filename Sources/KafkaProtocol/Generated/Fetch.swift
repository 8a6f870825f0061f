// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/Fetch.schema by ProtocolGenerator.

import KafkaModel

/// Reads records: consumers, and followers with the same request. Sessions (KIP-227) leave out what has not changed.
///
/// Versions 0 to 17, flexible from 12; request.
package struct FetchRequest: RequestMessage {
    package typealias Response = FetchResponse
    package static var apiKey: ApiKey { .fetch }
    package static var versions: ClosedRange<Int16> { 0...17 }
    package static var firstFlexibleVersion: Int16 { 12 }
    package static var minimumSize: Int { 16 }

    /// Since version 12.
    package var clusterID: String? = nil
    /// The follower, or -1 for a consumer; later versions have it in `replicaState`.
    /// Until version 14.
    package var replicaID: Int32 = -1
    /// Since version 15.
    package var replicaState: ReplicaState = ReplicaState()
    package var maxWaitMs: Int32 = 0
    package var minBytes: Int32 = 0
    /// Since version 3.
    package var maxBytes: Int32 = 2147483647
    /// 0: read uncommitted; 1: read committed.
    /// Since version 4.
    package var isolationLevel: Int8 = 0
    /// Since version 7.
    package var sessionID: Int32 = 0
    /// -1: no session; 0: a new one; else the number of this fetch in its session.
    /// Since version 7.
    package var sessionEpoch: Int32 = -1
    package var topics: [FetchTopic] = []
    /// Partitions to take out of the session.
    /// Since version 7.
    package var forgottenTopicsData: [ForgottenTopic] = []
    /// Since version 11.
    package var rackID: String = ""
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        clusterID: String? = nil,
        replicaID: Int32 = -1,
        replicaState: ReplicaState = ReplicaState(),
        maxWaitMs: Int32 = 0,
        minBytes: Int32 = 0,
        maxBytes: Int32 = 2147483647,
        isolationLevel: Int8 = 0,
        sessionID: Int32 = 0,
        sessionEpoch: Int32 = -1,
        topics: [FetchTopic] = [],
        forgottenTopicsData: [ForgottenTopic] = [],
        rackID: String = ""
    ) {
        self.clusterID = clusterID
        self.replicaID = replicaID
        self.replicaState = replicaState
        self.maxWaitMs = maxWaitMs
        self.minBytes = minBytes
        self.maxBytes = maxBytes
        self.isolationLevel = isolationLevel
        self.sessionID = sessionID
        self.sessionEpoch = sessionEpoch
        self.topics = topics
        self.forgottenTopicsData = forgottenTopicsData
        self.rackID = rackID
    }

    package init(from reader: inout WireReader) throws(WireError) {
        replicaID = try reader.read(until: 14, else: -1)
        maxWaitMs = try reader.read()
        minBytes = try reader.read()
        maxBytes = try reader.read(since: 3, else: 2147483647)
        isolationLevel = try reader.read(since: 4, else: 0)
        sessionID = try reader.read(since: 7, else: 0)
        sessionEpoch = try reader.read(since: 7, else: -1)
        topics = try reader.read()
        forgottenTopicsData = try reader.read(since: 7, else: [])
        rackID = try reader.read(since: 11, else: "")
        var tags = try reader.beginTaggedFields()
        while let tag = try reader.nextTaggedField(&tags) {
            switch tag {
            case 0: clusterID = try reader.read()
            case 1 where reader.version >= 15: replicaState = try reader.read()
            default: try reader.keepUnknown(&tags)
            }
        }
        unknownTaggedFields = tags.unknown
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(replicaID, until: 14, else: -1, field: "replicaId")
        try writer.write(maxWaitMs)
        try writer.write(minBytes)
        try writer.write(maxBytes, since: 3)
        try writer.write(isolationLevel, since: 4)
        try writer.write(sessionID, since: 7)
        try writer.write(sessionEpoch, since: 7)
        try writer.write(topics)
        try writer.write(forgottenTopicsData, since: 7, else: [], field: "forgottenTopicsData")
        try writer.write(rackID, since: 11)
        try writer.require(replicaState, since: 15, else: ReplicaState(), field: "replicaState")
        var tags = try writer.beginTaggedFields(unknownTaggedFields)
        try writer.writeTagged(0, clusterID, else: nil, in: &tags)
        try writer.writeTagged(1, replicaState, since: 15, else: ReplicaState(), in: &tags)
        try writer.endTaggedFields(&tags)
    }
}

extension FetchRequest {
    /// The value of `replicaState`.
    package struct ReplicaState: WireMessage {
        package static var minimumSize: Int { 1 }

        package var replicaID: Int32 = -1
        package var replicaEpoch: Int64 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(replicaID: Int32 = -1, replicaEpoch: Int64 = -1) {
            self.replicaID = replicaID
            self.replicaEpoch = replicaEpoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            replicaID = try reader.read()
            replicaEpoch = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(replicaID)
            try writer.write(replicaEpoch)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct FetchTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Until version 12.
        package var topic: String = ""
        /// Since version 13.
        package var topicID: KafkaUUID = .zero
        package var partitions: [FetchPartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", topicID: KafkaUUID = .zero, partitions: [FetchPartition] = []) {
            self.topic = topic
            self.topicID = topicID
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read(until: 12, else: "")
            topicID = try reader.read(since: 13, else: .zero)
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic, until: 12)
            try writer.write(topicID, since: 13)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct FetchPartition: WireMessage {
        package static var minimumSize: Int { 16 }

        package var partition: Int32 = 0
        /// Fences a reader with older or newer metadata; -1 does not (KIP-320).
        /// Since version 9.
        package var currentLeaderEpoch: Int32 = -1
        package var fetchOffset: Int64 = 0
        /// The epoch of the last record that a follower has, to find where logs diverge (KIP-595).
        /// Since version 12.
        package var lastFetchedEpoch: Int32 = -1
        /// Of the follower; -1 from a consumer.
        /// Since version 5.
        package var logStartOffset: Int64 = -1
        package var partitionMaxBytes: Int32 = 0
        /// Since version 17.
        package var replicaDirectoryID: KafkaUUID = .zero
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partition: Int32 = 0,
            currentLeaderEpoch: Int32 = -1,
            fetchOffset: Int64 = 0,
            lastFetchedEpoch: Int32 = -1,
            logStartOffset: Int64 = -1,
            partitionMaxBytes: Int32 = 0,
            replicaDirectoryID: KafkaUUID = .zero
        ) {
            self.partition = partition
            self.currentLeaderEpoch = currentLeaderEpoch
            self.fetchOffset = fetchOffset
            self.lastFetchedEpoch = lastFetchedEpoch
            self.logStartOffset = logStartOffset
            self.partitionMaxBytes = partitionMaxBytes
            self.replicaDirectoryID = replicaDirectoryID
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partition = try reader.read()
            currentLeaderEpoch = try reader.read(since: 9, else: -1)
            fetchOffset = try reader.read()
            lastFetchedEpoch = try reader.read(since: 12, else: -1)
            logStartOffset = try reader.read(since: 5, else: -1)
            partitionMaxBytes = try reader.read()
            var tags = try reader.beginTaggedFields()
            while let tag = try reader.nextTaggedField(&tags) {
                switch tag {
                case 0 where reader.version >= 17: replicaDirectoryID = try reader.read()
                default: try reader.keepUnknown(&tags)
                }
            }
            unknownTaggedFields = tags.unknown
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partition)
            try writer.write(currentLeaderEpoch, since: 9)
            try writer.write(fetchOffset)
            try writer.write(lastFetchedEpoch, since: 12, else: -1, field: "lastFetchedEpoch")
            try writer.write(logStartOffset, since: 5)
            try writer.write(partitionMaxBytes)
            var tags = try writer.beginTaggedFields(unknownTaggedFields)
            try writer.writeTagged(0, replicaDirectoryID, since: 17, else: .zero, in: &tags)
            try writer.endTaggedFields(&tags)
        }
    }

    /// An element of `forgottenTopicsData`.
    package struct ForgottenTopic: WireMessage {
        package static var minimumSize: Int { 1 }

        /// Until version 12.
        package var topic: String = ""
        /// Since version 13.
        package var topicID: KafkaUUID = .zero
        package var partitions: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", topicID: KafkaUUID = .zero, partitions: [Int32] = []) {
            self.topic = topic
            self.topicID = topicID
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read(until: 12, else: "")
            topicID = try reader.read(since: 13, else: .zero)
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic, until: 12)
            try writer.write(topicID, since: 13)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Reads records: consumers, and followers with the same request. Sessions (KIP-227) leave out what has not changed.
///
/// Versions 0 to 17, flexible from 12; response.
package struct FetchResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .fetch }
    package static var versions: ClosedRange<Int16> { 0...17 }
    package static var firstFlexibleVersion: Int16 { 12 }
    package static var minimumSize: Int { 4 }

    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    /// Since version 7.
    package var errorCode: ErrorCode = .none
    /// Since version 7.
    package var sessionID: Int32 = 0
    package var responses: [FetchableTopicResponse] = []
    /// Since version 16.
    package var nodeEndpoints: [NodeEndpoint] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        sessionID: Int32 = 0,
        responses: [FetchableTopicResponse] = [],
        nodeEndpoints: [NodeEndpoint] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.sessionID = sessionID
        self.responses = responses
        self.nodeEndpoints = nodeEndpoints
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 1, else: 0)
        errorCode = try reader.read(since: 7, else: .none)
        sessionID = try reader.read(since: 7, else: 0)
        responses = try reader.read()
        var tags = try reader.beginTaggedFields()
        while let tag = try reader.nextTaggedField(&tags) {
            switch tag {
            case 0 where reader.version >= 16: nodeEndpoints = try reader.read()
            default: try reader.keepUnknown(&tags)
            }
        }
        unknownTaggedFields = tags.unknown
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 1)
        try writer.write(errorCode, since: 7)
        try writer.write(sessionID, since: 7, else: 0, field: "sessionId")
        try writer.write(responses)
        try writer.require(nodeEndpoints, since: 16, else: [], field: "nodeEndpoints")
        var tags = try writer.beginTaggedFields(unknownTaggedFields)
        try writer.writeTagged(0, nodeEndpoints, since: 16, else: [], in: &tags)
        try writer.endTaggedFields(&tags)
    }
}

extension FetchResponse {
    /// An element of `responses`.
    package struct FetchableTopicResponse: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Until version 12.
        package var topic: String = ""
        /// Since version 13.
        package var topicID: KafkaUUID = .zero
        package var partitions: [PartitionData] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", topicID: KafkaUUID = .zero, partitions: [PartitionData] = []) {
            self.topic = topic
            self.topicID = topicID
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read(until: 12, else: "")
            topicID = try reader.read(since: 13, else: .zero)
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic, until: 12)
            try writer.write(topicID, since: 13)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct PartitionData: WireMessage {
        package static var minimumSize: Int { 18 }

        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var highWatermark: Int64 = 0
        /// Below it every transaction is decided; -1 if unknown.
        /// Since version 4.
        package var lastStableOffset: Int64 = -1
        /// Since version 5.
        package var logStartOffset: Int64 = -1
        /// Where the logs diverge: the follower truncates and asks again.
        /// Since version 12.
        package var divergingEpoch: EpochEndOffset = EpochEndOffset()
        /// Since version 12.
        package var currentLeader: LeaderIdAndEpoch = LeaderIdAndEpoch()
        /// Since version 12.
        package var snapshotID: SnapshotId = SnapshotId()
        /// Since version 4.
        package var abortedTransactions: [AbortedTransaction]? = []
        /// The replica that a consumer should rather read from (KIP-392); -1 if none.
        /// Since version 11.
        package var preferredReadReplica: Int32 = -1
        package var records: RecordsPayload? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            errorCode: ErrorCode = .none,
            highWatermark: Int64 = 0,
            lastStableOffset: Int64 = -1,
            logStartOffset: Int64 = -1,
            divergingEpoch: EpochEndOffset = EpochEndOffset(),
            currentLeader: LeaderIdAndEpoch = LeaderIdAndEpoch(),
            snapshotID: SnapshotId = SnapshotId(),
            abortedTransactions: [AbortedTransaction]? = [],
            preferredReadReplica: Int32 = -1,
            records: RecordsPayload? = nil
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.highWatermark = highWatermark
            self.lastStableOffset = lastStableOffset
            self.logStartOffset = logStartOffset
            self.divergingEpoch = divergingEpoch
            self.currentLeader = currentLeader
            self.snapshotID = snapshotID
            self.abortedTransactions = abortedTransactions
            self.preferredReadReplica = preferredReadReplica
            self.records = records
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            highWatermark = try reader.read()
            lastStableOffset = try reader.read(since: 4, else: -1)
            logStartOffset = try reader.read(since: 5, else: -1)
            abortedTransactions = try reader.read(since: 4, else: [])
            preferredReadReplica = try reader.read(since: 11, else: -1)
            records = try reader.read()
            var tags = try reader.beginTaggedFields()
            while let tag = try reader.nextTaggedField(&tags) {
                switch tag {
                case 0: divergingEpoch = try reader.read()
                case 1: currentLeader = try reader.read()
                case 2: snapshotID = try reader.read()
                default: try reader.keepUnknown(&tags)
                }
            }
            unknownTaggedFields = tags.unknown
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.write(highWatermark)
            try writer.write(lastStableOffset, since: 4)
            try writer.write(logStartOffset, since: 5)
            try writer.write(abortedTransactions, since: 4)
            try writer.write(preferredReadReplica, since: 11, else: -1, field: "preferredReadReplica")
            try writer.write(records)
            try writer.require(divergingEpoch, since: 12, else: EpochEndOffset(), field: "divergingEpoch")
            try writer.require(currentLeader, since: 12, else: LeaderIdAndEpoch(), field: "currentLeader")
            try writer.require(snapshotID, since: 12, else: SnapshotId(), field: "snapshotId")
            var tags = try writer.beginTaggedFields(unknownTaggedFields)
            try writer.writeTagged(0, divergingEpoch, else: EpochEndOffset(), in: &tags)
            try writer.writeTagged(1, currentLeader, else: LeaderIdAndEpoch(), in: &tags)
            try writer.writeTagged(2, snapshotID, else: SnapshotId(), in: &tags)
            try writer.endTaggedFields(&tags)
        }
    }

    /// The value of `divergingEpoch`.
    package struct EpochEndOffset: WireMessage {
        package static var minimumSize: Int { 1 }

        package var epoch: Int32 = -1
        package var endOffset: Int64 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(epoch: Int32 = -1, endOffset: Int64 = -1) {
            self.epoch = epoch
            self.endOffset = endOffset
        }

        package init(from reader: inout WireReader) throws(WireError) {
            epoch = try reader.read()
            endOffset = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(epoch)
            try writer.write(endOffset)
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

    /// The value of `snapshotID`.
    package struct SnapshotId: WireMessage {
        package static var minimumSize: Int { 1 }

        package var endOffset: Int64 = -1
        package var epoch: Int32 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(endOffset: Int64 = -1, epoch: Int32 = -1) {
            self.endOffset = endOffset
            self.epoch = epoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            endOffset = try reader.read()
            epoch = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(endOffset)
            try writer.write(epoch)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `abortedTransactions`.
    package struct AbortedTransaction: WireMessage {
        package static var minimumSize: Int { 1 }

        package var producerID: Int64 = 0
        package var firstOffset: Int64 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(producerID: Int64 = 0, firstOffset: Int64 = 0) {
            self.producerID = producerID
            self.firstOffset = firstOffset
        }

        package init(from reader: inout WireReader) throws(WireError) {
            producerID = try reader.read()
            firstOffset = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(producerID)
            try writer.write(firstOffset)
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
