// SPDX-License-Identifier: Apache-2.0

import KafkaClient

/// The command line of `kafka-transactions`: options of the whole, a command, and the command's own options, in the
/// manner of argparse4j, with which Apache reads it.
enum TransactionsGrammar {
    static let program = "kafka-transactions.sh"

    enum Command: String, CaseIterable {
        case list
        case describe
        case describeProducers = "describe-producers"
        case abort
        case findHanging = "find-hanging"

        fileprivate var summary: String {
            switch self {
            case .list: "list transactions"
            case .describe: "describe the state of an active transactional-id"
            case .describeProducers: "describe the states of active producers for a topic partition"
            case .abort: "abort a hanging transaction (requires administrative privileges)"
            case .findHanging: "find hanging transactions"
            }
        }

        fileprivate var options: [Option] {
            switch self {
            case .list:
                [
                    Option(
                        "--duration-filter",
                        "Duration (in millis) to filter by: if < 0, all transactions will be returned; otherwise, only transactions running longer than this duration will be returned"
                    )
                ]
            case .describe: [Option("--transactional-id", "transactional id", isRequired: true)]
            case .describeProducers:
                [
                    Option("--broker-id", "optional broker id to describe the producer state on a specific replica"),
                    Option("--topic", "topic name", isRequired: true),
                    Option("--partition", "partition number", isRequired: true),
                ]
            case .abort:
                [
                    Option("--topic", "topic name", isRequired: true),
                    Option("--partition", "partition number", isRequired: true),
                ] + groups.flatMap(\.options)
            case .findHanging:
                [
                    Option("--broker-id", "broker id to search for hanging transactions"),
                    Option(
                        "--max-transaction-timeout",
                        "maximum transaction timeout in minutes to limit the scope of the search (15 minutes by default)"
                    ),
                    Option("--topic", "topic name to limit search to (required if --partition is specified)"),
                    Option("--partition", "partition number"),
                ]
            }
        }

        /// Options that the help lists under a title of their own.
        fileprivate var groups: [Group] {
            guard self == .abort else { return [] }
            return [
                Group(
                    title: "Brokers on versions 3.0 and above",
                    summary: "For newer brokers, only the start offset of the transaction to be aborted is required",
                    options: [Option("--start-offset", "start offset of the transaction to abort")]),
                Group(
                    title: "Brokers on versions older than 3.0",
                    summary: "For older brokers, you must provide all of these arguments",
                    options: [
                        Option("--producer-id", "producer id"), Option("--producer-epoch", "producer epoch"),
                        Option("--coordinator-epoch", "coordinator epoch"),
                    ]),
            ]
        }
    }

    fileprivate struct Group {
        let title: String
        let summary: String
        let options: [Option]
    }

    fileprivate struct Option {
        let name: String
        let summary: String
        let isRequired: Bool
        let value: String

        init(_ name: String, _ summary: String, isRequired: Bool = false, value: String? = nil) {
            self.name = name
            self.summary = summary
            self.isRequired = isRequired
            self.value = value ?? String(name.dropFirst(2).uppercased().map { $0 == "-" ? "_" : $0 })
        }

        var usage: String { isRequired ? "\(name) \(value)" : "[\(name) \(value)]" }
    }

    /// What a command line asks for.
    struct Call {
        let command: Command
        fileprivate let values: [String: String]

        subscript(name: String) -> String? { values[name] }

        /// The option's value as a number that fits; nil if it is not given.
        func number<Number: FixedWidthInteger>(_ name: String) throws -> Number? {
            guard let text = values[name] else { return nil }
            guard let number = Number(text) else {
                throw Refusal(
                    "argument \(name): could not convert '\(text)' to \(Number.argparseName)",
                    usage: TransactionsGrammar.usage(command))
            }
            return number
        }

        func partition() throws -> TopicPartition {
            TopicPartition(values["--topic"] ?? "", try number("--partition") ?? 0)
        }
    }

