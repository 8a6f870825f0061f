// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension PartitionLog {
    /// Makes all records below `offset` durable, or all there are. Returns the recovery point then reached.
    ///
    /// Group commit: who comes while a sync is under way waits for it, and then either finds its records covered or
    /// syncs for all that have gathered meanwhile. A failed sync takes the directory offline: what the kernel has
    /// dropped cannot be synced again.
    @discardableResult
    package func flush(upTo offset: Offset? = nil, now: Timestamp? = nil) throws(LogError) -> Offset {
        try health.watching { () throws(LogError) in
            try flushing.withLock { (last) throws(LogError) in
                if let now { last.time = now }
                return try flush(through: offset)
            }
        }
    }

    /// Called under the lock of flushes.
    private func flush(through offset: Offset?) throws(LogError) -> Offset {
        while true {
            let view = published.withLock { $0 }
            let wanted = min(offset ?? view.offsets.logEnd, view.offsets.logEnd)
            guard view.offsets.recoveryPoint < wanted else { return view.offsets.recoveryPoint }
            let reached = wanted > view.segments.active.base ? view.offsets.logEnd : wanted
            do throws(LogError) {
                try sync(view, upTo: reached)
            } catch {
                if try excuses(error, since: view.segments, in: view.directory) { continue }
                throw error
            }
            let settled = published.withLock { state -> Bool in
                // A cut at the end meanwhile may have been followed by records that this sync did not see; and in a
                // directory that was renamed small files were not found.
                guard state.truncations == view.truncations, state.directory == view.directory else { return false }
                state.offsets.recoveryPoint = max(state.offsets.recoveryPoint, reached)
                return true
            }
            if settled { return reached }
        }
    }

    private func sync(_ view: Published, upTo end: Offset) throws(LogError) {
        let first = view.segments.index(holding: view.offsets.recoveryPoint) ?? 0
        try logErrors { () throws(FileError) in
            for segment in view.segments.all[first...]
            where segment.base < end || segment.base == view.segments.first.base {
                if segment === view.segments.active {
                    // Its indexes are built anew after a crash, so only the batches have to be on disk.
                    try segment.data.open().sync()
                } else {
                    try segment.data.open().sync()
                    // A cut may make the segment the active one again, so its indexes are written in turn with it.
                    if !segment.hasDurableIndexes {
                        try mutation.withLock { (_) throws(FileError) in try segment.trimIndexes() }
                        try segment.syncIndexes()
                    }
                    segment.closeIdle()
                }
            }
            let snapshots = view.segments.all[first...].dropFirst().map(\.base).filter { $0 <= end }
            // Not every segment has one.
            for offset in snapshots {
                try syncIfThere(view.directory + "/" + SegmentFileName(base: offset, kind: .snapshot).name)
            }
            try syncDirectory(view.directory)
        }
    }

    /// Makes what was made and removed in the log's directory durable, and, the first time, that there is a log.
    func syncDirectory(_ directory: String) throws(FileError) {
        guard directoryChanged.exchange(false, ordering: .acquiringAndReleasing) else { return }
        do throws(FileError) {
            let isFirst = isUnsynced.load(ordering: .acquiring)
            if isFirst {
                // Under the lock, so that no content that is on disk is replaced by one that is not.
                try mutation.withLock { (_) throws(FileError) in
                    for name in [LeaderEpochCheckpoint.name, PartitionMetadataFile.name] {
                        try syncIfThere(directory + "/" + name)
                    }
                    isUnsynced.store(false, ordering: .releasing)
                }
            }
            try pool.fileSystem.syncDirectory(directory)
            if isFirst { try pool.fileSystem.syncDirectory(pool.fileSystem.parent(of: directory)) }
        } catch {
            directoryChanged.store(true, ordering: .releasing)
            throw error
        }
    }

    func syncIfThere(_ path: String) throws(FileError) {
        do throws(FileError) {
            try pool.fileSystem.open(path, .update).sync()
        } catch {
            if !error.isNotFound { throw error }
        }
    }

    /// Makes durable what `flush.messages` wants on disk. To be called before the log takes a role, in which all that it holds
    /// counts: what a process had written, and not flushed when it died, is there in the next one, and a leader would take
    /// the word of a follower for it. (Kafka does; a power failure may then take what was acknowledged.)
    package func flushIfOwed() throws(LogError) {
        let (offsets, limit) = published.withLock { ($0.offsets, $0.configuration.flushRecords) }
        if offsets.logEnd - offsets.recoveryPoint >= limit { try flush() }
    }

    /// Makes all segments before the active one durable: to be called off the append path after one was rolled
    /// (``LogAppendInfo/rolled``), as Kafka's scheduler does.
    package func flushRolledSegments() throws(LogError) {
        // Closing has flushed all; and of a deleted log there are no files any more.
        if mutation.withLock({ $0.isClosed }) { throw .closed }
        try flush(upTo: published.withLock { $0.segments.active.base })
    }

    /// Flushes if something has been unflushed for `flush.ms`.
    package func flushIfDue(now: Timestamp) throws(LogError) {
        let (offsets, limit) = published.withLock { ($0.offsets, $0.configuration.flushMilliseconds) }
        guard limit < .max, offsets.recoveryPoint < offsets.logEnd else { return }
        let last = flushing.withLock { $0.time }
        if now &- last >= limit { try flush(now: now) }
    }
}
