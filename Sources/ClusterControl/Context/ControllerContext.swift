// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// What the active controller knows, mirrored from ZooKeeper. Owned by ``Controller``; empty while it is not active.
///
/// Everything that iterates does so in the order of names and numbers, so that the same events always give the same
/// writes.
struct ControllerContext {
    struct Partition {
        var assignment = PartitionAssignment([])
        var leadership: PartitionState?
        /// Replicas whose brokers have registered anew since that state was written: what they were trusted with they may
        /// have lost.
        var returned: Set<BrokerID> = []
        var life: PartitionLifeState = .nonExistent
        var replicas: [BrokerID: ReplicaLifeState] = [:]
    }

    var epoch: ControllerEpoch = 0
    /// The data version of `/controller_epoch` at the election; what every checked write expects.
    var epochVersion: Int32 = 0

    /// Live or shutting down, by id.
    private(set) var brokers: [BrokerID: RegisteredBroker] = [:]
    var shuttingDownBrokers: Set<BrokerID> = []
    var offlineDirectories: [BrokerID: Set<TopicPartition>] = [:]

    /// Topics in ZooKeeper, also those whose node could not be read.
    var topics: Set<String> = []
    private(set) var topicIDs: [String: KafkaUUID] = [:]
    private(set) var topicNames: [KafkaUUID: String] = [:]
    private(set) var partitionNumbers: [String: [Int32]] = [:]
    private(set) var partitions: [TopicPartition: Partition] = [:]
    var partitionsBeingReassigned: Set<TopicPartition> = []

    var topicsToBeDeleted: Set<String> = []
    var topicsWithDeletionStarted: Set<String> = []
    var topicsIneligibleForDeletion: Set<String> = []

    var finalizedFeatures: [String: RegisteredBroker.FeatureRange] = [:]
}

// MARK: Brokers

extension ControllerContext {
    var liveOrShuttingDownBrokerIDs: [BrokerID] { brokers.keys.sorted() }
    var liveBrokerIDs: [BrokerID] { brokers.keys.filter { !shuttingDownBrokers.contains($0) }.sorted() }
    var liveOrShuttingDownBrokers: [BrokerInfo] { brokers.values.map(\.info).sorted { $0.id < $1.id } }

    func isLive(_ broker: BrokerID) -> Bool { brokers[broker] != nil && !shuttingDownBrokers.contains(broker) }

    mutating func add(_ added: [RegisteredBroker]) {
        for broker in added { brokers[broker.id] = broker }
    }

    mutating func removeBrokers(_ removed: [BrokerID]) {
        for broker in removed { brokers[broker] = nil }
    }

    /// Online means: the broker is live, and the directory of this replica has not failed.
    func isOnline(_ broker: BrokerID, _ partition: TopicPartition, includingShuttingDown: Bool = false) -> Bool {
        let isUp = includingShuttingDown ? brokers[broker] != nil : isLive(broker)
        return isUp && offlineDirectories[broker]?.contains(partition) != true
    }

    /// Whether the broker supports every finalized feature; normally there are none.
    func supportsFinalizedFeatures(_ broker: RegisteredBroker) -> Bool {
        finalizedFeatures.allSatisfy { name, finalized in
            guard let supported = broker.features[name] else { return false }
            return supported.minimum <= finalized.maximum && finalized.maximum <= supported.maximum
        }
    }
}

// MARK: Topics and partitions

extension ControllerContext {
    var allPartitions: [TopicPartition] { partitions.keys.sorted() }

    func partitions(of topic: String) -> [TopicPartition] {
        (partitionNumbers[topic] ?? []).map { TopicPartition(topic, $0) }
    }

    func assignment(_ partition: TopicPartition) -> PartitionAssignment {
        partitions[partition]?.assignment ?? PartitionAssignment([])
    }

    func leadership(_ partition: TopicPartition) -> PartitionState? { partitions[partition]?.leadership }

    func topicAssignment(_ topic: String) -> TopicAssignment {
        var result = TopicAssignment(name: topic, id: topicIDs[topic], partitions: [:])
        for number in partitionNumbers[topic] ?? [] {
            result.partitions[number] = assignment(TopicPartition(topic, number))
        }
        return result
    }

    var partitionsWithLeadership: [TopicPartition] {
        partitions.lazy.filter { $0.value.leadership != nil }.map(\.key).sorted()
    }

