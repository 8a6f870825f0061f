// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

@Suite struct FollowerReplicationTests {
    /// A log by its epochs and where each begins.
    private func log(
        _ epochs: [(LeaderEpoch, Offset)], end: Offset, start: Offset = 0, highWatermark: Offset = 0
    ) -> FollowerLog {
        FollowerLog(
            logStart: start, logEnd: end, highWatermark: highWatermark, latestEpoch: epochs.last?.0,
            endOfEpoch: { wanted in
                guard let index = epochs.lastIndex(where: { $0.0 <= wanted }) else { return nil }
                return (epochs[index].0, index + 1 < epochs.count ? epochs[index + 1].1 : end)
            })
    }

    private func follower(_ log: FollowerLog, truncatesOnFetch: Bool = true) -> FollowerReplication {
        FollowerReplication(leaderEpoch: 9, truncatesOnFetch: truncatesOnFetch, log: log)
    }

    @Test func aLogWithEpochsIsFetchedAtOnce() {
        let log = self.log([(3, 0), (5, 10)], end: 20)
        #expect(follower(log).question(log) == .fetch(from: 20, lastFetchedEpoch: 5, logStart: 0))
    }

    @Test func withoutTruncationOnFetchTheEpochsEndIsAskedFirst() {
        let log = self.log([(3, 0), (5, 10)], end: 20)
        var follower = self.follower(log, truncatesOnFetch: false)
        #expect(follower.question(log) == .endOfEpoch(5))
        #expect(follower.learned(endOfEpoch: 5, at: 15, error: .none, requestEpoch: 9, log) == .truncate(to: 15))
        let cut = self.log([(3, 0), (5, 10)], end: 15)
        follower.truncated(cut)
        #expect(follower.question(cut) == .fetch(from: 15, lastFetchedEpoch: -1, logStart: 0))
    }

    @Test func aLogWithoutEpochsIsCutToItsMark() {
        let log = self.log([], end: 20, highWatermark: 12)
        var follower = self.follower(log)
        #expect(follower.state == .truncating)
        #expect(follower.question(log) == nil)
        #expect(follower.truncateWithoutEpochs(log) == .truncate(to: 12))
        #expect(follower.state == .fetching)
    }

    /// Every combination of what the leader answers and what this log knows.
    @Test(
        arguments: [
            (-1, -1, 8, true, "the leader knows nothing: the mark"),
            (-1, 15, 15, true, "an old leader without epochs: its end"),
            (-1, 25, 20, true, "an old leader that is longer: the own end"),
            (5, 15, 15, true, "the same epoch, shorter there"),
            (5, 25, 20, true, "the same epoch, shorter here"),
            (3, 7, 7, true, "an earlier epoch that ended sooner there"),
            (3, 12, 10, true, "an earlier epoch that ended sooner here"),
            (4, 12, 10, false, "an epoch unknown here: cut to the one before and ask again"),
            (2, 6, 6, true, "older than all known here"),
        ] as [(LeaderEpoch, Offset, Offset, Bool, String)])
    func truncationIsDecidedBy(_ test: (LeaderEpoch, Offset, Offset, Bool, String)) {
        let log = self.log([(3, 0), (5, 10)], end: 20, highWatermark: 8)
        var follower = self.follower(log, truncatesOnFetch: false)
        let action = follower.learned(endOfEpoch: test.0, at: test.1, error: .none, requestEpoch: 9, log)
        #expect(action == .truncate(to: test.2), "\(test.4)")
        #expect((follower.state == .fetching) == test.3, "\(test.4)")
    }

    @Test func aDivergingFetchTruncatesAndGoesOnBelow() {
        let log = self.log([(3, 0), (5, 10)], end: 20)
        var follower = self.follower(log)
        #expect(follower.diverged(at: 4, end: 14, log) == .truncate(to: 10))
        let cut = self.log([(3, 0)], end: 10)
        follower.truncated(cut)
        #expect(follower.question(cut) == .fetch(from: 10, lastFetchedEpoch: 3, logStart: 0))
    }

