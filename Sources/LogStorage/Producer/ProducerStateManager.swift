// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords

/// What a log knows about its producers: epochs, the last batches for the recognition of duplicates, open
/// transactions (KIP-98). Pure: the log owns it under its mutation lock, reads and writes snapshots, and passes time.
///
/// The rules for batches of clients:
///
/// | The batch | Result |
/// |---|---|
/// | has epoch and sequence numbers of one of the last five | a duplicate, answered with the offsets it has |
/// | has an epoch below the known one | INVALID_PRODUCER_EPOCH |
/// | has a new epoch and does not begin at 0 | OUT_OF_ORDER_SEQUENCE_NUMBER |
/// | has the known epoch and does not follow the last sequence | OUT_OF_ORDER_SEQUENCE_NUMBER |
/// | is of an unknown producer | accepted, with any sequence |
/// | is not transactional while a transaction is open | INVALID_TXN_STATE |
/// | opens a transaction that its coordinator has not confirmed (KIP-890) | INVALID_TXN_STATE |
/// | was confirmed for a transaction before the one that is open | INVALID_TXN_STATE |
/// | would open it before one that waits for the confirmation | OUT_OF_ORDER_SEQUENCE_NUMBER |
///
/// A leader's batches (replication) are taken as they are.
package struct ProducerStateManager: Sendable {
    package private(set) var producers: [ProducerID: ProducerState] = [:]
    /// The state is that after all records below this offset.
    package private(set) var mapEnd: Offset
    /// First offsets of open transactions → producer.
    private var open: [Offset: ProducerID] = [:]
    private var verifications = TransactionVerifications()

    package init(mapEnd: Offset = 0) { self.mapEnd = mapEnd }

    /// The state that a snapshot taken at `offset` describes, without producers that have expired by `now`.
    package init(
        _ snapshot: [ProducerState], at offset: Offset, now: Timestamp, expiration: Int64
    ) {
        mapEnd = offset
        for state in snapshot where !Self.isExpired(state, now: now, expiration: expiration) {
            producers[state.producerID] = state
            if let start = state.transactionStart { open[start] = state.producerID }
        }
    }

    package var isEmpty: Bool { producers.isEmpty }

    /// Where the earliest open transaction began; nil when none is open.
    package var firstOpen: Offset? { open.keys.min() }

    package func hasOpenTransaction(_ producerID: ProducerID) -> Bool {
        producers[producerID]?.transactionStart != nil
    }

    /// The open transactions' first offsets with their producers' last timestamps, for the metric of late ones.
    package var openTransactions: [(producerID: ProducerID, firstOffset: Offset, lastTimestamp: Timestamp)] {
        open.map { ($0.value, $0.key, producers[$0.value]?.lastTimestamp ?? -1) }
    }

    /// The offsets that a batch already has in the log, if it is a retry of a remembered one.
    package func duplicate(of batch: ProducerBatch) -> ProducedBatch? {
        guard !batch.isControl else { return nil }
        return producers[batch.producerID]?.duplicate(
            epoch: batch.epoch, firstSequence: batch.firstSequence, lastSequence: batch.lastSequence)
    }

    // MARK: Verification

    /// Whether the producer is in the middle of a transaction here, in this of its lives.
    private func isInTransaction(_ producerID: ProducerID, epoch: ProducerEpoch) -> Bool {
        guard let state = producers[producerID] else { return false }
        return state.transactionStart != nil && state.epoch == epoch
    }

    /// A coordinator is about to be asked whether the transaction of a producer includes this partition.
    ///
    /// - Returns: what to show with the records; nil if they need not wait, since the transaction is open here.
    package mutating func beginVerification(
        of producerID: ProducerID, epoch: ProducerEpoch, firstSequence: Int32, now: Timestamp
    ) -> VerificationGuard? {
        guard !isInTransaction(producerID, epoch: epoch) else { return nil }
        return verifications.begin(producerID, epoch: epoch, firstSequence: firstSequence, now: now)
    }

    /// The leader epoch of the coordinator that ended the producer's last transaction here; −1 if none has.
    package func coordinatorEpoch(of producerID: ProducerID) -> LeaderEpoch {
        producers[producerID]?.coordinatorEpoch ?? -1
    }

    /// Another log of the partition, which takes this one's place, honours the guards that this one has given out.
    mutating func takeOverVerifications(of other: borrowing ProducerStateManager) {
        verifications = other.verifications
    }

    // MARK: Appending

    /// Whether a batch may be appended. Changes nothing.
    package func check(
        _ batch: ProducerBatch, origin: AppendOrigin, proof: TransactionProof = .notRequired
    ) throws(LogError) {
        if case .required(let verificationGuard) = proof, batch.isTransactional, !batch.isControl {
            let isOpen = isInTransaction(batch.producerID, epoch: batch.epoch)
            let isProven =
                isOpen
                ? verifications.continues(verificationGuard, for: batch.producerID)
                : verifications.admits(verificationGuard, for: batch.producerID)
            guard isProven else { throw .invalidTransactionState(batch.producerID) }
            if origin == .client, !isOpen, let lowest = verifications.lowestSequence(of: batch.producerID),
                batch.firstSequence > lowest
            {
                throw .outOfOrderSequence(
                    batch.producerID, epoch: batch.epoch, sequence: batch.firstSequence, last: lowest)
            }
        }
        guard origin != .replication, let state = producers[batch.producerID] else { return }
        if batch.isControl, batch.marker == nil { return }
        if batch.epoch < state.epoch {
            throw .invalidProducerEpoch(batch.producerID, epoch: batch.epoch, current: state.epoch)
        }
        if let marker = batch.marker {
            if state.coordinatorEpoch > marker.coordinatorEpoch {
                throw .transactionCoordinatorFenced(
                    batch.producerID, coordinatorEpoch: marker.coordinatorEpoch, current: state.coordinatorEpoch)
            }
            return
        }
        if origin == .client { try checkSequence(batch, state) }
        if state.transactionStart != nil, !batch.isTransactional {
            throw .invalidTransactionState(batch.producerID)
        }
    }

    /// Remembers a batch that is in the log; returns the transaction it has ended.
    @discardableResult
    package mutating func apply(_ batch: ProducerBatch) -> CompletedTransaction? {
        if batch.isControl {
            verifications.end(batch.producerID)
            guard let marker = batch.marker else { return nil }
            var state = producers[batch.producerID] ?? ProducerState(batch.producerID)
            let start = state.transactionStart
            state.raiseEpoch(to: batch.epoch)
            state.coordinatorEpoch = marker.coordinatorEpoch
            state.lastTimestamp = batch.maxTimestamp
            state.transactionStart = nil
            producers[batch.producerID] = state
            guard let start else { return nil }
            open[start] = nil
            return CompletedTransaction(
                producerID: batch.producerID, firstOffset: start, lastOffset: batch.lastOffset,
                isAborted: !marker.isCommit)
        }
        let entry = ProducedBatch(
            lastSequence: batch.lastSequence, lastOffset: batch.lastOffset, offsetDelta: batch.offsetDelta,
            maxTimestamp: batch.maxTimestamp)
        // Changed in place: most appends come this way.
        producers[batch.producerID, default: ProducerState(batch.producerID)].add(entry, epoch: batch.epoch)
        if batch.isTransactional, producers[batch.producerID]?.transactionStart == nil {
            producers[batch.producerID]?.transactionStart = batch.firstOffset
            open[batch.firstOffset] = batch.producerID
            verifications.begun(batch.producerID)
        }
        return nil
    }

    private func checkSequence(_ batch: ProducerBatch, _ state: ProducerState) throws(LogError) {
        // Nothing known of the producer, or of this epoch of it after a marker raised it: a restart of numbers is
        // all that can be asked, and of an unknown producer not even that.
        if state.epoch < 0 { return }
        let isInOrder: Bool
        if batch.epoch != state.epoch {
            isInOrder = batch.firstSequence == 0
        } else {
            let last = state.lastSequence
            isInOrder = batch.firstSequence == (last < 0 ? 0 : Sequence32.adding(1, to: last))
        }
        guard isInOrder else {
            throw .outOfOrderSequence(
                batch.producerID, epoch: batch.epoch, sequence: batch.firstSequence, last: state.lastSequence)
        }
    }

    /// The last stable offset once `transaction` counts as ended: what the transaction index records.
    package func lastStable(after transaction: CompletedTransaction) -> Offset {
        open.keys.min() ?? transaction.lastOffset + 1
    }

    package mutating func advance(to offset: Offset) { mapEnd = max(mapEnd, offset) }

    // MARK: Time

    /// Forgets producers that have been silent for long and have no open transaction; returns how many.
    @discardableResult
    package mutating func removeExpired(now: Timestamp, expiration: Int64) -> Int {
        let before = producers.count
        producers = producers.filter { !Self.isExpired($0.value, now: now, expiration: expiration) }
        verifications.removeExpired(now: now, expiration: expiration)
        return before - producers.count
    }

    private static func isExpired(_ state: ProducerState, now: Timestamp, expiration: Int64) -> Bool {
        state.transactionStart == nil && now &- state.lastTimestamp >= expiration
    }

    /// Forgets all: nothing is known of what lies before `offset`.
    package mutating func reset(at offset: Offset) {
        self = ProducerStateManager(mapEnd: offset)
    }

    /// What a snapshot records: by producer id, so that equal states make equal files.
    package var snapshot: [ProducerState] { producers.values.sorted { $0.producerID < $1.producerID } }
}
