// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

/// A local log as far as a follower's decisions see it: epochs with their starts, and an end.
private struct Log {
    var epochs: [(epoch: LeaderEpoch, start: Offset)]
    var end: Offset
    var highWatermark: Offset
    var start: Offset = 0

    init(_ epochs: [(LeaderEpoch, Offset)] = [], end: Offset, highWatermark: Offset = 0, start: Offset = 0) {
        self.epochs = epochs.map { (epoch: $0.0, start: $0.1) }
        self.end = end
        self.highWatermark = highWatermark
        self.start = start
    }

    var view: FollowerReplication.LocalLog {
        .init(logStart: start, highWatermark: highWatermark, logEnd: end, latestEpoch: epochs.last?.epoch)
    }

    /// As the leader epoch cache answers.
    func endOffset(of epoch: LeaderEpoch) -> FollowerReplication.EpochEnd {
        guard let latest = epochs.last, epoch >= 0 else { return .init(epoch: nil, endOffset: nil) }
        if epoch == latest.epoch { return .init(epoch: epoch, endOffset: end) }
        guard let next = epochs.firstIndex(where: { $0.epoch > epoch }) else {
            return .init(epoch: nil, endOffset: nil)
        }
        return .init(epoch: next > 0 ? epochs[next - 1].epoch : epoch, endOffset: epochs[next].start)
    }

    mutating func truncate(to offset: Offset) {
        end = min(end, offset)
        highWatermark = min(highWatermark, end)
        epochs.removeAll { $0.start >= end }
    }
}

private let modern = FollowerReplication.Abilities(truncatesOnFetch: true, asksForEpochs: true)
private let asking = FollowerReplication.Abilities(truncatesOnFetch: false, asksForEpochs: true)
private let ancient = FollowerReplication.Abilities(truncatesOnFetch: false, asksForEpochs: false)

private func follower(
    _ log: Log, _ abilities: FollowerReplication.Abilities = modern, backoff: Int64 = 1000
) -> FollowerReplication {
    FollowerReplication(leaderEpoch: 9, log: log.view, abilities: abilities, backoff: backoff)
}

extension FollowerReplication {
    fileprivate mutating func fetched(
        _ log: Log, error: ErrorCode = .none, at offset: Offset? = nil, diverging: EpochEnd? = nil, now: Int64 = 0
    ) -> Work? {
        fetched(
            FetchAnswer(error: error, offset: offset ?? log.end, diverging: diverging), log: log.view, now: now,
            localEnd: log.endOffset)
    }

    fileprivate mutating func epochEnd(
        _ log: Log, _ epoch: LeaderEpoch?, _ end: Offset?, error: ErrorCode = .none, now: Int64 = 0
    ) -> Work? {
        epochEndAnswered(
            error: error, EpochEnd(epoch: epoch, endOffset: end), log: log.view, now: now, localEnd: log.endOffset)
    }
}

@Suite struct FollowerStartTests {
    @Test func aLogWithEpochsIsFetchedFromItsEnd() {
        let log = Log([(3, 0)], end: 10, highWatermark: 7)
        #expect(follower(log).need(now: 0) == .records(from: 10, lastFetchedEpoch: 3))
        #expect(follower(log).workAtStart == nil)
    }

    @Test func anOlderProtocolAsksWhereTheNewestEpochEnded() {
        let log = Log([(1, 0), (3, 4)], end: 10, highWatermark: 7)
        #expect(follower(log, asking).need(now: 0) == .epochEnd(of: 3))
    }

    @Test(arguments: [modern, asking, ancient])
    func aLogWithoutEpochsIsCutToItsHighWatermark(_ abilities: FollowerReplication.Abilities) {
        var log = Log(end: 10, highWatermark: 7)
        var machine = follower(log, abilities)
        #expect(machine.workAtStart == .truncate(to: 7))
        #expect(machine.need(now: 0) == .nothing)
        log.truncate(to: 7)
        machine.logChanged(log.view)
        #expect(machine.workAtStart == nil)
        #expect(machine.need(now: 0) == .records(from: 7, lastFetchedEpoch: nil))
    }

    @Test func theOldestProtocolCutsToTheHighWatermarkWhateverTheEpochs() {
        let log = Log([(3, 0)], end: 10, highWatermark: 7)
        #expect(follower(log, ancient).workAtStart == .truncate(to: 7))
    }

    @Test func anEmptyLogBeginsAtZero() {
        let log = Log(end: 0)
        var machine = follower(log)
        #expect(machine.workAtStart == .truncate(to: 0))
        machine.logChanged(log.view)
        #expect(machine.need(now: 0) == .records(from: 0, lastFetchedEpoch: nil))
    }
}

