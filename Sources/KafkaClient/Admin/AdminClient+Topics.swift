// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// A topic to create.
public struct NewTopic: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// How many partitions; nil for the cluster's default.
    public var partitions: Int32?
    /// How many replicas each; nil for the cluster's default.
    public var replicationFactor: Int16?
    /// The brokers of each partition's replicas, the preferred leader first; then the two counts must be nil.
    public var assignments: [Int32: [Int32]]
    /// Its own settings.
    public var settings: [String: String]

    /// A topic by its name; what is left out is the cluster's to decide.
    public init(
        _ name: String, partitions: Int32? = nil, replicationFactor: Int16? = nil, assignments: [Int32: [Int32]] = [:],
        settings: [String: String] = [:]
    ) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.assignments = assignments
        self.settings = settings
    }
}

/// A topic as the cluster sees it.
public struct TopicDescription: Sendable, Hashable {
    /// One of its partitions.
    public struct Partition: Sendable, Hashable {
        /// The partition's index.
        public var index: Int32
        /// The broker that leads it; nil while there is none.
        public var leader: Int32?
        /// The brokers that hold it, the preferred leader first.
        public var replicas: [Int32]
        /// Those of them that have all of it.
        public var inSyncReplicas: [Int32]
    }

    /// Its name.
    public var name: String
    /// Its id, as 22 characters.
    public var id: String
    /// Whether it is one of Kafka's own.
    public var isInternal: Bool
    /// By index.
    public var partitions: [Partition]
}

extension AdminClient {
    /// Creates one topic. Throws ``KafkaError``.
    public func createTopic(
        _ name: String, partitions: Int32? = nil, replicationFactor: Int16? = nil, settings: [String: String] = [:]
    ) async throws {
        let topic = NewTopic(
            name, partitions: partitions, replicationFactor: replicationFactor, settings: settings)
        try await createTopics([topic])[name]?.get()
    }

