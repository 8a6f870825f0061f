// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// How a fetch names a partition: by topic name below version 13, by topic id from there on.
package struct FetchPartitionKey: Hashable, Sendable {
    package var topic: String
    package var topicID: KafkaUUID
    package var partition: Int32

    package init(topic: String = "", topicID: KafkaUUID = .zero, partition: Int32) {
        self.topic = topic
        self.topicID = topicID
        self.partition = partition
    }
}

/// What a fetch asks of one partition.
package struct FetchPartition: Hashable, Sendable {
    package var key: FetchPartitionKey
    package var fetchOffset: Offset
    package var logStart: Offset
    package var maximumBytes: Int32
    package var currentLeaderEpoch: LeaderEpoch
    package var lastFetchedEpoch: LeaderEpoch

    package init(
        key: FetchPartitionKey, fetchOffset: Offset, logStart: Offset = -1, maximumBytes: Int32,
        currentLeaderEpoch: LeaderEpoch = -1, lastFetchedEpoch: LeaderEpoch = -1
    ) {
        self.key = key
        self.fetchOffset = fetchOffset
        self.logStart = logStart
        self.maximumBytes = maximumBytes
        self.currentLeaderEpoch = currentLeaderEpoch
        self.lastFetchedEpoch = lastFetchedEpoch
    }
}

/// What a fetch found in one partition, as far as it decides whether an incremental answer names it.
package struct FetchedPartition: Hashable, Sendable {
    package var key: FetchPartitionKey
    package var error: ErrorCode
    package var highWatermark: Offset
    package var logStart: Offset
    /// Of records.
    package var byteCount: Int
    /// A preferred read replica or a diverging epoch: always told.
    package var hasNews: Bool

    package init(
        key: FetchPartitionKey, error: ErrorCode = .none, highWatermark: Offset, logStart: Offset, byteCount: Int,
        hasNews: Bool = false
    ) {
        self.key = key
        self.error = error
        self.highWatermark = highWatermark
        self.logStart = logStart
        self.byteCount = byteCount
        self.hasNews = hasNews
    }
}

