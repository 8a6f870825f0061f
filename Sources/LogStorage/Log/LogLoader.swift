// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore
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
    var producerExpiration: Int64
    var report: @Sendable (LoadReport) -> Void

    /// How much of a segment is scanned between two reports.
    private static let reportedBytes: Int64 = 16 << 20

    private var fileSystem: any FileSystem { pool.fileSystem }

    /// What a log's start found, for the operator.
    enum LoadReport: Sendable {
        case removedLeftover(path: String)
        case completedSwap(path: String)
        case rebuiltIndex(path: String)
        case malformed(MalformedFile)
        case recovering(base: Offset, number: Int, of: Int)
        /// So much of a segment was read since the last such report.
        case scanned(bytes: Int64)
        case recovered(base: Offset, bytes: Int64)
        case truncated(base: Offset, to: Offset, position: Int64, problem: String, lostBytes: Int64)
        case removedSegments(count: Int, after: Offset)
        case closedHole(from: Offset, to: Offset)
        case startedOver(logEnd: Offset, logStart: Offset)
        case impossibleStart(logEnd: Offset, logStart: Offset)
        case diskFull(path: String)
    }

    private struct Files {
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
                let last = try segments.active.last()
                end = last.map { $0.lastOffset + 1 } ?? segments.active.base
                if let last, let problem = epochs.contradiction(of: last) {
                    report(.malformed(LeaderEpochCheckpoint(in: directory, fileSystem).contradicted(problem)))
                    epochs = try learnEpochs(segments)
                    mustSaveEpochs = true
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
        if epochs != readEpochs { mustSaveEpochs = true }
        if mustSaveEpochs {
            mustSaveEpochs = try !putOffIfFull { () throws(LogError) in
                try logErrors { () throws(FileError) in
                    try LeaderEpochCheckpoint(in: directory, fileSystem).write(epochs.entries)
                }
            }
        }
        try removeSnapshots(&snapshots) { $0 > end }
        if producers == nil {
            if isClean, snapshots.isEmpty {
                // A stop in order leaves a snapshot; without any, the log is from before there were producers.
                producers = ProducerStateManager(mapEnd: end)
            } else {
                let loaded = try Self.loadProducers(
                    snapshots: &snapshots, directory: directory, segments: segments, logStart: start, logEnd: end,
                    now: now, expiration: producerExpiration, fileSystem: fileSystem, onDamage: tellOfDamage)
                producers = loaded.producers
                completed = loaded.completed
            }
        }
        var state = producers ?? ProducerStateManager(mapEnd: end)
        state.advance(to: end)
        return try makeLog(
            segments, epochs, hasUnsavedEpochs: mustSaveEpochs, state, completed, snapshots, files, start: start,
            end: end)
    }

    /// Runs what only spares the next start work. Returns whether there was room for it.
    private func putOffIfFull(_ body: () throws(LogError) -> Void) throws(LogError) -> Bool {
        let isDone = try unlessFull(body)
        if !isDone { report(.diskFull(path: directory)) }
        return isDone
    }

    private func tellOfDamage(_ file: MalformedFile) { report(.malformed(file)) }

    private func makeLog(
        _ segments: SegmentList, _ epochs: LeaderEpochCache, hasUnsavedEpochs: Bool, _ producers: ProducerStateManager,
        _ completed: [CompletedTransaction], _ snapshots: [Offset], _ files: Files, start: Offset, end: Offset
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
                hasUnsavedEpochs: hasUnsavedEpochs), published: published)
        // What was made or removed here is not so on disk yet.
        if files.segments.isEmpty || !isClean { log.directoryChanged.store(true, ordering: .releasing) }
        if !isClean {
            _ = try putOffIfFull { () throws(LogError) in
                try log.mutate { (state) throws(LogError) in try log.takeSnapshot(&state, in: directory) }
            }
        }
        return log
    }

    // MARK: Passes 1 to 3

    private func prepare() throws(LogError) -> Files {
        let names = try logErrors { () throws(FileError) in
            try fileSystem.list(directory).filter { !$0.isDirectory }.map(\.name)
        }
        let parsed = names.compactMap(SegmentFileName.init)
        let firstCleaned = parsed.filter { $0.suffix == .cleaned }.map(\.base).min()
        var files = Files(isNew: names.isEmpty)
        var swaps: Set<Offset> = []
        var swapFiles: [SegmentFileName] = []
        for name in names {
            guard let file = SegmentFileName(name) else {
                if name == PartitionMetadataFile.name { files.hasTopicID = true }
                if name.hasSuffix(".tmp") { try remove(name) }
                continue
            }
            switch file.suffix {
            case .deleted, .cleaned:
                try remove(name)
            case .swap:
                if let firstCleaned, file.base >= firstCleaned {
                    try remove(name)
                } else {
                    swapFiles.append(file)
                    if file.kind == .log { swaps.insert(file.base) }
                }
            case .none:
                if file.kind == .snapshot {
                    files.snapshots.append(file.base)
                } else {
                    files.segments[file.base, default: []].insert(file.kind)
                }
            }
        }
        if !swapFiles.isEmpty { try completeSwaps(swaps, swapFiles, &files) }
        for (base, kinds) in files.segments where !kinds.contains(.log) {
            for kind in kinds { try remove(SegmentFileName(base: base, kind: kind).name) }
            files.segments[base] = nil
        }
        return files
    }

    /// Pass 2. What a swap covers goes first; a crash in between finds the swap still there.
    private func completeSwaps(
        _ bases: Set<Offset>, _ names: [SegmentFileName], _ files: inout Files
    ) throws(LogError) {
        var indexes = names.filter { $0.kind != .log }
        for file in indexes where !bases.contains(file.base) {
            // Its data was renamed already, as Kafka's cleaner does first.
            let kinds = files.segments[file.base] ?? []
            if kinds.contains(.log), !kinds.contains(file.kind) {
                try finishSwap(file, &files)
            } else {
                try remove(file.name)
            }
        }
        indexes.removeAll { !bases.contains($0.base) }
        guard let low = bases.min() else { return }
        var high = low
        for base in bases {
            let segment = LogSegment(
                base: base, in: directory, suffix: .swap, isNew: false, hasTransactions: false, now: now, pool: pool)
            let result = try SegmentScan(segment).run { (_, _) in }
            segment.close()
            high = max(high, result.nextOffset)
            guard let problem = result.problem else { continue }
            report(.malformed(segment.damage(result.validBytes, problem)))
            // It was whole when it got this name. What it was made of is better, if it is still there.
            guard files.segments[base]?.contains(.log) == true else { continue }
            for file in names { try remove(file.name) }
            return
        }
        for (base, kinds) in files.segments.sorted(by: { $0.key < $1.key })
        where base >= low && (base < high || bases.contains(base)) {
            // Files beside a swap whose offset index is in place already are its own.
            let isOld = kinds.contains(.log) || indexes.contains { $0.base == base && $0.kind == .index }
            if bases.contains(base), !isOld { continue }
            for kind in kinds { try remove(SegmentFileName(base: base, kind: kind).name) }
            files.segments[base] = nil
        }
        // What was removed must not come back beside what takes its place. The data file is renamed last: while it is a
        // swap, all this is done again.
        try logErrors { () throws(FileError) in try fileSystem.syncDirectory(directory) }
        for kind in [SegmentFileName.Kind.index, .timeindex, .txnindex] {
            for file in indexes where file.kind == kind { try finishSwap(file, &files) }
        }
        for file in names where file.kind == .log { try finishSwap(file, &files) }
        try logErrors { () throws(FileError) in try fileSystem.syncDirectory(directory) }
    }

    private func finishSwap(_ file: SegmentFileName, _ files: inout Files) throws(LogError) {
        var target = file
        target.suffix = .none
        let path = directory + "/" + target.name
        try logErrors { () throws(FileError) in
            try fileSystem.rename(directory + "/" + file.name, to: path)
        }
        files.segments[file.base, default: []].insert(file.kind)
        if file.kind == .log { report(.completedSwap(path: path)) }
    }

    private func remove(_ name: String) throws(LogError) {
        let path = directory + "/" + name
        try logErrors { () throws(FileError) in try fileSystem.remove(path) }
        report(.removedLeftover(path: path))
    }

    // MARK: Pass 4

    private func rebuildMissingIndexes(_ segments: SegmentList, _ files: Files) throws(LogError) {
        for segment in segments.all {
            guard let kinds = files.segments[segment.base], !kinds.isSuperset(of: [.index, .timeindex]) else {
                continue
            }
            // What lies beyond the recovery point is indexed while it is checked.
            if !isClean, let index = segments.index(holding: recoveryPoint), segment.base >= segments.all[index].base {
                continue
            }
            try rebuildIndexes(segment)
        }
    }

    private func rebuildIndexes(_ segment: LogSegment) throws(LogError) {
        try segment.resetIndexes()
        _ = try segment.scanHeaders(from: 0) { header throws(LogError) in
            try segment.reindex(header, interval: configuration.indexIntervalBytes)
            return true
        }
        _ = try putOffIfFull { () throws(LogError) in try segment.seal() }
        report(.rebuiltIndex(path: segment.path(.index)))
    }

    private func readEpochs(_ segments: SegmentList) throws(LogError) -> (LeaderEpochCache, Bool) {
        do throws(LogError) {
            return (LeaderEpochCache(try LeaderEpochCheckpoint(in: directory, fileSystem).read()), false)
        } catch {
            guard case .malformed(let file) = error else { throw error }
            report(.malformed(file))
            return (try learnEpochs(segments), true)
        }
    }

    private func learnEpochs(_ segments: SegmentList) throws(LogError) -> LeaderEpochCache {
        var epochs = LeaderEpochCache()
        for segment in segments.all {
            _ = try segment.scanHeaders(from: 0) { header in
                epochs.note(header)
                return true
            }
        }
        return epochs
    }

    // MARK: Pass 5

    private struct Recovered {
        var end: Offset
        var producers: ProducerStateManager
        var completed: [CompletedTransaction]
    }

    /// What a segment that ends before the next one begins tells, in a table of cases:
    ///
    /// | The hole | is taken for |
    /// |---|---|
    /// | below the log's start | nothing that anyone misses |
    /// | wider than an index can span | a leap of the leader's offsets; ``PartitionLog`` syncs before it |
    /// | in a compacted log that Kafka was running until the crash | compaction's work, and closed |
    /// | in a compacted log, with the recovery points lost | compaction's work, and closed |
    /// | any other | a lost end: all behind it goes |
    ///
    /// The compaction of this broker raises the recovery point on disk before it makes holes, and a new segment begins
    /// where the one before it ends; so what lies at or above the recovery point has none. Kafka compacts above it, too.
    private func recover(
        _ segments: inout SegmentList, _ snapshots: inout [Offset], _ epochs: inout LeaderEpochCache
    ) throws(LogError) -> Recovered {
        let first = segments.index(holding: max(recoveryPoint, segments.first.base)) ?? 0
        let base = segments.all[first].base
        try removeSnapshots(&snapshots) { $0 > base }
        var (producers, completed) = try Self.loadProducers(
            snapshots: &snapshots, directory: directory, segments: segments,
            logStart: max(logStart, segments.first.base), logEnd: base, now: now, expiration: producerExpiration,
            fileSystem: fileSystem, onDamage: tellOfDamage)
        if base > producers.mapEnd || (base > 0 && !snapshots.contains(base)) {
            producers.advance(to: base)
            try writeSnapshot(producers, &snapshots)
        }
        let wasKafkas = try wasLeftByKafka(segments.active)
        let closesHoles = wasCompacted && (wasKafkas || !knowsRecoveryPoint)
        var end = base
        var index = first
        while index < segments.count {
            let segment = segments.all[index]
            report(.recovering(base: segment.base, number: index - first, of: segments.count - first))
            let result = try recover(
                segment, below: segments.nextBase(after: index), &producers, &completed, &epochs)
            end = max(result.nextOffset, segment.base)
            producers.advance(to: end)
            index += 1
            guard index < segments.count else { break }
            var next = segments.all[index]
            if next.base > end, result.problem == nil, closesHoles, let moved = try rename(next, to: end) {
                report(.closedHole(from: end, to: next.base))
                // Of a segment that ends where it begins nothing is left: the next one has taken its name.
                let isEmpty = segment.base == end
                if isEmpty {
                    segment.close()
                    index -= 1
                }
                segments.replace(isEmpty ? [segment, next] : [next], with: [moved])
                next = moved
            }
            guard result.problem == nil, try follows(next, end) else {
                let lost = Array(segments.all[index...])
                report(.removedSegments(count: lost.count, after: end))
                try removeSegments(lost)
                segments.removeAll { segment in lost.contains { $0 === segment } }
                break
            }
            producers.advance(to: next.base)
            try writeSnapshot(producers, &snapshots)
        }
        return Recovered(end: end, producers: producers, completed: completed)
    }

    /// Whether a segment can be what came after `end`.
    private func follows(_ segment: LogSegment, _ end: Offset) throws(LogError) -> Bool {
        if segment.base == end || (segment.base > end && segment.base <= logStart) { return true }
        guard segment.base > end else { return false }
        var isFar = false
        _ = try segment.scanHeaders(from: 0) { header in
            isFar = RelativeOffset.of(header.lastOffset, base: end) == nil
            return false
        }
        return isFar
    }

    /// Whether a Kafka broker had the log open last, and did not close it: its index of the active segment has its full
    /// size, which ours never has.
    private func wasLeftByKafka(_ active: LogSegment) throws(LogError) -> Bool {
        let size = configuration.indexBytes - configuration.indexBytes % OffsetIndexEntry.byteCount
        return try logErrors { () throws(FileError) in
            try fileSystem.status(of: active.path(.index))?.size == Int64(size)
        }
    }

    /// Lets a segment begin where the one before it ends, so that no later start has to judge the hole again. Nil when its
    /// offsets would be too far from its base then. Its indexes go: it is about to be recovered.
    private func rename(_ segment: LogSegment, to base: Offset) throws(LogError) -> LogSegment? {
        var last = segment.base
        _ = try segment.scanHeaders(from: 0) { header in
            last = max(last, header.lastOffset)
            return true
        }
        guard RelativeOffset.of(last, base: base) != nil else { return nil }
        let path = directory + "/" + SegmentFileName(base: base, kind: .log).name
        try logErrors { () throws(FileError) in
            segment.close()
            try fileSystem.rename(segment.path(.log), to: path)
            for kind in [SegmentFileName.Kind.index, .timeindex, .txnindex] {
                try fileSystem.remove(segment.path(kind))
            }
            try fileSystem.syncDirectory(directory)
        }
        return LogSegment(
            base: base, in: directory, isNew: false, hasTransactions: false, now: now,
            jitter: PartitionLog.jitter(configuration), pool: pool)
    }

    private func recover(
        _ segment: LogSegment, below bound: Offset?, _ producers: inout ProducerStateManager,
        _ completed: inout [CompletedTransaction], _ epochs: inout LeaderEpochCache
    ) throws(LogError) -> SegmentScan.Result {
        try segment.resetIndexes()
        try segment.transactions.reset()
        let before = try segment.size
        var reported: Int64 = 0
        var epoch: LeaderEpoch = -1
        let result = try SegmentScan(segment, below: bound).run { (batch, bytes) throws(LogError) in
            if batch.end - reported >= Self.reportedBytes {
                report(.scanned(bytes: batch.end - reported))
                reported = batch.end
            }
            try segment.reindex(batch, interval: configuration.indexIntervalBytes)
            if let problem = try epochProblem(of: batch, after: &epoch, epochs, in: segment) {
                report(.malformed(segment.damage(batch.position, problem)))
            } else {
                epochs.note(batch)
            }
            guard batch.header.hasProducerID, batch.lastOffset >= producers.mapEnd else { return }
            let marker =
                batch.header.isControl ? EndTransactionMarker(controlBatch: ByteBuffer(bytes: bytes)) : nil
            guard let transaction = producers.apply(ProducerBatch(batch.header, marker: marker)) else { return }
            completed.append(transaction)
            guard transaction.isAborted else { return }
            try segment.transactions.append(
                TransactionIndexEntry(
                    producerID: transaction.producerID, firstOffset: transaction.firstOffset,
                    lastOffset: transaction.lastOffset, lastStable: producers.lastStable(after: transaction)))
        }
        let size = try segment.size
        if result.validBytes < size {
            try segment.truncate(toPosition: result.validBytes, offset: result.nextOffset, now: now)
            report(
                .truncated(
                    base: segment.base, to: result.nextOffset, position: result.validBytes,
                    problem: result.problem ?? "", lostBytes: size - result.validBytes))
        }
        _ = try putOffIfFull { () throws(LogError) in try segment.seal() }
        report(.scanned(bytes: before - reported))
        report(.recovered(base: segment.base, bytes: result.validBytes))
        return result
    }

    /// No checksum covers a batch's leader epoch, but epochs never fall within a log. Nil for one that can be true; else what
    /// is wrong. The records are none the worse for it, so they stay; nothing is learned from it.
    private func epochProblem(
        of batch: BatchHeader, after previous: inout LeaderEpoch, _ known: LeaderEpochCache, in segment: LogSegment
    ) throws(LogError) -> String? {
        let epoch = batch.header.partitionLeaderEpoch
        guard batch.header.magic >= 2, epoch != -1 else { return nil }
        if epoch < previous { return "the leader epoch \(epoch) lies below the \(previous) of the batch before" }
        if epoch > previous, !known.entries.contains(where: { $0.epoch == epoch }),
            let next = try SegmentScan(segment).header(at: batch.end), next.header.magic >= 2,
            (0..<epoch).contains(next.header.partitionLeaderEpoch)
        {
            return "the leader epoch \(epoch) lies above the \(next.header.partitionLeaderEpoch) of the next batch"
        }
        previous = epoch
        return nil
    }

    private func writeSnapshot(
        _ producers: ProducerStateManager, _ snapshots: inout [Offset]
    ) throws(LogError) {
        let path = directory + "/" + SegmentFileName(base: producers.mapEnd, kind: .snapshot).name
        let content = ProducerSnapshot.encode(producers.snapshot)
        let isWritten = try putOffIfFull { () throws(LogError) in
            try logErrors { () throws(FileError) in
                try fileSystem.open(path, .replace).write(ByteBuffer(bytes: content), at: 0)
            }
        }
        if isWritten { snapshots.append(producers.mapEnd) }
    }

    private func removeSnapshots(
        _ snapshots: inout [Offset], where isRemoved: (Offset) -> Bool
    ) throws(LogError) {
        for offset in snapshots where isRemoved(offset) {
            try logErrors { () throws(FileError) in
                try fileSystem.remove(directory + "/" + SegmentFileName(base: offset, kind: .snapshot).name)
            }
        }
        snapshots.removeAll(where: isRemoved)
    }

    private func removeSegments(_ segments: [LogSegment]) throws(LogError) {
        try logErrors { () throws(FileError) in
            for segment in segments.reversed() { try segment.remove() }
        }
    }

    // MARK: Pass 7

    /// The producers' state at `logEnd`: from the newest sound snapshot, and the headers of the batches behind it.
    static func loadProducers(
        snapshots: inout [Offset], directory: String, segments: SegmentList, logStart: Offset, logEnd: Offset,
        now: Timestamp, expiration: Int64, fileSystem: any FileSystem, onDamage: (MalformedFile) -> Void
    ) throws(LogError) -> (producers: ProducerStateManager, completed: [CompletedTransaction]) {
        var producers = ProducerStateManager(mapEnd: logStart)
        while let offset = snapshots.last(where: { $0 <= logEnd }) {
            let path = directory + "/" + SegmentFileName(base: offset, kind: .snapshot).name
            let content = try logErrors { () throws(FileError) in try fileSystem.contents(of: path) }
            do throws(MalformedFile) {
                if let content {
                    let states = try ProducerSnapshot.decode(content, path: path)
                    producers = ProducerStateManager(states, at: offset, now: now, expiration: expiration)
                    break
                }
            } catch {
                onDamage(error)
            }
            // An older one and the log take its place.
            try logErrors { () throws(FileError) in try fileSystem.remove(path) }
            snapshots.removeAll { $0 == offset }
        }
        var completed: [CompletedTransaction] = []
        let from = producers.mapEnd
        guard from < logEnd, let first = segments.index(holding: from) ?? (segments.isEmpty ? nil : 0) else {
            return (producers, completed)
        }
        for segment in segments.all[first...] where segment.base < logEnd {
            try replay(segment, from: from, to: logEnd, &producers, &completed)
        }
        producers.advance(to: logEnd)
        return (producers, completed)
    }

    private static func replay(
        _ segment: LogSegment, from: Offset, to end: Offset, _ producers: inout ProducerStateManager,
        _ completed: inout [CompletedTransaction]
    ) throws(LogError) {
        let start = from > segment.base ? try segment.find(from)?.position : 0
        guard let start else { return }
        _ = try segment.scanHeaders(from: start) { (header) throws(LogError) in
            guard header.lastOffset < end else { return false }
            guard header.header.hasProducerID, header.lastOffset >= from else { return true }
            var marker: EndTransactionMarker?
            if header.header.isControl {
                // Markers are small; anything larger is none.
                let bytes = try logErrors { () throws(FileError) in
                    try segment.data.open().bytes(at: header.position, count: min(header.size, 4096))
                }
                marker = EndTransactionMarker(controlBatch: bytes)
            }
            if let transaction = producers.apply(ProducerBatch(header.header, marker: marker)) {
                completed.append(transaction)
            }
            return true
        }
    }
}

extension LeaderEpochCache {
    /// A batch that was read from the log tells of the leadership that wrote it.
    mutating func note(_ batch: BatchHeader) {
        let epoch = batch.header.partitionLeaderEpoch
        if epoch >= 0, epoch > latestEpoch ?? -1 { assign(epoch, startOffset: batch.baseOffset) }
    }
}
