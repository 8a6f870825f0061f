// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import ClusterMetadata
import KafkaModel
import Logging
import Synchronization
import ZooKeeperStore

/// A topic that is to be created, as a request or automatic creation asks for it.
struct NewTopic: Sendable {
    var name: String
    /// −1: the broker's default.
    var partitions: Int32 = -1
    /// −1: the broker's default.
    var replicationFactor: Int16 = -1
    /// By partition; empty for automatic placement.
    var assignments: [(partition: Int32, brokers: [BrokerID])] = []
    var settings: [(name: String, value: String?)] = []
}

/// What became of a topic's creation.
struct CreatedTopic: Sendable {
    var id: KafkaUUID
    var partitions: Int
    var replicationFactor: Int
    var configuration: TopicConfiguration
}

/// Creates, grows and deletes topics: checks what is asked for in Kafka's order and words, and writes the znodes that make
/// the controller act.
///
/// Stateless but for what it is made of; safe from any task.
struct TopicAdministration: Sendable {
    let store: ZooKeeperStore
    let metadata: MetadataCache
    let configuration: @Sendable () -> BrokerConfiguration
    /// From inter-broker protocol 2.8 on, topics have ids.
    let givesTopicIDs: Bool
    let logger: Logger

    // MARK: Creating

    func create(_ topic: NewTopic, validateOnly: Bool) async -> Result<CreatedTopic, ControllerError> {
        do {
            return .success(try await checkedCreate(topic, validateOnly: validateOnly))
        } catch let error as ControllerError {
            return .failure(error)
        } catch StoreError.notController, StoreError.controllerIsKRaft {
            return .failure(ControllerError(.notController, nil))
        } catch {
            logger.error(
                "A topic could not be created", metadata: ["kafka.topic": "\(topic.name)", "error": "\(error)"])
            return .failure(ControllerError(.unknownServerError, nil))
        }
    }

