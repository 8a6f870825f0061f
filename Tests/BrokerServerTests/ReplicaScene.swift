// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterMetadata
import Foundation
import KafkaModel
import KafkaProtocol
import KafkaRecords
import LogStorage
import Logging
import NIOCore
import Replication
import Synchronization

@testable import BrokerServer

/// One broker's replicas over real logs in a temporary directory, with nobody to fetch from: control requests go in, and
/// produces and fetches meet what they made of the partitions.
final class ReplicaScene: Sendable {
    let replicas: ReplicaManager
    let metadata = MetadataCache(clusterID: "scene")
    let settings: TopicSettingsRegistry
    let followers = IdleFollowers()
    private let directory: URL
    private let timer = TimerThread()

    /// What would fetch, if there were leaders.
    final class IdleFollowers: FollowerFetching {
        let leaders = Mutex<[TopicPartition: BrokerID]>([:])

        func start(_ partition: Partition, from leader: BrokerID, epoch: LeaderEpoch) {
            leaders.withLock { $0[partition.id] = leader }
        }
        func stop(_ partitions: [TopicPartition]) {
            leaders.withLock { leaders in for partition in partitions { leaders[partition] = nil } }
        }
        func stop() {}
    }

    /// - Parameter properties: of the broker, whose id is 1.
    init(_ properties: [String: String] = [:], brokers: [BrokerInfo] = ReplicaScene.brokers(1, 2, 3)) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var all = ["zookeeper.connect": "localhost", "broker.id": "1", "log.dirs": directory.path]
        all.merge(properties) { $1 }
        let configuration = try BrokerConfiguration.parse(properties: all).configuration
        let logger = Logger(label: "scene") { _ in SwiftLogNoOpLogHandler() }
        settings = TopicSettingsRegistry(configuration)
        let logs = try LogDirectories.open(
            LogDirectoriesConfiguration(paths: [directory.path], brokerID: 1, clusterID: "scene"),
            now: BrokerClock.now, logger: logger, onEvent: { _ in })
        let proposals = collected
        replicas = ReplicaManager(
            localID: 1, logs: logs, threads: LogThreads(count: 2), metadata: metadata, settings: settings,
            timer: timer, lagTimeMax: configuration.replication.lagTimeMax, followers: followers,
            propose: { _, _, proposal in proposals.all.withLock { $0.append(proposal) } }, logger: logger)
        _ = metadata.apply(MetadataUpdate(controllerID: 1, brokers: brokers, topics: []))
    }

    private final class Proposals: Sendable {
        let all = Mutex<[LeaderReplication.Proposal]>([])
    }
    private let collected = Proposals()

    deinit {
        replicas.threads.shutDown()
        replicas.logs.close(now: BrokerClock.now)
        timer.stop()
        try? FileManager.default.removeItem(at: directory)
    }

    static func brokers(_ ids: BrokerID...) -> [BrokerInfo] {
        ids.map { BrokerInfo(id: $0, rack: "rack-\($0)", endpoints: []) }
    }

    /// What LeaderAndIsr says of one partition.
    static func change(
        _ partition: TopicPartition, leader: BrokerID, epoch: LeaderEpoch, partitionEpoch: PartitionEpoch? = nil,
        inSync: [BrokerID] = [1, 2], replicas: [BrokerID] = [1, 2], topicID: KafkaUUID? = nil, isNew: Bool = true
    ) -> LeaderAndIsrPartition {
        var state = LeaderAndIsrRequest.LeaderAndIsrPartitionState()
        state.partitionIndex = partition.partition
        state.controllerEpoch = 1
        state.leader = leader
        state.leaderEpoch = epoch
        state.isr = inSync
        state.partitionEpoch = partitionEpoch ?? epoch
        state.replicas = replicas
        state.isNew = isNew
        return LeaderAndIsrPartition(state, topic: partition.topic, id: topicID)
    }

    /// Carries out LeaderAndIsr on the control queue and answers the error of each partition.
    @discardableResult
    func leaderAndIsr(_ changes: LeaderAndIsrPartition...) async -> [TopicPartition: ErrorCode] {
        await replicas.onControlQueue { [replicas] in replicas.apply(changes).errors }
    }

    /// Appends so many records as the leader and answers the offset of the last one, and the epoch.
    func append(_ count: Int, to partition: TopicPartition) async throws -> (last: Offset, epoch: LeaderEpoch) {
        var builder = RecordBatchBuilder()
        for index in 0..<count {
            builder.append(timestamp: BrokerClock.now, key: nil, value: ByteBuffer(string: "value-\(index)"))
        }
        guard let hosted = replicas.partition(partition) else { throw Missing(partition: partition) }
        let batches = try hosted.validate(builder.finish(), version: 9)
        let outcome = await withCheckedContinuation { continuation in
            hosted.submit { hosted in
                hosted.append(batches, acks: .all, origin: .client) { continuation.resume(returning: $0) }
            }
        }
        switch outcome {
        case .appended(_, let last, _, _, let epoch): return (last, epoch)
        case .refused(let refusal): throw refusal
        }
    }

    private struct Missing: Error { let partition: TopicPartition }

    /// What the in-sync set was proposed to become, in order.
    var proposed: [[BrokerID]] { collected.all.withLock { $0.map(\.inSyncReplicas) } }
}
