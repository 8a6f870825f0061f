// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension PartitionLog {
    /// The starts of segments for ListOffsets version 0: those whose files were last changed at or before a time, newest
    /// first, with the reader's end as the newest of all.
    ///
    /// - Parameters:
    ///   - timestamp: milliseconds, or −1 for the newest, −2 for the oldest.
    ///   - count: at most so many.
    ///   - limit: nothing above the reader's end is told; the end itself stands in its place.
    package func segmentOffsets(
        before timestamp: Timestamp, atMost count: Int, upTo limit: ReadLimit, now: Timestamp
    ) throws(LogError) -> [Offset] {
        let (end, marks) = try looking(at: { ($0.segments, $0.offsets) }) { (segments, offsets) throws(LogError) in
            var marks: [(offset: Offset, time: Timestamp)] = []
            for segment in segments.all {
                let changed = try logErrors { () throws(FileError) in try segment.modified() }
                marks.append((max(segment.base, offsets.logStart), changed))
            }
            if try segments.active.size > 0 { marks.append((offsets.logEnd, now)) }
            return (offsets.bound(limit), marks)
        }
        let last: Int?
        switch timestamp {
        case -1: last = marks.indices.last
        case -2: last = marks.indices.first
        default: last = marks.lastIndex { $0.time <= timestamp }
        }
        guard let last else { return [] }
        let found = marks[...last].suffix(max(0, count)).map(\.offset).sorted(by: >)
        guard found.contains(where: { $0 > end }) else { return found }
        return [end] + found.drop { $0 > end }
    }
}
