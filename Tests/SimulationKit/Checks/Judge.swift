// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import Replication

/// Watches a simulated cluster and says when it breaks a promise.
///
/// It sees every step as it happens, compares with what it has seen before, and looks only at what the step has touched,
/// so that a promise is checked after every step. What is committed is known to it by partition and offset, once and for
/// all: the records below the highest high watermark that any leader has had.
final class Judge {
    struct Key: Hashable {
        var partition: TopicPartition
        var topicID: KafkaUUID
    }

    final class History {
        /// By offset.
        var committed: [ModelRecord] = []
        var leaders: [LeaderEpoch: BrokerID] = [:]
        var sequences: [ProducerID: Int32] = [:]
        /// What DeleteRecords has taken away.
        var deletedBelow: Offset = 0
        /// The largest offset that a consumer was told as the latest.
        var latestTold: Offset = 0
        struct Excuse {
            /// From where on records may be missing that were here.
            var from: Offset
            /// The broker has been a member of the in-sync set ever since.
            var holds = true
        }
        var excuses: [BrokerID: Excuse] = [:]
        struct Loss {
            /// From where on committed records have ever been lost.
            var from: Offset
            /// The leadership that began without them.
            var epoch: LeaderEpoch
        }
        var loss: Loss?
        /// Who is trusted without having what is committed, since its disk is gone: see `Judge+Disks`.
        var hollow: Set<BrokerID> = []
        /// Leader epochs in which one of these was elected though another could have been.
        var blindElections: Set<LeaderEpoch> = []
        /// What was on disks that are gone.
        var lost: [(broker: BrokerID, log: ModelLog)] = []
        /// An unclean leader was elected, or the topic has begun to go: committed records may be gone.
        var isTainted = false
    }

    let plan: SimulationPlan
    private(set) var violation: String?
    var histories: [Key: History] = [:]
    var states: [TopicPartition: PartitionState] = [:]
    /// When these were written.
    var writtenAt: [TopicPartition: Int64] = [:]
    var controllerEpoch: ControllerEpoch = 0
    var controllers: [ControllerEpoch: BrokerID] = [:]
    var committedCount = 0
    var acknowledgedCount = 0
    var electionCount = 0
    var lostCount = 0
    /// How often a broker without its disk was made leader.
    var excusedCount = 0
    /// How often of these another member was there whom the controller could have known to have all.
    var avoidableCount = 0
    /// How often a broker joined an in-sync set on the strength of a disk that it had lost.
    var staleJoinCount = 0

    init(_ plan: SimulationPlan) { self.plan = plan }

    func fail(_ text: String, _ world: Simulation) {
        guard violation == nil else { return }
        violation = text
        world.trace("BROKEN: \(text)")
    }

    func history(_ partition: TopicPartition, _ topicID: KafkaUUID) -> History {
        let key = Key(partition: partition, topicID: topicID)
        if let known = histories[key] { return known }
        let made = History()
        histories[key] = made
        return made
    }

    /// Whether a log holds a committed record, or has rightly let go of it.
    func holds(_ log: ModelLog, _ offset: Offset, of history: History) -> Bool {
        offset < log.logStart || log[offset] == history.committed[Int(offset)]
    }

    /// The first committed offset that a log lacks, from `start` on; nil when it has them all.
    func firstMissing(_ log: ModelLog, _ history: History, from start: Offset = 0) -> Offset? {
        (start..<max(start, Offset(history.committed.count))).first { !holds(log, $0, of: history) }
    }

    /// Whether ZooKeeper says that the broker leads under this epoch, so that it is no leader of yesterday.
    func isCurrent(_ partition: TopicPartition, _ broker: SimulatedBroker) -> Bool {
        guard let state = states[partition], let replica = broker.replicas[partition] else { return false }
        return state.leader == broker.id && state.leaderEpoch == replica.machine.leaderEpoch
            && replica.machine.isLeader
    }
}

// MARK: Logs

