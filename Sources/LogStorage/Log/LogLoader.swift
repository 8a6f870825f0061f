// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Synchronization

/// Opens a partition's directory, whatever a crash has left in it.
///
/// The passes, and the crash that each undoes:
/// 1. Remove `.deleted`, `.cleaned` and `.tmp` files: a crash before their removal; in the middle of a compaction; in
///    the middle of the replacement of a small file. With a `.cleaned` file, also the `.swap` files from its base on: a
///    crash while the output of one compaction was renamed from the one to the other.
/// 2. Put `.swap` files in the place of the segments that they cover: a crash after a compaction was complete, before
///    all it replaces was gone.
/// 3. Remove indexes without data: a crash between the removals of a segment's files.
/// 4. Build missing indexes anew: a crash between the creations of a segment's files, or an operator's deletion.
/// 5. After an unclean stop, scan from the segment that holds the recovery point on: check every batch, index it,
///    note epochs and producers; cut at the first bad one and remove all later segments: a crash before data,
///    length or index had reached the disk. A segment that ends before the next one begins has lost its end; see
///    ``recover(_:_:_:)`` for the one case in which it has not.
/// 6. A log that ends below its start is emptied and starts there: a crash that lost records which were deleted
///    anyway.
/// 7. Cut the epochs to the log, load the producers from the newest snapshot, and replay what it lacks.
///
/// Each pass leaves a state from which all of them can be run again, to the same end. A full disk stops none of them:
/// indexes stay in memory, and snapshots and epochs are written another time, so that retention can make room.
struct LogLoader {
    var partition: TopicPartition
    var directory: String
    var health: DirectoryHealth
    var pool: FilePool
    var configuration: LogConfiguration
    /// The broker was stopped in order, and everything is as it was closed.
    var isClean: Bool
    var recoveryPoint: Offset
    /// From the log start checkpoint; 0 when not listed.
    var logStart: Offset
    var highWatermark: Offset
    /// The log is compacted, or was: offsets may be missing, also between segments.
    var wasCompacted: Bool
    /// False when the checkpoint of recovery points was damaged: nobody knows what was flushed.
    var knowsRecoveryPoint = true
    var now: Timestamp
    var producerExpiration: ProducerExpiration
    var report: @Sendable (LoadReport) -> Void

    /// How much of a segment is scanned between two reports.
    static let reportedBytes: Int64 = 16 << 20

    var fileSystem: any FileSystem { pool.fileSystem }

    struct Files {
        var segments: [Offset: Set<SegmentFileName.Kind>] = [:]
        var snapshots: [Offset] = []
        var hasTopicID = false
        /// There was no file at all.
        var isNew = false
    }

