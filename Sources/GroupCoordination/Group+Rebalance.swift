// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel

/// From one generation to the next: everyone joins, the leader assigns, everyone learns its part.
extension Group {
    mutating func prepareRebalanceIfPossible(_ turn: inout Turn) {
        switch state {
        case .empty, .stable, .completingRebalance: prepareRebalance(&turn)
        case .preparingRebalance, .dead: break
        }
    }

    mutating func prepareRebalance(_ turn: inout Turn) {
        // Who waits for an assignment has to join again.
        if state == .completingRebalance { propagateError(.rebalanceInProgress, &turn) }
        syncDeadline = nil
        if state == .empty {
            // Further members of a new group are probably on their way (KIP-134).
            let delay = turn.configuration.initialRebalanceDelay
            initialDelayLeft = max(rebalanceTimeout - delay, 0)
            joinDeadline = turn.uptime &+ delay
        } else {
            initialDelayLeft = nil
            joinDeadline = turn.uptime &+ rebalanceTimeout
        }
        hasNewMember = false
        enter(.preparingRebalance, at: turn.wallClock)
    }

    /// Ends a rebalance that has what it waited for. Called after every change of the group.
    mutating func settle(_ turn: inout Turn) {
        guard state == .preparingRebalance, let joinDeadline else { return }
        if let left = initialDelayLeft {
            guard joinDeadline <= turn.uptime else { return }
            guard hasNewMember, left > 0 else { return completeJoin(&turn) }
            hasNewMember = false
            let delay = min(turn.configuration.initialRebalanceDelay, left)
            initialDelayLeft = max(left - delay, 0)
            self.joinDeadline = turn.uptime &+ delay
        } else if hasAllMembersJoined || joinDeadline <= turn.uptime {
            completeJoin(&turn)
        }
    }

    private mutating func completeJoin(_ turn: inout Turn) {
        for member in members.values where member.awaitingJoin == nil && member.instanceID == nil {
            remove(member.id)
        }
        guard electLeader() || members.isEmpty else {
            // Static members only, and none is back: until they are or their sessions end.
            initialDelayLeft = nil
            joinDeadline = turn.uptime &+ rebalanceTimeout
            return
        }
        joinDeadline = nil
        initialDelayLeft = nil
        generation &+= 1
        pendingSync = []
        if members.isEmpty {
            protocolName = nil
            subscribedTopics = computedSubscribedTopics()
            enter(.empty, at: turn.wallClock)
            return store(assignments: [:], then: .nothing, &turn)
        }
        protocolName = selectedProtocol()
        subscribedTopics = computedSubscribedTopics()
        enter(.completingRebalance, at: turn.wallClock)
        for id in members.keys {
            guard var member = members[id] else { continue }
            if let token = member.awaitingJoin {
                answerJoin(id, token, members: leader == id ? joinAnswerMembers() : [], &turn)
            }
            member.awaitingJoin = nil
            member.isNew = false
            member.heard(at: turn.uptime)
            members[id] = member
            pendingSync.insert(id)
        }
        syncDeadline = turn.uptime &+ rebalanceTimeout
    }

    /// A leader must have joined. Returns whether there is one.
    private mutating func electLeader() -> Bool {
        guard let leader else { return true }
        if members[leader]?.awaitingJoin != nil { return true }
        guard let joined = members.values.first(where: { $0.awaitingJoin != nil }) else { return false }
        self.leader = joined.id
        return true
    }

    // MARK: Assignments

    mutating func sync(_ request: SyncGroup, _ token: RequestToken, _ turn: inout Turn) {
        if let error = syncError(request) { return turn.reply(token, .sync(SyncAnswer(error: error))) }
        switch state {
        case .empty, .dead:
            turn.reply(token, .sync(SyncAnswer(error: .unknownMemberID)))
        case .preparingRebalance:
            turn.reply(token, .sync(SyncAnswer(error: .rebalanceInProgress)))
        case .completingRebalance:
            // A client that asks twice has given up the first request.
            if let earlier = members[request.memberID]?.awaitingSync {
                turn.reply(earlier, .sync(SyncAnswer(error: .rebalanceInProgress)))
            }
            members[request.memberID]?.awaitingSync = token
            hasSynced(request.memberID)
            guard leader == request.memberID else { return }
            // Who is not mentioned has nothing to do.
            let assignments = Dictionary(
                uniqueKeysWithValues: members.keys.map { ($0, request.assignments[$0] ?? []) })
            store(
                assignments: assignments, then: .assignment(group: id, generation: generation, assignments), &turn)
        case .stable:
            hasSynced(request.memberID)
            turn.reply(
                token,
                .sync(
                    SyncAnswer(
                        protocolType: protocolType, protocolName: protocolName,
                        assignment: members[request.memberID]?.assignment ?? [])))
            members[request.memberID]?.heard(at: turn.uptime)
        }
    }

    private func syncError(_ request: SyncGroup) -> ErrorCode? {
        if state == .dead { return .coordinatorNotAvailable }
        if let error = error(memberID: request.memberID, instanceID: request.instanceID) { return error }
        if request.generation != generation { return .illegalGeneration }
        if let type = request.protocolType, type != protocolType { return .inconsistentGroupProtocol }
        if let name = request.protocolName, name != protocolName { return .inconsistentGroupProtocol }
        return nil
    }

    private mutating func hasSynced(_ memberID: String) {
        pendingSync.remove(memberID)
        if pendingSync.isEmpty { syncDeadline = nil }
    }

    mutating func assignmentStored(
        _ error: ErrorCode, _ generation: Int32, _ assignments: [String: [UInt8]], _ turn: inout Turn
    ) {
        // Meanwhile another rebalance may have begun.
        guard state == .completingRebalance, generation == self.generation else { return }
        guard error.isNone else {
            propagateError(error, &turn)
            return prepareRebalance(&turn)
        }
        for id in members.keys {
            guard var member = members[id] else { continue }
            member.assignment = assignments[id] ?? []
            if let token = member.awaitingSync {
                turn.reply(
                    token,
                    .sync(
                        SyncAnswer(
                            protocolType: protocolType, protocolName: protocolName, assignment: member.assignment)))
                member.awaitingSync = nil
                member.heard(at: turn.uptime)
            }
            members[id] = member
        }
        enter(.stable, at: turn.wallClock)
    }

    /// There will be no assignment.
    private mutating func propagateError(_ error: ErrorCode, _ turn: inout Turn) {
        for id in members.keys {
            guard var member = members[id] else { continue }
            member.assignment = []
            if let token = member.awaitingSync {
                turn.reply(token, .sync(SyncAnswer(error: error)))
                member.awaitingSync = nil
                member.heard(at: turn.uptime)
            }
            members[id] = member
        }
    }

    /// Writes the group's record.
    mutating func store(assignments: [String: [UInt8]], then next: Continuation, _ turn: inout Turn) {
        if let record = record(assignments: assignments, turn.configuration) {
            return turn.append([record], then: next)
        }
        // Newer requests allow longer names than the record does.
        switch next {
        case .assignment(_, let generation, let assignments):
            assignmentStored(.unknownServerError, generation, assignments, &turn)
        case .staticMember(let rejoin): staticMemberStored(.unknownServerError, rejoin, &turn)
        case .nothing, .commit, .reply: break
        }
    }
}
