// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// A consumer's membership in its group, by the classic protocol.
struct GroupMembership {
    let groupID: String
    var memberID = ""
    var generation: Int32 = -1
    /// Whether to join with the next poll: at first, after a rebalance began, or when the subscription changed.
    var mustJoin = true
    /// The join that goes on beside polling.
    var joining: Task<Void, Never>?
    /// What the last join has brought, until the next poll takes it over.
    var assigned: Set<TopicPartition>?
    var assignor: ClientConfiguration.Assignor?
    /// What the leader gave last, which a sticky leader gives again as far as it can.
    var memory: StickyMemory?
    /// What the group's leader counted partitions as; nil for other members.
    var countedPartitions: [String: Int32]?
    var lastPoll = ContinuousClock.now
    var heartbeats: Task<Void, Never>?
    var isLost = false
    /// Another member has taken over this one's `group.instance.id`; final.
    private(set) var isFenced = false

    init(groupID: String) { self.groupID = groupID }

    /// Whether offsets may be committed in the name of this member.
    var mayCommit: Bool { generation >= 0 }

    /// The coordinator does not accept this member, or not any more.
    mutating func refused(_ error: ErrorCode) {
        generation = -1
        memberID = ""
        mustJoin = true
        isLost = true
        assigned = nil
        // To join anew would shut out the one that has taken over, which would do the same in turn.
        if error == .fencedInstanceID { isFenced = true }
    }

    func requireNotFenced() throws(KafkaError) {
        guard isFenced else { return }
        throw KafkaError(
            .fenced,
            "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id."
        )
    }
}

extension Consumer {
    /// Begins to join the group if need be, and takes over what a join has brought.
    func keepMembership() async throws {
        guard group != nil else {
            throw KafkaError(
                .configuration,
                "To use the group management or offset commit APIs, you must provide a valid group.id in the consumer configuration."
            )
        }
        try group?.requireNotFenced()
        guard group?.joining == nil else { return }
        if let assigned = group?.assigned {
            group?.assigned = nil
            await adopt(assigned)
        }
        if let counted = group?.countedPartitions,
            counted != partitionCounts(of: Set(counted.keys).union(wantedTopics()))
        {
            group?.mustJoin = true
        }
        guard let group, group.mustJoin, failure == nil else { return }
        if group.isLost { await losePartitions() }
        if !isCooperative, !positions.isEmpty { await revoke(Array(positions.keys)) }
        self.group?.mustJoin = false
        // The coordinator takes a join for a heartbeat, and waits for no other while the join waits.
        self.group?.heartbeats?.cancel()
        self.group?.joining = Task { [weak self] in await self?.join() }
    }

    /// The topics that this consumer wants, as far as they exist.
    func wantedTopics() -> Set<String> {
        switch source {
        case .topics(let topics): topics
        case .matching(let matches):
            Set(
                cluster.withSnapshot { snapshot in
                    snapshot.topics.values.filter {
                        $0.error.isNone && !($0.isInternal && configuration.excludesInternalTopics)
                    }.map(\.name)
                }.filter(matches))
        case .assigned, .nothing: []
        }
    }

    private func partitionCounts(of topics: Set<String>) -> [String: Int32] {
        cluster.withSnapshot { snapshot in
            var counts: [String: Int32] = [:]
            for name in topics {
                if let topic = snapshot.topics[name], topic.error.isNone {
                    counts[name] = Int32(topic.partitions.count)
                }
            }
            return counts
        }
    }

    private var isCooperative: Bool { configuration.assignors.allSatisfy { $0 == .cooperativeSticky } }

    /// Joins, as often as it takes while the application polls, and learns this member's part.
    private func join() async {
        defer {
            group?.joining = nil
            changes.notify()
        }
        while !Task.isCancelled, let group, !group.isLost, .now - group.lastPoll <= configuration.maxPollInterval {
            do {
                if let assigned = try await joinOnce() {
                    self.group?.assigned = assigned
                    return beginHeartbeats()
                }
            } catch let error as KafkaError where error.isRetriable || error.errorCode == .rebalanceInProgress {
                try? await Task.sleep(for: configuration.retryBackoff)
            } catch {
                failure = error as? KafkaError
                break
            }
        }
        self.group?.mustJoin = true
    }

