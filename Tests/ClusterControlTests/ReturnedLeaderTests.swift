// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import SimulationKit
import Testing

/// What a new controller makes of leaders that have gone and come back while nobody was in charge.
@Suite struct ReturnedLeaderTests {
    /// Brokers 1, the controller, to 3; `t-0` on 2 and 3, led by 2, and `t-1` on 2 alone.
    private func makeCluster() -> Cluster {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[2, 3], [2]])
        return cluster
    }

    /// Nobody sees how these brokers die.
    private func killAtOnce(_ ids: BrokerID..., in cluster: Cluster) {
        let living = cluster.world.harnesses.filter { !ids.contains($0.id) }
        cluster.world.harnesses = []
        for id in ids { cluster.kill(id) }
        cluster.world.harnesses = living
    }

    private func epochsTold(by harness: ControllerHarness) -> Set<LeaderEpoch> {
        Set(
            [2, 3].flatMap { harness.leaderAndIsr(to: $0) }.filter { $0.partition == TopicPartition("t", 0) }
                .map(\.state.leaderEpoch))
    }

    @Test func aLeaderThatHasComeBackLeadsUnderANewEpochOnly() {
        let cluster = makeCluster()
        #expect(cluster.state("t", 0)?.leader == 2)
        killAtOnce(1, 2, 3, in: cluster)
        cluster.startTogether(2, 3)
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.state("t", 0)?.leaderEpoch == 1)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [2, 3])
        // Nobody hears of the epoch before, not even for a moment.
        #expect(epochsTold(by: cluster.controller) == [1])
    }

    @Test func whoWasThereAllTheTimeLeadsBeforeWhoHasComeBack() {
        let cluster = makeCluster()
        killAtOnce(1, 2, in: cluster)
        let returned = ControllerHarness(2, in: cluster.world)
        returned.register()
        cluster.world.settle()
        #expect(cluster.controller.id == 3)
        #expect(cluster.state("t", 0)?.leader == 3)
        #expect(cluster.state("t", 0)?.leaderEpoch == 1)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [3])
    }

    @Test func anOnlyReplicaHasNobodyToPartFrom() {
        let cluster = makeCluster()
        killAtOnce(1, 2, 3, in: cluster)
        cluster.startTogether(2, 3)
        #expect(cluster.state("t", 1)?.leader == 2)
        #expect(cluster.state("t", 1)?.leaderEpoch == 0)
    }

    @Test func whoLedBeforeAndAfterItsStateWasWrittenGoesOn() {
        let cluster = makeCluster()
        killAtOnce(1, in: cluster)
        cluster.world.settle()
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.state("t", 0)?.leaderEpoch == 0)
    }
}
