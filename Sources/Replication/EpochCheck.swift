// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// The answers a leader gives to epochs in requests (KIP-320, KIP-595).
package enum EpochCheck {
    /// Whether a request that believes in `requested` may be served under `current`; −1 is not checked.
    package static func error(requested: LeaderEpoch, current: LeaderEpoch) -> ErrorCode {
        if requested < 0 || requested == current { return .none }
        return requested < current ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }

    package enum Divergence: Hashable, Sendable {
        case none
        /// Answer with the epoch and where it ended here, and no records.
        case diverging(epoch: LeaderEpoch, end: Offset)
        /// Answer OFFSET_OUT_OF_RANGE.
        case outOfRange
    }

    /// Whether the log of a follower that fetches at `offset`, having read `lastFetched`, left the leader's.
    /// - Parameter known: the leader's end of that epoch (or of the largest below it); nil when undefined.
    package static func divergence(
        lastFetched: LeaderEpoch, offset: Offset, logStart: Offset, known: (epoch: LeaderEpoch, end: Offset)?
    ) -> Divergence {
        guard lastFetched >= 0 else { return .none }
        guard let known, known.epoch >= 0, known.end >= 0, offset >= logStart else { return .outOfRange }
        guard known.epoch < lastFetched || known.end < offset else { return .none }
        return .diverging(epoch: known.epoch, end: known.end)
    }
}
