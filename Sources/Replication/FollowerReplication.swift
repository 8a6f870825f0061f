// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// How one follower brings its log in step with its leader's and keeps it there: where to fetch from, where the logs part,
/// what to do about each error.
///
/// A machine for one partition under one leader epoch; a new epoch gets a new machine. It says what it needs to know from
/// the leader (``need(now:)``), is told the answers, and returns what must be done to the local log. Its owner does that
/// and tells how the log stands then. Times are milliseconds of a clock that does not jump.
///
/// Truncation follows KIP-101 and KIP-279 (the leader is asked where the newest local epoch ended), and KIP-595 where both
/// brokers know it (the leader tells with a fetch that the logs have parted).
package struct FollowerReplication: Sendable {
    /// How the local log stands.
    package struct LocalLog: Hashable, Sendable {
        package var logStart: Offset
        package var highWatermark: Offset
        package var logEnd: Offset
        /// Of the leader epoch cache; nil while the log has no record that knows its epoch.
        package var latestEpoch: LeaderEpoch?

        package init(logStart: Offset, highWatermark: Offset, logEnd: Offset, latestEpoch: LeaderEpoch?) {
            self.logStart = logStart
            self.highWatermark = highWatermark
            self.logEnd = logEnd
            self.latestEpoch = latestEpoch
        }
    }

    /// An epoch and where it ended, as a leader or the local cache says; nil where undefined.
    package struct EpochEnd: Hashable, Sendable {
        package var epoch: LeaderEpoch?
        package var endOffset: Offset?

        package init(epoch: LeaderEpoch?, endOffset: Offset?) {
            self.epoch = epoch
            self.endOffset = endOffset
        }
    }

    /// What the inter-broker protocol allows.
    package struct Abilities: Hashable, Sendable {
        /// Leaders notice with a fetch that logs have parted (KIP-595; from 2.7-IV1).
        package var truncatesOnFetch: Bool
        /// Leaders can be asked where an epoch ended (KIP-101; from 0.11.0-IV2).
        package var asksForEpochs: Bool

        package init(truncatesOnFetch: Bool, asksForEpochs: Bool) {
            self.truncatesOnFetch = truncatesOnFetch
            self.asksForEpochs = asksForEpochs
        }
    }

    package enum State: Hashable, Sendable {
        /// The log agrees with the leader's as far as is known. May go to `cutting`, `findingLeaderEnd`, `standing`.
        case fetching(from: Offset, lastFetchedEpoch: LeaderEpoch?)
        /// Where the newest local epoch ended at the leader is not known. May go to `cutting`, `standing`.
        case asking(epoch: LeaderEpoch, initialOffset: Offset)
        /// The log is about to be cut. Goes to `fetching`, or to `asking` when the cut was only a step.
        case cutting(isComplete: Bool)
        /// The leader has not got the offset asked for; where does it end? May go to `cutting`, `findingLeaderStart`.
        case findingLeaderEnd
        /// And where does it begin? Goes to `fetching` or `cutting`.
        case findingLeaderStart
        /// Nothing more is done until the controller speaks again.
        case standing(because: Cause)
    }

    package enum Cause: Hashable, Sendable {
        /// The leader knows a newer epoch: the controller's word is on its way.
        case fenced
        /// The local log cannot be continued.
        case failed
    }

    /// What the leader must be asked next.
    package enum Need: Hashable, Sendable {
        case records(from: Offset, lastFetchedEpoch: LeaderEpoch?)
        case epochEnd(of: LeaderEpoch)
        case leaderEnd
        case leaderStart
        /// Nothing before this time.
        case patience(until: Int64)
        /// Nothing ever, or nothing until the log's owner has done what it was told.
        case nothing
    }

    /// What must be done to the local log; ``logChanged(_:)`` is called after a cut, ``appended(_:)`` after an append.
    package enum Work: Hashable, Sendable {
        /// Append what came, then take over the leader's marks.
        case append
        case truncate(to: Offset)
        /// Drop everything and begin at this offset.
        case startOver(at: Offset)
    }

    /// The partition's part of an answer to a fetch, without the records.
    package struct FetchAnswer: Hashable, Sendable {
        package var error: ErrorCode
        /// The offset that was asked for.
        package var offset: Offset
        package var diverging: EpochEnd?

        package init(error: ErrorCode, offset: Offset, diverging: EpochEnd? = nil) {
            self.error = error
            self.offset = offset
            self.diverging = diverging
        }
    }

    /// Whether a failed append may be tried again.
    package enum AppendFailure: Hashable, Sendable {
        /// The bytes were damaged on the way, or the disk is full: the same fetch may succeed later.
        case transient
        case permanent
    }

    private static var firstBackoff: Int64 { 10 }

    package let leaderEpoch: LeaderEpoch
    private let abilities: Abilities
    /// `replica.fetch.backoff.ms`: the longest wait between two attempts.
    private let backoff: Int64
    package private(set) var state: State
    private var retryAt: Int64?
    private var failures = 0

    /// Begins to follow. Where ``workAtStart`` says so, the log must be cut before anything else.
    package init(leaderEpoch: LeaderEpoch, log: LocalLog, abilities: Abilities, backoff: Int64) {
        self.leaderEpoch = leaderEpoch
        self.abilities = abilities
        self.backoff = backoff
        switch log.latestEpoch {
        case let epoch? where abilities.truncatesOnFetch:
            state = .fetching(from: log.logEnd, lastFetchedEpoch: epoch)
        case let epoch? where abilities.asksForEpochs:
            state = .asking(epoch: epoch, initialOffset: log.highWatermark)
        default:
            // Without epochs only what is below the high watermark is known to agree.
            state = .cutting(isComplete: true)
            workAtStart = .truncate(to: log.highWatermark)
        }
    }

    /// The cut that a log without epochs needs before it can be continued.
    package private(set) var workAtStart: Work?

    package func need(now: Int64) -> Need {
        if case .standing = state { return .nothing }
        if let retryAt, now < retryAt { return .patience(until: retryAt) }
        return switch state {
        case .fetching(let offset, let epoch): .records(from: offset, lastFetchedEpoch: epoch)
        case .asking(let epoch, _): .epochEnd(of: epoch)
        case .findingLeaderEnd: .leaderEnd
        case .findingLeaderStart: .leaderStart
        case .cutting, .standing: .nothing
        }
    }
}