@Suite struct FollowerFetchTests {
    @Test func recordsAreAppendedAndTheNextFetchFollowsThem() {
        var log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        #expect(machine.fetched(log) == .append)
        log.end = 15
        log.epochs.append((9, 10))
        machine.appended(log.view)
        #expect(machine.need(now: 0) == .records(from: 15, lastFetchedEpoch: 9))
    }

    @Test func anAnswerWithoutRecordsStillCarriesTheMarks() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        #expect(machine.fetched(log) == .append)
        machine.appended(log.view)
        #expect(machine.need(now: 0) == .records(from: 10, lastFetchedEpoch: 3))
    }

    @Test func recordsOfOldFormatsKeepTheEpochThatWasKnown() {
        var log = Log(end: 0)
        var machine = follower(log)
        machine.logChanged(log.view)
        _ = machine.fetched(log)
        log.end = 5
        machine.appended(log.view)
        #expect(machine.need(now: 0) == .records(from: 5, lastFetchedEpoch: nil))
    }

    @Test func anAnswerToAnEarlierQuestionIsIgnored() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        #expect(machine.fetched(log, at: 8) == nil)
        #expect(machine.fetched(log, error: .fencedLeaderEpoch, at: 8) == nil)
        #expect(machine.need(now: 0) == .records(from: 10, lastFetchedEpoch: 3))
    }

    @Test func aLogThatMovedByItselfIsNotContinued() {
        var log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        log.end = 12
        #expect(machine.fetched(log, at: 10) == nil)
        #expect(machine.state == .standing(because: .failed))
        #expect(machine.need(now: 1_000_000) == .nothing)
    }

    @Test func damagedRecordsAreFetchedAgainLater() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        #expect(machine.fetched(log) == .append)
        machine.appendFailed(.transient, now: 100)
        #expect(machine.need(now: 100) == .patience(until: 110))
        #expect(machine.need(now: 110) == .records(from: 10, lastFetchedEpoch: 3))
    }

    @Test func aLogThatCannotBeWrittenStopsThePartition() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        #expect(machine.fetched(log) == .append)
        machine.appendFailed(.permanent, now: 100)
        #expect(machine.need(now: 1_000_000) == .nothing)
    }
}

@Suite struct FollowerErrorTests {
    @Test(arguments: [
        ErrorCode.unknownLeaderEpoch, .notLeaderOrFollower, .unknownTopicOrPartition, .unknownTopicID,
        .inconsistentTopicID, .kafkaStorageError, .unknownServerError,
    ])
    func theLeaderIsAskedAgainAfterAWhile(_ error: ErrorCode) {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        #expect(machine.fetched(log, error: error, now: 100) == nil)
        #expect(machine.need(now: 105) == .patience(until: 110))
        #expect(machine.need(now: 110) == .records(from: 10, lastFetchedEpoch: 3))
    }

    @Test func waitsGrowUpToTheConfiguredOne() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log, backoff: 1000)
        var waits: [Int64] = []
        var now: Int64 = 0
        for _ in 0..<9 {
            machine.requestFailed(now: now)
            guard case .patience(let until) = machine.need(now: now) else { break }
            waits.append(until - now)
            now = until
        }
        #expect(waits == [10, 20, 40, 80, 160, 320, 640, 1000, 1000])
        // A success makes the next failure a first one again.
        #expect(machine.fetched(log, now: now) == .append)
        machine.requestFailed(now: now)
        #expect(machine.need(now: now) == .patience(until: now + 10))
    }

    @Test func aFencedFollowerWaitsForTheController() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        #expect(machine.fetched(log, error: .fencedLeaderEpoch) == nil)
        #expect(machine.state == .standing(because: .fenced))
        machine.requestFailed(now: 5)
        #expect(machine.need(now: 1_000_000) == .nothing)
    }

    @Test func aFencedQuestionForAnEpochStopsToo() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log, asking)
        #expect(machine.epochEnd(log, nil, nil, error: .fencedLeaderEpoch) == nil)
        #expect(machine.state == .standing(because: .fenced))
    }

    @Test func aRefusedQuestionForAnEpochIsAskedAgain() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log, asking)
        #expect(machine.epochEnd(log, nil, nil, error: .unknownLeaderEpoch, now: 100) == nil)
        #expect(machine.need(now: 100) == .patience(until: 110))
        #expect(machine.need(now: 110) == .epochEnd(of: 3))
    }
}

@Suite struct FollowerOutOfRangeTests {
    private func outOfRange(_ log: Log) -> FollowerReplication {
        var machine = follower(log)
        #expect(machine.fetched(log, error: .offsetOutOfRange) == nil)
        #expect(machine.need(now: 0) == .leaderEnd)
        return machine
    }

