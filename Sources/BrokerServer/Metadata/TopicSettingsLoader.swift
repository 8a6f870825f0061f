// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import ZooKeeperStore

/// Reads the settings of topics that are new here, all together, before their logs are made.
///
/// A replica whose settings could not be read must not be made with the broker's defaults: it would acknowledge what
/// `min.insync.replicas` forbids, and delete what it should keep. So while the session is lost they are read again until there is
/// another; the LeaderAndIsr that waits for them is one of an earlier life of the broker then, and refused. A node that ZooKeeper
/// does not give, or that nobody can read, stays as it is, and the topic goes on with the defaults.
///
/// Owner: its lock, around which topics go on so.
final class TopicSettingsLoader: Sendable {
    typealias Read =
        @Sendable (_ entities: [String]) async -> [Result<[(key: String, value: String)], StoreError>]

    private let registry: TopicSettingsRegistry
    private let read: Read
    private let late: @Sendable (_ topic: String, _ settings: TopicSettings) -> Void
    private let logger: Logger
    private let pause: Duration
    /// Topics that go on with the defaults, since nobody can read what is written.
    private let unreadable = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - read: reads the configurations of entities such as `topics/t`.
    ///   - late: told of settings that could be read after all, of a topic that has gone on with the defaults.
    init(
        _ registry: TopicSettingsRegistry, logger: Logger, pause: Duration = .milliseconds(100), read: @escaping Read,
        late: @escaping @Sendable (_ topic: String, _ settings: TopicSettings) -> Void
    ) {
        self.registry = registry
        self.read = read
        self.late = late
        self.logger = logger
        self.pause = pause
    }

    func load(_ topics: Set<String>) async {
        var missing = topics.filter { !registry.isKnown($0) }.sorted()
        var isFirst = true
        while !missing.isEmpty {
            missing = take(missing, await read(missing.map { "topics/\($0)" }))
            if missing.isEmpty { return }
            if isFirst {
                logger.warning(
                    "The settings of topics cannot be read at the moment: their replicas wait for them",
                    metadata: ["kafka.topics": "\(missing.joined(separator: ","))"])
            }
            isFirst = false
            try? await Task.sleep(for: pause)
        }
    }

    /// Takes what was read, and returns which topics are to be read again.
    private func take(
        _ topics: [String], _ results: [Result<[(key: String, value: String)], StoreError>]
    ) -> [String] {
        var unread: [String] = []
        for (topic, result) in zip(topics, results) {
            switch result {
            case .success(let entries):
                let settings = registry.take(topic, entries, logger: logger)
                if unreadable.withLock({ $0.remove(topic) }) != nil { late(topic, settings) }
            case .failure(.zooKeeper(let error, _)) where error.isOfSession: unread.append(topic)
            case .failure(let error):
                logger.error(
                    "The settings of a topic cannot be read; the defaults hold",
                    metadata: ["kafka.topic": "\(topic)", "error": "\(error)"])
                unreadable.withLock { _ = $0.insert(topic) }
            }
        }
        return unread
    }
}
