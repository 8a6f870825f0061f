// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaClient
import KafkaModel

/// `--generate`: where the partitions of some topics could be, spread over some brokers as for a new topic.
struct ReassignmentProposal {
    let admin: AdminClient

    func print(topics: [String], brokers: [BrokerID], withRacks: Bool, to console: Console) async throws {
        let current = try await CurrentAssignment(of: Set(topics), admin).complete()
        let candidates = try await candidates(brokers, withRacks)
        let proposed = try Self.propose(current, over: candidates)
        console.print("Current partition replica assignment")
        console.print(ReassignmentFile.format(current))
        console.print("")
        console.print("Proposed partition reassignment configuration")
        console.print(ReassignmentFile.format(proposed))
    }

    /// The brokers that live; without racks where these shall not count.
    private func candidates(_ wanted: [BrokerID], _ withRacks: Bool) async throws -> [ReplicaPlacement.Broker] {
        let live = try await admin.metadata(topics: [], call: "listNodes").brokers.values
        let found = live.filter { wanted.contains($0.id) }
            .map { ReplicaPlacement.Broker(id: $0.id, rack: withRacks ? $0.rack : nil) }
        let without = found.count { $0.rack == nil }
        guard without == 0 || without == found.count else {
            throw ReassignmentFile.operationFailure(
                "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment without rack information."
            )
        }
        return found
    }

    /// Each topic keeps its number of partitions, and the number of replicas that its first partition has.
    static func propose(
        _ current: [TopicPartition: [BrokerID]], over brokers: [ReplicaPlacement.Broker], start: Int? = nil
    ) throws -> [TopicPartition: [BrokerID]] {
        var proposed: [TopicPartition: [BrokerID]] = [:]
        var random = SystemRandomNumberGenerator()
        for (topic, partitions) in Dictionary(grouping: current, by: \.key.topic) {
            let factor = partitions.min { $0.key < $1.key }?.value.count ?? 0
            do {
                let assignment = try ReplicaPlacement.assign(
                    partitions: partitions.count, replicationFactor: factor, brokers: brokers, start: start,
                    using: &random)
                for (index, replicas) in assignment.enumerated() {
                    proposed[TopicPartition(topic, Int32(truncatingIfNeeded: index))] = replicas
                }
            } catch .notEnoughBrokers(let available) {
                throw JavaException(
                    javaClass: "org.apache.kafka.common.errors.InvalidReplicationFactorException",
                    message: "Replication factor: \(factor) larger than available brokers: \(available).")
            }
        }
        return proposed
    }
}
