// SPDX-License-Identifier: Apache-2.0

package import Coordination
import DequeModule
package import KafkaModel
package import KafkaRecords

/// The transactional ids of one partition of `__transaction_state`, as Kafka 3.9 coordinates them (KIP-98, 360, 447, 588,
/// 664, 890 part one).
///
/// A machine: no clock, socket or task, time is an argument. `Coordination` says what its driver does; besides, it writes
/// the markers that are its errands, tells of them with `markersWritten`, and calls `abortTimedOut` and
/// `expireTransactionalIDs` from time to time. Owned by whoever owns the partition; its life goes from `init` (loading)
/// over `finishLoading` to `unload`.
package struct TransactionCoordinator: CoordinatorMachine {
    package var configuration: TransactionConfiguration
    /// The leader epoch of the partition, which the markers carry.
    package let coordinatorEpoch: LeaderEpoch

    enum Phase: Sendable {
        case loading
        case active
        case unloaded
    }

    var phase = Phase.loading
    var ids: [String: TransactionalID] = [:]

    private var continuations: [AppendID: Continuation] = [:]
    private var lastAppendID: UInt64 = 0
    /// Prepared transactions to be looked at again, by uptime: all wait equally long.
    private var retries: Deque<(at: Int64, id: String)> = []

    /// A coordinator that is loading.
    package init(configuration: TransactionConfiguration, coordinatorEpoch: LeaderEpoch) {
        self.configuration = configuration
        self.coordinatorEpoch = coordinatorEpoch
    }

    package var isLoading: Bool { phase == .loading }

    /// The uptime at which `advance` is to be called next; nil if nothing waits for time.
    package var nextDeadline: Int64? { retries.first?.at }

    // MARK: Time and the log

    /// Does what is due at `now`: another attempt at markers, and at the record that all are written.
    package mutating func advance(to now: CoordinatorTime) -> [TransactionAction] {
        turn(now) { coordinator, turn in
            while let first = coordinator.retries.first, first.at <= now.uptime {
                coordinator.retries.removeFirst()
                coordinator.continueEnding(first.id, &turn)
            }
        }
    }

    /// An append has ended: everyone who must have it has it, or it has failed. Only now does its change hold.
    package mutating func appended(_ id: AppendID, error: ErrorCode, baseOffset: Offset, now: CoordinatorTime)
        -> [TransactionAction]
    {
        guard let next = continuations.removeValue(forKey: id) else { return [] }
        let error = error.asTransactionStoreError
        return turn(now) { coordinator, turn in
            switch next {
            case .initialized(let id, let token):
                let logged = coordinator.settle(id, error)
                let answer = InitProducerIDAnswer(
                    error: error, producer: logged?.producer ?? ProducerIdentity(id: -1, epoch: -1))
                turn.reply(token, .initialized(error.isNone ? answer : InitProducerIDAnswer(error: error)))
            case .partitionsAdded(let id, let token):
                _ = coordinator.settle(id, error)
                turn.reply(token, .partitionsAdded(error))
            case .prepared(let id, let token, let answer):
                _ = coordinator.settle(id, error)
                if let token { turn.reply(token, error.isNone ? answer : answer.failed(error)) }
                if error.isNone { coordinator.beginMarking(id, &turn) }
            case .completed(let id):
                _ = coordinator.settle(id, error)
                // The decision stands and its markers are written, so the record is written until it succeeds.
                if !error.isNone { coordinator.retryLater(id, turn) }
            case .expired(let ids):
                for id in ids { _ = coordinator.settle(id, error) }
            }
        }
    }

    // MARK: Life

    /// Everything on the log was loaded: transactions that were decided are brought to their end.
    package mutating func finishLoading(now: CoordinatorTime) -> [TransactionAction] {
        guard phase == .loading else { return [] }
        phase = .active
        return turn(now) { coordinator, turn in
            let prepared = coordinator.ids.filter { $0.value.logged?.state.isPrepared == true }
            for id in prepared.keys.sorted() { coordinator.beginMarking(id, &turn) }
        }
    }

    /// The partition is led elsewhere: who waits is told. Whether what is on its way gets onto the log, the next
    /// coordinator sees.
    package mutating func unload(now: CoordinatorTime) -> [TransactionAction] {
        let waiting = continuations.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
        phase = .unloaded
        ids = [:]
        continuations = [:]
        retries = []
        return turn(now) { _, turn in
            for next in waiting {
                switch next {
                case .initialized(_, let token):
                    turn.reply(token, .initialized(InitProducerIDAnswer(error: .notCoordinator)))
                case .partitionsAdded(_, let token): turn.reply(token, .partitionsAdded(.notCoordinator))
                case .prepared(_, let token?, let answer): turn.reply(token, answer.failed(.notCoordinator))
                case .prepared(_, nil, _), .completed, .expired: break
                }
            }
        }
    }

    // MARK: Inside

    /// What keeps any request for an id from being served.
    func error(_ transactionalID: String) -> ErrorCode? {
        if transactionalID.isEmpty { return .invalidRequest }
        return phaseError
    }

    var phaseError: ErrorCode? {
        switch phase {
        case .loading: .coordinatorLoadInProgress
        case .active: nil
        case .unloaded: .notCoordinator
        }
    }

    /// Runs one call and collects what it wants done.
    mutating func turn(_ now: CoordinatorTime, _ body: (inout TransactionCoordinator, inout Turn) -> Void)
        -> [TransactionAction]
    {
        var turn = Turn(now: now)
        body(&self, &turn)
        var actions = turn.actions
        for (batch, next) in turn.appends {
            lastAppendID &+= 1
            let id = AppendID(lastAppendID)
            continuations[id] = next
            actions.append(.append(id, batch))
        }
        return actions
    }

    /// Sends a change to the log. Until it is there, the id takes no other.
    ///
    /// - Returns: false if the id cannot be written.
    mutating func begin(
        _ id: String, _ next: TransactionSnapshot, previous: ProducerIdentity, then continuation: Continuation,
        _ turn: inout Turn
    ) -> Bool {
        guard let record = CoordinatorBatch.Record(id, next) else { return false }
        ids[id, default: TransactionalID()].pending = TransactionalID.Transition(next: next, previous: previous)
        turn.append([record], then: continuation)
        return true
    }

    /// The change of an id has ended: it is replayed, or forgotten.
    private mutating func settle(_ id: String, _ error: ErrorCode) -> TransactionSnapshot? {
        guard let transition = ids[id]?.pending else { return nil }
        ids[id]?.pending = nil
        if error.isNone {
            replay(TransactionRecord(transactionalID: id, value: transition.next))
            ids[id]?.previous = transition.previous
        } else if ids[id]?.logged == nil {
            ids[id] = nil
        }
        return ids[id]?.logged
    }

    /// Takes over what is on the log. The only way in which a state changes.
    mutating func replay(_ record: TransactionRecord) {
        let id = record.transactionalID
        guard let value = record.value else {
            ids[id] = nil
            return
        }
        ids[id, default: TransactionalID()].logged = value
        // The fence is on the log.
        if let fence = ids[id]?.fencingEpoch, value.producer.epoch >= fence { ids[id]?.fencingEpoch = nil }
        if !value.state.isPrepared { ids[id]?.marking = nil }
    }

    mutating func retryLater(_ id: String, _ turn: Turn) {
        let at = turn.uptime &+ configuration.retryBackoff
        retries.append((at, id))
    }
}

/// Making transactional ids from the log.
extension TransactionCoordinator {
    /// Takes the next batch of the partition. Records of unknown kinds are skipped; those that cannot be read are an
    /// error, with which the partition cannot be coordinated (as in Kafka, where loading fails).
    package mutating func load(_ batch: RecordBatch, now: CoordinatorTime) throws {
        guard !batch.header.isControl else { return }
        var records = try batch.records()
        while let record = try records.next() {
            guard let key = record.key, let read = try TransactionRecord(key: key, value: record.value) else {
                continue
            }
            replay(read)
        }
    }
}
