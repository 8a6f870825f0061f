// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import LogStorage
import Logging
import Synchronization
import ZooKeeperClient
import ZooKeeperStore

/// Takes what ZooKeeper and the log directories tell to whom it concerns.
///
/// It exists before those whom it tells, since the first events come while the broker is being put together; what comes
/// before ``connect(store:controller:replicas:changes:directories:features:sessionFile:connect:onLastDirectoryLost:)``
/// concerns nobody.
final class EventRouter: Sendable {
    private struct Parts: Sendable {
        let store: ZooKeeperStore
        let controller: ControllerService
        let replicas: ReplicaManager
        let changes: ConfigurationChanges
        let directories: DirectoryFailureReport
        let features: FeatureCache
        let sessionFile: SessionFiles
        let connect: String
        let onLastDirectoryLost: @Sendable () -> Void
    }

    private let parts = Mutex<Parts?>(nil)
    private let status: BrokerStatus
    private let metrics: SessionMetrics
    private let logger: Logger

    init(status: BrokerStatus, metrics: SessionMetrics, logger: Logger) {
        self.status = status
        self.metrics = metrics
        self.logger = logger
    }

    func connect(
        store: ZooKeeperStore, controller: ControllerService, replicas: ReplicaManager, changes: ConfigurationChanges,
        directories: DirectoryFailureReport, features: FeatureCache, sessionFile: SessionFiles, connect: String,
        onLastDirectoryLost: @escaping @Sendable () -> Void
    ) {
        parts.withLock {
            $0 = Parts(
                store: store, controller: controller, replicas: replicas, changes: changes, directories: directories,
                features: features, sessionFile: sessionFile, connect: connect, onLastDirectoryLost: onLastDirectoryLost
            )
        }
    }

    /// Called in order, on the client's own queue.
    func happened(_ event: ZooKeeperEvent) {
        switch event {
        case .connected:
            logger.info("Connected to ZooKeeper")
            metrics.connects.add()
        case .disconnected:
            logger.warning("The connection to ZooKeeper is lost; trying again")
            metrics.disconnects.add()
        case .expired:
            logger.warning("The ZooKeeper session has expired")
            metrics.expirations.add()
            status.sessionExpired()
        case .authFailed:
            logger.error("ZooKeeper has refused the credentials")
            metrics.authFailures.add()
        case .sessionReplaced, .watch, .closed: break
        }
        guard let parts = parts.withLock({ $0 }) else { return }
        switch event {
        case .sessionReplaced(let identity):
            parts.sessionFile.write(
                .init(sessionID: identity.id, password: identity.password, connect: parts.connect))
            parts.controller.submit(.sessionEstablished)
            // No watch is armed in a new session: read again what may have changed meanwhile.
            parts.changes.wake()
            parts.features.wake()
        case .watch(let path, .deleted) where ZNodes.ensured.contains(path): restore(path, parts)
        case .watch(ZNodes.configurationChanges, _): parts.changes.wake()
        case .watch(ZNodes.feature, _): parts.features.wake()
        case .watch:
            if let event = ControllerExecutor.event(event) { parts.controller.submit(event) }
        case .connected, .disconnected, .expired, .authFailed, .closed: break
        }
    }

    /// Somebody has deleted a node that brokers have made sure of. Its watch has gone with it: it is made anew, and looked
    /// at.
    private func restore(_ path: String, _ parts: Parts) {
        logger.error("A znode that brokers depend on was deleted", metadata: ["zookeeper.path": "\(path)"])
        // A bare task: two requests or so, started by a watch.
        Task {
            do {
                try await parts.store.ensurePaths()
            } catch {
                return logger.error(
                    "It could not be made anew", metadata: ["zookeeper.path": "\(path)", "error": "\(error)"])
            }
            if path == ZNodes.configurationChanges { parts.changes.wake() }
            if let event = ControllerExecutor.event(.watch(path: path, kind: .childrenChanged)) {
                parts.controller.submit(event)
            }
        }
    }

    /// The controllership ends before the next session begins.
    func sessionIsBeingReplaced() async {
        guard let parts = parts.withLock({ $0 }) else { return }
        await parts.controller.submitAndWait(.sessionExpired)
    }

    /// A log directory has failed: its partitions go offline, and the controller is told through ZooKeeper.
    func logDirectory(_ event: LogDirectoryEvent) {
        guard let parts = parts.withLock({ $0 }) else { return }
        guard case .offline(let path, _) = event else { return }
        parts.replicas.control.async {
            parts.replicas.takeDirectoryOffline(path)
            if parts.replicas.logs.onlinePaths.isEmpty { parts.onLastDirectoryLost() }
        }
        parts.directories.begin()
    }

    /// Processes all change notifications that are there, and arms the watch for those to come.
    func replayConfigurationChanges() async throws(StartError) {
        guard let parts = parts.withLock({ $0 }) else { return }
        await parts.changes.process()
    }
}
