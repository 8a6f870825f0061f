// SPDX-License-Identifier: Apache-2.0

internal import KafkaModel
internal import TransactionCoordination

/// A transactional producer as a client library plays it: it gets its identity, registers partitions, writes, and ends.
///
/// Owned by its `TransactionWorld`, which carries its requests and brings the answers.
final class TransactionClient {
    enum State {
        /// Needs a producer id, or the next epoch of it.
        case unready
        case ready
        /// Partitions that have yet to be registered, each before the first record, and written to, by index.
        case writing([Int])
        case ending(isCommit: Bool)
        /// Another instance has taken over, or the process is gone.
        case dead
    }

    let id: String
    /// Of its transactions, in milliseconds.
    let timeout: Int32
    var state = State.unready
    var producer: ProducerIdentity?
    /// The number of the transaction, unique in the world.
    var transaction = 0
    var registered: Set<Int> = []
    /// It has given a record up, which may still come: the next epoch keeps that out of the next transaction (KIP-360).
    var mustBump = false
    /// Next sequence numbers by partition index.
    var sequences: [Int: Int32] = [:]
    var waitsFor: (request: Int, since: Int64)?
    var requests = 0
    var pausedUntil: Int64 = 0

    init(id: String, timeout: Int32) {
        self.id = id
        self.timeout = timeout
    }

    var isDead: Bool { if case .dead = state { true } else { false } }

    func initialized(_ answer: InitProducerIDAnswer) {
        switch answer.error {
        case .none:
            producer = answer.producer
            sequences = [:]
            mustBump = false
            state = .ready
        case .producerFenced, .invalidProducerEpoch, .invalidProducerIDMapping: state = .dead
        default: break
        }
    }

    /// The transaction cannot go on: it is to be aborted, by the next epoch (KIP-360), or it is not this client's any more.
    func failed(_ error: ErrorCode) {
        switch error {
        case .producerFenced, .invalidProducerEpoch, .invalidProducerIDMapping: state = .dead
        case .none, .concurrentTransactions, .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator,
            .notLeaderOrFollower, .notEnoughReplicas:
            break
        default: state = .unready
        }
    }
}