    /// Creates topics; each has a result of its own.
    public func createTopics(
        _ topics: [NewTopic], validateOnly: Bool = false
    ) async throws -> [String: Result<Void, KafkaError>] {
        let request = CreateTopicsRequest(
            topics: topics.map { topic in
                .init(
                    name: topic.name, numPartitions: topic.assignments.isEmpty ? topic.partitions ?? -1 : -1,
                    replicationFactor: topic.assignments.isEmpty ? topic.replicationFactor ?? -1 : -1,
                    assignments: topic.assignments.sorted { $0.key < $1.key }.map {
                        .init(partitionIndex: $0.key, brokerIDs: $0.value)
                    },
                    configs: topic.settings.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) })
            }, timeoutMs: requestTimeout, validateOnly: validateOnly)
        let response = try await send(request, to: .controller, call: "createTopics") { response in
            response.topics.map(\.errorCode).first { $0 == .notController } ?? .none
        }
        return Dictionary(
            response.topics.map { ($0.name, Self.result($0.errorCode, $0.errorMessage)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Deletes topics; each has a result of its own.
    public func deleteTopics(_ names: [String]) async throws -> [String: Result<Void, KafkaError>] {
        // By name: version 6 would allow ids.
        let request = DeleteTopicsRequest(topicNames: names, timeoutMs: requestTimeout)
        let response = try await send(request, to: .controller, call: "deleteTopics", latest: 5) { response in
            response.responses.map(\.errorCode).first { $0 == .notController } ?? .none
        }
        return Dictionary(
            response.responses.map { ($0.name ?? "", Self.result($0.errorCode, $0.errorMessage)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Gives topics more partitions, up to the given counts; each has a result of its own.
    public func createPartitions(
        _ counts: [String: Int32], assignments: [String: [[Int32]]] = [:]
    ) async throws -> [String: Result<Void, KafkaError>] {
        let request = CreatePartitionsRequest(
            topics: counts.sorted { $0.key < $1.key }.map { name, count in
                .init(name: name, count: count, assignments: assignments[name]?.map { .init(brokerIDs: $0) })
            }, timeoutMs: requestTimeout, validateOnly: false)
        let response = try await send(request, to: .controller, call: "createPartitions") { response in
            response.results.map(\.errorCode).first { $0 == .notController } ?? .none
        }
        return Dictionary(
            response.results.map { ($0.name, Self.result($0.errorCode, $0.errorMessage)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The names of all topics, sorted.
    public func listTopics(includingInternal: Bool = true) async throws -> [String] {
        try await metadata(topics: nil, call: "listTopics").topics.values
            .filter { includingInternal || !$0.isInternal }.map(\.name).sorted()
    }

    /// Describes topics; those that do not exist, or may not be seen, have an error.
    public func describeTopics(_ names: Set<String>) async throws -> [String: Result<TopicDescription, KafkaError>] {
        let snapshot = try await metadata(topics: names, call: "describeTopics")
        var results: [String: Result<TopicDescription, KafkaError>] = [:]
        for name in names {
            guard let topic = snapshot.topics[name] else {
                results[name] = .failure(KafkaError(ErrorCode.unknownTopicOrPartition))
                continue
            }
            // A topic without some leader is described as it is.
            guard topic.error.isNone || topic.error == .leaderNotAvailable else {
                results[name] = .failure(KafkaError(topic.error))
                continue
            }
            results[name] = .success(
                TopicDescription(
                    name: name, id: topic.id.description, isInternal: topic.isInternal,
                    partitions: topic.partitions.map {
                        .init(index: $0.index, leader: $0.leader, replicas: $0.replicas, inSyncReplicas: $0.inSync)
                    }))
        }
        return results
    }

    /// Looks offsets up, at the ends of partitions or by time; each has a result of its own. Offset −1 means that no
    /// record is that young.
    public func listOffsets(
        _ wanted: [TopicPartition: OffsetSpecification],
        isolation: ClientConfiguration.IsolationLevel = .readUncommitted
    ) async throws -> [TopicPartition: Result<OffsetAndTimestamp, KafkaError>] {
        try await cluster.listOffsets(wanted, isolation: isolation, before: .now + configuration.apiTimeout)
    }

    /// Deletes the records before the given offsets (−1: before the high watermark). Returns the offsets at which the
    /// partitions begin now.
    public func deleteRecords(
        before offsets: [TopicPartition: Int64]
    ) async throws -> [TopicPartition: Result<Int64, KafkaError>] {
        let snapshot = try await metadata(topics: Set(offsets.keys.map(\.topic)), call: "deleteRecords")
        var results: [TopicPartition: Result<Int64, KafkaError>] = [:]
        var byLeader: [BrokerID: [TopicPartition: Int64]] = [:]
        for (partition, offset) in offsets {
            if let leader = snapshot.leader(of: partition) {
                byLeader[leader, default: [:]][partition] = offset
            } else {
                let error = snapshot.topics[partition.topic]?.error ?? .unknownTopicOrPartition
                results[partition] = .failure(KafkaError(error.isNone ? .unknownTopicOrPartition : error))
            }
        }
        for (leader, partitions) in byLeader {
            let request = DeleteRecordsRequest(
                topics: Dictionary(grouping: partitions, by: \.key.topic).map { name, partitions in
                    .init(
                        name: name,
                        partitions: partitions.map { .init(partitionIndex: $0.key.partition, offset: $0.value) })
                }, timeoutMs: requestTimeout)
            let response = try await send(request, to: .broker(leader), call: "deleteRecords")
            for topic in response.topics {
                for partition in topic.partitions {
                    results[TopicPartition(topic.name, partition.partitionIndex)] =
                        partition.errorCode.isNone
                        ? .success(partition.lowWatermark) : .failure(KafkaError(partition.errorCode))
                }
            }
        }
        return results
    }

    static func result(_ code: ErrorCode, _ message: String?) -> Result<Void, KafkaError> {
        code.isNone ? .success(()) : .failure(KafkaError(code, message))
    }
}
