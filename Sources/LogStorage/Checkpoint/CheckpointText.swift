// SPDX-License-Identifier: Apache-2.0

/// The small text files of a log directory:
///
///     0                      version
///     2                      number of entries
///     topic-a 0 1234         one entry per line, fields between single spaces
///     topic-b 3 17
///
/// An empty file has no entries. Numbers are decimal.
package struct CheckpointText: Sendable {
    package static let version = 0

    private let path: String
    /// What happens when the operator deletes the file, for the advice in errors.
    private let advice: String

    package init(_ path: String, advice: String) {
        self.path = path
        self.advice = advice
    }

    func malformed(_ line: Int, _ problem: String) -> MalformedFile {
        MalformedFile(path, .line(line), problem, advice: advice)
    }

    /// Splits the file into entries of exactly `fields` fields and hands each to `parse` with its line number.
    package func parse<Entry>(
        _ content: [UInt8], fields count: Int,
        _ entry: (_ fields: [Substring], _ line: Int) throws(MalformedFile) -> Entry
    ) throws(MalformedFile) -> [Entry] {
        if content.isEmpty { return [] }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw MalformedFile(path, .wholeFile, "not UTF-8 text", advice: advice)
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard let first = lines.first else { throw malformed(1, "the version is missing") }
        guard let version = Int(first) else { throw malformed(1, "the version is not a number: \(quoted(first))") }
        guard version == Self.version else { throw malformed(1, "version is \(version), expected \(Self.version)") }
        guard lines.count > 1 else { throw malformed(2, "the number of entries is missing") }
        guard let expected = Int(lines[1]), expected >= 0 else {
            throw malformed(2, "the number of entries is not a number: \(quoted(lines[1]))")
        }
        guard lines.count - 2 == expected else {
            throw malformed(2, "announces \(expected) entries, \(lines.count - 2) follow")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(expected)
        for index in 2..<lines.count {
            let fields = lines[index].split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count == count else {
                throw malformed(index + 1, "has \(fields.count) fields, expected \(count): \(quoted(lines[index]))")
            }
            entries.append(try entry(fields, index + 1))
        }
        return entries
    }

    func number<Number: FixedWidthInteger>(
        _ text: Substring, _ name: String, _ line: Int
    ) throws(MalformedFile) -> Number {
        guard let number = Number(text) else { throw malformed(line, "\(name) is not a number: \(quoted(text))") }
        return number
    }

    /// The text of a file with these entry lines.
    package static func render(_ lines: [String]) -> [UInt8] {
        var text = "\(version)\n\(lines.count)\n"
        for line in lines {
            text += line
            text += "\n"
        }
        return Array(text.utf8)
    }

    private func quoted(_ text: Substring) -> String {
        let visible = String(text.prefix(60).map { $0.isASCII && !$0.isNewline ? $0 : "?" })
        return text.count > 60 ? "\"\(visible)…\"" : "\"\(visible)\""
    }
}
