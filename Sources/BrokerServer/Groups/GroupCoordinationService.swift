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

typealias GroupShard = CoordinatorShard<GroupCoordinator>

/// Coordinates the groups of all partitions of `__consumer_offsets` that this broker leads.
final class GroupCoordinationService: Sendable {
    private let localID: BrokerID
    private let configuration: GroupConfiguration
    /// Whether instance ids are understood: all brokers are 2.3 or later.
    let allowsStaticMembers: Bool
    private let table: CoordinatorTable<GroupCoordinator>

    init(
        localID: BrokerID, partitionCount: Int32, configuration: GroupConfiguration, allowsStaticMembers: Bool = true,
        surroundings: CoordinatorSurroundings, logger: Logger,
        openLog: @escaping @Sendable (TopicPartition) -> (any CoordinatedLog)?
    ) {
        self.localID = localID
        self.configuration = configuration
        self.allowsStaticMembers = allowsStaticMembers
        table = CoordinatorTable(
            topic: InternalTopic.consumerOffsets, partitionCount: partitionCount, surroundings, logger: logger,
            openLog: openLog, makeMachine: { _ in GroupCoordinator(configuration: configuration) }, perform: { _ in })
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
            surroundings: CoordinatorSurroundings(
                timer: timer, queue: DispatchQueue(label: "martlet.group-time"), compression: Compression(codec),
                now: { .now }),
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
        _ call: (inout GroupCoordinator, RequestToken, CoordinatorTime) -> [GroupAction]
    ) {
        if let shard = shard(of: group) { return shard.request(deliver, call) }
        var nobody = nobody
        for case .reply(_, let reply) in call(&nobody, RequestToken(0), .never) { deliver(reply) }
    }

    /// Heartbeats are most of what members send: they take the short way.
    func heartbeat(_ heartbeat: Heartbeat) -> ErrorCode {
        if let shard = shard(of: heartbeat.group) { return shard.settle { $0.heartbeat(heartbeat, now: $1) } }
        var nobody = nobody
        return nobody.heartbeat(heartbeat, now: .never)
    }

    /// What keeps any request for a group from being served here; nil if nothing does.
    func refusal(_ group: String) -> ErrorCode? {
        guard let shard = shard(of: group) else { return nobody.refusal(group) }
        return shard.look { $0.refusal(group) }
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

    /// How much is looked after here.
    var counts: GroupCounts { shards.reduce(into: GroupCounts()) { $0 += $1.look { $0.counts } } }

    private func shard(of group: String) -> GroupShard? { table.shard(of: group) }

    private var shards: [GroupShard] { table.shards }

    /// The partition of `__consumer_offsets` that a group belongs to.
    func partition(of group: String) -> TopicPartition { table.partition(of: group) }

    /// The marker of a transaction is on the log of a partition of `__consumer_offsets`.
    func transactionEnded(in partition: Int32, producerID: ProducerID, isCommit: Bool, markerOffset: Offset) {
        table.shard(partition)?.notify {
            $0.transactionEnded(producerID: producerID, isCommit: isCommit, markerOffset: markerOffset, now: $1)
        }
    }

    /// A coordinator of no partition, which has the right answers.
    private var nobody: GroupCoordinator {
        var nobody = GroupCoordinator(configuration: configuration)
        _ = nobody.unload(now: .never)
        return nobody
    }

    // MARK: Partitions

    func rolesChanged(_ outcome: ReplicaManager.LeaderAndIsrOutcome) { table.rolesChanged(outcome) }

    func stopped(_ stops: [ControlRequest.StopReplica.Partition]) { table.stopped(stops) }

    func lead(_ partition: Int32, epoch: LeaderEpoch) { table.lead(partition, epoch: epoch) }

    func resign(_ partition: Int32, epoch: LeaderEpoch?) { table.resign(partition, epoch: epoch) }

    /// What the controller has said of topics: the positions in deleted partitions go with them. And a partition that is
    /// led elsewhere by now is not coordinated here, also if this broker could not become its follower.
    func metadataChanged(_ update: MetadataUpdate) {
        table.metadataChanged(update, localID: localID)
        var deleted: Set<TopicPartition> = []
        for topic in update.topics {
            for partition in topic.partitions where partition.state.leader == PartitionImage.leaderDuringDeletion {
                deleted.insert(TopicPartition(topic.name, partition.index))
            }
        }
        guard !deleted.isEmpty else { return }
        let gone = deleted
        for shard in shards { shard.notify { $0.partitionsDeleted(gone, now: $1) } }
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
