// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

@Suite struct InSyncNotificationsTests {
    private let first = TopicPartition("t", 0)
    private let second = TopicPartition("t", 1)

    @Test func changesAreToldTogetherOnceNothingHasChangedForAWhile() {
        var notifications = InSyncNotifications()
        notifications.wrote(second, now: 0)
        notifications.wrote(first, now: 4000)
        #expect(notifications.due(now: 9000) == [])
        #expect(notifications.due(now: 9001) == [first, second])
        notifications.ended(isDone: true, now: 9001)
        #expect(notifications.due(now: 20_000) == [])
    }

    @Test func changesThatNeverEndAreToldAfterAMinute() {
        var notifications = InSyncNotifications()
        for second in 0...60 { notifications.wrote(first, now: Int64(second) * 1000) }
        #expect(notifications.due(now: 60_000) == [])
        #expect(notifications.due(now: 60_001) == [first])
    }

    @Test func whatCouldNotBeToldIsDueAgainWithWhatHasChangedSince() {
        var notifications = InSyncNotifications()
        notifications.wrote(first, now: 0)
        #expect(notifications.due(now: 5001) == [first])
        notifications.wrote(second, now: 5002)
        // One at a time.
        #expect(notifications.due(now: 12_000) == [])
        notifications.ended(isDone: false, now: 12_000)
        #expect(notifications.due(now: 12_001) == [first, second])
        notifications.stop()
        notifications.ended(isDone: false, now: 12_002)
        #expect(notifications.due(now: 80_000) == [])
    }
}
