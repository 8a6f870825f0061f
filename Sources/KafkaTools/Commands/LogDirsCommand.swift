// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaProtocol

/// `kafka-log-dirs`: prints what lies in the brokers' log directories, as JSON.
enum LogDirsCommand: ToolCommand {
    static let name = "log-dirs"

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options = try parse(
                arguments, grammar,
                purpose:
                    "This tool helps to query log directory usage on the specified brokers.", console: console)
            try require(options, "bootstrap-server", "describe")
            let configuration = try adminConfiguration(options)
            return try await withAdmin(configuration, console) { admin in
                try await describe(options, admin, console)
            }
        }
    }

    private static func describe(_ options: ParsedOptions, _ admin: AdminClient, _ console: Console) async throws
        -> Int32
    {
        let topics = Set((try options.value("topic-list") ?? "").split(separator: ",").map(String.init))
        let existing = try await admin.metadata(topics: [], call: "listNodes").brokers.keys.sorted()
        let wanted = (try options.value("broker-list") ?? "").split(separator: ",").compactMap { BrokerID($0) }
        let unknown = wanted.filter { !existing.contains($0) }
        if !unknown.isEmpty {
            console.print(
                "ERROR: The given brokers do not exist from --broker-list: \(list(unknown)). Current existent brokers: \(list(existing))"
            )
            return 1
        }
        let brokers = wanted.isEmpty ? existing : Array(Set(wanted)).sorted()
        console.print("Querying brokers for log directories information")
        var parts: [String] = []
        for broker in brokers {
            let response = try await admin.send(
                DescribeLogDirsRequest(topics: nil), to: .broker(broker), call: "describeLogDirs")
            let directories = response.results.map { directory in
                var found: [TopicPartition: DescribeLogDirsResponse.DescribeLogDirsPartition] = [:]
                for topic in directory.topics where topics.isEmpty || topics.contains(topic.name) {
                    for partition in topic.partitions {
                        found[TopicPartition(topic.name, partition.partitionIndex)] = partition
                    }
                }
                let partitions = JavaOrder.partitions(found.keys.sorted()).compactMap { name in
                    found[name].map { partition in
                        "{\"partition\":\(JSON.quoted(name.description)),\"size\":\(partition.partitionSize),\"offsetLag\":\(partition.offsetLag),\"isFuture\":\(partition.isFutureKey)}"
                    }
                }
                let error =
                    directory.errorCode.isNone
                    ? "null"
                    : JSON.quoted("org.apache.kafka.common.errors." + JavaException.className(directory.errorCode))
                return
                    "{\"partitions\":[\(partitions.joined(separator: ","))],\"error\":\(error),\"logDir\":\(JSON.quoted(directory.logDir))}"
            }
            parts.append("{\"broker\":\(broker),\"logDirs\":[\(directories.joined(separator: ","))]}")
        }
        console.print("Received log directory information from brokers \(list(brokers))")
        console.print("{\"brokers\":[\(parts.joined(separator: ","))],\"version\":1}")
        return 0
    }

    private static func list(_ brokers: [BrokerID]) -> String { brokers.map(String.init).joined(separator: ",") }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "bootstrap-server", value: "The server(s) to use for bootstrapping",
            summary: "REQUIRED: the server(s) to use for bootstrapping")
        grammar.option(
            "command-config", value: "Admin client property file",
            summary: "Property file containing configs to be passed to Admin Client.")
        grammar.flag("describe", "Describe the specified log directories on the specified brokers.")
        grammar.option(
            "topic-list", value: "Topic list", default: "",
            summary:
                "The list of topics to be queried in the form \"topic1,topic2,topic3\". All topics will be queried if no topic list is specified"
        )
        grammar.option(
            "broker-list", value: "Broker list",
            summary:
                "The list of brokers to be queried in the form \"0,1,2\". All brokers in the cluster will be queried if no broker list is specified"
        )
        return grammar
    }()
}
