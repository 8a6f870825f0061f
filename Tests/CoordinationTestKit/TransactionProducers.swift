// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel
internal import TransactionCoordination

/// What transactional producers ask, of their coordinator and of the partitions they write to, by way of the network. The
/// ledger judges what is answered.
final class TransactionProducers {
    /// Milliseconds after which a client believes that an answer will not come.
    static let patience: Int64 = 2_000
    /// Of what carries records, and asks about them, one in so many comes late: often after the transaction's end.
    static let lateRecords = 4

    let coordinator: SimulatedPartition<TransactionCoordinator>
    let partitions: [DataPartition]
    private let surroundings: Surroundings
    var ledger = TransactionLedger()
    /// Whether a client's requests to its coordinator come in the order in which they were sent, as on a connection: one
    /// that another has overtaken is lost.
    private let keepsOrder: Bool
    private var lastProducerID: ProducerID = 0

    init(
        _ coordinator: SimulatedPartition<TransactionCoordinator>, partitions: [DataPartition], keepsOrder: Bool,
        _ surroundings: Surroundings
    ) {
        self.coordinator = coordinator
        self.partitions = partitions
        self.keepsOrder = keepsOrder
        self.surroundings = surroundings
    }

    /// Puts a message on its way. Returns whether it will come.
    @discardableResult
    func carry(late: Int = 40, twice: Int = 20, _ deliver: @escaping () -> Void) -> Bool {
        surroundings.network.send(
            now: coordinator.uptime, late: late, twice: twice, &surroundings.chance, deliver)
    }

    // MARK: The coordinator

    private func send(
        _ client: TransactionClient, judge: @escaping (TransactionReply) throws -> Void,
        _ call: @escaping SimulatedPartition<TransactionCoordinator>.Call,
        then take: @escaping (TransactionReply) -> Void
    ) {
        let number = client.begin(at: coordinator.uptime)
        carry { [unowned self] in
            if keepsOrder, !client.arrives(number, at: .transactionCoordinator) { return }
            coordinator.request(
                { [unowned self] reply in
                    try ledger.follow(coordinator.committedEntries)
                    try judge(reply)
                    carry {
                        guard client.take(number) else { return }
                        take(reply)
                    }
                }, call)
        }
    }

    func initialize(_ client: TransactionClient) {
        let expected = client.producer
        let instance = ObjectIdentifier(client)
        send(
            client,
            judge: { [unowned self] reply in
                guard case .initialized(let answer) = reply else { return }
                try ledger.initialized(client.id, answer, by: instance)
            },
            { [unowned self] machine, token, now in
                var request = InitProducerID(
                    transactionalID: client.id, timeout: client.timeout, expected: expected)
                if machine.needsProducerID(request) {
                    lastProducerID += 1
                    request.freshProducerID = lastProducerID
                }
                return machine.initProducerID(request, token: token, now: now)
            },
            then: { if case .initialized(let answer) = $0 { client.initialized(answer) } })
    }

    /// A partition becomes a part of the transaction: AddPartitionsToTxn, or AddOffsetsToTxn if it is a group's.
    func register(_ client: TransactionClient, _ index: Int, _ partition: TopicPartition) {
        guard let producer = client.producer else { return }
        let request = AddPartitions(transactionalID: client.id, producer: producer, partitions: [partition])
        send(
            client,
            judge: { [unowned self] reply in
                if case .partitionsAdded(.none) = reply { try ledger.registered(request) }
            }, { $0.addPartitions(request, token: $1, now: $2) },
            then: { reply in
                guard case .partitionsAdded(let error) = reply else { return }
                client.failed(error)
                if error.isNone { client.registered.insert(index) }
            })
    }

    func end(_ client: TransactionClient, _ isCommit: Bool, then ended: @escaping () -> Void) {
        guard let producer = client.producer else { return }
        let request = EndTransaction(transactionalID: client.id, producer: producer, isCommit: isCommit)
        let transaction = client.transaction
        send(
            client,
            judge: { [unowned self] reply in
                if case .ended(.none) = reply { try ledger.ended(request, transaction) }
            }, { $0.end(request, token: $1, now: $2) },
            then: { reply in
                guard case .ended(let error) = reply else { return }
                client.failed(error)
                guard error.isNone else { return }
                client.state = client.mustBump ? .unready : .ready
                ended()
            })
    }

    // MARK: Partitions

    /// A record goes to its partition, which asks the coordinator first, by way of the network too.
    ///
    /// - Parameter content: what the record says.
    func write(_ client: TransactionClient, _ index: Int, _ content: [Input] = []) {
        guard let producer = client.producer else { return }
        let number = client.begin(at: coordinator.uptime)
        let (transaction, sequence) = (client.transaction, client.sequences[index] ?? 0)
        let partition = partitions[index]
        func answer(_ error: ErrorCode) {
            if error.isNone { ledger.wrote(transaction) }
            carry {
                guard client.take(number), case .writing(let missing) = client.state else { return }
                client.failed(error)
                guard error.isNone else { return }
                client.sequences[index] = sequence + 1
                client.state = .writing(missing.filter { $0 != index })
            }
        }
        carry(late: Self.lateRecords) { [unowned self] in
            let held = partition.question(producer.id, producer.epoch, sequence: sequence)
            func append(_ proof: TransactionProof) {
                answer(
                    partition.append(
                        transaction: transaction, content, producer.id, producer.epoch, sequence: sequence,
                        proof: proof))
            }
            guard let held else { return append(.required(nil)) }
            let question = AddPartitions(transactionalID: client.id, producer: producer, partitions: [partition.id])
            let verdict = verdict(on: question, knownEpoch: partition.coordinatorEpoch(of: producer.id))
            // The coordinator's answer takes its time.
            carry(late: Self.lateRecords) {
                verdict.isNone ? append(.required(held)) : answer(verdict.asUnverifiedProduceError)
            }
        }
    }

    /// What a partition's leader hears of who coordinates as far as it knows: of the one before, if it has not heard of the
    /// move. It knows better if a marker has come of a later one, and asks again when it is refused.
    ///
    /// - Parameter knownEpoch: of the coordinator whose marker of the producer came last.
    func verdict(on question: AddPartitions, knownEpoch: Int32) -> ErrorCode {
        let ask = { (machine: TransactionCoordinator) in machine.verify(question).first ?? .unknownServerError }
        if surroundings.network.isFaulty, surroundings.chance.oneIn(4), let former = coordinator.former {
            surroundings.note(.verificationMetFormer)
            guard former.epoch >= knownEpoch else { return .notCoordinator }
            let verdict = ask(former.machine)
            if verdict.isNone { return verdict }
        }
        let verdict = coordinator.consult(ask) ?? .coordinatorNotAvailable
        if coordinator.isLoading {
            surroundings.note(.verificationMetLoading)
            if verdict != .coordinatorLoadInProgress {
                coordinator.violation = Violation("a coordinator that is loading says \(verdict) of a transaction")
            }
        }
        return verdict
    }
}

extension ErrorCode {
    /// What a producer is told of a transaction that its coordinator did not confirm.
    fileprivate var asUnverifiedProduceError: ErrorCode {
        switch self {
        case .concurrentTransactions, .networkException, .coordinatorLoadInProgress, .coordinatorNotAvailable,
            .notCoordinator:
            .notEnoughReplicas
        case .producerFenced: .invalidProducerEpoch
        default: self
        }
    }
}
