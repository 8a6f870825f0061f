// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// A reassignment as its JSON file has it: where partitions shall be, and in which directories.
struct ReassignmentFile: Equatable {
    struct Entry: Equatable {
        var partition: TopicPartition
        var replicas: [BrokerID]
    }

    /// What a file writes for a directory that the broker may choose.
    static let anyDirectory = "any"

    /// In the file's order; nothing keeps a partition from being there twice.
    private(set) var entries: [Entry] = []
    /// Of the replicas for which the file names a directory.
    private(set) var directories: [PartitionReplica: String] = [:]

    var partitions: Set<TopicPartition> { Set(entries.map(\.partition)) }
    var targets: [TopicPartition: [BrokerID]] {
        Dictionary(entries.map { ($0.partition, $0.replicas) }, uniquingKeysWith: { _, last in last })
    }

    /// Reads `{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[1,2],"log_dirs":["any","/d"]}]}`.
    init(_ text: String) throws {
        let json: JSON
        do {
            json = try JSON.parse(text)
        } catch {
            throw Self.operationFailure(error.message)
        }
        try Self.checkVersion(json)
        for element in try json.member("partitions")?.elements() ?? [] {
            let partition = TopicPartition(
                try element.required("topic").decodedText(), try element.required("partition").decodedNumber())
            let replicas = try element.required("replicas").elements().map { try $0.decodedNumber() }
            let chosen =
                try element.member("log_dirs")?.elements().map { try $0.decodedText() }
                ?? replicas.map { _ in Self.anyDirectory }
            guard chosen.count == replicas.count else {
                throw Self.commandFailure(
                    "Size of replicas list \(Self.javaList(replicas)) is different from size of log dirs list \(Self.javaList(chosen)) for partition \(partition)"
                )
            }
            entries.append(Entry(partition: partition, replicas: replicas))
            for (broker, directory) in zip(replicas, chosen) where directory != Self.anyDirectory {
                directories[PartitionReplica(partition, broker: broker)] = directory
            }
        }
    }

    /// What can only be verified may be odd; what shall be executed must be sound.
    func checkForExecution() throws {
        guard !entries.isEmpty else { throw Self.commandFailure("Partition reassignment list cannot be empty") }
        guard entries.allSatisfy({ !$0.replicas.isEmpty }) else {
            throw Self.commandFailure("Partition replica list cannot be empty")
        }
        let repeated = Self.repeated(entries.map(\.partition))
        guard repeated.isEmpty else {
            throw Self.commandFailure(
                "Partition reassignment contains duplicate topic partitions: \(Self.list(repeated.sorted()))")
        }
        let odd = entries.compactMap { entry in
            let brokers = Self.repeated(entry.replicas)
            return brokers.isEmpty
                ? nil : "\(entry.partition) contains multiple entries for \(Self.list(brokers.sorted()))"
        }
        guard odd.isEmpty else {
            throw Self.commandFailure(
                "Partition replica lists may not contain duplicate entries: \(odd.joined(separator: ". "))")
        }
    }

    /// An assignment as such a file, by partition; every directory is the broker's choice.
    static func format(_ assignment: [TopicPartition: [BrokerID]]) -> String {
        let partitions = assignment.sorted { $0.key < $1.key }.map { partition, replicas in
            "{\"topic\":\(JSON.quoted(partition.topic)),\"partition\":\(partition.partition),"
                + "\"replicas\":[\(list(replicas))],"
                + "\"log_dirs\":[\(list(replicas.map { _ in JSON.quoted(anyDirectory) }))]}"
        }
        return "{\"version\":1,\"partitions\":[\(partitions.joined(separator: ","))]}"
    }

    /// The topics of `{"version":1,"topics":[{"topic":"t"}]}`, for `--generate`.
    static func topics(_ text: String) throws -> [String] {
        guard let json = try? JSON.parse(text) else { throw operationFailure("The input string is not a valid JSON") }
        try checkVersion(json)
        let topics = try json.member("topics")?.elements().map { try $0.required("topic").decodedText() } ?? []
        let repeated = repeated(topics)
        guard repeated.isEmpty else {
            throw commandFailure(
                "List of topics to reassign contains duplicate entries: \(javaList(JavaOrder.strings(repeated.sorted())))"
            )
        }
        return topics
    }

    /// The brokers of `--broker-list`.
    static func brokers(_ text: String) throws -> [BrokerID] {
        let brokers = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let broker = BrokerID(part) else {
                throw JavaException(
                    javaClass: "java.lang.NumberFormatException", message: "For input string: \"\(part)\"")
            }
            return broker
        }
        let repeated = repeated(brokers)
        guard repeated.isEmpty else {
            throw commandFailure("Broker list contains duplicate entries: \(javaList(repeated.sorted()))")
        }
        return brokers
    }

    static func commandFailure(_ message: String) -> JavaException {
        JavaException(javaClass: "org.apache.kafka.server.common.AdminCommandFailedException", message: message)
    }

    static func operationFailure(_ message: String) -> JavaException {
        JavaException(javaClass: "org.apache.kafka.server.common.AdminOperationException", message: message)
    }

    static func list(_ elements: some Sequence<some CustomStringConvertible>) -> String {
        elements.map(\.description).joined(separator: ",")
    }

    /// As Java's collections print themselves.
    private static func javaList(_ elements: [some CustomStringConvertible]) -> String {
        "[\(elements.map(\.description).joined(separator: ", "))]"
    }

    private static func repeated<Element: Hashable>(_ elements: [Element]) -> Set<Element> {
        var seen: Set<Element> = []
        return Set(elements.filter { !seen.insert($0).inserted })
    }

    private static func checkVersion(_ json: JSON) throws {
        let version: Int32 = try json.member("version")?.decodedNumber() ?? 1
        guard version == 1 else { throw operationFailure("Not supported version field value \(version)") }
    }
}

/// Members of a JSON object with the errors of Kafka's decoder.
extension JSON {
    fileprivate func member(_ name: String) throws -> JSON? {
        guard case .object = self else { throw Self.mappingFailure("Expected JSON object, received \(serialized)") }
        return self[name]
    }

    fileprivate func required(_ name: String) throws -> JSON {
        guard let value = try member(name) else { throw Self.mappingFailure("No such field exists: `\(name)`") }
        return value
    }

    fileprivate func elements() throws -> [JSON] {
        guard let array else { throw Self.mappingFailure("Expected JSON array, received \(serialized)") }
        return array
    }

    fileprivate func decodedText() throws -> String {
        guard let string else { throw Self.mappingFailure("Expected `String` value, received \(serialized)") }
        return string
    }

    fileprivate func decodedNumber() throws -> Int32 {
        guard let number = integer.flatMap({ Int32(exactly: $0) }) else {
            throw Self.mappingFailure("Expected `Integer` value, received \(serialized)")
        }
        return number
    }

    private static func mappingFailure(_ message: String) -> JavaException {
        JavaException(javaClass: "com.fasterxml.jackson.databind.JsonMappingException", message: message)
    }
}
