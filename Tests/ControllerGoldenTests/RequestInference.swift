// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import ZooKeeperStore

/// Concludes from what a controller wrote what it had been asked.
struct RequestInference {
    /// As it is before the write.
    let tree: Tree
    /// What was written afterwards.
    let rest: ArraySlice<RecordedWrite>

    func request(behind write: RecordedWrite) -> ControllerRequest? {
        guard let part = write.parts.last, part.kind == "setData" else { return nil }
        if part.path == ZNodes.producerIDBlock { return producerIDs(part) }
        if let partition = ZNodes.partition(ofState: part.path) { return request(behind: part, of: partition) }
        guard part.path.hasPrefix(ZNodes.topics + "/") else { return nil }
        return reassignment(part)
    }

    private func producerIDs(_ part: RecordedWrite.Part) -> ControllerRequest? {
        guard let block = try? ZNodeCodec.decodeProducerIDBlock(part.data) else { return nil }
        return .allocateProducerIDs(broker: block.broker, epoch: epoch(of: block.broker))
    }

    private func epoch(of broker: BrokerID) -> BrokerEpoch { tree.nodes[ZNodes.broker(broker)]?.creation ?? -1 }

    /// A topic that a controller changes has a partition whose replicas are to be others.
    private func reassignment(_ part: RecordedWrite.Part) -> ControllerRequest? {
        let name = String(part.path.dropFirst(ZNodes.topics.count + 1))
        guard let old = try? ZNodeCodec.decodeTopic(name, tree.nodes[part.path]?.data),
            let new = try? ZNodeCodec.decodeTopic(name, part.data)
        else { return nil }
        var wishes: [TopicPartition: [BrokerID]?] = [:]
        for (number, assignment) in new.partitions where assignment != old.partitions[number] {
            wishes[TopicPartition(name, number)] = assignment.target
        }
        return wishes.isEmpty ? nil : .reassignPartitions(wishes)
    }

    private func request(behind part: RecordedWrite.Part, of partition: TopicPartition) -> ControllerRequest? {
        guard let (old, new) = change(part, partition) else { return nil }
        if new.leaderEpoch == old.leaderEpoch {
            return .alterPartition(
                .init(
                    broker: old.leader, brokerEpoch: epoch(of: old.leader),
                    partitions: [
                        .init(
                            partition: partition, leaderEpoch: old.leaderEpoch, partitionEpoch: old.partitionEpoch,
                            inSyncReplicas: new.inSyncReplicas, recoveryState: new.recoveryState)
                    ], usesTopicIDs: true))
        }
        if !new.inSyncReplicas.allSatisfy(old.inSyncReplicas.contains) {
            return .electLeaders(.unclean, partitions: [partition])
        }
        if let leaving = old.inSyncReplicas.first(where: { !new.inSyncReplicas.contains($0) }) {
            return .controlledShutdown(broker: leaving, epoch: epoch(of: leaving))
        }
        // The same set under another leader: elections of one request, as far as they follow one another.
        var partitions = [partition]
        for write in rest {
            guard let part = write.parts.last, let other = ZNodes.partition(ofState: part.path),
                let (old, new) = change(part, other), new.inSyncReplicas == old.inSyncReplicas,
                new.leader != old.leader
            else { break }
            partitions.append(other)
        }
        return .electLeaders(.preferred, partitions: partitions)
    }

    private func change(
        _ part: RecordedWrite.Part, _ partition: TopicPartition
    ) -> (old: PartitionState, new: PartitionState)? {
        guard let node = tree.nodes[part.path],
            let old = try? ZNodeCodec.decodePartitionState(partition, node.data, version: node.version),
            let new = try? ZNodeCodec.decodePartitionState(partition, part.data, version: part.version ?? 0)
        else { return nil }
        return (old, new)
    }
}