extension Judge {
    /// A leader's high watermark has moved.
    func committed(
        _ partition: TopicPartition, from before: Offset, _ broker: SimulatedBroker, _ replica: HostedReplica
    ) {
        guard let log = replica.stored?.log else { return }
        let history = history(partition, log.topicID)
        guard !history.isTainted, !isUnaware(replica.machine.leaderEpoch, history) else { return }
        checkOrder(partition, log, broker)
        // Nobody elects a leader for a topic that goes: one that lost records with the power leads on.
        guard history.loss == nil || !isGoing(partition, broker.world) else {
            history.isTainted = true
            return
        }
        let known = Offset(history.committed.count)
        // Where committed records were lost, the leader may have had the mark above what is committed now.
        let first = history.loss == nil ? max(before, log.logStart) : min(before, known)
        for offset in first..<log.highWatermark {
            guard let record = log[offset] ?? (offset < known ? nil : .unknown) else { continue }
            if offset < history.committed.count {
                guard history.committed[Int(offset)] == record else {
                    return fail(
                        "\(partition) offset \(offset): broker \(broker.id), leader in epoch \(replica.machine.leaderEpoch), "
                            + "commits \(record), but \(history.committed[Int(offset)]) was committed before",
                        broker.world)
                }
                continue
            }
            history.committed.append(record)
            committedCount += 1
            noteSequence(record, at: offset, partition, history, broker.world)
        }
        if known < log.highWatermark { checkReplicas(partition, history, from: known, log.topicID, broker) }
    }

    /// Whatever is committed, every member of the in-sync set has, and so do as many as the topic wants.
    private func checkReplicas(
        _ partition: TopicPartition, _ history: History, from first: Offset, _ topicID: KafkaUUID,
        _ broker: SimulatedBroker
    ) {
        let world = broker.world
        // Replicas of a topic that is being deleted go one after the other, while a cut-off leader does not know yet.
        guard let state = states[partition], world.topicID(partition.topic) == topicID,
            world.zooKeeper.node("/admin/delete_topics/\(partition.topic)") == nil
        else { return }
        for member in state.inSyncReplicas {
            let log = world.broker(member)?.disk[partition]?.log
            if isHollow(member, log, history) { continue }
            guard let log, log.topicID == topicID else {
                return fail("\(partition): \(first) is committed, but broker \(member), in sync, has no log", world)
            }
            if plan.flushes(partition.topic), !log.isDurable(Offset(history.committed.count) - 1) {
                return fail("\(partition): \(first) is committed, but not on the disk of broker \(member)", world)
            }
            if let missing = firstMissing(log, history, from: first),
                !isExcused(member, from: missing, of: history)
            {
                return fail(
                    "\(partition): broker \(broker.id) commits offset \(missing), which broker \(member), in sync, lacks",
                    world)
            }
        }
        let holders = world.brokers.filter { other in
            if hasHeld(other, partition, topicID, from: first) { return true }
            guard let log = other.disk[partition]?.log, log.topicID == topicID else { return false }
            guard let missing = firstMissing(log, history, from: first) else { return true }
            // The leader was told so before that one lost it.
            return history.excuses[other.id].map { missing >= $0.from } ?? false
        }
        if holders.count < min(plan.minimumInSync, plan.replicationFactor) {
            fail("\(partition): offset \(first) is committed on \(holders.map(\.id)) only", world)
        }
    }

    private func noteSequence(
        _ record: ModelRecord, at offset: Offset, _ partition: TopicPartition, _ history: History, _ world: Simulation
    ) {
        guard record.producerID >= 0 else { return }
        let expected = history.sequences[record.producerID].map { $0 + 1 } ?? 0
        history.sequences[record.producerID] = record.sequence
        // Where records were deleted, a replica may not know their producers.
        guard record.sequence != expected, history.deletedBelow == 0, history.loss == nil else { return }
        fail(
            "\(partition) offset \(offset): producer \(record.producerID) has sequence \(record.sequence) instead of "
                + "\(expected)", world)
    }

    /// A follower has taken over what its leader sent.
    func followed(_ partition: TopicPartition, from before: FollowerReplication.LocalLog, _ broker: SimulatedBroker) {
        guard let log = broker.disk[partition]?.log else { return }
        let history = history(partition, log.topicID)
        guard !history.isTainted else { return }
        checkOrder(partition, log, broker)
        guard let epoch = broker.replicas[partition]?.machine.leaderEpoch, !isUnaware(epoch, history) else { return }
        caughtUp(log, history, broker)
        for offset in max(
            before.highWatermark, log.logStart)..<max(before.highWatermark, log.logStart, log.highWatermark)
        {
            guard offset < history.committed.count, log[offset] == history.committed[Int(offset)] else {
                return fail(
                    "\(partition) offset \(offset): follower \(broker.id) takes for committed what is not: "
                        + "\(String(describing: log[offset]))", broker.world)
            }
        }
    }

