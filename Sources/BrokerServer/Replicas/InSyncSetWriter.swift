// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Logging
import Replication
import Synchronization
import ZooKeeperStore

/// Changes in-sync sets as brokers did before AlterPartition (inter-broker protocols below 2.7-IV2): the leader writes the
/// partition's state itself, at the version it knows, and lets the controller know through a notification, for many
/// partitions at once.
///
/// Owner: its lock.
final class InSyncSetWriter: Sendable {
    /// Kafka's: how often ``notifyIfDue()`` wants to be called.
    static let checkInterval = Duration.milliseconds(2500)
    /// A notification waits until no set has changed for so long, but not longer than the second.
    private static let quietTime: Int64 = 5000
    private static let longestWait: Int64 = 60_000
    private static let retryInterval = Duration.milliseconds(50)

    private struct State {
        var changed: Set<TopicPartition> = []
        var lastChange: Int64 = 0
        var lastNotification: Int64 = 0
        var isNotifying = false
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

    func stop() { state.withLock { $0.isStopped = true } }

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
            // Another write came first: its author, the controller, will tell.
            guard let version else { return leader.refused(proposal, .invalidUpdateVersion) }
            return leader.accepted(
                proposal, leaderEpoch: proposal.leaderEpoch, partitionEpoch: version,
                inSyncReplicas: proposal.inSyncReplicas, now: now, isAlive: isAlive)
        }
        guard version != nil else { return }
        state.withLock { state in
            state.changed.insert(partition.id)
            state.lastChange = now
        }
    }

    /// Tells the controller of what has changed, once it is time to.
    func notifyIfDue() {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let changed = state.withLock { state -> Set<TopicPartition> in
            guard !state.changed.isEmpty, !state.isNotifying, !state.isStopped,
                now - state.lastChange > Self.quietTime || now - state.lastNotification > Self.longestWait
            else { return [] }
            state.isNotifying = true
            defer { state.changed = [] }
            return state.changed
        }
        guard !changed.isEmpty else { return }
        // A bare task: it lives until the node is made.
        Task {
            var isDone = true
            do throws(StoreError) {
                try await store.notifyIsrChanges(Array(changed))
            } catch {
                isDone = false
                logger.warning("The controller could not be told of in-sync sets", metadata: ["error": "\(error)"])
            }
            state.withLock { state in
                state.isNotifying = false
                if isDone { state.lastNotification = now } else { state.changed.formUnion(changed) }
            }
        }
    }
}
