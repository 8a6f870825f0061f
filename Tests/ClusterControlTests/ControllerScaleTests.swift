// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import SimulationKit
import Testing

/// What large clusters cost, counted: how often ZooKeeper is asked, and in how many round trips.
@Suite(.timeLimit(.minutes(1))) struct ControllerScaleTests {
    private static let partitions = 600

    /// What a controller asks of ZooKeeper.
    private final class Count {
        var batches = 0
        var stateReads = 0
        var stateWrites = 0

        func take(_ batch: ZooKeeperBatch) {
            batches += 1
            for operation in batch.operations {
                switch operation {
                case .readPartitionState: stateReads += 1
                case .writePartitionState: stateWrites += 1
                default: break
                }
            }
        }
    }

    /// Three brokers that lead a third each; broker 1 is controller.
    private func cluster(topics: Int) -> Cluster {
        let cluster = Cluster()
        let orders: [[BrokerID]] = [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
        for topic in 0..<topics {
            let name = "t\(topic)"
            var assignment = TopicAssignment(name: name, id: KafkaUUID(high: 7, low: UInt64(topic)), partitions: [:])
            cluster.world.zooKeeper.put("/brokers/topics/\(name)/partitions", .null)
            for number in 0..<Int32(Self.partitions / topics) {
                let replicas = orders[(topic + Int(number)) % 3]
                assignment.partitions[number] = PartitionAssignment(replicas)
                let path = ModelZooKeeper.statePath(TopicPartition(name, number))
                cluster.world.zooKeeper.put(String(path.dropLast("/state".count)), .null)
                let state = PartitionState(
                    leader: replicas[0], leaderEpoch: 0, inSyncReplicas: replicas, controllerEpoch: 0)
                cluster.world.zooKeeper.put(path, .state(state))
            }
            cluster.world.zooKeeper.put("/brokers/topics/\(name)", .topic(assignment))
        }
        // All are there before one of them becomes controller: who is missing would leave every in-sync set.
        cluster.startTogether(1, 2, 3)
        return cluster
    }

    private func leaders(_ cluster: Cluster, topics: Int) -> Set<BrokerID> {
        Set(
            (0..<Self.partitions).map { index in
                cluster.state("t\(index % topics)", Int32(index / topics))?.leader ?? -1
            })
    }

    @Test(arguments: [1, 20, 600])
    func aFailoverReadsEachStateOnceAndWritesOnlyWhatChanges(topics: Int) {
        let cluster = cluster(topics: topics)
        #expect(cluster.controller.id == 1)
        #expect(leaders(cluster, topics: topics) == [1, 2, 3])
        let count = Count()
        for broker in cluster.brokers.values { broker.beforeBatch = count.take }
        cluster.kill(1)
        #expect(leaders(cluster, topics: topics) == [2, 3])
        #expect(count.stateReads == Self.partitions)
        // All lose a member, and those that it led get a leader.
        #expect(count.stateWrites == Self.partitions * 4 / 3)
        #expect(count.batches < 40)
    }

    @Test func aControlledShutdownReadsNothing() {
        let cluster = cluster(topics: 20)
        let count = Count()
        cluster.controller.beforeBatch = count.take
        let reply = cluster.controller.request(
            .controlledShutdown(broker: 2, epoch: cluster.brokers[2]?.brokerEpoch ?? -1))
        #expect(reply == .controlledShutdown(remaining: []))
        #expect(leaders(cluster, topics: 20) == [1, 3])
        #expect(count.stateReads == 0)
        #expect(count.stateWrites == Self.partitions)
        #expect(count.batches < 10)
    }

    /// Others wrote what the cache does not know: the write is refused, and the decision made anew.
    @Test func aStaleCacheCostsASecondTry() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[2, 3, 1]])
        // A leader below inter-broker protocol 2.7 writes by itself, and has not told yet.
        cluster.write(
            .set(
                ModelZooKeeper.statePath(TopicPartition("t", 0)),
                .state(PartitionState(leader: 2, leaderEpoch: 0, inSyncReplicas: [2, 1], controllerEpoch: 1))))
        cluster.kill(2)
        #expect(cluster.state("t", 0)?.leader == 1)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1])
    }

    /// The cache says that the broker is no member, and ZooKeeper that it is again.
    @Test func whoRejoinedUnseenLeavesTheInSyncSetAllTheSame() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2, 3]])
        cluster.alterPartition("t", 0, to: [1, 2])
        cluster.write(
            .set(
                ModelZooKeeper.statePath(TopicPartition("t", 0)),
                .state(PartitionState(leader: 1, leaderEpoch: 0, inSyncReplicas: [1, 2, 3], controllerEpoch: 1))))
        cluster.kill(3)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1, 2])
    }
}
