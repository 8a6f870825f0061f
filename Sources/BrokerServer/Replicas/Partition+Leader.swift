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
        let leadership = Leadership(
            leaderEpoch: change.leaderEpoch, partitionEpoch: change.partitionEpoch, replicas: change.replicas,
            inSyncReplicas: change.inSyncReplicas)
        let offsets = log.offsets
        let actions = state.withLock { state -> [LeaderReplication.Action] in
            take(change, log, &state)
            if case .leader(var leader) = state.role {
                let actions = leader.lead(leadership, epochStart: offsets.logEnd, logEnd: offsets.logEnd, now: now)
                state.role = .leader(leader)
                return actions
            }
            var leader = LeaderReplication(
                localID: surroundings.localID, leadership, epochStart: offsets.logEnd, logEnd: offsets.logEnd,
                highWatermark: offsets.highWatermark, minimumInSync: state.settings.configuration.minInSyncReplicas,
                maximumLag: surroundings.lagTimeMax, now: now)
            state.leadsSince = change.leaderEpoch
            // An only replica has committed all that it has.
            let actions = leader.begin(now: now, isAlive: isAlive)
            state.role = .leader(leader)
            return actions
        }
        perform(actions)
        surroundings.moved(id)
    }

    /// Becomes, or stays, follower; its fetcher is started elsewhere.
    ///
    /// - Returns: whether the leader or its epoch is new, so that fetching must begin anew.
    @discardableResult
    func makeFollower(_ change: LeaderAndIsrPartition, log: PartitionLog, leader: BrokerID?) -> Bool {
        let isNew = state.withLock { state in
            let isNew = state.leaderEpoch < change.leaderEpoch
            take(change, log, &state)
            state.role = .follower(leader: leader)
            return isNew
        }
        // Produces and fetches that wait for this leader are told that it is none.
        surroundings.moved(id)
        return isNew
    }

    /// Stops being anything; what waits is told so.
    func retire() {
        state.withLock { state in
            state.role = .idle
            state.log = nil
        }
        surroundings.moved(id)
    }

    private func take(_ change: LeaderAndIsrPartition, _ log: PartitionLog, _ state: inout State) {
        state.leaderEpoch = change.leaderEpoch
        state.partitionEpoch = change.partitionEpoch
        state.controllerEpoch = change.controllerEpoch
        state.replicas = change.replicas
        state.topicID = change.topicID ?? state.topicID
        state.log = log
    }
}

// MARK: Producing

extension Partition {
    /// Checks what a producer sent, as far as it can be checked without knowing the log.
    func validate(_ records: ByteBuffer, version: Int16) throws(ProduceRefusal) -> ValidatedBatches {
        let settings = state.withLock { $0.settings }
        do throws(RecordError) {
            return try settings.validator(for: id).validate(records, produceVersion: version, now: BrokerClock.now)
        } catch {
            throw ProduceRefusal(error)
        }
    }

    /// Appends as leader, on the partition's log thread.
    ///
    /// - Parameter ended: called on that thread: at once, or, where the topic wants records on disk first, after a flush
    ///   that all shared that were queued together.
    func append(
        _ batches: consuming ValidatedBatches, acks: RequiredAcks, origin: AppendOrigin,
        ended: @escaping @Sendable (ProduceOutcome) -> Void
    ) {
        let (log, epoch, refusal) = state.withLock { state -> (PartitionLog?, LeaderEpoch, ErrorCode?) in
            guard case .leader(let leader) = state.role, let log = state.log else {
                return (nil, state.leaderEpoch, .notLeaderOrFollower)
            }
            let refusal = acks == .all ? leader.admitsAcksAll() : .none
            return (log, state.leaderEpoch, refusal.isNone ? nil : refusal)
        }
        guard let log, refusal == nil else { return ended(.refused(ProduceRefusal(refusal ?? .notLeaderOrFollower))) }
        var batches = batches
        do throws(LogError) {
            let info = try log.append(
                &batches, leaderEpoch: epoch, origin: origin, now: BrokerClock.now, flush: .byCaller)
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
            ended(.refused(ProduceRefusal(error.errorCode, nil)))
        }
    }

    /// How far the records up to `last` are replicated; nil while replicas are missing.
    ///
    /// - Parameter epoch: under which they were appended. A broker that followed since may have cut them off, and others
    ///   may lie at their offsets now: it answers NOT_LEADER_OR_FOLLOWER, though it leads again. A new epoch of a broker
    ///   that leads on, as each departure from the in-sync set brings, changes nothing.
    func acknowledgement(through last: Offset, epoch: LeaderEpoch) -> ErrorCode? {
        state.withLock { state in
            guard case .leader(let leader) = state.role, state.leadsSince <= epoch else { return .notLeaderOrFollower }
            switch leader.outcome(ofProduceUpTo: last + 1) {
            case .waiting: return nil
            case .done(let error): return error
            }
        }
    }

    private func logEndMoved(to end: Offset) {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let isAlive = aliveness
        let advanced = withLeader { leader -> (Bool, [LeaderReplication.Action]) in
            let actions = leader.appended(logEnd: end, now: now, isAlive: isAlive)
            return (actions.contains { if case .highWatermarkAdvanced = $0 { true } else { false } }, actions)
        }
        // Followers wait for the end itself; when the mark moved too, they have been told with it.
        if advanced == false { surroundings.moved(id) }
    }
}

extension ProduceRefusal {
    init(_ error: RecordError) {
        self.init(error.errorCode, error.message)
        records = error.rejectedRecords.map { ($0.index, $0.message) }
    }
}
