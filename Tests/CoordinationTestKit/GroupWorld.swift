// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import GroupCoordination
internal import KafkaModel
internal import KafkaRecords

/// Groups of one partition under chance: members that join, leave, die and are stopped; requests that are late, doubled
/// and lost; coordinators that crash and move between any two steps; clocks that are set. After every step the rules of
/// ``GroupLedger`` hold, and when the world calms down every partition has one owner again.
package final class GroupWorld {
    private static let partitions: [UInt8] = [0, 1, 2, 3, 4, 5]

    private let surroundings: Surroundings
    private let coordinator: SimulatedPartition<GroupCoordinator>
    private let members: GroupMembers
    private var clients: [GroupClient] = []
    private var commits = 0
    private var transactions: [ProducerID: String] = [:]
    private var lastProducer: ProducerID = 0
    private var lastClient = 0

    private var chance: Chance {
        get { surroundings.chance }
        set { surroundings.chance = newValue }
    }

    package init(seed: UInt64) {
        surroundings = Surroundings(seed: seed)
        var configuration = GroupConfiguration()
        configuration.sessionTimeouts = 1...60_000
        configuration.initialRebalanceDelay = 300
        configuration.offsetRetention = .max / 4
        coordinator = SimulatedPartition { _ in GroupCoordinator(configuration: configuration) }
        members = GroupMembers(coordinator, partitions: Self.partitions, surroundings)
        coordinator.admits = { [unowned self] batch in transactions[batch.producerID] != nil }
        for index in 0..<chance.within(3...9) { startClient(index) }
    }

    /// Runs until a rule is broken, which is thrown.
    package func run(steps: Int) throws {
        for _ in 0..<steps { try step() }
        try calmDown()
    }

    // MARK: Steps

    private func step() throws {
        coordinator.uptime += chance.milliseconds(0...40)
        coordinator.wallClock += chance.oneIn(400) ? chance.milliseconds(-7_200_000...7_200_000) : 20
        switch chance.within(0...99) {
        case 0...29: surroundings.network.next(now: coordinator.uptime)?()
        case 30...49: act()
        case 50...61: coordinator.write()
        case 62...75: coordinator.replicate()
        case 76...86: coordinator.advance()
        case 87...91: for _ in 0..<chance.within(1...4) { try coordinator.load() }
        case 92...93: coordinator.elect()
        case 94: change()
        case 95: trouble()
        case 96: transact()
        case 97: administrate()
        default: try inspect()
        }
        try check()
    }

    private func check() throws {
        if let violation = coordinator.violation { throw violation }
        try members.follow()
        try members.ledger.expectAllJoined()
    }

    /// Brokers come and go.
    private func trouble() {
        switch chance.within(0...9) {
        case 0...2:
            coordinator.lose(gracefully: chance.oneIn(2), kept: chance.within(0...3))
            members.ledger.coordinatorLost()
        case 3: coordinator.giveUp(.requestTimedOut)
        case 4: coordinator.giveUp(.notEnoughReplicasAfterAppend)
        case 5: coordinator.appendError = chance.pick([.notEnoughReplicas, .kafkaStorageError, .messageTooLarge])
        default: coordinator.appendError = nil
        }
    }

    /// Processes come and go.
    private func change() {
        guard let index = clients.indices.randomElement(using: &chance) else { return }
        let client = clients[index]
        switch chance.within(0...5) {
        case 0 where !client.isDead: client.state = .dead
        case 1 where !client.isDead: members.leave(client)
        case 2, 3: client.pausedUntil = coordinator.uptime + chance.milliseconds(100...9_000)
        default:
            // A process of the same instance may still be there, and finds itself fenced.
            if client.isDead || client.instanceID != nil { replaceClient(index) }
        }
    }

    // MARK: Clients

    private func makeClient(_ index: Int) -> GroupClient {
        lastClient += 1
        return GroupClient(
            number: lastClient, group: "g\(index % 2)", instanceID: index % 3 == 0 ? "instance\(index)" : nil,
            leaves: chance.oneIn(2))
    }

    private func startClient(_ index: Int) { clients.append(makeClient(index)) }

    private func replaceClient(_ index: Int) { clients[index] = makeClient(index) }

    private func act() {
        let now = coordinator.uptime
        guard let client = chance.pick(clients), !client.isDead, client.pausedUntil <= now else { return }
        if let waits = client.waitsFor, now - waits.since < 5_000 { return }
        client.waitsFor = nil
        switch client.state {
        case .dead: break
        case .outside: members.join(client)
        case .joined(let joined): members.sync(client, joined)
        case .member where client.nextAction <= now:
            client.nextAction = now + 600
            // A subscription changes, or a cooperative member has given something back.
            if surroundings.network.isFaulty, chance.oneIn(15) { return members.join(client) }
            if chance.oneIn(3) { commit(client) } else { members.heartbeat(client) }
        case .member: break
        }
    }

    private func commit(_ client: GroupClient) {
        commits += 1
        var request = OffsetCommit(
            group: client.group,
            partitions: client.assigned.map { partition in
                .init(
                    TopicPartition(GroupMembers.topic, Int32(partition)),
                    CommittedOffset(
                        offset: Offset(commits), metadata: "\(commits)", commitTimestamp: coordinator.wallClock))
            })
        guard !request.partitions.isEmpty else { return members.heartbeat(client) }
        request.memberID = client.memberID
        request.instanceID = client.instanceID
        request.generation = client.generation
        members.submit(request, of: client)
    }

    // MARK: Transactions and administration

    /// Positions in a transaction, and its end some time later.
    private func transact() {
        if chance.oneIn(2), let producer = chance.pick(transactions.keys.sorted()) {
            transactions[producer] = nil
            let isCommit = chance.oneIn(2)
            writeMarker(producer, isCommit)
        } else if let client = chance.pick(clients), case .member = client.state {
            lastProducer += 1
            transactions[lastProducer] = client.group
            for partition in client.assigned {
                commits += 1
                var request = OffsetCommit(
                    group: client.group,
                    partitions: [
                        .init(
                            TopicPartition(GroupMembers.topic, Int32(partition)),
                            CommittedOffset(
                                offset: Offset(commits), metadata: "\(commits)",
                                commitTimestamp: coordinator.wallClock))
                    ])
                request.memberID = client.memberID
                request.instanceID = client.instanceID
                request.generation = client.generation
                request.producer = .init(id: lastProducer, epoch: 0)
                members.submit(request, of: client)
            }
        }
    }

    /// The transaction's coordinator does not rest until the marker is there.
    private func writeMarker(_ producer: ProducerID, _ isCommit: Bool) {
        let life = coordinator.life
        let marker = EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: 0)
        coordinator.appendMarker(marker, producer, 0) { [unowned self] error, offset in
            guard coordinator.life == life else { return }
            if error.isNone {
                markersDue.removeAll { $0.producer == producer }
                coordinator.notify {
                    $0.transactionEnded(producerID: producer, isCommit: isCommit, markerOffset: offset, now: $1)
                }
            }
        }
        markersDue.append((producer, isCommit))
    }

    private var markersDue: [(producer: ProducerID, isCommit: Bool)] = []

    /// Markers whose partition's leader was lost, or had an error, are written again.
    private func writeMarkersAgain() {
        let due = markersDue
        markersDue = []
        var seen: Set<ProducerID> = []
        for marker in due where seen.insert(marker.producer).inserted {
            writeMarker(marker.producer, marker.isCommit)
        }
    }

    private func administrate() {
        switch chance.within(0...5) {
        case 0:
            let group = chance.oneIn(2) ? "g0" : "g1"
            coordinator.request({ _ in }) { [unowned self] machine, token, now in
                watching(&machine) { $0.deleteGroup(group, token: token, now: now) }
            }
        case 1:
            coordinator.notify { [unowned self] machine, now in
                watching(&machine) { $0.expireOffsets(now: now) }
            }
        default: if !markersDue.isEmpty, coordinator.isServing { writeMarkersAgain() }
        }
    }

    /// A group that is removed is gone from memory before it is gone from the log.
    private func watching(
        _ machine: inout GroupCoordinator, _ body: (inout GroupCoordinator) -> [GroupAction]
    ) -> [GroupAction] {
        let before = machine.list().groups.map(\.group)
        let actions = body(&machine)
        let after = Set(machine.list().groups.map(\.group))
        for group in before where !after.contains(group) { members.ledger.deleted(group, at: coordinator.logEnd) }
        return actions
    }

    /// What a consumer that starts now would be told.
    private func inspect() throws {
        for group in ["g0", "g1"] {
            let answer = coordinator.look {
                $0.fetchOffsets(
                    OffsetFetch(
                        group: group,
                        partitions: members.topicPartitions))
            }
            if let answer { try members.ledger.fetched(group, answer) }
        }
    }

    // MARK: The end

    /// Nothing fails any more: in due time every group has one owner for every partition, and stays so.
    private func calmDown() throws {
        surroundings.network.isFaulty = false
        coordinator.appendError = nil
        for client in clients { client.pausedUntil = 0 }
        try live(for: 40_000)
        for group in ["g0", "g1"] { try expectOneOwnerEach(group) }
        let generations = clients.map(\.generation)
        coordinator.wallClock += chance.oneIn(2) ? 36_000_000 : -36_000_000
        try live(for: 12_000)
        guard clients.map(\.generation) == generations else {
            throw Violation("groups rebalance although nothing happens")
        }
        for group in ["g0", "g1"] { try expectOneOwnerEach(group) }
        try inspect()
        guard transactions.isEmpty || coordinator.unanswered == 0 else {
            throw Violation("\(coordinator.unanswered) requests wait for ever")
        }
        if coordinator.unanswered > 0 { throw Violation("\(coordinator.unanswered) requests wait for ever") }
    }

    private func live(for milliseconds: Int64) throws {
        let end = coordinator.uptime + milliseconds
        while coordinator.uptime < end {
            coordinator.uptime += 20
            coordinator.wallClock += 20
            while let deliver = surroundings.network.next(now: coordinator.uptime) { deliver() }
            for _ in 0..<clients.count { act() }
            coordinator.elect()
            for _ in 0..<50 { try coordinator.load() }
            for _ in 0..<8 {
                coordinator.write()
                coordinator.replicate()
            }
            coordinator.advance()
            if coordinator.isServing, !markersDue.isEmpty, chance.oneIn(20) { writeMarkersAgain() }
            for producer in transactions.keys.sorted() where chance.oneIn(30) {
                transactions[producer] = nil
                writeMarker(producer, true)
            }
            try check()
        }
    }

    private func expectOneOwnerEach(_ group: String) throws {
        let members = clients.filter { $0.group == group && !$0.isDead }
        let stray = members.filter { if case .member = $0.state { false } else { true } }
        guard stray.isEmpty else { throw Violation("\(stray.count) members of \(group) have not come in") }
        guard !members.isEmpty else { return }
        guard members.flatMap(\.assigned).sorted() == Self.partitions else {
            throw Violation(
                "the partitions of \(group) are owned as \(members.map { "\($0.owner): \($0.assigned)" })")
        }
    }
}
