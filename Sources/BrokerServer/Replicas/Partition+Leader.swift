// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaRecords
import LogStorage
import NIOCore
import Replication

// MARK: Changes of role, on the partition's log thread

extension Partition {
    /// Becomes, or stays, leader under the epoch that the controller names.
    func makeLeader(_ change: LeaderAndIsrPartition, log: PartitionLog) throws(LogError) {
        // The epoch begins where the log ends now, even before the first record of it.
        try log.assignEpochStart(change.leaderEpoch)
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let isAlive = aliveness
        let local = FollowerReplication.LocalLog(log)
        let actions = state.withLock { state in
            state.log = log
            return state.replica.lead(
                change, log: local,
                .init(
                    minimumInSync: state.settings.configuration.minInSyncReplicas,
                    maximumLag: surroundings.lagTimeMax),
                now: now, isAlive: isAlive)
        }
        perform(actions)
        surroundings.moved(id)
    }

    /// Becomes, or stays, follower; its fetcher is started elsewhere.
    func makeFollower(_ change: LeaderAndIsrPartition, log: PartitionLog, leader: BrokerID?) {
        state.withLock { state in
            state.log = log
            state.replica.follow(change, leader: leader)
        }
        // Produces and fetches that wait for this leader are told that it is none.
        surroundings.moved(id)
    }

    /// Stops being anything; what waits is told so.
    func retire() {
        state.withLock { state in
            state.replica.retire()
            state.log = nil
        }
        surroundings.moved(id)
    }
}

// MARK: Producing

extension Partition {
    /// Checks what a producer sent, as far as it can be checked without knowing the log.
    func validate(_ records: ByteBuffer, version: Int16) throws(ProduceRefusal) -> ValidatedBatches {
        metrics.produceRequested()
        let settings = state.withLock { $0.settings }
        do throws(RecordError) {
            return try settings.validator(for: id).validate(records, produceVersion: version, now: BrokerClock.now)
        } catch {
            metrics.produceFailed(bytes: records.readableBytes)
            throw ProduceRefusal(error)
        }
    }

    /// Appends as leader, on the partition's log thread.
    ///
    /// - Parameters:
    ///   - proof: what there is to show for records of a transaction that is not open here yet.
    ///   - ended: called on that thread: at once, or, where the topic wants records on disk first, after a flush that
    ///     all shared that were queued together.
    func append(
        _ batches: consuming ValidatedBatches, acks: RequiredAcks, origin: AppendOrigin,
        proof: TransactionProof = .notRequired,
        ended: @escaping @Sendable (ProduceOutcome) -> Void
    ) {
        let (log, epoch, refusal) = state.withLock { state in
            (
                state.log, state.replica.leaderEpoch,
                state.log == nil
                    ? .notLeaderOrFollower : state.replica.refusal(ofAppendWithAcksAll: acks == .all)
            )
        }
        guard let log, refusal.isNone else { return ended(.refused(ProduceRefusal(refusal))) }
        var batches = batches
        do throws(LogError) {
            let info = try log.append(
                &batches, leaderEpoch: epoch, origin: origin, proof: proof, now: BrokerClock.now, flush: .byCaller)
            metrics.appended(records: info.recordCount, bytes: info.byteCount)
            if info.rolled { surroundings.rolled(log) }
            let outcome = ProduceOutcome.appended(
                base: info.firstOffset, last: info.lastOffset, logAppendTime: info.logAppendTime,
                logStart: info.logStart, epoch: epoch)
            if info.flushIsDue {
                thread.flushThen(log) { [self] error in
                    if let error { return ended(.refused(ProduceRefusal(error.errorCode, nil))) }
                    if !info.isDuplicate { logEndMoved(to: info.logEnd) }
                    ended(outcome)
                }
            } else {
                if !info.isDuplicate { logEndMoved(to: info.logEnd) }
                ended(outcome)
            }
        } catch {
            metrics.produceFailed(bytes: 0)
            ended(.refused(ProduceRefusal(error.errorCode, nil)))
        }
    }

    /// What became of records with acks=all up to `last`, appended in a leader epoch; nil while replicas are missing.
    func acknowledgement(through last: Offset, epoch: LeaderEpoch) -> ErrorCode? {
        state.withLock { $0.replica.acknowledgement(through: last, appendedIn: epoch) }
    }

    /// Whether a follower that fetches from `offset` should be answered now; see ``AnswerGathering``.
    func hasGathered(for offset: Offset) -> Bool {
        state.withLock { $0.replica.leader?.hasGathered(for: offset) ?? true }
    }

    private func logEndMoved(to end: Offset) {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let isAlive = aliveness
        let advanced = withLeader { leader -> (Bool, [LeaderReplication.Action]) in
            let actions = leader.appended(logEnd: end, now: now, isAlive: isAlive)
            return (actions.contains { if case .highWatermarkAdvanced = $0 { true } else { false } }, actions)
        }
        // Followers wait for the end itself; when the mark moved too, they have been told with it.
        if advanced == false { surroundings.grew(id) }
    }
}

extension ProduceRefusal {
    init(_ error: RecordError) {
        self.init(error.errorCode, error.message)
        records = error.rejectedRecords.map { ($0.index, $0.message) }
    }
}
