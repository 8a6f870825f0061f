// SPDX-License-Identifier: Apache-2.0

import Replication
import Testing

@Suite struct AnswerGatheringTests {
    /// One that has answered at time 0.
    private func stream() -> AnswerGathering {
        var gathering = AnswerGathering()
        gathering.answered(now: 0)
        return gathering
    }

    @Test func firstAnswerLeavesAtOnce() {
        var gathering = AnswerGathering()
        #expect(gathering.pause(bytes: 100, now: 0) == nil)
    }

    @Test func answerWithinAStreamWaits() {
        var gathering = stream()
        #expect(gathering.pause(bytes: 100, now: 500_000) == AnswerGathering.pause)
    }

    @Test func rareAnswersLeaveAtOnce() {
        var gathering = stream()
        #expect(gathering.pause(bytes: 100, now: AnswerGathering.streamGap) == nil)
    }

    @Test func largeAnswersLeaveAtOnce() {
        var gathering = stream()
        #expect(gathering.pause(bytes: AnswerGathering.enough, now: 1) == nil)
    }

    @Test func waitingGoesOnWhileItBringsRecords() {
        var gathering = stream()
        for _ in 0..<10 {
            #expect(gathering.pause(bytes: 100, now: 1) != nil)
            gathering.paused(bytesBefore: 100, bytesAfter: 300)
        }
    }

    @Test func waitingInVainIsRepeatedMoreAndMoreSeldom() {
        var gathering = stream()
        var rests: [Int] = []
        var rest = 0
        for _ in 0..<100_000 {
            if gathering.pause(bytes: 100, now: 1) == nil {
                rest += 1
            } else {
                gathering.paused(bytesBefore: 100, bytesAfter: 100)
                rests.append(rest)
                rest = 0
            }
        }
        #expect(rests.prefix(11) == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
        #expect(rests.dropFirst(11).allSatisfy { $0 == AnswerGathering.longestRest })
    }

    @Test func whatBroughtRecordsOnceIsTriedAgainSoon() {
        var gathering = stream()
        for _ in 0..<3 {
            while gathering.pause(bytes: 100, now: 1) == nil {}
            gathering.paused(bytesBefore: 100, bytesAfter: 100)
        }
        while gathering.pause(bytes: 100, now: 1) == nil {}
        gathering.paused(bytesBefore: 100, bytesAfter: 200)
        #expect(gathering.pause(bytes: 100, now: 1) != nil)
        gathering.paused(bytesBefore: 100, bytesAfter: 100)
        #expect(gathering.pause(bytes: 100, now: 1) == nil)
        #expect(gathering.pause(bytes: 100, now: 1) != nil)
    }
}
