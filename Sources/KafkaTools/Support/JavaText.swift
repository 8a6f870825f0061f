// SPDX-License-Identifier: Apache-2.0

/// How Java takes text apart. Apache's tools accept and refuse words by these rules.
enum JavaText {
    /// `String.split`: empty parts count, but for those at the end.
    static func split(_ text: String, at separator: Character) -> [String] {
        guard !text.isEmpty else { return [] }
        var parts = text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
        while parts.last?.isEmpty == true { parts.removeLast() }
        return parts
    }

    /// `String.trim`.
    static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