    /// Partitions whose leader is not online, those that nobody needs any more left out.
    var partitionsWithOfflineLeader: [TopicPartition] {
        partitions.lazy.filter { partition, value in
            guard let leader = value.leadership?.leader else { return false }
            return !isOnline(leader, partition) && !isAbandoned(partition)
        }.map(\.key).sorted()
    }

    func partitions(in states: Set<PartitionLifeState>) -> [TopicPartition] {
        partitions.lazy.filter { states.contains($0.value.life) }.map(\.key).sorted()
    }

    func partitions(on broker: BrokerID) -> [TopicPartition] {
        partitions.lazy.filter { $0.value.assignment.replicas.contains(broker) }.map(\.key).sorted()
    }

    func isQueuedForDeletion(_ topic: String) -> Bool { topicsToBeDeleted.contains(topic) }

    /// Whether the partition is to be deleted and needs no leader until then.
    ///
    /// A deletion waits for the reassignments of its topic, and these for a leader to copy from. Kafka elects none for a
    /// topic that is queued for deletion, so that after the leader's death each waits for the other until a broker starts.
    func isAbandoned(_ partition: TopicPartition) -> Bool {
        topicsToBeDeleted.contains(partition.topic) && !partitionsBeingReassigned.contains(partition)
    }

    mutating func set(_ assignment: PartitionAssignment, for partition: TopicPartition) {
        if partitions[partition] == nil {
            // Taken out, so that it grows in place.
            var numbers = partitionNumbers.removeValue(forKey: partition.topic) ?? []
            // Nearly always they come in order.
            let isLast = numbers.last.map { $0 < partition.partition } ?? true
            let index = isLast ? nil : numbers.firstIndex { $0 > partition.partition }
            numbers.insert(partition.partition, at: index ?? numbers.endIndex)
            partitionNumbers[partition.topic] = numbers
        }
        partitions[partition, default: Partition()].assignment = assignment
    }

    mutating func setLeadership(
        _ state: PartitionState, for partition: TopicPartition, returned: Set<BrokerID> = []
    ) {
        partitions[partition]?.leadership = state
        partitions[partition]?.returned = returned
    }

    func hasReturned(_ broker: BrokerID, _ partition: TopicPartition) -> Bool {
        partitions[partition]?.returned.contains(broker) ?? false
    }

    mutating func setLife(_ life: PartitionLifeState, of partition: TopicPartition) {
        partitions[partition]?.life = life
    }

    mutating func setID(_ id: KafkaUUID, of topic: String) {
        if let old = topicIDs[topic] { topicNames[old] = nil }
        topicIDs[topic] = id
        topicNames[id] = topic
    }

    /// Forgets everything about a topic.
    mutating func removeTopic(_ topic: String) {
        for partition in partitions(of: topic) {
            partitions[partition] = nil
            partitionsBeingReassigned.remove(partition)
        }
        partitionNumbers[topic] = nil
        if let id = topicIDs.removeValue(forKey: topic) { topicNames[id] = nil }
        topics.remove(topic)
        topicsToBeDeleted.remove(topic)
        topicsWithDeletionStarted.remove(topic)
        topicsIneligibleForDeletion.remove(topic)
    }
}

// MARK: Replicas

extension ControllerContext {
    func replicas(of partitions: [TopicPartition]) -> [Replica] {
        partitions.flatMap { partition in assignment(partition).replicas.map { Replica(partition, on: $0) } }
    }

    func replicas(ofTopic topic: String) -> [Replica] { replicas(of: partitions(of: topic)) }

    func replicas(on brokers: [BrokerID]) -> [Replica] {
        brokers.flatMap { broker in partitions(on: broker).map { Replica($0, on: broker) } }
    }

    func life(of replica: Replica) -> ReplicaLifeState? { partitions[replica.partition]?.replicas[replica.broker] }

    mutating func setLife(_ life: ReplicaLifeState?, of replica: Replica) {
        partitions[replica.partition]?.replicas[replica.broker] = life
    }

    func replicas(ofTopic topic: String, in state: ReplicaLifeState) -> [Replica] {
        replicas(ofTopic: topic).filter { life(of: $0) == state }
    }

    func hasReplica(ofTopic topic: String, in state: ReplicaLifeState) -> Bool {
        replicas(ofTopic: topic).contains { life(of: $0) == state }
    }

    func allReplicas(ofTopic topic: String, in state: ReplicaLifeState) -> Bool {
        replicas(ofTopic: topic).allSatisfy { life(of: $0) == state }
    }
}
