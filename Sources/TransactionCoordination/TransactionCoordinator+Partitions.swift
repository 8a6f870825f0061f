// SPDX-License-Identifier: Apache-2.0

package import Coordination
package import KafkaModel

/// AddPartitionsToTxn and AddOffsetsToTxn.
extension TransactionCoordinator {
    package mutating func addPartitions(_ request: AddPartitions, token: RequestToken, now: CoordinatorTime)
        -> [TransactionAction]
    {
        turn(now) { coordinator, turn in
            let error = coordinator.error(request.transactionalID) ?? coordinator.add(request, token, &turn)
            if let error { turn.reply(token, .partitionsAdded(error)) }
        }
    }

    /// The error, possibly none, or nil if the answer follows the log.
    private mutating func add(_ request: AddPartitions, _ token: RequestToken, _ turn: inout Turn) -> ErrorCode? {
        guard let known = ids[request.transactionalID] else { return .invalidProducerIDMapping }
        if let error = known.refusal(request.producer) { return error }
        guard let logged = known.logged, !logged.state.isPrepared else { return .concurrentTransactions }
        let isOngoing = logged.state == .ongoing
        if isOngoing, request.partitions.allSatisfy(logged.partitions.contains) { return ErrorCode.none }
        var next = logged.changed(to: .ongoing, at: turn.wallClock)
        if !isOngoing {
            next.start = turn.wallClock
            next.partitions = []
        }
        next.partitions.append(contentsOf: request.partitions)
        // The producer has heard of its id: its predecessor has nothing to ask for any more.
        let previous = ProducerIdentity(id: logged.producer.id, epoch: known.previous.epoch)
        let began = begin(
            request.transactionalID, next, previous: previous,
            then: .partitionsAdded(request.transactionalID, token), &turn)
        return began ? nil : .invalidRequest
    }

    /// Whether partitions belong to the producer's transaction (KIP-890): an error for each, in the order of the request.
    /// Nothing waits, so the answer comes at once; a change on its way is not waited for, since the partition's leader
    /// looks again when it appends.
    package func verify(_ request: AddPartitions) -> [ErrorCode] {
        func all(_ error: ErrorCode) -> [ErrorCode] { request.partitions.map { _ in error } }
        if let error = error(request.transactionalID) { return all(error) }
        guard let known = ids[request.transactionalID], let logged = known.logged,
            logged.producer.id == request.producer.id
        else { return all(.invalidProducerIDMapping) }
        guard known.currentEpoch(logged) == request.producer.epoch else { return all(.producerFenced) }
        if logged.state.isPrepared { return all(.concurrentTransactions) }
        return request.partitions.map { logged.partitions.contains($0) ? .none : .transactionAbortable }
    }
}
