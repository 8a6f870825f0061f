// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import Synchronization
import Testing

@testable import BrokerServer

@Suite struct ReplicationThrottleTests {
    private let partition = TopicPartition("t", 0)

    @Test func theTopicSaysWhichReplicasAreThrottled() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: [1]))
        let hosted = try #require(scene.replicas.partition(partition))
        #expect(!hosted.isThrottledAsLeader && !hosted.isThrottledAsFollower)
        let (settings, problem) = scene.settings.update(
            "t",
            overrides: [
                "leader.replication.throttled.replicas": "0:1,1:2", "follower.replication.throttled.replicas": "0:2",
            ])
        #expect(problem == nil)
        scene.replicas.reconfigure("t", settings)
        // At once, and for this broker's own replicas only.
        #expect(hosted.isThrottledAsLeader && !hosted.isThrottledAsFollower)
        #expect(hosted.isInSync(1) && !hosted.isInSync(2))
    }

    @Test func theRateMayChangeWhileTheBrokerRuns() throws {
        let limit = Mutex(1000)
        let throttle = ReplicationThrottle(.init(samples: 11, sampleLength: .seconds(1))) { limit.withLock { $0 } }
        throttle.record(500)
        #expect(!throttle.isExceeded)
        throttle.record(1_000_000)
        #expect(throttle.isExceeded)
        limit.withLock { $0 = .max }
        #expect(!throttle.isExceeded)
    }

    @Test func theRatesAreDynamicSettings() throws {
        let configuration = try BrokerConfiguration.parse(
            properties: ["zookeeper.connect": "localhost", "broker.id": "1"]
        ).configuration
        #expect(configuration.quotas.leaderBytesPerSecond == .max)
        let live = LiveConfiguration(configuration)
        let applied = live.apply(
            DynamicEntries(
                clusterWide: [:],
                broker: ["leader.replication.throttled.rate": "1000", "follower.replication.throttled.rate": "2000"]))
        #expect(applied.problems.isEmpty)
        #expect(live.current.quotas.leaderBytesPerSecond == 1000)
        #expect(live.current.quotas.followerBytesPerSecond == 2000)
    }
}
