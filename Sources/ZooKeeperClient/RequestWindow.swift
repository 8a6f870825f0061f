// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// What waits and how much is under way: first in, first out, and never more than `limit` at once.
struct RequestWindow<Element> {
    let limit: Int
    private(set) var inFlight = 0
    private var waiting: Deque<Element> = []

    init(limit: Int) {
        self.limit = limit
    }

    /// Whether nothing waits and nothing is under way.
    var isIdle: Bool { inFlight == 0 && waiting.isEmpty }

    mutating func enqueue(_ element: Element) {
        waiting.append(element)
    }

    /// The next to send, which counts as under way from now on; nil when none waits or the limit is reached.
    mutating func next() -> Element? {
        guard inFlight < limit, let element = waiting.popFirst() else { return nil }
        inFlight += 1
        return element
    }

    /// One that was under way has its result.
    mutating func finished() {
        precondition(inFlight > 0, "more results than requests")
        inFlight -= 1
    }

    /// Takes out all that wait.
    mutating func drain() -> [Element] {
        defer { waiting.removeAll() }
        return Array(waiting)
    }
}
