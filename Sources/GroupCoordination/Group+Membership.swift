// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel

/// Joining, leaving, and being heard of.
extension Group {
    mutating func join(_ request: JoinGroup, _ token: RequestToken, _ turn: inout Turn) {
        func refuse(_ error: ErrorCode, _ turn: inout Turn) {
            turn.reply(token, .join(JoinAnswer(error: error, memberID: request.memberID)))
        }
        guard accepts(request.memberID, maxSize: turn.configuration.maxSize) else {
            remove(request.memberID)
            return turn.reply(token, .join(JoinAnswer(error: .groupMaxSizeReached)))
        }
        guard state != .dead else { return refuse(.coordinatorNotAvailable, &turn) }
        guard supports(request.protocolType, request.protocols) else {
            return refuse(.inconsistentGroupProtocol, &turn)
        }
        if request.memberID.isEmpty {
            joinNew(request, token, &turn)
        } else if pendingMembers[request.memberID] != nil {
            // Only dynamic members are given an id before they join.
            guard request.instanceID == nil else { return refuse(.unknownMemberID, &turn) }
            addAndRebalance(request, id: request.memberID, token, &turn)
        } else if let error = error(memberID: request.memberID, instanceID: request.instanceID) {
            refuse(error, &turn)
        } else {
            rejoin(request, token, &turn)
        }
    }

    private mutating func joinNew(_ request: JoinGroup, _ token: RequestToken, _ turn: inout Turn) {
        let id = "\(request.instanceID ?? request.clientID)-\(request.freshUUID)"
        if let instanceID = request.instanceID {
            if let known = staticMembers[instanceID] {
                replaceStatic(known, with: id, request, token, &turn)
            } else {
                addAndRebalance(request, id: id, token, &turn)
            }
        } else if request.requiresKnownMemberID {
            addPending(id, until: turn.uptime &+ Int64(request.sessionTimeout))
            turn.reply(token, .join(JoinAnswer(error: .memberIDRequired, memberID: id)))
        } else {
            addAndRebalance(request, id: id, token, &turn)
        }
    }

    private mutating func rejoin(_ request: JoinGroup, _ token: RequestToken, _ turn: inout Turn) {
        let isUnchanged = members[request.memberID]?.protocols == request.protocols
        switch state {
        case .preparingRebalance:
            updateMember(request.memberID, request, token, &turn)
        case .completingRebalance where isUnchanged:
            // The answer was perhaps lost: once more.
            answerJoin(request.memberID, token, members: leader == request.memberID ? joinAnswerMembers() : [], &turn)
        case .stable where isUnchanged && leader != request.memberID:
            answerJoin(request.memberID, token, members: [], &turn)
        case .completingRebalance, .stable:
            // The leader may have reasons that its metadata does not show.
            updateMember(request.memberID, request, token, &turn)
            prepareRebalance(&turn)
        case .empty, .dead:
            turn.reply(token, .join(JoinAnswer(error: .unknownMemberID, memberID: request.memberID)))
        }
    }

    private mutating func addAndRebalance(
        _ request: JoinGroup, id: String, _ token: RequestToken, _ turn: inout Turn
    ) {
        var member = Member(
            id: id, instanceID: request.instanceID, clientID: request.clientID, clientHost: request.clientHost,
            rebalanceTimeout: request.rebalanceTimeout, sessionTimeout: request.sessionTimeout,
            protocols: request.protocols)
        member.isNew = true
        member.awaitingJoin = token
        member.deadline = turn.uptime &+ GroupConfiguration.newMemberJoinTimeout
        if state == .preparingRebalance, generation == 0 { hasNewMember = true }
        add(member, protocolType: request.protocolType)
        prepareRebalanceIfPossible(&turn)
    }

    private mutating func updateMember(
        _ id: String, _ request: JoinGroup, _ token: RequestToken, _ turn: inout Turn
    ) {
        guard var member = members[id] else { return }
        // A client that asks twice has given up the first request.
        if let earlier = member.awaitingJoin {
            turn.reply(earlier, .join(JoinAnswer(error: .rebalanceInProgress, memberID: id)))
        }
        member.protocols = request.protocols
        member.rebalanceTimeout = request.rebalanceTimeout
        member.sessionTimeout = request.sessionTimeout
        member.awaitingJoin = token
        members[id] = member
    }