    /// A follower has cut its log.
    ///
    /// What a leader commits again after a loss, since a disk of old had it, a member may never have had (see ``recommit``).
    func cut(_ partition: TopicPartition, from before: ModelLog, _ broker: SimulatedBroker) {
        guard let log = broker.disk[partition]?.log else { return }
        let history = history(partition, log.topicID)
        let end = min(before.logEnd, Offset(history.committed.count))
        guard !history.isTainted, log.logEnd < end, states[partition]?.inSyncReplicas.contains(broker.id) == true,
            !isGoing(partition, broker.world), !history.hollow.contains(broker.id),
            (log.logEnd..<end).contains(where: { before[$0] == history.committed[Int($0)] })
        else { return }
        fail(
            "\(partition): broker \(broker.id), in sync, cuts to \(log.logEnd), and \(history.committed.count) are committed",
            broker.world)
    }

    func reopened(_ partition: TopicPartition, _ broker: SimulatedBroker) {
        guard let log = broker.disk[partition]?.log else { return }
        checkOrder(partition, log, broker)
    }

    private func checkOrder(_ partition: TopicPartition, _ log: ModelLog, _ broker: SimulatedBroker) {
        guard log.logStart > log.highWatermark || log.highWatermark > log.logEnd else { return }
        fail(
            "\(partition) on broker \(broker.id): start \(log.logStart), mark \(log.highWatermark), end \(log.logEnd)",
            broker.world)
    }

    /// Whether the topic is to be deleted. Nobody elects a leader for it then, not even in the place of one that came back.
    private func isGoing(_ partition: TopicPartition, _ world: Simulation) -> Bool {
        world.zooKeeper.node("/admin/delete_topics/\(partition.topic)") != nil
    }

    /// A replica goes. When it goes with its topic, the next controller may still elect a leader of what is left, since a
    /// reassignment comes to its end first.
    func deletes(_ partition: TopicPartition, _ topicID: KafkaUUID, _ world: Simulation) {
        if isGoing(partition, world) { history(partition, topicID).isTainted = true }
    }

    func deleted(_ partition: TopicPartition, below offset: Offset, _ broker: SimulatedBroker) {
        guard let log = broker.log(partition) else { return }
        let history = history(partition, log.topicID)
        history.deletedBelow = max(history.deletedBelow, offset)
    }

    /// A broker has begun to lead, or goes on under a new epoch.
    func leads(_ replica: HostedReplica, _ broker: SimulatedBroker) {
        guard let log = replica.stored?.log else { return }
        let history = history(replica.partition, log.topicID)
        let epoch = replica.machine.leaderEpoch
        if let other = history.leaders.updateValue(broker.id, forKey: epoch), other != broker.id {
            return fail(
                "\(replica.partition): brokers \(other) and \(broker.id) both lead in epoch \(epoch)", broker.world)
        }
        guard !history.isTainted else { return }
        if firstMissing(log, history) != nil, isHollow(broker.id, log, history) {
            return excuse(replica.partition, broker.id, history, broker.world)
        }
        guard isCurrent(replica.partition, broker), !isGoing(replica.partition, broker.world) else {
            // Nobody elects a leader for a topic that goes: one that lost records with the power leads on, without them.
            if isGoing(replica.partition, broker.world), let missing = firstMissing(log, history),
                isExcused(broker.id, from: missing, of: history)
            {
                history.isTainted = true
                return
            }
            // The next state is written already, and whoever follows meanwhile is told this leader's mark.
            if !isUnaware(epoch, history), firstMissing(log, history) == nil {
                recommit(replica.partition, log, history, by: broker)
            }
            return
        }
        if let missing = firstMissing(log, history), !forgives(broker.id, missing: missing, in: epoch, history) {
            fail(
                "\(replica.partition): broker \(broker.id) leads without offset \(missing), which is committed",
                broker.world)
        }
        recommit(replica.partition, log, history, by: broker)
    }
}
