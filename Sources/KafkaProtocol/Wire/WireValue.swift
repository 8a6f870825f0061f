// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What a field can hold.
package protocol WireValue: Sendable {
    /// The fewest bytes that a value takes in any version; arrays are bounded by it. At least 1.
    static var minimumSize: Int { get }
    init(from reader: inout WireReader) throws(WireError)
    func write(to writer: inout WireWriter) throws(WireError)
    /// Reads the elements of an array whose count has been checked.
    static func readElements(_ count: Int, from reader: inout WireReader) throws(WireError) -> [Self]
    /// Writes the elements of an array after their count.
    static func writeElements(_ elements: [Self], to writer: inout WireWriter) throws(WireError)
}

/// What a field can hold or lack.
package protocol WireNullable: WireValue {
    static func readNullable(from reader: inout WireReader) throws(WireError) -> Self?
    static func writeNullable(_ value: Self?, to writer: inout WireWriter) throws(WireError)
}

extension WireValue {
    package static func readElements(_ count: Int, from reader: inout WireReader) throws(WireError) -> [Self] {
        var elements: [Self] = []
        // Elements are larger in memory than on the wire: what a count promises is not reserved before it is there.
        elements.reserveCapacity(min(count, 1024))
        for _ in 0..<count { elements.append(try Self(from: &reader)) }
        return elements
    }

    package static func writeElements(_ elements: [Self], to writer: inout WireWriter) throws(WireError) {
        for element in elements { try element.write(to: &writer) }
    }
}

// MARK: Numbers

/// A number of fixed size.
package protocol WireInteger: WireValue, FixedWidthInteger, BitwiseCopyable {}

extension WireInteger {
    package static var minimumSize: Int { MemoryLayout<Self>.size }

    @inline(__always)
    package init(from reader: inout WireReader) throws(WireError) {
        self = try reader.readInteger(Self.self)
    }

    @inline(__always)
    package func write(to writer: inout WireWriter) throws(WireError) {
        writer.writeInteger(self)
    }
}

extension Int8: WireInteger {}
extension Int16: WireInteger {}
extension UInt16: WireInteger {}
extension Int32: WireInteger {}
extension UInt32: WireInteger {}
extension Int64: WireInteger {}

/// Bytes are arrays of this: their encodings are the same.
extension UInt8: WireInteger {
    package static func readElements(_ count: Int, from reader: inout WireReader) throws(WireError) -> [UInt8] {
        try reader.readBytes(length: count)
    }

    package static func writeElements(_ elements: [UInt8], to writer: inout WireWriter) throws(WireError) {
        writer.writeBytes(elements)
    }
}

extension Bool: WireValue {
    package static var minimumSize: Int { 1 }

    @inline(__always)
    package init(from reader: inout WireReader) throws(WireError) {
        self = try reader.readInteger(UInt8.self) != 0
    }

    @inline(__always)
    package func write(to writer: inout WireWriter) throws(WireError) {
        writer.writeInteger(UInt8(self ? 1 : 0))
    }
}

extension Double: WireValue {
    package static var minimumSize: Int { 8 }

    package init(from reader: inout WireReader) throws(WireError) {
        self = Double(bitPattern: try reader.readInteger(UInt64.self))
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        writer.writeInteger(bitPattern)
    }
}

extension ErrorCode: WireValue {
    package static var minimumSize: Int { 2 }

    @inline(__always)
    package init(from reader: inout WireReader) throws(WireError) {
        self.init(rawValue: try reader.readInteger(Int16.self))
    }

    @inline(__always)
    package func write(to writer: inout WireWriter) throws(WireError) {
        writer.writeError(self)
    }
}

extension KafkaUUID: WireValue {
    package static var minimumSize: Int { 16 }

    package init(from reader: inout WireReader) throws(WireError) {
        let high = try reader.readInteger(UInt64.self)
        let low = try reader.readInteger(UInt64.self)
        self.init(high: high, low: low)
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        writer.writeInteger(high)
        writer.writeInteger(low)
    }
}

// MARK: Text

extension String: WireNullable {
    package static var minimumSize: Int { 1 }

    package init(from reader: inout WireReader) throws(WireError) {
        guard let length = try reader.readStringLength() else { throw .unexpectedNull }
        self = try reader.readText(length: length)
    }

    package static func readNullable(from reader: inout WireReader) throws(WireError) -> String? {
        guard let length = try reader.readStringLength() else { return nil }
        return try reader.readText(length: length)
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.writeStringLength(utf8.count)
        writer.writeText(self)
    }

    package static func writeNullable(_ value: String?, to writer: inout WireWriter) throws(WireError) {
        if let value { try value.write(to: &writer) } else { try writer.writeStringLength(nil) }
    }
}

// MARK: Arrays

extension Array: WireValue, WireNullable where Element: WireValue {
    package static var minimumSize: Int { 1 }

    package init(from reader: inout WireReader) throws(WireError) {
        guard let elements = try Self.readNullable(from: &reader) else { throw .unexpectedNull }
        self = elements
    }

    package static func readNullable(from reader: inout WireReader) throws(WireError) -> [Element]? {
        guard let count = try reader.readCount(minimumSize: Element.minimumSize) else { return nil }
        return count == 0 ? [] : try Element.readElements(count, from: &reader)
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.writeLength(count)
        try Element.writeElements(self, to: &writer)
    }

    package static func writeNullable(_ value: [Element]?, to writer: inout WireWriter) throws(WireError) {
        if let value { try value.write(to: &writer) } else { try writer.writeLength(nil) }
    }
}

// MARK: Structures

extension WireMessage {
    /// A byte says whether the structure follows.
    package static func readNullable(from reader: inout WireReader) throws(WireError) -> Self? {
        try reader.readInteger(Int8.self) < 0 ? nil : try Self(from: &reader)
    }

    package static func writeNullable(_ value: Self?, to writer: inout WireWriter) throws(WireError) {
        writer.writeInteger(Int8(value == nil ? -1 : 1))
        if let value { try value.write(to: &writer) }
    }
}

// MARK: Null

extension Optional: WireValue where Wrapped: WireNullable {
    package static var minimumSize: Int { 1 }

    @inline(__always)
    package init(from reader: inout WireReader) throws(WireError) {
        self = try Wrapped.readNullable(from: &reader)
    }

    @inline(__always)
    package func write(to writer: inout WireWriter) throws(WireError) {
        try Wrapped.writeNullable(self, to: &writer)
    }
}
