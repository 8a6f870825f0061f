// SPDX-License-Identifier: Apache-2.0

import DequeModule
import NIOCore
import Synchronization

/// A number of bytes that many connections share, such as `queued.max.request.bytes`.
///
/// As in Kafka's memory pool, who asks gets its bytes while anything is left, even more than is left: so a request
/// larger than the whole budget is served, and the budget is exceeded by one request at most. Who gets nothing is told
/// when to try again. Thread-safe.
package final class MemoryBudget: Sendable {
    private struct State {
        var available: Int
        var waiting = Deque<@Sendable () -> Void>()
    }

    private let state: Mutex<State>

    package init(bytes: Int) {
        state = Mutex(State(available: bytes))
    }

    /// What is left; negative while exceeded.
    package var available: Int { state.withLock { $0.available } }

    /// Takes the bytes and returns true, or keeps `retry` and calls it once something has been given back, on the
    /// thread that gives it.
    package func take(_ bytes: Int, orElse retry: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            if state.available > 0 {
                state.available -= bytes
                return true
            }
            state.waiting.append(retry)
            return false
        }
    }

    /// Takes the bytes whether they are left or not: for what has been received already.
    package func takeAnyway(_ bytes: Int) {
        state.withLock { $0.available -= bytes }
    }

    package func giveBack(_ bytes: Int) {
        if bytes == 0 { return }
        let retries = state.withLock { state -> Deque<@Sendable () -> Void> in
            state.available += bytes
            if state.available <= 0 || state.waiting.isEmpty { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for retry in retries { retry() }
    }
}
