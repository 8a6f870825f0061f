// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

/// A piece of what leaves on a socket.
package enum WirePart: Sendable {
    case bytes(ByteBuffer)
    case file(FileRegion)

    package var readableBytes: Int {
        switch self {
        case .bytes(let bytes): bytes.readableBytes
        case .file(let region): region.readableBytes
        }
    }
}

/// Writes the fields of a message.
///
/// Everything but large record data goes into one buffer; large record data stays where it is, in its own buffer or in
/// files, and takes its place among the parts of the result.
///
/// A writer cannot be copied: it is the only holder of its buffer, and writes into its storage directly.
package struct WireWriter: ~Copyable {
    package let version: Int16
    /// Whether lengths are compact and structures end with tagged fields.
    package let isFlexible: Bool
    private var buffer: ByteBuffer
    /// The storage of `buffer`, all of it. It stays where it is while nobody but `grow` touches `buffer`.
    private var storage: UnsafeMutableRawBufferPointer
    /// The bytes written to `storage`; the buffer's own index follows at the end.
    private var count = 0
    /// Parts that are not in `buffer`, with the index in it before which they belong.
    private var inserted: [(index: Int, part: WirePart)] = []
    private var insertedBytes = 0
    /// The errors that were written, for whoever counts what clients are told; `none` left out.
    package private(set) var errors: [ErrorCode] = []

    /// Record data from this size on is handed over instead of being copied: below, one more element of a vectored
    /// write costs more than the copy.
    private static let handOverSize = 4096

    package init(version: Int16, flexible: Bool, capacity: Int = 512) {
        self.version = version
        isFlexible = flexible
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
        storage = Self.storage(of: &buffer)
    }

    private static func storage(of buffer: inout ByteBuffer) -> UnsafeMutableRawBufferPointer {
        buffer.withVeryUnsafeMutableBytes { $0 }
    }

    /// Makes room for more bytes than the storage has.
    @inline(never)
    private mutating func grow(by size: Int) {
        buffer.moveWriterIndex(to: count)
        buffer.reserveCapacity(max(count + size, 2 * storage.count))
        storage = Self.storage(of: &buffer)
    }

    /// The number of bytes written so far, those in files included.
    package var writtenBytes: Int { count + insertedBytes }

    /// What was written, in order.
    package consuming func finish() -> [WirePart] {
        buffer.moveWriterIndex(to: count)
        guard !inserted.isEmpty else { return [.bytes(buffer)] }
        var parts: [WirePart] = []
        parts.reserveCapacity(2 * inserted.count + 1)
        for (index, part) in inserted {
            if let bytes = buffer.readSlice(length: index - buffer.readerIndex), bytes.readableBytes > 0 {
                parts.append(.bytes(bytes))
            }
            parts.append(part)
        }
        if buffer.readableBytes > 0 { parts.append(.bytes(buffer)) }
        return parts
    }

    /// What was written, copied together if record data was handed over.
    /// - Throws: when record data lies in files.
    package consuming func finishInOneBuffer() throws(WireError) -> ByteBuffer {
        let length = writtenBytes
        let parts = finish()
        if parts.count == 1, case .bytes(let bytes) = parts[0] { return bytes }
        var whole = ByteBufferAllocator().buffer(capacity: length)
        for part in parts {
            guard case .bytes(let bytes) = part else { throw .recordsInFiles }
            whole.writeImmutableBuffer(bytes)
        }
        return whole
    }

    // MARK: Fields

    /// A field that all versions have.
    @inline(__always)
    package mutating func write<Value: WireValue>(_ value: Value) throws(WireError) {
        try value.write(to: &self)
    }

    /// A field that the versions from `first` to `last` have, and that others may drop.
    @inline(__always)
    package mutating func write<Value: WireValue>(
        _ value: Value, since first: Int16 = 0, until last: Int16 = .max
    ) throws(WireError) {
        if version >= first, version <= last { try value.write(to: &self) }
    }

    /// A field that the versions from `first` to `last` have. In others it must be `absent`.
    @inline(__always)
    package mutating func write<Value: WireValue & Equatable>(
        _ value: Value, since first: Int16 = 0, until last: Int16 = .max, else absent: Value, field: StaticString
    ) throws(WireError) {
        if version >= first, version <= last {
            try value.write(to: &self)
        } else if value != absent {
            throw .fieldNotInVersion(field: field.description, version: version)
        }
    }

    /// A field that may be null only from version `nullable` on. In versions that lack it, it must be `absent`.
    package mutating func write<Value: WireNullable & Equatable>(
        _ value: Value?, since first: Int16 = 0, until last: Int16 = .max, nullableSince nullable: Int16,
        else absent: Value? = nil, field: StaticString
    ) throws(WireError) {
        guard version >= first, version <= last else {
            if value == absent { return }
            throw .fieldNotInVersion(field: field.description, version: version)
        }
        if version >= nullable {
            try Value.writeNullable(value, to: &self)
        } else if let value {
            try value.write(to: &self)
        } else {
            throw .nullNotInVersion(field: field.description, version: version)
        }
    }

    // MARK: Numbers

    /// The code, which is noted unless it is `none`.
    @inline(__always)
    package mutating func writeError(_ code: ErrorCode) {
        if !code.isNone { note(code) }
        writeInteger(code.rawValue)
    }

    @inline(never)
    private mutating func note(_ code: ErrorCode) { errors.append(code) }

    /// A big-endian number.
    @inline(__always)
    package mutating func writeInteger<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        let size = MemoryLayout<Value>.size
        if storage.count &- count < size { grow(by: size) }
        storage.storeBytes(of: value.bigEndian, toByteOffset: count, as: Value.self)
        count &+= size
    }

    /// An unsigned number in groups of seven bits, the lowest first.
    @inline(__always)
    package mutating func writeUnsignedVarint(_ value: UInt32) {
        var value = value
        while value >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: value))
    }

    // MARK: Lengths

    /// The length before bytes or an array; nil for null.
    @inline(__always)
    package mutating func writeLength(_ length: Int?) throws(WireError) {
        if isFlexible { return try writeCompactLength(length) }
        guard let length else { return writeInteger(Int32(-1)) }
        guard let short = Int32(exactly: length) else { throw .tooLong(length) }
        writeInteger(short)
    }

    /// The length before a string; nil for null.
    @inline(__always)
    package mutating func writeStringLength(_ length: Int?) throws(WireError) {
        guard length ?? 0 <= WireReader.longestString else { throw .tooLong(length ?? 0) }
        if isFlexible { return try writeCompactLength(length) }
        writeInteger(Int16(length ?? -1))
    }

    private mutating func writeCompactLength(_ length: Int?) throws(WireError) {
        guard let length else { return writeUnsignedVarint(0) }
        guard length < Int(Int32.max) else { throw .tooLong(length) }
        writeUnsignedVarint(UInt32(length) + 1)
    }

    // MARK: Runs of bytes

    /// Text without a length.
    package mutating func writeText(_ text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    /// Bytes without a length.
    package mutating func writeBytes(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) {
        if storage.count &- count < bytes.count { grow(by: bytes.count) }
        UnsafeMutableRawBufferPointer(rebasing: storage[count..<(count &+ bytes.count)]).copyMemory(from: bytes)
        count &+= bytes.count
    }

    /// Bytes without a length; not copied if they are many.
    package mutating func writeBuffer(_ bytes: ByteBuffer) {
        if bytes.readableBytes < Self.handOverSize {
            bytes.withUnsafeReadableBytes { write($0) }
        } else {
            insert(.bytes(bytes))
        }
    }

    /// A part of a file.
    package mutating func writeRegion(_ region: FileRegion) {
        if region.readableBytes > 0 { insert(.file(region)) }
    }

    private mutating func insert(_ part: WirePart) {
        inserted.append((count, part))
        insertedBytes += part.readableBytes
    }

    /// Puts the number of bytes that follow it in front of what is written: the length of a frame.
    ///
    /// The writer must have begun with four bytes to hold it.
    package mutating func setFrameLength() throws(WireError) {
        precondition(count >= 4, "no room for the length")
        let length = writtenBytes - 4
        guard let short = Int32(exactly: length) else { throw .tooLong(length) }
        storage.storeBytes(of: short.bigEndian, toByteOffset: 0, as: Int32.self)
    }

    // MARK: Tagged fields

    /// The tagged fields of a structure that knows none.
    @inline(__always)
    package mutating func writeTaggedFields(_ unknown: [UnknownTaggedField]) throws(WireError) {
        if unknown.isEmpty {
            if isFlexible { writeInteger(UInt8(0)) }
            return
        }
        var fields = try beginTaggedFields(unknown)
        try endTaggedFields(&fields)
    }

    /// The state of writing tagged fields one by one.
    package struct TaggedFields {
        /// Where the number of fields goes once it is known.
        fileprivate let start: Int
        fileprivate var count: UInt32 = 0
        /// Unknown fields that are still to be written, in ascending order of their tags.
        fileprivate var unknown: ArraySlice<UnknownTaggedField>
    }

    /// Starts writing tagged fields. The known ones must then come in ascending order.
    package func beginTaggedFields(_ unknown: [UnknownTaggedField]) throws(WireError) -> TaggedFields {
        guard isFlexible || unknown.isEmpty else { throw .taggedFieldsNotInVersion(version) }
        return TaggedFields(
            start: count,
            unknown: unknown.count > 1 ? unknown.sorted { $0.tag < $1.tag }[...] : unknown[...])
    }

    /// A tagged field of the versions from `first` on, which is left out when it is `absent`.
    package mutating func writeTagged<Value: WireValue & Equatable>(
        _ tag: UInt32, _ value: Value, since first: Int16 = 0, else absent: Value,
        in fields: inout TaggedFields
    ) throws(WireError) {
        guard isFlexible, version >= first, value != absent else { return }
        writeUnknown(below: tag, &fields)
        writeUnsignedVarint(tag)
        let start = count
        try value.write(to: &self)
        try insertVarint(count - start, at: start)
        fields.count += 1
    }

    /// A field that is tagged in the versions from `first` on must be `absent` in those before.
    package func require<Value: Equatable>(
        _ value: Value, since first: Int16, else absent: Value, field: StaticString
    ) throws(WireError) {
        guard version >= first || value == absent else {
            throw .fieldNotInVersion(field: field.description, version: version)
        }
    }

    /// Ends writing tagged fields.
    package mutating func endTaggedFields(_ fields: inout TaggedFields) throws(WireError) {
        guard isFlexible else { return }
        writeUnknown(below: nil, &fields)
        try insertVarint(Int(fields.count), at: fields.start)
    }

    private mutating func writeUnknown(below tag: UInt32?, _ fields: inout TaggedFields) {
        while let unknown = fields.unknown.first, tag.map({ unknown.tag < $0 }) ?? true {
            fields.unknown.removeFirst()
            writeUnsignedVarint(unknown.tag)
            writeUnsignedVarint(UInt32(unknown.bytes.count))
            writeBytes(unknown.bytes)
            fields.count += 1
        }
    }

    /// Writes a number before what was written since `index`: a size is known only afterwards.
    private mutating func insertVarint(_ value: Int, at index: Int) throws(WireError) {
        guard let short = UInt32(exactly: value) else { throw .tooLong(value) }
        let end = count
        writeUnsignedVarint(short)
        if end == index { return }
        // The number now lies behind the bytes that it belongs in front of: five bytes at most.
        let size = count - end
        let number = Array(storage[end..<count])
        let moved = UnsafeMutableRawBufferPointer(rebasing: storage[(index + size)..<count])
        moved.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[index..<end]))
        UnsafeMutableRawBufferPointer(rebasing: storage[index..<(index + size)]).copyBytes(from: number)
    }
}
