// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import ClusterMetadata
import Coordination
import Dispatch
import GroupCoordination
import KafkaModel
import KafkaRecords
import Logging
import Synchronization

/// Coordinates the groups of all partitions of `__consumer_offsets` that this broker leads.
///
/// Owner of the table of shards: the lock, held for a look-up. Partitions come and go on the control queue; they are loaded
/// one after the other on a queue that may block.
final class GroupCoordinationService: Sendable {
    private struct Table {
        var shards: [Int32: GroupShard] = [:]
        /// The largest leader epoch that was heard of, by partition: older news is void.
        var epochs: [Int32: LeaderEpoch] = [:]
    }

    private let localID: BrokerID
    /// How many partitions the topic has, fixed since the start.
    private let partitionCount: Int32
    private let configuration: GroupConfiguration
    /// Whether instance ids are understood: all brokers are 2.3 or later.
    let allowsStaticMembers: Bool
    private let openLog: @Sendable (TopicPartition) -> (any CoordinatedLog)?
    private let surroundings: GroupShard.Surroundings
    private let table = Mutex(Table())
    private let loading = DispatchQueue(label: "martlet.group-loading")
    private let logger: Logger

    init(
        localID: BrokerID, partitionCount: Int32, configuration: GroupConfiguration, allowsStaticMembers: Bool = true,
        surroundings: GroupShard.Surroundings, logger: Logger,
        openLog: @escaping @Sendable (TopicPartition) -> (any CoordinatedLog)?
    ) {
        self.localID = localID
        self.partitionCount = partitionCount
        self.configuration = configuration
        self.allowsStaticMembers = allowsStaticMembers
        self.openLog = openLog
        self.surroundings = surroundings
        self.logger = logger
    }

    convenience init(
        _ configuration: BrokerConfiguration, partitionCount: Int32, replicas: ReplicaManager, timer: TimerThread,
        logger: Logger
    ) {
        let offsets = configuration.offsets
        let codec = CompressionCodec(rawValue: Int8(truncatingIfNeeded: offsets.topicCompressionCodec)) ?? .none
        self.init(
            localID: replicas.localID, partitionCount: partitionCount, configuration: GroupConfiguration(configuration),
            allowsStaticMembers: configuration.interBrokerProtocol >= .v2_3_IV0,
            surroundings: GroupShard.Surroundings(
                timer: timer, queue: DispatchQueue(label: "martlet.group-time"), compression: Compression(codec),
                now: { BrokerClock.now }),
            logger: logger
        ) { id in
            guard let partition = replicas.partition(id) else { return nil }
            return LedPartition(
                partition: partition, replicas: replicas, timeout: offsets.commitTimeout.wholeMilliseconds,
                chunkBytes: offsets.loadBufferBytes)
        }
    }

    // MARK: Requests

    /// Hands a request to the coordinator of its group; who is no coordinator answers as one that has none of the groups.
    func request(
        _ group: String, _ deliver: @escaping GroupShard.Deliver,
        _ call: (inout GroupCoordinator, RequestToken, Timestamp) -> [GroupAction]
    ) {
        if let shard = shard(of: group) { return shard.request(deliver, call) }
        var nobody = nobody
        for case .reply(_, let reply) in call(&nobody, RequestToken(0), 0) { deliver(reply) }
    }

    func describe(_ group: String) -> GroupDescription {
        shard(of: group)?.look { $0.describe(group) } ?? nobody.describe(group)
    }

    func fetchOffsets(_ request: OffsetFetch) -> OffsetFetchAnswer {
        shard(of: request.group)?.look { $0.fetchOffsets(request) } ?? nobody.fetchOffsets(request)
    }

    /// All groups of this broker. While a partition loads there is an error, and what is known is listed all the same.
    func list() -> (error: ErrorCode, groups: [GroupListing]) {
        var listed: (error: ErrorCode, groups: [GroupListing]) = (.none, [])
        for shard in shards {
            let (error, groups) = shard.look { $0.list() }
            listed.groups += groups
            if error == .coordinatorLoadInProgress { listed.error = error }
        }
        return listed
    }

    private func shard(of group: String) -> GroupShard? {
        let partition = CoordinatorPartitioning.partition(of: group, count: partitionCount)
        return table.withLock { $0.shards[partition] }
    }

    private var shards: [GroupShard] {
        table.withLock { $0.shards.values.sorted { $0.partition < $1.partition } }
    }

    /// A coordinator of no partition, which has the right answers.
    private var nobody: GroupCoordinator {
        var nobody = GroupCoordinator(configuration: configuration)
        _ = nobody.unload(now: 0)
        return nobody
    }

    // MARK: Partitions

