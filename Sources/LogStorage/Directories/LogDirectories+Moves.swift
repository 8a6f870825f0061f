// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging

/// Moving a partition's log to another directory (KIP-113). The caller fills a copy, `<partition>.<mark>-future`, until it
/// ends where the log ends, and swaps the two:
///
/// 1. the copy is flushed as far as the log was;
/// 2. the copy gets the log's name, durably;
/// 3. the log's directory becomes a `-delete`, durably, and goes later.
///
/// A crash before 2 leaves log and copy, and the move goes on. One between 2 and 3 leaves the partition in two directories:
/// the next start keeps the one that holds all that the other holds.
extension LogDirectories {
    /// Whether a directory of `log.dirs` is usable; nil for one that is none of them.
    package func isOnline(_ path: String) -> Bool? {
        directories.first { $0.path == path }.map { !$0.health.isOffline }
    }

    /// Remembers, until the process ends, where the log of a partition is to be made that is not here yet.
    package func prefer(_ path: String, for partition: TopicPartition) {
        state.withLock { $0.preferred[partition] = path }
    }

    /// The copy of a partition's log in another directory, made if there is none.
    package func getOrCreateFutureLog(
        _ partition: TopicPartition, topicID: KafkaUUID?, configuration: LogConfiguration, in path: String,
        startingAt offset: Offset, now: Timestamp
    ) throws(LogError) -> PartitionLog {
        try creating.withLock { (_) throws(LogError) in
            if let log = futureLog(for: partition) { return log }
            let directory = try choose(path)
            let name = PartitionDirectoryName(partition, .future, mark: PartitionDirectoryName.randomMark())
            let log = try open(name, in: directory, topicID: topicID, configuration, now: now)
            if offset > 0 { try log.truncateFullyAndStart(at: offset, now: now) }
            state.withLock { $0.future[partition] = log }
            return log
        }
    }

    /// Forgets a copy whose directory has failed. Its files stay where they are.
    package func forgetFutureLog(_ partition: TopicPartition) {
        creating.withLock { _ in state.withLock { $0.future.remove(partition) } }?.abandon()
    }

    /// The copies that are being filled.
    package var futureLogs: [PartitionLog] { state.withLock { Array($0.future.all) } }

    /// The copy ends where the log ends: it takes the log's place, with its marks, its leaderships and its settings.
    ///
    /// To be called while nothing else changes the log. A failure of the log's own directory after the swap is no failure of
    /// the swap.
    /// - Returns: the log from now on; nil when there is no copy, or it does not end where the log ends.
    package func replaceCurrentWithFuture(
        _ partition: TopicPartition, now: Timestamp
    ) throws(LogError) -> PartitionLog? {
        try creating.withLock { (_) throws(LogError) in
            guard let future = futureLog(for: partition), let old = log(for: partition) else { return nil }
            try old.health.check()
            let offsets = old.offsets
            guard future.offsets.logEnd == offsets.logEnd else { return nil }
            try future.adopt(from: old)
            if offsets.recoveryPoint > future.offsets.recoveryPoint { try future.flush(upTo: offsets.recoveryPoint) }
            try future.move(to: future.logDirectory + "/" + PartitionDirectoryName(partition).name)
            state.withLock { state in
                state.future[partition] = nil
                state.logs[partition] = future
            }
            do throws(LogError) {
                try doom(old, now: now)
            } catch {
                logger.error(
                    "A log that was moved could not be deleted where it was",
                    metadata: [LogKey.partition: "\(partition)", LogKey.error: "\(error)"])
            }
            let both: Set = [old.logDirectory, future.logDirectory]
            checkpointRecoveryPoints(in: both)
            checkpointLogStarts(in: both)
            // Else the cleaner would begin anew with the log.
            if future.cleanedTo != nil { checkpointCleaned(in: both) }
            return future
        }
    }

    /// A partition is in two directories. After a crash in the middle of a swap one of them holds all that the other holds,
    /// and is kept: of two that are the same, the one that was made later, since that is where the log was to go.
    /// - Throws: ``LogDirectoriesError/duplicate(_:_:_:)`` when they have parted: nobody knows which is right.
    func settle(_ first: PartitionLog, _ second: PartitionLog, now: Timestamp) throws(LogDirectoriesError) {
        let (newer, older) = made(second) >= made(first) ? (second, first) : (first, second)
        let kept = newer.span.covers(older.span) ? newer : older
        let superseded = kept === newer ? older : newer
        guard kept.span.covers(superseded.span) else { throw .duplicate(first.topicPartition, first.path, second.path) }
        logger.warning(
            "A move between log directories was interrupted; keeping the log that has all records",
            metadata: [LogKey.path: "\(kept.path)", "kafka.superseded": "\(superseded.path)"])
        state.withLock { $0.logs[kept.topicPartition] = kept }
        if kept.cleanedTo == nil { kept.noteCleaned(to: superseded.cleanedTo) }
        do throws(LogError) {
            try doom(superseded, now: now)
        } catch {
            throw .duplicate(first.topicPartition, first.path, second.path)
        }
    }

    private func made(_ log: PartitionLog) -> Timestamp {
        (try? fileSystem.status(of: log.path + "/" + PartitionMetadataFile.name))?.modified ?? 0
    }
}

extension PartitionLog {
    /// Takes over what the batches do not tell: how far they are replicated and compacted, where the log starts, which
    /// leaderships had no record, which transactions may begin, and the settings.
    fileprivate func adopt(from other: PartitionLog) throws(LogError) {
        reconfigure(other.configuration)
        let offsets = other.offsets
        updateHighWatermark(offsets.highWatermark)
        try raiseLogStart(to: min(offsets.logStart, offsets.highWatermark))
        for entry in other.epochs.entries { try assignEpoch(entry) }
        noteCleaned(to: other.cleanedTo)
        let producers = other.mutation.withLock { $0.producers }
        mutation.withLock { $0.producers.takeOverVerifications(of: producers) }
    }

    fileprivate var span: LogSpan {
        let offsets = offsets
        return LogSpan(logStart: offsets.logStart, logEnd: offsets.logEnd, epochs: epochs)
    }
}

/// What a log holds: from where to where, and by which leaderships.
package struct LogSpan: Hashable, Sendable {
    package var logStart: Offset
    package var logEnd: Offset
    package var epochs: LeaderEpochCache

    package init(logStart: Offset, logEnd: Offset, epochs: LeaderEpochCache) {
        self.logStart = logStart
        self.logEnd = logEnd
        self.epochs = epochs
    }

    /// Whether all records of `other` are here: its newest leadership ended, in this log, at or behind its end (KIP-101).
    package func covers(_ other: LogSpan) -> Bool {
        guard logEnd >= other.logEnd else { return false }
        if other.logEnd == other.logStart { return true }
        guard let epoch = other.epochs.latestEpoch else { return epochs.latestEpoch == nil }
        let end = epochs.endOffset(of: epoch, logEnd: logEnd)
        return end.epoch == epoch && (end.endOffset ?? 0) >= other.logEnd
    }
}
