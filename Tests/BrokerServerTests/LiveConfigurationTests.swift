// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import Testing

@testable import BrokerServer

@Suite struct LiveConfigurationTests {
    private func live() throws -> LiveConfiguration {
        LiveConfiguration(
            try BrokerConfiguration.parse(properties: [
                "broker.id": "1", "zookeeper.connect": "127.0.0.1:2181", "log.dirs": "/tmp/x",
                "listeners": "PLAINTEXT://127.0.0.1:9092", "message.max.bytes": "1000",
            ]).configuration)
    }

    @Test func aBrokersOwnEntryWinsOverThatOfAll() throws {
        let live = try live()
        _ = live.apply(
            DynamicEntries(clusterWide: ["message.max.bytes": "2000"], broker: ["message.max.bytes": "3000"]))
        #expect(live.current.topicDefaults.maxMessageBytes == 3000)
        _ = live.apply(DynamicEntries(clusterWide: ["message.max.bytes": "2000"], broker: [:]))
        #expect(live.current.topicDefaults.maxMessageBytes == 2000)
        _ = live.apply(DynamicEntries(clusterWide: [:], broker: [:]))
        #expect(live.current.topicDefaults.maxMessageBytes == 1000)
    }

    @Test func aBadEntryIsLeftOutAndTold() throws {
        let live = try live()
        let (configuration, problems) = live.apply(
            DynamicEntries(clusterWide: ["message.max.bytes": "x"], broker: ["log.retention.ms": "7"]))
        #expect(configuration.topicDefaults.maxMessageBytes == 1000)
        #expect(configuration.topicDefaults.retention == .milliseconds(7))
        #expect(problems.count == 1)
    }

    /// ZooKeeper has them encrypted: what is there is no value.
    @Test func secretsAreLeftOutAndTold() throws {
        let live = try live()
        let (_, problems) = live.apply(
            DynamicEntries(clusterWide: [:], broker: ["listener.name.plaintext.ssl.key.password": "cipher"]))
        #expect(problems.count == 1)
        #expect(live.current.sources.broker.isEmpty)
    }
}
