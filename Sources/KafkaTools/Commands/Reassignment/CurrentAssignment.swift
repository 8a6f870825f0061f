// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// Where the partitions of some topics are now.
struct CurrentAssignment {
    private(set) var replicas: [TopicPartition: [BrokerID]] = [:]
    private(set) var unknownTopics: [String] = []

    init(of topics: Set<String>, _ admin: AdminClient) async throws {
        guard !topics.isEmpty else { return }
        let results = try await admin.describeTopics(topics)
        for topic in topics.sorted() {
            do {
                for partition in try results[topic]?.get().partitions ?? [] {
                    replicas[TopicPartition(topic, partition.index)] = partition.replicas
                }
            } catch {
                guard error.errorCode == .unknownTopicOrPartition else { throw error }
                unknownTopics.append(topic)
            }
        }
    }

    /// The same, where an unknown topic is an error.
    func complete() throws -> [TopicPartition: [BrokerID]] {
        if let topic = unknownTopics.first {
            throw KafkaError(ErrorCode.unknownTopicOrPartition, "Topic \(topic) not found.")
        }
        return replicas
    }
}
