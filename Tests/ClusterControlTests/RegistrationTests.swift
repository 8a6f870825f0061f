// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import SimulationKit
import Testing

/// A broker whose id another process has taken while it had no session.
@Suite struct RegistrationTests {
    @Test func aBrokerWhoseIDWasTakenRegistersOnceThatIsFreeAgain() throws {
        let cluster = Cluster(1, 2)
        let broker = try #require(cluster.brokers[2])
        var other: ModelZooKeeper.Session?
        broker.beforeBatch = { batch in
            guard batch.operations == [.registerBroker], other == nil else { return }
            let session = cluster.world.zooKeeper.openSession()
            _ = cluster.world.zooKeeper.register(ControllerHarness.registration(2, port: 9093), session)
            other = session
        }
        broker.expireSession()
        let taken = try #require(other)
        #expect(broker.timers[.registration] == .seconds(5))
        #expect(cluster.world.zooKeeper.node("/brokers/ids/2")?.owner == taken)

        broker.feed(.timerFired(.registration))
        #expect(cluster.world.zooKeeper.node("/brokers/ids/2")?.owner == taken)

        cluster.world.zooKeeper.closeSession(taken)
        cluster.world.settle()
        broker.feed(.timerFired(.registration))
        cluster.world.settle()
        let node = try #require(cluster.world.zooKeeper.node("/brokers/ids/2"))
        #expect(node.owner == broker.session)
        #expect(node.czxid == broker.brokerEpoch)
        // It can be elected again.
        cluster.kill(1)
        #expect(broker.controller.isActive)
    }
}
