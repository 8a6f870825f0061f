// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What a partition's leader knows of its followers, and what follows from it: the high watermark, the in-sync set, and
/// when a record counts as replicated.
///
/// A machine: each event is a method that returns what is to be done. Offsets, times and liveness are told; times are
/// milliseconds of a clock that does not jump. Lives from becoming leader until another broker is.
///
/// The in-sync set changes in two steps, since the controller decides (KIP-497): a *proposed* set is in flight, the
/// *committed* one is what the controller last confirmed. A proposed member holds the high watermark back at once, for
/// the controller may have accepted it already; one whose removal is proposed goes on holding it back until the
/// removal is confirmed. So the high watermark waits for the *maximal* set, the union of both.
package struct LeaderReplication: Sendable {
    /// What the leader's owner must do.
    package enum Action: Hashable, Sendable {
        /// The mark moved: reads, produces and deletions that waited for it may go on.
        case highWatermarkAdvanced(Offset)
        /// Ask the controller for this in-sync set, with the epochs of this leadership.
        case proposeInSyncReplicas([BrokerID])
    }

    /// What the controller said when it made this broker leader.
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

    /// What is known of one follower.
    package struct Follower: Hashable, Sendable {
        /// −1 while it has not fetched from this leader.
        package fileprivate(set) var logEnd: Offset = -1
        package fileprivate(set) var logStart: Offset = -1
        /// When it last had everything that the leader had at that time.
        package fileprivate(set) var lastCaughtUp: Int64
        fileprivate var lastFetchTime: Int64 = 0
        /// Where the leader's log ended when the follower last fetched.
        fileprivate var leaderEndAtLastFetch: Offset = 0
    }

    private enum Change: Hashable {
        case expansion(to: [BrokerID])
        case shrinkage(to: [BrokerID])

        var target: [BrokerID] {
            switch self {
            case .expansion(let target), .shrinkage(let target): target
            }
        }
    }

    package let localID: BrokerID
    package private(set) var leadership: Leadership
    /// The log's end when the leadership began; a follower below it cannot be in sync.
    package private(set) var epochStart: Offset
    package private(set) var highWatermark: Offset
    package private(set) var logEnd: Offset
    package private(set) var followers: [BrokerID: Follower] = [:]
    /// `min.insync.replicas` of the topic.
    package private(set) var minInSyncReplicas: Int
    /// `replica.lag.time.max.ms`.
    private let lagTimeMax: Int64
    /// Brokers that live, as the metadata says; only those may join the in-sync set.
    private var alive: Set<BrokerID>
    private var change: Change?
    /// After some refusals nothing is proposed until the controller has told the state anew.
    private var isFrozen = false

    package init(
        localID: BrokerID, leadership: Leadership, logEnd: Offset, highWatermark: Offset, minInSyncReplicas: Int,
        lagTimeMax: Int64, alive: Set<BrokerID>, now: Int64
    ) {
        self.localID = localID
        self.leadership = leadership
        self.logEnd = logEnd
        self.highWatermark = highWatermark
        self.minInSyncReplicas = minInSyncReplicas
        self.lagTimeMax = lagTimeMax
        self.alive = alive
        epochStart = logEnd
        for id in leadership.replicas where id != localID {
            followers[id] = Follower(lastCaughtUp: leadership.inSyncReplicas.contains(id) ? now : 0)
        }
    }

    /// The leadership goes on under a newer epoch. Followers' log ends are still known; those in sync count as caught up
    /// now, the others as never.
    package mutating func renewed(_ leadership: Leadership, now: Int64) -> [Action] {
        self.leadership = leadership
        epochStart = logEnd
        change = nil
        isFrozen = false
        var kept: [BrokerID: Follower] = [:]
        for id in leadership.replicas where id != localID {
            var follower = followers[id] ?? Follower(lastCaughtUp: 0)
            follower.lastCaughtUp = leadership.inSyncReplicas.contains(id) ? now : 0
            follower.leaderEndAtLastFetch = 0
            follower.lastFetchTime = 0
            kept[id] = follower
        }
        followers = kept
        return advance(now: now)
    }
}

