// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// `<base>.index`: where in the segment's file an offset is to be sought.
///
///     0        4        8
///     | offset | position | …     both int32, big-endian; the offset relative to the segment's base
///
/// The offset of an entry is the *last* one of the batch that starts at the position. An entry is written when more
/// than `index.interval.bytes` lie behind the last one; the first batch has none.
struct OffsetIndexEntry: IndexEntry {
    static var byteCount: Int { 8 }

    var relativeOffset: Int32
    var position: Int32

    init(relativeOffset: Int32, position: Int32) {
        self.relativeOffset = relativeOffset
        self.position = position
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        relativeOffset = bytes.bigEndian(at: 0)
        position = bytes.bigEndian(at: 4)
    }

    func store(in bytes: UnsafeMutableRawBufferPointer) {
        bytes.store(bigEndian: relativeOffset, at: 0)
        bytes.store(bigEndian: position, at: 4)
    }
}

/// `<base>.timeindex`: from which offset on a time is to be sought.
///
///     0           8        12
///     | timestamp | offset | …    int64 and int32, big-endian; the offset relative to the segment's base
///
/// An entry says: no batch before the one that holds the offset has a larger timestamp. Timestamps strictly grow. One
/// is written with each offset index entry if the largest timestamp has grown, and one more at the end of the segment.
struct TimeIndexEntry: IndexEntry {
    static var byteCount: Int { 12 }

    var timestamp: Timestamp
    var relativeOffset: Int32

    init(timestamp: Timestamp, relativeOffset: Int32) {
        self.timestamp = timestamp
        self.relativeOffset = relativeOffset
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        timestamp = bytes.bigEndian(at: 0)
        relativeOffset = bytes.bigEndian(at: 8)
    }

    func store(in bytes: UnsafeMutableRawBufferPointer) {
        bytes.store(bigEndian: timestamp, at: 0)
        bytes.store(bigEndian: relativeOffset, at: 8)
    }
}

/// Offsets of a segment relative to its base: the only place where bases are added and subtracted.
package struct RelativeOffset {
    /// Nil when `offset` is further from `base` than an index can hold.
    package static func of(_ offset: Offset, base: Offset) -> Int32? {
        let (difference, overflow) = offset.subtractingReportingOverflow(base)
        guard !overflow, difference >= 0 else { return nil }
        return Int32(exactly: difference)
    }

    package static func absolute(_ relative: Int32, base: Offset) -> Offset { base &+ Offset(relative) }
}
