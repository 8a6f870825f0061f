// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

@Suite struct FetchSessionTests {
    private func key(_ partition: Int32) -> FetchPartitionKey { FetchPartitionKey(topic: "t", partition: partition) }

    private func wants(_ partitions: Int32..., offset: Offset = 0) -> [FetchPartition] {
        partitions.map { FetchPartition(key: key($0), fetchOffset: offset, maximumBytes: 1000) }
    }

    private func found(
        _ partition: Int32, mark: Offset = 5, start: Offset = 0, records: Bool = false, error: ErrorCode = .none
    ) -> FetchedPartition {
        FetchedPartition(
            key: key(partition), error: error, highWatermark: mark, logStart: start, byteCount: records ? 100 : 0)
    }

    /// Begins a request; an error is its code.
    private func begin(
        _ cache: inout FetchSessionCache, _ id: Int32, _ epoch: Int32, _ partitions: [FetchPartition] = [],
        forgotten: [FetchPartitionKey] = [], isFollower: Bool = false, usesTopicIDs: Bool = false, now: Timestamp = 0
    ) -> Result<FetchSessionCache.Context, FetchSessionError> {
        do throws(FetchSessionError) {
            return .success(
                try cache.begin(
                    id: id, epoch: epoch, partitions: partitions, forgotten: forgotten, isFollower: isFollower,
                    usesTopicIDs: usesTopicIDs, now: now))
        } catch { return .failure(error) }
    }

    private func error(_ result: Result<FetchSessionCache.Context, FetchSessionError>) -> ErrorCode? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test func sessionlessFetchesKeepNothing() throws {
        var cache = FetchSessionCache(slots: 10)
        let context = try begin(&cache, 0, -1, wants(0, 1)).get()
        #expect(context.sessionID == 0)
        #expect(cache.finish(context, [found(0), found(1)]) == [key(0), key(1)])
        #expect(cache.count == 0)
    }

    /// As in Kafka's map: the last wish counts, at the place of the first. Few are compared, many hashed.
    @Test(arguments: [0, -1] as [Int32], [1, 10])
    func aPartitionThatIsNamedAgainIsReadOnce(_ epoch: Int32, times: Int) throws {
        var cache = FetchSessionCache(slots: 10)
        let again = Array(repeating: wants(3, 7), count: times).flatMap(\.self)
        let context = try begin(&cache, 0, epoch, wants(3) + again + wants(3, offset: 9)).get()
        #expect(context.partitions == wants(3, offset: 9) + wants(7))
        guard epoch == 0 else { return }
        #expect(try begin(&cache, context.sessionID, 1).get().partitions == context.partitions)
    }

