// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import OrderedCollections

/// Gathers what one step has to tell brokers, so that each is told once.
///
/// Sent in Kafka's order: LeaderAndIsr to all, then UpdateMetadata, then StopReplica. Whoever is neither live nor
/// shutting down is told nothing.
struct ControlRequestBatch {
    private typealias LeaderAndIsr = ControlRequest.LeaderAndIsr
    private typealias StopReplica = ControlRequest.StopReplica

    private var leaderAndIsr: OrderedDictionary<BrokerID, OrderedDictionary<TopicPartition, LeaderAndIsr.Partition>> =
        [:]
    private var stopReplica: OrderedDictionary<BrokerID, OrderedDictionary<TopicPartition, StopReplica.Partition>> = [:]
    private var metadataReceivers: Set<BrokerID> = []
    private var metadata: OrderedDictionary<TopicPartition, PartitionImage> = [:]

    /// Tells brokers to lead or follow; all brokers learn of it by UpdateMetadata. New once is new for the batch.
    mutating func addLeaderAndIsr(
        to brokers: [BrokerID], _ partition: TopicPartition, _ state: PartitionState, _ assignment: PartitionAssignment,
        isNew: Bool, _ context: ControllerContext
    ) {
        for broker in brokers where broker >= 0 {
            let wasNew = leaderAndIsr[broker]?[partition]?.isNew ?? false
            leaderAndIsr[broker, default: [:]][partition] = LeaderAndIsr.Partition(
                partition: partition, state: state, assignment: assignment, isNew: isNew || wasNew)
        }
        addUpdateMetadata(to: context.brokers.keys, [partition], context)
    }

    mutating func addUpdateMetadata(
        to brokers: some Sequence<BrokerID>, _ partitions: [TopicPartition], _ context: ControllerContext
    ) {
        metadataReceivers.formUnion(brokers)
        for partition in partitions {
            guard let known = context.partitions[partition], let state = known.leadership else { continue }
            var image = PartitionImage(
                leader: state.leader, leaderEpoch: state.leaderEpoch, inSyncReplicas: state.inSyncReplicas,
                replicas: known.assignment.replicas,
                offlineReplicas: known.assignment.replicas.filter { !context.isOnline($0, partition) },
                partitionEpoch: state.partitionEpoch, controllerEpoch: state.controllerEpoch,
                recoveryState: state.recoveryState)
            if context.isQueuedForDeletion(partition.topic) {
                image.leader = PartitionImage.leaderDuringDeletion
                image.leaderEpoch = 0
                image.partitionEpoch = 0
            }
            metadata[partition] = image
        }
    }

    /// Tells a broker to stop; delete once is delete for the batch.
    mutating func addStopReplica(
        to broker: BrokerID, _ partition: TopicPartition, delete: Bool, _ context: ControllerContext
    ) {
        guard broker >= 0 else { return }
        let epoch =
            context.isQueuedForDeletion(partition.topic)
            ? StopReplica.Partition.epochDuringDeletion
            : context.leadership(partition)?.leaderEpoch ?? StopReplica.Partition.noEpoch
        let wasDelete = stopReplica[broker]?[partition]?.delete ?? false
        stopReplica[broker, default: [:]][partition] = StopReplica.Partition(
            partition: partition, leaderEpoch: epoch, delete: delete || wasDelete)
    }

    /// The requests, in the order in which they must leave.
    func requests(_ context: ControllerContext, controllerID: BrokerID) -> [(ControlRequest, BrokerID)] {
        var result: [(ControlRequest, BrokerID)] = []
        func header(_ broker: RegisteredBroker) -> ControlRequest.Header {
            ControlRequest.Header(
                controllerID: controllerID, controllerEpoch: context.epoch, brokerEpoch: broker.epoch)
        }
        for (id, partitions) in leaderAndIsr {
            guard let broker = context.brokers[id] else { continue }
            let leaders = Set(partitions.values.lazy.map(\.state.leader))
            var topicIDs: [String: KafkaUUID] = [:]
            for partition in partitions.keys { topicIDs[partition.topic] = context.topicIDs[partition.topic] }
            let request = LeaderAndIsr(
                header: header(broker), partitions: Array(partitions.values), topicIDs: topicIDs,
                liveLeaders: context.liveOrShuttingDownBrokers.filter { leaders.contains($0.id) })
            result.append((.leaderAndIsr(request), id))
        }
        if !metadataReceivers.isEmpty {
            let update = MetadataUpdate(
                controllerID: controllerID, brokers: context.liveOrShuttingDownBrokers, topics: topics(context))
            for id in metadataReceivers.sorted() {
                guard let broker = context.brokers[id] else { continue }
                result.append((.updateMetadata(.init(header: header(broker), update: update)), id))
            }
        }
        for (id, partitions) in stopReplica {
            guard let broker = context.brokers[id] else { continue }
            let request = StopReplica(header: header(broker), partitions: Array(partitions.values))
            result.append((.stopReplica(request), id))
        }
        return result
    }

    private func topics(_ context: ControllerContext) -> [MetadataUpdate.Topic] {
        var topics: OrderedDictionary<String, MetadataUpdate.Topic> = [:]
        for (partition, image) in metadata {
            let empty = MetadataUpdate.Topic(
                name: partition.topic, id: context.topicIDs[partition.topic] ?? .zero, partitions: [])
            topics[partition.topic, default: empty].partitions.append(
                TopicImage.Partition(index: partition.partition, state: image))
        }
        return Array(topics.values)
    }
}