// MARK: Sets

extension LeaderReplication {
    package var inSyncReplicas: [BrokerID] { leadership.inSyncReplicas }

    /// The committed set and, while an expansion is in flight, the proposed members.
    package var maximalInSyncReplicas: [BrokerID] {
        guard case .expansion(let target) = change else { return leadership.inSyncReplicas }
        return target
    }

    package var isChangeInFlight: Bool { change != nil }

    /// A topic with fewer replicas than `min.insync.replicas` asks for can still be written to (3.9).
    private var effectiveMinInSyncReplicas: Int { min(minInSyncReplicas, leadership.replicas.count) }

    package var isUnderMinInSyncReplicas: Bool { leadership.inSyncReplicas.count < effectiveMinInSyncReplicas }

    package var isAtMinInSyncReplicas: Bool { leadership.inSyncReplicas.count == effectiveMinInSyncReplicas }

    /// Fewer replicas are in sync than hold the partition.
    package var isUnderReplicated: Bool { leadership.inSyncReplicas.count < leadership.replicas.count }
}

// MARK: Produce

extension LeaderReplication {
    /// Whether a produce with acks=all may be appended at all; else NOT_ENOUGH_REPLICAS.
    package var admitsAcksAll: Bool { !isUnderMinInSyncReplicas }

    /// How far the records below `offset` are: nil while replicas are missing, no error when replicated,
    /// NOT_ENOUGH_REPLICAS_AFTER_APPEND when too few replicas were left to make that mean something.
    package func acknowledgement(below offset: Offset) -> ErrorCode? {
        guard highWatermark >= offset else { return nil }
        return maximalInSyncReplicas.count < effectiveMinInSyncReplicas ? .notEnoughReplicasAfterAppend : ErrorCode.none
    }
}

// MARK: Events

extension LeaderReplication {
    /// Records were appended to the leader's log.
    package mutating func appended(logEnd: Offset, now: Int64) -> [Action] {
        self.logEnd = logEnd
        return advance(now: now)
    }

    /// A follower fetches from an offset: it holds every record below.
    ///
    /// - Returns: nil when the broker is not a replica of the partition.
    package mutating func fetched(
        by id: BrokerID, from offset: Offset, logStart: Offset, now: Int64
    ) -> [Action]? {
        guard var follower = followers[id] else { return nil }
        // Caught up now, or, with what the leader had at the previous fetch, at the time of that fetch.
        if offset >= logEnd {
            follower.lastCaughtUp = max(follower.lastCaughtUp, now)
        } else if offset >= follower.leaderEndAtLastFetch {
            follower.lastCaughtUp = max(follower.lastCaughtUp, follower.lastFetchTime)
        }
        follower.leaderEndAtLastFetch = max(logEnd, follower.leaderEndAtLastFetch)
        follower.lastFetchTime = now
        follower.logEnd = offset
        follower.logStart = logStart
        followers[id] = follower
        return proposeExpansion(by: id) + advance(now: now)
    }

    /// Removes from the in-sync set who has not caught up for `replica.lag.time.max.ms`. Called every half of that time.
    package mutating func checkLag(now: Int64) -> [Action] {
        guard change == nil, !isFrozen else { return [] }
        let lagging = leadership.inSyncReplicas.filter { id in
            guard id != localID, let follower = followers[id] else { return false }
            return !isCaughtUp(follower, now: now)
        }
        guard !lagging.isEmpty else { return [] }
        let target = leadership.inSyncReplicas.filter { !lagging.contains($0) }
        change = .shrinkage(to: target)
        return [.proposeInSyncReplicas(target)]
    }

    /// `min.insync.replicas` changed.
    package mutating func minInSyncReplicasChanged(_ count: Int, now: Int64) -> [Action] {
        minInSyncReplicas = count
        return advance(now: now)
    }

