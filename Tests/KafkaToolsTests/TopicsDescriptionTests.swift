// SPDX-License-Identifier: Apache-2.0

import KafkaProtocol
import Testing

@testable import KafkaClient
@testable import KafkaTools

/// Which partitions `kafka-topics --describe` shows, and how many replicas it counts.
@Suite struct TopicsDescriptionTests {
    private func partition(leader: Int32?, _ replicas: [Int32], inSync: [Int32]) -> ClusterSnapshot.Partition {
        .init(
            index: 0, leader: leader, leaderEpoch: 0, replicas: replicas, inSync: inSync, offline: [], error: .none)
    }

    private func shows(_ filter: String, _ partition: ClusterSnapshot.Partition, factor: Int = 2) throws -> Bool {
        let options = try TopicsCommand.grammar.parse(["--describe", "--" + filter])
        return TopicsDescription(options, Console.memory()).shows(partition, 1, ClusterSnapshot(), factor)
    }

    @Test func aPartitionWithoutLeaderIsUnderItsMinimum() throws {
        let filter = "under-min-isr-partitions"
        #expect(try shows(filter, partition(leader: nil, [1, 2], inSync: [1])))
        #expect(try !shows(filter, partition(leader: 1, [1, 2], inSync: [1])))
        #expect(try shows(filter, partition(leader: 1, [1, 2], inSync: [])))
    }

    @Test func replicasThatAreBeingAddedDoNotCount() throws {
        let moving = partition(leader: 1, [3, 1, 2], inSync: [1, 2])
        let reassignment = ListPartitionReassignmentsResponse.OngoingPartitionReassignment(
            partitionIndex: 0, replicas: [3, 1, 2], addingReplicas: [3], removingReplicas: [1])
        #expect(TopicsDescription.replicationFactor(moving, reassignment) == 2)
        #expect(TopicsDescription.replicationFactor(moving, nil) == 3)
        // Its replicas are none of those that come or go: the list is older than the metadata.
        let done = partition(leader: 2, [2], inSync: [2])
        #expect(TopicsDescription.replicationFactor(done, reassignment) == 1)
        #expect(try !shows("under-replicated-partitions", moving, factor: 2))
        #expect(try shows("under-replicated-partitions", moving, factor: 3))
    }
}
