// SPDX-License-Identifier: Apache-2.0

/// Lays out a grammar as joptsimple's help does: two columns in 80 characters, padded with spaces to their full width.
struct HelpFormatter {
    private static let overallWidth = 80
    private static let separator = 2
    private static let indent = "  "

    /// The help text of a grammar, without a line end after its last line.
    static func help(for grammar: OptionGrammar) -> String {
        var rows: [(String, String)] = [("Option", "Description"), ("------", "-----------")]
        for option in grammar.options.sorted(by: { $0.name < $1.name }) {
            rows.append((synopsis(option), description(option)))
        }
        let optionWidth = min((overallWidth - separator) / 2, rows.map(\.0.count).max() ?? 0)
        let descriptionWidth = min(
            overallWidth - optionWidth - separator, rows.map(\.1.count).max() ?? 0)
        var lines: [(String, String)] = []
        for row in rows {
            let left = pieces(of: row.0, width: optionWidth)
            let right = pieces(of: row.1, width: descriptionWidth)
            for index in 0..<max(left.count, right.count) {
                lines.append((index < left.count ? left[index] : "", index < right.count ? right[index] : ""))
            }
        }
        let leftWidth = lines.map(\.0.count).max() ?? 0
        let rightWidth = lines.map(\.1.count).max() ?? 0
        return lines.map { padded($0, leftWidth + separator) + padded($1, rightWidth) }.joined(separator: "\n")
    }

    private static func synopsis(_ option: OptionGrammar.Option) -> String {
        let names = option.names.map { ($0.count == 1 ? "-" : "--") + $0 }.joined(separator: ", ")
        func described(_ type: OptionGrammar.ValueType, _ value: String?) -> String {
            value.map { "\(type.rawValue): \($0)" } ?? type.rawValue
        }
        return switch option.argument {
        case .none: names
        case .required(let type, let value): "\(names) <\(described(type, value))>"
        case .optional(let type, let value): "\(names) [\(described(type, value))]"
        }
    }

    private static func description(_ option: OptionGrammar.Option) -> String {
        switch option.defaults.count {
        case 0: option.summary
        case 1: "\(option.summary) (default: \(option.defaults[0]))"
        default: "\(option.summary) (default: [\(option.defaults.joined(separator: ", "))])"
        }
    }

    /// Breaks text into lines of at most `width`; all but the first of a paragraph are indented.
    private static func pieces(of text: String, width: Int) -> [String] {
        var pieces: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var piece = ""
            for word in words(of: String(line)) {
                if piece.count + word.count > width {
                    pieces.append(trimmed(piece))
                    piece = indent + word
                } else {
                    piece += word
                }
            }
            if !piece.isEmpty { pieces.append(piece) }
        }
        return pieces
    }

    /// Where Java's line breaking allows a break: after spaces, after hyphens and closing punctuation that a letter
    /// follows, and before an opening bracket.
    static func words(of line: String) -> [String] {
        var words: [String] = []
        var word = ""
        var previous: Character?
        for character in line {
            if let previous, isBreak(after: previous, before: character) {
                words.append(word)
                word = ""
            }
            word.append(character)
            previous = character
        }
        if !word.isEmpty { words.append(word) }
        return words
    }

    private static func isBreak(after previous: Character, before next: Character) -> Bool {
        if next == " " { return false }
        if previous == " " { return true }
        switch previous {
        case "-": return next.isLetter || next == "\\"
        case ".", ":", ",", ";", "!", "?", ")": return next.isLetter || next.isNumber && previous == ":"
        default: return "([{".contains(next) && (previous.isLetter || previous.isNumber)
        }
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
