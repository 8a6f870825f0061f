// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BrokerServer

@Suite struct TimerWheelTests {
    @Test func entriesFireAtTheirDeadlineAndNotBefore() {
        var wheel = TimerWheel<String>(now: 1000)
        _ = wheel.add("soon", deadline: 1005)
        _ = wheel.add("later", deadline: 1500)
        let due1 = wheel.advance(to: 1004)
        #expect(due1.isEmpty)
        let due2 = wheel.advance(to: 1005)
        #expect(due2 == ["soon"])
        let due3 = wheel.advance(to: 1499)
        #expect(due3.isEmpty)
        let due4 = wheel.advance(to: 1500)
        #expect(due4 == ["later"])
        #expect(wheel.nextWakeUp == nil)
    }

    @Test func aCancelledEntryNeverFires() {
        var wheel = TimerWheel<Int>(now: 0)
        let handles = (0..<100).map { wheel.add($0, deadline: 70) }
        for index in stride(from: 0, to: 100, by: 2) {
            let wasWaiting = wheel.cancel(handles[index])
            #expect(wasWaiting)
        }
        let due5 = wheel.advance(to: 100)
        #expect(Set(due5) == Set(stride(from: 1, to: 100, by: 2)))
        let isStillWaiting = wheel.cancel(handles[1])
        #expect(!isStillWaiting)
    }

    @Test func aDeadlineInThePastIsDueAtOnce() {
        var wheel = TimerWheel<Int>(now: 500)
        _ = wheel.add(1, deadline: 3)
        let due6 = wheel.advance(to: 501)
        #expect(due6 == [1])
    }

    @Test(arguments: [1 as UInt64, 7, 99])
    func randomDeadlinesFireExactlyOnTime(seed: UInt64) {
        var random = SplitMix(state: seed)
        let start: UInt64 = 987_654_321
        var wheel = TimerWheel<UInt64>(now: start)
        var expected: [UInt64: Int] = [:]
        for _ in 0..<2000 {
            // Spread over all levels, up to several years.
            let deadline = start + 1 + random.next() % (1 << (random.next() % 37))
            _ = wheel.add(deadline, deadline: deadline)
            expected[deadline, default: 0] += 1
        }
        for deadline in expected.keys.sorted() {
            if let wakeUp = wheel.nextWakeUp { #expect(wakeUp <= deadline) }
            if deadline > wheel.now + 1 {
                let early = wheel.advance(to: deadline - 1)
                #expect(early.isEmpty)
            }
            let due8 = wheel.advance(to: deadline)
            #expect(due8 == Array(repeating: deadline, count: expected[deadline, default: 0]))
        }
        #expect(wheel.count == 0)
    }
}

/// A small seeded source of randomness.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
