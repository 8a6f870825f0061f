// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Synchronization

/// Decides which connections a broker takes. One for all listeners, since `max.connections` counts them together.
///
/// Thread-safe: asked by the accepting loops, told by the connections' loops.
package final class ConnectionAdmission: Sendable {
    package struct Limits: Hashable, Sendable {
        /// `max.connections` of the broker.
        package var total: Int
        /// `listener.name.X.max.connections`, by listener.
        package var perListener: [String: Int]
        /// `max.connections.per.ip`.
        package var perAddress: Int
        /// `max.connections.per.ip.overrides`, by address in text form.
        package var perAddressOverrides: [String: Int]
        /// Listeners that may exceed `total`: that between brokers, so that clients cannot cut the cluster apart.
        package var protectedListeners: Set<String>

        package init(
            total: Int = .max, perListener: [String: Int] = [:], perAddress: Int = .max,
            perAddressOverrides: [String: Int] = [:], protectedListeners: Set<String> = []
        ) {
            self.total = total
            self.perListener = perListener
            self.perAddress = perAddress
            self.perAddressOverrides = perAddressOverrides
            self.protectedListeners = protectedListeners
        }
    }

    package enum Decision: Hashable, Sendable {
        case admit
        /// Keep it, and the listener's backlog, until a connection has gone (`retry` is called).
        case wait
        /// Close it.
        case refuse
        /// Keep it unread for this time, then close it (the rate of new connections of an address, KIP-612).
        case refuseAfter(Duration)
    }

    private struct State {
        var limits: Limits
        var total = 0
        var perListener: [String: Int] = [:]
        var perAddress: [String: Int] = [:]
        var waiting = Deque<@Sendable () -> Void>()

        mutating func takeWaiting() -> Deque<@Sendable () -> Void> {
            defer { waiting = [] }
            return waiting
        }
    }

    private let state: Mutex<State>
    /// The hook for creation rates: asked for each new connection (listener, address) that no count forbids.
    private let rate: @Sendable (String, String) -> Decision

    package init(
        limits: Limits = Limits(), rate: @escaping @Sendable (String, String) -> Decision = { _, _ in .admit }
    ) {
        state = Mutex(State(limits: limits))
        self.rate = rate
    }

    package var total: Int { state.withLock { $0.total } }

    /// Takes effect for new connections; those above a lowered limit stay.
    package func update(_ limits: Limits) {
        let retries = state.withLock { state in
            state.limits = limits
            return state.takeWaiting()
        }
        for retry in retries { retry() }
    }

    /// Counts the connection if it is admitted. `retry` is called once, from any thread, after `.wait`.
    package func ask(listener: String, address: String, retry: @escaping @Sendable () -> Void) -> Decision {
        let decision = state.withLock { state -> Decision in
            let limits = state.limits
            let isOverTotal = state.total >= limits.total && !limits.protectedListeners.contains(listener)
            if isOverTotal || state.perListener[listener, default: 0] >= limits.perListener[listener] ?? .max {
                state.waiting.append(retry)
                return .wait
            }
            if state.perAddress[address, default: 0] >= limits.perAddressOverrides[address] ?? limits.perAddress {
                return .refuse
            }
            state.total += 1
            state.perListener[listener, default: 0] += 1
            state.perAddress[address, default: 0] += 1
            return .admit
        }
        guard decision == .admit else { return decision }
        let verdict = rate(listener, address)
        if verdict != .admit { gone(listener: listener, address: address) }
        if verdict == .wait { state.withLock { $0.waiting.append(retry) } }
        return verdict
    }

    /// An admitted connection is closed.
    package func gone(listener: String, address: String) {
        let retries = state.withLock { state in
            state.total -= 1
            state.perListener[listener, default: 0] -= 1
            let left = state.perAddress[address, default: 0] - 1
            state.perAddress[address] = left > 0 ? left : nil
            return state.takeWaiting()
        }
        for retry in retries { retry() }
    }

    /// Lets those try again who were told to wait, as when a window of the rate hook has passed.
    package func retryWaiting() {
        for retry in state.withLock({ $0.takeWaiting() }) { retry() }
    }
}
