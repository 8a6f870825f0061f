// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging
import Synchronization

extension LogDirectories {
    /// From so many logs on that have something to sync, the whole file system is synced once instead: each of them waits for
    /// the disk at least twice.
    private static let fewUnsynced = 16

    /// Stops in order. In all logs, what is still to be written is written, on several threads; then, directory by directory,
    /// it is made durable; then come the checkpoints, which say so, and last the file that says that all went well, where
    /// it did.
    package func close(now: Timestamp, brokerEpoch: BrokerEpoch = -1) {
        let logs = allLogs
        let unsynced = Mutex<[PartitionLog]>([])
        let failed = FailedDirectories()
        let threads = recoveryThreads * max(directories.count, 1)
        Threads.forEach(logs.count, threads: threads) { index in
            let log = logs[index]
            if log.isOffline { return log.abandon() }
            self.tellingFailure(of: log, failed) { () throws(LogError) in
                if try log.finishWriting(now: now) {
                    unsynced.withLock { $0.append(log) }
                } else {
                    log.finish()
                }
            }
        }
        let waiting = Dictionary(grouping: unsynced.withLock { $0 }) { $0.logDirectory }
        let groups = Array(waiting.values)
        Threads.forEach(groups.count, threads: groups.count) { index in
            self.sync(groups[index], now: now, failed)
        }
        checkpointRecoveryPoints()
        checkpointLogStarts()
        checkpointHighWatermarks()
        for directory in directories {
            if !directory.health.isOffline, !failed.contains(directory.path) {
                try? directory.health.watching { () throws(LogError) in
                    try logErrors { () throws(FileError) in
                        try CleanShutdownFile.write(in: directory.path, brokerEpoch: brokerEpoch, fileSystem)
                    }
                }
            }
            directory.lock.withLock { lock in
                lock?.release()
                lock = nil
            }
        }
    }

    /// Makes logs of one directory durable.
    private func sync(_ logs: [PartitionLog], now: Timestamp, _ failed: FailedDirectories) {
        guard let first = logs.first, let directory = directories.first(where: { $0.health === first.health }) else {
            return
        }
        if logs.count > Self.fewUnsynced, let whole = directory.wholeSync {
            tellingFailure(of: first, failed) { () throws(LogError) in
                try directory.health.watching { () throws(LogError) in
                    try logErrors { () throws(FileError) in try whole.sync() }
                }
                for log in logs { log.finish() }
            }
            return
        }
        Threads.forEach(logs.count, threads: recoveryThreads) { index in
            self.tellingFailure(of: logs[index], failed) { () throws(LogError) in
                try logs[index].finishSyncing(now: now)
                logs[index].finish()
            }
        }
    }

    private func tellingFailure(
        of log: PartitionLog, _ failed: FailedDirectories, _ body: () throws(LogError) -> Void
    ) {
        do throws(LogError) {
            try body()
        } catch {
            if case .closed = error { return }
            failed.add(log.logDirectory)
            logger.error(
                "Log could not be closed in order",
                metadata: [LogKey.partition: "\(log.topicPartition)", LogKey.error: "\(error)"])
        }
    }
}

/// The directories in which something could not be closed.
private final class FailedDirectories: Sendable {
    private let paths = Mutex<Set<String>>([])

    func add(_ path: String) { _ = paths.withLock { $0.insert(path) } }
    func contains(_ path: String) -> Bool { paths.withLock { $0.contains(path) } }
}
