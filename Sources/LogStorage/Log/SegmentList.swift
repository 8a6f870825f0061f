// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// The segments of a log by base offset; the last one is active. Never empty once the log is open. A value: readers
/// keep the list that they started with.
struct SegmentList: Sendable {
    private(set) var all: [LogSegment] = []

    init() {}

    init(_ segments: [LogSegment]) { all = segments.sorted { $0.base < $1.base } }

    var active: LogSegment {
        guard let last = all.last else { preconditionFailure("a log without a segment") }
        return last
    }

    var first: LogSegment {
        guard let first = all.first else { preconditionFailure("a log without a segment") }
        return first
    }

    var isEmpty: Bool { all.isEmpty }
    var count: Int { all.count }

    /// Whether both are made of the same segments.
    func isSame(as other: SegmentList) -> Bool {
        count == other.count && zip(all, other.all).allSatisfy { $0.0 === $0.1 }
    }

    /// The index of the segment that holds `offset`: the last whose base is not above it.
    func index(holding offset: Offset) -> Int? {
        var low = 0
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle].base <= offset { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }

    /// The base of the segment after the one at `index`; nil for the active one.
    func nextBase(after index: Int) -> Offset? {
        index + 1 < all.count ? all[index + 1].base : nil
    }

    /// The caller has seen to it that it belongs behind all others.
    mutating func append(_ segment: LogSegment) { all.append(segment) }

    mutating func removeFirst(_ count: Int) { all.removeFirst(count) }

    mutating func removeAll(where isRemoved: (LogSegment) -> Bool) { all.removeAll(where: isRemoved) }

    /// Puts `new` where `old` were.
    mutating func replace(_ old: [LogSegment], with new: [LogSegment]) {
        all.removeAll { segment in old.contains { $0 === segment } }
        all = (all + new).sorted { $0.base < $1.base }
    }
}
