// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import LogStorage
import Testing

/// Which of two logs of one partition holds all that the other holds.
@Suite struct LogSpanTests {
    private func span(_ start: Offset = 0, end: Offset, _ epochs: (LeaderEpoch, Offset)...) -> LogSpan {
        LogSpan(
            logStart: start, logEnd: end,
            epochs: LeaderEpochCache(epochs.map { EpochEntry(epoch: $0.0, startOffset: $0.1) }))
    }

    @Test func theLongerOfTheSameHistoryCoversTheOther() {
        let (long, short) = (span(end: 20, (1, 0), (3, 10)), span(end: 15, (1, 0), (3, 10)))
        #expect(long.covers(short) && !short.covers(long) && long.covers(long))
    }

    /// The shorter one's last leadership ended, in the longer one, before the shorter one's end.
    @Test func logsThatHavePartedCoverNeither() {
        let (long, short) = (span(end: 20, (1, 0), (3, 10)), span(end: 15, (1, 0)))
        #expect(!long.covers(short) && !short.covers(long))
        #expect(span(end: 20, (1, 0), (3, 10)).covers(span(end: 10, (1, 0))))
        #expect(!span(end: 20, (1, 0), (3, 10)).covers(span(end: 15, (1, 0), (2, 12))))
    }

    @Test func anEmptyLogIsCoveredByWhateverEndsThereOrLater() {
        #expect(span(end: 20, (3, 0)).covers(span(20, end: 20, (9, 20))))
        #expect(!span(end: 19, (3, 0)).covers(span(20, end: 20)))
    }

    /// From before there were epochs nothing can be told but the length.
    @Test func withoutEpochsLengthDecides() {
        #expect(span(end: 20).covers(span(end: 15)))
        #expect(!span(end: 20, (3, 0)).covers(span(end: 15)))
    }
}