    @Test func aShorterLeaderCutsTheLog() {
        var log = Log([(3, 0)], end: 10)
        var machine = outOfRange(log)
        #expect(machine.leaderEndAnswered(error: .none, 6, log: log.view, now: 0) == .truncate(to: 6))
        log.truncate(to: 6)
        machine.logChanged(log.view)
        #expect(machine.need(now: 0) == .records(from: 6, lastFetchedEpoch: 3))
    }

    @Test func aLeaderThatBeginsLaterMakesTheLogStartOver() {
        var log = Log([(3, 0)], end: 10)
        var machine = outOfRange(log)
        #expect(machine.leaderEndAnswered(error: .none, 90, log: log.view, now: 0) == nil)
        #expect(machine.need(now: 0) == .leaderStart)
        #expect(machine.leaderStartAnswered(error: .none, 40, log: log.view, now: 0) == .startOver(at: 40))
        log = Log(end: 40, highWatermark: 40, start: 40)
        machine.logChanged(log.view)
        #expect(machine.need(now: 0) == .records(from: 40, lastFetchedEpoch: nil))
    }

    @Test func aLeaderThatHasTheOffsetAfterAllIsFetchedOn() {
        let log = Log([(3, 0)], end: 10)
        var machine = outOfRange(log)
        #expect(machine.leaderEndAnswered(error: .none, 10, log: log.view, now: 0) == nil)
        #expect(machine.leaderStartAnswered(error: .none, 10, log: log.view, now: 0) == nil)
        #expect(machine.need(now: 0) == .records(from: 10, lastFetchedEpoch: 3))
    }

    @Test func refusedQuestionsAreAskedAgain() {
        let log = Log([(3, 0)], end: 10)
        var machine = outOfRange(log)
        #expect(machine.leaderEndAnswered(error: .notLeaderOrFollower, -1, log: log.view, now: 0) == nil)
        #expect(machine.need(now: 10) == .leaderEnd)
        #expect(machine.leaderEndAnswered(error: .none, 90, log: log.view, now: 10) == nil)
        #expect(machine.leaderStartAnswered(error: .none, -1, log: log.view, now: 10) == nil)
        #expect(machine.need(now: 20) == .leaderStart)
        #expect(machine.leaderStartAnswered(error: .fencedLeaderEpoch, -1, log: log.view, now: 20) == nil)
        #expect(machine.state == .standing(because: .fenced))
    }
}

