// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import Replication
import Synchronization

/// Keeps what throttled replicas cost this broker, as their leader or as their follower, below a rate that operators change
/// while it runs (KIP-73).
///
/// Owner: its lock.
final class ReplicationThrottle: Sendable {
    private let quota: Mutex<ReplicationQuota>
    private let limit: @Sendable () -> Int

    /// - Parameter limit: bytes per second at this moment.
    init(_ window: BrokerConfiguration.Quotas.Window, limit: @escaping @Sendable () -> Int) {
        quota = Mutex(
            ReplicationQuota(samples: window.samples, length: window.sampleLength.wholeMilliseconds))
        self.limit = limit
    }

    /// Whether nothing may go for the moment.
    var isExceeded: Bool {
        let limit = limit()
        return quota.withLock { $0.isExceeded(limit: limit, now: Self.now) }
    }

    func record(_ bytes: Int) {
        if bytes > 0 { quota.withLock { $0.record(bytes, now: Self.now) } }
    }

    private static var now: Int64 { Int64(BrokerClock.monotonicMilliseconds) }
}

/// The two throttles of a broker.
struct ReplicationThrottles: Sendable {
    /// Of what followers are sent: `leader.replication.throttled.rate`.
    let leader: ReplicationThrottle
    /// Of what leaders send: `follower.replication.throttled.rate`.
    let follower: ReplicationThrottle

    init(_ configuration: @escaping @Sendable () -> BrokerConfiguration) {
        let window = configuration().quotas.replication
        leader = ReplicationThrottle(window) { configuration().quotas.leaderBytesPerSecond }
        follower = ReplicationThrottle(window) { configuration().quotas.followerBytesPerSecond }
    }
}

extension Partition {
    /// Whether this broker, as leader, counts and limits what followers of the partition are sent.
    var isThrottledAsLeader: Bool {
        state.withLock { $0.settings.throttledLeaders.contains(id.partition, on: surroundings.localID) }
    }

    /// Whether this broker, as follower, counts and limits what it fetches of the partition.
    var isThrottledAsFollower: Bool {
        state.withLock { $0.settings.throttledFollowers.contains(id.partition, on: surroundings.localID) }
    }

    /// Whether the broker is in the in-sync set, as its leader knows; such a replica is never held back.
    func isInSync(_ broker: BrokerID) -> Bool {
        state.withLock { $0.replica.leader?.inSyncReplicas.contains(broker) ?? false }
    }
}
