// SPDX-License-Identifier: Apache-2.0

/// What an answer to a follower waits for, beside the bytes that the follower asks for.
///
/// A round between leader and followers costs several wake-ups on all sides, whatever it carries, and followers that are
/// answered at the first record fetch in crumbs: while one round is on its way, the producers' next batches arrive one by
/// one. So a follower that has all that is committed waits until as many records are there as were there when the last ones
/// were committed (``LeaderReplication/hasGathered(for:)``): when producers have sent what they may before they are
/// acknowledged, nothing more is to come. All of it travels in one round then, to all followers at the same time, and is
/// acknowledged together; records that wait for one another, one at a time, wait for nothing.
///
/// When less is to come than the time before, the answer leaves after a moment, and what there was then is the next measure.
package enum AnswerGathering {
    /// How long an answer that carries so many bytes may wait for more, in nanoseconds: 1 ms, and as long again as it takes
    /// to bring its bytes to a follower's disk where machines are slow or busy, at 128 MiB/s. There the next large batches
    /// take more than a moment to arrive, and for small records nobody waits any longer. 0 when they are ``enough``.
    package static func patience(bytes: Int) -> Int64 {
        bytes < enough ? 1_000_000 + Int64(max(0, bytes)) * 1_000_000 / (128 << 10) : 0
    }

    /// How long an answer waits before anybody looks at its ``patience(bytes:)``, in nanoseconds, where the follower's last
    /// answer carried so many bytes: half as long as that many may wait. A steady stream of large records has sent its next
    /// round long before that, so that no timer goes off for it: one that was cancelled wakes its event loop all the same.
    /// When a stream of large records ends, one answer waits a little longer than it need.
    package static func firstLook(lastAnswer bytes: Int) -> Int64 { patience(bytes: bytes < enough ? bytes / 2 : 0) }

    /// An answer with so many bytes is worth its round.
    package static let enough = 1 << 20
}
