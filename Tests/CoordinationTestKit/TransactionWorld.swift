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

    private let surroundings: Surroundings
    private let producers: TransactionProducers
    private let post: MarkerPost
    private let coordinator: SimulatedPartition<TransactionCoordinator>
    /// The last stands for the positions of a group: one partition among others.
    private let partitions = [
        TopicPartition("data", 0), TopicPartition("data", 1), TopicPartition("data", 2),
        TopicPartition("__consumer_offsets", 0),
    ].map(DataPartition.init)
    private var clients: [TransactionClient] = []
    private var lastTransaction = 0

    private var chance: Chance {
        get { surroundings.chance }
        set { surroundings.chance = newValue }
    }

    package init(seed: UInt64) {
        surroundings = Surroundings(seed: seed)
        coordinator = SimulatedPartition { epoch in
            TransactionCoordinator(configuration: TransactionConfiguration(), coordinatorEpoch: epoch)
        }
        producers = TransactionProducers(coordinator, partitions: partitions, keepsOrder: false, surroundings)
        post = MarkerPost(producers, surroundings)
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
        case 0...29: for _ in 0..<chance.within(1...8) { surroundings.network.next(now: coordinator.uptime)?() }
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
        post.advance()
        if let violation = coordinator.violation { throw violation }
        try producers.ledger.check(partitions)
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
        if client.mustWait(at: now, &chance) { return }
        switch client.state {
        case .dead: break
        case .unready: producers.initialize(client)
        case .ready:
            lastTransaction += 1
            client.transaction = lastTransaction
            client.registered = []
            let chosen = partitions.indices.filter { _ in chance.oneIn(2) }
            if !chosen.isEmpty { client.state = .writing(chosen) }
        case .writing(let missing):
            if let next = missing.first {
                if client.registered.contains(next) {
                    producers.write(client, next)
                } else {
                    producers.register(client, next, partitions[next].id)
                }
            } else {
                client.state = .ending(isCommit: !chance.oneIn(3))
            }
        case .ending(let isCommit):
            producers.end(client, isCommit) { [unowned self] in
                // Until it has its next epoch, what it gave up is kept out by verification alone.
                if client.mustBump { client.pausedUntil = coordinator.uptime + chance.milliseconds(0...12_000) }
            }
        }
    }

    // MARK: The end

    /// Nothing fails any more, and who is stopped stays so: in due time no transaction is open, and what was decided is.
    private func calmDown() throws {
        surroundings.network.isFaulty = false
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
        try producers.ledger.settle(partitions)
        if coordinator.unanswered > 0 { throw Violation("\(coordinator.unanswered) requests wait for ever") }
    }

    private func live(for milliseconds: Int64) throws {
        let end = coordinator.uptime + milliseconds
        while coordinator.uptime < end {
            coordinator.uptime += 20
            coordinator.wallClock += 20
            while let deliver = surroundings.network.next(now: coordinator.uptime) { deliver() }
            act()
            coordinator.elect()
            for _ in 0..<20 { try coordinator.load() }
            for _ in 0..<4 {
                coordinator.write()
                coordinator.replicate()
            }
            coordinator.advance()
            if chance.oneIn(50) { coordinator.notify { $0.abortTimedOut(now: $1) } }
            try check()
        }
    }
}
