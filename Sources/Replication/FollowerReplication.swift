// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What a follower needs to know of its own log to decide.
package struct FollowerLog: Sendable {
    package var logStart: Offset
    package var logEnd: Offset
    package var highWatermark: Offset
    /// The newest leader epoch in the log; nil when it knows none.
    package var latestEpoch: LeaderEpoch?
    /// The largest epoch known that is not above the given one, and where it ends; nil when there is none.
    package var endOfEpoch: @Sendable (LeaderEpoch) -> (epoch: LeaderEpoch, end: Offset)?

    package init(
        logStart: Offset, logEnd: Offset, highWatermark: Offset, latestEpoch: LeaderEpoch?,
        endOfEpoch: @escaping @Sendable (LeaderEpoch) -> (epoch: LeaderEpoch, end: Offset)?
    ) {
        self.logStart = logStart
        self.logEnd = logEnd
        self.highWatermark = highWatermark
        self.latestEpoch = latestEpoch
        self.endOfEpoch = endOfEpoch
    }

    /// The leader's high watermark as this log can follow it; it may be below the own one.
    package func clamped(highWatermark leaders: Offset) -> Offset { min(max(leaders, logStart), logEnd) }
}

/// The follower's side of one partition: what to ask its leader next, and what to do with the answer.
///
/// A pure machine, owned by the fetcher of the leader's broker. It lives from one LeaderAndIsr to the next that changes
/// the leader epoch.
package struct FollowerReplication: Sendable {
    package enum State: Hashable, Sendable {
        /// Asks where epochs end, truncates, until both logs agree. Goes to `fetching`.
        case truncating
        /// Goes back to `truncating` only without truncation on fetch.
        case fetching
        /// Nothing more until a new LeaderAndIsr.
        case failed
    }

    package enum Question: Hashable, Sendable {
        /// OffsetForLeaderEpoch for this epoch of the own log.
        case endOfEpoch(LeaderEpoch)
        /// Fetch. The last fetched epoch is −1 when the leader is not to check for divergence.
        case fetch(from: Offset, lastFetchedEpoch: LeaderEpoch, logStart: Offset)
        /// ListOffsets, latest, then perhaps earliest; the offset was outside the leader's log.
        case logEnds
    }

    package enum Action: Hashable, Sendable {
        /// Cut the own log; then ask again.
        case truncate(to: Offset)
        /// Drop the whole log and begin at the offset.
        case restart(at: Offset)
        /// Append, take over the leader's marks.
        case append
        /// Wait `replica.fetch.backoff.ms` before the next question.
        case backOff
        /// Give up until a new LeaderAndIsr.
        case stop
        case nothing
    }

    package let leaderEpoch: LeaderEpoch
    package private(set) var state: State
    /// The offset to fetch from next.
    package private(set) var fetchOffset: Offset
    /// Whether leaders answer diverging epochs in Fetch (inter-broker protocol 2.7-IV1).
    private let truncatesOnFetch: Bool
    private var lastFetchedEpoch: LeaderEpoch?
    private var isOutOfRange = false

    package init(leaderEpoch: LeaderEpoch, truncatesOnFetch: Bool, log: FollowerLog) {
        self.leaderEpoch = leaderEpoch
        self.truncatesOnFetch = truncatesOnFetch
        if truncatesOnFetch, let epoch = log.latestEpoch {
            state = .fetching
            fetchOffset = log.logEnd
            lastFetchedEpoch = epoch
        } else {
            state = .truncating
            fetchOffset = log.highWatermark
        }
    }

    /// What to ask the leader now; nil when stopped. Without any epoch in the log, it is first truncated to the mark.
    package func question(_ log: FollowerLog) -> Question? {
        if isOutOfRange, state != .failed { return .logEnds }
        switch state {
        case .failed: return nil
        case .truncating: return log.latestEpoch.map { .endOfEpoch($0) }
        case .fetching:
            return .fetch(
                from: fetchOffset, lastFetchedEpoch: truncatesOnFetch ? lastFetchedEpoch ?? -1 : -1,
                logStart: log.logStart)
        }
    }

    /// A log without epochs cannot be compared; what was not committed goes.
    package mutating func truncateWithoutEpochs(_ log: FollowerLog) -> Action {
        finishTruncation(at: min(fetchOffset, log.logEnd), log)
    }

    // MARK: Answers

    /// Where the leader's log leaves an epoch: (−1, −1) when it knows nothing.
    package mutating func learned(
        endOfEpoch epoch: LeaderEpoch, at end: Offset, error: ErrorCode, requestEpoch: LeaderEpoch, _ log: FollowerLog
    ) -> Action {
        guard error == .none else { return failed(error, requestEpoch: requestEpoch) }
        return diverged(at: epoch, end: end, log)
    }

    /// The leader says that its log left `epoch` at `end`, and this log must be cut to where both agree (KIP-101, 279).
    package mutating func diverged(at epoch: LeaderEpoch, end: Offset, _ log: FollowerLog) -> Action {
        guard end >= 0 else { return finishTruncation(at: min(log.highWatermark, log.logEnd), log) }
        guard epoch >= 0, let own = log.endOfEpoch(epoch) else {
            return finishTruncation(at: min(end, log.logEnd), log)
        }
        if own.epoch == epoch { return finishTruncation(at: min(own.end, end, log.logEnd), log) }
        // The leader knows an epoch that this log never saw: cut to the one before, and ask about that.
        let offset = min(own.end, log.logEnd)
        fetchOffset = offset
        lastFetchedEpoch = own.epoch
        return .truncate(to: offset)
    }

    private mutating func finishTruncation(at offset: Offset, _ log: FollowerLog) -> Action {
        state = .fetching
        fetchOffset = offset
        lastFetchedEpoch = offset == log.logEnd ? log.latestEpoch : nil
        return .truncate(to: offset)
    }

    /// To be called after a truncation was done, since the newest epoch of the log may be another now.
    package mutating func truncated(_ log: FollowerLog) {
        lastFetchedEpoch = log.latestEpoch
        if state == .fetching { fetchOffset = log.logEnd }
    }

    /// A fetch brought records (perhaps none) for `offset`.
    package mutating func fetched(from offset: Offset) -> Action {
        // An answer to an earlier question, from before a truncation.
        guard state == .fetching, offset == fetchOffset, !isOutOfRange else { return .nothing }
        return .append
    }

    /// What was fetched is in the log.
    package mutating func appended(logEnd: Offset, lastEpoch: LeaderEpoch?) {
        fetchOffset = logEnd
        if let lastEpoch { lastFetchedEpoch = lastEpoch }
    }

    /// Appending failed. Records that came damaged are fetched again; any other failure stops this partition.
    package mutating func appendFailed(isCorruption: Bool) -> Action {
        if isCorruption { return .backOff }
        state = .failed
        return .stop
    }

    /// A fetch or an epoch request was answered with an error.
    /// - Parameter requestEpoch: the leader epoch that the request carried.
    package mutating func failed(_ error: ErrorCode, requestEpoch: LeaderEpoch) -> Action {
        switch error {
        case .offsetOutOfRange:
            isOutOfRange = true
            return .nothing
        case .fencedLeaderEpoch where requestEpoch == leaderEpoch:
            // This broker is the one that lives in the past: the controller will tell.
            state = .failed
            return .stop
        case .fencedLeaderEpoch: return .nothing
        default: return .backOff
        }
    }

    /// Where the leader's log begins and ends, after an offset was out of its range. A shorter leader means that this
    /// log ran ahead (unclean election); a leader that begins later means that this log is too old to be continued.
    package mutating func learned(leaderStart: Offset, leaderEnd: Offset, _ log: FollowerLog) -> Action {
        isOutOfRange = false
        state = .fetching
        if leaderEnd < log.logEnd {
            fetchOffset = leaderEnd
            lastFetchedEpoch = nil
            return .truncate(to: leaderEnd)
        }
        if leaderStart > log.logEnd {
            fetchOffset = leaderStart
            lastFetchedEpoch = nil
            return .restart(at: leaderStart)
        }
        fetchOffset = log.logEnd
        return .nothing
    }
}