    func load() throws(LogError) -> PartitionLog {
        let files = try prepare()
        var segments = SegmentList(
            files.segments.map { base, kinds in
                LogSegment(
                    base: base, in: directory, isNew: false, hasTransactions: kinds.contains(.txnindex), now: now,
                    jitter: PartitionLog.jitter(configuration), pool: pool)
            })
        try rebuildMissingIndexes(segments, files)
        var (epochs, mustSaveEpochs) = try readEpochs(segments)
        let readEpochs = epochs
        var snapshots = files.snapshots.sorted()
        var isClean = isClean
        var logStart = logStart
        var end: Offset = logStart
        var producers: ProducerStateManager?
        var completed: [CompletedTransaction] = []

        if isClean, !segments.isEmpty {
            do throws(LogError) {
                if try !segments.active.hasSoundIndexes() { try rebuildIndexes(segments.active) }
                let last = try segments.active.lastInRange()
                end = last.map { $0.lastOffset + 1 } ?? segments.active.base
                if let last, let problem = epochs.contradiction(of: last) {
                    report(.malformed(LeaderEpochCheckpoint(in: directory, fileSystem).contradicted(problem)))
                    epochs = try learnEpochs(segments)
                    mustSaveEpochs = true
                }
                if recoveryPoint > 0, end != recoveryPoint, knowsRecoveryPoint {
                    // A stop in order has flushed all that there was.
                    report(
                        .malformed(
                            segments.active.damage(
                                last?.position ?? 0, "the log ends at \(end), and was closed at \(recoveryPoint)")))
                }
                if end < logStart {
                    // No crash has lost anything, so it is the checkpoint that is wrong, and no reason to drop a log.
                    report(.impossibleStart(logEnd: end, logStart: logStart))
                    logStart = segments.first.base
                }
            } catch {
                // Not as it was closed after all.
                guard case .malformed(let file) = error else { throw error }
                report(.malformed(file))
                isClean = false
            }
        }
        if !isClean, !segments.isEmpty {
            let outcome = try recover(&segments, &snapshots, &epochs)
            end = outcome.end
            producers = outcome.producers
            completed = outcome.completed
        }
        if !segments.isEmpty, end < logStart {
            report(.startedOver(logEnd: end, logStart: logStart))
            try removeSegments(segments.all)
            segments = SegmentList()
        }
        if segments.isEmpty {
            let segment = LogSegment(
                base: logStart, in: directory, isNew: true, hasTransactions: false, now: now,
                jitter: PartitionLog.jitter(configuration), pool: pool)
            try logErrors { () throws(FileError) in
                try segment.create(preallocating: configuration.preallocate ? configuration.segmentBytes : nil)
            }
            segments = SegmentList([segment])
            end = logStart
            producers = nil
        }
        let start = max(logStart, segments.first.base)
        epochs.truncateEnd(to: end)
        epochs.truncateStart(to: start)
        var epochsOnDisk = PartitionLog.EpochsOnDisk.saved
        if isClean, !mustSaveEpochs, epochs != readEpochs {
            // Leaderships without a record are cut off at every start, as Kafka does. After a stop in order that is all that
            // has changed, and thousands of logs need not wait for the disk for it.
            epochsOnDisk = .differsByEmptyEpochs
        } else if mustSaveEpochs || epochs != readEpochs {
            let isWritten = try putOffIfFull { () throws(LogError) in
                try logErrors { () throws(FileError) in
                    try LeaderEpochCheckpoint(in: directory, fileSystem).write(epochs.entries)
                }
            }
            if !isWritten { epochsOnDisk = .outdated }
        }
        try removeSnapshots(&snapshots) { $0 > end }
        if producers == nil {
            if isClean, snapshots.isEmpty {
                // A stop in order leaves a snapshot; without any, the log is from before there were producers.
                producers = ProducerStateManager(mapEnd: end)
            } else {
                let loaded = try Self.loadProducers(
                    snapshots: &snapshots, directory: directory, segments: segments, logStart: start, logEnd: end,
                    now: now, expiration: producerExpiration.milliseconds, fileSystem: fileSystem,
                    onDamage: tellOfDamage)
                producers = loaded.producers
                completed = loaded.completed
            }
        }
        var state = producers ?? ProducerStateManager(mapEnd: end)
        state.advance(to: end)
        return try makeLog(
            segments, epochs, epochsOnDisk, state, completed, snapshots, files, start: start, end: end)
    }

    /// Runs what only spares the next start work. Returns whether there was room for it.
    func putOffIfFull(_ body: () throws(LogError) -> Void) throws(LogError) -> Bool {
        let isDone = try unlessFull(body)
        if !isDone { report(.diskFull(path: directory)) }
        return isDone
    }

    func tellOfDamage(_ file: MalformedFile) { report(.malformed(file)) }

    private func makeLog(
        _ segments: SegmentList, _ epochs: LeaderEpochCache, _ epochsOnDisk: PartitionLog.EpochsOnDisk,
        _ producers: ProducerStateManager, _ completed: [CompletedTransaction], _ snapshots: [Offset], _ files: Files,
        start: Offset, end: Offset
    ) throws(LogError) -> PartitionLog {
        var topicID: KafkaUUID?
        if files.hasTopicID {
            do throws(LogError) {
                topicID = try PartitionMetadataFile(in: directory, fileSystem).read()
            } catch {
                guard case .malformed(let file) = error else { throw error }
                report(.malformed(file))
            }
        }
        let mark = min(max(highWatermark, start), end)
        let position = LogPosition(
            offset: end, segmentBase: segments.active.base, position: try segments.active.size)
        var published = PartitionLog.Published(
            directory: directory, segments: segments,
            offsets: LogOffsets(
                logStart: start, highWatermark: mark, lastStable: start, logEnd: end,
                recoveryPoint: isClean ? end : min(max(recoveryPoint, 0), end)),
            end: position, firstOpen: producers.firstOpen, ended: completed, configuration: configuration,
            epochs: epochs)
        published.recent.add(position)
        published.updateLastStable()
        let log = PartitionLog(
            partition, health: health, pool: pool, producerExpiration: producerExpiration,
            isUnsynced: files.isNew,
            mutation: PartitionLog.Mutation(
                producers: producers, epochs: epochs, snapshots: snapshots, topicID: topicID,
                epochsOnDisk: epochsOnDisk), published: published)
        // What was made or removed here is not so on disk yet.
        if files.segments.isEmpty || !isClean { log.directoryChanged.store(true, ordering: .releasing) }
        if !isClean {
            _ = try putOffIfFull { () throws(LogError) in
                try log.mutate { (state) throws(LogError) in try log.takeSnapshot(&state, in: directory) }
            }
        }
        return log
    }
}
