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
    /// The log directories, in order.
    let paths: [String]
    private let directory: URL
    private let ownsDirectory: Bool
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

    /// - Parameters:
    ///   - properties: of the broker, whose id is 1.
    ///   - parent: where the log directories lie, which then outlive the scene; a new place unless given.
    init(
        _ properties: [String: String] = [:], brokers: [BrokerInfo] = ReplicaScene.brokers(1, 2, 3),
        directories: Int = 1, in parent: URL? = nil, fileSystem: any FileSystem = PosixFileSystem()
    ) throws {
        directory =
            parent ?? FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        ownsDirectory = parent == nil
        paths = (0..<directories).map { [directory] in directory.appendingPathComponent("data-\($0)").path }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var all = ["zookeeper.connect": "localhost", "broker.id": "1", "log.dirs": paths.joined(separator: ",")]
        all.merge(properties) { $1 }
        let configuration = try BrokerConfiguration.parse(properties: all).configuration
        let logger = Logger(label: "scene") { _ in SwiftLogNoOpLogHandler() }
        settings = TopicSettingsRegistry(configuration)
        let logs = try LogDirectories.open(
            LogDirectoriesConfiguration(paths: paths, brokerID: 1, clusterID: "scene"), fileSystem: fileSystem,
            now: BrokerClock.now, logger: logger, onEvent: { _ in })
        let proposals = collected
        let moveRate = moveRate
        replicas = ReplicaManager(
            localID: 1, logs: logs, threads: LogThreads(count: 2), metadata: metadata, settings: settings,
            timer: timer, lagTimeMax: configuration.replication.lagTimeMax, followers: followers,
            moves: DirectoryMoves(
                threads: configuration.logs.moveThreads, timer: timer,
                throttle: MoveThrottle { moveRate.current }, logger: logger),
            propose: { _, _, proposal in proposals.all.withLock { $0.append(proposal) } }, logger: logger)
        _ = metadata.apply(MetadataUpdate(controllerID: 1, brokers: brokers, topics: []))
    }

    /// Bytes per second that moves between directories may copy.
    let moveRate = SharedNumber(.max)

    final class SharedNumber: Sendable {
        private let value: Atomic<Int>
        init(_ value: Int) { self.value = Atomic(value) }
        var current: Int {
            get { value.load(ordering: .relaxed) }
            set { value.store(newValue, ordering: .relaxed) }
        }
    }

    private final class Proposals: Sendable {
        let all = Mutex<[LeaderReplication.Proposal]>([])
    }
    private let collected = Proposals()

    private let hasEnded = Atomic(false)

    /// Stops in order, so that another scene can have the directories. Without it that may be a little later than the last
    /// use: the last reference may be a thread's.
    func end() {
        guard !hasEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        replicas.moves.stop()
        replicas.threads.shutDown()
        replicas.logs.close(now: BrokerClock.now)
        timer.stop()
    }

    deinit {
        end()
        if ownsDirectory { try? FileManager.default.removeItem(at: directory) }
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
    @discardableResult
    func append(
        _ count: Int, to partition: TopicPartition, timestamp: Timestamp = BrokerClock.now, size: Int = 0
    ) async throws -> (last: Offset, epoch: LeaderEpoch) {
        var builder = RecordBatchBuilder()
        for index in 0..<count {
            var value = ByteBuffer(string: "value-\(index)")
            value.writeRepeatingByte(0x78, count: size)
            builder.append(timestamp: timestamp, key: nil, value: value)
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
