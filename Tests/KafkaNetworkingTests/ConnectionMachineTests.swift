// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KafkaNetworking

@Suite struct ConnectionMachineTests {
    typealias Machine = ConnectionMachine<String, String?>

    private func machine(requests: Int = 100, bytes: Int = 1000) -> Machine {
        Machine(limits: .init(requests: requests, bytes: bytes))
    }

    /// What the machine wants done now, in words.
    private func steps(_ machine: inout Machine) -> [String] {
        var steps: [String] = []
        while let action = machine.next() {
            switch action {
            case .start(let request, let number): steps.append("start \(request) as \(number)")
            case .finish(let answer, let bytes, let mute):
                steps.append("send \(answer ?? "nothing"), free \(bytes)" + (mute.map { ", mute \($0)" } ?? ""))
            case .close: steps.append("close")
            }
        }
        return steps
    }

    @Test func requestsStartOneAfterTheOther() {
        var machine = machine()
        machine.received("a", bytes: 10)
        machine.received("b", bytes: 20)
        #expect(steps(&machine) == ["start a as 0"])
        machine.answered(0, "A")
        #expect(steps(&machine) == ["send A, free 10", "start b as 1"])
        machine.answered(1, "B")
        #expect(steps(&machine) == ["send B, free 20"])
        #expect(machine.bytesHeld == 0)
        #expect(!machine.hasWork)
    }

    @Test func aStartedRequestLetsTheNextStart() {
        var machine = machine()
        machine.received("a", bytes: 1)
        machine.received("b", bytes: 1)
        machine.received("c", bytes: 1)
        #expect(steps(&machine) == ["start a as 0"])
        machine.started(0)
        #expect(steps(&machine) == ["start b as 1"])
    }

    @Test func answersLeaveInTheOrderOfRequests() {
        var machine = machine()
        for request in ["a", "b", "c"] { machine.received(request, bytes: 1) }
        #expect(steps(&machine) == ["start a as 0"])
        machine.started(0)
        #expect(steps(&machine) == ["start b as 1"])
        machine.started(1)
        #expect(steps(&machine) == ["start c as 2"])
        machine.answered(2, "C")
        machine.answered(1, "B")
        #expect(steps(&machine) == [])
        machine.answered(0, "A")
        #expect(steps(&machine) == ["send A, free 1", "send B, free 1", "send C, free 1"])
    }

    @Test func noAnswerIsSentForARequestThatWantsNone() {
        var machine = machine()
        machine.received("a", bytes: 1)
        #expect(steps(&machine) == ["start a as 0"])
        machine.answered(0, nil)
        #expect(steps(&machine) == ["send nothing, free 1"])
    }

    @Test func readingStopsAtTheBoundOfBytesAndResumesBelow() {
        var machine = machine(bytes: 100)
        machine.received("a", bytes: 99)
        #expect(machine.wantsRead)
        machine.received("b", bytes: 50)
        #expect(!machine.wantsRead)
        #expect(steps(&machine) == ["start a as 0"])
        #expect(!machine.wantsRead)
        machine.answered(0, "A")
        #expect(steps(&machine) == ["send A, free 99", "start b as 1"])
        #expect(machine.wantsRead)
    }

    @Test func readingStopsAtTheBoundOfRequests() {
        var machine = machine(requests: 2)
        machine.received("a", bytes: 1)
        machine.received("b", bytes: 1)
        #expect(!machine.wantsRead)
        #expect(steps(&machine) == ["start a as 0"])
        machine.started(0)
        #expect(steps(&machine) == ["start b as 1"])
        #expect(!machine.wantsRead)
    }

    @Test func nothingStartsWhileAnswersCannotLeave() {
        var machine = machine()
        machine.received("a", bytes: 1)
        machine.received("b", bytes: 1)
        #expect(steps(&machine) == ["start a as 0"])
        machine.writabilityChanged(false)
        #expect(!machine.wantsRead)
        machine.answered(0, "A")
        #expect(steps(&machine) == ["send A, free 1"])
        machine.writabilityChanged(true)
        #expect(steps(&machine) == ["start b as 1"])
        #expect(machine.wantsRead)
    }

