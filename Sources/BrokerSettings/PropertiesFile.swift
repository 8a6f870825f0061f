// SPDX-License-Identifier: Apache-2.0

/// Reads the notation of Java's `.properties` files.
///
/// A line holds `key=value`, `key:value` or `key value`. A backslash at its end continues it on the next line, whose
/// leading blanks are dropped. `#` and `!` begin comments. `\t \n \r \f \uXXXX` stand for characters, a backslash
/// before any other character for that character. The last of several equal keys wins.
package enum PropertiesFile {
    /// - Parameter bytes: the file. Bytes that are not UTF-8 are read as ISO 8859-1, as Java's reader does.
    /// - Throws: `SettingsError.malformed` for a broken `\u` escape, with its line.
    package static func parse(_ bytes: some Sequence<UInt8>) throws(SettingsError) -> [String: String] {
        let bytes = Array(bytes)
        if let text = String(validating: bytes, as: UTF8.self) { return try parse(text) }
        var latin = String.UnicodeScalarView()
        for byte in bytes { latin.append(Unicode.Scalar(byte)) }
        return try parse(String(latin))
    }

    /// - Throws: `SettingsError.malformed` for a broken `\u` escape, with its line.
    package static func parse(_ text: String) throws(SettingsError) -> [String: String] {
        var properties: [String: String] = [:]
        for line in logicalLines(of: text) {
            let (key, value) = try entry(line)
            properties[key] = value
        }
        return properties
    }

    private struct LogicalLine {
        var number: Int
        var text: [Unicode.Scalar]
    }

    /// Joins continued lines and leaves out comments and blank lines.
    private static func logicalLines(of text: String) -> [LogicalLine] {
        var lines: [LogicalLine] = []
        var open: LogicalLine?
        for (index, natural) in naturalLines(of: text).enumerated() {
            let stripped = natural.drop { $0.isBlank }
            if open == nil, stripped.isEmpty || stripped.first == "#" || stripped.first == "!" { continue }
            var line = open ?? LogicalLine(number: index + 1, text: [])
            // An even number of backslashes at the end is that many halves; an odd one continues.
            let backslashes = stripped.reversed().prefix { $0 == "\\" }.count
            let continues = !backslashes.isMultiple(of: 2)
            line.text.append(contentsOf: continues ? stripped.dropLast() : stripped)
            open = continues ? line : nil
            if !continues { lines.append(line) }
        }
        if let open { lines.append(open) }
        return lines
    }

    private static func naturalLines(of text: String) -> [[Unicode.Scalar]] {
        var lines: [[Unicode.Scalar]] = [[]]
        var afterReturn = false
        for scalar in text.unicodeScalars {
            if scalar == "\n", afterReturn {
                afterReturn = false
                continue
            }
            afterReturn = scalar == "\r"
            if scalar == "\n" || scalar == "\r" {
                lines.append([])
            } else {
                lines[lines.count - 1].append(scalar)
            }
        }
        return lines
    }

    private static func entry(_ line: LogicalLine) throws(SettingsError) -> (key: String, value: String) {
        let text = line.text
        var end = 0
        while end < text.count, !text[end].isBlank, text[end] != "=", text[end] != ":" {
            end += text[end] == "\\" ? 2 : 1
        }
        end = min(end, text.count)
        var rest = text[end...].drop { $0.isBlank }
        if let first = rest.first, first == "=" || first == ":" {
            rest = rest.dropFirst().drop { $0.isBlank }
        }
        return (try unescape(text[..<end], line: line.number), try unescape(rest, line: line.number))
    }

    private static func unescape(
        _ scalars: ArraySlice<Unicode.Scalar>, line: Int
    ) throws(SettingsError) -> String {
        var units: [UInt16] = []
        var index = scalars.startIndex
        while index < scalars.endIndex {
            let scalar = scalars[index]
            index += 1
            guard scalar == "\\", index < scalars.endIndex else {
                units.append(contentsOf: UTF16.encode(scalar).map(Array.init) ?? [])
                continue
            }
            let escaped = scalars[index]
            index += 1
            switch escaped {
            case "t": units.append(0x09)
            case "n": units.append(0x0A)
            case "r": units.append(0x0D)
            case "f": units.append(0x0C)
            case "u":
                let digits = String(String.UnicodeScalarView(scalars[index...].prefix(4)))
                guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit), let unit = UInt16(digits, radix: 16)
                else { throw .malformed("Malformed \\uxxxx encoding in line \(line).") }
                units.append(unit)
                index += 4
            default: units.append(contentsOf: UTF16.encode(escaped).map(Array.init) ?? [])
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}

extension Unicode.Scalar {
    fileprivate var isBlank: Bool { self == " " || self == "\t" || self == "\u{0C}" }
}
