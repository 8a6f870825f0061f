// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Testing

@testable import LogStorage

@Suite struct LeaderEpochCacheTests {
    private func cache(_ entries: [(LeaderEpoch, Offset)]) -> LeaderEpochCache {
        LeaderEpochCache(entries.map { EpochEntry(epoch: $0.0, startOffset: $0.1) })
    }

    @Test func endsOfEpochsAreThoseOfKIP101() {
        let cache = cache([(2, 10), (4, 20), (7, 30)])
        // The newest ends with the log.
        #expect(cache.endOffset(of: 7, logEnd: 35) == EpochEndOffset(epoch: 7, endOffset: 35))
        // One that is not known: the one below it, which ended where the next one above begins.
        #expect(cache.endOffset(of: 5, logEnd: 35) == EpochEndOffset(epoch: 4, endOffset: 30))
        #expect(cache.endOffset(of: 2, logEnd: 35) == EpochEndOffset(epoch: 2, endOffset: 20))
        // Older than all: itself, ended where the log's first epoch begins.
        #expect(cache.endOffset(of: 1, logEnd: 35) == EpochEndOffset(epoch: 1, endOffset: 10))
        #expect(cache.endOffset(of: 8, logEnd: 35) == .undefined)
        #expect(cache.endOffset(of: -1, logEnd: 35) == .undefined)
        #expect(LeaderEpochCache().endOffset(of: 0, logEnd: 35) == .undefined)
    }

    @Test func aNewLeadershipReplacesWhatContradictsIt() {
        var cache = cache([(2, 10), (4, 20), (7, 30)])
        let changed1 = cache.assign(7, startOffset: 40)
        #expect(!changed1)
        let changed2 = cache.assign(9, startOffset: 20)
        #expect(changed2)
        #expect(cache.entries == [EpochEntry(epoch: 2, startOffset: 10), EpochEntry(epoch: 9, startOffset: 20)])
        let changed3 = cache.assign(-1, startOffset: 50)
        #expect(!changed3)
    }

    @Test func cutsTrimTheEpochsAndKeepTheOneThatCoversTheStart() {
        var cache = cache([(2, 10), (4, 20), (7, 30)])
        let changed4 = cache.truncateEnd(to: 31)
        #expect(!changed4)
        let changed5 = cache.truncateEnd(to: 30)
        #expect(changed5)
        #expect(cache.latestEpoch == 4)
        let changed6 = cache.truncateStart(to: 25)
        #expect(changed6)
        #expect(cache.entries == [EpochEntry(epoch: 4, startOffset: 25)])
        let changed7 = cache.truncateStart(to: 25)
        #expect(!changed7)
        #expect(cache.epoch(at: 24) == nil)
        #expect(cache.epoch(at: 25) == 4)
    }
}