    @Test func aThrottledConnectionIsAnsweredAtOnceAndMutedAfterwards() {
        var machine = machine()
        machine.received("a", bytes: 1)
        machine.received("b", bytes: 1)
        #expect(steps(&machine) == ["start a as 0"])
        machine.answered(0, "A", mute: .seconds(1))
        #expect(steps(&machine) == ["send A, free 1, mute 1.0 seconds"])
        #expect(!machine.wantsRead)
        machine.unmute()
        #expect(steps(&machine) == ["start b as 1"])
        #expect(machine.wantsRead)
    }

    @Test func afterTheInputEndsWhatWasReceivedIsServedFirst() {
        var machine = machine()
        machine.received("a", bytes: 1)
        machine.inputEnded()
        machine.received("late", bytes: 1)
        #expect(!machine.wantsRead)
        #expect(!machine.takesRequests)
        #expect(steps(&machine) == ["start a as 0"])
        machine.answered(0, "A")
        #expect(steps(&machine) == ["send A, free 1", "close"])
        #expect(steps(&machine) == [])
    }

    @Test func anIdleConnectionClosesAtOnceWhenTheInputEnds() {
        var machine = machine()
        machine.inputEnded()
        #expect(steps(&machine) == ["close"])
    }

    @Test func aFailedRequestClosesAfterTheAnswersBeforeIt() {
        var machine = machine()
        machine.received("a", bytes: 1)
        machine.received("b", bytes: 1)
        machine.received("c", bytes: 1)
        #expect(steps(&machine) == ["start a as 0"])
        machine.started(0)
        #expect(steps(&machine) == ["start b as 1"])
        machine.failed(1)
        #expect(steps(&machine) == ["start c as 2"])
        machine.answered(0, "A")
        machine.answered(2, "C")
        #expect(steps(&machine) == ["send A, free 1", "close"])
        #expect(machine.closed() == 2)
    }

    @Test func answersAfterTheConnectionHasGoneAreDropped() {
        var machine = machine()
        machine.received("a", bytes: 7)
        machine.received("b", bytes: 8)
        #expect(steps(&machine) == ["start a as 0"])
        #expect(machine.closed() == 15)
        machine.answered(0, "A")
        machine.started(0)
        machine.failed(0)
        #expect(steps(&machine) == [])
        #expect(machine.bytesHeld == 0)
        #expect(!machine.hasWork)
    }

    /// Whatever the order of events, answers leave in order and every byte is given back.
    @Test(arguments: 0..<50) func anyOrderOfEventsKeepsTheOrderOfAnswers(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var machine = machine(requests: 8, bytes: 50)
        var received = 0
        var running: Set<UInt64> = []
        var answers: [String] = []
        var freed = 0
        var given = 0
        for _ in 0..<500 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                if machine.wantsRead {
                    machine.received("\(received)", bytes: received % 20)
                    given += received % 20
                    received += 1
                }
            case 2: if let number = running.randomElement(using: &random) { machine.started(number) }
            case 3, 4:
                if let number = running.randomElement(using: &random) {
                    running.remove(number)
                    machine.answered(
                        number, "\(number)", mute: Int.random(in: 0..<10, using: &random) == 0 ? .zero : nil)
                }
            default:
                machine.writabilityChanged(Bool.random(using: &random))
                machine.unmute()
            }
            while let action = machine.next() {
                switch action {
                case .start(let request, let number):
                    #expect(request == "\(number)")
                    running.insert(number)
                case .finish(let answer, let bytes, _):
                    answers.append(answer ?? "")
                    freed += bytes
                case .close: Issue.record("closed")
                }
            }
            #expect(machine.bytesHeld == given - freed)
        }
        #expect(answers == (0..<answers.count).map { "\($0)" })
        #expect(answers.count > 20)
    }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