    @Test func anIncrementalAnswerNamesOnlyWhatIsNew() throws {
        var cache = FetchSessionCache(slots: 10)
        let full = try begin(&cache, 0, 0, wants(0, 1, 2)).get()
        #expect(full.sessionID != 0)
        #expect(cache.finish(full, [found(0), found(1), found(2)]).count == 3)
        let next = try begin(&cache, full.sessionID, 1).get()
        #expect(next.partitions.map(\.key.partition) == [0, 1, 2])
        #expect(cache.finish(next, [found(0), found(1, mark: 6), found(2, start: 1)]) == [key(1), key(2)])
        let third = try begin(&cache, full.sessionID, 2).get()
        #expect(
            cache.finish(third, [found(0, records: true), found(1, mark: 6), found(2, start: 1)]) == [key(0)])
    }

    @Test func aSessionRemembersHowMuchItsLastAnswerCarried() throws {
        var cache = FetchSessionCache(slots: 10)
        let full = try begin(&cache, 0, 0, wants(0, 1)).get()
        #expect(full.lastByteCount == 0)
        _ = cache.finish(full, [found(0, records: true), found(1, records: true)])
        let next = try begin(&cache, full.sessionID, 1).get()
        #expect(next.lastByteCount == 200)
        _ = cache.finish(next, [found(0), found(1)])
        #expect(try begin(&cache, full.sessionID, 2).get().lastByteCount == 0)
    }

    @Test func theMarkIsToldAgainAfterADivergingEpoch() throws {
        var cache = FetchSessionCache(slots: 10)
        let full = try begin(&cache, 0, 0, wants(0), isFollower: true).get()
        var diverging = found(0)
        diverging.hasNews = true
        #expect(cache.finish(full, [diverging]) == [key(0)])
        let next = try begin(&cache, full.sessionID, 1, isFollower: true).get()
        #expect(cache.finish(next, [found(0)]) == [key(0)])
        let third = try begin(&cache, full.sessionID, 2, isFollower: true).get()
        #expect(cache.finish(third, [found(0)]).isEmpty)
    }

    @Test func theMarkIsToldAgainInAnotherLeadership() throws {
        var cache = FetchSessionCache(slots: 10)
        let full = try begin(&cache, 0, 0, wants(0, 1), isFollower: true).get()
        _ = cache.finish(full, [found(0), found(1)])
        var again = wants(0, 1)
        again[0].currentLeaderEpoch = 7
        again[1].fetchOffset = 4
        let next = try begin(&cache, full.sessionID, 1, again, isFollower: true).get()
        #expect(next.partitions.map(\.key.partition) == [0, 1])
        #expect(cache.finish(next, [found(0), found(1)]) == [key(0)])
    }

    @Test func whoWasServedMovesToTheEnd() throws {
        var cache = FetchSessionCache(slots: 10)
        let full = try begin(&cache, 0, 0, wants(0, 1, 2)).get()
        _ = cache.finish(full, [found(0), found(1), found(2)])
        let next = try begin(&cache, full.sessionID, 1).get()
        _ = cache.finish(next, [found(0, records: true), found(1), found(2)])
        #expect(try begin(&cache, full.sessionID, 2).get().partitions.map(\.key.partition) == [1, 2, 0])
    }

    @Test func anErrorMakesTheNextSuccessNews() throws {
        var cache = FetchSessionCache(slots: 10)
        let full = try begin(&cache, 0, 0, wants(0)).get()
        _ = cache.finish(full, [found(0)])
        let second = try begin(&cache, full.sessionID, 1).get()
        #expect(cache.finish(second, [found(0, mark: -1, error: .notLeaderOrFollower)]) == [key(0)])
        let third = try begin(&cache, full.sessionID, 2).get()
        #expect(cache.finish(third, [found(0)]) == [key(0)])
    }

    @Test func partitionsAreAddedChangedAndForgotten() throws {
        var cache = FetchSessionCache(slots: 10)
        let full = try begin(&cache, 0, 0, wants(0, 1)).get()
        let next = try begin(&cache, full.sessionID, 1, wants(1, 2, offset: 7), forgotten: [key(0)]).get()
        #expect(next.partitions.map(\.key.partition) == [1, 2])
        #expect(next.partitions.map(\.fetchOffset) == [7, 7])
        let last = try begin(&cache, full.sessionID, 2, forgotten: [key(1), key(2)]).get()
        #expect(last.sessionID == 0)
        #expect(cache.count == 0)
    }

    @Test func wrongSessionsAndEpochsAreRefused() throws {
        var cache = FetchSessionCache(slots: 10)
        #expect(error(begin(&cache, 77, 1)) == .fetchSessionIDNotFound)
        let full = try begin(&cache, 0, 0, wants(0)).get()
        #expect(error(begin(&cache, full.sessionID, 2)) == .invalidFetchSessionEpoch)
        #expect(error(begin(&cache, full.sessionID, 1, usesTopicIDs: true)) == .fetchSessionTopicIDError)
        #expect(error(begin(&cache, full.sessionID, 1)) == nil)
        #expect(error(begin(&cache, full.sessionID, 1)) == .invalidFetchSessionEpoch)
    }

    @Test func aFullFetchClosesTheSessionItNames() throws {
        var cache = FetchSessionCache(slots: 10)
        let first = try begin(&cache, 0, 0, wants(0)).get()
        let second = try begin(&cache, first.sessionID, 0, wants(0)).get()
        #expect(second.sessionID != 0)
        #expect(cache.count == 1)
        _ = begin(&cache, second.sessionID, -1, wants(0))
        #expect(cache.count == 0)
    }

    @Test func sessionsAreEvictedWhenIdleOrWorthLess() throws {
        var cache = FetchSessionCache(slots: 1)
        let first = try begin(&cache, 0, 0, wants(0), now: 0).get()
        #expect(try begin(&cache, 0, 0, wants(0, 1), now: 1000).get().sessionID == 0)
        // Kept in use, it is old enough to give way to a larger one, but not to one of its size.
        _ = begin(&cache, first.sessionID, 1, now: 120_000)
        #expect(try begin(&cache, 0, 0, wants(1), now: 120_001).get().sessionID == 0)
        let larger = try begin(&cache, 0, 0, wants(0, 1), now: 120_001).get()
        #expect(larger.sessionID != 0)
        _ = begin(&cache, larger.sessionID, 1, now: 240_002)
        let follower = try begin(&cache, 0, 0, wants(0), isFollower: true, now: 240_003).get()
        #expect(follower.sessionID != 0)
        // Idle for more than two minutes: anyone may take its place.
        #expect(try begin(&cache, 0, 0, wants(0), now: 360_004).get().sessionID != 0)
        #expect(cache.count == 1)
    }

    @Test func withoutSlotsThereAreNoSessions() throws {
        var cache = FetchSessionCache(slots: 0)
        #expect(try begin(&cache, 0, 0, wants(0)).get().sessionID == 0)
    }
}
