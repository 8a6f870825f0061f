// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging

/// What the cleaner needs of the directories.
extension LogDirectories {
    /// Writes the recovery points of the directory that holds `log`.
    func recordRecoveryPoint(of log: PartitionLog) throws(LogError) {
        try write(.recoveryPoint, directoryOf: log) { $0.offsets.recoveryPoint }
    }

    /// Replaces one checkpoint of the directory that holds `log`, with the offsets of all logs in it that have one.
    func write(
        _ kind: OffsetCheckpoint.Kind, directoryOf log: PartitionLog, _ offset: (PartitionLog) -> Offset?
    ) throws(LogError) {
        guard let directory = directories.first(where: { $0.health === log.health }) else { return }
        try checkpointing.withLock { (_) throws(LogError) in
            var offsets: [TopicPartition: Offset] = [:]
            let logs = allLogs
            for log in logs where log.health === directory.health {
                if let offset = offset(log) { offsets[log.topicPartition] = offset }
            }
            try directory.write(kind, offsets)
        }
    }

    /// Writes up to where logs are compacted, of the directory that holds `log`.
    func recordCleaned(_ log: PartitionLog) throws(LogError) {
        var written: Offset?
        try write(.cleaner, directoryOf: log) { other in
            let offset = other.cleanedTo
            if other === log { written = offset }
            return offset
        }
        // Unless it was cut meanwhile, or the disk was full: then the next look writes it.
        log.published.withLock { if $0.cleanedTo == written { $0.cleanedIsUnsaved = false } }
    }

    /// As ``recordCleaned(_:)``, of several directories.
    func checkpointCleaned(in paths: Set<String>) {
        checkpoint(.cleaner, in: paths) { $0.cleanedTo }
    }

    /// A cut has taken from a log what the checkpoint vouches for.
    func recordCut(ofCleaned log: PartitionLog) {
        guard log.published.withLock({ $0.cleanedIsUnsaved }) else { return }
        do throws(LogError) {
            try recordCleaned(log)
        } catch {
            logger.error(
                "Checkpoint could not be written",
                metadata: [LogKey.directory: "\(log.logDirectory)", LogKey.error: "\(error)"])
        }
    }
}
