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
            let options = try parse(
                arguments, grammar,
                purpose:
                    "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.",
                console: console)
            guard actions.count(where: { options.has($0) }) == 1 else {
                throw ToolExit.usage(
                    "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets"
                )
            }
            try check(options, console)
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
            } catch let error as OptionError {
                throw error
            } catch {
                let exception = JavaException(error)
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
        let states = try words(try options.value("state"), of: states, called: "state")
        let types = try words(try options.value("type"), of: Self.types, called: "types")
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

    private static let types = ["Classic", "Consumer"]

    private static let states = [
        "PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty", "Assigning", "Reconciling",
    ]

    /// Reads `stable,Empty` in any case; throws for words that are none of `known`.
    private static func words(_ text: String?, of known: [String], called what: String) throws -> [String] {
        try (text ?? "").split(separator: ",").map { word in
            let word = word.filter { $0 != " " }
            guard let found = known.first(where: { $0.lowercased() == word.lowercased() }) else {
                throw JavaException.illegalArgument(
                    "Invalid \(what) list '\(text ?? "")'. Valid \(what == "state" ? "states" : what) are: \(known.sorted().joined(separator: ", "))"
                )
            }
            return found
        }
    }

    // MARK: Delete

    private static func delete(_ options: ParsedOptions, _ admin: AdminClient, _ console: Console) async throws {
        let groups = try await groups(options, admin)
        var deleted: [String] = []
        var failures: [(String, KafkaError)] = []
        for (group, result) in try await admin.deleteGroups(groups).sorted(by: { $0.key < $1.key }) {
            switch result {
            case .success: deleted.append(group)
            case .failure(let error): failures.append((group, error))
            }
        }
        let list = deleted.map { "'\($0)'" }.joined(separator: ", ")
        guard !failures.isEmpty else {
            return console.print("Deletion of requested consumer groups (\(list)) was successful.")
        }
        printError("Deletion of some consumer groups failed:", console)
        for (group, error) in failures {
            console.print(
                "* Group '\(group)' could not be deleted due to: java.util.concurrent.ExecutionException: \(JavaException(error).summary)"
            )
        }
        if !deleted.isEmpty { console.print("\nThese consumer groups were deleted successfully: \(list)") }
    }

    // MARK: Delete offsets

    private static func deleteOffsets(
        _ options: ParsedOptions, _ admin: AdminClient, _ console: Console
    ) async throws {
        guard let group = try options.value("group") else { return }
        let topics = options.values("topic")
        let partitions = try await partitions(named: topics, admin)
        var results: [TopicPartition: Result<Void, KafkaError>] = [:]
        do {
            results = try await admin.deleteOffsets(of: Set(partitions), for: group)
            if results.values.allSatisfy({ (try? $0.get()) != nil }) {
                console.print(
                    "Request succeed for deleting offsets with topic \(topics.joined(separator: ", ")) group \(group)")
            } else {
                printError("Encounter some partition level error, see the follow-up details:", console)
            }
        } catch let error as KafkaError {
            for partition in partitions { results[partition] = .failure(error) }
            switch error.errorCode {
            case .invalidGroupID?: printError("'\(group)' is not valid.", console)
            case .groupIDNotFound?: printError("'\(group)' does not exist.", console)
            case .groupAuthorizationFailed?: printError("Access to '\(group)' is not authorized.", console)
            case .nonEmptyGroup?:
                printError(
                    "Deletion of offsets of a consumer group '\(group)' is forbidden if the group is not empty.",
                    console)
            default: printError("Encounter some unknown error: \(error)", console)
            }
        }
        func row(_ topic: String, _ partition: String, _ status: String) -> String {
            topic.padded(30) + " " + partition.padded(15) + " " + status.padded(15)
        }
        var text = "\n" + row("TOPIC", "PARTITION", "STATUS")
        for partition in partitions.sorted(by: { "\($0.topic)\($0.partition)" < "\($1.topic)\($1.partition)" }) {
            let status: String
            switch results[partition] {
            case .failure(let error)?: status = "Error: : \(error.message)"
            default: status = "Successful"
            }
            text += row(partition.topic, "\(partition.partition)", status)
        }
        console.write(text.utf8)
    }

    // MARK: Topics

    /// Reads `topic` (all its partitions) and `topic:0,1`.
    static func partitions(named words: [String], _ admin: AdminClient) async throws -> [TopicPartition] {
        var partitions: [TopicPartition] = []
        var whole: [String] = []
        for word in words {
            guard let colon = word.lastIndex(of: ":") else {
                whole.append(word)
                continue
            }
            for text in word[word.index(after: colon)...].split(separator: ",", omittingEmptySubsequences: false) {
                guard let number = Int32(text), number >= 0 else {
                    throw JavaException.illegalArgument(
                        "Invalid topic arg '\(word)', expected topic name and partitions")
                }
                partitions.append(TopicPartition(String(word[..<colon]), number))
            }
        }
        if !whole.isEmpty {
            let descriptions = try await admin.describeTopics(Set(whole))
            for name in whole {
                guard let description = try descriptions[name]?.get() else { continue }
                partitions += description.partitions.map { TopicPartition(name, $0.index) }
            }
        }
        return partitions
    }
}
