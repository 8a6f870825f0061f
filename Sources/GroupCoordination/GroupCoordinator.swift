// SPDX-License-Identifier: Apache-2.0

package import Coordination
import HeapModule
package import KafkaModel

/// The groups of one partition of `__consumer_offsets`: the classic group protocol as Kafka 3.9 plays it (KIP-62, 134,
/// 229, 345, 394, 429, 447, 496, 559, 814).
///
/// A machine: no clock, socket or task, time is an argument. `Coordination` says what its driver does. Owned by whoever
/// owns the partition; its life goes from `init` (loading) over `finishLoading` to `unload`.
package struct GroupCoordinator: CoordinatorMachine {
    package var configuration: GroupConfiguration

    enum Phase: Sendable {
        case loading
        case active
        case unloaded
    }

    private(set) var phase = Phase.loading
    var groups: [String: Group] = [:]
    /// Which groups have positions in a transaction, by producer.
    var groupsByProducer: [ProducerID: Set<String>] = [:]
    /// Reads the log while the partition is loaded.
    var reader = OffsetsReader()

    private var continuations: [AppendID: Continuation] = [:]
    private var lastAppendID: UInt64 = 0
    private var wakes = Heap<Wake>()

    /// When a group is to be looked at. Deadlines mostly move back before they come, so an entry may be early.
    private struct Wake: Comparable, Sendable {
        var deadline: Int64
        var group: String

        static func < (left: Wake, right: Wake) -> Bool {
            (left.deadline, left.group) < (right.deadline, right.group)
        }
    }

    /// A coordinator that is loading.
    package init(configuration: GroupConfiguration) {
        self.configuration = configuration
    }

    package var isLoading: Bool { phase == .loading }

    /// The uptime at which `advance` is to be called next; nil if nothing waits for time.
    package var nextDeadline: Int64? { wakes.min?.deadline }

    // MARK: Requests

    /// What keeps any request for a group from being served; nil if nothing does.
    package func refusal(_ group: String) -> ErrorCode? { error(group) }

    package mutating func join(_ request: JoinGroup, token: RequestToken, now: CoordinatorTime) -> [GroupAction] {
        turn(now) { coordinator, turn in
            if let error = coordinator.error(request.group) {
                return turn.reply(token, .join(JoinAnswer(error: error, memberID: request.memberID)))
            }
            coordinator.join(request, token, &turn)
        }
    }

    package mutating func sync(_ request: SyncGroup, token: RequestToken, now: CoordinatorTime) -> [GroupAction] {
        turn(now) { coordinator, turn in
            if let error = coordinator.error(request.group) {
                // While loading the member is sent back to JoinGroup, which waits for the end of that.
                let error = error == .coordinatorLoadInProgress ? .rebalanceInProgress : error
                return turn.reply(token, .sync(SyncAnswer(error: error)))
            }
            let found: Void? = coordinator.update(request.group, &turn) { $0.sync(request, token, &$1) }
            if found == nil { turn.reply(token, .sync(SyncAnswer(error: .unknownMemberID))) }
        }
    }

    /// A member is alive. Answered at once; brings no deadline nearer.
    package mutating func heartbeat(_ request: Heartbeat, now: CoordinatorTime) -> ErrorCode {
        if let error = error(request.group) {
            // Members need not worry about loading.
            return error == .coordinatorLoadInProgress ? .none : error
        }
        return groups[request.group]?.heartbeat(request, uptime: now.uptime) ?? .unknownMemberID
    }

    package mutating func heartbeat(_ request: Heartbeat, token: RequestToken, now: CoordinatorTime) -> [GroupAction] {
        [.reply(token, .heartbeat(heartbeat(request, now: now)))]
    }

    package mutating func leave(_ request: LeaveGroup, token: RequestToken, now: CoordinatorTime) -> [GroupAction] {
        turn(now) { coordinator, turn in
            if let error = coordinator.error(request.group) {
                return turn.reply(token, .leave(LeaveAnswer(error: error)))
            }
            let answer =
                coordinator.update(request.group, &turn) { $0.leave(request.members, &$1) }
                ?? LeaveAnswer(
                    members: request.members.map {
                        LeaveAnswer.Member(
                            memberID: $0.memberID, instanceID: $0.instanceID, error: .unknownMemberID)
                    })
            turn.reply(token, .leave(answer))
        }
    }

    // MARK: Time and the log

    /// Does what is due at `now`: sessions, rebalances and waits that end.
    package mutating func advance(to now: CoordinatorTime) -> [GroupAction] {
        turn(now) { coordinator, turn in
            while let wake = coordinator.wakes.min, wake.deadline <= now.uptime {
                _ = coordinator.wakes.popMin()
                // An entry that another has overtaken.
                guard coordinator.groups[wake.group]?.queuedWake == wake.deadline else { continue }
                coordinator.groups[wake.group]?.queuedWake = nil
                _ = coordinator.update(wake.group, &turn) { $0.expire(&$1) }
            }
        }
    }

    /// An append has ended: everyone who must have it has it, or it has failed. `baseOffset` is that of its batch.
    package mutating func appended(_ id: AppendID, error: ErrorCode, baseOffset: Offset, now: CoordinatorTime)
        -> [GroupAction]
    {
        guard let next = continuations.removeValue(forKey: id) else { return [] }
        return turn(now) { coordinator, turn in
            switch next {
            case .nothing: break
            case .reply(let token, let reply): turn.reply(token, reply)
            case .assignment(let group, let generation, let assignments):
                _ = coordinator.update(group, &turn) {
                    $0.assignmentStored(error.asGroupStoreError, generation, assignments, &$1)
                }
            case .staticMember(let rejoin):
                _ = coordinator.update(rejoin.group, &turn) {
                    $0.staticMemberStored(error.asGroupStoreError, rejoin, &$1)
                }
            case .commit(let commit): coordinator.commitStored(error.asCommitError, baseOffset, commit, &turn)
            }
        }
    }

    // MARK: Life

    /// Everything on the log was loaded: the sessions of all members start.
    package mutating func finishLoading(now: CoordinatorTime) -> [GroupAction] {
        guard phase == .loading else { return [] }
        phase = .active
        return turn(now) { coordinator, turn in
            for id in coordinator.groups.keys.sorted() {
                _ = coordinator.update(id, &turn) { $0.loaded(&$1) }
            }
        }
    }

    /// The partition is led elsewhere: who waits is told.
    package mutating func unload(now: CoordinatorTime) -> [GroupAction] {
        let actions = turn(now) { coordinator, turn in
            for id in coordinator.groups.keys.sorted() {
                _ = coordinator.update(id, &turn) { $0.unload(&$1) }
            }
            for (_, next) in coordinator.continuations.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                switch next {
                case .commit(let commit): commit.fail(.notCoordinator, &turn)
                case .reply(let token, let reply): turn.reply(token, reply)
                case .nothing, .assignment, .staticMember: break
                }
            }
        }
        phase = .unloaded
        groups = [:]
        groupsByProducer = [:]
        continuations = [:]
        wakes = Heap()
        return actions
    }

    // MARK: Inside

    /// What keeps any request for a group from being served.
    func error(_ group: String, mayBeEmpty: Bool = false) -> ErrorCode? {
        if group.isEmpty, !mayBeEmpty { return .invalidGroupID }
        return switch phase {
        case .loading: .coordinatorLoadInProgress
        case .active: nil
        case .unloaded: .notCoordinator
        }
    }

    /// Runs one call and collects what it wants done.
    mutating func turn(_ now: CoordinatorTime, _ body: (inout GroupCoordinator, inout Turn) -> Void) -> [GroupAction] {
        var turn = Turn(now: now, configuration: configuration)
        body(&self, &turn)
        var actions = turn.actions
        for (batch, next) in turn.appends {
            lastAppendID &+= 1
            let id = AppendID(lastAppendID)
            continuations[id] = next
            actions.append(.append(id, batch))
        }
        return actions
    }

    /// Changes a group, and sees to it that its next deadline is known. Nil if there is no such group.
    mutating func update<Result>(
        _ id: String, _ turn: inout Turn, _ body: (inout Group, inout Turn) -> Result
    ) -> Result? {
        // Out of the dictionary, so that the change is in place.
        guard var group = groups.removeValue(forKey: id) else { return nil }
        let result = body(&group, &turn)
        group.settle(&turn)
        if let deadline = group.nextDeadline, deadline < group.queuedWake ?? .max {
            group.queuedWake = deadline
            wakes.insert(Wake(deadline: deadline, group: id))
        }
        groups[id] = group
        return result
    }

    private mutating func join(_ request: JoinGroup, _ token: RequestToken, _ turn: inout Turn) {
        func refuse(_ error: ErrorCode) {
            turn.reply(token, .join(JoinAnswer(error: error, memberID: request.memberID)))
        }
        guard configuration.sessionTimeouts.contains(request.sessionTimeout) else {
            return refuse(.invalidSessionTimeout)
        }
        if groups[request.group] == nil {
            guard request.memberID.isEmpty else { return refuse(.unknownMemberID) }
            groups[request.group] = Group(id: request.group)
        }
        _ = update(request.group, &turn) { $0.join(request, token, &$1) }
    }
}
