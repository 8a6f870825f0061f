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

    // MARK: Requests

    /// Who a client has a connection to.
    enum Connection: Hashable {
        case transactionCoordinator
        case groupCoordinator
    }

    private var lastArrived: [Connection: Int] = [:]

    /// Begins a request, the only one whose answer counts from now on. Returns its number.
    func begin(at now: Int64) -> Int {
        requests += 1
        waitsFor = (requests, now)
        return requests
    }

    /// The answer to a request has come. Returns whether anybody waits for it.
    func take(_ number: Int) -> Bool {
        guard waitsFor?.request == number else { return false }
        waitsFor = nil
        return !isDead
    }

    /// Earlier answers do not count any more.
    func forgetRequest() {
        requests += 1
        waitsFor = nil
    }

    /// A request comes to where it was sent. Returns false if a later one of the connection has overtaken it.
    func arrives(_ number: Int, at connection: Connection) -> Bool {
        guard number >= lastArrived[connection] ?? 0 else { return false }
        lastArrived[connection] = number
        return true
    }

    /// Whether the client has to wait for an answer. One that it gives up may have left something behind.
    func mustWait(at now: Int64, _ chance: inout Chance) -> Bool {
        guard let waits = waitsFor else { return false }
        if now - waits.since < TransactionProducers.patience { return true }
        waitsFor = nil
        if case .writing = state, !registered.isEmpty, !chance.oneIn(4) { abandon() }
        return false
    }

    /// The transaction is to be aborted. What it has sent may yet come: the next epoch keeps that out of the next one.
    func abandon() {
        state = .ending(isCommit: false)
        mustBump = true
    }

    // MARK: Answers

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
