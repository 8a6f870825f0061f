// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel

// MARK: Controllers

extension Judge {
    func noticed(_ notice: ControllerNotice, _ broker: SimulatedBroker) {
        guard case .elected(let epoch) = notice else { return }
        claim(epoch, broker.id, broker.world)
    }

    /// A broker carries out a control request.
    func accepted(_ header: ControlRequest.Header, _ broker: SimulatedBroker) {
        claim(header.controllerEpoch, header.controllerID, broker.world)
    }

    private func claim(_ epoch: ControllerEpoch, _ controller: BrokerID, _ world: Simulation) {
        if let other = controllers.updateValue(controller, forKey: epoch), other != controller {
            fail("brokers \(other) and \(controller) are both controller in epoch \(epoch)", world)
        }
    }
}

// MARK: What is written to ZooKeeper

extension Judge {
    func sawCommits(_ world: Simulation) {
        guard !world.zooKeeper.log.isEmpty else { return }
        let entries = world.zooKeeper.log
        world.zooKeeper.log.removeAll(keepingCapacity: true)
        for entry in entries {
            for change in entry.changes { saw(change, entry, world) }
        }
    }

    private func saw(_ change: ModelZooKeeper.Change, _ entry: ModelZooKeeper.Entry, _ world: Simulation) {
        switch change {
        case .set(_, .epoch(let epoch), _), .create(_, .epoch(let epoch), _):
            if epoch <= controllerEpoch, epoch > 0 {
                fail("the controller epoch goes from \(controllerEpoch) to \(epoch)", world)
            }
            controllerEpoch = epoch
        case .create(let path, .state(let state), _), .set(let path, .state(let state), _):
            guard let partition = Self.partition(ofState: path) else { return }
            let before = states.updateValue(state, forKey: partition)
            let zxid = writtenAt.updateValue(world.zooKeeper.node(path)?.mzxid ?? 0, forKey: partition) ?? 0
            world.trace(
                "zookeeper: \(partition) leader \(state.leader) epoch \(state.leaderEpoch) in sync \(state.inSyncReplicas) by controller \(state.controllerEpoch)"
            )
            world.mark(4, Int64(state.leader), Int64(state.leaderEpoch))
            // Put back by hand, as it was.
            guard entry.session != world.administrator else { return }
            guard entry.isControllersWrite || isLeadersWrite(before, state, entry, world) else {
                return fail("\(path) is written without a check", world)
            }
            check(partition, before, state, at: zxid, entry, world)
        case .delete(let path, _):
            if let partition = Self.partition(ofState: path) { states[partition] = nil }
        default: break
        }
    }

    /// Below inter-broker protocol 2.7-IV2: the leader changes nothing but the in-sync set.
    private func isLeadersWrite(
        _ before: PartitionState?, _ after: PartitionState, _ entry: ModelZooKeeper.Entry, _ world: Simulation
    ) -> Bool {
        guard var expected = before, let writer = world.brokers.first(where: { $0.link.session == entry.session }),
            writer.writesInSyncSets, expected.leader == writer.id
        else { return false }
        expected.inSyncReplicas = after.inSyncReplicas
        expected.recoveryState = .recovered
        // A controller that repeats a state, since it has taken nobody out of the in-sync set, says its own epoch with it, as
        // Kafka's does, and the leader writes what it was told.
        if expected.controllerEpoch...max(expected.controllerEpoch, controllerEpoch) ~= after.controllerEpoch {
            expected.controllerEpoch = after.controllerEpoch
        }
        return after == expected
    }