    private func checkedCreate(_ topic: NewTopic, validateOnly: Bool) async throws -> CreatedTopic {
        let configuration = configuration()
        if metadata.current.topic(topic.name) != nil { throw Self.exists(topic.name) }
        let nulls = topic.settings.filter { $0.value == nil }.map(\.name)
        guard nulls.isEmpty else {
            throw ControllerError(
                .invalidConfig, "Null value not supported for topic configs: \(nulls.joined(separator: ","))")
        }
        let isCounted = topic.partitions != -1 || topic.replicationFactor != -1
        if isCounted, !topic.assignments.isEmpty {
            throw ControllerError(
                .invalidRequest,
                "Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same "
                    + "time.")
        }
        let assignment = try replicas(of: topic, configuration)
        if let problem = TopicName.problem(with: topic.name) { throw ControllerError(.invalidTopicException, problem) }
        if try await store.read(ZNodes.topic(topic.name)) != nil { throw Self.exists(topic.name) }
        // The names of all topics are many, and are needed only where one may collide.
        if topic.name.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }),
            let other = try await store.topicNames().first(where: { TopicName.collides($0, topic.name) })
        {
            throw ControllerError(
                .invalidTopicException, "Topic '\(topic.name)' collides with existing topics: \(other)")
        }
        let settings = Dictionary(topic.settings.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
        let checked = try Self.validated(settings, configuration)
        let created = CreatedTopic(
            id: givesTopicIDs ? .random() : .zero, partitions: assignment.count,
            replicationFactor: assignment[0]?.count ?? 0, configuration: checked)
        let node = TopicAssignment(
            name: topic.name, id: givesTopicIDs ? created.id : nil,
            partitions: assignment.mapValues { PartitionAssignment($0) })
        try TopicNodeSize.check(node)
        if validateOnly { return created }
        guard try await write(node, settings) else { throw Self.exists(topic.name) }
        return created
    }

    /// False when the topic exists by now.
    private func write(_ topic: TopicAssignment, _ settings: [String: String]) async throws(StoreError) -> Bool {
        do throws(StoreError) {
            try await store.createTopic(
                topic, configuration: settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            return true
        } catch {
            if case .zooKeeper(.nodeExists, _) = error { return false }
            throw error
        }
    }

    private static func validated(
        _ settings: [String: String], _ configuration: BrokerConfiguration
    ) throws(ControllerError) -> TopicConfiguration {
        do throws(SettingsError) {
            return try configuration.topicConfiguration(settings)
        } catch {
            throw ControllerError(error.errorCode, error.description)
        }
    }

    private func replicas(
        of topic: NewTopic, _ configuration: BrokerConfiguration
    ) throws(ControllerError) -> [Int32: [BrokerID]] {
        if topic.assignments.isEmpty { return try place(topic, configuration) }
        return try Self.checked(topic.assignments, alive: metadata.current)
    }

    private func place(
        _ topic: NewTopic, _ configuration: BrokerConfiguration
    ) throws(ControllerError) -> [Int32: [BrokerID]] {
        try place(
            partitions: topic.partitions == -1 ? configuration.topics.partitions : Int(topic.partitions),
            replicationFactor: topic.replicationFactor == -1
                ? configuration.topics.replicationFactor : Int(topic.replicationFactor))
    }

    /// - Parameters:
    ///   - existing: how many partitions the topic has already.
    ///   - leader: of partition 0 of a topic that grows: the new ones go on where the others left off.
    private func place(
        partitions: Int, replicationFactor: Int, existing: Int32 = 0, leader: BrokerID? = nil
    ) throws(ControllerError) -> [Int32: [BrokerID]] {
        // A request of few bytes must not make this broker place more than could ever be written.
        try TopicNodeSize.check(partitions: Int(existing) + partitions, replicationFactor: replicationFactor)
        let brokers = metadata.current.brokers.values.map { ReplicaPlacement.Broker(id: $0.id, rack: $0.rack) }
        let start = leader.map { leader in brokers.map(\.id).sorted().firstIndex { $0 >= leader } ?? 0 }
        var random = SystemRandomNumberGenerator()
        do throws(ReplicaPlacement.Failure) {
            let placed = try ReplicaPlacement.assign(
                partitions: partitions, replicationFactor: replicationFactor, brokers: brokers, start: start,
                firstPartition: Int(existing), using: &random)
            return Dictionary(
                placed.enumerated().map { (existing + Int32(clamping: $0.offset), $0.element) },
                uniquingKeysWith: { $1 })
        } catch {
            switch error {
            case .invalidPartitions:
                throw ControllerError(.invalidPartitions, "Number of partitions must be larger than 0.")
            case .invalidReplicationFactor:
                throw ControllerError(.invalidReplicationFactor, "Replication factor must be larger than 0.")
            case .notEnoughBrokers(let available):
                throw ControllerError(
                    .invalidReplicationFactor,
                    "Replication factor: \(replicationFactor) larger than available brokers: \(available).")
            case .missingRacks:
                throw ControllerError(
                    .unknownServerError, "Not all brokers have rack information for replica rack aware assignment.")
            }
        }
    }

    private static func exists(_ name: String) -> ControllerError {
        ControllerError(.topicAlreadyExists, "Topic '\(name)' already exists.")
    }

    /// An assignment made by hand: partitions dense from 0, replicas distinct and as many everywhere.
    private static func checked(
        _ assignments: [(partition: Int32, brokers: [BrokerID])], alive: MetadataImage
    ) throws(ControllerError) -> [Int32: [BrokerID]] {
        func refuse(_ message: String) -> ControllerError { ControllerError(.invalidReplicaAssignment, message) }
        var map: [Int32: [BrokerID]] = [:]
        for (partition, brokers) in assignments {
            guard map.updateValue(brokers, forKey: partition) == nil else {
                throw refuse("Partition \(partition) appears more than once in the assignment.")
            }
        }
        guard Set(map.keys) == Set(0..<Int32(clamping: map.count)) else {
            throw refuse("partitions should be a consecutive 0-based integer sequence")
        }
        if let duplicate = map.sorted(by: { $0.key < $1.key }).first(where: { Set($0.value).count != $0.value.count }) {
            throw refuse(
                "Duplicate replica assignment found: Map(\(duplicate.key) -> ArrayBuffer(\(list(duplicate.value))))")
        }
        guard Set(map.values.map(\.count)).count == 1, map.values.first?.isEmpty == false else {
            throw refuse("All partitions should have the same number of replicas")
        }
        if let unknown = map.values.joined().first(where: { $0 < 0 }) {
            throw refuse("Replica assignment names broker \(unknown)")
        }
        return map
    }

    static func list(_ ids: some Sequence<BrokerID>) -> String { ids.map { "\($0)" }.joined(separator: ", ") }

    // MARK: Growing

    /// Adds partitions to a topic; `assignments` has the replicas of each new one, or is nil for automatic placement.
    func grow(
        _ name: String, to count: Int32, assignments: [[BrokerID]]?, validateOnly: Bool
    ) async -> ControllerError? {
        do {
            try await checkedGrow(name, to: count, assignments, validateOnly: validateOnly)
            return nil
        } catch let error as ControllerError {
            return error
        } catch {
            logger.error("A topic could not grow", metadata: ["kafka.topic": "\(name)", "error": "\(error)"])
            return ControllerError(.unknownServerError, nil)
        }
    }

    private func checkedGrow(
        _ name: String, to count: Int32, _ assignments: [[BrokerID]]?, validateOnly: Bool
    ) async throws {
        guard var topic = try await store.topic(name) else {
            throw ControllerError(.unknownTopicOrPartition, "The topic '\(name)' does not exist.")
        }
        if topic.partitions.values.contains(where: \.isBeingReassigned) {
            throw ControllerError(
                .reassignmentInProgress, "A partition reassignment is in progress for the topic '\(name)'.")
        }
        if try await store.read(ZNodes.topicDeletion(name)) != nil {
            throw ControllerError(.invalidTopicException, "The topic '\(name)' is queued for deletion.")
        }
        let existing = Int32(clamping: topic.partitions.count)
        if count == existing {
            throw ControllerError(.invalidPartitions, "Topic already has \(existing) partitions.")
        }
        if count < existing {
            throw ControllerError(
                .invalidPartitions,
                "Topic currently has \(existing) partitions, which is higher than the requested \(count).")
        }
        guard let first = topic.partitions[0]?.replicas, let leader = first.first else {
            throw ControllerError(
                .unknownServerError,
                "Unexpected existing replica assignment for topic '\(name)', partition id 0 is missing.")
        }
        let added: [Int32: [BrokerID]]
        if let assignments {
            added = try checkedGrowth(assignments, from: existing, to: count, replicationFactor: first.count)
        } else {
            added = try place(
                partitions: Int(count - existing), replicationFactor: first.count, existing: existing, leader: leader)
        }
        for (partition, replicas) in added { topic.partitions[partition] = PartitionAssignment(replicas) }
        try TopicNodeSize.check(topic)
        guard !validateOnly else { return }
        try await store.writeTopic(topic)
    }

    private func checkedGrowth(
        _ assignments: [[BrokerID]], from existing: Int32, to count: Int32, replicationFactor: Int
    ) throws(ControllerError) -> [Int32: [BrokerID]] {
        func refuse(_ message: String) -> ControllerError { ControllerError(.invalidReplicaAssignment, message) }
        guard assignments.count == Int(count - existing) else {
            throw refuse(
                "Increasing the number of partitions by \(count - existing) but \(assignments.count) assignments provided."
            )
        }
        let alive = metadata.current.brokers
        let unknown = Set(assignments.joined()).filter { alive[$0] == nil }
        guard unknown.isEmpty else {
            throw refuse("Unknown broker(s) in replica assignment: \(Self.list(unknown.sorted())).")
        }
        var map: [Int32: [BrokerID]] = [:]
        for (index, replicas) in assignments.enumerated() {
            guard Set(replicas).count == replicas.count else {
                throw refuse(
                    "Duplicate brokers not allowed in replica assignment: \(Self.list(replicas)) for partition id "
                        + "\(existing + Int32(index)).")
            }
            guard replicas.count == replicationFactor else {
                throw refuse(
                    "Inconsistent replication factor between partitions, partition 0 has \(replicationFactor) while "
                        + "partitions [\(existing + Int32(index))] have replication factors [\(replicas.count)], respectively."
                )
            }
            map[existing + Int32(index)] = replicas
        }
        return map
    }

    // MARK: Deleting

    /// What the node holds does not matter: a topic whose node cannot be read can be deleted as any other.
    func delete(_ name: String) async -> ControllerError? {
        do {
            guard try await store.read(ZNodes.topic(name)) != nil else {
                return ControllerError(.unknownTopicOrPartition, nil)
            }
            try await store.requestTopicDeletion(name)
            return nil
        } catch {
            logger.error("A topic could not be deleted", metadata: ["kafka.topic": "\(name)", "error": "\(error)"])
            return ControllerError(.unknownServerError, nil)
        }
    }
}

