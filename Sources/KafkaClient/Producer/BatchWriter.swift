// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Fills one record batch (format v2) in place: records are written behind a gap that the header takes at the end.
///
/// ```
///  0 base offset        8 length       12 leader epoch   16 magic      17 CRC-32C of what follows
/// 21 attributes        23 last offset delta              27 base timestamp
/// 35 max timestamp     43 producer id  51 producer epoch 53 base sequence
/// 57 count             61 records
/// ```
struct BatchWriter {
    static let headerSize = 61
    /// What a record needs at most besides key, value and headers: length, attributes, two deltas, two lengths, a count.
    static let recordOverhead = 5 + 1 + 10 + 5 + 5 + 5 + 5

    private(set) var buffer: ByteBuffer
    private(set) var count: Int32 = 0
    private(set) var baseTimestamp: Int64 = -1
    private(set) var maxTimestamp: Int64 = -1

    /// - Parameter capacity: bytes to reserve; the writer grows past them only if a record asks for it.
    init(capacity: Int) {
        buffer = ByteBufferAllocator().buffer(capacity: max(capacity, Self.headerSize))
        buffer.writeRepeatingByte(0, count: Self.headerSize)
    }

    /// Lets go of the bytes, which another owner has by now; the counts stay.
    mutating func discardBuffer() { buffer = ByteBuffer() }

    /// The bytes that `append` would add at most.
    static func bound(key: ByteBuffer?, value: ByteBuffer?, headers: [RecordHeader]) -> Int {
        var size = recordOverhead + (key?.readableBytes ?? 0) + (value?.readableBytes ?? 0)
        for header in headers { size += 10 + header.key.utf8.count + (header.value?.readableBytes ?? 0) }
        return size
    }

    /// Adds a record; returns its index in the batch.
    @discardableResult
    mutating func append(key: ByteBuffer?, value: ByteBuffer?, headers: [RecordHeader], timestamp: Int64) -> Int32 {
        let index = count
        if index == 0 {
            baseTimestamp = timestamp
            maxTimestamp = timestamp
        }
        maxTimestamp = max(maxTimestamp, timestamp)
        let timestampDelta = timestamp &- baseTimestamp
        var size = 1 + Self.size(timestampDelta) + Self.size(Int64(index))
        size += Self.size(ofBytes: key?.readableBytes) + Self.size(ofBytes: value?.readableBytes)
        size += Self.size(Int64(headers.count))
        for header in headers {
            size += Self.size(ofBytes: header.key.utf8.count) + Self.size(ofBytes: header.value?.readableBytes)
        }
        buffer.reserveCapacity(minimumWritableBytes: size + 5)
        write(Int64(size))
        buffer.writeInteger(UInt8(0))
        write(timestampDelta)
        write(Int64(index))
        write(key)
        write(value)
        write(Int64(headers.count))
        for header in headers {
            write(Int64(header.key.utf8.count))
            buffer.writeString(header.key)
            write(header.value)
        }
        count = index + 1
        return index
    }

    private mutating func write(_ bytes: ByteBuffer?) {
        guard let bytes else { return write(Int64(-1)) }
        write(Int64(bytes.readableBytes))
        buffer.writeImmutableBuffer(bytes)
    }

    /// Writes a zigzag varint.
    private mutating func write(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        if rest < 0x80 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: rest))
            return
        }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 10) { space in
            var length = 0
            while rest >= 0x80 {
                space[length] = UInt8(truncatingIfNeeded: rest) | 0x80
                rest >>= 7
                length += 1
            }
            space[length] = UInt8(truncatingIfNeeded: rest)
            return length + 1
        }
    }

    /// The length of a zigzag varint.
    static func size(_ value: Int64) -> Int {
        let bits = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        return bits == 0 ? 1 : (70 - bits.leadingZeroBitCount) / 7
    }

    private static func size(ofBytes count: Int?) -> Int {
        guard let count else { return 1 }
        return size(Int64(count)) + count
    }
}
