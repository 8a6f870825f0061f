// SPDX-License-Identifier: Apache-2.0

/// A JSON value whose objects keep the order of their keys, so that what was read is written as it was.
package enum JSON: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var key: String
        package var value: JSON
    }

    case null
    case bool(Bool)
    case integer(Int64)
    /// A number that is not a 64-bit integer, as it was written.
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    /// Text that is not JSON, and where.
    package struct SyntaxError: Error, Hashable, Sendable {
        package var offset: Int
        package var reason: String
    }

    package static func object(_ members: KeyValuePairs<String, JSON>) -> JSON {
        .object(members.map { Member(key: $0.key, value: $0.value) })
    }

    /// The value of a key of an object, the last if there are several.
    package subscript(_ key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    package var int32: Int32? { integer.flatMap { Int32(exactly: $0) } }
    package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    package var members: [Member]? { if case .object(let value) = self { value } else { nil } }

    /// An integer, or a string that holds one: Kafka writes some numbers as strings.
    package var integerOrText: Int64? { integer ?? string.flatMap { Int64($0) } }
}

// MARK: - Writing, as Jackson does: no white space, only what must be escaped is

extension JSON {
    package var bytes: [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    private func write(to output: inout [UInt8]) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .integer(let value): output += String(value).utf8
        case .number(let text): output += text.utf8
        case .string(let text): Self.write(text, to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.write(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): output += "\\\"".utf8
            case UInt8(ascii: "\\"): output += "\\\\".utf8
            case 0x08: output += "\\b".utf8
            case 0x09: output += "\\t".utf8
            case 0x0a: output += "\\n".utf8
            case 0x0c: output += "\\f".utf8
            case 0x0d: output += "\\r".utf8
            case 0..<0x20:
                let digits = Array("0123456789ABCDEF".utf8)
                output += "\\u00".utf8
                output.append(digits[Int(byte >> 4)])
                output.append(digits[Int(byte & 15)])
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}

// MARK: - Reading

extension JSON {
    /// Reads one value with nothing but white space around it.
    package init(_ bytes: [UInt8]) throws(SyntaxError) {
        var parser = JSONParser(bytes)
        self = try parser.document()
    }
}

private struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0
    /// Nesting is bounded, since each level costs stack.
    private static let depthLimit = 64

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSON.SyntaxError) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("something follows the value") }
        return value
    }

    private func error(_ reason: String) -> JSON.SyntaxError { JSON.SyntaxError(offset: position, reason: reason) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSON.SyntaxError) -> JSON {
        guard depth < Self.depthLimit else { throw error("nested too deeply") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("a value is missing")
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: JSON) throws(JSON.SyntaxError) -> JSON {
        guard bytes[position...].starts(with: word.utf8) else { throw error("not a value") }
        position += word.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws(JSON.SyntaxError) -> JSON {
        position += 1
        var members: [JSON.Member] = []
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("a key is missing") }
            let key = try string()
            skipSpace()
            guard take(":") else { throw error("a colon is missing") }
            members.append(JSON.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw error("a comma is missing") }
        }
    }

    private mutating func array(depth: Int) throws(JSON.SyntaxError) -> JSON {
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw error("a comma is missing") }
        }
    }

    private mutating func number() throws(JSON.SyntaxError) -> JSON {
        let start = position
        while let byte = next, "+-.eE0123456789".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let value = Int64(text), !text.hasPrefix("+") { return .integer(value) }
        guard Double(text) != nil else { throw error("not a value") }
        return .number(text)
    }

    private mutating func string() throws(JSON.SyntaxError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw error("text is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw error("a control character in text")
            default: text.append(byte)
            }
        }
        throw error("text does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSON.SyntaxError) {
        guard let byte = next else { throw error("text does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try unit()
            if (0xd800..<0xdc00).contains(code), take("\\"), take("u") {
                let low = try unit()
                guard (0xdc00..<0xe000).contains(low) else { throw error("half of a surrogate pair") }
                code = 0x1_0000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
            text += String(scalar).utf8
        default: throw error("unknown escape")
        }
    }

    private mutating func unit() throws(JSON.SyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("four hexadecimal digits are missing")
            }
            position += 1
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