/// The fetch sessions of a broker (KIP-227): what a client fetches is remembered, so that requests name only what
/// changed and answers only what is new.
///
/// A pure machine, used under one lock; splitting sessions into shards by id is the owner's choice. Each request is
/// ``begin(id:epoch:partitions:forgotten:isFollower:usesTopicIDs:now:)``, then a read of the partitions it returns, then
/// ``finish(_:_:)``.
package struct FetchSessionCache: Sendable {
    package typealias SessionID = Int32

    /// What a request turned out to be, and what is to be read for it, in this order.
    package struct Context: Sendable {
        /// 0 when there is no session; what the answer carries.
        package var sessionID: SessionID
        package var partitions: [FetchPartition]
        /// Whether the answer names only what is new.
        package var isIncremental: Bool
        /// How many bytes of records the session's last answer carried.
        package var lastByteCount = 0
    }

    private struct Remembered {
        var request: FetchPartition
        /// As last told; −1 makes the next success news.
        var highWatermark: Offset = -1
        var logStart: Offset = -1
    }

    private struct Session {
        let isFollower: Bool
        let usesTopicIDs: Bool
        let created: Timestamp
        var lastUsed: Timestamp
        /// What the next request must carry; 1 to 2³¹−1, then 1 again.
        var epoch: Int32 = 1
        var order: [FetchPartitionKey] = []
        var partitions: [FetchPartitionKey: Remembered] = [:]
        /// Of records in the last answer.
        var lastByteCount = 0

        /// What is to be read, in this order.
        var requests: [FetchPartition] { order.compactMap { partitions[$0]?.request } }

        /// The next request of the session has come.
        mutating func update(_ changed: [FetchPartition], forgotten: [FetchPartitionKey], now: Timestamp) {
            for partition in changed {
                var known = partitions[partition.key]
                if known == nil { order.append(partition.key) }
                // In another leadership everything is news: what was told before may have come when the reader followed
                // somebody else, and was thrown away.
                if known?.request.currentLeaderEpoch != partition.currentLeaderEpoch { known = nil }
                known?.request = partition
                partitions[partition.key] = known ?? Remembered(request: partition)
            }
            if !forgotten.isEmpty {
                let removed = Set(forgotten)
                for key in removed { partitions[key] = nil }
                order.removeAll { removed.contains($0) }
            }
            epoch = epoch == Int32.max ? 1 : epoch + 1
            lastUsed = now
        }

        /// Notes what is told, and returns the partitions that are.
        mutating func settle(_ results: [FetchedPartition], isIncremental: Bool) -> [FetchPartitionKey] {
            var told: [FetchPartitionKey] = []
            var served: Set<FetchPartitionKey> = []
            lastByteCount = results.reduce(0) { $0 + $1.byteCount }
            for result in results {
                guard let known = partitions.index(forKey: result.key) else {
                    told.append(result.key)
                    continue
                }
                let before = partitions.values[known]
                let isNews =
                    result.byteCount > 0 || result.hasNews || result.error != .none
                    || before.highWatermark != result.highWatermark || before.logStart != result.logStart
                // After an error the next success is news, whatever it says. So is what follows a diverging epoch: a follower
                // that cuts its log takes no high watermark from that answer, and would learn it with the next record only.
                let isTaken = result.error == .none && !result.hasNews
                partitions.values[known].highWatermark = isTaken ? result.highWatermark : -1
                partitions.values[known].logStart = result.logStart
                if isNews || !isIncremental { told.append(result.key) }
                if result.byteCount > 0 { served.insert(result.key) }
            }
            // Whoever was served waits behind those who were not; where all were, all stay.
            if !served.isEmpty, isIncremental, served.count < order.count {
                order = order.filter { !served.contains($0) } + order.filter(served.contains)
            }
            return told
        }
    }

    /// `max.incremental.fetch.session.cache.slots`.
    package let slots: Int
    /// A session may be evicted for another when idle for this long, in milliseconds.
    package static let evictionAge: Int64 = 120_000
    private var sessions: [SessionID: Session] = [:]
    private var random: any RandomNumberGenerator & Sendable

    package init(slots: Int, random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        self.slots = slots
        self.random = random
    }

    package var count: Int { sessions.count }

    /// Whether a session is still kept.
    package func contains(_ id: Int32) -> Bool { sessions[id] != nil }
    package var partitionCount: Int { sessions.values.reduce(0) { $0 + $1.partitions.count } }

    // MARK: A request

    /// Sorts out what a request means.
    /// - Parameters:
    ///   - id: 0 for none. - epoch: 0 to begin a session, −1 to have none, otherwise the expected one.
    /// - Throws: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH or FETCH_SESSION_TOPIC_ID_ERROR; the answer then
    ///   has session id 0 and no partitions.
    package mutating func begin(
        id: SessionID, epoch: Int32, partitions: [FetchPartition], forgotten: [FetchPartitionKey], isFollower: Bool,
        usesTopicIDs: Bool, now: Timestamp
    ) throws(FetchSessionError) -> Context {
        if epoch == 0 || epoch == -1 {
            sessions[id] = nil
            let partitions = Self.onceEach(partitions)
            guard epoch == 0 else { return Context(sessionID: 0, partitions: partitions, isIncremental: false) }
            let new = open(partitions, isFollower: isFollower, usesTopicIDs: usesTopicIDs, now: now)
            return Context(sessionID: new, partitions: partitions, isIncremental: false)
        }
        // Changed where it lies: a copy would be one of all that the session remembers, for each fetch.
        guard let index = sessions.index(forKey: id) else { throw FetchSessionError(code: .fetchSessionIDNotFound) }
        guard sessions.values[index].epoch == epoch else { throw FetchSessionError(code: .invalidFetchSessionEpoch) }
        guard sessions.values[index].usesTopicIDs == usesTopicIDs else {
            throw FetchSessionError(code: .fetchSessionTopicIDError)
        }
        sessions.values[index].update(partitions, forgotten: forgotten, now: now)
        guard !sessions.values[index].order.isEmpty else {
            sessions[id] = nil
            return Context(sessionID: 0, partitions: [], isIncremental: false)
        }
        return Context(
            sessionID: id, partitions: sessions.values[index].requests, isIncremental: true,
            lastByteCount: sessions.values[index].lastByteCount)
    }

    /// Each partition once, as in Kafka's map: what is asked of it last counts, where it was named first. Whoever looks at a
    /// fetch that waits looks at each of its partitions.
    private static func onceEach(_ partitions: [FetchPartition]) -> [FetchPartition] {
        // Most fetches name few, which are compared sooner than hashed.
        if partitions.count <= 8 {
            let isRepeated = partitions.indices.contains { index in
                let key = partitions[index].key
                return partitions[..<index].contains { $0.key.partition == key.partition && $0.key == key }
            }
            guard isRepeated else { return partitions }
        }
        var places: [FetchPartitionKey: Int] = [:]
        places.reserveCapacity(partitions.count)
        for (index, partition) in partitions.enumerated() { places[partition.key] = index }
        guard places.count < partitions.count else { return partitions }
        // Removed once it is taken: what is named again later is there already.
        return partitions.compactMap { places.removeValue(forKey: $0.key).map { partitions[$0] } }
    }

    /// Says which of the partitions that were read the answer names, in the order read.
    package mutating func finish(_ context: Context, _ results: [FetchedPartition]) -> [FetchPartitionKey] {
        guard context.sessionID != 0, let index = sessions.index(forKey: context.sessionID) else {
            return results.map(\.key)
        }
        return sessions.values[index].settle(results, isIncremental: context.isIncremental)
    }

    // MARK: Room

    private mutating func open(
        _ partitions: [FetchPartition], isFollower: Bool, usesTopicIDs: Bool, now: Timestamp
    ) -> SessionID {
        guard !partitions.isEmpty, makeRoom(isFollower: isFollower, size: partitions.count, now: now) else { return 0 }
        var session = Session(isFollower: isFollower, usesTopicIDs: usesTopicIDs, created: now, lastUsed: now)
        for partition in partitions {
            session.order.append(partition.key)
            session.partitions[partition.key] = Remembered(request: partition)
        }
        let id = newID()
        sessions[id] = session
        return id
    }

    /// The longest idle session goes when it is idle for long; otherwise one that is worth less and no longer young.
    private mutating func makeRoom(isFollower: Bool, size: Int, now: Timestamp) -> Bool {
        guard sessions.count >= slots else { return true }
        guard slots > 0 else { return false }
        if let idlest = sessions.min(by: { ($0.value.lastUsed, $0.key) < ($1.value.lastUsed, $1.key) }),
            now - idlest.value.lastUsed > Self.evictionAge
        {
            sessions[idlest.key] = nil
            return true
        }
        func worth(_ session: Session) -> (Int, Int) { (session.isFollower ? 1 : 0, session.partitions.count) }
        func isWorthLess(_ left: (key: SessionID, value: Session), _ right: (key: SessionID, value: Session)) -> Bool {
            let (leftWorth, rightWorth) = (worth(left.value), worth(right.value))
            return leftWorth == rightWorth ? left.key < right.key : leftWorth < rightWorth
        }
        let old = sessions.filter { now - $0.value.created > Self.evictionAge }
        guard let cheapest = old.min(by: isWorthLess), worth(cheapest.value) < (isFollower ? 1 : 0, size) else {
            return false
        }
        sessions[cheapest.key] = nil
        return true
    }

    private mutating func newID() -> SessionID {
        func draw(_ generator: inout some RandomNumberGenerator) -> SessionID {
            SessionID.random(in: 1...SessionID.max, using: &generator)
        }
        var id = draw(&random)
        while sessions[id] != nil { id = draw(&random) }
        return id
    }
}

/// A fetch that does not fit its session.
package struct FetchSessionError: Error, Hashable, Sendable {
    package let code: ErrorCode
}
