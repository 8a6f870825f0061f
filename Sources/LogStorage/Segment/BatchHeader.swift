// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords

/// A batch, or a message of the formats before it, and where it lies in a segment's file.
struct BatchHeader: Hashable, Sendable {
    /// Where the batch begins in the file.
    var position: Int64
    var header: RecordBatchHeader

    var size: Int { header.sizeInBytes }
    var end: Int64 { position + Int64(size) }
    /// The first offset. Of a compressed message set of the old formats the last one, as its header says no more.
    var baseOffset: Offset { header.baseOffset }
    var lastOffset: Offset { header.lastOffset }
    var maxTimestamp: Timestamp { header.maxTimestamp }

    var firstStated: Offset { header.firstStated }
    /// Nil where the format has none, or no leader has appended the batch.
    var leaderEpoch: LeaderEpoch? {
        header.magic >= 2 && header.partitionLeaderEpoch >= 0 ? header.partitionLeaderEpoch : nil
    }

    /// From which byte of the batch on its checksum goes.
    var checksummedFrom: Int { header.magic == 2 ? 21 : 16 }

    /// The checksum of the batch's format, over what `previous` is the checksum of and `bytes` behind it.
    func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32) -> UInt32 {
        header.magic == 2
            ? Checksum.crc32c(bytes, continuing: previous) : Checksum.crc32(bytes, continuing: previous)
    }

    enum Parsed {
        case header(BatchHeader)
        /// The bytes at hand end within the header.
        case cutOff
        case corrupt(String)
    }

    /// Reads the header at the start of `bytes`, which came from `position` of a file.
    static func parse(_ bytes: UnsafeRawBufferPointer, at position: Int64) -> Parsed {
        do throws(RecordError) {
            guard let header = try RecordBatchHeader(prefix: bytes) else { return .cutOff }
            guard header.baseOffset >= 0 else { return .corrupt("the offset \(header.baseOffset) is negative") }
            guard header.lastOffsetDelta >= 0 else {
                return .corrupt("the last offset delta is \(header.lastOffsetDelta)")
            }
            guard header.baseOffset < LogOffsets.highestEnd, header.lastOffset < LogOffsets.highestEnd else {
                return .corrupt("the offset \(header.baseOffset) is larger than any can be")
            }
            return .header(BatchHeader(position: position, header: header))
        } catch {
            return .corrupt(error.message)
        }
    }
}

extension RecordBatchHeader {
    /// The lowest offset that the header tells of. The old formats state the last one only.
    var firstStated: Offset { magic >= 2 ? baseOffset : lastOffset }
}
