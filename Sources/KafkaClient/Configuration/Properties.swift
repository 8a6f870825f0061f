// SPDX-License-Identifier: Apache-2.0

/// Reads the text of a Java properties file.
package enum Properties {
    /// The keys and values of a properties file; a key that comes again takes its last value.
    ///
    /// Comments start with `#` or `!`, a line that ends in an odd number of backslashes goes on in the next one, key and
    /// value are parted by `=`, `:` or white space, and `\t \n \r \f \uXXXX` stand for what they do in Java.
    package static func parse(_ text: String) -> [String: String] {
        var properties: [String: String] = [:]
        for line in logicalLines(text) {
            let (key, value) = split(line)
            properties[unescaped(key)] = unescaped(value)
        }
        return properties
    }

    /// A list of `key=value` words, as `--property` and its kin take them; nil when a word has no `=`.
    package static func parse(words: [String]) -> [String: String]? {
        var properties: [String: String] = [:]
        for word in words {
            guard let equals = word.firstIndex(of: "=") else { return nil }
            properties[String(word[..<equals])] = String(word[word.index(after: equals)...])
        }
        return properties
    }

    private static func logicalLines(_ text: String) -> [[Character]] {
        var lines: [[Character]] = []
        var continued: [Character]?
        for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            var line = Array(raw.drop(while: isBlank))
            if continued == nil, line.isEmpty || line[0] == "#" || line[0] == "!" { continue }
            let backslashes = line.reversed().prefix { $0 == "\\" }.count
            let goesOn = backslashes % 2 == 1
            if goesOn { line.removeLast() }
            line = (continued ?? []) + line
            if goesOn {
                continued = line
            } else {
                lines.append(line)
                continued = nil
            }
        }
        if let continued { lines.append(continued) }
        return lines
    }

    private static func split(_ line: [Character]) -> (ArraySlice<Character>, ArraySlice<Character>) {
        var index = 0
        while index < line.count, !isBlank(line[index]), line[index] != "=", line[index] != ":" {
            index += line[index] == "\\" ? 2 : 1
        }
        index = min(index, line.count)
        let key = line[..<index]
        var value = line[index...].drop(while: isBlank)
        if let first = value.first, first == "=" || first == ":" { value = value.dropFirst().drop(while: isBlank) }
        return (key, value)
    }

    private static func unescaped(_ text: ArraySlice<Character>) -> String {
        var result = ""
        var rest = text
        while let character = rest.popFirst() {
            guard character == "\\", let escaped = rest.popFirst() else {
                result.append(character)
                continue
            }
            switch escaped {
            case "t": result.append("\t")
            case "n": result.append("\n")
            case "r": result.append("\r")
            case "f": result.append("\u{c}")
            case "u":
                let digits = String(rest.prefix(4))
                if digits.count == 4, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) {
                    result.unicodeScalars.append(scalar)
                    rest = rest.dropFirst(4)
                }
            default: result.append(escaped)
            }
        }
        return result
    }

    private static func isBlank(_ character: Character) -> Bool {
        character == " " || character == "\t" || character == "\u{c}"
    }
}
