// SPDX-License-Identifier: Apache-2.0

/// Which stretches of a segment's file are known to be sound: those that this process has written, and those that it has
/// looked at since the log was opened. In positions of the file; stretches begin and end where batches do.
struct SoundRanges: Hashable, Sendable {
    /// So many stretches are remembered. Readers go forward, so there are few; of one that is forgotten the only harm is that
    /// it is looked at again.
    private static let capacity = 8

    /// Ascending, none touching another.
    private var inspected: [Range<Int64>] = []
    /// All from here on was written by this process.
    private var writtenFrom: Int64

    /// - Parameter isNew: nothing of the segment existed before.
    init(isNew: Bool) { writtenFrom = isNew ? 0 : .max }

    func covers(_ range: Range<Int64>) -> Bool {
        let end = min(range.upperBound, writtenFrom)
        return range.lowerBound >= end
            || inspected.contains { $0.lowerBound <= range.lowerBound && end <= $0.upperBound }
    }

    /// Whether what stands at a position was there before this process wrote to the segment.
    func isInherited(_ position: Int64) -> Bool { position < writtenFrom }

    /// Where the stretch ends that contains `position`, or ends there; nil if there is none.
    func end(reaching position: Int64) -> Int64? {
        inspected.last { $0.lowerBound <= position && position <= $0.upperBound }?.upperBound
    }

    mutating func insert(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        var merged = range
        inspected.removeAll { known in
            guard known.lowerBound <= merged.upperBound, merged.lowerBound <= known.upperBound else { return false }
            merged = min(known.lowerBound, merged.lowerBound)..<max(known.upperBound, merged.upperBound)
            return true
        }
        inspected.insert(merged, at: inspected.firstIndex { $0.lowerBound > merged.lowerBound } ?? inspected.count)
        if inspected.count > Self.capacity,
            let shortest = inspected.indices.min(by: { inspected[$0].count < inspected[$1].count })
        {
            inspected.remove(at: shortest)
        }
    }

    /// An append begins at `position`. To be called before the first byte is written.
    mutating func write(from position: Int64) {
        writtenFrom = min(writtenFrom, position)
    }

    /// The file was cut. What is written there later is this process's own.
    mutating func cut(to position: Int64) {
        inspected = inspected.compactMap { range in
            range.lowerBound < position ? range.lowerBound..<min(range.upperBound, position) : nil
        }
    }
}
