// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaProtocol

/// What `kafka-topics --describe` prints.
struct TopicsDescription {
    private let options: ParsedOptions
    private let console: Console

    init(_ options: ParsedOptions, _ console: Console) {
        self.options = options
        self.console = console
    }

    private var showsTopics: Bool {
        !options.has("under-replicated-partitions") && !options.has("unavailable-partitions")
            && !options.has("under-min-isr-partitions") && !options.has("at-min-isr-partitions")
    }

    func print(_ admin: AdminClient) async throws {
        let names: [String]
        if let id = try options.value("topic-id") {
            names = try await topic(with: id, admin)
        } else {
            names = try await TopicsCommand.existingTopics(options, admin)
        }
        guard !names.isEmpty else { return }
        let snapshot = try await admin.metadata(topics: Set(names), call: "describeTopics")
        let resources = names.map { ConfigurationResource(.topic, $0) }
        let settings = try await admin.describeSettings(of: resources)
        let reassignments = try await reassignments(admin)
        for name in JavaOrder.strings(names, isSized: true) {
            guard let topic = snapshot.topics[name] else { continue }
            guard topic.error.isNone || topic.error == .leaderNotAvailable else { throw KafkaError(topic.error) }
            let entries = try settings[ConfigurationResource(.topic, name)]?.get() ?? []
            print(topic, entries, snapshot, reassignments)
        }
    }

    private func topic(with id: String, _ admin: AdminClient) async throws -> [String] {
        guard KafkaUUID(id) != nil else {
            throw JavaException.illegalArgument(
                "Input string `\(id)` decoded as 0 bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID"
            )
        }
        let topics = try await admin.metadata(topics: nil, call: "listTopics").topics.values
        let names = topics.filter { $0.id.description == id }.map(\.name)
        if names.isEmpty, !options.has("if-exists") {
            throw JavaException.illegalArgument("TopicId '\(id)' does not exist as expected")
        }
        return names
    }

    private func reassignments(
        _ admin: AdminClient
    ) async throws -> [TopicPartition: ListPartitionReassignmentsResponse.OngoingPartitionReassignment] {
        do {
            let response = try await admin.send(
                ListPartitionReassignmentsRequest(topics: nil), to: .controller, call: "listPartitionReassignments"
            ) { $0.errorCode }
            var found: [TopicPartition: ListPartitionReassignmentsResponse.OngoingPartitionReassignment] = [:]
            for topic in response.topics {
                for partition in topic.partitions {
                    found[TopicPartition(topic.name, partition.partitionIndex)] = partition
                }
            }
            return found
        } catch let error as KafkaError where error.kind == .unsupportedVersion {
            return [:]
        }
    }

    private func print(
        _ topic: ClusterSnapshot.Topic, _ entries: [ConfigurationEntry], _ snapshot: ClusterSnapshot,
        _ reassignments: [TopicPartition: ListPartitionReassignmentsResponse.OngoingPartitionReassignment]
    ) {
        let order = JavaOrder.strings(entries.map(\.name))
        let byName = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let changed = order.compactMap { byName[$0] }.filter { $0.source != .builtIn }
        if showsTopics, !options.has("topics-with-overrides") || !changed.isEmpty {
            var line = "Topic: \(topic.name)"
            if !topic.id.isZero { line += "\tTopicId: \(topic.id)" }
            line += "\tPartitionCount: \(topic.partitions.count)"
            let factor = topic.partitions.first.map {
                Self.replicationFactor($0, reassignments[TopicPartition(topic.name, $0.index)])
            }
            line += "\tReplicationFactor: \(factor ?? 0)"
            line += "\tConfigs: " + changed.map { "\($0.name)=\($0.value ?? "null")" }.joined(separator: ",")
            console.print(line)
        }
        guard !options.has("topics-with-overrides") else { return }
        let minimum = byName["min.insync.replicas"]?.value.flatMap { Int($0) } ?? 1
        for partition in topic.partitions {
            let reassignment = reassignments[TopicPartition(topic.name, partition.index)]
            if shows(partition, minimum, snapshot, Self.replicationFactor(partition, reassignment)) {
                print(partition, of: topic.name, reassignment)
            }
        }
    }

    /// How many replicas a partition has, or will have when its reassignment is done.
    static func replicationFactor(
        _ partition: ClusterSnapshot.Partition,
        _ reassignment: ListPartitionReassignmentsResponse.OngoingPartitionReassignment?
    ) -> Int {
        guard let reassignment,
            !Set(partition.replicas).isDisjoint(with: reassignment.addingReplicas + reassignment.removingReplicas)
        else { return partition.replicas.count }
        return reassignment.replicas.count - reassignment.addingReplicas.count
    }

    func shows(
        _ partition: ClusterSnapshot.Partition, _ minimum: Int, _ snapshot: ClusterSnapshot, _ factor: Int
    ) -> Bool {
        if options.has("under-replicated-partitions") {
            return factor > partition.inSync.count
        }
        if options.has("unavailable-partitions") {
            return partition.leader.map { snapshot.brokers[$0] == nil } ?? true
        }
        if options.has("under-min-isr-partitions") {
            return partition.leader == nil || partition.inSync.count < minimum
        }
        if options.has("at-min-isr-partitions") { return partition.inSync.count == minimum }
        return true
    }

    private func print(
        _ partition: ClusterSnapshot.Partition, of topic: String,
        _ reassignment: ListPartitionReassignmentsResponse.OngoingPartitionReassignment?
    ) {
        func list(_ brokers: [BrokerID]) -> String { brokers.map(String.init).joined(separator: ",") }
        var line = "\tTopic: \(topic)\tPartition: \(partition.index)"
        line += "\tLeader: \(partition.leader.map(String.init) ?? "none")"
        line += "\tReplicas: \(list(partition.replicas))\tIsr: \(list(partition.inSync))"
        if let reassignment {
            line += "\tAdding Replicas: \(list(reassignment.addingReplicas))"
            line += "\tRemoving Replicas: \(list(reassignment.removingReplicas))"
        }
        console.print(line + "\tElr: N/A\tLastKnownElr: N/A")
    }
}
