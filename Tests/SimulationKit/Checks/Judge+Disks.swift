// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel

// MARK: Brokers that come back with another disk

/// What Kafka promises is that an acknowledged record is there as long as one member of the in-sync set keeps its disk *and
/// the controller hears that the others have lost theirs*: it takes a broker that has died or was registered anew out of the
/// in-sync sets, and only who has caught up joins them. In between, ZooKeeper trusts a broker that has nothing. Here it is
/// called *hollow* for a partition: from the moment at which it loses its disk while in the in-sync set, or joins it on the
/// strength of what it has lost since, to the moment at which it leaves the set or holds all that is committed.
///
/// A hollow broker owes nothing. When it is elected, or begins to lead, records are lost as in Kafka, and what is promised of
/// records no longer holds for the partition; how often is counted. Nothing else is excused.
extension Judge {
    /// Whether a broker alone, of those that keep their disks, has what is committed in some partition.
    func isLastHope(_ broker: SimulatedBroker, _ world: Simulation) -> Bool {
        states.contains { partition, state in
            guard state.inSyncReplicas.contains(broker.id), let topicID = world.topicID(partition.topic) else {
                return false
            }
            let history = history(partition, topicID)
            return state.inSyncReplicas.allSatisfy { $0 == broker.id || history.hollow.contains($0) }
        }
    }

    /// All logs of a broker are about to vanish.
    func losesDisk(_ broker: SimulatedBroker) {
        for (partition, stored) in broker.disk.sorted(by: { $0.key < $1.key }) {
            let history = history(partition, stored.log.topicID)
            history.lost.append((broker.id, stored.log))
            if let state = states[partition], state.inSyncReplicas.contains(broker.id),
                broker.world.topicID(partition.topic) == stored.log.topicID
            {
                history.hollow.insert(broker.id)
            }
        }
    }

    /// Whether a broker is trusted without having what is committed, and nobody has had a chance to notice.
    func isHollow(_ id: BrokerID, _ log: ModelLog?, _ history: History) -> Bool {
        guard history.hollow.contains(id) else { return false }
        if let log, firstMissing(log, history) == nil {
            history.hollow.remove(id)
            return false
        }
        return true
    }

    /// Whether a broker that joins the in-sync set without having all that is committed had it on a disk that it has lost
    /// since. What the leader knows of it is a fetch of its life before, which may have been on its way for long; so may the
    /// wish that follows from it. Nothing in ZooKeeper mode tells that life from the next (KIP-903 does in KRaft).
    func joinsOnWhatItLost(_ id: BrokerID, _ history: History) -> Bool {
        guard history.lost.contains(where: { $0.broker == id && firstMissing($0.log, history) == nil }) else {
            return false
        }
        history.hollow.insert(id)
        staleJoinCount += 1
        return true
    }

    /// Whether the broker has, or had on a disk that it lost, what is committed from `first` on.
    func hasHeld(_ broker: SimulatedBroker, _ partition: TopicPartition, _ topicID: KafkaUUID, from first: Offset)
        -> Bool
    {
        let history = history(partition, topicID)
        if let log = broker.disk[partition]?.log, log.topicID == topicID, firstMissing(log, history, from: first) == nil
        {
            return true
        }
        return history.lost.contains {
            $0.broker == broker.id && firstMissing($0.log, history, from: first) == nil
        }
    }

    /// A hollow broker leads: records are lost, and it is nobody's fault but the operator's.
    func excuse(_ partition: TopicPartition, _ id: BrokerID, _ history: History, _ world: Simulation) {
        history.isTainted = true
        excusedCount += 1
        let epoch = world.broker(id)?.replicas[partition]?.machine.leaderEpoch ?? -1
        if history.blindElections.contains(epoch) {
            avoidableCount += 1
            world.trace("judge: another could have led \(partition)")
        }
        world.trace("judge: \(partition) loses records: broker \(id) leads without the disk that it had when in sync")
    }

    /// A hollow broker is written down as leader: could the controller have known a better one? A member of the set that it
    /// takes for living, with all its log directories, that has been registered since before the state was written, and
    /// that it does not see come back just now.
    func electsHollow(
        _ partition: TopicPartition, _ before: PartitionState, _ after: PartitionState, at zxid: Int64,
        _ history: History, _ entry: ModelZooKeeper.Entry, _ world: Simulation
    ) {
        guard let controller = world.brokers.first(where: { $0.link.session == entry.session }) else { return }
        let others = before.inSyncReplicas.filter { member in
            guard !history.hollow.contains(member), let epoch = controller.link.epochsSeen[member], epoch < zxid,
                epoch == controller.link.epochsSeenBefore[member, default: epoch], let broker = world.broker(member)
            else { return false }
            return broker.isRunning && broker.brokerEpoch == epoch && !broker.offline.contains(partition)
        }
        if !others.isEmpty { history.blindElections.insert(after.leaderEpoch) }
    }

    /// A second process was not registered, since the first one is.
    func refusedSecondHost(_ id: BrokerID, _ before: ModelZooKeeper.Node?, _ world: Simulation) {
        guard let before, world.zooKeeper.node("/brokers/ids/\(id)") == before else {
            return fail("the registration of broker \(id) was changed by a second host that was refused", world)
        }
    }
}
