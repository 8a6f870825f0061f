// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// The end of a log's life in this process, in the steps that ``LogDirectories`` takes with thousands at once:
///
/// 1. ``finishWriting()``: all is written, nothing more is accepted;
/// 2. what was written is made durable: by ``finishSyncing(now:)``, or by a sync of the whole file system;
/// 3. ``finish()``: the log counts as flushed, and its files are closed.
extension PartitionLog {
    /// Makes everything durable and leaves the files as a clean start expects them: a snapshot of the producers at
    /// the end, indexes written and cut to size. The log throws ``LogError/closed`` from now on.
    ///
    /// - Throws: also when the disk was too full for all that: the next start has to recover the log then.
    package func close(now: Timestamp) throws(LogError) {
        if try finishWriting(now: now) { try finishSyncing(now: now) }
        finish()
    }

    /// Returns whether something of the log is not on disk yet.
    func finishWriting(now: Timestamp) throws(LogError) -> Bool {
        var hasRoom = true
        try mutate { (state) throws(LogError) in
            let (directory, active, removed) = (path, published.withLock { $0.segments.active }, state.removed)
            hasRoom = try unlessFull { () throws(LogError) in
                if state.epochsOnDisk == .outdated { try saveEpochs(&state) }
                try takeSnapshot(&state, in: directory)
                try active.seal()
            }
            state.isClosed = true
            // Nobody comes back for them before the next start, which would remove them too.
            try logErrors { () throws(FileError) in for (segment, _) in removed { try segment.remove() } }
            state.removed = []
        }
        guard hasRoom else {
            // The records at least.
            try flush(now: now)
            throw LogError(FileError(.write, path, code: FileError.noSpace))
        }
        let (offsets, active) = published.withLock { ($0.offsets, $0.segments.active) }
        return offsets.recoveryPoint < offsets.logEnd || directoryChanged.load(ordering: .acquiring)
            || !active.hasDurableIndexes
    }

    /// Makes all of a log that is done with writing durable, file by file.
    func finishSyncing(now: Timestamp) throws(LogError) {
        try flush(now: now)
        let view = published.withLock { $0 }
        try health.watching { () throws(LogError) in
            try logErrors { () throws(FileError) in
                try view.segments.active.syncIndexes()
                try syncIfThere(
                    view.directory + "/" + SegmentFileName(base: view.offsets.logEnd, kind: .snapshot).name)
                try syncDirectory(view.directory)
            }
        }
    }

    /// All of a log that is done with writing is on disk.
    func finish() {
        let segments = published.withLock { published in
            published.offsets.recoveryPoint = published.offsets.logEnd
            return published.segments
        }
        for segment in segments.all { segment.close() }
    }

    /// Gives all descriptors up without writing anything: the directory is offline, or the log is thrown away.
    package func abandon() {
        mutation.withLock { $0.isClosed = true }
        for segment in published.withLock({ $0.segments }).all { segment.close() }
    }

    /// Renames the partition's directory; used when it is deleted or takes the place of another. Readers are not
    /// disturbed, whichever files they open meanwhile.
    func move(to directory: String) throws(LogError) {
        try health.watching { () throws(LogError) in
            try mutation.withLock { (state) throws(LogError) in
                let (old, listed) = published.withLock { ($0.directory, $0.segments.all) }
                let segments = listed + state.removed.map(\.segment)
                for segment in segments { segment.willMove(to: directory) }
                do throws(FileError) {
                    try pool.fileSystem.rename(old, to: directory)
                } catch {
                    for segment in segments { segment.doesNotMove() }
                    throw .file(error)
                }
                published.withLock { $0.directory = directory }
                for segment in segments { segment.moved(to: directory) }
                try logErrors { () throws(FileError) in
                    try pool.fileSystem.syncDirectory(pool.fileSystem.parent(of: directory))
                }
            }
        }
    }
}
