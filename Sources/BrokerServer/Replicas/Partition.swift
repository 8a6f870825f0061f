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
        /// The in-sync set should change; the topic's id goes along where it is known.
        let propose: @Sendable (Partition, KafkaUUID?, LeaderReplication.Proposal) -> Void
        /// A log has begun a new segment: the one before is to be made durable, off the thread that appends.
        let rolled: @Sendable (PartitionLog) -> Void
        let metadata: MetadataCache
    }

    enum Role: Sendable {
        /// Known, but told neither to lead nor to follow yet.
        case idle
        case leader(LeaderReplication)
        /// Nil while the partition has no leader, or one that is not known to live.
        case follower(leader: BrokerID?)
    }

    struct State: Sendable {
        var role = Role.idle
        var leaderEpoch: LeaderEpoch = -1
        /// The epoch under which this broker began to lead without having followed since. Meaningful for a leader only.
        var leadsSince: LeaderEpoch = -1
        var partitionEpoch: PartitionEpoch = -1
        /// The controllership that made the current leader.
        var controllerEpoch: ControllerEpoch = -1
        var replicas: [BrokerID] = []
        var log: PartitionLog?
        var topicID: KafkaUUID?
        var settings: TopicSettings
    }

    let id: TopicPartition
    /// Where appends and changes of role run.
    let thread: LogThread
    let surroundings: Surroundings
    let state: Mutex<State>

    init(_ id: TopicPartition, thread: LogThread, settings: TopicSettings, _ surroundings: Surroundings) {
        self.id = id
        self.thread = thread
        self.surroundings = surroundings
        state = Mutex(State(settings: settings))
    }

    /// Runs work on the partition's log thread, in order.
    func submit(_ work: @escaping @Sendable (Partition) -> Void) {
        thread.submit { work(self) }
    }

    var log: PartitionLog? { state.withLock { $0.log } }

    var isLeader: Bool { state.withLock { if case .leader = $0.role { true } else { false } } }

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
                surroundings.propose(self, state.withLock { $0.topicID }, proposal)
            }
        }
    }

    /// Whether a broker lives, as the metadata says at this moment.
    var aliveness: (BrokerID) -> Bool {
        let image = surroundings.metadata.current
        return { image.isAlive($0) }
    }

    /// Lets the leader's machine see an event; nil when this broker does not lead.
    func withLeader<Result>(_ body: (inout LeaderReplication) -> (Result, [LeaderReplication.Action])) -> Result? {
        let outcome = state.withLock { state -> (Result, [LeaderReplication.Action])? in
            guard case .leader(var leader) = state.role else { return nil }
            // Let go of it, so that it is changed where it lies and not copied.
            state.role = .idle
            let outcome = body(&leader)
            state.role = .leader(leader)
            state.partitionEpoch = leader.leadership.partitionEpoch
            return outcome
        }
        guard let outcome else { return nil }
        perform(outcome.1)
        return outcome.0
    }
}

/// A topic's settings in the forms in which partitions need them; made once for all partitions of a topic.
final class TopicSettings: Sendable {
    let configuration: TopicConfiguration
    let log: LogConfiguration
    private let validation: ProduceValidator.Settings

    init(_ configuration: TopicConfiguration) {
        self.configuration = configuration
        log = LogConfiguration(configuration)
        validation = ProduceValidator.Settings(configuration)
    }

    /// What decides whether the partition takes records.
    func validator(for partition: TopicPartition) -> ProduceValidator {
        var settings = validation
        settings.partition = partition
        return ProduceValidator(settings)
    }
}
