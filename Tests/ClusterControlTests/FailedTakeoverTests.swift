// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import SimulationKit
import Testing

/// A controller that cannot take over steps back, and waits longer each time before it lets itself be elected again.
@Suite struct FailedTakeoverTests {
    private let features = ModelZooKeeper.Content.features(FeatureNode(version: 2, status: .enabled))

    /// Two brokers, of which the first cannot take over as long as `/feature` cannot be read. It mends by itself after many
    /// elections, so that whoever makes no pause comes to an end.
    private func makeCluster() throws -> (Cluster, ControllerHarness) {
        let cluster = Cluster(1, 2)
        cluster.world.zooKeeper.put("/feature", .garbage)
        let second = try #require(cluster.brokers[2])
        second.beforeBatch = { [features] batch in
            guard case .elect(let epoch, _)? = batch.operations.first, epoch > 20 else { return }
            cluster.world.zooKeeper.put("/feature", features)
        }
        cluster.kill(1)
        return (cluster, second)
    }

    private func elections(_ broker: ControllerHarness) -> Int {
        broker.notices.count { if case .elected = $0 { true } else { false } }
    }

    @Test func itPausesBeforeTheNextElection() throws {
        let (cluster, broker) = try makeCluster()
        #expect(elections(broker) == 1)
        #expect(!broker.controller.isActive)
        #expect(broker.timers[.election] == .seconds(1))
        for seconds in [2, 4, 8, 16, 32, 32] {
            broker.feed(.timerFired(.election))
            cluster.world.settle()
            #expect(broker.timers[.election] == .seconds(seconds))
        }
        #expect(elections(broker) == 7)

        cluster.world.zooKeeper.put("/feature", features)
        broker.feed(.timerFired(.election))
        cluster.world.settle()
        #expect(broker.controller.isActive)
        // The next failure is a new one.
        cluster.world.zooKeeper.put("/feature", .garbage)
        broker.expireSession()
        #expect(broker.timers[.election] == .seconds(1))
    }

    @Test func anotherBrokerNeedNotWait() throws {
        let (cluster, broker) = try makeCluster()
        cluster.world.zooKeeper.put("/feature", features)
        cluster.start(3)
        #expect(cluster.controller.id == 3)
        broker.feed(.timerFired(.election))
        cluster.world.settle()
        #expect(cluster.controller.id == 3)
        cluster.kill(3)
        #expect(broker.controller.isActive)
    }

    /// With the session goes the pause: the new one may reach a server that is well.
    @Test func aNewSessionEndsThePause() throws {
        let (cluster, broker) = try makeCluster()
        cluster.world.zooKeeper.put("/feature", features)
        broker.expireSession()
        #expect(broker.controller.isActive)
        #expect(broker.timers[.election] == nil)
    }
}
