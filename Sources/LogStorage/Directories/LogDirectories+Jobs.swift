// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging

extension LogDirectories {
    // MARK: Creating and deleting logs

    /// The log of a partition, made if there is none: in `path`, in the directory that ``prefer(_:for:)`` has named, or in
    /// the online one with the fewest logs among those that have room.
    package func getOrCreateLog(
        _ partition: TopicPartition, topicID: KafkaUUID?, configuration: LogConfiguration, in path: String? = nil,
        now: Timestamp
    ) throws(LogError) -> PartitionLog {
        try creating.withLock { (_) throws(LogError) in
            if let log = log(for: partition) {
                if log.isOffline { throw .directoryOffline(path: log.logDirectory) }
                if let topicID { try log.assignTopicID(topicID) }
                return log
            }
            // A partition whose directory is offline may be in it: making an empty one elsewhere would lose it. The
            // caller knows whether the partition is new, and names a directory if so.
            let directory = try choose(path ?? state.withLock { $0.preferred[partition] })
            let log = try open(
                PartitionDirectoryName(partition), in: directory, topicID: topicID, configuration, now: now)
            state.withLock { state in
                state.logs[partition] = log
                state.preferred[partition] = nil
            }
            return log
        }
    }

    func choose(_ path: String?) throws(LogError) -> LogDirectory {
        if let path {
            guard let directory = directories.first(where: { $0.path == path }) else {
                throw .directoryOffline(path: path)
            }
            try directory.health.check()
            return directory
        }
        var online = directories.filter { !$0.health.isOffline }
        guard !online.isEmpty else { throw .directoryOffline(path: directories.first?.path ?? "") }
        if online.count == 1 { return online[0] }
        let roomy = online.filter(hasRoom)
        if !roomy.isEmpty { online = roomy }
        return state.withLock { state in
            func count(_ directory: LogDirectory) -> Int {
                state.logs.count(in: directory.health) + state.future.count(in: directory.health)
            }
            return online.min { count($0) < count($1) } ?? online[0]
        }
    }

    /// Whether some directory has room for a new log.
    package var hasRoom: Bool { directories.contains { !$0.health.isOffline && hasRoom($0) } }

    private func hasRoom(_ directory: LogDirectory) -> Bool {
        guard let space = try? fileSystem.space(at: directory.path) else { return false }
        return space.available >= 1 << 20
    }

    func open(
        _ name: PartitionDirectoryName, in directory: LogDirectory, topicID: KafkaUUID?,
        _ configuration: LogConfiguration, now: Timestamp
    ) throws(LogError) -> PartitionLog {
        let path = directory.path + "/" + name.name
        let logger = logger
        let log = try directory.health.watching { () throws(LogError) in
            try logErrors { () throws(FileError) in
                try fileSystem.makeDirectory(path)
            }
            return try LogLoader(
                partition: name.partition, directory: path, health: directory.health, pool: pool,
                configuration: configuration, isClean: true, recoveryPoint: 0, logStart: 0, highWatermark: 0,
                wasCompacted: true, now: now, producerExpiration: producerExpiration,
                report: { $0.log(to: logger) }
            ).load()
        }
        if let topicID { try log.assignTopicID(topicID) }
        return log
    }

    /// Takes a partition's log, or its future copy, out of service: renames its directory to `-delete`. The files go
    /// after `file.delete.delay.ms`, with ``removeDoomed(now:)``. Nothing happens when there is none.
    package func deleteLog(_ partition: TopicPartition, future: Bool = false, now: Timestamp) throws(LogError) {
        let log = creating.withLock { _ in
            state.withLock { state in
                future ? state.future.remove(partition) : state.logs.remove(partition)
            }
        }
        guard let log else { return }
        try doom(log, now: now)
    }

    func doom(_ log: PartitionLog, now: Timestamp) throws(LogError) {
        let delay = log.configuration.fileDeleteDelayMilliseconds
        let name = PartitionDirectoryName(log.topicPartition, .deleted, mark: PartitionDirectoryName.randomMark())
        let path = log.logDirectory + "/" + name.name
        log.abandon()
        try log.move(to: path)
        state.withLock { $0.doomed.append((path, log.health, now &+ delay)) }
    }

    /// Cuts logs at their ends, as followers do that have diverged. Returns where each ends now, which is below the
    /// offset asked for where that lies inside a batch.
    ///
    /// The recovery points are written at once: one that lay above the cut would, after a crash, vouch for records that
    /// were appended since.
    @discardableResult
    package func truncate(
        _ offsets: [TopicPartition: Offset], now: Timestamp
    ) throws(LogError) -> [TopicPartition: Offset] {
        var ends: [TopicPartition: Offset] = [:]
        for (partition, offset) in offsets {
            guard let log = log(for: partition) else { continue }
            ends[partition] = try log.truncate(to: offset, now: now)
            checkpointAfterCut(log)
        }
        return ends
    }

    // MARK: Periodic jobs

    /// Removes directories of deleted partitions whose delay is over, and segments' files likewise.
    package func removeDoomed(now: Timestamp) {
        let due = state.withLock { state in
            defer { state.doomed.removeAll { $0.at <= now } }
            return state.doomed.filter { $0.at <= now }
        }
        for (path, health, _) in due {
            try? health.watching { () throws(LogError) in
                try logErrors { () throws(FileError) in try fileSystem.removeTree(path) }
            }
        }
        for log in logs { _ = try? log.removeDeletedFiles(now: now) }
    }

