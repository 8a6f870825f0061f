// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import GroupCoordination
internal import KafkaModel
internal import KafkaRecords
internal import NIOCore

/// Groups of one partition under chance: members that join, leave, die and are stopped; requests that are late, doubled
/// and lost; coordinators that crash and move between any two steps; clocks that are set. After every step the rules of
/// ``GroupLedger`` hold, and when the world calms down every partition has one owner again.
package final class GroupWorld {
    private static let partitions: [UInt8] = [0, 1, 2, 3, 4, 5]
    private static let topic = "orders"

    private var chance: Chance
    private var network = Network()
    private let coordinator: SimulatedPartition<GroupCoordinator>
    private var clients: [GroupClient] = []
    private var ledger = GroupLedger()
    private var commits = 0
    private var transactions: [ProducerID: String] = [:]
    private var lastProducer: ProducerID = 0
    private var lastClient = 0
    private var uuids = 0

    package init(seed: UInt64) {
        chance = Chance(seed: seed)
        var configuration = GroupConfiguration()
        configuration.sessionTimeouts = 1...60_000
        configuration.initialRebalanceDelay = 300
        configuration.offsetRetention = .max / 4
        coordinator = SimulatedPartition { _ in GroupCoordinator(configuration: configuration) }
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
        case 0...29: network.next(now: coordinator.uptime)?()
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
        try follow()
        try ledger.expectAllJoined()
    }

    private func follow() throws { try ledger.follow(coordinator.log, committed: coordinator.committed) }

    /// Brokers come and go.
    private func trouble() {
        switch chance.within(0...9) {
        case 0...2:
            coordinator.lose(gracefully: chance.oneIn(2), kept: chance.within(0...3))
            ledger.coordinatorLost()
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
        case 1 where !client.isDead: leave(client)
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
        case .outside: join(client)
        case .joined(let members): sync(client, members)
        case .member where client.nextAction <= now:
            client.nextAction = now + 600
            // A subscription changes, or a cooperative member has given something back.
            if network.isFaulty, chance.oneIn(15) { return join(client) }
            if chance.oneIn(3) { commit(client) } else { heartbeat(client) }
        case .member: break
        }
    }

    /// Sends a request, and brings its answer if client and network allow.
    private func send(
        _ client: GroupClient, waits: Bool = true, judge: @escaping (GroupReply) throws -> Void = { _ in },
        _ call: @escaping SimulatedPartition<GroupCoordinator>.Call, then take: @escaping (GroupReply) -> Void
    ) {
        client.requests += 1
        let number = client.requests
        if waits { client.waitsFor = (number, coordinator.uptime) }
        let life = client
        network.send(now: coordinator.uptime, &chance) { [unowned self] in
            coordinator.request(
                { [unowned self] reply in
                    try follow()
                    try judge(reply)
                    network.send(now: coordinator.uptime, &chance) {
                        guard !life.isDead, !waits || life.waitsFor?.request == number else { return }
                        if waits { life.waitsFor = nil }
                        take(reply)
                    }
                }, call)
        }
    }

    private func join(_ client: GroupClient) {
        var request = JoinGroup(
            group: client.group, sessionTimeout: client.number % 3 == 0 ? 9_000 : 3_000, rebalanceTimeout: 4_000,
            protocolType: "consumer",
            // Half of them tell what they own, as cooperative members do: it changes from one join to the next.
            protocols: [GroupProtocol(name: "range", metadata: client.number % 2 == 0 ? [] : client.assigned)],
            freshUUID: "")
        request.memberID = client.memberID
        request.instanceID = client.instanceID
        request.clientID = "client"
        request.requiresKnownMemberID = client.instanceID == nil && client.number % 2 == 0
        request.supportsSkippingAssignment = client.number % 4 != 0
        let sent = request
        send(
            client,
            judge: { [unowned self] reply in
                guard case .join(let answer) = reply else { return }
                try ledger.joined(sent, answer)
            },
            { [unowned self] machine, token, now in
                // A request that comes twice gets a new name each time.
                uuids += 1
                var request = sent
                request.freshUUID = "\(uuids)"
                return machine.join(request, token: token, now: now)
            },
            then: { if case .join(let answer) = $0 { client.joined(answer) } })
    }

    private func sync(_ client: GroupClient, _ members: [String]) {
        var request = SyncGroup(group: client.group, memberID: client.memberID, generation: client.generation)
        request.instanceID = client.instanceID
        for (index, partition) in Self.partitions.enumerated() where !members.isEmpty {
            request.assignments[members[index % members.count], default: []].append(partition)
        }
        let (sent, owner) = (request, client.owner)
        send(
            client,
            judge: { [unowned self] reply in
                guard case .sync(let answer) = reply else { return }
                try ledger.synced(sent, answer, owner: owner)
            }, { $0.sync(sent, token: $1, now: $2) },
            then: { if case .sync(let answer) = $0 { client.synced(answer) } })
    }

    private func heartbeat(_ client: GroupClient) {
        let request = Heartbeat(
            group: client.group, memberID: client.memberID, instanceID: client.instanceID,
            generation: client.generation)
        send(
            client,
            judge: { [unowned self] reply in
                guard case .heartbeat(let error) = reply, coordinator.isServing else { return }
                try ledger.heard(request, error)
            }, { $0.heartbeat(request, token: $1, now: $2) },
            then: { if case .heartbeat(let error) = $0 { client.failed(error) } })
    }

    private func leave(_ client: GroupClient) {
        if client.isCooperativeLeaver, !client.memberID.isEmpty {
            let request = LeaveGroup(
                group: client.group,
                members: [LeaveGroup.Member(memberID: client.memberID, instanceID: client.instanceID)])
            send(client, waits: false, { $0.leave(request, token: $1, now: $2) }, then: { _ in })
        }
        client.state = .dead
    }

    private func commit(_ client: GroupClient) {
        commits += 1
        var request = OffsetCommit(
            group: client.group,
            partitions: client.assigned.map { partition in
                .init(
                    TopicPartition(Self.topic, Int32(partition)),
                    CommittedOffset(
                        offset: Offset(commits), metadata: "\(commits)", commitTimestamp: coordinator.wallClock))
            })
        guard !request.partitions.isEmpty else { return heartbeat(client) }
        request.memberID = client.memberID
        request.instanceID = client.instanceID
        request.generation = client.generation
        submit(request, of: client)
    }

    private func submit(_ request: OffsetCommit, of client: GroupClient) {
        send(
            client,
            judge: { [unowned self] reply in
                guard case .commit(let answer) = reply else { return }
                try ledger.committed(request, answer)
            },
            { [unowned self] machine, token, now in
                let actions = machine.commit(request, token: token, now: now)
                coordinator.violation = coordinator.violation ?? ledger.accepted(request, actions)
                return actions
            },
            then: { if case .commit(let answer) = $0 { client.failed(answer.first?.error ?? .none) } })
    }

    // MARK: Transactions and administration

    /// Positions in a transaction, and its end some time later.
    private func transact() {
        if chance.oneIn(2), let producer = chance.pick(transactions.keys.sorted()) {
            transactions[producer] = nil
            let isCommit = chance.oneIn(2)
            let marker = RecordBatchBuilder.endTransaction(
                EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: 0), producerID: producer, producerEpoch: 0,
                timestamp: coordinator.wallClock)
            writeMarker(marker, producer, isCommit)
        } else if let client = chance.pick(clients), case .member = client.state {
            lastProducer += 1
            transactions[lastProducer] = client.group
            for partition in client.assigned {
                commits += 1
                var request = OffsetCommit(
                    group: client.group,
                    partitions: [
                        .init(
                            TopicPartition(Self.topic, Int32(partition)),
                            CommittedOffset(
                                offset: Offset(commits), metadata: "\(commits)",
                                commitTimestamp: coordinator.wallClock))
                    ])
                request.memberID = client.memberID
                request.instanceID = client.instanceID
                request.generation = client.generation
                request.producer = .init(id: lastProducer, epoch: 0)
                submit(request, of: client)
            }
        }
    }

    /// The transaction's coordinator does not rest until the marker is there.
    private func writeMarker(_ marker: ByteBuffer, _ producer: ProducerID, _ isCommit: Bool) {
        let life = coordinator.life
        coordinator.appendMarker(marker) { [unowned self] error, offset in
            guard coordinator.life == life else { return }
            if error.isNone {
                markersDue.removeAll { $0.producer == producer }
                coordinator.notify {
                    $0.transactionEnded(producerID: producer, isCommit: isCommit, markerOffset: offset, now: $1)
                }
            }
        }
        markersDue.append((marker, producer, isCommit, coordinator.life))
    }

    private var markersDue: [(marker: ByteBuffer, producer: ProducerID, isCommit: Bool, life: Int)] = []

    /// Markers whose partition's leader was lost, or had an error, are written again.
    private func writeMarkersAgain() {
        let due = markersDue
        markersDue = []
        var seen: Set<ProducerID> = []
        for marker in due where seen.insert(marker.producer).inserted {
            writeMarker(marker.marker, marker.producer, marker.isCommit)
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
        for group in before where !after.contains(group) { ledger.deleted(group, at: coordinator.logEnd) }
        return actions
    }

    /// What a consumer that starts now would be told.
    private func inspect() throws {
        for group in ["g0", "g1"] {
            let answer = coordinator.look {
                $0.fetchOffsets(
                    OffsetFetch(
                        group: group,
                        partitions: Self.partitions.map { TopicPartition(Self.topic, Int32($0)) }))
            }
            if let answer { try ledger.fetched(group, answer) }
        }
    }

    // MARK: The end

    /// Nothing fails any more: in due time every group has one owner for every partition, and stays so.
    private func calmDown() throws {
        network.isFaulty = false
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
            while let deliver = network.next(now: coordinator.uptime) { deliver() }
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
                let marker = RecordBatchBuilder.endTransaction(
                    EndTransactionMarker(isCommit: true, coordinatorEpoch: 0), producerID: producer,
                    producerEpoch: 0, timestamp: coordinator.wallClock)
                writeMarker(marker, producer, true)
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