    /// Nil if there is nothing yet, because the coordinator has given an id first, or refuses this member.
    private func joinOnce() async throws -> Set<TopicPartition>? {
        guard let groupID = group?.groupID else { return nil }
        let owned = positions.keys.sorted()
        let topics = wantedTopics().sorted()
        let generation = group?.generation ?? -1
        let protocols = configuration.assignors.map { assignor in
            let userData: [UInt8]? =
                switch assignor {
                case .sticky: group?.memory?.eagerBytes
                case .cooperativeSticky: StickyMemory(partitions: owned, generation: generation).cooperativeBytes
                case .range, .roundRobin: nil
                }
            let subscription = ConsumerProtocol.Subscription(
                topics: topics, userData: userData,
                owned: assignor == .cooperativeSticky ? owned : [], generation: generation,
                rack: configuration.clientRack.isEmpty ? nil : configuration.clientRack)
            return JoinGroupRequest.JoinGroupRequestProtocol(
                name: assignor.rawValue, metadata: Array(subscription.encoded().readableBytesView))
        }
        let request = JoinGroupRequest(
            groupID: groupID, sessionTimeoutMs: configuration.sessionTimeout.milliseconds32,
            rebalanceTimeoutMs: configuration.maxPollInterval.milliseconds32, memberID: group?.memberID ?? "",
            groupInstanceID: configuration.groupInstanceID, protocolType: ConsumerProtocol.type, protocols: protocols,
            reason: "")
        // The coordinator answers when all members have joined, which may take a whole rebalance timeout.
        let response = try await cluster.sendToCoordinator(
            request, group: groupID, on: .rebalance, timeout: configuration.maxPollInterval + .seconds(5),
            before: .now + configuration.apiTimeout
        ) { $0.errorCode }
        switch response.errorCode {
        case .none: break
        case .memberIDRequired:
            group?.memberID = response.memberID
            return nil
        case .unknownMemberID, .illegalGeneration, .fencedInstanceID:
            group?.refused(response.errorCode)
            return nil
        default: throw KafkaError(response.errorCode)
        }
        group?.memberID = response.memberID
        group?.generation = response.generationID
        group?.assignor = response.protocolName.flatMap { ClientConfiguration.Assignor(rawValue: $0) }
        let isLeader = response.leader == response.memberID
        let assignments = isLeader ? try await assignments(for: response) : []
        if !isLeader { group?.countedPartitions = nil }
        return try await sync(assignments, response.protocolName)
    }

    /// What the leader gives to each member.
    private func assignments(
        for response: JoinGroupResponse
    ) async throws -> [SyncGroupRequest.SyncGroupRequestAssignment] {
        if response.skipAssignment { return [] }
        var members: [GroupMember] = []
        for member in response.members {
            guard let subscription = ConsumerProtocol.Subscription(.init(bytes: member.metadata)) else {
                throw KafkaError(.malformedResponse, "The subscription of member \(member.memberID) cannot be read.")
            }
            members.append(
                GroupMember(
                    id: member.memberID, instanceID: member.groupInstanceID,
                    subscription: subscription.remembered(by: group?.assignor)))
        }
        let topics = Set(members.flatMap(\.subscription.topics))
        let missing = topics.filter { name in cluster.withSnapshot { $0.topics[name] == nil } }
        if !missing.isEmpty { try await cluster.refresh(topics: missing) }
        let counts = partitionCounts(of: topics)
        group?.countedPartitions = counts
        let result: PartitionAssignment.Result =
            switch group?.assignor {
            case .roundRobin: PartitionAssignment.roundRobin(members, partitionCounts: counts)
            case .sticky: PartitionAssignment.sticky(members, partitionCounts: counts)
            case .cooperativeSticky: PartitionAssignment.cooperativeSticky(members, partitionCounts: counts)
            case .range, nil: PartitionAssignment.range(members, partitionCounts: counts)
            }
        return members.map { member in
            let assignment = ConsumerProtocol.Assignment(partitions: result[member.id] ?? [])
            return .init(memberID: member.id, assignment: Array(assignment.encoded().readableBytesView))
        }
    }

    private func sync(
        _ assignments: [SyncGroupRequest.SyncGroupRequestAssignment], _ protocolName: String?
    ) async throws -> Set<TopicPartition>? {
        guard let group else { return nil }
        let request = SyncGroupRequest(
            groupID: group.groupID, generationID: group.generation, memberID: group.memberID,
            groupInstanceID: configuration.groupInstanceID, protocolType: ConsumerProtocol.type,
            protocolName: protocolName, assignments: assignments)
        let response = try await cluster.sendToCoordinator(
            request, group: group.groupID, on: .rebalance, timeout: configuration.maxPollInterval + .seconds(5),
            before: .now + configuration.apiTimeout
        ) { $0.errorCode }
        switch response.errorCode {
        case .none: break
        case .unknownMemberID, .illegalGeneration, .fencedInstanceID:
            self.group?.refused(response.errorCode)
            return nil
        default: throw KafkaError(response.errorCode)
        }
        guard let assignment = ConsumerProtocol.Assignment(.init(bytes: response.assignment)) else {
            throw KafkaError(.malformedResponse, "The group's assignment cannot be read.")
        }
        return Set(assignment.partitions)
    }

