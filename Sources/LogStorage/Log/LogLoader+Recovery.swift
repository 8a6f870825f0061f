// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// Pass 5: after an unclean stop all beyond the recovery point is checked.
extension LogLoader {
    struct Recovered {
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
    func recover(
        _ segments: inout SegmentList, _ snapshots: inout [Offset], _ epochs: inout LeaderEpochCache
    ) throws(LogError) -> Recovered {
        let first = segments.index(holding: max(recoveryPoint, segments.first.base)) ?? 0
        let base = segments.all[first].base
        try removeSnapshots(&snapshots) { $0 > base }
        var (producers, completed) = try Self.loadProducers(
            snapshots: &snapshots, directory: directory, segments: segments,
            logStart: max(logStart, segments.first.base), logEnd: base, now: now,
            expiration: producerExpiration.milliseconds, fileSystem: fileSystem, onDamage: tellOfDamage)
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
    func follows(_ segment: LogSegment, _ end: Offset) throws(LogError) -> Bool {
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
    func wasLeftByKafka(_ active: LogSegment) throws(LogError) -> Bool {
        let size = configuration.indexBytes - configuration.indexBytes % OffsetIndexEntry.byteCount
        return try logErrors { () throws(FileError) in
            try fileSystem.status(of: active.path(.index))?.size == Int64(size)
        }
    }

    /// Lets a segment begin where the one before it ends, so that no later start has to judge the hole again. Nil when its
    /// offsets would be too far from its base then. Its indexes go: it is about to be recovered.
    func rename(_ segment: LogSegment, to base: Offset) throws(LogError) -> LogSegment? {
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

    func recover(
        _ segment: LogSegment, below bound: Offset?, _ producers: inout ProducerStateManager,
        _ completed: inout [CompletedTransaction], _ epochs: inout LeaderEpochCache
    ) throws(LogError) -> SegmentScan.Result {
        try segment.resetIndexes()
        try segment.transactions.reset()
        let before = try segment.size
        var reported: Int64 = 0
        var epoch: LeaderEpoch = -1
        var hasSoundEpochs = true
        let result = try SegmentScan(segment, below: bound).run { (batch, bytes) throws(LogError) in
            if batch.end - reported >= Self.reportedBytes {
                report(.scanned(bytes: batch.end - reported))
                reported = batch.end
            }
            try segment.reindex(batch, interval: configuration.indexIntervalBytes)
            if let problem = try epochProblem(of: batch, after: &epoch, epochs, in: segment) {
                if let proven = try provenEpoch(of: batch, after: epoch, epochs, in: segment) {
                    try segment.setLeaderEpoch(proven, at: batch.position)
                    report(
                        .malformed(
                            MalformedFile(
                                segment.path(.log), .position(batch.position), problem,
                                advice: "\(proven) was put there")))
                } else {
                    report(.malformed(segment.damage(batch.position, problem)))
                    hasSoundEpochs = false
                }
            } else {
                if let problem = epochs.lateStart(of: batch) {
                    report(.malformed(LeaderEpochCheckpoint(in: directory, fileSystem).contradicted(problem)))
                }
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
        // Where an epoch is wrong, whoever reads there will be refused.
        if hasSoundEpochs { segment.noteSound(0..<result.validBytes) }
        _ = try putOffIfFull { () throws(LogError) in try segment.seal() }
        report(.scanned(bytes: before - reported))
        report(.recovered(base: segment.base, bytes: result.validBytes))
        return result
    }

    /// What the leader epoch of a batch with a wrong one was: as the checkpoint and one of its neighbours say. Nil if they do
    /// not agree.
    func provenEpoch(
        of batch: BatchHeader, after previous: LeaderEpoch, _ known: LeaderEpochCache, in segment: LogSegment
    ) throws(LogError) -> LeaderEpoch? {
        guard let epoch = known.epoch(at: batch.baseOffset) else { return nil }
        if epoch == previous { return epoch }
        return try SegmentScan(segment).header(at: batch.end)?.leaderEpoch == epoch ? epoch : nil
    }

    /// No checksum covers a batch's leader epoch, but epochs never fall within a log. Nil for one that can be true; else what
    /// is wrong. The records are none the worse for it, so they stay; nothing is learned from it.
    func epochProblem(
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

    func writeSnapshot(
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

    func removeSnapshots(
        _ snapshots: inout [Offset], where isRemoved: (Offset) -> Bool
    ) throws(LogError) {
        for offset in snapshots where isRemoved(offset) {
            try logErrors { () throws(FileError) in
                try fileSystem.remove(directory + "/" + SegmentFileName(base: offset, kind: .snapshot).name)
            }
        }
        snapshots.removeAll(where: isRemoved)
    }

    func removeSegments(_ segments: [LogSegment]) throws(LogError) {
        try logErrors { () throws(FileError) in
            for segment in segments.reversed() { try segment.remove() }
        }
    }
}