    func answerJoin(
        _ memberID: String, _ token: RequestToken, members: [JoinAnswer.Member], leader: String? = nil,
        skipAssignment: Bool = false, _ turn: inout Turn
    ) {
        turn.reply(
            token,
            .join(
                JoinAnswer(
                    generation: generation, protocolType: protocolType, protocolName: protocolName,
                    leader: leader ?? self.leader ?? "", skipAssignment: skipAssignment, memberID: memberID,
                    members: members)))
    }

    // MARK: Static members (KIP-345)

    /// A static member came back without its member id: it gets a new one, and who still uses the old one is fenced.
    private mutating func replaceStatic(
        _ oldID: String, with newID: String, _ request: JoinGroup, _ token: RequestToken, _ turn: inout Turn
    ) {
        guard let previous = members[oldID] else { return }
        let previousLeader = leader
        rename(oldID, to: newID)
        fence(previous, &turn)
        updateMember(newID, request, token, &turn)
        members[newID]?.awaitingSync = nil
        members[newID]?.heard(at: turn.uptime)
        switch state {
        case .stable:
            guard selectedProtocol() == protocolName else { return prepareRebalance(&turn) }
            // The assignment stays; only the record has to know the new id.
            let rejoin = StaticRejoin(
                group: id, memberID: newID, previous: previous, previousLeader: previousLeader,
                supportsSkippingAssignment: request.supportsSkippingAssignment)
            let assignments = Dictionary(uniqueKeysWithValues: members.values.map { ($0.id, $0.assignment) })
            store(assignments: assignments, then: .staticMember(rejoin), &turn)
        case .completingRebalance:
            // The leader may already assign to the old id.
            prepareRebalance(&turn)
        case .preparingRebalance, .empty, .dead: break
        }
    }

    mutating func staticMemberStored(_ error: ErrorCode, _ rejoin: StaticRejoin, _ turn: inout Turn) {
        guard let member = members[rejoin.memberID], let token = member.awaitingJoin, state == .stable else { return }
        members[rejoin.memberID]?.awaitingJoin = nil
        guard error.isNone else {
            var previous = rejoin.previous
            previous.awaitingJoin = nil
            previous.awaitingSync = nil
            previous.heard(at: turn.uptime)
            rename(rejoin.memberID, to: previous.id)
            members[previous.id] = previous
            return turn.reply(
                token,
                .join(
                    JoinAnswer(
                        error: error, generation: generation, protocolType: protocolType, protocolName: protocolName,
                        leader: rejoin.previousLeader ?? "")))
        }
        if rejoin.supportsSkippingAssignment {
            let isLeader = leader == rejoin.memberID
            answerJoin(
                rejoin.memberID, token, members: isLeader ? joinAnswerMembers() : [], skipAssignment: isLeader, &turn)
        } else {
            // With the old leader's id the member does not take itself for the leader, whose assignment a stable group
            // would not spread.
            answerJoin(rejoin.memberID, token, members: [], leader: rejoin.previousLeader, &turn)
        }
    }

    private mutating func rename(_ oldID: String, to newID: String) {
        guard var member = members.removeValue(forKey: oldID) else { return }
        member.id = newID
        member.awaitingJoin = nil
        members[newID] = member
        if let instanceID = member.instanceID { staticMembers[instanceID] = newID }
        if leader == oldID { leader = newID }
        if pendingSync.remove(oldID) != nil { pendingSync.insert(newID) }
    }

    /// What the holder of an old member id waits for never comes.
    private func fence(_ member: Member, _ turn: inout Turn) {
        if let token = member.awaitingJoin {
            turn.reply(token, .join(JoinAnswer(error: .fencedInstanceID, memberID: member.id)))
        }
        if let token = member.awaitingSync {
            turn.reply(token, .sync(SyncAnswer(error: .fencedInstanceID)))
        }
    }

