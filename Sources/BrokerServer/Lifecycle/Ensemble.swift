// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import KafkaModel
import Logging
import ZooKeeperClient
import ZooKeeperStore

/// The broker's access to its ZooKeeper ensemble while it starts: one client, the store over it, and who hears its events.
struct Ensemble: Sendable {
    let connection: ZooKeeperConnection
    let store: ZooKeeperStore
    let router: EventRouter
    private let zooKeeper: ZooKeeperConfiguration

    /// Connects, within `zookeeper.connection.timeout.ms`.
    static func connect(
        _ configuration: BrokerConfiguration, _ monitoring: Monitoring, logger: Logger
    ) async throws(StartError) -> Ensemble {
        let settings = configuration.zooKeeper
        let zooKeeper: ZooKeeperConfiguration
        do throws(ZooKeeperError) {
            zooKeeper = ZooKeeperConfiguration(
                connect: try ZooKeeperConnectString(settings.connect), sessionTimeout: settings.sessionTimeout,
                connectionTimeout: settings.connectionTimeout, maxInFlightRequests: settings.maxInFlightRequests)
        } catch {
            throw StartError("zookeeper.connect=\(settings.connect) cannot be read: \(error)")
        }
        do throws(StoreError) {
            try await ZooKeeperStore.createChroot(zooKeeper, protectsNodes: settings.setsACLs)
        } catch {
            throw StartError("ZooKeeper at \(settings.connect)", error)
        }
        let router = EventRouter(status: monitoring.status, metrics: monitoring.session, logger: logger.of(.zooKeeper))
        let connection = ZooKeeperConnection(
            zooKeeper, beforeReplacing: { await router.sessionIsBeingReplaced() }, onEvent: { router.happened($0) })
        do throws(ZooKeeperError) {
            try await connection.connect()
        } catch {
            await connection.close()
            throw StartError(
                "ZooKeeper at \(settings.connect) could not be reached within "
                    + "\(settings.connectionTimeout.wholeMilliseconds) ms (zookeeper.connection.timeout.ms)", error)
        }
        return Ensemble(
            connection: connection, store: ZooKeeperStore(connection, protectsNodes: settings.setsACLs),
            router: router, zooKeeper: zooKeeper)
    }

    private func refused<Value: Sendable>(
        _ body: () async throws(StoreError) -> Value
    ) async throws(StartError) -> Value {
        do throws(StoreError) {
            return try await body()
        } catch {
            throw StartError("ZooKeeper at \(zooKeeper.connect)", error)
        }
    }

    /// Makes sure that the paths of every broker exist.
    func prepare() async throws(StartError) {
        try await refused { () async throws(StoreError) in try await store.ensurePaths() }
    }

    func clusterID() async throws(StartError) -> String {
        try await refused { () async throws(StoreError) in try await store.clusterID(orCreate: .random()) }
    }

    func generateBrokerID(above reserved: BrokerID) async throws(StartError) -> BrokerID {
        try await refused { () async throws(StoreError) in try await store.generateBrokerID(reserved: reserved) }
    }

    /// Refuses to start while another session holds this broker's registration, unless it is the session that an
    /// earlier life of this broker left behind.
    func refuseIfRegistered(_ id: BrokerID, unlessSession own: SessionFile.Content?) async throws(StartError) {
        let found = try await refused { () async throws(StoreError) in try await store.read(ZNodes.broker(id)) }
        guard let found, found.stat.ephemeralOwner != own?.sessionID else { return }
        throw StartError(
            "broker id \(id) is registered in ZooKeeper by another running broker (session "
                + "0x\(String(UInt64(bitPattern: found.stat.ephemeralOwner), radix: 16))): each broker needs its own "
                + "broker.id", mayPass: true)
    }

    /// Ends the session that a dead process of this broker left behind, so that its nodes vanish now and not when the
    /// session times out. The caller holds the locks of the log directories, which proves that the process is dead.
    func endSession(of file: SessionFiles, _ configuration: BrokerConfiguration, logger: Logger) async {
        guard let content = file.read(), content.connect == configuration.zooKeeper.connect else { return }
        var brief = zooKeeper
        brief.connectionTimeout = .seconds(2)
        do throws(ZooKeeperError) {
            let identity = ZooKeeperSessionIdentity(id: content.sessionID, password: content.password)
            if try await ZooKeeperSession.end(identity, brief) {
                logger.info(
                    "Ended the ZooKeeper session of an earlier life of this broker",
                    metadata: ["zookeeper.session": "0x\(String(UInt64(bitPattern: content.sessionID), radix: 16))"])
            }
        } catch {
            // The file stays: the session may live, and the next start can still end it.
            logger.warning(
                "The ZooKeeper session of an earlier life of this broker could not be ended",
                metadata: ["error": "\(error)"])
            return
        }
        file.remove()
    }

    /// The file's settings with those over them that ZooKeeper has for this broker (KIP-226).
    func dynamicConfiguration(
        of id: BrokerID, over configuration: BrokerConfiguration, logger: Logger
    ) async throws(StartError) -> BrokerConfiguration {
        let entries = try await refused { () async throws(StoreError) in try await DynamicEntries.read(id, from: store)
        }
        let (applied, problems) = entries.applied(to: configuration)
        for problem in problems {
            logger.error("A dynamic setting cannot be used", metadata: ["error": "\(problem)"])
        }
        return applied
    }

    /// Reads the settings of all topics that have some.
    func loadTopicSettings(into registry: TopicSettingsRegistry, logger: Logger) async throws(StartError) {
        let topics = try await refused { () async throws(StoreError) in try await store.configuredEntities("topics") }
        let paths = topics.map { ZNodes.topicConfiguration($0) }
        let results = await store.calls.submit(paths.map { .getData(path: $0) })
        for ((topic, path), result) in zip(zip(topics, paths), results) {
            switch result {
            case .success(.data(let data, _)):
                do throws(ZNodeError) {
                    let entries = try ZNodeCodec.decodeConfiguration(path, data)
                    registry.take(topic, entries, logger: logger)
                } catch {
                    logger.error(
                        "The settings of a topic cannot be read; the defaults hold",
                        metadata: ["kafka.topic": "\(topic)", "error": "\(error)"])
                }
            case .success, .failure(.noNode): continue
            case .failure(let error): throw StartError("ZooKeeper at \(zooKeeper.connect): \(path)", error)
            }
        }
    }

    /// How many partitions the coordinators' topics have: what ZooKeeper says, or what they would be created with.
    func coordinatorPartitions(
        _ configuration: BrokerConfiguration
    ) async throws(StartError) -> (groups: Int32, transactions: Int32) {
        func count(_ topic: String, _ configured: Int) async throws(StartError) -> Int32 {
            let known = try await refused { () async throws(StoreError) in try await store.topic(topic) }
            return Int32(clamping: known?.partitions.count ?? configured)
        }
        return (
            try await count(InternalTopic.consumerOffsets, configuration.offsets.topicPartitions),
            try await count(InternalTopic.transactionState, configuration.transactions.topicPartitions)
        )
    }
}

extension TopicSettingsRegistry {
    /// Takes over what ZooKeeper says, and tells the operator what of it cannot be used.
    @discardableResult
    func take(_ topic: String, _ entries: [(key: String, value: String)], logger: Logger) -> TopicSettings {
        let (settings, problem) = update(
            topic, overrides: Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }))
        if let problem {
            logger.error(
                "A setting of a topic cannot be used and is left out",
                metadata: ["kafka.topic": "\(topic)", "error": "\(problem)"])
        }
        return settings
    }
}
