// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What the controller said about a partition that this broker leads.
package struct Leadership: Hashable, Sendable {
    package var leaderEpoch: LeaderEpoch
    package var partitionEpoch: PartitionEpoch
    package var replicas: [BrokerID]
    package var inSyncReplicas: [BrokerID]

    package init(
        leaderEpoch: LeaderEpoch, partitionEpoch: PartitionEpoch, replicas: [BrokerID], inSyncReplicas: [BrokerID]
    ) {
        self.leaderEpoch = leaderEpoch
        self.partitionEpoch = partitionEpoch
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
    }
}

/// The leader's side of one partition: who is in sync, and how far records are committed.
///
/// A pure machine, owned by the partition and used under its lock. It lives from the LeaderAndIsr that makes this broker
/// leader to the one that makes it follower; a new leader epoch in between is ``lead(_:epochStart:logEnd:now:)`` again.
/// Offsets of the own log come as arguments, time too, as milliseconds of one clock.
///
/// The high watermark never moves back, and moves only when every replica that *may* be in sync has the records: a
/// member proposed to the controller counts at once, since the controller may have accepted it already; one proposed for
/// removal counts until the removal is confirmed (KIP-497).
package struct LeaderReplication: Sendable {
    /// A change of the in-sync set that the controller is to confirm.
    package struct Proposal: Hashable, Sendable {
        package var leaderEpoch: LeaderEpoch
        package var partitionEpoch: PartitionEpoch
        package var inSyncReplicas: [BrokerID]

        package init(leaderEpoch: LeaderEpoch, partitionEpoch: PartitionEpoch, inSyncReplicas: [BrokerID]) {
            self.leaderEpoch = leaderEpoch
            self.partitionEpoch = partitionEpoch
            self.inSyncReplicas = inSyncReplicas
        }
    }

    package enum Action: Hashable, Sendable {
        /// Submit an AlterPartition, and report its outcome.
        case propose(Proposal)
        /// The high watermark is there now: complete what waited for it.
        case highWatermarkAdvanced(Offset)
    }

    private enum InSyncState: Hashable, Sendable {
        /// What the controller last confirmed. May go to `expanding` and `shrinking`.
        case committed
        /// Waits for the controller, or for a new LeaderAndIsr. Goes to `committed`.
        case expanding(BrokerID, Proposal)
        case shrinking(Proposal)
    }

    package let localID: BrokerID
    package private(set) var leadership: Leadership
    /// Where the log ended when this leader epoch began.
    package private(set) var epochStart: Offset
    package private(set) var highWatermark: Offset
    package private(set) var remotes: [BrokerID: RemoteReplica] = [:]
    /// `min.insync.replicas` of the topic.
    package var minimumInSync: Int
    /// `replica.lag.time.max.ms`.
    package var maximumLag: Int64
    private var logEnd: Offset
    /// How many records were not committed just before some of them were, the last time.
    private var lastGathered: Int64 = 0
    private var state: InSyncState = .committed

    /// - Parameter highWatermark: the checkpointed one, already within the log.
    package init(
        localID: BrokerID, _ leadership: Leadership, epochStart: Offset, logEnd: Offset, highWatermark: Offset,
        minimumInSync: Int, maximumLag: Int64, now: Timestamp
    ) {
        self.localID = localID
        self.leadership = leadership
        self.epochStart = epochStart
        self.highWatermark = highWatermark
        self.minimumInSync = minimumInSync
        self.maximumLag = maximumLag
        self.logEnd = logEnd
        resetRemotes(now, ledBefore: false)
    }
}

// MARK: What is known

extension LeaderReplication {
    /// The confirmed in-sync set, in the controller's order.
    package var inSyncReplicas: [BrokerID] { leadership.inSyncReplicas }

    /// The confirmed set and whoever was proposed to join it.
    package var maximalInSyncReplicas: [BrokerID] {
        if case .expanding(let id, _) = state { return inSyncReplicas + [id] }
        return inSyncReplicas
    }

    package var isProposalInFlight: Bool { state != .committed }

    /// `min.insync.replicas`, but never more than there are replicas.
    package var effectiveMinimumInSync: Int { min(minimumInSync, max(1, leadership.replicas.count)) }

    package var isUnderMinimumInSync: Bool { inSyncReplicas.count < effectiveMinimumInSync }
    package var isUnderReplicated: Bool { inSyncReplicas.count < leadership.replicas.count }
}

// MARK: Leadership and the log

