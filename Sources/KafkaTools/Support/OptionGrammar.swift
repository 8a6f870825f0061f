// SPDX-License-Identifier: Apache-2.0

/// What a command's options are, in the grammar of Apache's tools (they use joptsimple).
///
/// `--name value`, `--name=value`, `-name value` for names that are known, and clusters of one-letter flags. Options may
/// come again, in any order, between other words; `--` ends them. Abbreviations are refused, as Apache refuses them.
struct OptionGrammar {
    enum ValueType: String {
        case string = "String"
        case integer = "Integer"
        case long = "Long"
        case double = "Double"
    }

    enum Argument: Equatable {
        case none
        case required(ValueType, String?)
        case optional(ValueType, String?)
    }

    struct Option {
        var names: [String]
        var argument: Argument
        var defaults: [String]
        var summary: String

        /// The name that messages and the help's order use.
        var name: String { names.first ?? "" }
    }

    private(set) var options: [Option] = []
    private var indices: [String: Int] = [:]
    private var companions: [String: [String]] = [:]

    /// A grammar with `--help` and `--version`, as every Apache tool has them.
    init(common: Bool = true) {
        guard common else { return }
        flag("help", "Print usage information.")
        flag("version", "Display Kafka version.")
    }

    /// An option without a value.
    mutating func flag(_ names: String..., summary: String) {
        add(Option(names: names, argument: .none, defaults: [], summary: summary))
    }

    mutating func flag(_ name: String, _ summary: String) {
        add(Option(names: [name], argument: .none, defaults: [], summary: summary))
    }

    /// An option that must have a value. `value` is how the help describes it.
    mutating func option(
        _ name: String, _ type: ValueType = .string, value: String? = nil, default defaults: String..., summary: String
    ) {
        add(Option(names: [name], argument: .required(type, value), defaults: defaults, summary: summary))
    }

    /// An option whose value may be left out.
    mutating func optional(
        _ name: String, _ type: ValueType = .string, value: String? = nil, default defaults: String..., summary: String
    ) {
        add(Option(names: [name], argument: .optional(type, value), defaults: defaults, summary: summary))
    }

    /// The option may be given only together with one of `others`.
    mutating func limit(_ name: String, toCallsWith others: String...) { companions[name] = others }

    mutating func add(_ option: Option) {
        for name in option.names { indices[name] = options.count }
        options.append(option)
    }

    func option(named name: String) -> Option? { indices[name].map { options[$0] } }

    /// Reads arguments; throws for unknown options, missing values, and options without a companion that they need.
    func parse(_ arguments: [String]) throws(OptionError) -> ParsedOptions {
        var parsed = ParsedOptions(grammar: self)
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" {
                parsed.words += rest
                break
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                parsed.words.append(word)
                continue
            }
            var name = Substring(word.drop { $0 == "-" })
            var inline: String?
            if let equals = name.firstIndex(of: "=") {
                inline = String(name[name.index(after: equals)...])
                name = name[..<equals]
            }
            if let index = indices[String(name)] {
                try take(options[index], inline: inline, from: &rest, into: &parsed)
            } else if word.hasPrefix("--") || name.isEmpty {
                throw .unrecognized(String(name))
            } else {
                for letter in name {
                    guard let index = indices[String(letter)] else { throw .unrecognized(String(letter)) }
                    try take(options[index], inline: nil, from: &rest, into: &parsed)
                }
            }
        }
        // Whoever asks for help need not know better.
        guard !parsed.has("help"), !parsed.has("version") else { return parsed }
        let lonely = JavaOrder.options(companions.keys.sorted()).filter { name in
            parsed.has(name) && companions[name]?.contains { parsed.has($0) } == false
        }
        guard lonely.isEmpty else { throw .unavailable(lonely) }
        return parsed
    }

    private func take(
        _ option: Option, inline: String?, from rest: inout ArraySlice<String>, into parsed: inout ParsedOptions
    ) throws(OptionError) {
        var values = parsed.given[option.name] ?? []
        defer { parsed.given[option.name] = values }
        switch option.argument {
        case .none: break
        case .required:
            guard let value = inline ?? rest.popFirst() else { throw .missingArgument(option.name) }
            values.append(value)
        case .optional:
            if let inline {
                values.append(inline)
            } else if let next = rest.first, !looksLikeOption(next) {
                values.append(next)
                rest.removeFirst()
            }
        }
    }

    private func looksLikeOption(_ word: String) -> Bool { word.hasPrefix("-") && word.count > 1 }
}

/// The options of one call.
struct ParsedOptions {
    let grammar: OptionGrammar
    fileprivate(set) var given: [String: [String]] = [:]
    /// Words that are neither options nor their values.
    fileprivate(set) var words: [String] = []

    fileprivate init(grammar: OptionGrammar) { self.grammar = grammar }

    /// Whether the option stands on the command line.
    func has(_ name: String) -> Bool { given[key(name)] != nil }

    /// All values given, or the defaults.
    func values(_ name: String) -> [String] {
        let values = given[key(name)] ?? []
        return values.isEmpty ? grammar.option(named: name)?.defaults ?? [] : values
    }

    /// The one value given, or the default.
    func value(_ name: String) throws(OptionError) -> String? {
        let values = values(name)
        guard values.count <= 1 else { throw .multipleArguments(key(name)) }
        return values.first
    }

    /// The one value given, or the default, as a number of the given width.
    func integer<Number: FixedWidthInteger>(_ name: String) throws(OptionError) -> Number? {
        guard let text = try value(name) else { return nil }
        guard let number = Number(text) else { throw .badArgument(text, key(name)) }
        return number
    }

    func double(_ name: String) throws(OptionError) -> Double? {
        guard let text = try value(name) else { return nil }
        guard let number = Double(text) else { throw .badArgument(text, key(name)) }
        return number
    }

    private func key(_ name: String) -> String { grammar.option(named: name)?.name ?? name }
}

/// What is wrong with a command line, in joptsimple's words.
enum OptionError: Error, Equatable {
    case unrecognized(String)
    case missingArgument(String)
    case multipleArguments(String)
    case badArgument(String, String)
    case unavailable([String])

    var message: String {
        switch self {
        case .unrecognized(let name): "\(name) is not a recognized option"
        case .missingArgument(let name): "Option \(name) requires an argument"
        case .multipleArguments(let name): "Found multiple arguments for option \(name), but you asked for only one"
        case .badArgument(let text, let name): "Cannot parse argument '\(text)' of option \(name)"
        case .unavailable(let names):
            "Option(s) [\(names.joined(separator: ", "))] are unavailable given other options on the command line"
        }
    }

    /// The Java class that Apache's tools name in their traces.
    var javaClass: String {
        switch self {
        case .unrecognized: "joptsimple.UnrecognizedOptionException"
        case .missingArgument: "joptsimple.OptionMissingRequiredArgumentException"
        case .multipleArguments: "joptsimple.MultipleArgumentsForOptionException"
        case .badArgument: "joptsimple.OptionArgumentConversionException"
        case .unavailable: "joptsimple.UnavailableOptionException"
        }
    }
}
