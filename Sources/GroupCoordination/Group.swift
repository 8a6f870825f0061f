// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel
import KafkaProtocol
internal import NIOCore
import OrderedCollections

/// One group: its members, their rebalances, and the positions that it has committed.
///
/// Owned by the `GroupCoordinator` of its partition. What a call wants done goes into the `Turn`.
struct Group: Sendable {
    static let consumerProtocol = "consumer"

    let id: String
    var state = GroupState.empty
    /// When the group came into its state, by the wall clock; nil if a record of an old version did not say.
    var stateSince: Timestamp?
    var generation: Int32 = 0
    /// Nil while the group had no members: then it only keeps positions.
    var protocolType: String?
    var protocolName: String?
    var leader: String?
    /// In the order in which they joined.
    var members: OrderedDictionary<String, Member> = [:]
    /// The member ids of static members, by instance id.
    var staticMembers: [String: String] = [:]
    /// Ids that were given out and have not been used yet (KIP-394), with the uptimes at which they end.
    private(set) var pendingMembers: [String: Int64] = [:]
    /// The first of those uptimes, or one before it: ids that were used are not looked for.
    private(set) var pendingDeadline = Int64.max
    /// Members that have not yet asked for their assignment in this generation.
    var pendingSync: Set<String> = []
    /// The topics of a consumer group; nil if not known.
    var subscribedTopics: Set<String>?

    /// The uptime at which the rebalance ends even if members are missing.
    var joinDeadline: Int64?
    /// For the first rebalance of an empty group: how much longer it may yet be put off, in milliseconds.
    var initialDelayLeft: Int64?
    /// Whether a member came during the current delay.
    var hasNewMember = false
    /// The uptime at which members that did not ask for their assignment are removed.
    var syncDeadline: Int64?

    var offsets: [TopicPartition: StoredOffset] = [:]
    /// Positions on their way to the log.
    var pendingOffsets: [TopicPartition: CommittedOffset] = [:]
    /// Positions that belong to open transactions.
    var transactionalOffsets: [ProducerID: [TopicPartition: PendingTransactionalOffset]] = [:]

    /// The coordinator's entry for this group in its queue of deadlines.
    var queuedWake: Int64?

    init(id: String) {
        self.id = id
    }

    /// A position on the log.
    struct StoredOffset: Hashable, Sendable {
        var committed: CommittedOffset
        /// Where the record lies: of two, the later counts.
        var recordOffset: Offset
    }

    struct PendingTransactionalOffset: Hashable, Sendable {
        /// The one that counts if the transaction is committed; nil until a record is on the log.
        var stored: StoredOffset?
        /// How many are on their way there: a request that comes twice is stored twice.
        var underway = 0
        /// The last end of the producer's transactions, if records are on their way that may lie before it.
        var end: TransactionEnd?
    }

    /// A marker on the log.
    struct TransactionEnd: Hashable, Sendable {
        var isCommit: Bool
        var markerOffset: Offset
    }

    // MARK: Facts

    var isConsumerGroup: Bool { protocolType == Self.consumerProtocol }

    /// The longest that any member needs to come back, in milliseconds.
    var rebalanceTimeout: Int64 { Int64(members.values.map(\.rebalanceTimeout).max() ?? 0) }

    var hasOffsets: Bool { !offsets.isEmpty || !pendingOffsets.isEmpty || !transactionalOffsets.isEmpty }

    var hasAllMembersJoined: Bool {
        pendingMembers.isEmpty && members.values.allSatisfy { $0.awaitingJoin != nil }
    }

    /// The protocols that all members have.
    private var candidates: Set<String> {
        guard let first = members.values.first else { return [] }
        return members.values.reduce(into: Set(first.protocols.map(\.name))) { names, member in
            names.formIntersection(member.protocols.map(\.name))
        }
    }

    /// Each member votes for the first of its protocols that all have.
    func selectedProtocol() -> String? {
        let candidates = candidates
        var votes: OrderedDictionary<String, Int> = [:]
        for member in members.values {
            if let vote = member.vote(candidates) { votes[vote, default: 0] += 1 }
        }
        return votes.max { $0.value < $1.value }?.key
    }

