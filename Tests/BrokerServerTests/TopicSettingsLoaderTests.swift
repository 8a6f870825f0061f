// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import Logging
import Synchronization
import Testing
import ZooKeeperStore

@testable import BrokerServer

/// What a topic's replicas wait for before their logs are made.
@Suite struct TopicSettingsLoaderTests {
    private typealias Answer = Result<[(key: String, value: String)], StoreError>

    /// Answers one read after the other, the last again and again, and remembers what was asked and told.
    private final class Scene: Sendable {
        let registry: TopicSettingsRegistry
        let asked = Mutex<[[String]]>([])
        let late = Mutex<[String]>([])
        private let answers: Mutex<[[Answer]]>
        let logger = Logger(label: "scene") { _ in SwiftLogNoOpLogHandler() }

        init(_ answers: [[Answer]]) throws {
            registry = TopicSettingsRegistry(
                try BrokerConfiguration.parse(properties: ["zookeeper.connect": "localhost", "broker.id": "1"])
                    .configuration)
            self.answers = Mutex(answers)
        }

        func loader() -> TopicSettingsLoader {
            TopicSettingsLoader(
                registry, logger: logger, pause: .milliseconds(1),
                read: { entities in
                    self.asked.withLock { $0.append(entities) }
                    return self.answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
                },
                late: { topic, _ in self.late.withLock { $0.append(topic) } })
        }
    }

    private static let two: Answer = .success([("min.insync.replicas", "2")])
    private static func lost(_ topic: String) -> Answer {
        .failure(.zooKeeper(.sessionExpired, path: "/config/topics/\(topic)"))
    }

    /// With the defaults a replica would acknowledge what the topic forbids.
    @Test func whileTheSessionIsLostNobodyGoesOnWithTheDefaults() async throws {
        let scene = try Scene([[Self.two, Self.lost("u")], [Self.lost("u")], [Self.two]])
        await scene.loader().load(["t", "u"])
        #expect(scene.asked.withLock { $0 } == [["topics/t", "topics/u"], ["topics/u"], ["topics/u"]])
        for topic in ["t", "u"] {
            #expect(scene.registry.settings(of: topic).configuration.minInSyncReplicas == 2)
        }
        await scene.loader().load(["t", "u"])
        #expect(scene.asked.withLock { $0.count } == 3)
    }

    @Test func whatNobodyCanReadIsLeftOutUntilItCanBeRead() async throws {
        let refused: Answer = .failure(.zooKeeper(.notAuthorised, path: "/config/topics/t"))
        let scene = try Scene([[refused], [Self.two]])
        let loader = scene.loader()
        await loader.load(["t"])
        #expect(scene.registry.settings(of: "t").configuration.minInSyncReplicas == 1)
        #expect(scene.late.withLock { $0 }.isEmpty)
        // The replicas that were made meanwhile hear of it.
        await loader.load(["t"])
        #expect(scene.registry.settings(of: "t").configuration.minInSyncReplicas == 2)
        #expect(scene.late.withLock { $0 } == ["t"])
    }
}
