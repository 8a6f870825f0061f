// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Logging
import Replication
import Synchronization
import ZooKeeperStore

/// Changes in-sync sets as brokers did before AlterPartition (inter-broker protocols below 2.7-IV2): the leader writes the
/// partition's state itself, at the version it knows, and lets the controller know through a notification when
/// `InSyncNotifications` says so.
///
/// Owner: its lock.
final class InSyncSetWriter: Sendable {
    /// How often ``notifyIfDue()`` wants to be called.
    static let checkInterval = Duration.milliseconds(InSyncNotifications.checkInterval)
    private static let retryInterval = Duration.milliseconds(50)

    private struct State {
        var notifications = InSyncNotifications()
        var isStopped = false
    }

    private let state = Mutex(State())
    private let localID: BrokerID
    private let store: ZooKeeperStore
    private let logger: Logger

    init(localID: BrokerID, store: ZooKeeperStore, logger: Logger) {
        self.localID = localID
        self.store = store
        self.logger = logger
    }

    func propose(_ partition: Partition, _ proposal: LeaderReplication.Proposal) {
        // A bare task: it lives until the write is answered. A leader has one proposal in flight at most.
        Task { await write(partition, proposal) }
    }

    func stop() {
        state.withLock { state in
            state.isStopped = true
            state.notifications.stop()
        }
    }

    private func write(_ partition: Partition, _ proposal: LeaderReplication.Proposal) async {
        let wanted = PartitionState(
            leader: localID, leaderEpoch: proposal.leaderEpoch, inSyncReplicas: proposal.inSyncReplicas,
            controllerEpoch: partition.state.withLock { $0.replica.controllerEpoch },
            partitionEpoch: proposal.partitionEpoch)
        while !state.withLock({ $0.isStopped }), partition.isLeader {
            do throws(StoreError) {
                let version = try await store.writePartitionState(partition.id, wanted)
                settle(partition, proposal, version)
                return
            } catch {
                logger.debug(
                    "An in-sync set could not be written; trying again",
                    metadata: ["kafka.partition": "\(partition.id)", "error": "\(error)"])
                try? await Task.sleep(for: Self.retryInterval)
            }
        }
    }

    private func settle(_ partition: Partition, _ proposal: LeaderReplication.Proposal, _ version: PartitionEpoch?) {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let isAlive = partition.aliveness
        partition.proposalEnded(isRefused: version == nil) { leader in
            leader.wrote(proposal, version: version, now: now, isAlive: isAlive)
        }
        guard version != nil else { return }
        state.withLock { $0.notifications.wrote(partition.id, now: now) }
    }

    /// Tells the controller of what has changed, once it is time to.
    func notifyIfDue() {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let changed = state.withLock { $0.notifications.due(now: now) }
        guard !changed.isEmpty else { return }
        // A bare task: it lives until the node is made.
        Task {
            var isDone = true
            do throws(StoreError) {
                try await store.notifyIsrChanges(changed)
            } catch {
                isDone = false
                logger.warning("The controller could not be told of in-sync sets", metadata: ["error": "\(error)"])
            }
            state.withLock { $0.notifications.ended(isDone: isDone, now: now) }
        }
    }
}
