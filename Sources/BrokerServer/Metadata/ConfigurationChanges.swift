// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import KafkaModel
import KafkaNetworking
import Logging
import Synchronization
import ZooKeeperStore

/// Follows `/config/changes`: each entry names an entity whose settings have changed and are read again.
///
/// One round at a time; a wake-up during a round makes another follow. All entries that are there are replayed at the start.
final class ConfigurationChanges: Sendable {
    private struct State {
        var notifications = ChangeNotifications(directory: ZNodes.configurationChanges)
        var isRunning = false
        var isWanted = false
    }

    private let services: BrokerServices
    private let state = Mutex(State())

    init(_ services: BrokerServices) {
        self.services = services
    }

    /// Something may have changed.
    func wake() {
        let mustStart = state.withLock { state in
            state.isWanted = true
            guard !state.isRunning else { return false }
            state.isRunning = true
            return true
        }
        // A bare task: it lives for a round, started by a watch.
        if mustStart { Task { await rounds() } }
    }

    /// One round, waited for; used at the start.
    func process() async {
        state.withLock { $0.isRunning = true }
        await round()
        await rounds()
    }

    private func rounds() async {
        while true {
            let goesOn = state.withLock { state in
                guard state.isWanted else {
                    state.isRunning = false
                    return false
                }
                state.isWanted = false
                return true
            }
            guard goesOn else { return }
            await round()
        }
    }

    private func round() async {
        var notifications = state.withLock { $0.notifications }
        do throws(StoreError) {
            let entries = try await services.store.pendingNotifications(&notifications, now: BrokerClock.now)
            let taken = notifications
            state.withLock { $0.notifications = taken }
            for entry in entries { await take(entry.path, entry.data) }
        } catch {
            services.logger.warning("Changes of settings could not be read", metadata: ["error": "\(error)"])
        }
    }

    private func take(_ path: String, _ data: [UInt8]?) async {
        do {
            let entity = try ZNodeCodec.decodeConfigurationChange(path, data)
            let parts = entity.split(separator: "/", maxSplits: 1)
            guard parts.count == 2 else { return }
            if entity == DynamicEntries.clusterWide || entity == DynamicEntries.entity(of: services.identity.id) {
                return try await takeBrokerSettings()
            }
            guard parts[0] == "topics" else { return }
            let topic = String(parts[1])
            let entries = try await services.store.configuration(entity)
            let settings = services.settings.take(topic, entries, logger: services.logger)
            services.replicas.reconfigure(topic, settings)
            if settings.configuration.overrides["unclean.leader.election.enable"] == "true" {
                services.controller.submit(.uncleanElectionEnabledForTopic(topic))
            }
            services.logger.info(
                "The settings of a topic have changed",
                metadata: [
                    "kafka.topic": "\(topic)",
                    "settings": "\(entries.map { "\($0.key)=\($0.value)" }.joined(separator: ","))",
                ])
        } catch {
            services.logger.error(
                "A change of settings could not be carried out",
                metadata: ["zookeeper.path": "\(path)", "error": "\(error)"])
        }
    }

    /// The settings of this broker, or of all, have changed: what topics take from them changes at once.
    private func takeBrokerSettings() async throws(StoreError) {
        let before = services.live.current
        let entries = try await DynamicEntries.read(services.identity.id, from: services.store)
        let (configuration, problems) = services.live.apply(entries)
        for problem in problems {
            services.logger.error("A dynamic setting cannot be used", metadata: ["error": "\(problem)"])
        }
        for (topic, settings) in services.settings.reconfigure(configuration) {
            services.replicas.reconfigure(topic, settings)
        }
        services.cleaner.reconfigure(configuration.cleaner)
        services.admission.update(.init(configuration.network))
        services.replicas.logs.reconfigure(
            recoveryThreads: configuration.logs.recoveryThreadsPerDirectory,
            producerExpiration: configuration.transactions.producerIDExpiration.wholeMilliseconds)
        services.controller.submit(
            .settingsChanged(ControllerSettings(configuration, id: services.identity.id)))
        if configuration.controller.uncleanLeaderElection, !before.controller.uncleanLeaderElection {
            services.controller.submit(.uncleanElectionEnabled)
        }
        services.logger.info("The settings of the broker have changed")
        let late = Self.fixedWhileRunning.filter { before[keyPath: $0.value] != configuration[keyPath: $0.value] }.keys
        if !late.isEmpty {
            services.logger.warning(
                "Settings that take effect with the next start have changed",
                metadata: ["settings": "\(late.sorted().joined(separator: ","))"])
        }
    }

    /// Kafka changes these numbers of threads at once. Here partitions and connections keep theirs for as long as they live.
    private static let fixedWhileRunning: [String: KeyPath<BrokerConfiguration, Int> & Sendable] = [
        "num.io.threads": \.network.ioThreads, "num.network.threads": \.network.networkThreads,
        "num.replica.fetchers": \.replication.fetchersPerBroker,
    ]
}