    /// The controller has said who leads.
    func rolesChanged(_ outcome: ReplicaManager.LeaderAndIsrOutcome) {
        for change in outcome.leading where change.partition.topic == InternalTopic.consumerOffsets {
            lead(change.partition.partition, epoch: change.leaderEpoch)
        }
        for change in outcome.following where change.partition.topic == InternalTopic.consumerOffsets {
            resign(change.partition.partition, epoch: change.leaderEpoch)
        }
    }

    func stopped(_ stops: [ControlRequest.StopReplica.Partition]) {
        for stop in stops where stop.partition.topic == InternalTopic.consumerOffsets {
            resign(stop.partition.partition, epoch: stop.leaderEpoch < 0 ? nil : stop.leaderEpoch)
        }
    }

    /// This broker leads the partition: its log is read, and its groups are served.
    func lead(_ partition: Int32, epoch: LeaderEpoch) {
        let id = TopicPartition(InternalTopic.consumerOffsets, partition)
        guard let log = openLog(id) else { return }
        let shard = table.withLock { table -> GroupShard? in
            guard epoch > table.epochs[partition] ?? -1 else { return nil }
            table.epochs[partition] = epoch
            // Who led before and still does knows all there is.
            guard table.shards[partition] == nil else { return nil }
            let shard = GroupShard(partition: partition, log: log, configuration: configuration, surroundings)
            table.shards[partition] = shard
            return shard
        }
        guard let shard else { return }
        loading.async { [self] in load(shard, id) }
    }

    private func load(_ shard: GroupShard, _ id: TopicPartition) {
        let start = BrokerClock.monotonicMilliseconds
        do {
            guard try shard.load() else { return }
            logger.info(
                "Loaded the groups of a partition",
                metadata: [
                    "kafka.partition": "\(id)", "milliseconds": "\(BrokerClock.monotonicMilliseconds &- start)",
                ])
        } catch {
            // Serving half of what is there would make committed offsets go back.
            logger.critical(
                "The groups of a partition cannot be read, so they are not coordinated",
                metadata: ["kafka.partition": "\(id)", "error": "\(error)"])
            table.withLock { table in
                if table.shards[shard.partition] === shard { table.shards[shard.partition] = nil }
            }
            shard.retire()
        }
    }

    /// This broker does not lead the partition any more. Without an epoch whatever was known is void.
    func resign(_ partition: Int32, epoch: LeaderEpoch?) {
        let shard = table.withLock { table -> GroupShard? in
            if let epoch {
                guard epoch >= table.epochs[partition] ?? -1 else { return nil }
                table.epochs[partition] = epoch
            } else {
                // The topic may come again, with epochs that start anew.
                table.epochs[partition] = nil
            }
            return table.shards.removeValue(forKey: partition)
        }
        shard?.retire()
    }

    /// What the controller has said of topics: the positions in deleted partitions go with them. And a partition that is
    /// led elsewhere by now is not coordinated here, also if this broker could not become its follower.
    func metadataChanged(_ update: MetadataUpdate) {
        for topic in update.topics where topic.name == InternalTopic.consumerOffsets {
            for partition in topic.partitions where partition.state.leader != localID {
                let known = table.withLock { $0.epochs[partition.index] }
                guard let known, partition.state.leaderEpoch > known else { continue }
                resign(partition.index, epoch: partition.state.leaderEpoch)
            }
        }
        var deleted: Set<TopicPartition> = []
        for topic in update.topics {
            for partition in topic.partitions where partition.state.leader == PartitionImage.leaderDuringDeletion {
                deleted.insert(TopicPartition(topic.name, partition.index))
            }
        }
        guard !deleted.isEmpty else { return }
        for shard in shards { shard.notify { $0.partitionsDeleted(deleted, now: $1) } }
    }

    /// Removes what nobody has used for the retention time. Every `offsets.retention.check.interval.ms`.
    func expireOffsets() {
        for shard in shards { shard.notify { $0.expireOffsets(now: $1) } }
    }
}

extension GroupConfiguration {
    init(_ configuration: BrokerConfiguration) {
        self.init()
        let groups = configuration.groups
        let least = Int32(clamping: groups.minSessionTimeout.wholeMilliseconds)
        sessionTimeouts = least...max(least, Int32(clamping: groups.maxSessionTimeout.wholeMilliseconds))
        initialRebalanceDelay = groups.initialRebalanceDelay.wholeMilliseconds
        maxSize = groups.maxSize
        maxMetadataBytes = configuration.offsets.metadataMaxBytes
        offsetRetention = configuration.offsets.retention.wholeMilliseconds
        switch configuration.interBrokerProtocol {
        case .v2_1_IV1...: offsetValueVersion = 3
        case .v2_1_IV0: offsetValueVersion = 2
        default: offsetValueVersion = 1
        }
        switch configuration.interBrokerProtocol {
        case .v2_3_IV0...: groupValueVersion = 3
        case .v2_1_IV0...: groupValueVersion = 2
        case ...(.v0_10_0_IV1): groupValueVersion = 0
        default: groupValueVersion = 1
        }
    }
}
