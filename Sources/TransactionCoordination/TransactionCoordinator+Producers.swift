// SPDX-License-Identifier: Apache-2.0

package import Coordination
internal import KafkaModel

/// InitProducerId: who a producer is (KIP-98, KIP-360, KIP-588).
extension TransactionCoordinator {
    /// Whether `initProducerID` will have to be given a fresh producer id. True for requests that it would refuse for
    /// other reasons only if the id is new.
    package func needsProducerID(_ request: InitProducerID) -> Bool {
        guard phase == .active, refusal(request) == nil else { return false }
        guard let known = ids[request.transactionalID] else { return true }
        guard let logged = known.logged, known.pending == nil else { return false }
        return rotates(logged, request.expected)
    }

    package mutating func initProducerID(_ request: InitProducerID, token: RequestToken, now: CoordinatorTime)
        -> [TransactionAction]
    {
        turn(now) { coordinator, turn in
            let error = coordinator.refusal(request) ?? coordinator.initProducerID(request, token, &turn)
            if let error { turn.reply(token, .initialized(InitProducerIDAnswer(error: error))) }
        }
    }

    private func refusal(_ request: InitProducerID) -> ErrorCode? {
        if request.transactionalID.isEmpty { return .invalidRequest }
        guard request.timeout > 0, request.timeout <= configuration.maxTimeout else {
            return .invalidTransactionTimeout
        }
        return phaseError
    }

    /// The error, or nil if the answer follows the log.
    private mutating func initProducerID(_ request: InitProducerID, _ token: RequestToken, _ turn: inout Turn)
        -> ErrorCode?
    {
        let id = request.transactionalID
        guard let known = ids[id] else {
            return initialize(request, epoch: 0, previous: nil, producerID: request.freshProducerID, token, &turn)
        }
        guard let logged = known.logged, known.pending == nil else { return .concurrentTransactions }
        if let expected = request.expected {
            // Also the producer whose epochs were used up, and whose answer with the new id was lost.
            let isPredecessor = expected.id == known.previous.id && expected.isExhausted
            guard expected.id == logged.producer.id || isPredecessor else { return .producerFenced }
        }
        switch logged.state {
        case .prepareCommit, .prepareAbort: return .concurrentTransactions
        case .ongoing:
            // Kafka looks at the id alone, so that a zombie who recovers ends its successor's transaction. Both are
            // fenced for it in the end; here only the zombie is, at once.
            if let expected = request.expected, expected != logged.producer { return .producerFenced }
            // The producer is told to come again, and finds the transaction ended then.
            abort(id, logged, fencing: known, then: (token, .initialized(.init(error: .concurrentTransactions))), &turn)
            return nil
        case .empty, .completeCommit, .completeAbort:
            return bump(request, known, logged, token, &turn)
        }
    }

    private func rotates(_ logged: TransactionSnapshot, _ expected: ProducerIdentity?) -> Bool {
        switch logged.state {
        case .ongoing, .prepareCommit, .prepareAbort: false
        case .empty, .completeCommit, .completeAbort:
            logged.producer.isExhausted && (expected.map { $0.epoch == logged.producer.epoch } ?? true)
        }
    }

    private mutating func bump(
        _ request: InitProducerID, _ known: TransactionalID, _ logged: TransactionSnapshot, _ token: RequestToken,
        _ turn: inout Turn
    ) -> ErrorCode? {
        let current = logged.producer
        if rotates(logged, request.expected) {
            return initialize(
                request, epoch: 0, previous: request.expected == nil ? nil : current,
                producerID: request.freshProducerID, token, &turn)
        }
        guard let expected = request.expected else {
            return initialize(
                request, epoch: current.epoch &+ 1, previous: nil, producerID: current.id, token, &turn)
        }
        if expected.epoch == current.epoch {
            return initialize(
                request, epoch: current.epoch &+ 1, previous: current, producerID: current.id, token, &turn)
        }
        // The answer to this very request was lost. Another producer in between would have left no previous epoch.
        guard expected.epoch == known.previous.epoch, expected.epoch >= 0 else { return .producerFenced }
        return initialize(
            request, epoch: current.epoch, previous: known.previous, producerID: current.id, token, &turn)
    }

    private mutating func initialize(
        _ request: InitProducerID, epoch: ProducerEpoch, previous: ProducerIdentity?, producerID: ProducerID?,
        _ token: RequestToken, _ turn: inout Turn
    ) -> ErrorCode? {
        // As Kafka answers while it has no block of ids.
        guard let producerID else { return .coordinatorLoadInProgress }
        let snapshot = TransactionSnapshot(
            producer: ProducerIdentity(id: producerID, epoch: epoch), timeout: request.timeout, state: .empty,
            lastUpdate: turn.wallClock)
        let began = begin(
            request.transactionalID, snapshot, previous: previous ?? ProducerIdentity(id: -1, epoch: -1),
            then: .initialized(request.transactionalID, token), &turn)
        return began ? nil : .invalidRequest
    }
}
