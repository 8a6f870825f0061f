// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication

// MARK: What clients are told

extension Judge {
    func acknowledged(
        _ batch: SimulatedProducer.Batch, _ answer: SimulatedBroker.ProduceAnswer, by leader: BrokerID,
        _ world: Simulation
    ) {
        world.mark(5, answer.first, answer.last)
        guard batch.needsAll else { return }
        acknowledgedCount += batch.values.count
        let history = history(batch.partition, batch.topicID)
        guard !history.isTainted else { return }
        for (index, value) in batch.values.enumerated() {
            let offset = Int(answer.first) + index
            // On its way the answer may have been overtaken by a loss.
            if let loss = history.loss, offset >= loss.from { return }
            guard offset < history.committed.count, history.committed[offset].value == value else {
                return fail(
                    "\(batch.partition) offset \(offset): broker \(leader) acknowledges \(value), but it is not committed",
                    world)
            }
        }
    }

    /// A leader does not take the sequence of a producer which sends one batch after the other.
    func refused(_ batch: SimulatedProducer.Batch, _ error: ErrorCode, _ broker: SimulatedBroker) {
        let history = history(batch.partition, batch.topicID)
        // An earlier sending of what has been acknowledged since may arrive late.
        let isAwaited = broker.world.producers.contains {
            $0.pending?.producerID == batch.producerID && $0.pending?.sequence == batch.sequence
        }
        guard isAwaited, !history.isTainted, history.deletedBelow == 0, history.loss == nil,
            isCurrent(batch.partition, broker)
        else { return }
        fail(
            "\(batch.partition): broker \(broker.id) refuses sequence \(batch.sequence) of producer \(batch.producerID): \(error)",
            broker.world)
    }

    func consumed(
        _ part: FetchPart, _ partition: TopicPartition, _ topicID: KafkaUUID, from offset: Offset,
        by consumer: BrokerID, of broker: SimulatedBroker
    ) {
        let history = history(partition, topicID)
        guard !history.isTainted else { return }
        for (index, record) in part.records.enumerated() {
            let offset = Int(offset) + index
            guard offset < history.committed.count, history.committed[offset] == record else {
                // On its way, or where it was read, nobody knew of a loss.
                if let loss = history.loss, offset >= loss.from, record.leaderEpoch < loss.epoch { return }
                return fail(
                    "\(partition) offset \(offset): a consumer of broker \(broker.id) sees \(record), which is not committed",
                    broker.world)
            }
        }
    }

    /// A consumer is told that its position lies outside of the log.
    func outOfRange(
        _ partition: TopicPartition, _ topicID: KafkaUUID, at offset: Offset, _ broker: SimulatedBroker, isLeader: Bool
    ) {
        let history = history(partition, topicID)
        guard isLeader, !history.isTainted, offset >= history.deletedBelow, isCurrent(partition, broker) else { return }
        if let loss = history.loss, offset > loss.from { return }
        fail(
            "\(partition): the leader \(broker.id) does not know offset \(offset), which was consumed up to",
            broker.world)
    }

    /// A consumer is told where the log ends for it (KIP-207: never less than before).
    func sawLatest(_ partition: TopicPartition, _ topicID: KafkaUUID, _ offset: Offset, _ broker: SimulatedBroker) {
        let history = history(partition, topicID)
        guard !history.isTainted, let epoch = broker.replicas[partition]?.machine.leaderEpoch,
            !isUnaware(epoch, history)
        else { return }
        if isCurrent(partition, broker), offset < history.latestTold {
            fail(
                "\(partition): latest was \(history.latestTold), and is \(offset) at leader \(broker.id)", broker.world)
        }
        history.latestTold = max(history.latestTold, offset)
    }
}

// MARK: When all is over

extension Judge {
    /// Once the cluster is whole, all replicas of a partition are equal and hold all that is committed.
    func checkAtEnd(_ world: Simulation) {
        for partition in states.keys.sorted() {
            guard let state = states[partition], let topicID = world.topicID(partition.topic),
                let leader = world.broker(state.leader)?.log(partition)
            else { return fail("\(partition) has no leader with a log", world) }
            let history = history(partition, topicID)
            if !history.isTainted, let missing = firstMissing(leader, history) {
                return fail("\(partition): offset \(missing) was committed and is gone", world)
            }
            for member in state.inSyncReplicas {
                guard let log = world.broker(member)?.log(partition) else {
                    return fail("\(partition): broker \(member) has no log", world)
                }
                let start = max(log.logStart, leader.logStart)
                for offset in start..<max(start, leader.logEnd, log.logEnd) where log[offset] != leader[offset] {
                    return fail(
                        "\(partition) offset \(offset): \(String(describing: log[offset])) on broker \(member), "
                            + "\(String(describing: leader[offset])) on the leader", world)
                }
            }
        }
    }
}
