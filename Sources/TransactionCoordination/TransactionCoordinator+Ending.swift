// SPDX-License-Identifier: Apache-2.0

package import Coordination
package import KafkaModel

/// EndTxn, markers, and transactions that took too long.
extension TransactionCoordinator {
    /// EndTxn. The answer says that the decision is on the log; markers follow.
    package mutating func end(_ request: EndTransaction, token: RequestToken, now: CoordinatorTime)
        -> [TransactionAction]
    {
        turn(now) { coordinator, turn in
            let error = coordinator.error(request.transactionalID) ?? coordinator.end(request, token, &turn)
            if let error { turn.reply(token, .ended(error)) }
        }
    }

    /// The error, possibly none, or nil if the answer follows the log.
    private mutating func end(_ request: EndTransaction, _ token: RequestToken, _ turn: inout Turn) -> ErrorCode? {
        guard let known = ids[request.transactionalID] else { return .invalidProducerIDMapping }
        if let error = known.refusal(request.producer) { return error }
        guard let logged = known.logged else { return .invalidProducerIDMapping }
        switch (logged.state, request.isCommit) {
        case (.ongoing, _):
            let began = begin(
                request.transactionalID,
                logged.changed(to: request.isCommit ? .prepareCommit : .prepareAbort, at: turn.wallClock),
                previous: known.previous, then: .prepared(request.transactionalID, token, .ended(.none)), &turn)
            return began ? nil : .invalidRequest
        // The answer was lost.
        case (.completeCommit, true), (.completeAbort, false): return ErrorCode.none
        case (.prepareCommit, true), (.prepareAbort, false): return .concurrentTransactions
        case (.empty, _), (.completeCommit, _), (.completeAbort, _), (.prepareCommit, _), (.prepareAbort, _):
            return .invalidTxnState
        }
    }

    /// Aborts an open transaction with an epoch that nobody has, so that its producer can add nothing more to it.
    mutating func abort(
        _ id: String, _ logged: TransactionSnapshot, fencing known: TransactionalID,
        then answer: (token: RequestToken, reply: TransactionReply)?, _ turn: inout Turn
    ) {
        let epoch = known.fencingEpoch ?? (logged.producer.epoch == .max ? .max : logged.producer.epoch &+ 1)
        ids[id]?.fencingEpoch = epoch
        var next = logged.changed(to: .prepareAbort, at: turn.wallClock)
        next.producer.epoch = epoch
        // What is on the log was encoded before, so this can be.
        _ = begin(
            id, next, previous: ProducerIdentity(id: logged.producer.id, epoch: -1),
            then: .prepared(id, answer?.token, answer?.reply ?? .ended(.none)), &turn)
    }

    /// Aborts the transactions that are older than their timeouts (their producers are fenced). To be called every
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    package mutating func abortTimedOut(now: CoordinatorTime) -> [TransactionAction] {
        guard phase == .active else { return [] }
        return turn(now) { coordinator, turn in
            let overdue = coordinator.ids.filter { _, known in
                guard let logged = known.logged, logged.state == .ongoing, known.pending == nil else { return false }
                return logged.start &+ Int64(logged.timeout) < now.wallClock
            }
            for (id, known) in overdue.sorted(by: { $0.key < $1.key }) {
                guard let logged = known.logged else { continue }
                coordinator.abort(id, logged, fencing: known, then: nil, &turn)
            }
        }
    }

    // MARK: Markers

    /// The decision is on the log: everyone concerned is told.
    mutating func beginMarking(_ id: String, _ turn: inout Turn) {
        guard let logged = ids[id]?.logged else { return }
        ids[id]?.marking = TransactionalID.Marking(remaining: logged.partitions)
        continueEnding(id, &turn)
    }

    /// Sends for the markers that are missing; when none is, the transaction is complete.
    mutating func continueEnding(_ id: String, _ turn: inout Turn) {
        guard let known = ids[id], let logged = known.logged, logged.state.isPrepared, let marking = known.marking,
            known.pending == nil, !marking.isFenced
        else { return }
        let isCommit = logged.state == .prepareCommit
        guard marking.remaining.isEmpty else {
            let missing = marking.remaining.filter { !marking.underway.contains($0) }
            guard !missing.isEmpty else { return }
            ids[id]?.marking?.underway.formUnion(missing)
            return turn.write(
                TransactionMarkers(
                    transactionalID: id, producer: logged.producer, isCommit: isCommit,
                    coordinatorEpoch: coordinatorEpoch, partitions: Array(missing)))
        }
        var next = logged.changed(to: isCommit ? .completeCommit : .completeAbort, at: turn.wallClock)
        next.partitions = []
        _ = begin(id, next, previous: known.previous, then: .completed(id), &turn)
    }

    /// What became of markers. `outcomes` has an error for each partition of which there is news: `.none` also for those
    /// that do not exist any more. Others stay underway.
    package mutating func markersWritten(
        _ markers: TransactionMarkers, outcomes: [(TopicPartition, ErrorCode)], now: CoordinatorTime
    ) -> [TransactionAction] {
        turn(now) { coordinator, turn in
            let id = markers.transactionalID
            guard let known = coordinator.ids[id], known.logged?.producer == markers.producer,
                markers.coordinatorEpoch == coordinator.coordinatorEpoch, var marking = known.marking
            else { return }
            var mustRetry = false
            for (partition, error) in outcomes {
                guard marking.underway.remove(partition) != nil else { continue }
                switch error {
                // A partition in an old format has no markers.
                case .none, .unsupportedForMessageFormat: marking.remaining.remove(partition)
                case .invalidProducerEpoch, .transactionCoordinatorFenced: marking.isFenced = true
                default: mustRetry = true
                }
            }
            coordinator.ids[id]?.marking = marking
            if marking.isFenced { return }
            if mustRetry { coordinator.retryLater(id, turn) }
            if marking.remaining.isEmpty { coordinator.continueEnding(id, &turn) }
        }
    }
}
