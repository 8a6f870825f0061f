// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// What is to happen when: a heap of actions, those of the same time in the order in which they were put there.
///
/// Deadlines, which nearly always are cancelled, have queues of their own, one for each length: they come in the order of
/// their times by themselves, and one that was cancelled costs nothing more.
struct EventQueue {
    struct Event {
        let time: Int64
        fileprivate let sequence: UInt64
        let action: () -> Void
    }

    /// An action that happens unless it is cancelled before.
    final class Deadline {
        fileprivate let time: Int64
        fileprivate let sequence: UInt64
        fileprivate var action: (() -> Void)?

        fileprivate init(time: Int64, sequence: UInt64, _ action: @escaping () -> Void) {
            self.time = time
            self.sequence = sequence
            self.action = action
        }

        func cancel() { action = nil }
    }

    private struct Lane {
        let length: Int64
        var deadlines: Deque<Deadline> = []
    }

    private var heap: [Event] = []
    private var lanes: [Lane] = []
    private var nextSequence: UInt64 = 0

    mutating func add(at time: Int64, _ action: @escaping () -> Void) {
        heap.append(Event(time: time, sequence: takeSequence(), action: action))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// - Parameter length: of a few different ones.
    mutating func addDeadline(now: Int64, length: Int64, _ action: @escaping () -> Void) -> Deadline {
        let deadline = Deadline(time: now + length, sequence: takeSequence(), action)
        if let lane = lanes.firstIndex(where: { $0.length == length }) {
            lanes[lane].deadlines.append(deadline)
        } else {
            lanes.append(Lane(length: length, deadlines: [deadline]))
        }
        return deadline
    }

    /// Takes out what happens first, unless that is later than `end`.
    mutating func popFirst(until end: Int64) -> Event? {
        var first = heap.first.map { (time: $0.time, sequence: $0.sequence) }
        var lane: Int?
        for index in lanes.indices {
            while let next = lanes[index].deadlines.first, next.action == nil { lanes[index].deadlines.removeFirst() }
            guard let next = lanes[index].deadlines.first else { continue }
            if let known = first, known < (next.time, next.sequence) { continue }
            first = (next.time, next.sequence)
            lane = index
        }
        guard let first, first.time <= end else { return nil }
        guard let lane else { return popHeap() }
        let deadline = lanes[lane].deadlines.removeFirst()
        return Event(time: deadline.time, sequence: deadline.sequence, action: deadline.action ?? {})
    }

    private mutating func takeSequence() -> UInt64 {
        nextSequence += 1
        return nextSequence
    }

    private mutating func popHeap() -> Event? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var smallest = 2 * parent + 1
            guard smallest < heap.count else { return first }
            if smallest + 1 < heap.count, isBefore(smallest + 1, smallest) { smallest += 1 }
            guard isBefore(smallest, parent) else { return first }
            heap.swapAt(smallest, parent)
            parent = smallest
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].sequence) < (heap[right].time, heap[right].sequence)
    }
}
