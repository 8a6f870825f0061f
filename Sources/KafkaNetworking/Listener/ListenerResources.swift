// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What the connections of a listener share.
final class ListenerResources: Sendable {
    let limits: ConnectionLimits
    /// What unfinished frames of newcomers are paid from.
    let newcomerMemory: MemoryBudget
    /// `queued.max.request.bytes`, shared by all listeners; nil when not limited.
    let requestMemory: MemoryBudget?
    let statistics = ListenerStatistics()
    /// Nil costs nothing.
    let observer: (any RequestObserver)?

    init(limits: ConnectionLimits, requestMemory: MemoryBudget?, observer: (any RequestObserver)?) {
        self.limits = limits
        self.requestMemory = requestMemory
        self.observer = observer
        newcomerMemory = MemoryBudget(bytes: limits.newcomerBytes)
    }
}

/// Counts of a listener since it was bound. Thread-safe, read at any time.
package final class ListenerStatistics: Sendable {
    private let accepted = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let closed = Atomic<Int>(0)
    private let requests = Atomic<Int>(0)
    private let bytesIn = Atomic<Int>(0)
    private let bytesOut = Atomic<Int>(0)

    package var connectionsAccepted: Int { accepted.load(ordering: .relaxed) }
    /// Accepted by the kernel, and closed at once for a limit.
    package var connectionsRefused: Int { refused.load(ordering: .relaxed) }
    package var connectionsClosed: Int { closed.load(ordering: .relaxed) }
    package var connectionsOpen: Int { accepted.load(ordering: .relaxed) - closed.load(ordering: .relaxed) }
    package var requestsStarted: Int { requests.load(ordering: .relaxed) }
    /// Of whole requests, with their lengths.
    package var bytesReceived: Int { bytesIn.load(ordering: .relaxed) }
    /// Of answers handed to the socket.
    package var bytesSent: Int { bytesOut.load(ordering: .relaxed) }

    func connectionAccepted() { accepted.add(1, ordering: .relaxed) }
    func connectionRefused() { refused.add(1, ordering: .relaxed) }
    func connectionClosed() { closed.add(1, ordering: .relaxed) }
    func requestStarted() { requests.add(1, ordering: .relaxed) }
    func received(bytes: Int) { bytesIn.add(bytes, ordering: .relaxed) }
    func sent(bytes: Int) { bytesOut.add(bytes, ordering: .relaxed) }
}
