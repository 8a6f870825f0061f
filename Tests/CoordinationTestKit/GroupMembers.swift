// SPDX-License-Identifier: Apache-2.0

internal import GroupCoordination
internal import KafkaModel

/// What members of groups ask of their coordinator by way of the network. The ledger judges what is answered.
final class GroupMembers {
    static let topic = "orders"
    let partitions: [UInt8]
    let coordinator: SimulatedPartition<GroupCoordinator>
    private let surroundings: Surroundings
    var ledger = GroupLedger()
    private var uuids = 0

    init(
        _ coordinator: SimulatedPartition<GroupCoordinator>, partitions: [UInt8], _ surroundings: Surroundings
    ) {
        self.coordinator = coordinator
        self.partitions = partitions
        self.surroundings = surroundings
    }

    func follow() throws { try ledger.follow(coordinator.log, committed: coordinator.committed) }

    var topicPartitions: [TopicPartition] { partitions.map { TopicPartition(Self.topic, Int32($0)) } }

    /// Sends a request, and brings its answer if client and network allow.
    func send(
        _ client: GroupClient, waits: Bool = true, judge: @escaping (GroupReply) throws -> Void = { _ in },
        _ call: @escaping SimulatedPartition<GroupCoordinator>.Call, then take: @escaping (GroupReply) -> Void
    ) {
        client.requests += 1
        let number = client.requests
        if waits { client.waitsFor = (number, coordinator.uptime) }
        let life = client
        surroundings.network.send(now: coordinator.uptime, &surroundings.chance) { [unowned self] in
            coordinator.request(
                { [unowned self] reply in
                    try follow()
                    try judge(reply)
                    surroundings.network.send(now: coordinator.uptime, &surroundings.chance) {
                        guard !life.isDead, !waits || life.waitsFor?.request == number else { return }
                        if waits { life.waitsFor = nil }
                        take(reply)
                    }
                }, call)
        }
    }

    func join(_ client: GroupClient) {
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

    func sync(_ client: GroupClient, _ members: [String]) {
        var request = SyncGroup(group: client.group, memberID: client.memberID, generation: client.generation)
        request.instanceID = client.instanceID
        for (index, partition) in partitions.enumerated() where !members.isEmpty {
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

    func heartbeat(_ client: GroupClient) {
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

    func leave(_ client: GroupClient) {
        if client.isCooperativeLeaver, !client.memberID.isEmpty {
            let request = LeaveGroup(
                group: client.group,
                members: [LeaveGroup.Member(memberID: client.memberID, instanceID: client.instanceID)])
            send(client, waits: false, { $0.leave(request, token: $1, now: $2) }, then: { _ in })
        }
        client.state = .dead
    }

    func submit(_ request: OffsetCommit, of client: GroupClient) {
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
}
