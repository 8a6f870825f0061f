// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How often which durations occurred, in buckets whose number is fixed: two atomic additions per event, no lock.
///
/// Buckets are four to a power of two of microseconds, so a quantile is off by a fifth at most. What is longer than the
/// last bound falls into the last bucket.
package final class Histogram: Sendable {
    /// Up to 2^27 microseconds, more than two minutes.
    static let bucketCount = 4 * 26

    private let buckets = InlineArray<104, Atomic<Int>> { _ in Atomic(0) }
    private let sum = Atomic<Int>(0)

    package init() {}

    /// Counts an event that took so long; less than nothing counts as nothing.
    package func record(nanoseconds: Int64) {
        let nanoseconds = Int(max(0, nanoseconds))
        buckets[Self.index(microseconds: nanoseconds / 1000)].wrappingAdd(1, ordering: .relaxed)
        sum.wrappingAdd(nanoseconds, ordering: .relaxed)
    }

    /// What was counted so far. Events that come while it is read may be in it or not.
    package var snapshot: Snapshot {
        Snapshot(
            counts: (0..<Self.bucketCount).map { buckets[$0].load(ordering: .relaxed) },
            nanoseconds: sum.load(ordering: .relaxed))
    }

    /// The counts of a histogram at one moment.
    package struct Snapshot: Hashable, Sendable {
        private var counts: [Int]
        package private(set) var nanoseconds: Int

        fileprivate init(counts: [Int], nanoseconds: Int) {
            self.counts = counts
            self.nanoseconds = nanoseconds
        }

        package var count: Int { counts.reduce(0, +) }

        /// What came after an earlier moment.
        package func since(_ earlier: Snapshot) -> Snapshot {
            Snapshot(
                counts: zip(counts, earlier.counts).map { max(0, $0 - $1) },
                nanoseconds: max(0, nanoseconds - earlier.nanoseconds))
        }

        /// What two have counted together.
        package static func + (left: Snapshot, right: Snapshot) -> Snapshot {
            Snapshot(
                counts: zip(left.counts, right.counts).map { $0 &+ $1 },
                nanoseconds: left.nanoseconds &+ right.nanoseconds)
        }

        /// The duration in microseconds that this share of the events (0 to 1) did not exceed; nil without events.
        package func quantile(_ share: Double) -> Double? {
            let total = count
            guard total > 0 else { return nil }
            let rank = max(1, Int((share * Double(total)).rounded(.up)))
            var seen = 0
            for (index, count) in counts.enumerated() {
                seen += count
                if seen >= rank { return Double(Histogram.upperBound(index)) }
            }
            return Double(Histogram.upperBound(Histogram.bucketCount - 1))
        }

        /// How many events took at most so many microseconds, a power of two.
        package func count(upToMicroseconds bound: Int) -> Int {
            counts.indices.reduce(0) { Histogram.upperBound($1) <= bound ? $0 + counts[$1] : $0 }
        }
    }

    /// Which bucket counts a duration: the first four hold 0, 1, 2 and 3 µs; from there the two bits below the highest
    /// choose among the four of a power of two.
    static func index(microseconds: Int) -> Int {
        guard microseconds >= 4 else { return max(0, microseconds) }
        let exponent = Int.bitWidth - 1 - microseconds.leadingZeroBitCount
        return min(4 * (exponent - 1) + (microseconds >> (exponent - 2) & 3), bucketCount - 1)
    }

    /// The first duration in microseconds that is too long for a bucket.
    static func upperBound(_ index: Int) -> Int {
        guard index >= 4 else { return index + 1 }
        let exponent = index / 4 + 1
        return (4 + index % 4 + 1) << (exponent - 2)
    }
}
