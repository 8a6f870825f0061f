// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// One replica's place in its partition: what the controller has made of it, and what follows for everybody who asks.
///
/// A pure machine under the partition's lock, which lives as long as the replica is hosted. It decides what a LeaderAndIsr
/// means (``verdict(on:isAlive:)``); its owner does what is due to the log, and then tells that it leads
/// (``lead(_:log:_:now:isAlive:)``) or follows (``follow(_:leader:)``). Time is in milliseconds of a clock that does not
/// jump.
package struct PartitionReplica: Sendable {
    package enum Role: Sendable {
        /// Known, but told neither to lead nor to follow yet.
        case idle
        case leader(LeaderReplication)
        /// Nil while the partition has no leader, or one that is not known to live.
        case follower(leader: BrokerID?)
    }

    package let localID: BrokerID
    package private(set) var role = Role.idle
    package private(set) var leaderEpoch: LeaderEpoch = -1
    package private(set) var partitionEpoch: PartitionEpoch = -1
    /// The controllership that made the current leader.
    package private(set) var controllerEpoch: ControllerEpoch = -1
    package private(set) var replicas: [BrokerID] = []
    package private(set) var topicID: KafkaUUID?
    /// The topic's id as the controller named it last, by which the leader is asked: where the controller knows none, the
    /// leader may not either.
    package private(set) var namedTopicID: KafkaUUID?
    /// The epoch in which this broker began to lead without a break since; meaningless while it does not.
    private var leadingSince: LeaderEpoch = -1

    package init(localID: BrokerID) { self.localID = localID }

    package var isLeader: Bool { if case .leader = role { true } else { false } }

    /// The leader's machine; nil while this broker does not lead.
    package var leader: LeaderReplication? { if case .leader(let leader) = role { leader } else { nil } }
}

// MARK: What the controller says

extension PartitionReplica {
    package enum Verdict: Hashable, Sendable {
        /// Nothing changes, and this is the answer.
        case unchanged(ErrorCode)
        /// Only the topic's id is new (KIP-516).
        case learn(KafkaUUID)
        /// The controller has ceased to name the topic's id: the leader is asked by the topic's name from now on. The
        /// id itself stays.
        case followByName
        case lead
        /// Nil when there is no leader, or none that lives as far as is known.
        case follow(BrokerID?)
    }

    /// What a LeaderAndIsr means for this replica. Changes nothing.
    ///
    /// A leader epoch that is not newer is refused: the controller knows less than this broker does. A partition epoch that
    /// is older than an in-sync set that was confirmed meanwhile is passed over in silence.
    package func verdict(on change: LeaderAndIsrPartition, isAlive: (BrokerID) -> Bool) -> Verdict {
        guard change.replicas.contains(localID) else { return .unchanged(.unknownTopicOrPartition) }
        if let topicID, let expected = change.topicID, topicID != expected { return .unchanged(.inconsistentTopicID) }
        guard change.leaderEpoch > leaderEpoch else {
            guard change.leaderEpoch == leaderEpoch else { return .unchanged(.staleControllerEpoch) }
            if topicID == nil, let id = change.topicID { return .learn(id) }
            if topicID != nil, change.topicID == nil, case .follower = role { return .followByName }
            return .unchanged(.staleControllerEpoch)
        }
        if change.partitionEpoch < partitionEpoch { return .unchanged(.none) }
        if change.leader == localID { return .lead }
        return .follow(change.leader >= 0 && isAlive(change.leader) ? change.leader : nil)
    }

    /// What the leader's machine must know of topic and broker.
    package struct LeadershipSettings: Hashable, Sendable {
        /// `min.insync.replicas`.
        package var minimumInSync: Int
        /// `replica.lag.time.max.ms`.
        package var maximumLag: Int64

        package init(minimumInSync: Int, maximumLag: Int64) {
            self.minimumInSync = minimumInSync
            self.maximumLag = maximumLag
        }
    }