extension LeaderReplication {
    /// The controller speaks again: a new epoch, or the same with other replicas.
    package mutating func lead(
        _ new: Leadership, epochStart: Offset, logEnd: Offset, now: Timestamp
    ) -> [Action] {
        let before = leadership.leaderEpoch
        leadership = new
        self.logEnd = logEnd
        state = .committed
        if new.leaderEpoch > before {
            self.epochStart = epochStart
            // In an epoch between, of which this broker was not told, another may have led, and followers have cut off what they
            // had from this one. To count that as theirs (Kafka does) would commit what they do not have.
            resetRemotes(now, ledBefore: new.leaderEpoch == before + 1)
        } else {
            keepRemotes()
        }
        return advance(now, isAlive: { _ in true })
    }

    /// To be called once after `init`: a single replica commits by itself what its log holds.
    package mutating func begin(now: Timestamp, isAlive: (BrokerID) -> Bool) -> [Action] {
        advance(now, isAlive: isAlive)
    }

    /// Records were appended to the own log.
    package mutating func appended(logEnd: Offset, now: Timestamp, isAlive: (BrokerID) -> Bool) -> [Action] {
        self.logEnd = logEnd
        return advance(now, isAlive: isAlive)
    }

    private mutating func resetRemotes(_ now: Timestamp, ledBefore: Bool) {
        keepRemotes()
        let members = inSyncReplicas
        for id in Array(remotes.keys) {
            remotes[id]?.epochBegan(
                leaderEnd: logEnd, ledBefore: ledBefore, isInSync: members.contains(id), now: now)
        }
    }

    private mutating func keepRemotes() {
        // A reassignment that ends takes a replica away while it is still in sync: until it is not, it counts.
        let others = (leadership.replicas + leadership.inSyncReplicas).filter { $0 != localID }
        for id in Array(remotes.keys) where !others.contains(id) { remotes[id] = nil }
        for id in others where remotes[id] == nil { remotes[id] = RemoteReplica() }
    }

    /// The mark goes to the smallest log end among those that count, unless too few are in sync to commit anything.
    private mutating func advance(_ now: Timestamp, isAlive: (BrokerID) -> Bool) -> [Action] {
        guard !isUnderMinimumInSync else { return [] }
        let maximal = maximalInSyncReplicas
        var committed = logEnd
        for (id, remote) in remotes where remote.logEnd < committed {
            // One that has caught up is about to join: waiting for it spares it from falling out again at once.
            let counts =
                maximal.contains(id)
                || remote.isCaughtUp(leaderEnd: logEnd, now: now, maximumLag: maximumLag) && isAlive(id)
            if counts { committed = remote.logEnd }
        }
        guard committed > highWatermark else { return [] }
        lastGathered = logEnd - highWatermark
        highWatermark = committed
        return [.highWatermarkAdvanced(committed)]
    }
}

// MARK: Followers

extension LeaderReplication {
    /// A follower fetched. Epochs are already checked, and the offset did not diverge.
    /// - Parameters:
    ///   - brokerEpoch: of the life of the broker that has sent it; −1 when it does not say.
    ///   - isAlive: whether the metadata knows a broker as running; only such join the in-sync set.
    /// - Returns: nothing when the broker is not a replica of this partition, or has begun another life since.
    package mutating func follower(
        _ id: BrokerID, fetchedFrom offset: Offset, logStart: Offset, brokerEpoch: BrokerEpoch = -1, now: Timestamp,
        isAlive: (BrokerID) -> Bool
    ) -> [Action] {
        guard var remote = remotes[id], remote.isOfCurrentLife(brokerEpoch) else { return [] }
        let before = remote.logEnd
        remote.fetched(from: offset, logStart: logStart, leaderEnd: logEnd, now: now)
        remotes[id] = remote
        var actions: [Action] = []
        if state == .committed, !inSyncReplicas.contains(id), isAlive(id), offset >= highWatermark,
            offset >= epochStart
        {
            let proposal = proposal(inSyncReplicas + [id])
            state = .expanding(id, proposal)
            actions.append(.propose(proposal))
        }
        if before != offset { actions += advance(now, isAlive: isAlive) }
        return actions
    }

    /// To be called every half of ``maximumLag``: whoever has not caught up within it leaves the in-sync set.
    package mutating func removeLaggards(now: Timestamp) -> [Action] {
        guard state == .committed else { return [] }
        let staying = inSyncReplicas.filter { id in
            id == localID
                || remotes[id]?.isCaughtUp(leaderEnd: logEnd, now: now, maximumLag: maximumLag) == true
        }
        guard staying.count < inSyncReplicas.count else { return [] }
        let proposal = proposal(staying)
        state = .shrinking(proposal)
        return [.propose(proposal)]
    }

    private func proposal(_ members: [BrokerID]) -> Proposal {
        Proposal(
            leaderEpoch: leadership.leaderEpoch, partitionEpoch: leadership.partitionEpoch, inSyncReplicas: members)
    }
}

// MARK: The controller's answer

