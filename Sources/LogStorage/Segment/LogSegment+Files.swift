// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What becomes of a segment's files as a whole: synced, renamed, closed, removed.
extension LogSegment {
    /// Makes data and indexes durable, as far as ``trimIndexes()`` has written them.
    func sync() throws(FileError) {
        try data.open().sync()
        try syncIndexes()
    }

    var hasDurableIndexes: Bool { offsetIndex.isDurable && timeIndex.isDurable && transactions.isDurable }

    /// Writes what the indexes' files lack and cuts them to size.
    func trimIndexes() throws(FileError) {
        try offsetIndex.trim()
        try timeIndex.trim()
        try transactions.save()
    }

    func syncIndexes() throws(FileError) {
        try offsetIndex.sync()
        try timeIndex.sync()
        try transactions.sync()
    }

    /// Renames all files to another suffix, data first: indexes that a crash leaves behind alone are removed.
    func rename(to suffix: SegmentFileName.Suffix) throws(FileError) {
        try rename([.log, .index, .timeindex, .txnindex], to: suffix)
    }

    /// As ``rename(to:)``, data last: while the data is still a swap, a start goes on with the renames. The offset index,
    /// which every segment has, goes first, so that its place tells whether they have begun.
    func renameDataLast(to suffix: SegmentFileName.Suffix) throws(FileError) {
        try rename([.index, .timeindex, .txnindex, .log], to: suffix)
    }

    func rename(_ kinds: [SegmentFileName.Kind], to suffix: SegmentFileName.Suffix) throws(FileError) {
        let (directory, old) = state.withLock { ($0.directory, $0.suffix) }
        func path(_ kind: SegmentFileName.Kind, _ suffix: SegmentFileName.Suffix) -> String {
            directory + "/" + SegmentFileName(base: base, kind: kind, suffix: suffix).name
        }
        announce(directory, suffix)
        for kind in kinds {
            do throws(FileError) {
                try pool.fileSystem.rename(path(kind, old), to: path(kind, suffix))
            } catch {
                // Indexes may be missing; they are built anew when they are.
                if kind == .log || !error.isNotFound { throw error }
            }
        }
        adopt(directory: directory, suffix: suffix)
    }

    /// The partition's directory is about to be renamed.
    func willMove(to directory: String) {
        announce(directory, state.withLock { $0.suffix })
    }

    /// The partition's directory could not be renamed.
    func doesNotMove() {
        data.keepsName()
        offsetIndex.keepsName()
        timeIndex.keepsName()
        transactions.keepsName()
    }

    /// Readers that open a file during a rename find it under its new name.
    func announce(_ directory: String, _ suffix: SegmentFileName.Suffix) {
        func path(_ kind: SegmentFileName.Kind) -> String {
            directory + "/" + SegmentFileName(base: base, kind: kind, suffix: suffix).name
        }
        data.willBeRenamed(to: path(.log))
        offsetIndex.willBeRenamed(to: path(.index))
        timeIndex.willBeRenamed(to: path(.timeindex))
        transactions.willBeRenamed(to: path(.txnindex))
    }

    /// The partition's directory was renamed.
    func moved(to directory: String) {
        adopt(directory: directory, suffix: state.withLock { $0.suffix })
    }

    func adopt(directory: String, suffix: SegmentFileName.Suffix) {
        state.withLock { state in
            state.directory = directory
            state.suffix = suffix
        }
        data.renamed(to: path(.log))
        offsetIndex.renamed(to: path(.index))
        timeIndex.renamed(to: path(.timeindex))
        transactions.renamed(to: path(.txnindex))
    }

    /// Gives the indexes' descriptors and what is known of transactions up: a sealed segment's are read seldom.
    func closeIdle() {
        offsetIndex.close()
        timeIndex.close()
        transactions.forget()
    }

    /// Gives the descriptors up.
    func close() {
        data.close()
        offsetIndex.close()
        timeIndex.close()
    }

    /// Removes the files for good. Whoever still has the segment finds none, also if another one is given their names.
    func remove() throws(FileError) {
        data.willBeRemoved()
        offsetIndex.willBeRemoved()
        timeIndex.willBeRemoved()
        transactions.willBeRemoved()
        for kind in [SegmentFileName.Kind.log, .index, .timeindex, .txnindex] {
            try pool.fileSystem.remove(path(kind))
        }
    }
}
