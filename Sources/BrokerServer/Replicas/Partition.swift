// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterMetadata
import KafkaModel
import KafkaRecords
import LogStorage
import NIOCore
import Replication
import Synchronization

/// One partition that this broker holds: its role, its log, and what both say to producers, consumers and followers.
///
/// Changes of role and appends run on the partition's log thread, so neither meets half of the other; reads and followers'
/// fetches come on any thread. Owner of the role: its lock, which is held for decisions and never for disk or network.
/// Locks nest as partition → log.
final class Partition: Sendable {
    /// What a partition tells the rest of the broker. Called without its lock.
    struct Surroundings: Sendable {
        let localID: BrokerID
        let lagTimeMax: Int64
        /// The high watermark or the log's end moved: what waits for it should look again.
        let moved: @Sendable (TopicPartition) -> Void
        /// Only the log's end moved: nothing is committed that was not before, and whoever waits for that need not look.
        let grew: @Sendable (TopicPartition) -> Void
        /// The in-sync set should change; the topic's id goes along where it is known.
        let propose: @Sendable (Partition, KafkaUUID?, LeaderReplication.Proposal) -> Void
        /// A log has begun a new segment: the one before is to be made durable, off the thread that appends.
        let rolled: @Sendable (PartitionLog) -> Void
        /// A log was cut at its end, on the partition's log thread.
        let cut: @Sendable (PartitionLog, _ end: Offset) -> Void
        let metadata: MetadataCache
        let metrics: ReplicaMetrics
    }

    struct State: Sendable {
        var replica: PartitionReplica
        var log: PartitionLog?
        var settings: TopicSettings
    }

    let id: TopicPartition
    /// Where appends and changes of role run.
    let thread: LogThread
    let surroundings: Surroundings
    /// Of the topic.
    let metrics: TopicMetrics
    let state: Mutex<State>

    init(_ id: TopicPartition, thread: LogThread, settings: TopicSettings, _ surroundings: Surroundings) {
        self.id = id
        self.thread = thread
        self.surroundings = surroundings
        metrics = surroundings.metrics.topics.topic(id.topic)
        state = Mutex(State(replica: PartitionReplica(localID: surroundings.localID), settings: settings))
    }

    /// Runs work on the partition's log thread, in order.
    func submit(_ work: @escaping @Sendable (Partition) -> Void) {
        thread.submit { work(self) }
    }

    var log: PartitionLog? { state.withLock { $0.log } }

    var isLeader: Bool { state.withLock { $0.replica.isLeader } }

    /// The topic's settings changed.
    func reconfigure(_ settings: TopicSettings) {
        let log = state.withLock { state in
            state.settings = settings
            return state.log
        }
        log?.reconfigure(settings.log)
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let isAlive = aliveness
        _ = withLeader { leader in
            leader.minimumInSync = settings.configuration.minInSyncReplicas
            return ((), leader.begin(now: now, isAlive: isAlive))
        }
    }

    /// Performs what the leader's machine decided. Called without the lock.
    func perform(_ actions: [LeaderReplication.Action]) {
        for action in actions {
            switch action {
            case .highWatermarkAdvanced(let offset):
                _ = log?.raiseHighWatermark(to: offset)
                surroundings.moved(id)
            case .propose(let proposal):
                surroundings.propose(self, state.withLock { $0.replica.topicID }, proposal)
            }
        }
    }

    /// Whether a broker lives, as the metadata says at this moment.
    var aliveness: (BrokerID) -> Bool {
        let image = surroundings.metadata.current
        return { image.isAlive($0) }
    }

    /// Lets the leader's machine see an event; nil when this broker does not lead.
    func withLeader<Result: Sendable>(
        _ body: (inout LeaderReplication) -> (Result, [LeaderReplication.Action])
    ) -> Result? {
        let outcome = state.withLock { state -> (Result, [LeaderReplication.Action])? in
            state.replica.withLeader { body(&$0) }
        }
        guard let outcome else { return nil }
        perform(outcome.1)
        return outcome.0
    }
}

extension Partition {
    /// Lets the leader's machine hear what became of its proposal, and counts how its in-sync set has changed.
    func proposalEnded(
        isRefused: Bool, _ body: (inout LeaderReplication) -> [LeaderReplication.Action]
    ) {
        let growth = withLeader { leader -> (Int, [LeaderReplication.Action]) in
            let before = leader.inSyncReplicas.count
            let actions = body(&leader)
            return (leader.inSyncReplicas.count - before, actions)
        }
        if isRefused { surroundings.metrics.failedInSyncChanges.add() }
        guard let growth else { return }
        if growth > 0 { surroundings.metrics.inSyncExpansions.add() }
        if growth < 0 { surroundings.metrics.inSyncShrinks.add() }
    }
}

/// A topic's settings in the forms in which partitions need them; made once for all partitions of a topic.
final class TopicSettings: Sendable {
    let configuration: TopicConfiguration
    let log: LogConfiguration
    /// Replicas whose leaders, and whose followers, are throttled (KIP-73).
    let throttledLeaders: ThrottledReplicas
    let throttledFollowers: ThrottledReplicas
    private let validation: ProduceValidator.Settings

    init(_ configuration: TopicConfiguration) {
        self.configuration = configuration
        log = LogConfiguration(configuration)
        throttledLeaders = ThrottledReplicas(configuration.throttledLeaderReplicas)
        throttledFollowers = ThrottledReplicas(configuration.throttledFollowerReplicas)
        validation = ProduceValidator.Settings(configuration)
    }

    /// What decides whether the partition takes records.
    func validator(for partition: TopicPartition) -> ProduceValidator {
        var settings = validation
        settings.partition = partition
        return ProduceValidator(settings)
    }
}
