// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Testing

@Suite struct ReplicaPlacementTests {
    /// Draws zero each time, so that start and shift are the first broker.
    private struct Zero: RandomNumberGenerator {
        mutating func next() -> UInt64 { 0 }
    }

    private func brokers(_ ids: BrokerID...) -> [ReplicaPlacement.Candidate] { ids.map { .init(id: $0) } }

    @Test func leadersGoRoundAndFollowersKeepTheirDistance() throws {
        var random = Zero()
        let placed = try ReplicaPlacement.place(
            partitions: 10, replicationFactor: 3, on: brokers(0, 1, 2, 3, 4), using: &random)
        // The example in the comment of Kafka's own algorithm.
        #expect(placed[0] == [0, 1, 2])
        #expect(placed[4] == [4, 0, 1])
        #expect(placed[5] == [0, 2, 3])
        #expect(placed[9] == [4, 1, 2])
    }

    @Test func anOnlyBrokerGetsAll() throws {
        var random = SystemRandomNumberGenerator()
        let placed = try ReplicaPlacement.place(partitions: 3, replicationFactor: 1, on: brokers(7), using: &random)
        #expect(placed == [0: [7], 1: [7], 2: [7]])
    }

    @Test func aGrowingTopicGoesOnWhereItLeftOff() throws {
        var random = SystemRandomNumberGenerator()
        let placed = try ReplicaPlacement.place(
            partitions: 2, replicationFactor: 2, on: brokers(1, 2, 3), firstPartition: 1, leaderOfPartitionZero: 2,
            using: &random)
        #expect(placed == [1: [3, 2], 2: [1, 3]])
    }

    @Test func everyRackGetsAReplicaBeforeOneGetsTwo() throws {
        var random = SystemRandomNumberGenerator()
        let racks: [BrokerID: String] = [1: "a", 2: "a", 3: "b", 4: "b", 5: "c", 6: "c"]
        let placed = try ReplicaPlacement.place(
            partitions: 60, replicationFactor: 3, on: racks.map { .init(id: $0.key, rack: $0.value) }, using: &random)
        for replicas in placed.values { #expect(Set(replicas.compactMap { racks[$0] }).count == 3) }
        for broker in racks.keys { #expect(placed.values.count { $0.first == broker } == 10) }
    }

    @Test func whatCannotBePlacedIsRefusedInKafkasWords() {
        var random = SystemRandomNumberGenerator()
        #expect(throws: ControllerError(.invalidPartitions, "Number of partitions must be larger than 0.")) {
            try ReplicaPlacement.place(partitions: 0, replicationFactor: 1, on: brokers(1), using: &random)
        }
        #expect(
            throws: ControllerError(
                .invalidReplicationFactor, "Replication factor: 2 larger than available brokers: 1.")
        ) { try ReplicaPlacement.place(partitions: 1, replicationFactor: 2, on: brokers(1), using: &random) }
    }

    @Test func aBrokerWithoutRackAmongOthersWithOneIsRefused() {
        var random = SystemRandomNumberGenerator()
        #expect(throws: ControllerError.self) {
            try ReplicaPlacement.place(
                partitions: 1, replicationFactor: 1, on: [.init(id: 1, rack: "a"), .init(id: 2)], using: &random)
        }
    }
}
