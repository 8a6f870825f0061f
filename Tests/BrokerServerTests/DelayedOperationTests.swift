// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import BrokerServer

@Suite struct DelayedOperationTests {
    private final class Recorder: Sendable {
        let isReady = Mutex(false)
        let endings = Mutex<[Bool]>([])

        var operation: DelayedOperation {
            DelayedOperation(
                isSatisfied: { self.isReady.withLock { $0 } },
                finish: { timedOut in self.endings.withLock { $0.append(timedOut) } })
        }
    }

    @Test func anOperationThatCanCompleteNeverWaits() {
        let timer = TimerThread()
        defer { timer.stop() }
        let waiting = DelayedOperations<Int>(timer: timer)
        let recorder = Recorder()
        recorder.isReady.withLock { $0 = true }
        waiting.completeElseWait(recorder.operation, keys: [1], timeout: 1000)
        #expect(recorder.endings.withLock { $0 } == [false])
        #expect(waiting.count == 0)
    }

    @Test func aCheckUnderOneOfItsKeysCompletesIt() {
        let timer = TimerThread()
        defer { timer.stop() }
        let waiting = DelayedOperations<Int>(timer: timer)
        let recorder = Recorder()
        waiting.completeElseWait(recorder.operation, keys: [1, 2], timeout: 60_000)
        #expect(waiting.check(2) == 0)
        recorder.isReady.withLock { $0 = true }
        #expect(waiting.check(3) == 0)
        #expect(waiting.check(2) == 1)
        _ = waiting.check(1)
        #expect(recorder.endings.withLock { $0 } == [false])
        #expect(waiting.count == 0)
    }

    @Test func aKeyThatIsGivenAgainIsNoOtherEntry() {
        let timer = TimerThread()
        defer { timer.stop() }
        let waiting = DelayedOperations<Int>(timer: timer)
        let attempts = Mutex(0)
        let operation = DelayedOperation(
            isSatisfied: {
                attempts.withLock { $0 += 1 }
                return false
            }, finish: { _ in })
        waiting.wait(operation, keys: [1, 2, 1, 1, 2], timeout: 60_000)
        #expect(waiting.count == 2)
        let before = attempts.withLock { $0 }
        waiting.check(1)
        #expect(attempts.withLock { $0 } == before + 1)
    }

    @Test func theDeadlineEndsIt() async throws {
        let timer = TimerThread()
        defer { timer.stop() }
        let waiting = DelayedOperations<Int>(timer: timer)
        let ended = AsyncStream<Bool>.makeStream()
        let operation = DelayedOperation(isSatisfied: { false }, finish: { ended.continuation.yield($0) })
        waiting.completeElseWait(operation, keys: [1], timeout: 5)
        var endings = ended.stream.makeAsyncIterator()
        #expect(await endings.next() == true)
        #expect(operation.isDone)
    }

    @Test func whatIsDoneIsSweptOut() {
        let timer = TimerThread()
        defer { timer.stop() }
        let waiting = DelayedOperations<Int>(timer: timer, sweepInterval: 2)
        let recorder = Recorder()
        let first = recorder.operation
        waiting.completeElseWait(first, keys: [1], timeout: 60_000)
        first.expire()
        waiting.completeElseWait(recorder.operation, keys: [1], timeout: 60_000)
        #expect(waiting.count == 1)
    }
}