    /// Whether a member with these protocols can join.
    func supports(_ type: String, _ protocols: [GroupProtocol]) -> Bool {
        if state == .empty { return !type.isEmpty && !protocols.isEmpty }
        guard protocolType == type else { return false }
        // Clients have few; who names thousands must not cost their square.
        if protocols.count > 8, !members.isEmpty { return !candidates.isDisjoint(with: protocols.lazy.map(\.name)) }
        return protocols.contains { offered in
            members.values.allSatisfy { member in member.protocols.contains { $0.name == offered.name } }
        }
    }

    /// What is wrong with a request of a member; nil if nothing is.
    func error(memberID: String, instanceID: String?) -> ErrorCode? {
        if let instanceID {
            guard let current = staticMembers[instanceID] else { return .unknownMemberID }
            guard current == memberID else { return .fencedInstanceID }
        }
        return members[memberID] == nil ? .unknownMemberID : nil
    }

    func accepts(_ memberID: String, maxSize: Int) -> Bool {
        switch state {
        case .empty, .dead: true
        case .preparingRebalance:
            members[memberID]?.awaitingJoin != nil
                || members.values.count { $0.awaitingJoin != nil } < maxSize
        case .completingRebalance, .stable: members[memberID] != nil || members.count < maxSize
        }
    }

    /// What the leader is told about everyone.
    func joinAnswerMembers() -> [JoinAnswer.Member] {
        members.values.map {
            JoinAnswer.Member(
                memberID: $0.id, instanceID: $0.instanceID, metadata: $0.metadata(protocolName ?? ""))
        }
    }

    /// The uptime at which the group next needs to be looked at.
    var nextDeadline: Int64? {
        var next = Int64.max
        if let joinDeadline { next = min(next, joinDeadline) }
        if let syncDeadline { next = min(next, syncDeadline) }
        next = min(next, pendingDeadline)
        for member in members.values where member.timerCounts { next = min(next, member.deadline) }
        return next == .max ? nil : next
    }

    // MARK: Changes

    mutating func enter(_ state: GroupState, at now: Timestamp) {
        self.state = state
        stateSince = now
    }

    mutating func add(_ member: Member, protocolType: String) {
        if members.isEmpty { self.protocolType = protocolType }
        if let instanceID = member.instanceID { staticMembers[instanceID] = member.id }
        if leader == nil { leader = member.id }
        members[member.id] = member
        forgetPending(member.id)
    }

    /// Gives an id out. Anybody can have as many as they ask for, so at some point each costs another one, the next to end;
    /// its client asks again.
    mutating func addPending(_ memberID: String, until deadline: Int64) {
        if pendingMembers.count >= GroupConfiguration.maxPendingMembers,
            let oldest = pendingMembers.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })
        {
            pendingMembers[oldest.key] = nil
        }
        pendingMembers[memberID] = deadline
        pendingDeadline = min(pendingDeadline, deadline)
    }

    private mutating func forgetPending(_ memberID: String) {
        pendingMembers[memberID] = nil
        if pendingMembers.isEmpty { pendingDeadline = .max }
    }

    mutating func expirePending(at uptime: Int64) {
        guard pendingDeadline <= uptime else { return }
        pendingMembers = pendingMembers.filter { $0.value > uptime }
        pendingDeadline = pendingMembers.values.min() ?? .max
    }

    mutating func remove(_ memberID: String) {
        if let member = members.removeValue(forKey: memberID), let instanceID = member.instanceID,
            staticMembers[instanceID] == memberID
        {
            staticMembers[instanceID] = nil
        }
        if leader == memberID { leader = members.keys.first }
        forgetPending(memberID)
        pendingSync.remove(memberID)
        if pendingSync.isEmpty { syncDeadline = nil }
    }

    /// The topics that the members of a consumer group subscribe to, as their metadata says.
    func computedSubscribedTopics() -> Set<String>? {
        guard isConsumerGroup else { return nil }
        if members.isEmpty { return [] }
        guard let protocolName else { return nil }
        var topics: Set<String> = []
        for member in members.values {
            // Others may use the name of the protocol type for metadata of their own.
            var bytes = ByteBuffer(bytes: member.metadata(protocolName))
            guard let version = bytes.readInteger(as: Int16.self), version >= 0,
                let subscription = try? ConsumerProtocolSubscription(
                    decoding: bytes, version: min(version, ConsumerProtocolSubscription.versions.upperBound))
            else { return nil }
            topics.formUnion(subscription.topics)
        }
        return topics
    }
}
