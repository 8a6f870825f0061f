// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import SimulationKit
import Testing

/// What a new controller makes of followers that have gone and come back while nobody was in charge: they may have lost
/// their disks.
@Suite struct ReturnedFollowerTests {
    @Test func aFollowerThatHasComeBackLeavesTheInSyncSetAndTheLeaderStays() {
        let cluster = Cluster(1, 2, 3)
        // The leader is not the first replica.
        cluster.createTopic("t", [[3, 2]])
        cluster.kill(3)
        cluster.start(3)
        cluster.alterPartition("t", 0, to: [2, 3])
        #expect(cluster.state("t", 0)?.leader == 2)
        let epoch = cluster.state("t", 0)?.leaderEpoch ?? -1

        // Nobody sees how these die.
        let living = cluster.world.harnesses.filter { $0.id == 2 }
        cluster.world.harnesses = []
        for id in [1, 3] as [BrokerID] { cluster.kill(id) }
        cluster.world.harnesses = living
        let returned = ControllerHarness(3, in: cluster.world)
        returned.register()
        cluster.world.settle()
        #expect(cluster.controller.id == 2)
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [2])
        #expect(cluster.state("t", 0)?.leaderEpoch == epoch + 1)
    }
}