    @Test func recordsAreAppendedOnlyAtTheEnd() {
        let log = self.log([(3, 0)], end: 20)
        var follower = self.follower(log)
        #expect(follower.fetched(from: 19) == .nothing)
        #expect(follower.fetched(from: 20) == .append)
        follower.appended(logEnd: 25, lastEpoch: 9)
        #expect(follower.question(log) == .fetch(from: 25, lastFetchedEpoch: 9, logStart: 0))
    }

    @Test func damagedRecordsAreFetchedAgainAndOtherFailuresStop() {
        let log = self.log([(3, 0)], end: 20)
        var follower = self.follower(log)
        #expect(follower.appendFailed(isCorruption: true) == .backOff)
        #expect(follower.question(log) != nil)
        #expect(follower.appendFailed(isCorruption: false) == .stop)
        #expect(follower.question(log) == nil)
    }

    @Test func errorsBackOffOrStop() {
        let log = self.log([(3, 0)], end: 20)
        for error in [
            ErrorCode.unknownLeaderEpoch, .notLeaderOrFollower, .unknownTopicOrPartition, .unknownTopicID,
            .inconsistentTopicID, .kafkaStorageError,
        ] {
            var follower = self.follower(log)
            #expect(follower.failed(error, requestEpoch: 9) == .backOff)
        }
        var follower = self.follower(log)
        #expect(follower.failed(.fencedLeaderEpoch, requestEpoch: 8) == .nothing)
        #expect(follower.state == .fetching)
        #expect(follower.failed(.fencedLeaderEpoch, requestEpoch: 9) == .stop)
        #expect(follower.state == .failed)
    }

    @Test(
        arguments: [
            (0, 12, FollowerReplication.Action.truncate(to: 12), 12),
            (30, 40, .restart(at: 30), 30),
            (5, 40, .nothing, 20),
        ] as [(Offset, Offset, FollowerReplication.Action, Offset)])
    func anOffsetOutOfRangeIsSettledByTheLeadersEnds(
        _ test: (Offset, Offset, FollowerReplication.Action, Offset)
    ) {
        let log = self.log([(3, 0)], end: 20)
        var follower = self.follower(log)
        #expect(follower.failed(.offsetOutOfRange, requestEpoch: 9) == .nothing)
        #expect(follower.question(log) == .logEnds)
        #expect(follower.fetched(from: 20) == .nothing)
        #expect(follower.learned(leaderStart: test.0, leaderEnd: test.1, log) == test.2)
        #expect(follower.fetchOffset == test.3)
    }

    @Test func theLeadersMarkIsClampedToTheOwnLog() {
        let log = self.log([], end: 20, start: 5)
        #expect(log.clamped(highWatermark: 3) == 5)
        #expect(log.clamped(highWatermark: 12) == 12)
        #expect(log.clamped(highWatermark: 30) == 20)
    }

    @Test func epochsInRequestsAreChecked() {
        #expect(EpochCheck.error(requested: -1, current: 4) == .none)
        #expect(EpochCheck.error(requested: 4, current: 4) == .none)
        #expect(EpochCheck.error(requested: 3, current: 4) == .fencedLeaderEpoch)
        #expect(EpochCheck.error(requested: 5, current: 4) == .unknownLeaderEpoch)
    }

    @Test func divergenceIsSeenByTheLeader() {
        func check(_ last: LeaderEpoch, _ offset: Offset, _ known: (LeaderEpoch, Offset)?) -> EpochCheck.Divergence {
            EpochCheck.divergence(
                lastFetched: last, offset: offset, logStart: 2, known: known.map { (epoch: $0.0, end: $0.1) })
        }
        #expect(check(-1, 50, nil) == .none)
        #expect(check(4, 10, (4, 10)) == .none)
        #expect(check(4, 11, (4, 10)) == .diverging(epoch: 4, end: 10))
        #expect(check(5, 8, (4, 10)) == .diverging(epoch: 4, end: 10))
        #expect(check(5, 8, nil) == .outOfRange)
        #expect(check(4, 1, (4, 10)) == .outOfRange)
    }
}
