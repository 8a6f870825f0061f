// SPDX-License-Identifier: Apache-2.0

internal import KafkaModel
internal import NIOCore

extension ByteBuffer {
    /// A record of version 2.
    mutating func writeRecord(_ record: Record, offsetDelta: Int32, timestampDelta: Int64) {
        var size = 1 + Varint.size(timestampDelta) + Varint.size(Int64(offsetDelta))
        size += Varint.fieldSize(record.key) + Varint.fieldSize(record.value)
        size += Varint.size(Int64(record.headers.count))
        for header in record.headers {
            size += Varint.fieldSize(header.keyBytes) + Varint.fieldSize(header.value)
        }
        reserveCapacity(minimumWritableBytes: size + 5)
        writeVarint(Int64(size))
        writeInteger(0 as Int8)
        writeVarint(timestampDelta)
        writeVarint(Int64(offsetDelta))
        writeVarintField(record.key)
        writeVarintField(record.value)
        writeVarint(Int64(record.headers.count))
        for header in record.headers {
            writeVarintField(header.keyBytes)
            writeVarintField(header.value)
        }
    }

    /// A message of format 0 or 1, or a wrapper.
    mutating func writeMessage(
        _ magic: Int8, offset: Offset, attributes: RecordAttributes, timestamp: Timestamp, key: ByteBuffer?,
        value: ByteBuffer?
    ) {
        let start = writerIndex
        writeInteger(offset)
        // Size and checksum follow when they are known.
        writeInteger(0 as Int32)
        writeInteger(0 as UInt32)
        writeInteger(magic)
        // Format 0 has neither timestamps nor their type.
        writeInteger(UInt8(truncatingIfNeeded: magic == 0 ? attributes.rawValue & 7 : attributes.rawValue))
        if magic > 0 { writeInteger(timestamp) }
        for field in [key, value] {
            writeInteger(Int32(field?.readableBytes ?? -1))
            if let field { writeImmutableBuffer(field) }
        }
        setInteger(Int32(writerIndex - start - RecordFormat.logOverhead), at: start + RecordFormat.sizeOffset)
        let crc = withUnsafeReadableBytes { bytes in
            let first = start - readerIndex + RecordFormat.Legacy.checksummedOffset
            return Checksum.crc32(UnsafeRawBufferPointer(rebasing: bytes[first...]))
        }
        setInteger(crc, at: start + RecordFormat.Legacy.crcOffset)
    }

    /// A zigzag-coded number.
    private mutating func writeVarint(_ number: Int64) {
        var rest = UInt64(bitPattern: number << 1 ^ number >> 63)
        while rest > 0x7F {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func writeVarintField(_ field: ByteBuffer?) {
        writeVarint(Int64(field?.readableBytes ?? -1))
        if let field { writeImmutableBuffer(field) }
    }
}

private enum Varint {
    /// How many bytes the zigzag-coded number takes.
    static func size(_ number: Int64) -> Int {
        let bits = 64 - UInt64(bitPattern: number << 1 ^ number >> 63).leadingZeroBitCount
        return max((bits + 6) / 7, 1)
    }

    static func fieldSize(_ field: ByteBuffer?) -> Int {
        let size = field?.readableBytes ?? -1
        return Varint.size(Int64(size)) + max(size, 0)
    }
}
