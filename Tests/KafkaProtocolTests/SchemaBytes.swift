// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import NIOCore
import ProtocolGenerator

/// Makes bytes of messages out of their schemas alone: a referee for the generated code, which it does not call.
struct SchemaBytes {
    var random: SeededRandom
    /// Whether every field holds something other than its default: then what a version lacks cannot go unnoticed.
    var fillsEverything = false
    /// Whether tagged fields that no schema knows are added.
    var addsUnknownTags = true

    /// Makes everything as small as it can be, with three elements in the arrays down to this depth and none below.
    var smallestBelow: Int?

    private var depth = 0
    private var bytes: [UInt8] = []
    private var version = 0
    private var isFlexible = false

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// A body with random content.
    mutating func body(of message: Message, version: Int) -> ByteBuffer {
        bytes = []
        self.version = version
        isFlexible = message.firstFlexible.map { version >= $0 } ?? false
        append(message.fields, message)
        return ByteBuffer(bytes: bytes)
    }

    // MARK: Structures

    private mutating func append(_ fields: [Field], _ message: Message) {
        for field in fields where field.tag == nil && field.versions.contains(version) { append(field, message) }
        guard isFlexible else { return }
        var tagged: [(tag: Int, bytes: [UInt8])] = []
        for field in fields where field.versions.contains(version) {
            guard let tag = field.tag, smallestBelow == nil, fillsEverything || chance(1, in: 2) else { continue }
            let filled = fillsEverything
            fillsEverything = true
            tagged.append((tag, collected { $0.append(field, message) }))
            fillsEverything = filled
        }
        if addsUnknownTags, smallestBelow == nil, chance(1, in: 8) {
            tagged.append((Int.random(in: 20...300, using: &random), (0..<3).map { UInt8($0) }))
        }
        appendVarint(tagged.count)
        for (tag, content) in tagged.sorted(by: { $0.tag < $1.tag }) {
            appendVarint(tag)
            appendVarint(content.count)
            bytes += content
        }
    }

    private mutating func collected(_ body: (inout SchemaBytes) -> Void) -> [UInt8] {
        let before = bytes
        bytes = []
        body(&self)
        defer { bytes = before }
        return bytes
    }

    // MARK: Fields

    private mutating func append(_ field: Field, _ message: Message) {
        let mayBeNull = field.nullable?.contains(version) ?? false
        let isNull = mayBeNull && !fillsEverything && smallestBelow == nil && chance(1, in: 4)
        if field.isArray {
            if isNull { return appendLength(nil) }
            depth += 1
            defer { depth -= 1 }
            let count = smallestBelow.map { depth <= $0 ? 3 : 0 } ?? Int.random(in: least...3, using: &random)
            appendLength(count)
            for _ in 0..<count { appendElement(field, message, isNull: false) }
        } else {
            if case .structure = field.element, field.nullable != nil { append(isNull ? UInt8.max : 1) }
            if case .structure = field.element, isNull { return }
            appendElement(field, message, isNull: isNull)
        }
    }

    private mutating func appendElement(_ field: Field, _ message: Message, isNull: Bool) {
        switch field.element {
        case .structure(let name): append(message.structure(name)?.fields ?? [], message)
        case .primitive(.bool):
            append(
                UInt8(fillsEverything ? (field.defaultText == "true" ? 0 : 1) : Int.random(in: 0...1, using: &random)))
        case .primitive(.int8): appendNumber(Int8.self)
        case .primitive(.int16), .primitive(.error): appendNumber(Int16.self)
        case .primitive(.uint16): appendNumber(UInt16.self)
        case .primitive(.int32): appendNumber(Int32.self)
        case .primitive(.uint32): appendNumber(UInt32.self)
        case .primitive(.int64): appendNumber(Int64.self)
        case .primitive(.float64): append(Double.random(in: 1...1e9, using: &random).bitPattern)
        case .primitive(.uuid):
            appendNumber(Int64.self)
            appendNumber(Int64.self)
        case .primitive(.string):
            if isNull { return appendStringLength(nil) }
            let text = text()
            appendStringLength(text.utf8.count)
            bytes += Array(text.utf8)
        case .primitive(.bytes), .primitive(.records):
            if isNull { return appendLength(nil) }
            let content = self.content()
            appendLength(content.count)
            bytes += content
        }
    }

    /// The fewest elements, characters or bytes where there can be any number.
    private var least: Int { fillsEverything ? 1 : 0 }

    /// Never a number that serves as a default.
    private mutating func appendNumber<Number: FixedWidthInteger>(_: Number.Type) {
        append(Number.random(in: 4...Number.max / 2, using: &random))
    }

    private mutating func text() -> String {
        if smallestBelow != nil { return "" }
        let length = chance(1, in: 20) ? 200 : Int.random(in: least...12, using: &random)
        return String((0..<length).map { _ in "abcxyz019._-äß€😀".randomElement(using: &random) ?? "a" })
    }

    private mutating func content() -> [UInt8] {
        if smallestBelow != nil { return [] }
        let length = chance(1, in: 10) ? 6000 : Int.random(in: least...40, using: &random)
        return (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    // MARK: Encoding

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes += Array($0) }
    }

    private mutating func appendVarint(_ number: Int) {
        var rest = number
        while rest > 127 {
            bytes.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func appendLength(_ length: Int?) {
        if isFlexible { appendVarint((length ?? -1) + 1) } else { append(Int32(length ?? -1)) }
    }

    private mutating func appendStringLength(_ length: Int?) {
        if isFlexible { appendVarint((length ?? -1) + 1) } else { append(Int16(length ?? -1)) }
    }

    private mutating func chance(_ part: Int, in whole: Int) -> Bool {
        Int.random(in: 0..<whole, using: &random) < part
    }
}

extension SchemaBytes {
    /// The directory of the target whose schemas these are.
    static let protocolDirectory = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources/KafkaProtocol", isDirectory: true)

    /// All schema files.
    static func schemas() throws -> [SchemaFile] {
        let directory = protocolDirectory.appendingPathComponent("Schema")
        return try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "schema" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { file in
                try SchemaParser.parse(
                    try String(contentsOf: file, encoding: .utf8),
                    name: file.deletingPathExtension().lastPathComponent)
            }
    }
}