extension LeaderReplication {
    private func isCurrent(_ proposal: Proposal) -> Bool {
        switch state {
        case .committed: false
        case .expanding(_, let pending), .shrinking(let pending): pending == proposal
        }
    }

    /// The controller answered with the partition's state. What is older than what is known here is ignored.
    package mutating func accepted(
        _ proposal: Proposal, leaderEpoch: LeaderEpoch, partitionEpoch: PartitionEpoch, inSyncReplicas: [BrokerID],
        now: Timestamp, isAlive: (BrokerID) -> Bool
    ) -> [Action] {
        guard isCurrent(proposal), leaderEpoch == leadership.leaderEpoch,
            partitionEpoch >= leadership.partitionEpoch
        else { return [] }
        state = .committed
        leadership.inSyncReplicas = inSyncReplicas
        leadership.partitionEpoch = partitionEpoch
        return advance(now, isAlive: isAlive)
    }

    /// The controller refused. Some refusals say that the set stays as it was, some that this leader is about to hear
    /// something new and must wait for it, all others are worth another try.
    ///
    /// A controller that does not know the partition may be about to have it deleted, or be unable to read the topic's node
    /// until somebody mends it. It has not looked at the set, which the same wish may have changed before, when its answer was
    /// lost: so the wish stays, and is told again. (Kafka's leader waits for ever.)
    package mutating func refused(_ proposal: Proposal, _ error: ErrorCode) -> [Action] {
        guard isCurrent(proposal) else { return [] }
        switch error {
        case .operationNotAttempted, .ineligibleReplica:
            state = .committed
            return []
        case .unknownTopicID, .fencedLeaderEpoch, .invalidUpdateVersion, .invalidRequest:
            return []
        default:
            return [.propose(proposal)]
        }
    }
}

// MARK: Below inter-broker protocol 2.7-IV2

extension LeaderReplication {
    /// This leader has written the set itself, at the version that it knew.
    ///
    /// - Parameter version: the version that it has now; nil when another write came first, whose author, the controller, is
    ///   about to tell of it.
    package mutating func wrote(
        _ proposal: Proposal, version: PartitionEpoch?, now: Timestamp, isAlive: (BrokerID) -> Bool
    ) -> [Action] {
        guard let version else { return refused(proposal, .invalidUpdateVersion) }
        return accepted(
            proposal, leaderEpoch: proposal.leaderEpoch, partitionEpoch: version,
            inSyncReplicas: proposal.inSyncReplicas, now: now, isAlive: isAlive)
    }
}

// MARK: Producers, deletion, readers

extension LeaderReplication {
    package enum ProduceOutcome: Hashable, Sendable {
        case waiting
        case done(ErrorCode)
    }

    /// Whether records with acks=all may be appended: `none`, or NOT_ENOUGH_REPLICAS.
    package func admitsAcksAll() -> ErrorCode { isUnderMinimumInSync ? .notEnoughReplicas : .none }

    /// Where an acks=all request stands that waits for every offset below `offset`.
    package func outcome(ofProduceUpTo offset: Offset) -> ProduceOutcome {
        guard highWatermark >= offset else { return .waiting }
        let isEnough = maximalInSyncReplicas.count >= effectiveMinimumInSync
        return .done(isEnough ? .none : .notEnoughReplicasAfterAppend)
    }

    /// Whether there are records for a follower that fetches from an offset, and it should have them now: it lacks committed
    /// ones, or as many wait for their commitment as did the last time. See ``AnswerGathering``.
    package func hasGathered(for offset: Offset) -> Bool {
        offset < highWatermark || offset < logEnd && logEnd - highWatermark >= lastGathered
    }

    /// The smallest log start among this replica and all living ones; what DeleteRecords waits for. −1 while a living
    /// follower's is unknown.
    package func lowWatermark(logStart: Offset, isAlive: (BrokerID) -> Bool) -> Offset {
        remotes.filter { isAlive($0.key) }.reduce(logStart) { min($0, $1.value.logStart) }
    }

    /// The replica that a consumer in `rack` should read `offset` from, when that is not this leader (KIP-392, the
    /// rack-aware selector): in sync, holding the offset, in the same rack, the most caught up of those.
    package func preferredReadReplica(
        rack: String, offset: Offset, rackOf: (BrokerID) -> String?
    ) -> BrokerID? {
        guard rackOf(localID) != rack else { return nil }
        let candidates = remotes.filter { id, remote in
            inSyncReplicas.contains(id) && remote.logEnd >= offset && remote.logStart <= offset && rackOf(id) == rack
        }
        return candidates.max { left, right in
            (left.value.logEnd, left.value.lastCaughtUp ?? .min, right.key) < (
                right.value.logEnd, right.value.lastCaughtUp ?? .min, left.key
            )
        }?.key
    }
}
