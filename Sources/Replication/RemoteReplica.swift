// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What a leader knows about one follower, from its fetches.
package struct RemoteReplica: Hashable, Sendable {
    /// −1 until the follower has fetched from this leader.
    package private(set) var logStart: Offset = -1
    /// The follower holds every record below; −1 until it has fetched from this leader.
    package private(set) var logEnd: Offset = -1
    /// The leader's log end at the follower's last fetch.
    private var leaderEndAtLastFetch: Offset = -1
    /// Nil until it has fetched in a leadership of this broker. The clock may start at the host's boot, so that no number
    /// would be long ago.
    private var lastFetch: Timestamp?
    /// The largest epoch of the follower's broker that a fetch of this leader epoch has told of; −1 while none has.
    private var brokerEpoch: BrokerEpoch = -1
    /// When the follower last held everything the leader had; nil while that is not known to have been so.
    package private(set) var lastCaughtUp: Timestamp?

    /// Whether a fetch is none of an earlier life of the follower's broker, as far as it says. That may have waited on a
    /// connection until the next life has fetched, and tells of what a power failure has taken since (KIP-903, which leaves
    /// Kafka in ZooKeeper mode without a check).
    mutating func isOfCurrentLife(_ epoch: BrokerEpoch) -> Bool {
        guard epoch >= 0 else { return true }
        guard epoch >= brokerEpoch else { return false }
        brokerEpoch = epoch
        return true
    }

    /// A follower that fetches at `offset` holds every record below it.
    ///
    /// It counts as caught up now if it asks for the leader's end, and as caught up at its last fetch if it asks for
    /// what was the leader's end then: under steady load a follower is always a little behind.
    mutating func fetched(from offset: Offset, logStart: Offset, leaderEnd: Offset, now: Timestamp) {
        if offset >= leaderEnd {
            lastCaughtUp = max(lastCaughtUp ?? now, now)
        } else if offset >= leaderEndAtLastFetch, let lastFetch {
            lastCaughtUp = max(lastCaughtUp ?? lastFetch, lastFetch)
        }
        self.logStart = logStart
        logEnd = offset
        leaderEndAtLastFetch = max(leaderEndAtLastFetch, leaderEnd)
        lastFetch = now
    }

    /// A new leader epoch begins; what was known is kept only by a broker that led in the one before.
    mutating func epochBegan(leaderEnd: Offset, ledBefore: Bool, isInSync: Bool, now: Timestamp) {
        lastCaughtUp = isInSync ? now : nil
        // What was sent before means another leader epoch, and is refused for that.
        brokerEpoch = -1
        if ledBefore {
            leaderEndAtLastFetch = leaderEnd
            lastFetch = isInSync ? now : nil
        } else {
            logStart = -1
            logEnd = -1
            leaderEndAtLastFetch = -1
            lastFetch = nil
        }
    }

    func isCaughtUp(leaderEnd: Offset, now: Timestamp, maximumLag: Int64) -> Bool {
        logEnd == leaderEnd || lastCaughtUp.map { now &- $0 <= maximumLag } ?? false
    }
}