// MARK: Answers

extension FollowerReplication {
    /// The leader has answered a fetch.
    ///
    /// - Parameter localEnd: where the local log's largest epoch at or below the given one ended.
    package mutating func fetched(
        _ answer: FetchAnswer, log: LocalLog, now: Int64, localEnd: (LeaderEpoch) -> EpochEnd
    ) -> Work? {
        // An answer to what is no longer asked.
        guard case .fetching(let offset, _) = state, offset == answer.offset else { return nil }
        switch answer.error {
        case .none:
            succeeded()
            if let diverging = answer.diverging {
                return cut(to: diverging, initialOffset: log.highWatermark, log: log, localEnd: localEnd)
            }
            // Somebody else has written to the log: going on would leave a hole or a fork.
            guard offset == log.logEnd else {
                state = .standing(because: .failed)
                return nil
            }
            return .append
        case .offsetOutOfRange:
            state = .findingLeaderEnd
            return nil
        default:
            refused(answer.error, now: now)
            return nil
        }
    }

    /// What a fetch brought is in the log, be it nothing.
    package mutating func appended(_ log: LocalLog) {
        guard case .fetching(_, let epoch) = state else { return }
        state = .fetching(from: log.logEnd, lastFetchedEpoch: log.latestEpoch ?? epoch)
    }

    /// What a fetch brought could not be appended.
    package mutating func appendFailed(_ failure: AppendFailure, now: Int64) {
        switch failure {
        case .transient: waitLonger(now: now)
        case .permanent: state = .standing(because: .failed)
        }
    }

    /// The leader has said where an epoch ended.
    package mutating func epochEndAnswered(
        error: ErrorCode, _ end: EpochEnd, log: LocalLog, now: Int64, localEnd: (LeaderEpoch) -> EpochEnd
    ) -> Work? {
        guard case .asking(_, let initialOffset) = state else { return nil }
        guard error.isNone else {
            refused(error, now: now)
            return nil
        }
        succeeded()
        return cut(to: end, initialOffset: initialOffset, log: log, localEnd: localEnd)
    }

