// SPDX-License-Identifier: Apache-2.0

/// What is to happen when: a heap of actions, those of the same time in the order in which they were put there.
struct EventQueue {
    struct Event {
        let time: Int64
        fileprivate let sequence: UInt64
        let action: () -> Void
    }

    private var heap: [Event] = []
    private var nextSequence: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }
    var nextTime: Int64? { heap.first?.time }

    mutating func add(at time: Int64, _ action: @escaping () -> Void) {
        heap.append(Event(time: time, sequence: nextSequence, action: action))
        nextSequence += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popFirst() -> Event? {
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