    /// Leads, or goes on leading under a new epoch. The epoch's start is in the log's epochs already.
    package mutating func lead(
        _ change: LeaderAndIsrPartition, log: FollowerReplication.LocalLog, _ settings: LeadershipSettings,
        now: Timestamp, isAlive: (BrokerID) -> Bool
    ) -> [LeaderReplication.Action] {
        take(change)
        let leadership = Leadership(
            leaderEpoch: change.leaderEpoch, partitionEpoch: change.partitionEpoch, replicas: change.replicas,
            inSyncReplicas: change.inSyncReplicas)
        if case .leader(var leader) = role {
            let actions = leader.lead(leadership, epochStart: log.logEnd, logEnd: log.logEnd, now: now)
            role = .leader(leader)
            return actions
        }
        leadingSince = change.leaderEpoch
        var leader = LeaderReplication(
            localID: localID, leadership, epochStart: log.logEnd, logEnd: log.logEnd,
            highWatermark: log.highWatermark, minimumInSync: settings.minimumInSync,
            maximumLag: settings.maximumLag, now: now)
        // An only replica has committed all that it has.
        let actions = leader.begin(now: now, isAlive: isAlive)
        role = .leader(leader)
        return actions
    }

    /// Follows; nil while there is nobody to follow.
    package mutating func follow(_ change: LeaderAndIsrPartition, leader: BrokerID?) {
        take(change)
        role = .follower(leader: leader)
    }

    package mutating func learn(_ id: KafkaUUID) {
        topicID = id
        namedTopicID = id
    }

    /// Asks the leader by the topic's name.
    ///
    /// - Returns: the leader whose fetching must begin anew; nil when there is none, or the name was used already.
    package mutating func followByName() -> BrokerID? {
        guard namedTopicID != nil, case .follower(let leader) = role else { return nil }
        namedTopicID = nil
        return leader
    }

    /// Why a StopReplica is refused; `none` when it may be carried out.
    /// - Parameter epoch: −2 while the topic is being deleted, −1 when the request does not say.
    package func refusal(ofStopIn epoch: LeaderEpoch) -> ErrorCode {
        epoch >= 0 && epoch < leaderEpoch ? .fencedLeaderEpoch : .none
    }

    /// StopReplica without deletion: it stays known, so that a later LeaderAndIsr finds it, but serves nobody.
    package mutating func stop() {
        if case .leader = role { role = .follower(leader: nil) }
    }

    /// Stops being anything: it was deleted, or its log directory has failed.
    package mutating func retire() { role = .idle }

    /// The metadata shows a leader alive that this replica was told to follow already.
    ///
    /// - Returns: whether it follows now, and fetching must begin. What the controller has said since then holds.
    package mutating func leaderAppeared(_ leader: BrokerID, leaderEpoch: LeaderEpoch) -> Bool {
        guard isWaitingForLeader, self.leaderEpoch == leaderEpoch, leader != localID else { return false }
        role = .follower(leader: leader)
        return true
    }

    package var isWaitingForLeader: Bool {
        if case .follower(leader: nil) = role { true } else { false }
    }

    private mutating func take(_ change: LeaderAndIsrPartition) {
        leaderEpoch = change.leaderEpoch
        partitionEpoch = change.partitionEpoch
        controllerEpoch = change.controllerEpoch
        replicas = change.replicas
        topicID = change.topicID ?? topicID
        namedTopicID = change.topicID
    }
}

// MARK: Producers and readers

extension PartitionReplica {
    /// Why a reader is refused; `none` when it may be served.
    ///
    /// - Parameters:
    ///   - epoch: the leadership as the reader knows it; −1: not checked.
    ///   - topicID: the topic's id as the reader knows it; zero: not checked.
    ///   - follower: the broker that reads as a replica.
    package func refusal(
        ofReaderIn epoch: LeaderEpoch, topicID: KafkaUUID = .zero, follower: BrokerID? = nil, leaderOnly: Bool
    ) -> ErrorCode {
        if let known = self.topicID, !topicID.isZero, topicID != known { return .inconsistentTopicID }
        let error = EpochCheck.error(requested: epoch, current: leaderEpoch)
        guard error.isNone else { return error }
        switch role {
        case .leader(let leader):
            guard let follower, leader.remotes[follower] == nil else { return .none }
            // A replica that was just added may know of it before this leader does: it tries again after this error.
            return epoch >= 0 ? .unknownLeaderEpoch : .notLeaderOrFollower
        case .follower: return leaderOnly ? .notLeaderOrFollower : .none
        case .idle: return .notLeaderOrFollower
        }
    }

    /// Who leads, as the controller has told this replica: nil for nobody, or nobody known to live.
    package var knownLeader: BrokerID? {
        switch role {
        case .leader: localID
        case .follower(let leader): leader
        case .idle: nil
        }
    }

    /// Why records are not appended; `none` when they may be, under ``leaderEpoch``.
    package func refusal(ofAppendWithAcksAll needsAll: Bool) -> ErrorCode {
        guard case .leader(let leader) = role else { return .notLeaderOrFollower }
        return needsAll ? leader.admitsAcksAll() : .none
    }