    /// Other brokers live now.
    package mutating func aliveBrokersChanged(_ alive: Set<BrokerID>) { self.alive = alive }

    /// The controller answered to a proposal with the partition's state.
    package mutating func proposalAccepted(
        leaderEpoch: LeaderEpoch, partitionEpoch: PartitionEpoch, inSyncReplicas: [BrokerID], now: Int64
    ) -> [Action] {
        guard leaderEpoch == leadership.leaderEpoch, partitionEpoch >= leadership.partitionEpoch else { return [] }
        change = nil
        leadership.partitionEpoch = partitionEpoch
        leadership.inSyncReplicas = inSyncReplicas
        return advance(now: now)
    }

    /// The controller refused a proposal, or it could not be delivered.
    package mutating func proposalRefused(_ error: ErrorCode, leaderEpoch: LeaderEpoch, now: Int64) -> [Action] {
        guard leaderEpoch == leadership.leaderEpoch, let change else { return [] }
        switch error {
        case .operationNotAttempted, .ineligibleReplica:
            // Not now: back to what is committed; the next fetch or check may try again.
            self.change = nil
            return advance(now: now)
        case .unknownTopicOrPartition, .unknownTopicID, .fencedLeaderEpoch, .invalidUpdateVersion, .invalidRequest,
            .newLeaderElected:
            // The controller knows better: it will tell, and until then the proposal keeps holding the mark back.
            isFrozen = true
            return []
        default:
            return [.proposeInSyncReplicas(change.target)]
        }
    }
}

// MARK: Rules

extension LeaderReplication {
    private func isCaughtUp(_ follower: Follower, now: Int64) -> Bool {
        follower.logEnd == logEnd || now - follower.lastCaughtUp <= lagTimeMax
    }

    private mutating func proposeExpansion(by id: BrokerID) -> [Action] {
        guard change == nil, !isFrozen, !leadership.inSyncReplicas.contains(id), alive.contains(id),
            let follower = followers[id], follower.logEnd >= highWatermark, follower.logEnd >= epochStart
        else { return [] }
        let target = leadership.inSyncReplicas + [id]
        change = .expansion(to: target)
        return [.proposeInSyncReplicas(target)]
    }

    /// Moves the high watermark to what all have that count. Those count too that are about to join: caught up and alive,
    /// though outside of the set; else the mark could outrun them for ever.
    private mutating func advance(now: Int64) -> [Action] {
        guard !isUnderMinInSyncReplicas else { return [] }
        let maximal = maximalInSyncReplicas
        var mark = logEnd
        for (id, follower) in followers where follower.logEnd < mark {
            if maximal.contains(id) || (alive.contains(id) && isCaughtUp(follower, now: now)) { mark = follower.logEnd }
        }
        guard mark > highWatermark else { return [] }
        highWatermark = mark
        return [.highWatermarkAdvanced(mark)]
    }
}

// MARK: Reading from replicas, deleting records

extension LeaderReplication {
    /// The lowest log start of all replicas that live: below it nothing can be read any more (DeleteRecords).
    package func lowWatermark(localLogStart: Offset) -> Offset {
        followers.reduce(localLogStart) { low, entry in
            alive.contains(entry.key) ? min(low, entry.value.logStart) : low
        }
    }

    /// Who should serve a consumer in `rack` that reads at `offset` (KIP-392): a replica of its rack that has the offset,
    /// the leader if it is in that rack, else the most caught up; nil when the leader should.
    package func preferredReadReplica(
        rack: String, racks: [BrokerID: String], offset: Offset, now: Int64
    ) -> BrokerID? {
        guard racks[localID] != rack else { return nil }
        return leadership.inSyncReplicas
            .compactMap { id in followers[id].map { (id, $0) } }
            .filter { id, follower in
                alive.contains(id) && racks[id] == rack && follower.logEnd >= offset && follower.logStart <= offset
            }
            .max { ($0.1.logEnd, $1.0) < ($1.1.logEnd, $0.0) }?
            .0
    }
}
