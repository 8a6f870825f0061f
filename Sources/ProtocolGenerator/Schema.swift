// SPDX-License-Identifier: Apache-2.0

/// Versions of a message from `low` to `high`; no end is `Int16.max`.
package struct VersionRange: Equatable {
    package var low: Int
    package var high: Int

    package static let endless = Int(Int16.max)

    package func intersection(_ other: VersionRange) -> VersionRange {
        VersionRange(low: max(low, other.low), high: min(high, other.high))
    }

    package func contains(_ version: Int) -> Bool { version >= low && version <= high }
}

/// A wire type, and the type that stands for it in Swift.
package enum Primitive: String {
    case bool, int8, int16, uint16, int32, uint32, int64, float64, string, bytes, records, uuid, error

    package var swiftName: String {
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
    package var zero: String {
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
    package func minimumSize(flexible: Bool) -> Int {
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

package struct Field {
    package enum Element: Equatable {
        case primitive(Primitive)
        case structure(String)
    }

    package var name: String
    package var docs: [String]
    package var element: Element
    package var isArray: Bool
    /// The versions in which the field may be null.
    package var nullable: VersionRange?
    /// The versions that have the field; within those of its parent.
    package var versions: VersionRange
    /// As written in the schema.
    package var defaultText: String?
    package var tag: Int?
    /// Whether a value may be dropped in versions that lack the field.
    package var isIgnorable: Bool
    package var isKey: Bool
    package var line: Int
}

package struct Structure {
    package var name: String
    package var docs: [String]
    package var fields: [Field]
    /// The versions in which it can occur.
    package var versions: VersionRange
}

package struct Message {
    package enum Kind: Equatable {
        case request, response, data
    }

    package var kind: Kind
    /// The name of its type, such as `HeartbeatRequest`.
    package var name: String
    package var docs: [String]
    package var api: (key: Int, name: String)?
    package var versions: VersionRange
    package var firstFlexible: Int?
    package var fields: [Field]
    /// All structures inside of it, each once.
    package var structures: [Structure]

    package func structure(_ name: String) -> Structure? { structures.first { $0.name == name } }
}

package struct SchemaFile {
    package var name: String
    package var messages: [Message]
}

package struct SchemaError: Error, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var message: String

    package var description: String { "\(file):\(line): \(message)" }
}
