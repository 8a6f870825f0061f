// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaProtocol

/// `kafka-topics`: lists, creates, describes, grows and deletes topics.
enum TopicsCommand: ToolCommand {
    static let name = "topics"
    private static let logger = "org.apache.kafka.tools.TopicCommand"
    private static let actions = ["list", "create", "delete", "alter", "describe"]

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options = try parse(
                arguments, grammar, purpose: "This tool helps to create, delete, describe, or change a topic.",
                console: console)
            try check(options)
            do {
                let configuration = try adminConfiguration(options)
                try await withAdmin(configuration, console) { admin in
                    try await execute(options, admin, console)
                }
                return 0
            } catch let exit as ToolExit {
                throw exit
            } catch {
                let exception = JavaException(error)
                console.print("Error while executing topic command : \(exception.message)")
                console.error(ClientLog.line("ERROR", "\(exception.summary)\n", logger: logger))
                return 1
            }
        }
    }

    private static func check(_ options: ParsedOptions) throws {
        guard actions.count(where: { options.has($0) }) == 1 else {
            throw ToolExit.usage(
                "Command must include exactly one action: --list, --describe, --create, --alter or --delete")
        }
        guard options.has("bootstrap-server") else {
            throw JavaException.illegalArgument("--bootstrap-server must be specified")
        }
        if options.has("describe"), options.has("if-exists"), !options.has("topic-id") { try require(options, "topic") }
        if !options.has("list"), !options.has("describe") { try require(options, "topic") }
        if options.has("alter") {
            try forbid(options, "alter", with: ["config"])
            try require(options, "partitions")
        }
        func only(_ name: String, with allowed: String...) throws {
            try forbid(options, name, with: actions.filter { !allowed.contains($0) })
        }
        try only("config", with: "create")
        try only("delete-config", with: "alter")
        try only("partitions", with: "alter", "create")
        try only("replication-factor", with: "create")
        try only("replica-assignment", with: "create", "alter")
        if options.has("create") {
            try forbid(options, "replica-assignment", with: ["partitions", "replication-factor"])
        }
        let filters = [
            "under-replicated-partitions", "under-min-isr-partitions", "at-min-isr-partitions",
            "unavailable-partitions",
            "topics-with-overrides",
        ]
        for filter in filters {
            try only(filter, with: "describe")
            try forbid(options, filter, with: filters.filter { $0 != filter })
        }
        try only("if-exists", with: "alter", "delete", "describe")
        try only("if-not-exists", with: "create")
        try only("exclude-internal", with: "list", "describe")
    }

    private static func execute(_ options: ParsedOptions, _ admin: AdminClient, _ console: Console) async throws {
        if options.has("create") {
            try await create(options, admin, console)
        } else if options.has("alter") {
            try await alter(options, admin)
        } else if options.has("list") {
            for topic in try await topics(options, admin) { console.print(topic) }
        } else if options.has("describe") {
            try await TopicsDescription(options, console).print(admin)
        } else {
            let names = try await existingTopics(options, admin)
            for result in try await admin.deleteTopics(names).values { try result.get() }
        }
    }

    // MARK: Topics

    /// The topics that `--topic` names or matches, sorted.
    static func topics(_ options: ParsedOptions, _ admin: AdminClient) async throws -> [String] {
        let all = try await admin.listTopics(includingInternal: !options.has("exclude-internal"))
        guard let pattern = try options.value("topic") else { return all }
        let filter = try TopicFilter(pattern)
        return all.filter { filter.allows($0) }
    }

    /// As ``topics(_:_:)``, but an error if `--topic` finds none, unless `--if-exists` stands beside it.
    static func existingTopics(_ options: ParsedOptions, _ admin: AdminClient) async throws -> [String] {
        let found = try await topics(options, admin)
        if found.isEmpty, !options.has("if-exists"), let topic = try options.value("topic"), !topic.isEmpty {
            throw JavaException.illegalArgument("Topic 'Optional[\(topic)]' does not exist as expected")
        }
        return found
    }

    private static func create(_ options: ParsedOptions, _ admin: AdminClient, _ console: Console) async throws {
        guard let name = try options.value("topic") else { return }
        if name.contains(".") || name.contains("_") {
            console.print(
                "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both."
            )
        }
        let partitions: Int32? = try options.integer("partitions")
        if let partitions, partitions < 1 {
            throw JavaException.illegalArgument("The partitions must be greater than 0")
        }
        let factor: Int32? = try options.integer("replication-factor")
        if let factor, !(1...Int32(Int16.max)).contains(factor) {
            throw JavaException.illegalArgument("The replication factor must be between 1 and 32767 inclusive")
        }
        var settings: [String: String] = [:]
        for text in options.values("config") {
            guard let equals = text.firstIndex(of: "=") else {
                throw JavaException.illegalArgument(
                    "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\"."
                )
            }
            settings[trimmed(text[..<equals])] = trimmed(text[text.index(after: equals)...])
        }
        let topic = NewTopic(
            name, partitions: partitions, replicationFactor: factor.map { Int16(clamping: $0) },
            assignments: try assignments(options), settings: settings)
        do {
            for result in try await admin.createTopics([topic]).values { try result.get() }
            console.print("Created topic \(name).")
        } catch let error as KafkaError where error.errorCode == .topicAlreadyExists && options.has("if-not-exists") {
            // It is there, which is all that was asked for.
        }
    }

    /// Reads `1:2,2:3`: the replicas of each partition.
    private static func assignments(_ options: ParsedOptions) throws -> [Int32: [Int32]] {
        guard let text = try options.value("replica-assignment") else { return [:] }
        var assignments: [Int32: [Int32]] = [:]
        for (index, part) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            let brokers = try part.split(separator: ":", omittingEmptySubsequences: false).map { word -> Int32 in
                guard let id = Int32(trimmed(word)) else {
                    throw JavaException(
                        javaClass: "java.lang.NumberFormatException", message: "For input string: \"\(word)\"")
                }
                return id
            }
            guard Set(brokers).count == brokers.count else {
                let repeated = brokers.filter { id in brokers.count(where: { $0 == id }) > 1 }
                throw JavaException(
                    javaClass: "org.apache.kafka.server.common.AdminCommandFailedException",
                    message: "Partition replica lists may not contain duplicate entries: \(repeated.first ?? -1)")
            }
            if let first = assignments[0], first.count != brokers.count {
                throw JavaException(
                    javaClass: "org.apache.kafka.server.common.AdminOperationException",
                    message:
                        "Partition \(index) has different replication factor: [\(brokers.map(String.init).joined(separator: ", "))]"
                )
            }
            assignments[Int32(index)] = brokers
        }
        return assignments
    }

    private static func alter(_ options: ParsedOptions, _ admin: AdminClient) async throws {
        let names = try await existingTopics(options, admin)
        guard let count: Int32 = try options.integer("partitions"), !names.isEmpty else { return }
        var added: [String: [[Int32]]] = [:]
        let assignments = try assignments(options).sorted { $0.key < $1.key }.map(\.value)
        if !assignments.isEmpty {
            // Only new partitions are placed; the list begins with those that exist.
            for (name, description) in try await admin.describeTopics(Set(names)) {
                added[name] = Array(assignments.dropFirst(try description.get().partitions.count))
            }
        }
        let counts = Dictionary(uniqueKeysWithValues: names.map { ($0, count) })
        for result in try await admin.createPartitions(counts, assignments: added).values { try result.get() }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
