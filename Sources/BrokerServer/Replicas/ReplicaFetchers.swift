// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import Logging
import NIOCore
import Replication
import Synchronization

/// Copies leaders' logs into the partitions that follow: `num.replica.fetchers` fetchers for each broker that leads some,
/// each with a connection of its own.
///
/// Owner of the tables: the lock. Life: the broker's; ``stop()`` ends all fetching.
final class ReplicaFetchers: FollowerFetching {
    private struct Slot: Hashable {
        let leader: BrokerID
        let index: Int
    }

    private struct State {
        var fetchers: [Slot: ReplicaFetcher] = [:]
        var followed: [TopicPartition: (partition: FollowedPartition, fetcher: ReplicaFetcher)] = [:]
        var isStopped = false
    }

    private let environment: ReplicaFetcher.Environment
    private let group: any EventLoopGroup
    private let state = Mutex(State())

    init(_ environment: ReplicaFetcher.Environment, group: any EventLoopGroup) {
        self.environment = environment
        self.group = group
    }

    /// Called on the partition's log thread, which may be busy with its log then.
    func start(_ partition: Partition, from leader: BrokerID, epoch: LeaderEpoch) {
        guard let log = partition.log else { return }
        let followed = FollowedPartition(
            partition, log: log, leader: leader, leaderEpoch: epoch, abilities: environment.versions.abilities,
            backoff: environment.settings.fetchBackoff, throttle: environment.throttle, logger: environment.logger)
        let slot = Slot(
            leader: leader, index: Self.index(of: partition.id, among: environment.settings.fetchersPerBroker))
        let (fetcher, old) = state.withLock { state -> (ReplicaFetcher?, (FollowedPartition, ReplicaFetcher)?) in
            guard !state.isStopped else { return (nil, nil) }
            let fetcher =
                state.fetchers[slot]
                ?? ReplicaFetcher(from: leader, index: slot.index, environment, on: group.next())
            state.fetchers[slot] = fetcher
            let old = state.followed.updateValue((followed, fetcher), forKey: partition.id)
            return (fetcher, old.map { ($0.partition, $0.fetcher) })
        }
        if let (partition, fetcher) = old {
            partition.stop()
            fetcher.remove([partition])
        }
        guard let fetcher else { return }
        followed.begin()
        fetcher.add(followed)
    }

    /// From any thread. Waits for appends under way, so that nothing more is appended when it returns.
    func stop(_ partitions: [TopicPartition]) {
        let stopping = state.withLock { state in partitions.compactMap { state.followed.removeValue(forKey: $0) } }
        end(stopping)
    }

    /// Ends all fetching for good.
    func stop() {
        let stopping = state.withLock { state in
            state.isStopped = true
            defer { state.followed = [:] }
            return Array(state.followed.values)
        }
        end(stopping)
    }

    /// How many partitions follow somebody.
    var count: Int { state.withLock { $0.followed.count } }

    /// All that follow somebody.
    var followed: [FollowedPartition] { state.withLock { $0.followed.values.map(\.partition) } }

    private func end(_ stopping: [(partition: FollowedPartition, fetcher: ReplicaFetcher)]) {
        for (partition, _) in stopping { partition.stop() }
        for (fetcher, partitions) in Dictionary(grouping: stopping, by: { ObjectIdentifier($0.fetcher) }).values.map({
            ($0[0].fetcher, $0.map(\.partition))
        }) {
            fetcher.remove(partitions)
        }
    }

    /// Which of the fetchers for a leader has the partition: Kafka's rule, with the hash of Java's strings, so that a
    /// partition keeps its fetcher.
    static func index(of partition: TopicPartition, among count: Int) -> Int {
        var hash: Int32 = 0
        for unit in partition.topic.utf16 { hash = 31 &* hash &+ Int32(unit) }
        let sum = 31 &* hash &+ partition.partition
        return sum == .min ? 0 : Int(abs(sum)) % max(1, count)
    }
}
