// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel
internal import OrderedCollections

/// What the coordinator knows of one transactional id.
struct TransactionalID: Sendable {
    /// What is on the log; nil while the first record is on its way there.
    var logged: TransactionSnapshot?
    /// Who the producer was before its last InitProducerId, if that named its predecessor: its answer may have been lost
    /// (KIP-360). Not on the log, so forgotten when the coordinator moves.
    var previous = ProducerIdentity(id: -1, epoch: -1)
    /// The epoch with which the coordinator has set out to abort the open transaction. From then on the producer is
    /// fenced, even if the record could not be written: then another attempt uses the same epoch.
    var fencingEpoch: ProducerEpoch?
    /// The one change that is on its way to the log.
    var pending: Transition?
    /// The partitions that have yet to be told of the end, while the state is prepared.
    var marking: Marking?

    struct Transition: Sendable {
        /// Nil for the end of the id.
        var next: TransactionSnapshot?
        var previous: ProducerIdentity
    }

    struct Marking: Sendable {
        var remaining: OrderedSet<TopicPartition>
        /// Whose markers somebody is writing now.
        var underway: Set<TopicPartition> = []
        /// A partition knows a newer coordinator or producer: it is not for this one to end the transaction.
        var isFenced = false
    }

    /// The epoch that requests must have.
    func currentEpoch(_ snapshot: TransactionSnapshot) -> ProducerEpoch { fencingEpoch ?? snapshot.producer.epoch }

    /// What keeps the producer from changing its transaction; nil if nothing does.
    func refusal(_ producer: ProducerIdentity) -> ErrorCode? {
        guard let logged, logged.producer.id == producer.id else { return .invalidProducerIDMapping }
        guard currentEpoch(logged) == producer.epoch else { return .producerFenced }
        return pending == nil ? nil : .concurrentTransactions
    }
}

extension TransactionSnapshot {
    func changed(to state: TransactionState, at now: Timestamp) -> TransactionSnapshot {
        var next = self
        next.state = state
        next.lastUpdate = now
        return next
    }
}

/// What is to be done when an append has ended.
enum Continuation: Sendable {
    case initialized(String, RequestToken)
    case partitionsAdded(String, RequestToken)
    /// A decision; the answer, if anybody waits, says that it has been taken.
    case prepared(String, RequestToken?, TransactionReply)
    case completed(String)
    case expired([String])
}

/// One call of the coordinator: what it may know, and what comes out of it.
struct Turn {
    let now: CoordinatorTime
    /// For timers.
    var uptime: Int64 { now.uptime }
    /// For what is written down.
    var wallClock: Timestamp { now.wallClock }
    private(set) var actions: [TransactionAction] = []
    /// Appends, each with what follows when it has ended.
    private(set) var appends: [(batch: CoordinatorBatch, next: Continuation)] = []

    init(now: CoordinatorTime) {
        self.now = now
    }

    mutating func reply(_ token: RequestToken, _ reply: TransactionReply) {
        actions.append(.reply(token, reply))
    }

    mutating func append(_ records: [CoordinatorBatch.Record], then next: Continuation) {
        appends.append((CoordinatorBatch(records: records, timestamp: wallClock), next))
    }

    mutating func write(_ markers: TransactionMarkers) {
        actions.append(.errand(markers))
    }
}

extension ErrorCode {
    /// What a client learns of a failed append.
    var asTransactionStoreError: ErrorCode {
        switch self {
        case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut:
            .coordinatorNotAvailable
        case .notLeaderOrFollower, .kafkaStorageError: .notCoordinator
        case .messageTooLarge, .recordListTooLarge: .unknownServerError
        default: self
        }
    }
}

extension TransactionReply {
    /// The same kind of answer, with an error.
    func failed(_ error: ErrorCode) -> TransactionReply {
        switch self {
        case .initialized: .initialized(InitProducerIDAnswer(error: error))
        case .partitionsAdded: .partitionsAdded(error)
        case .ended: .ended(error)
        }
    }
}
