// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import SimulationKit
import Testing

/// Partition states that nobody can read.
@Suite struct DamagedStateTests {
    @Test func noReplicaIsDroppedWhileItCannotBeReadWhoIsInSync() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2]])
        let partition = TopicPartition("t", 0)
        _ = cluster.controller.request(.reassignPartitions([partition: [3]]))
        #expect(cluster.assignment("t", 0)?.replicas == [3, 1, 2])

        cluster.write(.set(ModelZooKeeper.statePath(partition), .garbage))
        guard case .reassignPartitions(let results)? = cluster.controller.request(.reassignPartitions([partition: nil]))
        else {
            Issue.record("no answer")
            return
        }
        #expect(results[partition]??.code == .invalidReplicaAssignment)
        #expect(cluster.assignment("t", 0)?.replicas == [3, 1, 2])
    }
}

/// The commands of old tools, and what overtakes them.
@Suite struct OvertakenCommandTests {
    @Test func aCommandGoesWithTheTopicThatItWasFor() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2]])
        let path = "/admin/reassign_partitions"
        cluster.write(.create(path, .reassignments([TopicPartition("t", 0): [3]])))
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node(path) != nil)
        // The deletion waits for the reassignment, until a broker comes back.
        let other: BrokerID = cluster.controller.id == 3 ? 2 : 3
        cluster.kill(other)
        cluster.start(other)
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
        #expect(cluster.world.zooKeeper.node(path) == nil)
    }
}
