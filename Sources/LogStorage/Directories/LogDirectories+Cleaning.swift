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
            let logs = state.withLock { state in Array(state.logs.values) + Array(state.future.values) }
            for log in logs where log.health === directory.health {
                if let offset = offset(log) { offsets[log.topicPartition] = offset }
            }
            try directory.write(kind, offsets)
        }
    }

    /// Up to where each log was compacted, by what the directories say. A damaged checkpoint only costs time.
    func cleanerCheckpoints() -> [TopicPartition: Offset] {
        var read: [TopicPartition: Offset] = [:]
        for directory in directories where !directory.health.isOffline {
            do throws(LogError) {
                for (partition, offset) in try directory.checkpoint(.cleaner).read()
                where log(for: partition)?.health === directory.health { read[partition] = offset }
            } catch {
                logger.warning("Checkpoint is damaged and taken as empty", metadata: [LogKey.error: "\(error)"])
            }
        }
        return read
    }
}
