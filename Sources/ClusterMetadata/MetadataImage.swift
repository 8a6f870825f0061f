// SPDX-License-Identifier: Apache-2.0

import HashTreeCollections
import KafkaModel

/// The cluster as the controller last described it: brokers, topics, leaders.
///
/// An immutable value. A broker holds the current one, replaces it whole with each UpdateMetadata, and request handlers
/// read whichever they picked up, without locks. Topics live in a persistent tree, so that a new image shares all
/// topics that did not change with the one before it. Before the first UpdateMetadata the image is empty, and so is
/// what clients are told.
package struct MetadataImage: Sendable {
    package let clusterID: String
    /// The broker that is controller, as the controller itself said; nil while none is known.
    package private(set) var controllerID: BrokerID?
    package private(set) var brokers: [BrokerID: BrokerInfo] = [:]
    private var topicsByName: TreeDictionary<String, TopicImage> = [:]
    private var namesByID: TreeDictionary<KafkaUUID, String> = [:]
    package private(set) var partitionCount = 0

    package init(clusterID: String) {
        self.clusterID = clusterID
    }

    /// The image after an update: brokers are always replaced whole, partitions are merged, a partition whose leader
    /// is −2 vanishes (its topic with the last one), and a topic without an id loses the one that was known.
    package func applying(_ update: MetadataUpdate) -> MetadataImage {
        var image = self
        image.controllerID = update.controllerID < 0 ? nil : update.controllerID
        image.brokers = [:]
        image.brokers.reserveCapacity(update.brokers.count)
        for broker in update.brokers { image.brokers[broker.id] = broker }
        for topic in update.topics { image.merge(topic) }
        return image
    }

    private mutating func merge(_ update: MetadataUpdate.Topic) {
        var topic = topicsByName[update.name] ?? TopicImage(name: update.name, id: update.id)
        let countBefore = topic.partitions.count
        if topic.id != update.id, namesByID[topic.id] == topic.name { namesByID[topic.id] = nil }
        topic.id = update.id
        for partition in update.partitions {
            if partition.state.leader == PartitionImage.leaderDuringDeletion {
                topic.remove(partition.index)
            } else {
                topic.set(partition.index, partition.state)
            }
        }
        partitionCount += topic.partitions.count - countBefore
        if topic.partitions.isEmpty {
            topicsByName[topic.name] = nil
            if namesByID[topic.id] == topic.name { namesByID[topic.id] = nil }
        } else {
            topicsByName[topic.name] = topic
            if !topic.id.isZero { namesByID[topic.id] = topic.name }
        }
    }
}

// MARK: Topics and partitions

extension MetadataImage {
    package var topicCount: Int { topicsByName.count }

    /// Every topic, in no particular order.
    package var topics: some Sequence<TopicImage> { topicsByName.values }

    package func topic(_ name: String) -> TopicImage? { topicsByName[name] }

    package func topic(id: KafkaUUID) -> TopicImage? {
        guard let name = namesByID[id] else { return nil }
        return topicsByName[name]
    }

    package func topicName(id: KafkaUUID) -> String? { namesByID[id] }

    /// The topic's id; nil when the topic is unknown or has none.
    package func topicID(_ name: String) -> KafkaUUID? {
        guard let id = topicsByName[name]?.id, !id.isZero else { return nil }
        return id
    }

    package func partition(_ partition: TopicPartition) -> PartitionImage? {
        topicsByName[partition.topic]?[partition.partition]
    }

    /// How many partitions of the topic are known; nil when the topic is not.
    package func partitionCount(of topic: String) -> Int? { topicsByName[topic]?.partitions.count }
}

// MARK: Brokers and where they are

extension MetadataImage {
    /// What a client on some listener is told about a partition's leader.
    package enum LeaderEndpoint: Hashable, Sendable {
        case available(BrokerID, Endpoint)
        /// The partition has no leader, or its leader is not among the living: LEADER_NOT_AVAILABLE.
        case noLeader
        /// The leader lives, but not on this listener: LISTENER_NOT_FOUND where the client knows that error.
        case noSuchListener(BrokerID)
    }

    package func isAlive(_ broker: BrokerID) -> Bool { brokers[broker] != nil }

    /// Every living broker with its endpoint on the listener, by id; those without that listener are left out.
    package func aliveBrokers(listener: String) -> [(broker: BrokerInfo, endpoint: Endpoint)] {
        brokers.values.sorted { $0.id < $1.id }.compactMap { broker in
            broker.endpoint(listener).map { (broker, $0) }
        }
    }

    package func endpoint(of broker: BrokerID, listener: String) -> Endpoint? {
        brokers[broker]?.endpoint(listener)
    }

    /// Where a client on the listener finds the partition's leader.
    package func leaderEndpoint(of partition: PartitionImage, listener: String) -> LeaderEndpoint {
        guard partition.hasLeader, let broker = brokers[partition.leader] else { return .noLeader }
        guard let endpoint = broker.endpoint(listener) else { return .noSuchListener(broker.id) }
        return .available(broker.id, endpoint)
    }

    /// The controller's endpoint on the listener, when both are known.
    package func controllerEndpoint(listener: String) -> (id: BrokerID, endpoint: Endpoint)? {
        guard let controllerID, let endpoint = endpoint(of: controllerID, listener: listener) else { return nil }
        return (controllerID, endpoint)
    }
}
