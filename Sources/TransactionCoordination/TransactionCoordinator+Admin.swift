// SPDX-License-Identifier: Apache-2.0

package import Coordination
package import KafkaModel

/// What operators ask (KIP-664), and ids that nobody uses.
extension TransactionCoordinator {
    package func describe(_ transactionalID: String) -> TransactionDescription {
        var description = TransactionDescription(transactionalID: transactionalID)
        if let error = phaseError {
            description.error = error
        } else if let known = ids[transactionalID], let logged = known.logged, !known.isExpiring {
            description.snapshot = logged
            description.snapshot?.producer.epoch = known.currentEpoch(logged)
            // Those that have their marker are done with.
            if let marking = known.marking { description.snapshot?.partitions = marking.remaining }
        } else {
            description.error = .transactionalIDNotFound
        }
        return description
    }

    /// The ids that pass the filter, and what keeps the list from being whole.
    package func list(_ filter: TransactionFilter, now: Timestamp) -> (error: ErrorCode, listed: [TransactionListing]) {
        if let error = phaseError { return (error, []) }
        let listed = ids.compactMap { id, known -> TransactionListing? in
            guard let logged = known.logged, !known.isExpiring else { return nil }
            guard filter.states.isEmpty || filter.states.contains(logged.state.name) else { return nil }
            guard filter.producerIDs.isEmpty || filter.producerIDs.contains(logged.producer.id) else { return nil }
            guard filter.duration < 0 || now &- logged.start > filter.duration else { return nil }
            return TransactionListing(transactionalID: id, producerID: logged.producer.id, state: logged.state)
        }
        return (.none, listed.sorted { $0.transactionalID < $1.transactionalID })
    }

    /// Removes the ids without a transaction that nobody has used for `transactional.id.expiration.ms`. To be called every
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    package mutating func expireTransactionalIDs(now: CoordinatorTime) -> [TransactionAction] {
        guard phase == .active else { return [] }
        return turn(now) { coordinator, turn in
            let limit = now.wallClock &- coordinator.configuration.idExpiration
            let expired = coordinator.ids.filter { _, known in
                guard let logged = known.logged, known.pending == nil else { return false }
                switch logged.state {
                case .empty, .completeCommit, .completeAbort: return logged.lastUpdate <= limit
                case .ongoing, .prepareCommit, .prepareAbort: return false
                }
            }
            var batch: (ids: [String], records: [CoordinatorBatch.Record], bytes: Int) = ([], [], 0)
            for id in expired.keys.sorted() {
                guard let tombstone = CoordinatorBatch.Record(id, nil) else { continue }
                coordinator.ids[id]?.pending = TransactionalID.Transition(
                    next: nil, previous: ProducerIdentity(id: -1, epoch: -1))
                batch.ids.append(id)
                batch.records.append(tombstone)
                batch.bytes += tombstone.key.readableBytes
                guard batch.bytes >= TransactionConfiguration.maxTombstoneBytes else { continue }
                turn.append(batch.records, then: .expired(batch.ids))
                batch = ([], [], 0)
            }
            if !batch.ids.isEmpty { turn.append(batch.records, then: .expired(batch.ids)) }
        }
    }
}

extension TransactionalID {
    /// The tombstone is on its way.
    fileprivate var isExpiring: Bool { pending.map { $0.next == nil } ?? false }
}