    /// A text that was asked for.
    struct Help: Error { let text: String }

    /// What is wrong with the command line.
    struct Refusal: Error {
        let message: String
        let usage: String

        init(_ message: String, usage: String) {
            self.message = message
            self.usage = usage
        }
    }

    private static let common = [
        Option(
            "--command-config", "property file containing configs to be passed to admin client", value: "FILE"),
        Option(
            "--bootstrap-server",
            "hostname and port for the broker to connect to, in the form `host:port` (multiple comma-separated entries can be given)",
            isRequired: true, value: "host:port"),
    ]

    static func parse(_ arguments: [String]) throws -> Call {
        var values: [String: String] = [:]
        var command: Command?
        var rest = arguments[...]
        func refuse(_ message: String) -> Refusal { Refusal(message, usage: usage(command)) }
        while let word = rest.popFirst() {
            if word == "-h" || word == "--help" { throw Help(text: help(command)) }
            if command == nil, word == "-v" || word == "--version" { throw Help(text: KafkaTools.version) }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if (command?.options ?? common).contains(where: { $0.name == parts[0] }) {
                guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                    throw refuse("argument \(parts[0]): expected one argument")
                }
                values[parts[0]] = value
            } else if command == nil, !word.hasPrefix("-") {
                guard let known = Command(rawValue: word) else {
                    let all = Command.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
                    throw refuse("invalid choice: '\(word)' (choose from \(all))")
                }
                command = known
            } else {
                throw refuse("unrecognized arguments: '\(word)'")
            }
        }
        for option in (command?.options ?? []) where option.isRequired && values[option.name] == nil {
            throw refuse("argument \(option.name) is required")
        }
        let outer = command
        command = nil
        for option in common where option.isRequired && values[option.name] == nil {
            throw refuse("argument \(option.name) is required")
        }
        guard let outer else { throw refuse("too few arguments") }
        return Call(command: outer, values: values)
    }

    // MARK: Texts

    fileprivate static func usage(_ command: Command?) -> String {
        guard let command else {
            return "usage: \(program) [-h] [-v] "
                + common.map(\.usage).joined(separator: " ") + " COMMAND ..."
        }
        let options = command.options.map { " " + $0.usage }.joined()
        return "usage: \(program) \(command.rawValue) [-h]\(options)"
    }

    private static func help(_ command: Command?) -> String {
        func line(_ name: String, _ summary: String) -> String {
            name.count > 22 ? "  \(name)\n                         \(summary)" : "  \(name.padded(22)) \(summary)"
        }
        var lines = [usage(command), ""]
        if command == nil {
            lines += [
                "This tool is used to analyze the transactional state of producers in the cluster. It can be used to detect and recover from hanging transactions.",
                "", "named arguments:", line("-h, --help", "show this help message and exit"),
                line("-v, --version", "show the version of this Kafka distribution and exit"),
            ]
        } else {
            lines += ["named arguments:", line("-h, --help", "show this help message and exit")]
        }
        let groups = command?.groups ?? []
        let grouped = Set(groups.flatMap(\.options).map(\.name))
        func list(_ options: [Option]) { lines += options.map { line("\($0.name) \($0.value)", $0.summary) } }
        list((command?.options ?? common).filter { !grouped.contains($0.name) })
        for group in groups {
            lines += ["", "\(group.title):", "  \(group.summary)", ""]
            list(group.options)
        }
        if command == nil {
            lines += ["", "commands:", "  COMMAND"]
            lines += Command.allCases.map { "    \($0.rawValue.padded(20)) \($0.summary)" }
        }
        return lines.joined(separator: "\n")
    }
}

extension FixedWidthInteger {
    /// As argparse4j's messages call a number of this width.
    static var argparseName: String {
        switch bitWidth {
        case 16: "Short (16 bit, signed)"
        case 64: "Long (64 bit, signed)"
        default: "Integer (32 bit, signed)"
        }
    }
}
