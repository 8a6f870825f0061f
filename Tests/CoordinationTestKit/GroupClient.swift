// SPDX-License-Identifier: Apache-2.0

internal import GroupCoordination
internal import KafkaModel

/// A member of a group as a client library plays it: joins, assigns if it leads, says that it lives, commits.
///
/// Owned by its `GroupWorld`, which carries its requests and brings the answers.
final class GroupClient {
    enum State {
        /// Has to join.
        case outside
        /// Has to ask for its assignment; the members, if it leads.
        case joined([String])
        case member
        /// Its process is gone, or may not go on.
        case dead
    }

    let number: Int
    let group: String
    let instanceID: String?
    /// Whether a process of this place comes again when it has died.
    let isCooperativeLeaver: Bool
    var state = State.outside
    var memberID = ""
    var generation: Int32 = -1
    var assigned: [UInt8] = []
    /// The request that it waits for; answers to others are of the past.
    var waitsFor: (request: Int, since: Int64)?
    var requests = 0
    /// A process that is stopped does nothing before.
    var pausedUntil: Int64 = 0
    var nextAction: Int64 = 0

    init(number: Int, group: String, instanceID: String?, leaves: Bool) {
        self.number = number
        self.group = group
        self.instanceID = instanceID
        isCooperativeLeaver = leaves
    }

    var isDead: Bool { if case .dead = state { true } else { false } }

    /// Who it is to the group, whatever its member id: static members keep their partitions.
    var owner: String { instanceID ?? memberID }

    /// Takes the answer to a join. Returns false if it has to ask again at once.
    func joined(_ answer: JoinAnswer) {
        switch answer.error {
        case .none:
            memberID = answer.memberID
            generation = answer.generation
            state = .joined(answer.members.map(\.memberID))
        case .memberIDRequired: memberID = answer.memberID
        case .unknownMemberID: forgetMembership()
        case .fencedInstanceID: state = .dead
        default: break
        }
    }

    func synced(_ answer: SyncAnswer) {
        switch answer.error {
        case .none:
            assigned = answer.assignment
            state = .member
        default: failed(answer.error)
        }
    }

    /// Any request of a member was refused.
    func failed(_ error: ErrorCode) {
        switch error {
        case .none: break
        case .unknownMemberID: forgetMembership()
        case .fencedInstanceID: state = .dead
        case .illegalGeneration, .rebalanceInProgress: state = .outside
        default: break
        }
    }

    private func forgetMembership() {
        memberID = ""
        generation = -1
        assigned = []
        state = .outside
    }
}
