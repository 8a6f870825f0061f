// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import ClusterMetadata
import Dispatch
import KafkaModel
import LogStorage
import Logging
import NIOCore
import Replication
import Synchronization

/// All partitions that this broker holds: finds them for requests, and does to them what the controller says.
///
/// Owner of the table: its lock, held for a look-up. Control requests are carried out one after the other on a queue of
/// their own, which may wait for log threads; nothing else may.
final class ReplicaManager: Sendable {
    enum Hosted: Sendable {
        case online(Partition)
        /// Its log directory has failed.
        case offline(Partition)
    }

    let localID: BrokerID
    let logs: LogDirectories
    let threads: LogThreads
    let metadata: MetadataCache
    let settings: TopicSettingsRegistry
    /// Produces that wait for replicas, by partition.
    let delayedProduce: DelayedOperations<TopicPartition>
    /// Fetches that wait for records, by partition.
    let delayedFetch: DelayedOperations<TopicPartition>
    /// Deletions of records that wait for replicas, by partition.
    let delayedDeleteRecords: DelayedOperations<TopicPartition>
    let fence = Mutex(ControlFence())
    let logger: Logger
    let control = DispatchQueue(label: "martlet.control-requests")
    /// Where segments that are full are made durable: one after the other, since they share disks.
    private let segmentFlushes = DispatchQueue(label: "martlet.segment-flushes", qos: .utility)
    private let mayCheckpoint = Atomic(false)
    /// A replica found no room for its log.
    let lacksRoom = Atomic(false)
    private let hosted = Mutex<[TopicPartition: Hosted]>([:])
    private let surroundings: @Sendable (ReplicaManager) -> Partition.Surroundings
    let followers: any FollowerFetching
    /// Replicas on their way to other log directories.
    let moves: DirectoryMoves
    let metrics: ReplicaMetrics

    init(
        localID: BrokerID, logs: LogDirectories, threads: LogThreads, metadata: MetadataCache,
        settings: TopicSettingsRegistry, timer: TimerThread, lagTimeMax: Duration, followers: any FollowerFetching,
        moves: DirectoryMoves, metrics: ReplicaMetrics = ReplicaMetrics(),
        propose: @escaping @Sendable (Partition, KafkaUUID?, LeaderReplication.Proposal) -> Void, logger: Logger
    ) {
        self.localID = localID
        self.logs = logs
        self.threads = threads
        self.metadata = metadata
        self.settings = settings
        self.followers = followers
        self.moves = moves
        self.metrics = metrics
        self.logger = logger
        delayedProduce = DelayedOperations(timer: timer)
        delayedFetch = DelayedOperations(timer: timer)
        delayedDeleteRecords = DelayedOperations(timer: timer, sweepInterval: 1)
        let lag = lagTimeMax.wholeMilliseconds
        surroundings = { manager in
            Partition.Surroundings(
                localID: localID, lagTimeMax: lag,
                moved: { [weak manager] partition in manager?.moved(partition) },
                grew: { [weak manager] partition in _ = manager?.delayedFetch.check(partition) },
                propose: propose, rolled: { [weak manager] log in manager?.flushRolledSegments(of: log) },
                cut: { [weak manager] log, end in manager?.logWasCut(log, to: end) },
                metadata: metadata, metrics: metrics)
        }
    }

    // MARK: Looking

    /// The partition if it is here and its directory is well.
    func partition(_ id: TopicPartition) -> Partition? {
        guard case .online(let partition) = hosted.withLock({ $0[id] }) else { return nil }
        return partition
    }

    /// The partition for a request that only its leader can serve, or what to tell the client.
    func leader(of id: TopicPartition) throws(ProduceRefusal) -> Partition {
        switch hosted.withLock({ $0[id] }) {
        case .online(let partition):
            guard partition.isLeader else { throw ProduceRefusal(.notLeaderOrFollower) }
            return partition
        case .offline: throw ProduceRefusal(.kafkaStorageError)
        case nil:
            throw ProduceRefusal(
                metadata.current.partition(id) == nil ? .unknownTopicOrPartition : .notLeaderOrFollower)
        }
    }

    /// Why a partition cannot be read here.
    func absence(of id: TopicPartition) -> ErrorCode {
        switch hosted.withLock({ $0[id] }) {
        case .offline: .kafkaStorageError
        case .online: .notLeaderOrFollower
        case nil: metadata.current.partition(id) == nil ? .unknownTopicOrPartition : .notLeaderOrFollower
        }
    }

    /// Who leads a partition, for who looked for the leader here (KIP-951). What this broker's replica was told comes before
    /// the metadata, which hears of a new leader later; unless the metadata is newer.
    func knownLeader(of id: TopicPartition) -> (leader: BrokerID, epoch: LeaderEpoch)? {
        let told = partition(id)?.state.withLock { ($0.replica.knownLeader, $0.replica.leaderEpoch) }
        let image = metadata.current.partition(id)
        if let (leader, epoch) = told, let leader, epoch >= image?.leaderEpoch ?? -1 { return (leader, epoch) }
        guard let image, image.hasLeader, image.leaderEpoch >= told?.1 ?? -1 else { return nil }
        return (image.leader, image.leaderEpoch)
    }