    /// What to tell a producer with acks=all whose last record was appended at `last` in leader epoch `epoch`; nil while
    /// replicas are missing.
    ///
    /// Whoever has followed in between may have cut these records off, and hold others at their offsets.
    package func acknowledgement(through last: Offset, appendedIn epoch: LeaderEpoch) -> ErrorCode? {
        guard case .leader(let leader) = role, epoch >= leadingSince else { return .notLeaderOrFollower }
        return switch leader.outcome(ofProduceUpTo: last + 1) {
        case .waiting: nil
        case .done(let error): error
        }
    }

    /// Whether the high watermark still lies behind the start of this leadership, so that an earlier leader may have told
    /// a larger one (KIP-207).
    package var isMarkUncertain: Bool {
        guard case .leader(let leader) = role else { return false }
        return leader.highWatermark < leader.epochStart
    }
}

// MARK: The leader's machine

extension PartitionReplica {
    /// What a follower's fetch says of its log.
    package struct FollowerFetch: Hashable, Sendable {
        package var follower: BrokerID
        package var offset: Offset
        package var logStart: Offset
        /// The leadership as the follower knows it; −1 when it does not say.
        package var leaderEpoch: LeaderEpoch
        /// The epoch of the last record that it has; −1 when it does not say (KIP-595).
        package var lastFetchedEpoch: LeaderEpoch
        /// The topic's id as the follower knows it; zero when it does not say.
        package var topicID: KafkaUUID
        /// Of the life of the broker that has sent it; −1 when it does not say (KIP-903).
        package var brokerEpoch: BrokerEpoch

        package init(
            follower: BrokerID, offset: Offset, logStart: Offset, leaderEpoch: LeaderEpoch,
            lastFetchedEpoch: LeaderEpoch, topicID: KafkaUUID = .zero, brokerEpoch: BrokerEpoch = -1
        ) {
            self.follower = follower
            self.offset = offset
            self.logStart = logStart
            self.leaderEpoch = leaderEpoch
            self.lastFetchedEpoch = lastFetchedEpoch
            self.topicID = topicID
            self.brokerEpoch = brokerEpoch
        }
    }

    /// A follower fetches, which proves that it holds what lies below its offset, if it means this topic and leadership and
    /// its log does not part from this one.
    ///
    /// - Parameters:
    ///   - known: where the epoch that the follower read last, or the largest below it, ended here; nil when undefined.
    ///   - isAlive: whether the metadata knows a broker as running.
    package mutating func fetched(
        _ fetch: FollowerFetch, log: FollowerReplication.LocalLog, known: (epoch: LeaderEpoch, end: Offset)?,
        now: Timestamp, isAlive: (BrokerID) -> Bool
    ) -> [LeaderReplication.Action] {
        guard refusal(ofReaderIn: fetch.leaderEpoch, topicID: fetch.topicID, leaderOnly: true).isNone,
            fetch.offset >= log.logStart, fetch.offset <= log.logEnd, !endsBelowDeleted(fetch, log),
            EpochCheck.divergence(
                lastFetched: fetch.lastFetchedEpoch, offset: fetch.offset, logStart: log.logStart, known: known)
                == .none
        else { return [] }
        return withLeader { leader in
            leader.follower(
                fetch.follower, fetchedFrom: fetch.offset, logStart: fetch.logStart, brokerEpoch: fetch.brokerEpoch,
                now: now, isAlive: isAlive)
        } ?? []
    }

    /// Whether a follower has nothing but what was deleted here, and has not let go of it yet, as it will with the answer. This
    /// log cannot tell any more whether those records were the same; to count the follower now (Kafka does) could make a
    /// leader of it that has others at offsets which were committed.
    private func endsBelowDeleted(_ fetch: FollowerFetch, _ log: FollowerReplication.LocalLog) -> Bool {
        fetch.offset == log.logStart && fetch.logStart >= 0 && fetch.logStart < log.logStart
    }

    /// Lets the leader's machine see an event; nil when this broker does not lead.
    package mutating func withLeader<Result>(_ body: (inout LeaderReplication) -> Result) -> Result? {
        guard case .leader(var leader) = role else { return nil }
        // Let go of it, so that it is changed where it lies and not copied.
        role = .idle
        let result = body(&leader)
        role = .leader(leader)
        partitionEpoch = leader.leadership.partitionEpoch
        return result
    }
}
