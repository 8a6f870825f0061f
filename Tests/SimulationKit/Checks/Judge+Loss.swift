// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel

/// What may be lost, and what follows from it.
///
/// A topic that flushes each message loses nothing that was committed, whatever happens to the power. Without that, a
/// member of the in-sync set may lose committed records with its power, and be elected before anybody has noticed: Kafka
/// keeps no record of who has lost something. From that moment on these records are gone for all, and all promises
/// hold for what is left.
///
/// So a broker is excused for what it lost until it has left the in-sync set, or has all again; nobody else is, and nobody
/// who has joined the set since.
extension Judge {
    /// A broker has lost the end of its log.
    func lost(_ partition: TopicPartition, from offset: Offset, _ broker: SimulatedBroker) {
        guard !plan.flushes(partition.topic), let log = broker.disk[partition]?.log else { return }
        let history = history(partition, log.topicID)
        history.excuses[broker.id] = History.Excuse(from: min(history.excuses[broker.id]?.from ?? .max, offset))
    }

    /// Whether a broker may lack what is committed at an offset.
    func isExcused(_ broker: BrokerID, from offset: Offset, of history: History) -> Bool {
        history.excuses[broker].map { $0.holds && offset >= $0.from } ?? false
    }

    /// A state was written: whoever is no member any more has to catch up before it is one again.
    func excuseMembersOnly(_ state: PartitionState, _ history: History) {
        for broker in history.excuses.keys where !state.inSyncReplicas.contains(broker) {
            history.excuses[broker]?.holds = false
        }
    }

    /// Who has all again needs no excuse any more.
    func caughtUp(_ log: ModelLog, _ history: History, _ broker: SimulatedBroker) {
        guard history.excuses[broker.id] != nil, firstMissing(log, history) == nil else { return }
        history.excuses[broker.id] = nil
    }

    /// A broker begins to lead that lacks what was committed. True when it may: then that is committed no more.
    func forgives(_ broker: BrokerID, missing offset: Offset, in epoch: LeaderEpoch, _ history: History) -> Bool {
        guard isExcused(broker, from: offset, of: history) else { return false }
        history.committed.removeSubrange(Int(offset)...)
        lostCount += 1
        history.loss = History.Loss(from: min(history.loss?.from ?? .max, offset), epoch: epoch)
        history.latestTold = min(history.latestTold, offset)
        history.sequences = [:]
        for record in history.committed where record.producerID >= 0 {
            history.sequences[record.producerID] = record.sequence
        }
        return true
    }

    /// A leader of today has what another one, elected before it, had lost: it counts again as far as this one's mark goes.
    ///
    /// Nobody has asked the others for it. Who is in sync with the leader before may not have it yet, and be elected like that.
    func recommit(_ partition: TopicPartition, _ log: ModelLog, _ history: History, by leader: SimulatedBroker) {
        let first = Offset(history.committed.count)
        guard history.loss != nil, log.highWatermark > first else { return }
        for offset in first..<log.highWatermark {
            let record = log[offset] ?? .unknown
            history.committed.append(record)
            if record.producerID >= 0 { history.sequences[record.producerID] = record.sequence }
        }
        for member in states[partition]?.inSyncReplicas ?? [] where member != leader.id {
            guard let own = leader.world.broker(member)?.disk[partition]?.log, own.topicID == log.topicID,
                let missing = firstMissing(own, history, from: first), !isExcused(member, from: missing, of: history)
            else { continue }
            history.excuses[member] = History.Excuse(from: missing)
        }
    }

    /// Whether who acts under a leader epoch cannot know yet that committed records were lost.
    func isUnaware(_ epoch: LeaderEpoch, _ history: History) -> Bool { history.loss.map { epoch < $0.epoch } ?? false }
}
