// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
package import NIOCore

/// What stands before the records of a batch, of any version.
///
/// For the formats 0 and 1 an entry of the log counts as a batch: one message, or a wrapper whose value holds
/// compressed ones. The fields that these lack have the values that mean "none".
package struct RecordBatchHeader: Hashable, Sendable {
    /// So many bytes from the start of a batch are enough for `init(prefix:)`, whatever its version.
    package static let size = RecordFormat.V2.headerSize

    /// The offset in the first field. In formats 0 and 1 it is that of the last record, and only the records inside a
    /// wrapper tell the first: see `RecordBatch.firstOffset`.
    package var baseOffset: Offset
    /// The whole batch with this header, in bytes.
    package var sizeInBytes: Int
    /// −1 where no leader has appended the batch, and before version 2.
    package var partitionLeaderEpoch: LeaderEpoch
    /// The format: 0, 1 or 2.
    package var magic: Int8
    /// As stored: CRC-32C in version 2, CRC-32 before.
    package var crc: UInt32
    package var attributes: RecordAttributes
    package var codec: CompressionCodec
    /// 0 before version 2.
    package var lastOffsetDelta: Int32
    /// What the records' timestamps are relative to; the delete horizon where the attributes say so. −1 before version 2.
    package var baseTimestamp: Timestamp
    /// −1 in format 0. For a wrapper of format 1 its own timestamp, the largest of those inside.
    package var maxTimestamp: Timestamp
    /// −1 without idempotence.
    package var producerID: ProducerID
    package var producerEpoch: ProducerEpoch
    package var baseSequence: Int32
    /// In formats 0 and 1: 1 for a message, −1 (not known) for a wrapper.
    package var recordCount: Int32

    package var lastOffset: Offset { baseOffset &+ Int64(lastOffsetDelta) }
    /// The offset of what follows the batch.
    package var nextOffset: Offset { lastOffset &+ 1 }
    package var isCompressed: Bool { codec != .none }
    package var isTransactional: Bool { magic == 2 && attributes.isTransactional }
    package var isControl: Bool { magic == 2 && attributes.isControl }
    package var hasProducerID: Bool { producerID != -1 }
    /// When tombstones and markers of this batch may be removed; nil if not decided.
    package var deleteHorizon: Timestamp? { magic == 2 && attributes.hasDeleteHorizon ? baseTimestamp : nil }

    package var timestampType: TimestampType {
        if magic == 0 { .none } else if attributes.isLogAppendTime { .logAppendTime } else { .createTime }
    }

    /// The sequence number of the last record, which wraps from 2^31−1 to 0; −1 where there is none.
    package var lastSequence: Int32 {
        baseSequence < 0 ? -1 : RecordBatchHeader.sequence(baseSequence, advancedBy: lastOffsetDelta)
    }

    /// Sequence numbers wrap from 2^31−1 to 0 (KIP-98).
    package static func sequence(_ sequence: Int32, advancedBy count: Int32) -> Int32 {
        Int32(truncatingIfNeeded: (Int64(sequence) + Int64(count)) & Int64(Int32.max))
    }

    /// Reads the header from the first bytes of a batch; what follows them need not be there.
    ///
    /// Returns nil if there are too few bytes for a header. Throws `.corrupt` if no batch begins like this.
    package init?(prefix: ByteBuffer) throws(RecordError) {
        guard let header = try Self.read(from: prefix) else { return nil }
        self = header
    }

    private static func read(from buffer: ByteBuffer) throws(RecordError) -> RecordBatchHeader? {
        try buffer.withUnsafeReadableBytes { bytes throws(RecordError) in try RecordBatchHeader(prefix: bytes) }
    }

    /// As for a buffer.
    package init?(prefix bytes: UnsafeRawBufferPointer) throws(RecordError) {
        guard let prefix = try BatchPrefix(bytes) else { return nil }
        baseOffset = bytes.number(at: 0)
        sizeInBytes = prefix.sizeInBytes
        magic = prefix.magic
        if prefix.magic == 2 {
            guard bytes.count >= RecordFormat.V2.headerSize else { return nil }
            partitionLeaderEpoch = bytes.number(at: RecordFormat.V2.leaderEpochOffset)
            crc = bytes.number(at: RecordFormat.V2.crcOffset)
            attributes = RecordAttributes(rawValue: bytes.number(at: RecordFormat.V2.attributesOffset))
            lastOffsetDelta = bytes.number(at: RecordFormat.V2.lastOffsetDeltaOffset)
            baseTimestamp = bytes.number(at: RecordFormat.V2.baseTimestampOffset)
            maxTimestamp = bytes.number(at: RecordFormat.V2.maxTimestampOffset)
            producerID = bytes.number(at: RecordFormat.V2.producerIDOffset)
            producerEpoch = bytes.number(at: RecordFormat.V2.producerEpochOffset)
            baseSequence = bytes.number(at: RecordFormat.V2.baseSequenceOffset)
            recordCount = bytes.number(at: RecordFormat.V2.recordCountOffset)
        } else {
            let needed = prefix.magic == 0 ? RecordFormat.Legacy.keyOffsetV0 : RecordFormat.Legacy.keyOffsetV1
            guard bytes.count >= needed else { return nil }
            partitionLeaderEpoch = -1
            crc = bytes.number(at: RecordFormat.Legacy.crcOffset)
            attributes = RecordAttributes(
                rawValue: Int16(bytes.number(at: RecordFormat.Legacy.attributesOffset, as: UInt8.self)))
            lastOffsetDelta = 0
            baseTimestamp = -1
            maxTimestamp = prefix.magic == 0 ? -1 : bytes.number(at: RecordFormat.Legacy.timestampOffset)
            producerID = -1
            producerEpoch = -1
            baseSequence = -1
            recordCount = attributes.rawValue & 7 == 0 ? 1 : -1
        }
        guard let codec = attributes.codec else {
            throw .corrupt("Unknown compression type id: \(attributes.rawValue & 7)")
        }
        self.codec = codec
    }
}

/// The fields with the same place in all formats. They tell how far the batch reaches.
struct BatchPrefix {
    var sizeInBytes: Int
    var magic: Int8

    /// Nil if there are too few bytes. Throws `.corrupt` if no batch begins like this.
    init?(_ bytes: UnsafeRawBufferPointer) throws(RecordError) {
        guard bytes.count >= RecordFormat.logOverhead else { return nil }
        let size = Int(bytes.number(at: RecordFormat.sizeOffset, as: Int32.self))
        // Format 0 has the smallest overhead; the others are held to theirs once the format is known.
        guard size >= RecordFormat.Legacy.smallestSizeV0 else {
            throw .corrupt(
                "Record size \(size) is less than the minimum record overhead (\(RecordFormat.Legacy.smallestSizeV0))")
        }
        guard bytes.count >= RecordFormat.bytesUpToMagic else { return nil }
        magic = bytes.number(at: RecordFormat.magicOffset)
        let smallest: Int
        switch magic {
        case 0: smallest = RecordFormat.Legacy.smallestSizeV0
        case 1: smallest = RecordFormat.Legacy.smallestSizeV1
        case 2: smallest = RecordFormat.V2.headerSize - RecordFormat.logOverhead
        default: throw .corrupt("Invalid magic found in record: \(magic)")
        }
        guard size >= smallest else {
            throw .corrupt("Record size \(size) is less than the minimum overhead of format \(magic) (\(smallest))")
        }
        sizeInBytes = size + RecordFormat.logOverhead
    }
}
