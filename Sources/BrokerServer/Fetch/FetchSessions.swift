// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaProtocol
import Replication
import Synchronization

/// The fetch sessions of a broker (KIP-227). Owner of the cache: its lock, held for a look-up or a note.
final class FetchSessions: Sendable {
    private let cache: Mutex<FetchSessionCache>

    /// - Parameter slots: `max.incremental.fetch.session.cache.slots`.
    init(slots: Int) {
        cache = Mutex(FetchSessionCache(slots: slots))
    }

    var count: Int { cache.withLock { $0.count } }

    /// What a fetch reads, and how its answer is to be told.
    struct Context: Sendable {
        struct Partition: Sendable {
            let key: FetchSession.Key
            /// Nil when the request names the topic by an id that is not known here.
            let topic: String?
            let read: PartitionRead

            var id: TopicPartition? { topic.map { TopicPartition($0, key.partition) } }

            /// The topic as the answer names it: like the request did.
            var wireTopic: (name: String, id: KafkaUUID) {
                switch key.topic {
                case .name(let name): (name, .zero)
                case .id(let id): ("", id)
                }
            }
        }

        enum Mode: Sendable {
            /// Everything is told and nothing remembered.
            case sessionless
            /// A full fetch that begins a session, if there is room.
            case beginning(isPrivileged: Bool, usesTopicIDs: Bool)
            case incremental(Int32)
        }

        let mode: Mode
        let partitions: [Partition]
        fileprivate let sessions: FetchSessions

        /// Which partitions the answer must contain, and under which session.
        struct Told: Sendable {
            let sessionID: Int32
            /// Nil: all.
            fileprivate let indexes: [Bool]?

            func isTold(_ index: Int) -> Bool { indexes?[index] ?? true }
        }

        /// Notes what is being answered.
        func settle(_ outcomes: [FetchSession.Outcome]) -> Told {
            switch mode {
            case .sessionless:
                return Told(sessionID: 0, indexes: nil)
            case .beginning(let isPrivileged, let usesTopicIDs):
                return sessions.begin(self, outcomes, isPrivileged: isPrivileged, usesTopicIDs: usesTopicIDs)
            case .incremental(let id):
                let indexes = sessions.cache.withLock { cache in
                    cache.update(id) { session in
                        zip(partitions, outcomes).map { session.mustTell($0.key, $1, isFull: false) }
                    }
                }
                return Told(sessionID: id, indexes: indexes)
            }
        }
    }

    /// Finds or ends the session that a request belongs to.
    func context(
        for request: FetchRequest, version: Int16, _ image: MetadataImage
    ) throws(FetchSessionError) -> Context {
        let usesTopicIDs = version >= 13
        let replica = version >= 15 ? request.replicaState.replicaID : request.replicaID
        let asked = Self.asked(request, usesTopicIDs: usesTopicIDs)
        let id = request.sessionID
        let epoch = request.sessionEpoch
        guard version >= 7, epoch > 0 else {
            // A full fetch ends the session that it names.
            if version >= 7, id != 0 { cache.withLock { $0.remove(id) } }
            let begins = version >= 7 && epoch == 0
            return context(
                begins ? .beginning(isPrivileged: replica >= 0, usesTopicIDs: usesTopicIDs) : .sessionless, asked, image)
        }
        let forgotten = request.forgottenTopicsData.flatMap { topic in
            topic.partitions.map {
                FetchSession.Key(usesTopicIDs ? .id(topic.topicID) : .name(topic.topic), $0)
            }
        }
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let outcome = cache.withLock { cache -> Result<[(FetchSession.Key, FetchSession.Request)], FetchSessionError>? in
            let outcome = cache.update(id) { session -> Result<[(FetchSession.Key, FetchSession.Request)], FetchSessionError> in
                do throws(FetchSessionError) {
                    try session.take(
                        epoch: epoch, usesTopicIDs: usesTopicIDs, changed: asked, forgotten: forgotten, now: now)
                    return .success(session.partitions.map { ($0.key, $0.request) })
                } catch {
                    return .failure(error)
                }
            }
            if case .success(let partitions) = outcome, partitions.isEmpty { cache.remove(id) }
            return outcome
        }
        guard let outcome else { throw FetchSessionError(.fetchSessionIDNotFound) }
        let partitions = try outcome.get()
        return context(
            partitions.isEmpty ? .sessionless : .incremental(id), partitions.map { (key: $0.0, request: $0.1) }, image)
    }

    private func context(
        _ mode: Context.Mode, _ asked: [(key: FetchSession.Key, request: FetchSession.Request)], _ image: MetadataImage
    ) -> Context {
        let partitions = asked.map { key, request in
            let topic: String? =
                switch key.topic {
                case .name(let name): name
                case .id(let id): image.topicName(id: id)
                }
            return Context.Partition(
                key: key, topic: topic,
                read: PartitionRead(
                    offset: request.offset, leaderEpoch: request.leaderEpoch,
                    lastFetchedEpoch: request.lastFetchedEpoch, logStart: request.logStart,
                    maxBytes: max(0, Int(request.maxBytes))))
        }
        return Context(mode: mode, partitions: partitions, sessions: self)
    }

    private func begin(
        _ context: Context, _ outcomes: [FetchSession.Outcome], isPrivileged: Bool, usesTopicIDs: Bool
    ) -> Context.Told {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        var random = SystemRandomNumberGenerator()
        let id = cache.withLock { cache -> Int32? in
            guard
                let id = cache.makeRoom(
                    size: context.partitions.count, isPrivileged: isPrivileged, now: now, random: &random)
            else { return nil }
            var session = FetchSession(id: id, isPrivileged: isPrivileged, usesTopicIDs: usesTopicIDs, now: now)
            session.begin(
                context.partitions.map { partition in
                    let read = partition.read
                    return (
                        partition.key,
                        FetchSession.Request(
                            offset: read.offset, leaderEpoch: read.leaderEpoch,
                            lastFetchedEpoch: read.lastFetchedEpoch, logStart: read.logStart,
                            maxBytes: Int32(clamping: read.maxBytes))
                    )
                })
            for (partition, outcome) in zip(context.partitions, outcomes) {
                _ = session.mustTell(partition.key, outcome, isFull: true)
            }
            cache.add(session)
            return id
        }
        return Context.Told(sessionID: id ?? 0, indexes: nil)
    }

    private static func asked(
        _ request: FetchRequest, usesTopicIDs: Bool
    ) -> [(key: FetchSession.Key, request: FetchSession.Request)] {
        request.topics.flatMap { topic in
            topic.partitions.map { partition in
                (
                    key: FetchSession.Key(
                        usesTopicIDs ? .id(topic.topicID) : .name(topic.topic), partition.partition),
                    request: FetchSession.Request(
                        offset: partition.fetchOffset, leaderEpoch: partition.currentLeaderEpoch,
                        lastFetchedEpoch: partition.lastFetchedEpoch, logStart: partition.logStartOffset,
                        maxBytes: partition.partitionMaxBytes)
                )
            }
        }
    }
}
