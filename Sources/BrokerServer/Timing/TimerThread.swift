// SPDX-License-Identifier: Apache-2.0

import NIOConcurrencyHelpers
import Synchronization

/// The broker's one timer: a ``TimerWheel`` and the thread that turns it.
///
/// Owner: the lock around the wheel. Work runs on the timer's thread, so it must be short and must not block; it
/// usually hands over to an event loop or a log thread. The thread lives from ``init()`` to ``stop()``.
final class TimerThread: Sendable {
    typealias Work = @Sendable () -> Void
    typealias Handle = TimerWheel<Work>.Handle

    private struct State {
        var wheel: TimerWheel<Work>
        var isStopped = false
        /// When the thread will look again by itself; an earlier deadline must wake it.
        var wakesAt: UInt64 = .max
    }

    private let guarded: Mutex<State>
    private let lastRound = Atomic<UInt64>(0)
    /// True while a wake-up is pending.
    private let wakeUp = ConditionLock(value: false)

    init() {
        guarded = Mutex(State(wheel: TimerWheel(now: BrokerClock.monotonicMilliseconds)))
        BackgroundThread.start { [self] in run() }
    }

    /// Runs `work` after `milliseconds`, unless it is cancelled before.
    func schedule(after milliseconds: Int64, _ work: @escaping Work) -> Handle {
        let deadline = BrokerClock.monotonicMilliseconds + UInt64(max(0, milliseconds))
        let (handle, mustWake) = guarded.withLock { state in
            let handle = state.wheel.add(work, deadline: deadline)
            return (handle, deadline < state.wakesAt)
        }
        if mustWake { wake() }
        return handle
    }

    /// Prevents work from running; false when it has run or is about to.
    @discardableResult
    func cancel(_ handle: Handle) -> Bool {
        guarded.withLock { $0.wheel.cancel(handle) }
    }

    /// Whether the thread has gone round within the last seconds; it does so at least twice a second.
    var isAlive: Bool { BrokerClock.monotonicMilliseconds &- lastRound.load(ordering: .relaxed) < 5000 }

    /// Ends the thread. What is still scheduled never runs.
    func stop() {
        guarded.withLock { $0.isStopped = true }
        wake()
    }

    private func wake() {
        wakeUp.lock()
        wakeUp.unlock(withValue: true)
    }

    private func run() {
        while true {
            lastRound.store(BrokerClock.monotonicMilliseconds, ordering: .relaxed)
            let (due, isStopped, sleep) = guarded.withLock { state -> ([Work], Bool, UInt64) in
                let now = BrokerClock.monotonicMilliseconds
                let due = state.wheel.advance(to: now)
                let next = state.wheel.nextWakeUp ?? now + 60_000
                state.wakesAt = next
                return (due, state.isStopped, next > now ? next - now : 0)
            }
            if isStopped { return }
            for work in due { work() }
            guard due.isEmpty else { continue }
            if wakeUp.lock(whenValue: true, timeoutSeconds: Double(max(1, min(sleep, 500))) / 1000) {
                wakeUp.unlock(withValue: false)
            }
        }
    }
}
