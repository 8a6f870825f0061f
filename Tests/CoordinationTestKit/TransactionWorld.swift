// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel
internal import TransactionCoordination

/// Transactions of one partition of `__transaction_state` under chance: producers that die, stop and come again under the
/// same id; requests and markers that are late, doubled and lost; partitions without a leader; coordinators that crash and
/// move between any two steps. After every step the rules of ``TransactionLedger`` hold, and when the world calms down no
/// transaction is open any more.
package final class TransactionWorld {
    private static let ids = ["t0", "t1", "t2"]
    /// Milliseconds after which a client believes that an answer will not come.
    private static let patience: Int64 = 2_000
    /// Of what carries records, and asks about them, one in so many comes late: often after the transaction's end.
    private static let lateRecords = 4

    private var chance: Chance
    private var network = Network()
    private let coordinator: SimulatedPartition<TransactionCoordinator>
    /// The last stands for the positions of a group: one partition among others.
    private let partitions = [
        TopicPartition("data", 0), TopicPartition("data", 1), TopicPartition("data", 2),
        TopicPartition("__consumer_offsets", 0),
    ].map(DataPartition.init)
    private var clients: [TransactionClient] = []
    private var ledger = TransactionLedger()
    private var lastProducerID: ProducerID = 0
    private var lastTransaction = 0

    package init(seed: UInt64) {
        chance = Chance(seed: seed)
        coordinator = SimulatedPartition { epoch in
            TransactionCoordinator(configuration: TransactionConfiguration(), coordinatorEpoch: epoch)
        }
        coordinator.perform = { [unowned self] in carry($0) }
        clients = Self.ids.map(newClient)
    }

    /// Runs until a rule is broken, which is thrown.
    package func run(steps: Int) throws {
        for _ in 0..<steps { try step() }
        try calmDown()
    }

    private func step() throws {
        coordinator.uptime += chance.milliseconds(0...40)
        coordinator.wallClock += chance.oneIn(500) ? chance.milliseconds(-60_000...60_000) : 20
        switch chance.within(0...99) {
        // The network carries more than the clients say, or nothing would come in time.
        case 0...29: for _ in 0..<chance.within(1...8) { network.next(now: coordinator.uptime)?() }
        case 30...52: act()
        case 53...63: coordinator.write()
        case 64...76: coordinator.replicate()
        case 77...84: coordinator.advance()
        case 85...91: for _ in 0..<chance.within(1...4) { try coordinator.load() }
        case 92...93: coordinator.elect()
        case 94...95: change()
        case 96...97: trouble()
        case 98: coordinator.notify { $0.abortTimedOut(now: $1) }
        default: if chance.oneIn(20) { coordinator.notify { $0.expireTransactionalIDs(now: $1) } }
        }
        try check()
    }

    private func check() throws {
        if let violation = coordinator.violation { throw violation }
        try ledger.check(partitions)
    }

    private func trouble() {
        switch chance.within(0...9) {
        case 0...2:
            coordinator.lose(gracefully: chance.oneIn(2), kept: chance.within(0...3))
        case 3: coordinator.giveUp(.requestTimedOut)
        case 4: coordinator.giveUp(.notEnoughReplicasAfterAppend)
        case 5: coordinator.appendError = chance.pick([.notEnoughReplicas, .kafkaStorageError])
        case 6...7: chance.pick(partitions)?.isAway.toggle()
        default: coordinator.appendError = nil
        }
    }

    /// Processes stop, die, and come again; one that was only stopped then is a zombie.
    private func change() {
        guard let client = chance.pick(clients) else { return }
        switch chance.within(0...5) {
        case 0: client.state = .dead
        case 1: client.pausedUntil = coordinator.uptime + chance.milliseconds(100...20_000)
        case 2, 3: clients.append(newClient(client.id))
        default: clients.removeAll { $0.isDead && chance.oneIn(2) }
        }
        for id in Self.ids where !clients.contains(where: { $0.id == id && !$0.isDead }) {
            clients.append(newClient(id))
        }
    }

    private func newClient(_ id: String) -> TransactionClient {
        TransactionClient(id: id, timeout: chance.oneIn(2) ? 1_500 : 10_000)
    }

    // MARK: Clients

    private func act() {
        let now = coordinator.uptime
        guard let client = chance.pick(clients), !client.isDead, client.pausedUntil <= now else { return }
        if let waits = client.waitsFor {
            guard now - waits.since >= Self.patience else { return }
            client.waitsFor = nil
            if case .writing = client.state, !client.registered.isEmpty, !chance.oneIn(4) {
                client.state = .ending(isCommit: false)
                client.mustBump = true
            }
        }
        switch client.state {
        case .dead: break
        case .unready: initialize(client)
        case .ready:
            lastTransaction += 1
            client.transaction = lastTransaction
            client.registered = []
            let chosen = partitions.indices.filter { _ in chance.oneIn(2) }
            if !chosen.isEmpty { client.state = .writing(chosen) }
        case .writing(let missing):
            if let next = missing.first {
                if client.registered.contains(next) { write(client, next) } else { register(client, next) }
            } else {
                client.state = .ending(isCommit: !chance.oneIn(3))
            }
        case .ending(let isCommit): end(client, isCommit)
        }
    }

    private func send(
        _ client: TransactionClient, judge: @escaping (TransactionReply) throws -> Void,
        _ call: @escaping SimulatedPartition<TransactionCoordinator>.Call,
        then take: @escaping (TransactionReply) -> Void
    ) {
        let number = begin(client)
        network.send(now: coordinator.uptime, &chance) { [unowned self] in
            coordinator.request(
                { [unowned self] reply in
                    try ledger.follow(coordinator.committedEntries)
                    try judge(reply)
                    network.send(now: coordinator.uptime, &chance) {
                        guard client.waitsFor?.request == number else { return }
                        client.waitsFor = nil
                        if !client.isDead { take(reply) }
                    }
                }, call)
        }
    }

    private func begin(_ client: TransactionClient) -> Int {
        client.requests += 1
        client.waitsFor = (client.requests, coordinator.uptime)
        return client.requests
    }

    private func initialize(_ client: TransactionClient) {
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

    private func register(_ client: TransactionClient, _ index: Int) {
        guard let producer = client.producer else { return }
        let request = AddPartitions(
            transactionalID: client.id, producer: producer, partitions: [partitions[index].id])
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

    /// A record goes to its partition, which asks the coordinator first, by way of the network too.
    private func write(_ client: TransactionClient, _ index: Int) {
        guard let producer = client.producer else { return }
        let number = begin(client)
        let (transaction, sequence) = (client.transaction, client.sequences[index] ?? 0)
        let partition = partitions[index]
        func answer(_ error: ErrorCode) {
            if error.isNone { ledger.wrote(transaction) }
            network.send(now: coordinator.uptime, &chance) {
                guard client.waitsFor?.request == number else { return }
                client.waitsFor = nil
                guard !client.isDead, case .writing(let missing) = client.state else { return }
                client.failed(error)
                guard error.isNone else { return }
                client.sequences[index] = sequence + 1
                client.state = .writing(missing.filter { $0 != index })
            }
        }
        network.send(now: coordinator.uptime, late: Self.lateRecords, &chance) { [unowned self] in
            let held = partition.question(producer.id, producer.epoch, sequence: sequence)
            func append(_ proof: TransactionProof) {
                answer(
                    partition.append(
                        transaction: transaction, producer.id, producer.epoch, sequence: sequence, proof: proof))
            }
            guard let held else { return append(.required(nil)) }
            let question = AddPartitions(transactionalID: client.id, producer: producer, partitions: [partition.id])
            let verdict = verdict(on: question, of: partition)
            // The coordinator's answer takes its time.
            network.send(now: coordinator.uptime, late: Self.lateRecords, &chance) {
                verdict.isNone ? append(.required(held)) : answer(verdict)
            }
        }
    }

    /// What the partition's leader hears of who coordinates as far as it knows: of the one before, if it has not heard of the
    /// move. It knows better if a marker has come of a later one, and asks again when it is refused.
    private func verdict(on question: AddPartitions, of partition: DataPartition) -> ErrorCode {
        let ask = { (machine: TransactionCoordinator) in machine.verify(question).first ?? .unknownServerError }
        if network.isFaulty, chance.oneIn(4), let former = coordinator.former {
            guard former.epoch >= partition.coordinatorEpoch(of: question.producer.id) else {
                return .notEnoughReplicas
            }
            let verdict = ask(former.machine)
            if verdict.isNone { return verdict }
        }
        return coordinator.look(ask) ?? .notEnoughReplicas
    }

    private func end(_ client: TransactionClient, _ isCommit: Bool) {
        guard let producer = client.producer else { return }
        let request = EndTransaction(transactionalID: client.id, producer: producer, isCommit: isCommit)
        let transaction = client.transaction
        send(
            client,
            judge: { [unowned self] reply in
                if case .ended(.none) = reply { try ledger.ended(request, transaction) }
            }, { $0.end(request, token: $1, now: $2) },
            then: { [unowned self] reply in
                guard case .ended(let error) = reply else { return }
                client.failed(error)
                guard error.isNone else { return }
                client.state = client.mustBump ? .unready : .ready
                // Until it has its next epoch, what it gave up is kept out by verification alone.
                if client.mustBump {
                    client.pausedUntil = coordinator.uptime + chance.milliseconds(0...12_000)
                }
            })
    }

    // MARK: Markers

    /// Markers go to their partitions, and what became of them comes back.
    private func carry(_ markers: TransactionMarkers) {
        let life = coordinator.life
        do {
            try ledger.follow(coordinator.committedEntries)
            try ledger.marks(markers)
        } catch {
            coordinator.violation = coordinator.violation ?? error as? Violation
        }
        for partition in partitions where markers.partitions.contains(partition.id) {
            var isDelivered = false
            network.send(now: coordinator.uptime, &chance) { [unowned self] in
                isDelivered = true
                let error = partition.mark(
                    markers.producer.id, markers.producer.epoch, isCommit: markers.isCommit,
                    coordinatorEpoch: markers.coordinatorEpoch)
                // A lost answer is one that says that the connection was lost.
                tell(markers, partition.id, chance.oneIn(20) ? .networkException : error, life)
            }
            // Lost on the way: the connection's end is noticed some time.
            markersUnderWay.append(
                (
                    coordinator.uptime + 20_000,
                    { [unowned self] in
                        if !isDelivered { tell(markers, partition.id, .networkException, life) }
                    }
                ))
        }
    }

    private var markersUnderWay: [(at: Int64, expire: () -> Void)] = []

    private func tell(_ markers: TransactionMarkers, _ partition: TopicPartition, _ error: ErrorCode, _ life: Int) {
        guard coordinator.life == life else { return }
        coordinator.notify { $0.markersWritten(markers, outcomes: [(partition, error)], now: $1) }
    }

    private func expireMarkers() {
        let due = markersUnderWay.filter { $0.at <= coordinator.uptime }
        markersUnderWay.removeAll { $0.at <= coordinator.uptime }
        for marker in due { marker.expire() }
    }

    // MARK: The end

    /// Nothing fails any more, and who is stopped stays so: in due time no transaction is open, and what was decided is.
    private func calmDown() throws {
        network.isFaulty = false
        coordinator.appendError = nil
        for partition in partitions { partition.isAway = false }
        let survivors = clients.filter { _ in chance.oneIn(2) }
        for client in clients where !survivors.contains(where: { $0 === client }) { client.state = .dead }
        for client in survivors { client.pausedUntil = 0 }
        try live(for: 60_000)
        for client in clients { client.state = .dead }
        try live(for: 60_000)
        for partition in partitions {
            guard let open = partition.firstOpen else { continue }
            throw Violation("in \(partition.id) the transaction from offset \(open) is open for ever")
        }
        try ledger.settle(partitions)
        if coordinator.unanswered > 0 { throw Violation("\(coordinator.unanswered) requests wait for ever") }
    }

    private func live(for milliseconds: Int64) throws {
        let end = coordinator.uptime + milliseconds
        while coordinator.uptime < end {
            coordinator.uptime += 20
            coordinator.wallClock += 20
            while let deliver = network.next(now: coordinator.uptime) { deliver() }
            act()
            coordinator.elect()
            for _ in 0..<20 { try coordinator.load() }
            for _ in 0..<4 {
                coordinator.write()
                coordinator.replicate()
            }
            coordinator.advance()
            expireMarkers()
            if chance.oneIn(50) { coordinator.notify { $0.abortTimedOut(now: $1) } }
            try check()
        }
    }
}
