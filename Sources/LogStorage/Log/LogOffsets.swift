// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Where a log stands: `logStart ≤ lastStable ≤ highWatermark ≤ logEnd` and `recoveryPoint ≤ logEnd`.
package struct LogOffsets: Hashable, Sendable {
    /// The first offset that may be read.
    package internal(set) var logStart: Offset
    /// All below is on every in-sync replica and may be read by consumers.
    package internal(set) var highWatermark: Offset
    /// All below belongs to no open transaction: the end for `read_committed`.
    package internal(set) var lastStable: Offset
    /// The offset that the next record gets.
    package internal(set) var logEnd: Offset
    /// All below is on disk.
    package internal(set) var recoveryPoint: Offset

    package init(
        logStart: Offset, highWatermark: Offset, lastStable: Offset, logEnd: Offset, recoveryPoint: Offset
    ) {
        self.logStart = logStart
        self.highWatermark = highWatermark
        self.lastStable = lastStable
        self.logEnd = logEnd
        self.recoveryPoint = recoveryPoint
        check()
    }

    /// No log ends above: no number of records comes near it, and what is added to an offset below it does not overflow.
    package static let highestEnd: Offset = 1 << 62

    /// Up to where a reader may read.
    package func bound(_ limit: ReadLimit) -> Offset {
        switch limit {
        case .logEnd: logEnd
        case .highWatermark: highWatermark
        case .lastStableOffset: lastStable
        }
    }

    /// What would corrupt data if it were not so.
    func check() {
        precondition(
            logStart <= lastStable && lastStable <= highWatermark && highWatermark <= logEnd
                && recoveryPoint <= logEnd, "a log's offsets are out of order: \(self)")
    }
}

/// An offset and where its batch lies.
package struct LogPosition: Hashable, Sendable {
    package var offset: Offset
    /// The base offset of the segment that holds it.
    package var segmentBase: Offset
    /// Byte position in that segment's file.
    package var position: Int64

    package init(offset: Offset, segmentBase: Offset, position: Int64) {
        self.offset = offset
        self.segmentBase = segmentBase
        self.position = position
    }

    /// Whether `self` lies in an older segment than `other`.
    package func isInOlderSegment(than other: LogPosition) -> Bool { segmentBase < other.segmentBase }
}
