// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel
internal import KafkaRecords
internal import TransactionCoordination

/// What must hold of transactions whatever happens, kept apart from the machine: it reads the log, the partitions, and
/// what the machine answers.
///
/// 1. A transaction's records are all committed or all aborted, over all partitions, and as its producer was told.
/// 2. Nothing is answered, and no marker sent, that is not on every replica of the log.
/// 3. No two instances of a producer are given the same id and epoch; who has an older epoch commits nothing.
/// 4. Decisions do not change.
/// 5. Whose transaction the log says to abort with a newer epoch does nothing more, even if the coordinator has not heard
///    that the record is there.
struct TransactionLedger {
    private struct Fact: Hashable {
        var id: String
        var producer: ProducerIdentity
        var state: TransactionState
    }

    private var seen = 0
    /// Everything that the replicated log has ever said.
    private var facts: Set<Fact> = []
    private var registrations: Set<[String]> = []
    private var given: [ProducerIdentity: ObjectIdentifier] = [:]
    /// The last epoch with which the log says to abort, by producer id.
    private var fences: [ProducerID: ProducerEpoch] = [:]
    private var newest: [String: ProducerIdentity] = [:]
    /// What producers were told, by transaction.
    private var told: [Int: Bool] = [:]
    private var acknowledged: [Int: Int] = [:]

    // MARK: The log

    mutating func follow(_ committed: ArraySlice<SimulatedPartition<TransactionCoordinator>.Entry>) throws {
        for entry in committed.dropFirst(seen) {
            var batches = RecordBatches(entry.bytes)
            while let batch = try batches.next() {
                var records = try batch.records()
                while let record = try records.next() {
                    guard let key = record.key, let read = try TransactionRecord(key: key, value: record.value),
                        let value = read.value
                    else { continue }
                    guard value.producer.epoch >= fences[value.producer.id] ?? -1 else {
                        throw Violation("\(value.producer) of \(read.transactionalID) goes on after it was fenced")
                    }
                    if value.state == .prepareAbort { fences[value.producer.id] = value.producer.epoch }
                    facts.insert(Fact(id: read.transactionalID, producer: value.producer, state: value.state))
                    for partition in value.partitions {
                        registrations.insert(Self.registration(read.transactionalID, value.producer, partition))
                    }
                }
            }
        }
        seen = max(seen, committed.count)
    }

    private static func registration(
        _ id: String, _ producer: ProducerIdentity, _ partition: TopicPartition
    ) -> [String] {
        [id, "\(producer.id)", "\(producer.epoch)", "\(partition)"]
    }

    // MARK: Answers

    mutating func initialized(_ id: String, _ answer: InitProducerIDAnswer, by instance: ObjectIdentifier) throws {
        guard answer.error.isNone else { return }
        guard facts.contains(Fact(id: id, producer: answer.producer, state: .empty)) else {
            throw Violation("\(id) is given \(answer.producer), which is not on every replica")
        }
        if let other = given[answer.producer], other != instance {
            throw Violation("\(answer.producer) is given to two producers")
        }
        given[answer.producer] = instance
        newest[id] = answer.producer
    }

    func registered(_ request: AddPartitions) throws {
        for partition in request.partitions
        where !registrations.contains(Self.registration(request.transactionalID, request.producer, partition)) {
            throw Violation("\(partition) is registered, and that is not on every replica")
        }
    }

    mutating func wrote(_ transaction: Int) { acknowledged[transaction, default: 0] += 1 }

    mutating func ended(_ request: EndTransaction, _ transaction: Int) throws {
        let id = request.transactionalID
        let states: [TransactionState] =
            request.isCommit ? [.prepareCommit, .completeCommit] : [.prepareAbort, .completeAbort]
        guard states.contains(where: { facts.contains(Fact(id: id, producer: request.producer, state: $0)) }) else {
            throw Violation("the end of \(id) is answered, and is not on every replica")
        }
        if request.isCommit, let newest = newest[id], newest.id == request.producer.id,
            newest.epoch > request.producer.epoch, told[transaction] == nil, !wasDecided(request.producer)
        {
            throw Violation("\(request.producer) commits although \(newest) has taken over")
        }
        if let before = told[transaction], before != request.isCommit {
            throw Violation("transaction \(transaction) is ended in two ways")
        }
        told[transaction] = request.isCommit
    }

    /// Whether the producer's commit was on its way before it was fenced: a retry is told so.
    private func wasDecided(_ producer: ProducerIdentity) -> Bool {
        facts.contains { $0.producer == producer && ($0.state == .prepareCommit || $0.state == .completeCommit) }
    }

    func marks(_ markers: TransactionMarkers) throws {
        let state: TransactionState = markers.isCommit ? .prepareCommit : .prepareAbort
        guard facts.contains(Fact(id: markers.transactionalID, producer: markers.producer, state: state)) else {
            throw Violation("markers of \(markers.transactionalID) are sent before the decision is on every replica")
        }
    }

    // MARK: Partitions

    /// At any time: what is committed is so everywhere, as far as markers have come.
    func check(_ partitions: [DataPartition]) throws {
        var outcomes: [Int: Bool] = [:]
        for partition in partitions {
            for record in partition.records {
                guard let isCommitted = record.isCommitted else { continue }
                if let other = outcomes[record.transaction], other != isCommitted {
                    throw Violation(
                        "transaction \(record.transaction) is committed in one partition and aborted in another")
                }
                outcomes[record.transaction] = isCommitted
            }
        }
        for (transaction, isCommitted) in outcomes {
            guard let told = told[transaction], told != isCommitted else { continue }
            throw Violation(
                "the producer of transaction \(transaction) was told \(told ? "committed" : "aborted"), and it is not so"
            )
        }
    }

    /// In the end: every record has its outcome, and none that was acknowledged is lost.
    func settle(_ partitions: [DataPartition]) throws {
        try check(partitions)
        for partition in partitions {
            for record in partition.records where record.isCommitted == nil {
                throw Violation("a record of transaction \(record.transaction) in \(partition.id) has no outcome")
            }
        }
        for (transaction, isCommit) in told where isCommit {
            let written = partitions.reduce(0) { $0 + $1.records.count { $0.transaction == transaction } }
            guard written > 0 || acknowledged[transaction] == nil else {
                throw Violation("transaction \(transaction) is committed, and its records are not there")
            }
        }
    }
}
