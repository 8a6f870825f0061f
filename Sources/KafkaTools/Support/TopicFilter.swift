// SPDX-License-Identifier: Apache-2.0

/// A pattern of topic names, as Apache's tools read it: a regular expression in which a comma means "or".
// Unchecked, true for its whole lifetime: a compiled `Regex` never changes, and only lacks the declaration.
struct TopicFilter: @unchecked Sendable {
    private let regex: Regex<AnyRegexOutput>

    init(_ pattern: String) throws {
        var text = pattern.filter { $0 != " " }.map { $0 == "," ? "|" : $0 }
        while let first = text.first, first == "\"" || first == "'" { text.removeFirst() }
        while let last = text.last, last == "\"" || last == "'" { text.removeLast() }
        do {
            regex = try Regex(String(text))
        } catch {
            throw JavaException(
                javaClass: "java.lang.RuntimeException", message: "\(String(text)) is an invalid regex.")
        }
    }

    /// Whether the whole name matches.
    func allows(_ topic: String) -> Bool { topic.wholeMatch(of: regex) != nil }
}
