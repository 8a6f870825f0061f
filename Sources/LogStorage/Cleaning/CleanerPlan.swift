// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What compaction decides, without a file at hand: which part of a log may be compacted, whether it is worth it, and
/// which segments become one.
enum CleanerPlan {
    /// A segment as compaction sees it.
    struct Segment: Hashable, Sendable {
        var base: Offset
        /// The base of the one after it; there always is one, since the active segment is never compacted.
        var next: Offset
        var size: Int64
        var offsetIndexBytes: Int64 = 0
        var timeIndexBytes: Int64 = 0
        /// Of its records; only asked for where the log has a compaction lag.
        var largestTimestamp: Timestamp = -1
        /// Of its first batch, likewise.
        var firstTimestamp: Timestamp = -1
    }

    /// `[firstDirty, firstUncleanable)` has not been compacted and may be.
    struct Range: Hashable, Sendable {
        var firstDirty: Offset
        var firstUncleanable: Offset
        var isEmpty: Bool { firstDirty >= firstUncleanable }
    }

    /// - Parameters:
    ///   - checkpoint: up to where the log was compacted the last time; nil if never.
    ///   - segments: all but the active one.
    static func range(
        checkpoint: Offset?, offsets: LogOffsets, activeBase: Offset, segments: [Segment],
        minimumLag: Int64, now: Timestamp
    ) -> Range {
        // A checkpoint outside of the log is that of another life of it.
        var firstDirty = checkpoint ?? offsets.logStart
        if firstDirty < offsets.logStart || firstDirty > offsets.logEnd { firstDirty = offsets.logStart }
        var end = min(offsets.lastStable, activeBase)
        if minimumLag > 0 {
            let young = segments.first { $0.next > firstDirty && $0.largestTimestamp > now &- minimumLag }
            if let young { end = min(end, young.base) }
        }
        return Range(firstDirty: firstDirty, firstUncleanable: max(end, firstDirty))
    }

    /// How much a log asks to be compacted.
    struct Dirt: Hashable, Sendable {
        var cleanBytes: Int64 = 0
        var cleanableBytes: Int64 = 0
        /// `max.compaction.lag.ms` has passed for some dirty record (KIP-354).
        var isOverdue = false

        var ratio: Double {
            let total = cleanBytes + cleanableBytes
            return total > 0 ? Double(cleanableBytes) / Double(total) : 0
        }

        func isDue(minimumRatio: Double) -> Bool {
            cleanableBytes > 0 && (isOverdue || ratio > minimumRatio)
        }
    }

    static func dirt(_ segments: [Segment], _ range: Range, maximumLag: Int64, now: Timestamp) -> Dirt {
        var dirt = Dirt()
        for segment in segments {
            if segment.base < range.firstDirty { dirt.cleanBytes += segment.size }
            if segment.next > range.firstDirty, segment.base < range.firstUncleanable {
                dirt.cleanableBytes += segment.size
            }
        }
        if maximumLag < .max {
            let oldest = segments.filter { $0.next > range.firstDirty && $0.firstTimestamp > 0 }
                .map(\.firstTimestamp).min()
            if let oldest { dirt.isOverdue = oldest < now &- max(maximumLag, 0) }
        }
        return dirt
    }

    /// The segments that begin below `end`, in groups each of which fits into one segment: by bytes, by its indexes, and by
    /// how far its last offset may lie from its base.
    static func groups(_ segments: [Segment], end: Offset, segmentBytes: Int, indexBytes: Int) -> [[Segment]] {
        var groups: [[Segment]] = []
        var sum = Segment(base: 0, next: 0, size: 0)
        for segment in segments where segment.base < end {
            let fits =
                !groups.isEmpty && sum.size + segment.size <= Int64(segmentBytes)
                && sum.offsetIndexBytes + segment.offsetIndexBytes <= Int64(indexBytes)
                && sum.timeIndexBytes + segment.timeIndexBytes <= Int64(indexBytes)
                && (segment.size == 0 || RelativeOffset.of(segment.next - 1, base: sum.base) != nil)
            if fits {
                groups[groups.count - 1].append(segment)
                sum.size += segment.size
                sum.offsetIndexBytes += segment.offsetIndexBytes
                sum.timeIndexBytes += segment.timeIndexBytes
            } else {
                groups.append([segment])
                sum = segment
            }
        }
        return groups
    }
}