    /// Takes over what the leader gave. In a cooperative group what must go goes now, and the group rebalances once more.
    private func adopt(_ assigned: Set<TopicPartition>) async {
        let owned = Set(positions.keys)
        // Read before the assignment, which holds the membership while its right side is worked out.
        let generation = group?.generation ?? -1
        group?.memory = StickyMemory(partitions: assigned.sorted(), generation: generation)
        let revoked = owned.subtracting(assigned)
        if !revoked.isEmpty {
            await revoke(Array(revoked))
            if isCooperative { group?.mustJoin = true }
        }
        setPartitions(assigned.sorted())
        let missing = Set(assigned.map(\.topic)).filter { name in cluster.withSnapshot { $0.topics[name] == nil } }
        if !missing.isEmpty { expireMetadata() }
        await rebalanceHandler?(.assigned(assigned.subtracting(owned).sorted()))
    }

    /// Lets go of partitions in good order: their positions are committed first.
    private func revoke(_ partitions: [TopicPartition]) async {
        if configuration.autoCommit, group?.mayCommit == true { try? await commit() }
        await rebalanceHandler?(.revoked(partitions.sorted()))
        setPartitions(positions.keys.filter { !partitions.contains($0) })
    }

    private func losePartitions() async {
        group?.isLost = false
        guard !positions.isEmpty else { return }
        let lost = positions.keys.sorted()
        setPartitions([])
        await rebalanceHandler?(.lost(lost))
    }

    // MARK: Heartbeats

    private func beginHeartbeats() {
        group?.heartbeats?.cancel()
        let interval = configuration.heartbeatInterval
        // Beats while the application works; ends when the member joins again, is refused, or is gone.
        group?.heartbeats = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                guard !Task.isCancelled, let self, await self.beat() else { return }
            }
        }
    }

    /// Sends a heartbeat; false when there is no generation left to beat for.
    private func beat() async -> Bool {
        guard let group, group.generation >= 0 else { return false }
        if .now - group.lastPoll > configuration.maxPollInterval {
            // The application takes too long: somebody else should have the partitions.
            await leaveGroup()
            self.group?.refused(.unknownMemberID)
            return false
        }
        let request = HeartbeatRequest(
            groupID: group.groupID, generationID: group.generation, memberID: group.memberID,
            groupInstanceID: configuration.groupInstanceID)
        let response = try? await cluster.sendToCoordinator(
            request, group: group.groupID, before: .now + configuration.sessionTimeout
        ) { $0.errorCode }
        // Once the member joins again, the answer is that of a past generation.
        guard !Task.isCancelled, let code = response?.errorCode, !code.isNone else { return !Task.isCancelled }
        defer { changes.notify() }
        if code == .rebalanceInProgress {
            // The application may take until `max.poll.interval.ms` to come back and join.
            self.group?.mustJoin = true
            return true
        }
        self.group?.refused(code)
        return false
    }

    /// Leaves the group at once instead of by time-out. Static members stay (KIP-345).
    func leaveGroup() async {
        group?.heartbeats?.cancel()
        group?.joining?.cancel()
        guard let group, group.generation >= 0 || !group.memberID.isEmpty, configuration.groupInstanceID == nil else {
            return
        }
        let request = LeaveGroupRequest(
            groupID: group.groupID, memberID: "",
            members: [.init(memberID: group.memberID, groupInstanceID: nil, reason: "the consumer is being closed")])
        let old = LeaveGroupRequest(groupID: group.groupID, memberID: group.memberID)
        guard let broker = try? await cluster.coordinator(.group, group.groupID),
            let link = try? await cluster.link(to: broker, for: .coordination)
        else { return }
        let isOld = (link.version(of: LeaveGroupRequest.self) ?? 0) < 3
        _ = try? await link.send(isOld ? old : request, timeout: .seconds(5))
        self.group?.generation = -1
        self.group?.memberID = ""
    }
}
