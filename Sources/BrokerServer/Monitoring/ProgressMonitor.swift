// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// Whether the threads that must never stand still still do what they are asked.
///
/// Now and then each is asked for a sign of life, in the way in which it gets its work. One that owes an answer for too
/// long is stuck, and what it serves with it. Owner: the lock. Asking never waits.
final class ProgressMonitor: Sendable {
    /// Hands work to a thread.
    typealias Ask = @Sendable (@escaping @Sendable () -> Void) -> Void

    /// How long a disk may take for what one log thread was given: longer than the slowest sync of a disk that works.
    static let patienceWithDisks = Duration.seconds(60)
    /// How long an event loop may take. Nothing on it waits.
    static let patienceWithLoops = Duration.seconds(30)

    private struct Watched {
        let name: String
        let patience: UInt64
        let ask: Ask
        /// When it was asked for what it has not answered yet.
        var owesSince: UInt64?
    }

    private let watched = Mutex<[Watched]>([])

    func watch(_ name: String, patience: Duration, _ ask: @escaping Ask) {
        let patience = UInt64(max(0, patience / .milliseconds(1)))
        watched.withLock { $0.append(Watched(name: name, patience: patience, ask: ask)) }
    }

    /// Asks all that owe nothing. Every few seconds.
    func ask(now: UInt64 = BrokerClock.monotonicMilliseconds) {
        let asked = watched.withLock { watched in
            watched.indices.compactMap { index -> (Int, Ask)? in
                guard watched[index].owesSince == nil else { return nil }
                watched[index].owesSince = now
                return (index, watched[index].ask)
            }
        }
        for (index, ask) in asked {
            ask { [self] in watched.withLock { $0[index].owesSince = nil } }
        }
    }

    /// Who does not answer any more, and since when in milliseconds.
    func stuck(now: UInt64 = BrokerClock.monotonicMilliseconds) -> [(name: String, milliseconds: UInt64)] {
        watched.withLock { watched in
            watched.compactMap { thread in
                guard let since = thread.owesSince, now > since, now - since > thread.patience else { return nil }
                return (thread.name, now - since)
            }
        }
    }
}