    /// A round of retention over all logs (`log.retention.check.interval.ms`). Logs that are compacted only are
    /// left to the cleaner, but for what lies below their start.
    package func deleteOldSegments(now: Timestamp) {
        for log in logs {
            do throws(LogError) {
                let result = try log.deleteOldSegments(now: now)
                for (base, reason) in result.removed {
                    logger.info(
                        "Deleted segment",
                        metadata: [
                            LogKey.partition: "\(log.topicPartition)", LogKey.segment: "\(base)",
                            LogKey.reason: "\(reason.rawValue)",
                        ])
                }
            } catch {
                logger.warning(
                    "Retention failed",
                    metadata: [LogKey.partition: "\(log.topicPartition)", LogKey.error: "\(error)"])
            }
        }
    }

    /// Flushes the logs that have been unflushed for their `flush.ms` (`log.flush.scheduler.interval.ms`).
    package func flushDueLogs(now: Timestamp) {
        for log in logs { try? log.flushIfDue(now: now) }
    }

    /// Forgets silent producers (`producer.id.expiration.check.interval.ms`).
    package func removeExpiredProducers(now: Timestamp) {
        for log in logs { log.removeExpiredProducers(now: now) }
    }

    /// Writes the recovery points (`log.flush.offset.checkpoint.interval.ms`), of all directories or some.
    package func checkpointRecoveryPoints(in paths: Set<String>? = nil) {
        checkpoint(.recoveryPoint, in: paths) { $0.offsets.recoveryPoint }
    }

    /// To be called after a log was cut at its end: a recovery point on disk that lies above the cut would, after a crash,
    /// vouch for records that were appended since; and likewise what says up to where it is compacted, and, where records that
    /// were committed are gone, the high watermark. Does nothing where none of them does.
    package func checkpointAfterCut(_ log: PartitionLog) {
        recordCut(ofCleaned: log)
        guard let directory = directories.first(where: { $0.health === log.health }) else { return }
        let (partition, offsets) = (log.topicPartition, log.offsets)
        if let onDisk = directory.recoveryPoints.withLock({ $0[partition] }), onDisk > offsets.recoveryPoint {
            checkpointRecoveryPoints(in: [directory.path])
        }
        if let onDisk = directory.highWatermarks.withLock({ $0[partition] }), onDisk > offsets.logEnd {
            checkpoint(.highWatermark, in: [directory.path]) { $0.offsets.highWatermark }
        }
    }

    /// Writes the log starts that lie inside a segment (`log.flush.start.offset.checkpoint.interval.ms`).
    package func checkpointLogStarts(in paths: Set<String>? = nil) {
        checkpoint(.logStart, in: paths) { log in
            let (start, first) = log.published.withLock { ($0.offsets.logStart, $0.segments.first.base) }
            return start > first ? start : nil
        }
    }

    /// Writes the high watermarks (`replica.high.watermark.checkpoint.interval.ms`).
    package func checkpointHighWatermarks() {
        checkpoint(.highWatermark) { $0.offsets.highWatermark }
    }

    func checkpoint(
        _ kind: OffsetCheckpoint.Kind, in paths: Set<String>? = nil, _ offset: (PartitionLog) -> Offset?
    ) {
        checkpointing.withLock { _ in
            let logs = allLogs
            for directory in directories where !directory.health.isOffline && paths?.contains(directory.path) != false {
                var offsets: [TopicPartition: Offset] = [:]
                for log in logs where log.health === directory.health {
                    if let offset = offset(log) { offsets[log.topicPartition] = offset }
                }
                do throws(LogError) {
                    try directory.write(kind, offsets)
                } catch {
                    logger.error(
                        "Checkpoint could not be written",
                        metadata: [LogKey.directory: "\(directory.path)", LogKey.error: "\(error)"])
                }
            }
        }
    }

    // MARK: Looking

    /// What DescribeLogDirs answers.
    package func describe() -> [LogDirectoryDescription] {
        let (logs, future) = state.withLock { ($0.logs, $0.future) }
        return directories.map { directory in
            var replicas: [LogDirectoryDescription.Replica] = []
            for (logs, isFuture) in [(logs, false), (future, true)] {
                for log in logs.all where log.health === directory.health {
                    replicas.append(
                        .init(
                            partition: log.topicPartition, byteCount: (try? log.byteCount()) ?? 0,
                            logEnd: log.offsets.logEnd, isFuture: isFuture))
                }
            }
            return LogDirectoryDescription(
                path: directory.path, isOffline: directory.health.isOffline,
                space: try? fileSystem.space(at: directory.path), replicas: replicas)
        }
    }

    /// Room for more in each directory that is not offline, as far as the system says. May wait for the disk.
    package var availableBytes: [(path: String, bytes: Int64)] {
        directories.compactMap { directory in
            guard !directory.health.isOffline, let space = try? fileSystem.space(at: directory.path) else { return nil }
            return (directory.path, space.available)
        }
    }
}