    /// The leader has said where its log ends (ListOffsets, latest).
    package mutating func leaderEndAnswered(error: ErrorCode, _ end: Offset, log: LocalLog, now: Int64) -> Work? {
        guard state == .findingLeaderEnd else { return nil }
        guard error.isNone, end >= 0 else {
            refused(error, now: now)
            return nil
        }
        succeeded()
        guard end < log.logEnd else {
            state = .findingLeaderStart
            return nil
        }
        // An unclean election: the leader has less than this log has.
        state = .cutting(isComplete: true)
        return .truncate(to: end)
    }

    /// The leader has said where its log begins (ListOffsets, earliest).
    package mutating func leaderStartAnswered(error: ErrorCode, _ start: Offset, log: LocalLog, now: Int64) -> Work? {
        guard state == .findingLeaderStart else { return nil }
        guard error.isNone, start >= 0 else {
            refused(error, now: now)
            return nil
        }
        succeeded()
        guard start > log.logEnd else {
            state = .fetching(from: log.logEnd, lastFetchedEpoch: log.latestEpoch)
            return nil
        }
        // The leader has deleted all that would have joined the two logs.
        state = .cutting(isComplete: true)
        return .startOver(at: start)
    }

    /// The log was cut, and ends where `log` says, which may be below the offset that was named: batches are not split.
    package mutating func logChanged(_ log: LocalLog) {
        guard case .cutting(let isComplete) = state else { return }
        workAtStart = nil
        if !isComplete, !abilities.truncatesOnFetch, let epoch = log.latestEpoch {
            state = .asking(epoch: epoch, initialOffset: log.logEnd)
        } else {
            state = .fetching(from: log.logEnd, lastFetchedEpoch: log.latestEpoch)
        }
    }

    /// The log could not be cut.
    package mutating func cutFailed() { state = .standing(because: .failed) }

    /// No answer came: the leader could not be reached, or has refused the whole request.
    package mutating func requestFailed(now: Int64) {
        if case .standing = state { return }
        waitLonger(now: now)
    }
}

// MARK: Rules

extension FollowerReplication {
    /// What the leader's marks make of this log's: both within the log, the start only forward and never above what is
    /// known to be replicated. The high watermark may go back; the leader knows better.
    package static func marks(
        leaderHighWatermark: Offset, leaderLogStart: Offset, log: LocalLog
    ) -> (highWatermark: Offset, logStart: Offset) {
        let mark = min(max(leaderHighWatermark, log.logStart), log.logEnd)
        return (mark, max(log.logStart, min(leaderLogStart, mark)))
    }

    /// Decides where to cut, given where the leader says that its largest epoch not above ours ended (KIP-279).
    private mutating func cut(
        to leader: EpochEnd, initialOffset: Offset, log: LocalLog, localEnd: (LeaderEpoch) -> EpochEnd
    ) -> Work {
        guard let end = leader.endOffset else {
            // It knows nothing of epochs.
            state = .cutting(isComplete: true)
            return .truncate(to: min(initialOffset, log.logEnd))
        }
        guard let epoch = leader.epoch else {
            state = .cutting(isComplete: true)
            return .truncate(to: min(end, log.logEnd))
        }
        let local = localEnd(epoch)
        guard let localEpoch = local.epoch, let ownEnd = local.endOffset, localEpoch <= epoch else {
            state = .cutting(isComplete: true)
            return .truncate(to: min(end, log.logEnd))
        }
        // An epoch that is not known here: what follows our largest one below it cannot be the leader's. It may be that
        // the leader has not got that one either, so that the question goes on.
        state = .cutting(isComplete: localEpoch == epoch)
        return .truncate(to: localEpoch == epoch ? min(ownEnd, end, log.logEnd) : min(ownEnd, log.logEnd))
    }

    private mutating func refused(_ error: ErrorCode, now: Int64) {
        if error == .fencedLeaderEpoch {
            state = .standing(because: .fenced)
        } else {
            waitLonger(now: now)
        }
    }

    private mutating func succeeded() {
        failures = 0
        retryAt = nil
    }

    /// The first attempts follow quickly, since a leader that was elected this moment may hear of it a few milliseconds
    /// after its followers; then no more often than `replica.fetch.backoff.ms`.
    private mutating func waitLonger(now: Int64) {
        retryAt = now + min(backoff, Self.firstBackoff << min(failures, 20))
        failures += 1
    }
}
