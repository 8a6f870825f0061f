// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Holds all cleaner threads together to a number of bytes per second.
///
/// Each thread reserves time for its bytes and sleeps until that time has come, once it is worth a sleep.
final class CleanerThrottle: Sendable {
    private struct State {
        var bytesPerSecond: Double
        /// Until then all has been reserved.
        var due: ContinuousClock.Instant?
    }
    private let state: Mutex<State>
    private let isStopped = Atomic(false)

    init(bytesPerSecond: Double) { state = Mutex(State(bytesPerSecond: max(bytesPerSecond, 1))) }

    func set(bytesPerSecond: Double) {
        state.withLock { state in
            guard state.bytesPerSecond != max(bytesPerSecond, 1) else { return }
            state = State(bytesPerSecond: max(bytesPerSecond, 1))
        }
    }

    /// Nobody waits any more.
    func stop() { isStopped.store(true, ordering: .releasing) }

    func pass(_ bytes: Int) {
        let wait = reserve(bytes, at: .now)
        guard wait > .milliseconds(10) else { return }
        var left = wait
        while left > .zero, !isStopped.load(ordering: .acquiring) {
            let step = min(left, .milliseconds(100))
            usleep(UInt32(step / .microseconds(1)))
            left -= step
        }
    }

    /// How long whoever has read or written so many bytes has to wait. Faster than any disk: no throttle.
    func reserve(_ bytes: Int, at now: ContinuousClock.Instant) -> Duration {
        state.withLock { state in
            guard state.bytesPerSecond < 1e12 else { return .zero }
            let end = max(state.due ?? now, now) + .seconds(min(Double(bytes) / state.bytesPerSecond, 60))
            state.due = end
            return end - now
        }
    }
}