    // MARK: Heartbeats, leaving, expiry

    mutating func heartbeat(_ request: Heartbeat, uptime: Int64) -> ErrorCode {
        if state == .dead { return .coordinatorNotAvailable }
        if let error = error(memberID: request.memberID, instanceID: request.instanceID) { return error }
        guard request.generation == generation else { return .illegalGeneration }
        switch state {
        case .empty, .dead: return .unknownMemberID
        case .completingRebalance, .stable:
            members[request.memberID]?.heard(at: uptime)
            return .none
        case .preparingRebalance:
            members[request.memberID]?.heard(at: uptime)
            return .rebalanceInProgress
        }
    }

    mutating func leave(_ leaving: [LeaveGroup.Member], _ turn: inout Turn) -> LeaveAnswer {
        if state == .dead { return LeaveAnswer(error: .coordinatorNotAvailable) }
        return LeaveAnswer(
            members: leaving.map { member in
                LeaveAnswer.Member(
                    memberID: member.memberID, instanceID: member.instanceID, error: leave(member, &turn))
            })
    }

    private mutating func leave(_ leaving: LeaveGroup.Member, _ turn: inout Turn) -> ErrorCode {
        if leaving.memberID.isEmpty {
            guard let id = leaving.instanceID.flatMap({ staticMembers[$0] }) else { return .unknownMemberID }
            removeAndUpdate(id, &turn)
        } else if pendingMembers[leaving.memberID] != nil {
            remove(leaving.memberID)
        } else {
            if let error = error(memberID: leaving.memberID, instanceID: leaving.instanceID) { return error }
            removeAndUpdate(leaving.memberID, &turn)
        }
        return .none
    }

    /// Removes a member, which makes the others share its partitions.
    mutating func removeAndUpdate(_ memberID: String, _ turn: inout Turn) {
        guard members[memberID] != nil else { return }
        dismiss(memberID, &turn)
        if state == .stable || state == .completingRebalance { prepareRebalance(&turn) }
    }

    /// Removes a member. Its client asks again if it is still there.
    private mutating func dismiss(_ memberID: String, _ turn: inout Turn) {
        if let token = members[memberID]?.awaitingJoin {
            turn.reply(token, .join(JoinAnswer(error: .unknownMemberID)))
        }
        if let token = members[memberID]?.awaitingSync {
            turn.reply(token, .sync(SyncAnswer(error: .unknownMemberID)))
        }
        remove(memberID)
    }

    /// Does what is due. The rebalance itself is seen to by `settle`.
    mutating func expire(_ turn: inout Turn) {
        expirePending(at: turn.uptime)
        for member in members.values where member.timerCounts && member.deadline <= turn.uptime {
            removeAndUpdate(member.id, &turn)
        }
        guard let syncDeadline, syncDeadline <= turn.uptime else { return }
        self.syncDeadline = nil
        guard state == .completingRebalance || state == .stable, !pendingSync.isEmpty else { return }
        // Among them may be a static member that has come back, and waits for its new id to be on the log.
        for id in pendingSync.sorted() { dismiss(id, &turn) }
        prepareRebalance(&turn)
    }

    // MARK: Life

    mutating func loaded(_ turn: inout Turn) {
        for id in members.keys { members[id]?.heard(at: turn.uptime) }
        // The limit may have been lowered.
        if members.count > turn.configuration.maxSize { prepareRebalanceIfPossible(&turn) }
    }

    mutating func unload(_ turn: inout Turn) {
        enter(.dead, at: turn.wallClock)
        for member in members.values {
            if let token = member.awaitingJoin {
                turn.reply(token, .join(JoinAnswer(error: .notCoordinator, memberID: member.id)))
            }
            if let token = member.awaitingSync { turn.reply(token, .sync(SyncAnswer(error: .notCoordinator))) }
            members[member.id]?.awaitingJoin = nil
            members[member.id]?.awaitingSync = nil
        }
    }
}