    var partitions: [Partition] {
        hosted.withLock { $0.values.compactMap { if case .online(let partition) = $0 { partition } else { nil } } }
    }

    /// How many partitions are here whose log directory has failed.
    var offlineCount: Int { hosted.withLock { $0.values.reduce(0) { if case .offline = $1 { $0 + 1 } else { $0 } } } }

    /// How far a produce is replicated; nil while replicas are missing.
    func acknowledgement(of id: TopicPartition, through last: Offset, epoch: LeaderEpoch) -> ErrorCode? {
        guard let partition = partition(id) else { return absence(of: id) }
        return partition.acknowledgement(through: last, epoch: epoch)
    }

    /// Something moved in the partition: who waits for it looks again.
    func moved(_ id: TopicPartition) {
        delayedFetch.check(id)
        delayedProduce.check(id)
        delayedDeleteRecords.check(id)
    }

    /// The topic's settings changed: its partitions take them over at once.
    func reconfigure(_ topic: String, _ settings: TopicSettings) {
        for partition in partitions where partition.id.topic == topic { partition.reconfigure(settings) }
    }

    // MARK: The table, for control requests

    /// Finds the partition or makes a place for it.
    func obtain(_ id: TopicPartition, _ settings: TopicSettings) -> Partition {
        hosted.withLock { hosted in
            if case .online(let partition) = hosted[id] { return partition }
            let partition = Partition(
                id, thread: threads.thread(for: id), settings: settings, surroundings(self))
            hosted[id] = .online(partition)
            return partition
        }
    }

    func isOffline(_ id: TopicPartition) -> Bool {
        if case .offline = hosted.withLock({ $0[id] }) { true } else { false }
    }

    func remove(_ id: TopicPartition) -> Partition? {
        hosted.withLock { hosted in
            switch hosted.removeValue(forKey: id) {
            case .online(let partition), .offline(let partition): partition
            case nil: nil
            }
        }
    }

    /// The partition's log directory has failed.
    func takeOffline(_ id: TopicPartition) {
        let partition = hosted.withLock { hosted -> Partition? in
            guard case .online(let partition) = hosted[id] else { return nil }
            hosted[id] = .offline(partition)
            return partition
        }
        partition?.retire()
    }
}

/// Copies leaders' logs into the partitions that follow.
protocol FollowerFetching: Sendable {
    /// Begins, or begins anew, to fetch from a leader.
    func start(_ partition: Partition, from leader: BrokerID, epoch: LeaderEpoch)
    /// Stops to fetch; when this returns nothing more is appended.
    func stop(_ partitions: [TopicPartition])
    /// Ends all fetching for good; when this returns nothing more is appended.
    func stop()
}

// MARK: Jobs

extension ReplicaManager {
    /// The first LeaderAndIsr has told which partitions are here, so that their high watermarks may be written down.
    /// Before it, a checkpoint would forget the marks of partitions not yet known.
    func startCheckpointing() { mayCheckpoint.store(true, ordering: .releasing) }

    /// Writes the high watermarks of all partitions to their directories.
    func checkpointHighWatermarks() {
        guard mayCheckpoint.load(ordering: .acquiring) else { return }
        logs.checkpointHighWatermarks()
    }

    /// Lets leaders look for followers that lag. Every half of `replica.lag.time.max.ms`.
    func checkLag() {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        for partition in partitions {
            _ = partition.withLeader { leader in ((), leader.removeLaggards(now: now)) }
        }
        // Who was waited for because it was about to join may have stopped to.
        reconsiderHighWatermarks()
    }

    /// Whether replicas had found no room for their logs and there is some again. Tells so once.
    func hasRoomAgain() -> Bool {
        guard lacksRoom.load(ordering: .acquiring), logs.hasRoom else { return false }
        lacksRoom.store(false, ordering: .releasing)
        return true
    }

    /// Makes what lies before the active segment durable, later and elsewhere. A failure takes the directory offline.
    func flushRolledSegments(of log: PartitionLog) {
        segmentFlushes.async { [logger, metrics] in
            let start = BrokerClock.monotonicNanoseconds
            defer { metrics.flushes.record(nanoseconds: Int64(clamping: BrokerClock.monotonicNanoseconds &- start)) }
            do throws(LogError) {
                try log.flushRolledSegments()
            } catch {
                // One that was closed or deleted meanwhile needs no flush.
                if case .closed = error { return }
                logger.error(
                    "A full segment could not be flushed",
                    metadata: ["kafka.partition": "\(log.topicPartition)", "error": "\(error)"])
            }
        }
    }

    /// How far a replica's log lies behind: behind the high watermark, or, for a future copy, behind the current log.
    func lag(of partition: TopicPartition, logEnd: Offset, isFuture: Bool) -> Int64 {
        guard let log = logs.log(for: partition) else { return -1 }
        let offsets = log.offsets
        return isFuture ? offsets.logEnd - logEnd : max(0, offsets.highWatermark - logEnd)
    }
}
