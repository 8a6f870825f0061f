// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Reads the fields of a message from a buffer, each checked against the bytes that are left.
///
/// A reader knows the message's version and whether it is flexible (KIP-482), so fields need not. It is a cursor over
/// bytes that it keeps alive but never copies: records come out as slices of the buffer.
package struct WireReader {
    package let version: Int16
    /// Whether lengths are compact and structures end with tagged fields.
    package let isFlexible: Bool
    private let buffer: ByteBuffer
    /// The readable bytes of `buffer`. Valid as long as `buffer` is held: its storage is copied before anyone writes.
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    /// Where reading must stop: the end of the bytes, or of the tagged field that is being read.
    private var end: Int

    package init(_ buffer: ByteBuffer, version: Int16, flexible: Bool) {
        self.version = version
        isFlexible = flexible
        self.buffer = buffer
        bytes = buffer.withUnsafeReadableBytesWithStorageManagement { bytes, _ in bytes }
        end = bytes.count
    }

    /// The number of bytes that are left.
    package var remaining: Int { end &- position }

    /// What has not been read, as a slice.
    package var rest: ByteBuffer { slice(at: position, length: remaining) }

    // MARK: Fields

    /// A field that all versions have.
    @inline(__always)
    package mutating func read<Value: WireValue>(_: Value.Type = Value.self) throws(WireError) -> Value {
        try Value(from: &self)
    }

    /// A field that the versions from `first` to `last` have; `absent` in the others.
    @inline(__always)
    package mutating func read<Value: WireValue>(
        since first: Int16 = 0, until last: Int16 = .max, else absent: Value
    ) throws(WireError) -> Value {
        version >= first && version <= last ? try Value(from: &self) : absent
    }

    /// A field that may be null only from version `nullable` on.
    package mutating func read<Value: WireNullable>(
        since first: Int16 = 0, until last: Int16 = .max, nullableSince nullable: Int16, else absent: Value? = nil
    ) throws(WireError) -> Value? {
        guard version >= first, version <= last else { return absent }
        return version >= nullable ? try Value.readNullable(from: &self) : try Value(from: &self)
    }

    // MARK: Numbers

    /// A big-endian number.
    @inline(__always)
    package mutating func readInteger<Value: FixedWidthInteger & BitwiseCopyable>(
        _: Value.Type = Value.self
    ) throws(WireError) -> Value {
        guard remaining >= MemoryLayout<Value>.size else { throw .truncated }
        let value = Value(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Value.self))
        position &+= MemoryLayout<Value>.size
        return value
    }

    /// An unsigned number in groups of seven bits, the lowest first: one to five bytes.
    @inline(__always)
    package mutating func readUnsignedVarint() throws(WireError) -> UInt32 {
        guard position < end else { throw .truncated }
        let first = bytes[position]
        if first < 0x80 {
            position &+= 1
            return UInt32(first)
        }
        return try readLongVarint()
    }

    private mutating func readLongVarint() throws(WireError) -> UInt32 {
        var value: UInt32 = 0
        var shift: UInt32 = 0
        while position < end {
            let byte = bytes[position]
            position &+= 1
            // The fifth byte holds the last four bits.
            if shift == 28, byte > 0x0f { throw .overlongVarint }
            value |= UInt32(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
        throw .truncated
    }

    // MARK: Lengths

    /// The most bytes that a string has, also where its length is compact.
    static let longestString = Int(Int16.max)

    /// The length before bytes or an array; nil if it says null. Not checked against the bytes that are left.
    @inline(__always)
    package mutating func readLength() throws(WireError) -> Int? {
        if isFlexible { return try readCompactLength() }
        let length = try readInteger(Int32.self)
        return length < 0 ? nil : Int(length)
    }

    /// The length before a string; nil if it says null. Not checked against the bytes that are left.
    @inline(__always)
    package mutating func readStringLength() throws(WireError) -> Int? {
        if isFlexible {
            let length = try readCompactLength()
            guard length ?? 0 <= Self.longestString else { throw .tooLong(length ?? 0) }
            return length
        }
        let length = try readInteger(Int16.self)
        return length < 0 ? nil : Int(length)
    }

    @inline(__always)
    private mutating func readCompactLength() throws(WireError) -> Int? {
        let length = try readUnsignedVarint()
        return length == 0 ? nil : Int(length) &- 1
    }

    /// The number of elements of an array, each of at least `minimumSize` bytes; nil if it says null.
    @inline(__always)
    package mutating func readCount(minimumSize: Int) throws(WireError) -> Int? {
        guard let count = try readLength() else { return nil }
        guard count <= remaining / max(1, minimumSize) else { throw .countTooLarge(count) }
        return count
    }

    // MARK: Runs of bytes

    /// The next `length` bytes as text; what is not UTF-8 is replaced, as Kafka does.
    @inline(__always)
    package mutating func readText(length: Int) throws(WireError) -> String {
        guard length <= remaining else { throw .truncated }
        let text = String(
            decoding: UnsafeRawBufferPointer(rebasing: bytes[position..<(position &+ length)]), as: UTF8.self)
        position &+= length
        return text
    }

    /// The next `length` bytes, copied.
    package mutating func readBytes(length: Int) throws(WireError) -> [UInt8] {
        guard length <= remaining else { throw .truncated }
        let copy = [UInt8](UnsafeRawBufferPointer(rebasing: bytes[position..<(position &+ length)]))
        position &+= length
        return copy
    }

    /// The next `length` bytes as a slice of the buffer.
    package mutating func readSlice(length: Int) throws(WireError) -> ByteBuffer {
        guard length <= remaining else { throw .truncated }
        let slice = slice(at: position, length: length)
        position &+= length
        return slice
    }

    private func slice(at position: Int, length: Int) -> ByteBuffer {
        buffer.getSlice(at: buffer.readerIndex &+ position, length: length) ?? ByteBuffer()
    }

    // MARK: Tagged fields

    /// The tagged fields at the end of a structure that knows none of them.
    @inline(__always)
    package mutating func readTaggedFields() throws(WireError) -> [UnknownTaggedField] {
        guard isFlexible else { return [] }
        var tags = try beginTaggedFields()
        if tags.left == 0 { return [] }
        while try nextTaggedField(&tags) != nil { try keepUnknown(&tags) }
        return tags.unknown
    }

    /// The state of reading tagged fields one by one.
    package struct TaggedFields {
        package fileprivate(set) var unknown: [UnknownTaggedField] = []
        fileprivate var left: UInt32
        fileprivate var tag: UInt32 = 0
        /// What `end` is outside of the current field; nil before the first one.
        fileprivate var outerEnd: Int?
    }

    /// Starts reading tagged fields; there are none in a version that is not flexible.
    package mutating func beginTaggedFields() throws(WireError) -> TaggedFields {
        TaggedFields(left: isFlexible ? try readUnsignedVarint() : 0)
    }

    /// Moves on to the next field, whose value must then be read to its end. Nil after the last one.
    package mutating func nextTaggedField(_ fields: inout TaggedFields) throws(WireError) -> UInt32? {
        if let outerEnd = fields.outerEnd {
            guard position == end else { throw .taggedFieldSize(fields.tag) }
            end = outerEnd
            fields.outerEnd = nil
        }
        guard fields.left > 0 else { return nil }
        fields.left &-= 1
        fields.tag = try readUnsignedVarint()
        let size = Int(try readUnsignedVarint())
        guard size <= remaining else { throw .truncated }
        fields.outerEnd = end
        end = position &+ size
        return fields.tag
    }

    /// Reads the current field as one that nobody here knows, and keeps it.
    package mutating func keepUnknown(_ fields: inout TaggedFields) throws(WireError) {
        fields.unknown.append(UnknownTaggedField(tag: fields.tag, bytes: try readBytes(length: remaining)))
    }
}

/// A tagged field that the schema does not know. It is kept, and written again in its place.
package struct UnknownTaggedField: Hashable, Sendable {
    package var tag: UInt32
    package var bytes: [UInt8]

    package init(tag: UInt32, bytes: [UInt8]) {
        self.tag = tag
        self.bytes = bytes
    }
}
