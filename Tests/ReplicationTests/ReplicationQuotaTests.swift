// SPDX-License-Identifier: Apache-2.0

import Replication
import Testing

@Suite struct ReplicationQuotaTests {
    @Test func theRateIsThatOfTheSamplesThatAreNotTooOld() {
        var rate = ByteRate(samples: 3, length: 1000)
        #expect(rate.perSecond(now: 0) == 0)
        rate.record(500, now: 0)
        rate.record(500, now: 999)
        // Less than a sample's length counts as one.
        #expect(rate.perSecond(now: 999) == 1000)
        rate.record(1000, now: 1000)
        #expect(rate.perSecond(now: 2000) == 1000)
        // The first sample is forgotten as a whole.
        #expect(rate.perSecond(now: 3000) == 500)
        #expect(rate.perSecond(now: 4000) == 0)
    }

    @Test func aQuotaIsExceededUntilTheRateHasSunk() {
        var quota = ReplicationQuota(samples: 11, length: 1000)
        #expect(!quota.isExceeded(limit: 100, now: 0))
        quota.record(1000, now: 0)
        #expect(quota.isExceeded(limit: 100, now: 5000))
        #expect(!quota.isExceeded(limit: 100, now: 10_000))
        // An operator may change his mind at any time.
        #expect(!quota.isExceeded(limit: 1000, now: 5000))
        #expect(!quota.isExceeded(limit: .max, now: 0))
    }

    /// A rate of zero lets one answer pass, which then is too much.
    @Test func aLimitOfZeroStopsAfterTheFirstBytes() {
        var quota = ReplicationQuota(samples: 11, length: 1000)
        #expect(!quota.isExceeded(limit: 0, now: 0))
        quota.record(1, now: 0)
        #expect(quota.isExceeded(limit: 0, now: 1))
    }

    @Test func throttledReplicasAreNamedByPartitionAndBroker() {
        #expect(ThrottledReplicas(["*"]).contains(7, on: 9))
        let some = ThrottledReplicas(["0:1", "0:2", "3:1", "nonsense", "4"])
        #expect(some.contains(0, on: 1) && some.contains(0, on: 2) && some.contains(3, on: 1))
        #expect(!some.contains(3, on: 2) && !some.contains(4, on: 1))
        #expect(ThrottledReplicas([]) == .none)
    }
}
