// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `kafka-consumer-groups`: lists, describes and deletes groups, and resets or deletes what they have committed.
///
/// As with Apache's tool, what fails on the cluster is printed and the exit code stays 0; only a wrong command line is
/// answered with 1.
enum ConsumerGroupsCommand: ToolCommand {
    static let name = "consumer-groups"
    static let logger = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
    private static let actions = ["list", "describe", "delete", "reset-offsets", "delete-offsets"]

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options: ParsedOptions
            do {
                options = try parse(
                    arguments, grammar,
                    purpose:
                        "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.",
                    console: console)
                try check(options, console)
            } catch let error as OptionError {
                console.error("Exception in thread \"main\" \(JavaException(error).summary)")
                return 1
            }
            guard actions.count(where: { options.has($0) }) == 1 else {
                throw ToolExit.usage(
                    "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets"
                )
            }
            do {
                var configuration = try adminConfiguration(options)
                if let timeout: Int64 = try options.integer("timeout") {
                    configuration.apiTimeout = .milliseconds(timeout)
                }
                try await withAdmin(configuration, console) { admin in
                    try await execute(options, admin, console)
                }
            } catch let exit as ToolExit {
                throw exit
            } catch {
                let exception = JavaException(error)
                // A word on the command line that means nothing.
                if exception.javaClass == JavaException.illegalArgument("").javaClass {
                    throw ToolExit.usage(exception.message)
                }
                printError("Executing consumer group command failed due to \(exception.message)", console)
                console.error(exception.summary)
            }
            return 0
        }
    }

    static func printError(_ message: String, _ console: Console) { console.print("\nError: \(message)") }

    private static func execute(_ options: ParsedOptions, _ admin: AdminClient, _ console: Console) async throws {
        if options.has("list") {
            try await list(options, admin, console)
        } else if options.has("describe") {
            try await ConsumerGroupsDescription(options, console).print(admin)
        } else if options.has("delete") {
            try await delete(options, admin, console)
        } else if options.has("reset-offsets") {
            try await ConsumerGroupsReset(options, console).run(admin)
        } else {
            try await deleteOffsets(options, admin, console)
        }
    }

    /// The groups that the command line names: `--group` as often as given, or all there are.
    static func groups(_ options: ParsedOptions, _ admin: AdminClient) async throws -> [String] {
        guard options.has("all-groups") else {
            var seen: Set<String> = []
            return options.values("group").filter { seen.insert($0).inserted }
        }
        return JavaOrder.strings(try await admin.listGroups().map(\.id))
    }

    // MARK: List

    private static func list(_ options: ParsedOptions, _ admin: AdminClient, _ console: Console) async throws {
        let showsState = options.has("state")
        let showsType = options.has("type")
        let states = try words(try options.value("state"), of: states, list: "state list", called: "states")
        let types = try words(try options.value("type"), of: Self.types, list: "types list", called: "types")
        let groups = try await admin.listGroups(states: states, types: types)
        let byID = Dictionary(groups.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let order = JavaOrder.strings(byID.keys.sorted())
        guard showsState || showsType else {
            for id in order { console.print(id) }
            return
        }
        let width = (order.map(\.count).max() ?? 15) + 10
        func row(_ group: String, _ type: String, _ state: String) {
            var line = group.padded(width)
            if showsType { line += " " + type.padded(20) }
            if showsState { line += " " + state.padded(20) }
            console.print(line)
        }
        row("GROUP", "TYPE", "STATE")
        for id in order {
            // Brokers write it in small letters.
            let type = byID[id]?.type ?? ""
            row(id, Self.types.first { $0.lowercased() == type.lowercased() } ?? type, byID[id]?.state ?? "")
        }
    }

    private static let types = ["Consumer", "Classic"]

    private static let states = [
        "PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty", "Assigning", "Reconciling",
    ]

    /// Reads `stable,Empty` in any case; throws for words that are none of `known`.
    private static func words(
        _ text: String?, of known: [String], list: String, called what: String
    ) throws -> [String] {
        try JavaText.split(text ?? "", at: ",").map { part in
            let word = JavaText.trimmed(part).lowercased()
            guard let found = known.first(where: { $0.lowercased() == word }) else {
                throw JavaException.illegalArgument(
                    "Invalid \(list) '\(text ?? "")'. Valid \(what) are: \(known.joined(separator: ", "))")
            }
            return found
        }
    }

    // MARK: Delete

    private static func delete(_ options: ParsedOptions, _ admin: AdminClient, _ console: Console) async throws {
        let groups = try await groups(options, admin)
        var deleted: [String] = []
        var failures: [(String, KafkaError)] = []
        let results = try await admin.deleteGroups(groups)
        for group in JavaOrder.strings(groups) {
            switch results[group] {
            case .failure(let error)?: failures.append((group, error))
            default: deleted.append(group)
            }
        }
        guard !failures.isEmpty else {
            let list = deleted.joined(separator: ", ")
            return console.print("Deletion of requested consumer groups ('\(list)') was successful.")
        }
        printError("Deletion of some consumer groups failed:", console)
        for (group, error) in failures {
            console.print(
                "* Group '\(group)' could not be deleted due to: java.util.concurrent.ExecutionException: \(JavaException(error).summary)"
            )
        }
        guard !deleted.isEmpty else { return }
        // The quotes of 3.9 stand where they should not.
        console.print(
            "\nThese consumer groups were deleted successfully: '\(deleted.joined(separator: "'"))', '")
    }

    // MARK: Delete offsets

    private static func deleteOffsets(
        _ options: ParsedOptions, _ admin: AdminClient, _ console: Console
    ) async throws {
        guard let group = try options.value("group") else { return }
        let topics = options.values("topic")
        var errors: [TopicPartition: KafkaError] = [:]
        let partitions = Set(
            try await partitions(named: topics, admin) { topic, error in errors[TopicPartition(topic, -1)] = error })
        var failed: [KafkaError] = []
        do {
            for (partition, result) in try await admin.deleteOffsets(of: partitions, for: group) {
                guard case .failure(let error) = result else { continue }
                errors[partition] = error
                failed.append(error)
            }
        } catch let error as KafkaError {
            for partition in partitions { errors[partition] = error }
            failed = [error]
        }
        if let error = failed.first {
            printError(reason(error, group), console)
        } else {
            console.print(
                "Request succeed for deleting offsets with topic \(topics.joined(separator: ", ")) group \(group)")
        }
        func row(_ topic: String, _ partition: String, _ status: String) -> String {
            topic.padded(30) + " " + partition.padded(15) + " " + status.padded(15)
        }
        var text = "\n" + row("TOPIC", "PARTITION", "STATUS")
        for partition in partitions.union(errors.keys).sorted(by: {
            "\($0.topic)\($0.partition)" < "\($1.topic)\($1.partition)"
        }) {
            text += row(
                partition.topic, partition.partition < 0 ? "Not Provided" : "\(partition.partition)",
                errors[partition].map { "Error: :\(JavaException($0).summary)" } ?? "Successful")
        }
        console.write(text.utf8)
    }

    private static func reason(_ error: KafkaError, _ group: String) -> String {
        switch error.errorCode {
        case .invalidGroupID?: "'\(group)' is not valid."
        case .groupIDNotFound?: "'\(group)' does not exist."
        case .groupAuthorizationFailed?: "Access to '\(group)' is not authorized."
        case .nonEmptyGroup?: "Deleting offsets of a consumer group '\(group)' is forbidden if the group is not empty."
        case .groupSubscribedToTopic?, .topicAuthorizationFailed?, .unknownTopicOrPartition?:
            "Encounter some partition level error, see the follow-up details:"
        case let code?: "Encounter some unknown error: \(code)"
        case nil:
            "Encounter some unknown error: \(error.kind == .timeout ? ErrorCode.requestTimedOut : .unknownServerError)"
        }
    }

    // MARK: Topics

    /// Reads `topic` (all its partitions) and `topic:0,1`. Topics that cannot be described are handed to `failed`.
    static func partitions(
        named words: [String], _ admin: AdminClient,
        failed: (String, KafkaError) throws -> Void = { _, error in throw error }
    ) async throws -> [TopicPartition] {
        var partitions: [TopicPartition] = []
        var whole: [String] = []
        for word in words {
            guard word.contains(":") else {
                whole.append(word)
                continue
            }
            let parts = JavaText.split(word, at: ":")
            guard parts.count == 2 else {
                throw JavaException.illegalArgument(
                    "Invalid topic arg '\(word)', expected topic name and partitions")
            }
            for text in JavaText.split(parts[1], at: ",") {
                guard let number = Int32(text), number >= 0 else {
                    throw JavaException.illegalArgument(
                        "Invalid partition '\(text)' specified in topic arg '\(word)''")
                }
                partitions.append(TopicPartition(parts[0], number))
            }
        }
        if !whole.isEmpty {
            let descriptions = try await admin.describeTopics(Set(whole))
            for name in whole {
                switch descriptions[name] {
                case .success(let description)?:
                    partitions += description.partitions.map { TopicPartition(name, $0.index) }
                case .failure(let error)?: try failed(name, error)
                case nil: break
                }
            }
        }
        return partitions
    }
}
