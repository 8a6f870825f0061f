// SPDX-License-Identifier: Apache-2.0

/// Where the fields of records of version 2 come from, front to back: memory, or a stream that unpacks them.
protocol RecordSource: ~Copyable {
    /// How many bytes were taken.
    var position: Int { get }
    mutating func byte() throws(RecordError) -> UInt8
    /// `count` is not negative.
    mutating func skip(_ count: Int) throws(RecordError)
    /// Whether nothing is left.
    mutating func isAtEnd() throws(RecordError) -> Bool
    /// Throws unless `count` bytes may follow.
    func expect(_ count: Int) throws(RecordError)
}

extension RecordError {
    static let truncatedRecords = RecordError.invalid(
        "Incorrect declared batch size, premature EOF reached")
    static let oversizedVarint = RecordError.invalid("Varint is too long, the most significant bit is never cleared")
}

extension RecordSource where Self: ~Copyable {
    /// A zigzag-coded number of at most 5 bytes.
    @inline(__always)
    mutating func varint() throws(RecordError) -> Int32 {
        let first = try byte()
        // Most lengths and deltas are small.
        var value = UInt32(first & 0x7F)
        if first & 0x80 != 0 {
            var shift: UInt32 = 7
            while true {
                let byte = try byte()
                value |= UInt32(byte & 0x7F) &<< shift
                if byte & 0x80 == 0 { break }
                shift &+= 7
                guard shift <= 28 else { throw .oversizedVarint }
            }
        }
        return Int32(bitPattern: value &>> 1) ^ -Int32(bitPattern: value & 1)
    }

    /// A zigzag-coded number of at most 10 bytes.
    @inline(__always)
    mutating func varlong() throws(RecordError) -> Int64 {
        let first = try byte()
        var value = UInt64(first & 0x7F)
        if first & 0x80 != 0 {
            var shift: UInt64 = 7
            while true {
                let byte = try byte()
                value |= UInt64(byte & 0x7F) &<< shift
                if byte & 0x80 == 0 { break }
                shift &+= 7
                guard shift <= 63 else { throw .oversizedVarint }
            }
        }
        return Int64(bitPattern: value &>> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Takes one record, and checks its structure as Kafka does: every length inside the record, the record exactly as
    /// long as it says. The places are positions of this source.
    @inline(__always)
    mutating func record() throws(RecordError) -> RecordPlaces {
        let size = Int(try varint())
        guard size >= 0 else { throw .invalid("Invalid record size: \(size)") }
        try expect(size)
        let start = position
        let end = start &+ size
        _ = try byte()
        let timestampDelta = try varlong()
        let offsetDelta = try varint()
        let keySize = Int(try varint())
        let key = position
        if keySize > 0 { try skip(keySize, before: end) }
        let valueSize = Int(try varint())
        let value = position
        if valueSize > 0 { try skip(valueSize, before: end) }
        let headerCount = Int(try varint())
        guard headerCount >= 0, headerCount <= end &- position else {
            throw .invalid("Found invalid number of record headers \(headerCount)")
        }
        let headers = position
        var seen = 0
        while seen < headerCount {
            let keySize = Int(try varint())
            guard keySize >= 0 else { throw .invalid("Invalid negative header key size \(keySize)") }
            try skip(keySize, before: end)
            let valueSize = Int(try varint())
            if valueSize > 0 { try skip(valueSize, before: end) }
            seen &+= 1
        }
        guard position == end else {
            throw .invalid(
                "Invalid record size: expected to read \(size) bytes in record payload, but instead read "
                    + "\(position - start)")
        }
        return RecordPlaces(
            timestampDelta: timestampDelta, offsetDelta: offsetDelta, key: key, keySize: keySize, value: value,
            valueSize: valueSize, headers: headers, headerCount: headerCount)
    }

    @inline(__always)
    private mutating func skip(_ count: Int, before end: Int) throws(RecordError) {
        guard count <= end &- position else {
            throw .invalid("A field of \(count) bytes does not fit into its record")
        }
        try skip(count)
    }
}

/// Where the parts of a record lie. A negative size stands for null.
struct RecordPlaces {
    var timestampDelta: Int64
    var offsetDelta: Int32
    var key: Int
    var keySize: Int
    var value: Int
    var valueSize: Int
    var headers: Int
    var headerCount: Int
}

/// Records that lie in memory, which must outlive the source.
struct MemorySource: RecordSource {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int

    init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    @inline(__always)
    mutating func byte() throws(RecordError) -> UInt8 {
        guard position < bytes.count else { throw .truncatedRecords }
        let byte = bytes[position]
        position &+= 1
        return byte
    }

    @inline(__always)
    mutating func skip(_ count: Int) throws(RecordError) {
        guard count <= bytes.count &- position else { throw .truncatedRecords }
        position &+= count
    }

    func isAtEnd() -> Bool { position == bytes.count }

    @inline(__always)
    func expect(_ count: Int) throws(RecordError) {
        guard count <= bytes.count &- position else {
            throw .invalid(
                "Invalid record size: expected \(count) bytes in record payload, but instead the buffer has only "
                    + "\(bytes.count - position) remaining bytes.")
        }
    }
}

/// Compressed records, unpacked through a window that the caller lends, so that walking over them takes no memory.
struct StreamSource: RecordSource, ~Copyable {
    private var stream: DecompressionStream
    private let window: UnsafeMutableRawBufferPointer
    private var next = 0
    private var filled = 0
    /// Of the stream, before the window.
    private var windowStart = 0

    init(_ stream: consuming DecompressionStream, window: UnsafeMutableRawBufferPointer) {
        self.stream = stream
        self.window = window
    }

    var position: Int { windowStart &+ next }

    @inline(__always)
    mutating func byte() throws(RecordError) -> UInt8 {
        if next == filled {
            guard try refill() else { throw .truncatedRecords }
        }
        let byte = window[next]
        next &+= 1
        return byte
    }

    mutating func skip(_ count: Int) throws(RecordError) {
        var left = count
        while left > filled &- next {
            left &-= filled &- next
            guard try refill() else { throw .truncatedRecords }
        }
        next &+= left
    }

    mutating func isAtEnd() throws(RecordError) -> Bool {
        if next < filled { return false }
        return try !refill()
    }

    /// How much follows is not known before it is unpacked.
    func expect(_ count: Int) {}

    private mutating func refill() throws(RecordError) -> Bool {
        windowStart &+= filled
        next = 0
        filled = 0
        filled = try stream.read(into: window)
        return filled > 0
    }
}
