// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging
import Synchronization

/// The settings of the log manager that are the broker's, not a topic's.
package struct LogDirectoriesConfiguration: Sendable {
    /// `log.dirs`, in order.
    package var paths: [String]
    package var brokerID: BrokerID
    /// Nil: not known yet; a directory that names one is accepted and decides.
    package var clusterID: String?
    /// `num.recovery.threads.per.data.dir`
    package var recoveryThreads = 1
    /// `producer.id.expiration.ms`
    package var producerExpiration: Int64 = 86_400_000
    /// At most so many files of logs stay open.
    package var openFiles = 8192
    /// The settings of logs whose topic has no own, and of all until the caller says otherwise.
    package var defaults = LogConfiguration()
    /// By topic, where settings differ from the defaults, as far as they are known at the start.
    package var topics: [String: LogConfiguration] = [:]

    package init(paths: [String], brokerID: BrokerID, clusterID: String? = nil) {
        self.paths = paths
        self.brokerID = brokerID
        self.clusterID = clusterID
    }
}

/// Why the log directories could not be opened at all: one line each for the operator, and the broker does not start.
package enum LogDirectoriesError: Error, Sendable {
    /// Another process holds the directory's lock.
    case locked(path: String)
    /// Two entries of `log.dirs` are the same directory.
    case sameDirectory(String, String)
    /// `meta.properties` names another broker.
    case otherBroker(path: String, found: BrokerID, expected: BrokerID)
    /// `meta.properties` names another cluster.
    case otherCluster(path: String, found: String, expected: String)
    /// `meta.properties` is of a KRaft node.
    case otherMode(path: String)
    /// One partition is in two directories.
    case duplicate(TopicPartition, String, String)
    /// No directory can be used; with the first reason.
    case noneUsable(LogError)
}

extension LogDirectoriesError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .sameDirectory(let first, let second):
            "log.dirs names the same directory twice: \(first) and \(second)"
        case .locked(let path):
            "log directory \(path) is locked by another process: is a broker running on it already?"
        case .otherBroker(let path, let found, let expected):
            "log directory \(path) belongs to broker \(found), but broker.id is \(expected) "
                + "(see meta.properties there)"
        case .otherCluster(let path, let found, let expected):
            "log directory \(path) belongs to cluster \(found), but ZooKeeper says \(expected) "
                + "(see meta.properties there)"
        case .otherMode(let path):
            "log directory \(path) was formatted for KRaft (meta.properties has version 1); this broker uses ZooKeeper"
        case .duplicate(let partition, let first, let second):
            "partition \(partition) is in both \(first) and \(second): remove one of the two"
        case .noneUsable(let error): "no log directory can be used: \(error)"
        }
    }
}

/// What happened in a log directory that others must know of.
package enum LogDirectoryEvent: Sendable {
    /// It failed and is offline from now on; its logs refuse everything.
    case offline(path: String, LogError)
}

/// What DescribeLogDirs tells of a directory.
package struct LogDirectoryDescription: Sendable {
    package var path: String
    package var isOffline: Bool
    package var space: FileSystemSpace?
    package struct Replica: Sendable {
        package var partition: TopicPartition
        package var byteCount: Int64
        package var logEnd: Offset
        package var isFuture: Bool
    }
    package var replicas: [Replica]
}

/// All logs of a broker, in its `log.dirs`.
///
/// Owner: the broker, from ``open(_:fileSystem:now:logger:onEvent:)`` to ``close(now:)``. All calls are synchronous, may
/// block on the disk, and are safe from any thread. Nothing here runs by itself: the periodic jobs are methods.
package final class LogDirectories: Sendable {
    /// As at the start; see ``reconfigure(recoveryThreads:producerExpiration:)``.
    package let configuration: LogDirectoriesConfiguration
    let fileSystem: any FileSystem
    let pool: FilePool
    let directories: [LogDirectory]
    let logger: Logger

    struct State {
        var logs = LogTable()
        /// Copies that are to take over in another directory (KIP-113).
        var future = LogTable()
        /// Where logs that are not there yet shall be made.
        var preferred: [TopicPartition: String] = [:]
        var defaults: LogConfiguration
        /// Partition directories that were renamed to `-delete`, with the time at which they go.
        var doomed: [(path: String, health: DirectoryHealth, at: Timestamp)] = []
    }
    let state: Mutex<State>
    let producerExpiration: ProducerExpiration
    private let recoveryThreadCount: Atomic<Int>
    let recovery = Mutex(RecoveryMeter())
    /// One creation or move of a partition's directory at a time.
    let creating = Mutex<Void>(())
    /// One checkpoint round at a time.
    let checkpointing = Mutex<Void>(())

    init(
        _ configuration: LogDirectoriesConfiguration, fileSystem: any FileSystem, pool: FilePool,
        directories: [LogDirectory], logger: Logger
    ) {
        self.configuration = configuration
        self.fileSystem = fileSystem
        self.pool = pool
        self.directories = directories
        self.logger = logger
        self.state = Mutex(State(defaults: configuration.defaults))
        producerExpiration = ProducerExpiration(milliseconds: configuration.producerExpiration)
        recoveryThreadCount = Atomic(configuration.recoveryThreads)
    }

    /// Takes over those settings of the broker that may change while it runs.
    package func reconfigure(recoveryThreads: Int, producerExpiration: Int64) {
        recoveryThreadCount.store(recoveryThreads, ordering: .relaxed)
        self.producerExpiration.milliseconds = producerExpiration
    }

    /// For each directory, at the start and at the stop.
    var recoveryThreads: Int { max(recoveryThreadCount.load(ordering: .relaxed), 1) }

    // MARK: Logs

    /// The log of a partition, if this broker has one.
    package func log(for partition: TopicPartition) -> PartitionLog? {
        state.withLock { $0.logs[partition] }
    }

    /// The copy of a partition's log that is to take over in another directory.
    package func futureLog(for partition: TopicPartition) -> PartitionLog? {
        state.withLock { $0.future[partition] }
    }

    package var logs: [PartitionLog] { state.withLock { Array($0.logs.all) } }

    /// With the copies that are to take over.
    var allLogs: [PartitionLog] { state.withLock { Array($0.logs.all) + Array($0.future.all) } }

    /// `log.dirs` that can be used, in order.
    package var onlinePaths: [String] { directories.filter { !$0.health.isOffline }.map(\.path) }

    /// `log.dirs` that have failed.
    package var offlinePaths: [String] { directories.filter(\.health.isOffline).map(\.path) }

    /// In each directory that is online, how many places in files of records were found damaged since the start.
    package var damagedPlaces: [(path: String, count: Int)] {
        directories.filter { !$0.health.isOffline }.map { ($0.path, $0.health.damagedPlaces) }
    }

    package var hasOfflineDirectory: Bool { directories.contains { $0.health.isOffline } }

    /// What the start of the logs has done so far, for metrics and readiness: in all directories, and in each.
    package var progress: LoadProgress { recovery.withLock { $0.total } }
    package var progressByDirectory: [String: LoadProgress] { recovery.withLock { $0.directories } }

    /// The cluster that the directories belong to; nil as long as none names it.
    package var clusterID: String? { directories.lazy.compactMap { $0.meta.withLock { $0?.clusterID } }.first }
}
