// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import KafkaProtocol
import OrderedCollections
import Replication

/// What followers send to leaders, in each version that an inter-broker protocol may ask for.
enum FollowerRequests {
    struct EpochQuestion: Hashable, Sendable {
        let partition: TopicPartition
        let leaderEpoch: LeaderEpoch
        let epoch: LeaderEpoch
    }

    struct OffsetQuestion: Hashable, Sendable {
        let partition: TopicPartition
        let leaderEpoch: LeaderEpoch
        /// Else the earliest offset is meant.
        let isLatest: Bool
    }

    static func fetch(
        _ outgoing: FetchSessionClient.Outgoing, version: Int16, localID: BrokerID, brokerEpoch: BrokerEpoch,
        _ settings: BrokerConfiguration.Replication
    ) -> FetchRequest {
        var request = FetchRequest()
        if version >= 15 {
            request.replicaState.replicaID = localID
            request.replicaState.replicaEpoch = brokerEpoch
        } else {
            request.replicaID = localID
        }
        request.maxWaitMs = Int32(clamping: settings.fetchWaitMax.wholeMilliseconds)
        request.minBytes = Int32(clamping: settings.fetchMinBytes)
        if version >= 3 { request.maxBytes = Int32(clamping: settings.fetchResponseMaxBytes) }
        if version >= 7 {
            request.sessionID = outgoing.sessionID
            request.sessionEpoch = outgoing.epoch
        }
        request.topics = grouped(outgoing.partitions, by: { Topic($0.key) }).map { topic, partitions in
            var wire = FetchRequest.FetchTopic()
            if version >= 13 { wire.topicID = topic.id } else { wire.topic = topic.name }
            wire.partitions = partitions.map { partition in
                var entry = FetchRequest.FetchPartition()
                entry.partition = partition.key.partition
                entry.fetchOffset = partition.fetchOffset
                entry.partitionMaxBytes = partition.maximumBytes
                if version >= 5 { entry.logStartOffset = partition.logStart }
                if version >= 9 { entry.currentLeaderEpoch = partition.currentLeaderEpoch }
                if version >= 12 { entry.lastFetchedEpoch = partition.lastFetchedEpoch }
                return entry
            }
            return wire
        }
        request.forgottenTopicsData = grouped(outgoing.forgotten, by: { Topic($0) }).map { topic, keys in
            var wire = FetchRequest.ForgottenTopic()
            if version >= 13 { wire.topicID = topic.id } else { wire.topic = topic.name }
            wire.partitions = keys.map(\.partition)
            return wire
        }
        return request
    }

    static func epochEnds(
        _ questions: [EpochQuestion], version: Int16, localID: BrokerID
    ) -> OffsetForLeaderEpochRequest {
        var request = OffsetForLeaderEpochRequest()
        if version >= 3 { request.replicaID = localID }
        request.topics = grouped(questions, by: \.partition.topic).map { topic, questions in
            var wire = OffsetForLeaderEpochRequest.OffsetForLeaderTopic()
            wire.topic = topic
            wire.partitions = questions.map { question in
                var entry = OffsetForLeaderEpochRequest.OffsetForLeaderPartition()
                entry.partition = question.partition.partition
                if version >= 2 { entry.currentLeaderEpoch = question.leaderEpoch }
                entry.leaderEpoch = question.epoch
                return entry
            }
            return wire
        }
        return request
    }

    static func offsets(_ questions: [OffsetQuestion], version: Int16, localID: BrokerID) -> ListOffsetsRequest {
        var request = ListOffsetsRequest()
        request.replicaID = localID
        request.topics = grouped(questions, by: \.partition.topic).map { topic, questions in
            var wire = ListOffsetsRequest.ListOffsetsTopic()
            wire.name = topic
            wire.partitions = questions.map { question in
                var entry = ListOffsetsRequest.ListOffsetsPartition()
                entry.partitionIndex = question.partition.partition
                if version >= 4 { entry.currentLeaderEpoch = question.leaderEpoch }
                entry.timestamp = question.isLatest ? -1 : -2
                return entry
            }
            return wire
        }
        return request
    }

    private struct Topic: Hashable {
        let name: String
        let id: KafkaUUID

        init(_ key: FetchPartitionKey) {
            name = key.topic
            id = key.topicID
        }
    }

    /// In the order of their first elements.
    private static func grouped<Element, Key: Hashable>(
        _ elements: [Element], by key: (Element) -> Key
    ) -> [(key: Key, elements: [Element])] {
        OrderedDictionary(grouping: elements, by: key).map { ($0.key, $0.value) }
    }
}