/// What of a topic fits into its node. A ZooKeeper server ends the connection of who sends more than `jute.maxbuffer`, and
/// all of the broker's requests with it, again and again.
enum TopicNodeSize {
    /// Bytes: 1 MiB, less what travels with the node's content.
    private static let limit = (1 << 20) - 1024

    /// Refuses what cannot fit, however short the numbers of partitions and brokers are: `"0":[1,2],` is the least that
    /// a partition takes.
    static func check(partitions: Int, replicationFactor: Int) throws(ControllerError) {
        if partitions > 0, partitions > limit / (6 + 2 * max(1, replicationFactor)) { throw tooLarge(partitions) }
    }

    static func check(_ topic: TopicAssignment) throws(ControllerError) {
        if ZNodeCodec.encodeTopic(topic).count > limit { throw tooLarge(topic.partitions.count) }
    }

    private static func tooLarge(_ partitions: Int) -> ControllerError {
        ControllerError(
            .invalidPartitions,
            "The assignment of \(partitions) partitions does not fit into the topic's node in ZooKeeper (1 MiB).")
    }
}

/// Creates topics that clients mention before they exist, and the brokers' own.
struct AutoTopicCreation: Sendable {
    let administration: TopicAdministration
    let configuration: @Sendable () -> BrokerConfiguration
    /// Topics that are being created, so that a crowd of clients makes one attempt.
    private let inFlight = InFlight()

