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
            let key: FetchPartitionKey
            /// Nil when the request names the topic by an id that is not known here.
            let id: TopicPartition?
            let read: PartitionRead
        }

        let partitions: [Partition]
        fileprivate let session: FetchSessionCache.Context
        fileprivate let sessions: FetchSessions

        /// 0 when there is no session.
        var sessionID: Int32 { session.sessionID }
        /// How many bytes of records the session's last answer carried.
        var lastByteCount: Int { session.lastByteCount }

        /// Notes what is being answered, and returns the partitions that the answer must name, in the order of `results`; nil
        /// for all of them.
        func settle(_ results: [FetchedPartition]) -> [FetchPartitionKey]? {
            guard session.isIncremental || session.sessionID != 0 else { return nil }
            let told = sessions.cache.withLock { $0.finish(session, results) }
            return told.count < results.count ? told : nil
        }
    }

    /// Finds, begins or ends the session that a request belongs to.
    func context(
        for request: FetchRequest, version: Int16, _ image: MetadataImage
    ) throws(FetchSessionError) -> Context {
        let usesTopicIDs = version >= 13
        let replica = version >= 15 ? request.replicaState.replicaID : request.replicaID
        let asked = Self.asked(request, usesTopicIDs: usesTopicIDs)
        let forgotten = request.forgottenTopicsData.flatMap { topic in
            topic.partitions.map {
                FetchPartitionKey(
                    topic: usesTopicIDs ? "" : topic.topic, topicID: usesTopicIDs ? topic.topicID : .zero, partition: $0
                )
            }
        }
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let session = try cache.withLock { cache throws(FetchSessionError) in
            // Before version 7 there are no sessions.
            try cache.begin(
                id: version >= 7 ? request.sessionID : 0, epoch: version >= 7 ? request.sessionEpoch : -1,
                partitions: asked, forgotten: forgotten, isFollower: replica >= 0, usesTopicIDs: usesTopicIDs, now: now)
        }
        let partitions = session.partitions.map { partition in
            let key = partition.key
            let topic = usesTopicIDs ? image.topicName(id: key.topicID) : key.topic
            return Context.Partition(
                key: key, id: topic.map { TopicPartition($0, key.partition) },
                read: PartitionRead(
                    offset: partition.fetchOffset, leaderEpoch: partition.currentLeaderEpoch,
                    lastFetchedEpoch: partition.lastFetchedEpoch, logStart: partition.logStart,
                    maxBytes: max(0, Int(partition.maximumBytes)), topicID: key.topicID))
        }
        return Context(partitions: partitions, session: session, sessions: self)
    }

    private static func asked(_ request: FetchRequest, usesTopicIDs: Bool) -> [FetchPartition] {
        request.topics.flatMap { topic in
            topic.partitions.map { partition in
                FetchPartition(
                    key: FetchPartitionKey(
                        topic: usesTopicIDs ? "" : topic.topic, topicID: usesTopicIDs ? topic.topicID : .zero,
                        partition: partition.partition),
                    fetchOffset: partition.fetchOffset, logStart: partition.logStartOffset,
                    maximumBytes: partition.partitionMaxBytes, currentLeaderEpoch: partition.currentLeaderEpoch,
                    lastFetchedEpoch: partition.lastFetchedEpoch)
            }
        }
    }
}
