// SPDX-License-Identifier: Apache-2.0

import Metrics
import Synchronization

/// What goes on in one topic on this broker, or in all of them. Counting is a few atomic additions.
///
/// Life: as long as the broker holds a partition of the topic.
final class TopicMetrics: Sendable {
    let messagesIn = Counter()
    let bytesIn = Counter()
    /// Sent to consumers.
    let bytesOut = Counter()
    let bytesRejected = Counter()
    /// Fetched from leaders as a follower, and sent to followers as a leader.
    let replicationBytesIn = Counter()
    let replicationBytesOut = Counter()
    /// Partitions in produce and fetch requests, as Kafka counts them.
    let produceRequests = Counter()
    let fetchRequests = Counter()
    let failedProduceRequests = Counter()
    let failedFetchRequests = Counter()
    /// That of all topics together, which does not forget the topics that go.
    private let all: TopicMetrics?

    fileprivate init(all: TopicMetrics?) { self.all = all }

    /// A leader's log has grown.
    func appended(records: Int, bytes: Int) {
        messagesIn.add(records)
        bytesIn.add(bytes)
        all?.appended(records: records, bytes: bytes)
    }

    /// Records were sent for one partition of a produce request.
    func produceRequested() {
        produceRequests.add()
        all?.produceRequested()
    }

    /// They were refused for what they are, or by the disk.
    func produceFailed(bytes: Int) {
        failedProduceRequests.add()
        bytesRejected.add(bytes)
        all?.produceFailed(bytes: bytes)
    }

    /// One partition of a fetch was read.
    func fetched(hasFailed: Bool) {
        fetchRequests.add()
        if hasFailed { failedFetchRequests.add() }
        all?.fetched(hasFailed: hasFailed)
    }

    /// An answer carries records.
    func sent(bytes: Int, toFollower: Bool) {
        if toFollower { replicationBytesOut.add(bytes) } else { bytesOut.add(bytes) }
        all?.sent(bytes: bytes, toFollower: toFollower)
    }

    /// A follower's log has grown.
    func replicated(bytes: Int) {
        replicationBytesIn.add(bytes)
        all?.replicated(bytes: bytes)
    }
}

/// The metrics of the topics that this broker holds partitions of. Partitions keep theirs; the table finds them for
/// new partitions, and for whoever looks.
final class TopicMetricsTable: Sendable {
    private struct Entry {
        weak var metrics: TopicMetrics?
    }

    private struct Topics {
        var entries: [String: Entry] = [:]
        /// With how many entries it is time to look for those of topics that are gone, should nobody look at the metrics.
        var limit = 64

        mutating func forgetUnused() {
            entries = entries.filter { $1.metrics != nil }
            limit = max(64, 2 * entries.count)
        }
    }

    let all = TopicMetrics(all: nil)
    private let topics = Mutex(Topics())

    /// How many names it keeps, of topics that are there and that are gone.
    var count: Int { topics.withLock { $0.entries.count } }

    func topic(_ name: String) -> TopicMetrics {
        topics.withLock { topics in
            if let known = topics.entries[name]?.metrics { return known }
            if topics.entries.count >= topics.limit { topics.forgetUnused() }
            let metrics = TopicMetrics(all: all)
            topics.entries[name] = Entry(metrics: metrics)
            return metrics
        }
    }

    /// By name. Those that nobody keeps any more are forgotten.
    var present: [(name: String, metrics: TopicMetrics)] {
        topics.withLock { topics in
            topics.forgetUnused()
            return topics.entries.compactMap { name, entry in entry.metrics.map { (name, $0) } }
                .sorted { $0.name < $1.name }
        }
    }
}