    private final class InFlight: Sendable {
        let names = Mutex<Set<String>>([])
    }

    init(administration: TopicAdministration, configuration: @escaping @Sendable () -> BrokerConfiguration) {
        self.administration = administration
        self.configuration = configuration
    }

    /// `auto.create.topics.enable`.
    var isEnabled: Bool { configuration().topics.createsAutomatically }

    /// Creates the topics, and returns what clients are told of each meanwhile.
    func create(_ names: [String]) async -> [(name: String, error: ErrorCode)] {
        var answers: [(name: String, error: ErrorCode)] = []
        for name in names { answers.append((name, await create(name))) }
        return answers
    }

    private func create(_ name: String) async -> ErrorCode {
        // Before the controller has told of any broker there is nobody to place the topic on: the client tries again.
        guard !administration.metadata.current.brokers.isEmpty else { return .leaderNotAvailable }
        guard inFlight.names.withLock({ $0.insert(name).inserted }) else { return .leaderNotAvailable }
        defer { inFlight.names.withLock { _ = $0.remove(name) } }
        switch await administration.create(topic(name), validateOnly: false) {
        case .success: return .leaderNotAvailable
        case .failure(let error):
            switch error.code {
            // Another broker was faster, or it will work later.
            case .topicAlreadyExists, .requestTimedOut, .notController: return .leaderNotAvailable
            case .invalidReplicationFactor: return .invalidReplicationFactor
            default: return error.code
            }
        }
    }

    /// A topic with the broker's defaults, or, for an internal one, with those of its settings.
    private func topic(_ name: String) -> NewTopic {
        let settings = configuration()
        switch name {
        case InternalTopic.consumerOffsets:
            return NewTopic(
                name: name, partitions: Int32(clamping: settings.offsets.topicPartitions),
                replicationFactor: Int16(clamping: settings.offsets.topicReplicationFactor),
                settings: [
                    ("cleanup.policy", "compact"), ("compression.type", "producer"),
                    ("segment.bytes", "\(settings.offsets.topicSegmentBytes)"),
                ])
        case InternalTopic.transactionState:
            return NewTopic(
                name: name, partitions: Int32(clamping: settings.transactions.topicPartitions),
                replicationFactor: Int16(clamping: settings.transactions.topicReplicationFactor),
                settings: [
                    ("cleanup.policy", "compact"), ("compression.type", "uncompressed"),
                    ("min.insync.replicas", "\(settings.transactions.topicMinInSyncReplicas)"),
                    ("segment.bytes", "\(settings.transactions.topicSegmentBytes)"),
                    ("unclean.leader.election.enable", "false"),
                ])
        default:
            return NewTopic(name: name)
        }
    }
}