/// KIP-101 and KIP-279: the leader is asked. Each case is a row: what the log has, what the leader says, what follows.
@Suite struct FollowerTruncationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let epochs: [(LeaderEpoch, Offset)]
        let end: Offset
        let mark: Offset
        let leader: (epoch: LeaderEpoch?, end: Offset?)
        let cut: Offset
        let isComplete: Bool

        init(
            _ name: String, _ epochs: [(LeaderEpoch, Offset)], end: Offset, mark: Offset,
            leader: (LeaderEpoch?, Offset?), cut: Offset, isComplete: Bool = true
        ) {
            testDescription = name
            self.epochs = epochs
            self.end = end
            self.mark = mark
            self.leader = (leader.0, leader.1)
            self.cut = cut
            self.isComplete = isComplete
        }
    }

    static let cases = [
        Case("the leader has more of the epoch", [(3, 0)], end: 10, mark: 5, leader: (3, 20), cut: 10),
        Case("the leader has less of the epoch", [(3, 0)], end: 10, mark: 5, leader: (3, 8), cut: 8),
        Case("the leader knows no epochs", [(3, 0)], end: 10, mark: 5, leader: (nil, nil), cut: 5),
        Case("an old leader tells an offset only", [(3, 0)], end: 10, mark: 5, leader: (nil, 8), cut: 8),
        Case("an old leader tells an offset beyond", [(3, 0)], end: 10, mark: 5, leader: (nil, 80), cut: 10),
        Case(
            "the leader's epoch is known and ended here first", [(1, 0), (3, 4)], end: 10, mark: 2, leader: (1, 8),
            cut: 4),
        Case(
            "the leader's epoch is known and ended there first", [(1, 0), (3, 4)], end: 10, mark: 2, leader: (1, 3),
            cut: 3),
        Case(
            "the leader's epoch is not known here", [(1, 0), (2, 4), (5, 7)], end: 10, mark: 2, leader: (4, 9), cut: 7,
            isComplete: false),
        Case("nothing here is as old", [(5, 4)], end: 10, mark: 2, leader: (2, 3), cut: 3),
    ]

    @Test(arguments: cases)
    func theLogIsCutWhereTheLogsPart(_ row: Case) {
        var log = Log(row.epochs, end: row.end, highWatermark: row.mark)
        var machine = follower(log, asking)
        #expect(machine.epochEnd(log, row.leader.epoch, row.leader.end) == .truncate(to: row.cut))
        #expect(machine.need(now: 0) == .nothing)
        log.truncate(to: row.cut)
        machine.logChanged(log.view)
        let latest = log.epochs.last?.epoch
        if row.isComplete {
            #expect(machine.need(now: 0) == .records(from: row.cut, lastFetchedEpoch: latest))
        } else {
            #expect(machine.need(now: 0) == latest.map { .epochEnd(of: $0) })
        }
    }

    @Test(arguments: cases)
    func aFetchThatTellsOfItCutsInTheSamePlace(_ row: Case) {
        var log = Log(row.epochs, end: row.end, highWatermark: row.mark)
        var machine = follower(log)
        let diverging = FollowerReplication.EpochEnd(epoch: row.leader.epoch, endOffset: row.leader.end)
        #expect(machine.fetched(log, diverging: diverging) == .truncate(to: row.cut))
        log.truncate(to: row.cut)
        machine.logChanged(log.view)
        // A step on the way is followed by a fetch, which tells whether there must be another.
        #expect(machine.need(now: 0) == .records(from: row.cut, lastFetchedEpoch: log.epochs.last?.epoch))
    }

    /// KIP-279's case: two leaders in turn wrote under epochs that the other does not know.
    @Test func forksOfSeveralEpochsAreUnwoundStepByStep() {
        let leader = Log([(1, 0), (4, 5), (6, 8)], end: 12)
        for abilities in [asking, modern] {
            var log = Log([(1, 0), (3, 5), (5, 9)], end: 11, highWatermark: 5)
            var machine = follower(log, abilities)
            var cuts: [Offset] = []
            for _ in 0..<10 {
                var work: FollowerReplication.Work?
                switch machine.need(now: 0) {
                case .epochEnd(let epoch):
                    let end = leader.endOffset(of: epoch)
                    work = machine.epochEnd(log, end.epoch, end.endOffset)
                case .records(let offset, let epoch?):
                    let end = leader.endOffset(of: epoch)
                    guard let known = end.epoch, let last = end.endOffset, known < epoch || last < offset else { break }
                    work = machine.fetched(log, diverging: end)
                default: break
                }
                guard case .truncate(let offset)? = work else { break }
                cuts.append(offset)
                log.truncate(to: offset)
                machine.logChanged(log.view)
            }
            #expect(cuts.last == 5)
            #expect(log.epochs.map(\.epoch) == [1])
            #expect(machine.need(now: 0) == .records(from: 5, lastFetchedEpoch: 1))
        }
    }

    /// A leadership without a record leaves an epoch at the log's end, which a cut to that end takes away.
    @Test func anEpochWithoutRecordsDoesNotTurnInCircles() {
        var log = Log([(1, 0), (5, 10)], end: 10, highWatermark: 5)
        var machine = follower(log)
        #expect(machine.fetched(log, diverging: .init(epoch: 1, endOffset: 14)) == .truncate(to: 10))
        log.truncate(to: 10)
        machine.logChanged(log.view)
        #expect(machine.need(now: 0) == .records(from: 10, lastFetchedEpoch: 1))
    }

    @Test func batchesAreNotSplitSoThatTheCutMayBeLower() {
        var log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        #expect(machine.fetched(log, diverging: .init(epoch: 3, endOffset: 8)) == .truncate(to: 8))
        log.truncate(to: 6)
        machine.logChanged(log.view)
        #expect(machine.need(now: 0) == .records(from: 6, lastFetchedEpoch: 3))
    }

    @Test func aLogThatCannotBeCutStopsThePartition() {
        let log = Log([(3, 0)], end: 10)
        var machine = follower(log)
        _ = machine.fetched(log, diverging: .init(epoch: 3, endOffset: 8))
        machine.cutFailed()
        #expect(machine.need(now: 1_000_000) == .nothing)
    }
}

@Suite struct FollowerMarkTests {
    private func marks(_ mark: Offset, _ start: Offset, _ log: Log) -> [Offset] {
        let marks = FollowerReplication.marks(leaderHighWatermark: mark, leaderLogStart: start, log: log.view)
        return [marks.highWatermark, marks.logStart]
    }

    @Test func theMarkIsTheLeadersWithinTheLog() {
        let log = Log(end: 10, highWatermark: 4, start: 2)
        #expect(marks(7, 2, log) == [7, 2])
        #expect(marks(70, 2, log) == [10, 2])
        #expect(marks(1, 2, log) == [2, 2])
        // Back, when the leader says so.
        #expect(marks(3, 2, log) == [3, 2])
    }

    @Test func theStartFollowsTheLeadersForwardOnly() {
        let log = Log(end: 10, highWatermark: 4, start: 2)
        #expect(marks(7, 5, log) == [7, 5])
        #expect(marks(7, 1, log) == [7, 2])
        #expect(marks(7, 9, log) == [7, 7])
    }
}
