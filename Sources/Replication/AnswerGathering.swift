// SPDX-License-Identifier: Apache-2.0

/// Whether a leader's answer to a follower waits a moment for more records.
///
/// A round between leader and follower costs several wake-ups on both sides, whatever it carries. While producers have
/// more on its way, a moment later an answer carries several batches for the price of one, and they are acknowledged
/// together; where each record waits for the one before, waiting brings nothing but delay. What will be cannot be known,
/// so this tries: as long as waiting brings records it goes on, and each time it does not, it is left off for twice as
/// many answers as before. A follower that is not asked for much is always answered at once.
///
/// One per fetch session. Times are nanoseconds of a clock that only goes forward.
package struct AnswerGathering: Hashable, Sendable {
    /// How long an answer waits, at most.
    package static let pause: Int64 = 200_000
    /// Answers further apart than this are no stream.
    package static let streamGap: Int64 = 1_000_000
    /// An answer with so many bytes is worth its round.
    package static let enough = 256 << 10
    /// The most answers that go out at once between two attempts.
    package static let longestRest = 512

    private var lastAnswer: Int64?
    /// Answers that go out at once before waiting is tried again.
    private var rest = 0
    private var nextRest = 1

    package init() {}

    /// How long to wait before an answer that has so many bytes already; nil to send it.
    package mutating func pause(bytes: Int, now: Int64) -> Int64? {
        guard bytes < Self.enough, let lastAnswer, now - lastAnswer < Self.streamGap else { return nil }
        guard rest == 0 else {
            rest -= 1
            return nil
        }
        return Self.pause
    }

    /// What waiting has brought.
    package mutating func paused(bytesBefore: Int, bytesAfter: Int) {
        if bytesAfter > bytesBefore {
            nextRest = 1
        } else {
            rest = nextRest
            nextRest = min(nextRest * 2, Self.longestRest)
        }
    }

    /// An answer left.
    package mutating func answered(now: Int64) { lastAnswer = now }
}
