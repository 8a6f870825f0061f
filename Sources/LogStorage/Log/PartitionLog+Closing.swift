// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension PartitionLog {
    /// Makes everything durable and leaves the files as a clean start expects them: a snapshot of the producers at
    /// the end, indexes written and cut to size. The log throws ``LogError/closed`` from now on.
    ///
    /// - Throws: also when the disk was too full for all that: the next start has to recover the log then.
    package func close(now: Timestamp) throws(LogError) {
        var hasRoom = true
        try mutate { (state) throws(LogError) in
            let (directory, active, removed) = (path, published.withLock { $0.segments.active }, state.removed)
            hasRoom = try unlessFull { () throws(LogError) in
                if state.hasUnsavedEpochs { try saveEpochs(&state) }
                try takeSnapshot(&state, in: directory)
                try active.seal()
            }
            state.isClosed = true
            // Nobody comes back for them before the next start, which would remove them too.
            try logErrors { () throws(FileError) in for (segment, _) in removed { try segment.remove() } }
            state.removed = []
        }
        try flush(now: now)
        let segments = published.withLock { $0.segments }
        try logErrors { () throws(FileError) in
            guard hasRoom else { throw FileError(.write, path, code: FileError.noSpace) }
            try segments.active.syncIndexes()
        }
        for segment in segments.all { segment.close() }
    }

    /// Gives all descriptors up without writing anything: the directory is offline, or the log is thrown away.
    package func abandon() {
        mutation.withLock { $0.isClosed = true }
        published.withLock { $0.isAbandoned = true }
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
