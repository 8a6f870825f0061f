// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension PartitionLog {
    /// Cuts the log so that it ends at or below `offset`. Returns the new end, which is below `offset` where that lies
    /// inside a batch, since batches are never split, or behind offsets that compaction took. No record is lost if the log
    /// ends there or before.
    @discardableResult
    package func truncate(to offset: Offset, now: Timestamp) throws(LogError) -> Offset {
        try mutate { (state) throws(LogError) in
            let view = published.withLock { $0 }
            guard offset < view.offsets.logEnd else {
                // A leadership without a record may have left its epoch at the end. It is part of what is cut off.
                if state.epochs.truncateEnd(to: view.offsets.logEnd) { try saveEpochsUnlessFull(&state) }
                return view.offsets.logEnd
            }
            if offset < view.segments.first.base {
                try startOver(at: offset, logStart: offset, now: now, &state)
                return offset
            }
            let removed = view.segments.all.filter { $0.base > offset }
            var segments = view.segments
            segments.removeAll { $0.base > offset }
            let active = segments.active
            if let batch = try active.find(offset) {
                // What the old formats' headers say of their first offset is no more than their last one.
                let first = batch.header.magic >= 2 ? min(batch.baseOffset, offset) : offset
                try active.truncate(toPosition: batch.position, offset: first, now: now)
            }
            // Where offsets are missing the log ends before the hole, so that segments never have one between them.
            let end = max(try active.nextOffset(), min(offset, view.offsets.logStart))
            let size = try active.size
            let changed = segments
            published.withLock { published in
                published.segments = changed
                published.truncations += 1
                published.cutCleaned(to: end)
                published.offsets.logEnd = end
                // The cut is not on disk. Until it is, this segment counts as unflushed: were its old end to come back
                // after a crash, it would overlap what follows.
                published.offsets.recoveryPoint = min(published.offsets.recoveryPoint, end, max(active.base, 0))
                published.offsets.logStart = min(published.offsets.logStart, end)
                published.offsets.highWatermark = min(published.offsets.highWatermark, end)
                published.offsets.lastStable = min(published.offsets.lastStable, end)
                published.end = LogPosition(offset: end, segmentBase: active.base, position: size)
                published.recent.removeAll()
                published.recent.add(published.end)
            }
            try discard(removed)
            if state.epochs.truncateEnd(to: end) { try saveEpochsUnlessFull(&state) }
            try reloadProducers(&state, now: now)
            return end
        }
    }

    /// Drops all records and starts at `offset`; the log start may lie above it never, below it when a leader says so.
    package func truncateFullyAndStart(at offset: Offset, logStart: Offset? = nil, now: Timestamp) throws(LogError) {
        try mutate { (state) throws(LogError) in
            try startOver(at: offset, logStart: min(logStart ?? offset, offset), now: now, &state)
        }
    }

    func startOver(
        at offset: Offset, logStart: Offset, now: Timestamp, _ state: inout Mutation
    ) throws(LogError) {
        let view = published.withLock { $0 }
        // As a leader says, which may say anything.
        guard (0...LogOffsets.highestEnd).contains(offset) else {
            throw .offsetOutOfRange(
                requested: offset, logStart: view.offsets.logStart, logEnd: view.offsets.logEnd)
        }
        // Out of the way first: the new segment may have the name of an old one.
        try discard(view.segments.all)
        let segment = LogSegment(
            base: offset, in: view.directory, isNew: true, hasTransactions: false, now: now,
            jitter: Self.jitter(view.configuration), pool: pool)
        try logErrors { () throws(FileError) in
            try segment.create(
                preallocating: view.configuration.preallocate ? view.configuration.segmentBytes : nil)
        }
        directoryChanged.store(true, ordering: .releasing)
        try removeSnapshots(&state) { _ in true }
        state.producers.reset(at: offset)
        published.withLock { published in
            published.segments = SegmentList([segment])
            published.truncations += 1
            published.cutCleaned(to: offset)
            published.offsets = LogOffsets(
                logStart: logStart, highWatermark: max(logStart, min(published.offsets.highWatermark, offset)),
                lastStable: logStart, logEnd: offset, recoveryPoint: min(published.offsets.recoveryPoint, offset))
            published.end = LogPosition(offset: offset, segmentBase: offset, position: 0)
            published.recent.removeAll()
            published.firstOpen = nil
            published.ended = []
            published.updateLastStable()
        }
        if state.epochs.removeAll() { try saveEpochsUnlessFull(&state) }
    }

    /// Removes segments that are no longer listed, at once: what was cut off was never acknowledged to anyone who
    /// may still ask for it, and its names are needed again.
    private func discard(_ segments: [LogSegment]) throws(LogError) {
        guard !segments.isEmpty else { return }
        // Should they come back after a crash, they would be taken for what follows: no recovery point may pass this.
        directoryChanged.store(true, ordering: .releasing)
        try logErrors { () throws(FileError) in
            // From the end, so that a crash in between leaves no hole.
            for segment in segments.reversed() {
                segment.data.close()
                try segment.remove()
            }
        }
    }

    /// Restores the producers' state as of the log's end, after a cut.
    private func reloadProducers(_ state: inout Mutation, now: Timestamp) throws(LogError) {
        let view = published.withLock { $0 }
        let end = view.offsets.logEnd
        try removeSnapshots(&state) { $0 > end }
        state.producers = try LogLoader.loadProducers(
            snapshots: &state.snapshots, directory: view.directory, segments: view.segments,
            logStart: view.offsets.logStart, logEnd: end, now: now, expiration: producerExpiration.milliseconds,
            fileSystem: pool.fileSystem,
            // What replaces it is as good; a start would have told of it.
            onDamage: { _ in }
        ).producers
        let firstOpen = state.producers.firstOpen
        published.withLock { published in
            published.firstOpen = firstOpen
            published.ended.removeAll { $0.lastOffset >= end }
            published.updateLastStable()
        }
    }

    func removeSnapshots(_ state: inout Mutation, where isRemoved: (Offset) -> Bool) throws(LogError) {
        let directory = published.withLock { $0.directory }
        try logErrors { () throws(FileError) in
            for offset in state.snapshots where isRemoved(offset) {
                try pool.fileSystem.remove(
                    directory + "/" + SegmentFileName(base: offset, kind: .snapshot).name)
            }
        }
        state.snapshots.removeAll(where: isRemoved)
    }
}
