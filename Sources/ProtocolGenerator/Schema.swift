// SPDX-License-Identifier: Apache-2.0

/// Versions of a message from `low` to `high`; no end is `Int16.max`.
struct VersionRange: Equatable {
    var low: Int
    var high: Int

    static let endless = Int(Int16.max)

    func intersection(_ other: VersionRange) -> VersionRange {
        VersionRange(low: max(low, other.low), high: min(high, other.high))
    }

    func contains(_ version: Int) -> Bool { version >= low && version <= high }
}

/// A wire type, and the type that stands for it in Swift.
enum Primitive: String {
    case bool, int8, int16, uint16, int32, uint32, int64, float64, string, bytes, records, uuid, error

    var swiftName: String {
        switch self {
        case .bool: "Bool"
        case .int8: "Int8"
        case .int16: "Int16"
        case .uint16: "UInt16"
        case .int32: "Int32"
        case .uint32: "UInt32"
        case .int64: "Int64"
        case .float64: "Double"
        case .string: "String"
        case .bytes: "[UInt8]"
        case .records: "RecordsPayload"
        case .uuid: "KafkaUUID"
        case .error: "ErrorCode"
        }
    }

    /// The value of a field that has no default in its schema.
    var zero: String {
        switch self {
        case .bool: "false"
        case .int8, .int16, .uint16, .int32, .uint32, .int64, .float64: "0"
        case .string: "\"\""
        case .bytes: "[]"
        case .records: "nil"
        case .uuid: ".zero"
        case .error: ".none"
        }
    }

    /// The fewest bytes of a value.
    func minimumSize(flexible: Bool) -> Int {
        switch self {
        case .bool, .int8: 1
        case .int16, .uint16, .error: 2
        case .int32, .uint32: 4
        case .int64, .float64: 8
        case .uuid: 16
        case .string: flexible ? 1 : 2
        case .bytes, .records: flexible ? 1 : 4
        }
    }
}

struct Field {
    enum Element: Equatable {
        case primitive(Primitive)
        case structure(String)
    }

    var name: String
    var docs: [String]
    var element: Element
    var isArray: Bool
    /// The versions in which the field may be null.
    var nullable: VersionRange?
    /// The versions that have the field; within those of its parent.
    var versions: VersionRange
    /// As written in the schema.
    var defaultText: String?
    var tag: Int?
    /// Whether a value may be dropped in versions that lack the field.
    var isIgnorable: Bool
    var isKey: Bool
    var line: Int
}

struct Structure {
    var name: String
    var docs: [String]
    var fields: [Field]
    /// The versions in which it can occur.
    var versions: VersionRange
}

struct Message {
    enum Kind: Equatable {
        case request, response, data
    }

    var kind: Kind
    /// The name of its type, such as `HeartbeatRequest`.
    var name: String
    var docs: [String]
    var api: (key: Int, name: String)?
    var versions: VersionRange
    var firstFlexible: Int?
    var fields: [Field]
    /// All structures inside of it, each once.
    var structures: [Structure]

    func structure(_ name: String) -> Structure? { structures.first { $0.name == name } }
}

struct SchemaFile {
    var name: String
    var messages: [Message]
}

struct SchemaError: Error, CustomStringConvertible {
    var file: String
    var line: Int
    var message: String

    var description: String { "\(file):\(line): \(message)" }
}
