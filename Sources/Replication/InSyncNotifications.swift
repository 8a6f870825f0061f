// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// In-sync sets that leaders have written to ZooKeeper themselves (inter-broker protocols below 2.7-IV2), and of which the
/// controller is yet to be told: many at once, by one node below `/isr_change_notification`.
///
/// A machine under its owner's lock. Times are milliseconds of a clock that does not jump. The owner asks ``due(now:)`` every
/// ``checkInterval``, tells the controller what that gives, and says how it went.
package struct InSyncNotifications: Sendable {
    /// Kafka's: how often to ask what is due.
    package static var checkInterval: Int64 { 2500 }
    /// A notification waits until no set has changed for so long, but not longer than the second after the one before.
    private static var quietTime: Int64 { 5000 }
    private static var longestWait: Int64 { 60_000 }

    private var changed: Set<TopicPartition> = []
    /// What is being told now.
    private var told: Set<TopicPartition> = []
    private var lastChange: Int64 = 0
    private var lastNotification: Int64 = 0
    private var isStopped = false

    package init() {}

    /// A set was written.
    package mutating func wrote(_ partition: TopicPartition, now: Int64) {
        changed.insert(partition)
        lastChange = now
    }

    /// What to tell the controller now, in order; empty while nothing is due or a notification is under way.
    package mutating func due(now: Int64) -> [TopicPartition] {
        guard !changed.isEmpty, told.isEmpty, !isStopped,
            now - lastChange > Self.quietTime || now - lastNotification > Self.longestWait
        else { return [] }
        told = changed
        changed = []
        return told.sorted()
    }

    /// The notification that was due is there, or could not be made and is due again.
    package mutating func ended(isDone: Bool, now: Int64) {
        if isDone { lastNotification = now } else { changed.formUnion(told) }
        told = []
    }

    package mutating func stop() { isStopped = true }
}
