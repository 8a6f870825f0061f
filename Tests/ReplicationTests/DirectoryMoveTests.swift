// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

/// A copy of a log in another directory (KIP-113), and what becomes of the wish to have one.
@Suite struct DirectoryMoveTests {
    private typealias LocalLog = FollowerReplication.LocalLog
    private typealias EpochEnd = FollowerReplication.EpochEnd

    private func log(_ start: Offset = 0, end: Offset, epoch: LeaderEpoch? = 3) -> LocalLog {
        LocalLog(logStart: start, highWatermark: end, logEnd: end, latestEpoch: epoch)
    }

    private func unknown(_: LeaderEpoch) -> EpochEnd { EpochEnd(epoch: nil, endOffset: nil) }

    private func next(
        _ move: inout DirectoryMove, log: LocalLog, copy: LocalLog, now: Int64 = 0, end: EpochEnd? = nil
    ) -> DirectoryMove.Task {
        move.next(
            log: log, copy: copy, now: now,
            logEnd: { end ?? EpochEnd(epoch: $0, endOffset: log.logEnd) },
            copyEnd: { EpochEnd(epoch: $0, endOffset: copy.logEnd) })
    }

    /// A copy that has learned that it agrees with the log: it was "cut" where it ends.
    private func agreeing(_ copy: LocalLog, with log: LocalLog) -> DirectoryMove {
        var move = DirectoryMove(copy: copy)
        #expect(next(&move, log: log, copy: copy) == .truncate(to: copy.logEnd))
        move.changed(copy)
        #expect(next(&move, log: log, copy: copy) == .copy(from: copy.logEnd))
        return move
    }

    @Test func anEmptyCopyBeginsAtItsStartAndGoesOnWhereItEnds() {
        var copy = log(10, end: 10, epoch: nil)
        var move = DirectoryMove(copy: copy)
        // Without epochs only what is below the high watermark is known to agree: a cut that cuts nothing.
        #expect(next(&move, log: log(10, end: 30), copy: copy) == .truncate(to: 10))
        move.changed(copy)
        #expect(next(&move, log: log(10, end: 30), copy: copy) == .copy(from: 10))
        let isToAppend = move.found(at: 10, copy: copy, now: 0, copyEnd: unknown)
        #expect(isToAppend)
        copy = log(10, end: 20)
        move.appended(copy)
        #expect(next(&move, log: log(10, end: 30), copy: copy) == .copy(from: 20))
    }

    @Test func aCopyFromBeforeARestartIsCutWhereTheLogsPart() {
        let copy = log(end: 20)
        var move = DirectoryMove(copy: copy)
        #expect(
            next(&move, log: log(end: 30), copy: copy, end: EpochEnd(epoch: 3, endOffset: 15)) == .truncate(to: 15))
        move.changed(log(end: 15))
        #expect(next(&move, log: log(end: 30), copy: log(end: 15)) == .copy(from: 15))
    }

    @Test func aCopyFollowsACutOfTheLogAndAsksAgainWhereTheyPart() {
        var move = agreeing(log(end: 20), with: log(end: 30))
        let cut = move.logWasCut(to: 12, copy: log(end: 20))
        #expect(cut == 12)
        move.changed(log(end: 12))
        // Records of another leadership may be in their place by now, below the cut as well: it asks, and copies then.
        let other = EpochEnd(epoch: 3, endOffset: 8)
        #expect(next(&move, log: log(end: 14, epoch: 4), copy: log(end: 12), end: other) == .truncate(to: 8))
    }

    @Test func aCutBeyondTheCopyCutsNothingButIsAskedAbout() {
        var move = agreeing(log(end: 20), with: log(end: 30))
        let cut = move.logWasCut(to: 25, copy: log(end: 20))
        #expect(cut == nil)
        #expect(
            next(&move, log: log(end: 25), copy: log(end: 20), end: EpochEnd(epoch: 3, endOffset: 18))
                == .truncate(to: 18))
    }

    @Test func aCopyThatTheLogHasLeftBehindStartsOver() {
        let copy = log(end: 5)
        var move = agreeing(copy, with: log(10, end: 30))
        move.notFound(at: 5, copy: copy, now: 0, copyEnd: unknown)
        var task = next(&move, log: log(10, end: 30), copy: copy)
        if task == .goOn { task = next(&move, log: log(10, end: 30), copy: copy) }
        #expect(task == .startOver(at: 10))
        move.changed(log(10, end: 10))
        #expect(next(&move, log: log(10, end: 30), copy: log(10, end: 10)) == .copy(from: 10))
    }

    @Test func aFullDiskIsTriedAgainFromTheSamePlace() {
        let copy = log(end: 5)
        var move = agreeing(copy, with: log(end: 30))
        let isToAppend = move.found(at: 5, copy: copy, now: 100, copyEnd: unknown)
        #expect(isToAppend)
        let until = move.appendFailed(now: 100)
        #expect(until == 5100)
        #expect(next(&move, log: log(end: 30), copy: copy, now: until) == .copy(from: 5))
    }

    // MARK: Wishes

    struct Case: Sendable {
        var isOnline: Bool? = true
        var log: String? = "a"
        var copy: String?
        var isReplicaOffline = false
        var isKnown = true
        var hasOfflineDirectory = false
        let outcome: DirectoryWish<String>.Outcome
        var endsAnotherMove = false
    }

    @Test(arguments: [
        Case(isOnline: nil, outcome: .refused(.logDirNotFound)),
        Case(isOnline: nil, copy: "c", isReplicaOffline: true, outcome: .refused(.logDirNotFound)),
        Case(isOnline: false, copy: "c", outcome: .refused(.kafkaStorageError)),
        Case(log: nil, isReplicaOffline: true, outcome: .refused(.kafkaStorageError)),
        Case(log: nil, outcome: .remembered),
        Case(log: nil, isKnown: false, outcome: .refused(.unknownTopicOrPartition)),
        Case(isOnline: nil, log: nil, isKnown: false, outcome: .refused(.logDirNotFound)),
        Case(isKnown: false, outcome: .moves),
        Case(log: nil, copy: "c", outcome: .remembered, endsAnotherMove: true),
        Case(log: "b", outcome: .stays),
        Case(log: "b", copy: "c", outcome: .stays, endsAnotherMove: true),
        Case(outcome: .moves),
        Case(copy: "b", outcome: .moves),
        Case(copy: "c", outcome: .moves, endsAnotherMove: true),
        Case(hasOfflineDirectory: true, outcome: .refused(.kafkaStorageError)),
        Case(copy: "b", hasOfflineDirectory: true, outcome: .moves),
        Case(copy: "c", hasOfflineDirectory: true, outcome: .refused(.kafkaStorageError), endsAnotherMove: true),
    ])
    func aWishIsDecidedByTheTable(_ wanted: Case) {
        let wish = DirectoryWish(
            for: "b", isOnline: wanted.isOnline, log: wanted.log, copy: wanted.copy,
            isReplicaOffline: wanted.isReplicaOffline, isKnown: wanted.isKnown,
            hasOfflineDirectory: wanted.hasOfflineDirectory)
        #expect(wish.outcome == wanted.outcome)
        #expect(wish.endsAnotherMove == wanted.endsAnotherMove)
    }
}
