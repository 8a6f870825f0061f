// SPDX-License-Identifier: Apache-2.0

/// What a topic may be called.
package enum TopicName {
    /// Directories are called `name-partition` and must stay below 255 bytes, with room for the suffix of a deletion.
    package static let maximumLength = 249

    package static func isValid(_ name: String) -> Bool { problem(with: name) == nil }

    /// Why a name is refused, in Kafka's words; nil when it is fine.
    package static func problem(with name: String) -> String? {
        if name.isEmpty { return "Topic name is invalid: the empty string is not allowed" }
        if name == "." { return "Topic name is invalid: '.' is not allowed" }
        if name == ".." { return "Topic name is invalid: '..' is not allowed" }
        if name.utf16.count > maximumLength {
            return
                "Topic name is invalid: the length of '\(name)' is longer than the max allowed length \(maximumLength)"
        }
        guard name.utf8.allSatisfy(isLegal) else {
            return
                "Topic name is invalid: '\(name)' contains one or more characters other than ASCII alphanumerics, '.', "
                + "'_' and '-'"
        }
        return nil
    }

    /// Names that differ in `.` and `_` only would share the names of their metrics.
    package static func collides(_ one: String, _ other: String) -> Bool {
        guard one != other, one.utf8.count == other.utf8.count else { return false }
        let dot = UInt8(ascii: ".")
        let underscore = UInt8(ascii: "_")
        return zip(one.utf8, other.utf8).allSatisfy {
            $0 == dot ? $1 == dot || $1 == underscore : $0 == $1 || ($0 == underscore && $1 == dot)
        }
    }

    private static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
