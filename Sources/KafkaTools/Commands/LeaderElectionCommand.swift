// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaProtocol

/// `kafka-leader-election`: elects the preferred leaders of partitions, or leaders outside of the in-sync sets.
enum LeaderElectionCommand: ToolCommand {
    static let name = "leader-election"
    private static let scopes = ["topic", "all-topic-partitions", "path-to-json-file"]

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options = try parse(
                arguments, grammar,
                purpose:
                    "This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred replicas and unclean replicas.",
                console: console)
            let kind = try check(options)
            let partitions = try partitions(options)
            let configuration = try adminConfiguration(options, file: "admin.config")
            return try await withAdmin(configuration, console) { admin in
                try await elect(kind, partitions, admin, console)
            }
        }
    }

    /// 0 for the preferred replica, 1 for any.
    private static func check(_ options: ParsedOptions) throws -> Int8 {
        func failure(_ message: String) -> JavaException {
            JavaException(
                javaClass: "org.apache.kafka.server.common.AdminCommandFailedException", message: message)
        }
        let missing = ["bootstrap-server", "election-type"].filter { !options.has($0) }
        guard missing.isEmpty else {
            throw failure("Missing required option(s): \(missing.joined(separator: ", "))")
        }
        guard scopes.count(where: { options.has($0) }) == 1 else {
            throw failure(
                "One and only one of the following options is required: \(scopes.joined(separator: ", "))")
        }
        if options.has("topic"), !options.has("partition") {
            throw failure("Missing required option(s): partition")
        }
        if options.has("partition"), !options.has("topic") {
            throw failure("Option partition is only allowed if topic is used")
        }
        switch try options.value("election-type")?.lowercased() {
        case "preferred"?: return 0
        case "unclean"?: return 1
        case let word?:
            throw failure(
                "Cannot parse argument '\(word)' of option election-type: supported election types are preferred, unclean"
            )
        case nil: return 0
        }
    }

    /// Nil for all.
    private static func partitions(_ options: ParsedOptions) throws -> [TopicPartition]? {
        if let topic = try options.value("topic") {
            return [TopicPartition(topic, try options.integer("partition") ?? 0)]
        }
        guard let path = try options.value("path-to-json-file") else { return nil }
        func failure(_ message: String) -> JavaException {
            JavaException(javaClass: "org.apache.kafka.server.common.AdminOperationException", message: message)
        }
        let json: JSON
        do {
            json = try JSON.parse(try TextFile.read(path))
        } catch is JSONError {
            throw failure("Replica election data is empty")
        }
        guard let entries = json["partitions"]?.array else {
            throw failure("Replica election data is missing \"partitions\" field")
        }
        let partitions = try entries.map { entry in
            guard let topic = entry["topic"]?.string, let number = entry["partition"]?.integer,
                let partition = Int32(exactly: number)
            else { throw failure("Each partition needs topic and partition") }
            return TopicPartition(topic, partition)
        }
        let repeated = Dictionary(grouping: partitions) { $0 }.filter { $0.value.count > 1 }.keys
        guard repeated.isEmpty else {
            throw failure(
                "Replica election data contains duplicate partitions: \(repeated.map(\.description).sorted().joined(separator: ","))"
            )
        }
        return partitions
    }

    private static func elect(
        _ kind: Int8, _ partitions: [TopicPartition]?, _ admin: AdminClient, _ console: Console
    ) async throws -> Int32 {
        let request = ElectLeadersRequest(
            electionType: kind,
            topicPartitions: partitions.map { partitions in
                Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }.map { topic, partitions in
                    .init(topic: topic, partitions: partitions.map(\.partition))
                }
            }, timeoutMs: 60_000)
        let response = try await admin.send(request, to: .controller, call: "electLeaders") { response in
            response.errorCode.isNone
                ? response.replicaElectionResults.lazy.flatMap(\.partitionResult).map(\.errorCode).first {
                    $0 == .notController
                } ?? .none : response.errorCode
        }
        guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
        var elected: [TopicPartition] = []
        var needless: [TopicPartition] = []
        var failures: [TopicPartition: KafkaError] = [:]
        for topic in response.replicaElectionResults {
            for result in topic.partitionResult {
                let partition = TopicPartition(topic.topic, result.partitionID)
                switch result.errorCode {
                case .none: elected.append(partition)
                case .electionNotNeeded: needless.append(partition)
                default: failures[partition] = KafkaError(result.errorCode, result.errorMessage)
                }
            }
        }
        let type = kind == 0 ? "PREFERRED" : "UNCLEAN"
        func list(_ partitions: [TopicPartition]) -> String {
            JavaOrder.partitions(partitions.sorted()).map(\.description).joined(separator: ", ")
        }
        if !elected.isEmpty {
            console.print("Successfully completed leader election (\(type)) for partitions \(list(elected))")
        }
        if !needless.isEmpty { console.print("Valid replica already elected for partitions \(list(needless))") }
        guard !failures.isEmpty else { return 0 }
        let message = "\(failures.count) replica(s) could not be elected"
        console.error(message)
        console.error("org.apache.kafka.server.common.AdminCommandFailedException: \(message)")
        for partition in JavaOrder.partitions(failures.keys.sorted()) {
            guard let summary = failures[partition].map({ JavaException($0).summary }) else { continue }
            console.print("Error completing leader election (\(type)) for partition: \(partition): \(summary)")
            console.error("\tSuppressed: \(summary)")
        }
        console.error("")
        return 1
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "bootstrap-server", value: "host:port",
            summary:
                "A hostname and port for the broker to connect to, in the form host:port. Multiple comma separated URLs can be given. REQUIRED."
        )
        grammar.option(
            "admin.config", value: "config file",
            summary: "Configuration properties files to pass to the admin client")
        grammar.option(
            "path-to-json-file", value: "Path to JSON file",
            summary:
                "The JSON file with the list of partition for which leader elections should be performed. This is an example format.\n{\"partitions\":\n\t[{\"topic\": \"foo\", \"partition\": 1},\n\t {\"topic\": \"foobar\", \"partition\": 2}]\n}\nNot allowed if --all-topic-partitions or --topic flags are specified."
        )
        grammar.option(
            "topic", value: "topic name",
            summary:
                "Name of topic for which to perform an election. Not allowed if --path-to-json-file or --all-topic-partitions is specified."
        )
        grammar.option(
            "partition", .integer, value: "partition id",
            summary:
                "Partition id for which to perform an election. REQUIRED if --topic is specified.")
        grammar.flag(
            "all-topic-partitions",
            "Perform election on all of the eligible topic partitions based on the type of election (see the --election-type flag). Not allowed if --topic or --path-to-json-file is specified."
        )
        grammar.option(
            "election-type", value: "election type",
            summary:
                "Type of election to attempt. Possible values are \"preferred\" for preferred leader election or \"unclean\" for unclean leader election. If preferred election is selection, the election is only performed if the current leader is not the preferred leader for the topic partition. If unclean election is selected, the election is only performed if there are no leader for the topic partition. REQUIRED."
        )
        return grammar
    }()
}
