// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// One task waits; others wake it. A wake that comes while nobody waits is kept for the next wait.
final class WakeSignal: Sendable {
    private struct State {
        var isSet = false
        var waiter: CheckedContinuation<Void, Never>?
        var alarm: Scheduled<Void>?
    }

    private let state = Mutex(State())

    /// Wakes the task that waits, or the next that will.
    func wake() {
        let (waiter, alarm) = state.withLock { state in
            guard let waiter = state.waiter else {
                state.isSet = true
                return (CheckedContinuation<Void, Never>?.none, Scheduled<Void>?.none)
            }
            let alarm = state.alarm
            state.waiter = nil
            state.alarm = nil
            return (waiter, alarm)
        }
        alarm?.cancel()
        waiter?.resume()
    }

    /// Waits for ``wake()``, at most the given time; nil: for ever.
    func wait(on eventLoop: any EventLoop, atMost milliseconds: Int64?) async {
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                if state.isSet {
                    state.isSet = false
                    return false
                }
                state.waiter = continuation
                if let milliseconds {
                    state.alarm = eventLoop.scheduleTask(in: .milliseconds(max(milliseconds, 1))) { self.wake() }
                }
                return true
            }
            if !waits { continuation.resume() }
        }
    }
}

/// Many tasks wait for something to happen, and look again each time it does.
final class Broadcast: Sendable {
    private struct State {
        var generation: UInt64 = 0
        var nextID: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// Counts the calls of ``notify()``: taken before looking, so that nothing is missed between looking and waiting.
    var generation: UInt64 { state.withLock { $0.generation } }

    /// Wakes all who wait.
    func notify() {
        let waiters = state.withLock { state in
            state.generation &+= 1
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns at the first ``notify()`` after `generation`, or after the given time.
    func wait(after generation: UInt64, on eventLoop: any EventLoop, atMost milliseconds: Int64) async {
        await withCheckedContinuation { continuation in
            let id: UInt64? = state.withLock { state in
                guard state.generation == generation else { return nil }
                state.nextID &+= 1
                state.waiters[state.nextID] = continuation
                return state.nextID
            }
            guard let id else { return continuation.resume() }
            eventLoop.scheduleTask(in: .milliseconds(max(milliseconds, 1))) {
                self.state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
            }
        }
    }
}

/// The two clocks of a client, in milliseconds.
enum Clock {
    /// For intervals; never goes back.
    static func steady() -> Int64 { Int64(NIODeadline.now().uptimeNanoseconds / 1_000_000) }
}
