// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// One replica: a partition on a broker.
public struct PartitionReplica: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The partition.
    public var partition: TopicPartition
    /// The broker that holds it.
    public var broker: Int32

    /// A replica by its partition and broker.
    public init(_ partition: TopicPartition, broker: Int32) {
        self.partition = partition
        self.broker = broker
    }

    /// As Kafka writes it: `topic-3-1` for broker 1.
    public var description: String { "\(partition)-\(broker)" }

    /// By broker, then by partition.
    public static func < (left: PartitionReplica, right: PartitionReplica) -> Bool {
        left.broker == right.broker ? left.partition < right.partition : left.broker < right.broker
    }
}

/// A move of a partition to other brokers that has begun and not ended (KIP-455).
public struct PartitionReassignment: Sendable, Hashable {
    /// All brokers that hold the partition meanwhile: the old and the new.
    public var replicas: [Int32]
    /// Those of them that come.
    public var adding: [Int32]
    /// Those of them that go.
    public var removing: [Int32]

    /// A move by all who hold the partition meanwhile, who comes and who goes.
    public init(replicas: [Int32], adding: [Int32], removing: [Int32]) {
        self.replicas = replicas
        self.adding = adding
        self.removing = removing
    }
}

/// In which directories of its broker a replica lies.
public struct ReplicaDirectories: Sendable, Hashable {
    /// Where it is; nil if it is in no directory that the broker can read.
    public var current: String?
    /// Where it is being copied to; nil if it is not being moved.
    public var future: String?

    /// A replica in no directory, or in the given ones.
    public init(current: String? = nil, future: String? = nil) {
        self.current = current
        self.future = future
    }
}

extension AdminClient {
    /// The moves under way: of all partitions, or of some.
    public func listReassignments(
        of partitions: Set<TopicPartition>? = nil
    ) async throws -> [TopicPartition: PartitionReassignment] {
        let request = ListPartitionReassignmentsRequest(
            timeoutMs: requestTimeout,
            topics: partitions.map { partitions in
                Self.byTopic(partitions).map { .init(name: $0, partitionIndexes: $1) }
            })
        let response = try await send(request, to: .controller, call: "listPartitionReassignments") { $0.errorCode }
        guard response.errorCode.isNone else { throw KafkaError(response.errorCode, response.errorMessage) }
        var found: [TopicPartition: PartitionReassignment] = [:]
        for topic in response.topics {
            for partition in topic.partitions {
                found[TopicPartition(topic.name, partition.partitionIndex)] = PartitionReassignment(
                    replicas: partition.replicas, adding: partition.addingReplicas,
                    removing: partition.removingReplicas)
            }
        }
        return found
    }

    /// Begins to move partitions to the given brokers, the preferred leader first; nil cancels a move that is under way.
    /// Each partition has a result of its own; success means that the move has begun.
    public func reassign(
        _ targets: [TopicPartition: [Int32]?]
    ) async throws -> [TopicPartition: Result<Void, KafkaError>] {
        let request = AlterPartitionReassignmentsRequest(
            timeoutMs: requestTimeout,
            topics: Self.byTopic(targets.keys).map { topic, partitions in
                .init(
                    name: topic,
                    partitions: partitions.map {
                        .init(partitionIndex: $0, replicas: targets[TopicPartition(topic, $0)] ?? nil)
                    })
            })
        let response = try await send(request, to: .controller, call: "alterPartitionReassignments") { $0.errorCode }
        guard response.errorCode.isNone else { throw KafkaError(response.errorCode, response.errorMessage) }
        var results: [TopicPartition: Result<Void, KafkaError>] = [:]
        for topic in response.responses {
            for partition in topic.partitions {
                results[TopicPartition(topic.name, partition.partitionIndex)] = Self.result(
                    partition.errorCode, partition.errorMessage)
            }
        }
        return results
    }

    /// In which directories replicas lie. A replica that its broker does not have is in none.
    public func directories(of replicas: Set<PartitionReplica>) async throws -> [PartitionReplica: ReplicaDirectories] {
        var found = Dictionary(uniqueKeysWithValues: replicas.map { ($0, ReplicaDirectories()) })
        for (broker, replicas) in Dictionary(grouping: replicas, by: \.broker).sorted(by: { $0.key < $1.key }) {
            let request = DescribeLogDirsRequest(
                topics: Self.byTopic(replicas.map(\.partition)).map { .init(topic: $0, partitions: $1) })
            let response = try await send(request, to: .broker(broker), call: "describeReplicaLogDirs")
            for directory in response.results where directory.errorCode.isNone {
                for topic in directory.topics {
                    for partition in topic.partitions {
                        let replica = PartitionReplica(
                            TopicPartition(topic.name, partition.partitionIndex), broker: broker)
                        if partition.isFutureKey {
                            found[replica]?.future = directory.logDir
                        } else {
                            found[replica]?.current = directory.logDir
                        }
                    }
                }
            }
        }
        return found
    }

    /// Begins to move replicas to other directories of their brokers (KIP-113); each has a result of its own. A replica
    /// that its broker does not have yet will be made in that directory, and answers `REPLICA_NOT_AVAILABLE` until then.
    public func moveReplicas(
        _ targets: [PartitionReplica: String]
    ) async throws -> [PartitionReplica: Result<Void, KafkaError>] {
        var results: [PartitionReplica: Result<Void, KafkaError>] = [:]
        for (broker, targets) in Dictionary(grouping: targets, by: \.key.broker).sorted(by: { $0.key < $1.key }) {
            let request = AlterReplicaLogDirsRequest(
                dirs: Dictionary(grouping: targets, by: \.value).sorted { $0.key < $1.key }.map { path, targets in
                    .init(
                        path: path,
                        topics: Self.byTopic(targets.map(\.key.partition)).map { .init(name: $0, partitions: $1) })
                })
            let response = try await send(request, to: .broker(broker), call: "alterReplicaLogDirs")
            for topic in response.results {
                for partition in topic.partitions {
                    let name = TopicPartition(topic.topicName, partition.partitionIndex)
                    results[PartitionReplica(name, broker: broker)] = Self.result(partition.errorCode, nil)
                }
            }
        }
        return results
    }

    /// As requests list partitions.
    private static func byTopic(_ partitions: some Sequence<TopicPartition>) -> [(String, [Int32])] {
        Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }
            .map { ($0, $1.map(\.partition).sorted()) }
    }
}
