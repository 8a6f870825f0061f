// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `kafka-get-offsets`: prints the offsets of partitions, at their ends or for a time.
enum GetOffsetsCommand: ToolCommand {
    static let name = "get-offsets"

    static func run(arguments: [String], console: Console) async -> Int32 {
        do {
            let options = try parse(
                arguments, grammar, purpose: "An interactive shell for getting topic-partition offsets.",
                console: console)
            try require(options, options.has("broker-list") ? "broker-list" : "bootstrap-server")
            try await execute(options, console)
            return 0
        } catch ToolExit.code(let code) {
            return code
        } catch ToolExit.usage(let message) {
            return printUsage(message, grammar, console)
        } catch {
            console.error("Error occurred: \(JavaException(error).message)")
            return 1
        }
    }

    private static func execute(_ options: ParsedOptions, _ console: Console) async throws {
        let specification = try specification(try options.value("time") ?? "latest")
        let filter = try partitionFilter(options)
        var configuration = try adminConfiguration(
            options, servers: options.has("bootstrap-server") ? "bootstrap-server" : "broker-list")
        if configuration.clientID.isEmpty { configuration.clientID = "GetOffsetShell" }
        try await withAdmin(configuration, console) { admin in
            let snapshot = try await admin.metadata(topics: nil, call: "listTopics")
            let partitions = snapshot.topics.values
                .filter { !$0.isInternal || !options.has("exclude-internal-topics") }
                .flatMap { topic in topic.partitions.map { TopicPartition(topic.name, $0.index) } }
                .filter(filter)
            guard !partitions.isEmpty else {
                throw JavaException(
                    javaClass: "org.apache.kafka.server.util.TerseException",
                    message: "Could not match any topic-partitions with the specified filters")
            }
            let results = try await admin.listOffsets(
                Dictionary(uniqueKeysWithValues: partitions.map { ($0, specification) }))
            // Sorted as text, which puts partition 10 before 2.
            for partition in partitions.sorted(by: { $0.description < $1.description }) {
                switch results[partition] {
                case .success(let found)? where found.offset >= 0:
                    console.print("\(partition.topic):\(partition.partition):\(found.offset)")
                case .failure(let error)?:
                    console.error(
                        "Skip getting offsets for topic-partition \(partition) due to error: \(error.message)")
                case .success?, nil: break
                }
            }
        }
    }

    private static func specification(_ text: String) throws -> OffsetSpecification {
        switch text {
        case "earliest", "-2": return .earliest
        case "latest", "-1": return .latest
        case "max-timestamp", "-3": return .maxTimestamp
        case "earliest-local", "-4": return .earliestLocal
        case "latest-tiered", "-5": return .latestTiered
        default:
            guard let time = Int64(text) else {
                throw JavaException(
                    javaClass: "org.apache.kafka.server.util.TerseException",
                    message:
                        "Malformed time argument \(text). Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered, or a specified long format timestamp"
                )
            }
            return .timestamp(time)
        }
    }

    /// What `--topic` and `--partitions`, or `--topic-partitions`, let through.
    private static func partitionFilter(_ options: ParsedOptions) throws -> (TopicPartition) -> Bool {
        if let list = try options.value("topic-partitions") {
            if options.has("topic") || options.has("partitions") {
                throw JavaException(
                    javaClass: "org.apache.kafka.server.util.TerseException",
                    message: "--topic-partitions cannot be used with --topic or --partitions")
            }
            let rules = try list.split(separator: ",").map { word -> (TopicFilter, (Int32) -> Bool) in
                let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                let topic = try TopicFilter(parts[0].isEmpty ? ".*" : String(parts[0]))
                return (topic, parts.count > 1 ? try range(String(parts[1])) : { _ in true })
            }
            return { partition in
                rules.contains { $0.0.allows(partition.topic) && $0.1(partition.partition) }
            }
        }
        let topic = try options.value("topic").map { try TopicFilter($0) }
        let ranges = try options.value("partitions")?.split(separator: ",").map { try range(String($0)) }
        return { partition in
            (topic?.allows(partition.topic) ?? true) && (ranges?.contains { $0(partition.partition) } ?? true)
        }
    }

    /// `3`, `1-3` (the end is left out), `5-`, `-5`.
    private static func range(_ text: String) throws -> (Int32) -> Bool {
        if text.isEmpty { return { _ in true } }
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts.map { Int32($0) }
        if parts.count == 1, let only = numbers[0] { return { $0 == only } }
        guard parts.count == 2, parts[0].isEmpty || numbers[0] != nil, parts[1].isEmpty || numbers[1] != nil else {
            throw JavaException.illegalArgument("Invalid partition rule: \(text)")
        }
        let lower = numbers[0] ?? 0
        let upper = numbers[1] ?? .max
        return { $0 >= lower && $0 < upper }
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "broker-list", value: "HOST1:PORT1,...,HOST3:PORT3",
            summary:
                "DEPRECATED, use --bootstrap-server instead; ignored if --bootstrap-server is specified. The server(s) to connect to in the form HOST1:PORT1,HOST2:PORT2."
        )
        grammar.option(
            "bootstrap-server", value: "HOST1:PORT1,...,HOST3:PORT3",
            summary: "REQUIRED. The server(s) to connect to in the form HOST1:PORT1,HOST2:PORT2.")
        grammar.option(
            "topic-partitions", value: "topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3",
            summary:
                "Comma separated list of topic-partition patterns to get the offsets for, with the format of '([^:,]*)(?::(?:([0-9]*)|(?:([0-9]*)-([0-9]*))))?'. The first group is an optional regex for the topic name, if omitted, it matches any topic name. The section after ':' describes a 'partition' pattern, which can be: a number, a range in the format of 'NUMBER-NUMBER' (lower inclusive, upper exclusive), an inclusive lower bound in the format of 'NUMBER-', an exclusive upper bound in the format of '-NUMBER' or may be omitted to accept all partitions."
        )
        grammar.option(
            "topic", value: "topic",
            summary:
                "The topic to get the offsets for. It also accepts a regular expression. If not present, all authorized topics are queried. Cannot be used if --topic-partitions is present."
        )
        grammar.option(
            "partitions", value: "partition ids",
            summary:
                "Comma separated list of partition ids to get the offsets for. If not present, all partitions of the authorized topics are queried. Cannot be used if --topic-partitions is present."
        )
        grammar.option(
            "time",
            value:
                "<timestamp> / -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered",
            default: "latest",
            summary:
                "timestamp of the offsets before that. [Note: No offset is returned, if the timestamp greater than recently committed record timestamp is given.]"
        )
        grammar.option(
            "command-config", value: "config file",
            summary: "Property file containing configs to be passed to Admin Client.")
        grammar.flag(
            "exclude-internal-topics",
            "By default, internal topics are included. If specified, internal topics are excluded.")
        return grammar
    }()
}