    private func check(
        _ partition: TopicPartition, _ before: PartitionState?, _ after: PartitionState, at zxid: Int64,
        _ entry: ModelZooKeeper.Entry, _ world: Simulation
    ) {
        if entry.isControllersWrite, after.controllerEpoch != controllerEpoch {
            return fail(
                "\(partition) is written by controller \(after.controllerEpoch) while \(controllerEpoch) is in charge",
                world)
        }
        if after.inSyncReplicas.isEmpty || Set(after.inSyncReplicas).count != after.inSyncReplicas.count {
            return fail("\(partition) has the in-sync set \(after.inSyncReplicas)", world)
        }
        if after.leader >= 0, !after.inSyncReplicas.contains(after.leader) {
            return fail("\(partition) is led by \(after.leader), in sync are \(after.inSyncReplicas)", world)
        }
        guard let before, let topicID = world.topicID(partition.topic) else { return }
        if after.leaderEpoch < before.leaderEpoch
            || after.leader != before.leader && after.leaderEpoch == before.leaderEpoch
        {
            return fail(
                "\(partition): leader \(before.leader) in epoch \(before.leaderEpoch), then \(after.leader) in "
                    + "\(after.leaderEpoch)", world)
        }
        let history = history(partition, topicID)
        history.hollow.formIntersection(after.inSyncReplicas)
        if after.leader != before.leader, after.leader >= 0 {
            electionCount += 1
            if !before.inSyncReplicas.contains(after.leader) {
                guard plan.allowsUnclean else {
                    return fail(
                        "\(partition): \(after.leader) is elected, in sync were \(before.inSyncReplicas)", world)
                }
                history.isTainted = true
            }
        }
        excuseMembersOnly(after, history)
        if history.isTainted { return }
        // Whoever is trusted from here on must have all that is committed.
        for member in after.inSyncReplicas where member == after.leader || !before.inSyncReplicas.contains(member) {
            let log = world.broker(member)?.disk[partition]?.log
            if isHollow(member, log, history) {
                if member == after.leader, after.leaderEpoch > before.leaderEpoch {
                    electsHollow(partition, before, after, at: zxid, history, entry, world)
                }
                continue
            }
            if log?.topicID != topicID || log.map({ firstMissing($0, history) != nil }) ?? false,
                !before.inSyncReplicas.contains(member), joinsOnWhatItLost(member, history)
            {
                continue
            }
            if !before.inSyncReplicas.contains(member), isLeftOut(member, of: partition, topicID, entry, world) {
                history.hollow.insert(member)
                continue
            }
            guard let log, log.topicID == topicID else {
                if history.committed.isEmpty { continue }
                return fail("\(partition): \(member) is in sync and has no log", world)
            }
            if let missing = firstMissing(log, history) {
                let beginsToLead = member == after.leader && after.leaderEpoch > before.leaderEpoch
                if beginsToLead
                    ? forgives(member, missing: missing, in: after.leaderEpoch, history)
                    : isExcused(member, from: missing, of: history)
                {
                    continue
                }
                return fail(
                    "\(partition): broker \(member) is trusted in epoch \(after.leaderEpoch) and lacks offset \(missing), "
                        + "which is committed", world)
            }
        }
    }

    /// Whether a leader writes itself that somebody is in sync whom a reassignment has just left out, while the cluster is
    /// being upgraded: a controller that counts on being asked cannot keep such a leader from it, here as in Kafka. Whoever
    /// is no replica any more is never elected, and leaves the set again.
    private func isLeftOut(
        _ member: BrokerID, of partition: TopicPartition, _ topicID: KafkaUUID, _ entry: ModelZooKeeper.Entry,
        _ world: Simulation
    ) -> Bool {
        guard plan.inSyncProtocol == .drawn, !entry.isControllersWrite,
            let assignment = world.assignment(of: partition, topicID)
        else { return false }
        return !assignment.replicas.contains(member)
    }

    private static func partition(ofState path: String) -> TopicPartition? {
        guard path.hasSuffix("/state"), path.hasPrefix("/brokers/topics/") else { return nil }
        let parts = path.split(separator: "/")
        guard parts.count == 6, let number = Int32(parts[4]) else { return nil }
        return TopicPartition(String(parts[2]), number)
    }
}
