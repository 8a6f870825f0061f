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

    /// Both states have changed behind the controller's back, so that it has to read them before it can elect.
    @Test func oneStateThatCannotBeReadDoesNotKeepAnotherPartitionWithoutALeader() {
        let cluster = Cluster(3, 1, 2)
        cluster.createTopic("t", [[1, 2], [1, 2]])
        cluster.write(.set(ModelZooKeeper.statePath(TopicPartition("t", 0)), .garbage))
        if let state = cluster.state("t", 1) {
            cluster.write(.set(ModelZooKeeper.statePath(TopicPartition("t", 1)), .state(state)))
        }
        cluster.kill(1)
        #expect(cluster.state("t", 1)?.leader == 2)
        #expect(cluster.state("t", 1)?.inSyncReplicas == [2])
        let told = cluster.controller.sent.contains { broker, request in
            if broker == 2, case .leaderAndIsr(let request) = request {
                request.partitions.contains { $0.partition == TopicPartition("t", 1) && $0.state.leader == 2 }
            } else {
                false
            }
        }
        #expect(told)
    }

    /// Leaders below inter-broker protocol 2.7 write in-sync sets themselves.
    @Test func aDeadBrokerLeavesAnInSyncSetThatTheControllerHasNotSeen() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2, 3]])
        cluster.alterPartition("t", 0, to: [1, 2])
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1, 2])
        if var state = cluster.state("t", 0) {
            state.inSyncReplicas = [1, 2, 3]
            cluster.write(.set(ModelZooKeeper.statePath(TopicPartition("t", 0)), .state(state)))
        }
        cluster.kill(3)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1, 2])
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

    @Test func oneElectionAfterTheOtherIsNoticed() {
        let cluster = Cluster(3, 1, 2)
        cluster.createTopic("t", [[1, 2]])
        let path = "/admin/preferred_replica_election"
        for _ in 0..<2 {
            cluster.kill(1)
            cluster.start(1)
            cluster.alterPartition("t", 0, to: [2, 1])
            #expect(cluster.state("t", 0)?.leader == 2)
            cluster.write(.create(path, .partitions([TopicPartition("t", 0)])))
            #expect(cluster.state("t", 0)?.leader == 1)
            #expect(cluster.world.zooKeeper.node(path) == nil)
        }
    }

    /// One that nobody could read has gone, and the next has come, while the controller had no connection: that is told as
    /// one change.
    @Test func aCommandInPlaceOfOneThatCouldNotBeReadIsCarriedOut() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2]])
        let path = "/admin/reassign_partitions"
        cluster.write(.create(path, .garbage))
        cluster.write(.set(path, .reassignments([TopicPartition("t", 0): [2, 1]])))
        #expect(cluster.assignment("t", 0) == PartitionAssignment([2, 1]))
        #expect(cluster.world.zooKeeper.node(path) == nil)
    }

    /// The controller takes out of the command what is done, which changes the node.
    @Test func theRestOfACommandGoesOnUndisturbed() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2], [1, 2]])
        let path = "/admin/reassign_partitions"
        let rest: [TopicPartition: [BrokerID]] = [TopicPartition("t", 1): [3, 2]]
        cluster.write(
            .create(path, .reassignments(rest.merging([TopicPartition("t", 0): [3, 1]]) { $1 })))
        let before = cluster.state("t", 1)
        #expect(before?.leaderEpoch == 1)
        cluster.alterPartition("t", 0, to: [1, 2, 3])
        #expect(cluster.world.zooKeeper.node(path)?.content == .reassignments(rest))
        #expect(cluster.state("t", 1) == before)
    }
}
