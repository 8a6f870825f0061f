// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Keeps the number of open files bounded: files open when they are used, and the one that has not been used for
/// longest (as a clock with one hand tells) closes when there would be too many.
///
/// Bound: at most `limit` descriptors, and one per read or write under way beyond it. A segment needs up to four
/// (data, two indexes, transactions), so 10,000 partitions of ten segments, 400,000 files, live within any limit.
/// Locks: the pool's may be held while a file's is taken, never the other way round.
package final class FilePool: Sendable {
    package let fileSystem: any FileSystem
    private let limit: Int

    private struct State {
        var open: [PooledFile] = []
        var hand = 0

        mutating func remove(at slot: Int) {
            let last = open.removeLast()
            guard slot < open.count else { return }
            last.slot = slot
            open[slot] = last
        }
    }
    private let state = Mutex(State())

    package init(_ fileSystem: any FileSystem, limit: Int) {
        self.fileSystem = fileSystem
        self.limit = max(limit, 8)
    }

    /// How many files are open now.
    package var openCount: Int { state.withLock { $0.open.count } }

    fileprivate func opened(_ file: PooledFile) {
        state.withLock { state in
            file.slot = state.open.count
            state.open.append(file)
            if state.open.count > limit { evict(1, &state) }
        }
    }

    fileprivate func closed(_ file: PooledFile) {
        state.withLock { state in
            // It may have been closed for another one's sake meanwhile.
            guard file.slot < state.open.count, state.open[file.slot] === file else { return }
            state.remove(at: file.slot)
        }
    }

    /// Makes room after the process ran out of descriptors.
    fileprivate func shrink() {
        state.withLock { evict(max($0.open.count / 4, 1), &$0) }
    }

    private func evict(_ count: Int, _ state: inout State) {
        var left = count
        // Twice round: the first clears the marks, the second finds one without.
        var steps = state.open.count * 2
        while left > 0, steps > 0, !state.open.isEmpty {
            steps -= 1
            if state.hand >= state.open.count { state.hand = 0 }
            if state.open[state.hand].closeUnlessUsedSinceLastTime() {
                state.remove(at: state.hand)
                left -= 1
            } else {
                state.hand += 1
            }
        }
    }
}

/// A file that is open while it is used; see ``FilePool``. Safe from any thread.
package final class PooledFile: Sendable {
    private let pool: FilePool
    private struct State {
        var path: String
        var mode: FileMode
        var file: (any StorageFile)?
        var usedSinceLastTime = false
        /// Its name after a rename under way.
        var nextPath: String?
        /// Removed: another file may have its name by now.
        var isGone = false
    }
    private let state: Mutex<State>
    /// Where the pool has it; touched under the pool's lock only.
    private let place = Atomic(0)
    fileprivate var slot: Int {
        get { place.load(ordering: .relaxed) }
        set { place.store(newValue, ordering: .relaxed) }
    }

    /// - Parameter mode: of the first opening; later ones expect the file to exist.
    package init(_ path: String, _ mode: FileMode, in pool: FilePool) {
        self.pool = pool
        self.state = Mutex(State(path: path, mode: mode))
    }

    package var path: String { state.withLock { $0.path } }

    /// The open file. Keep it only for the call at hand.
    package func open() throws(FileError) -> any StorageFile {
        var names = state.withLock { state -> Names in
            state.usedSinceLastTime = true
            return Names(state)
        }
        var hasMadeRoom = false
        while true {
            if let file = names.file { return file }
            if names.isGone { throw FileError(.open, names.path, code: FileError.notFound) }
            do throws(FileError) {
                return try adopt(try pool.fileSystem.open(names.path, names.mode))
            } catch {
                if error.isOutOfHandles, !hasMadeRoom {
                    pool.shrink()
                    hasMadeRoom = true
                } else if !error.isNotFound {
                    throw error
                }
                // The file may have its next name already, or have been renamed in between, even more than once.
                if error.isNotFound, let next = names.nextPath,
                    let file = try openIfThere(next, names.mode)
                {
                    return try adopt(file)
                }
                let now = state.withLock { Names($0) }
                if error.isNotFound, now.file == nil, now.path == names.path, now.nextPath == names.nextPath {
                    throw error
                }
                names = now
            }
        }
    }

    /// What ``open()`` looks at, as of one moment.
    private struct Names {
        var file: (any StorageFile)?
        var path: String
        var nextPath: String?
        var mode: FileMode
        var isGone: Bool

        init(_ state: State) {
            (file, path, nextPath, mode, isGone) = (state.file, state.path, state.nextPath, state.mode, state.isGone)
        }
    }

    private func openIfThere(_ path: String, _ mode: FileMode) throws(FileError) -> (any StorageFile)? {
        do throws(FileError) {
            return try pool.fileSystem.open(path, mode)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    private func adopt(_ file: any StorageFile) throws(FileError) -> any StorageFile {
        let (winner, isNew) = try state.withLock { (state) throws(FileError) -> (any StorageFile, Bool) in
            if state.isGone { throw FileError(.open, state.path, code: FileError.notFound) }
            if let other = state.file { return (other, false) }
            state.file = file
            if state.mode != .read { state.mode = .update }
            return (file, true)
        }
        if isNew { pool.opened(self) }
        return winner
    }

    /// The file, or a directory above it, is about to be renamed: who does not find it under the one name looks under the
    /// other.
    func willBeRenamed(to path: String) {
        state.withLock { $0.nextPath = path }
    }

    /// The rename has failed.
    func keepsName() {
        state.withLock { $0.nextPath = nil }
    }

    /// The file now has another name; an open descriptor stays good.
    package func renamed(to path: String) {
        state.withLock { state in
            state.path = path
            state.nextPath = nil
        }
    }

    /// Gives the descriptor up. The file opens again when used again.
    package func close() {
        let wasOpen = state.withLock { state in
            defer { state.file = nil }
            return state.file != nil
        }
        if wasOpen { pool.closed(self) }
    }

    /// It is about to be removed for good. Who still knows it does not find it from now on, nor a new one of its name.
    func willBeRemoved() {
        state.withLock { $0.isGone = true }
        close()
    }

    fileprivate func closeUnlessUsedSinceLastTime() -> Bool {
        state.withLock { state in
            if state.usedSinceLastTime {
                state.usedSinceLastTime = false
                return false
            }
            state.file = nil
            return true
        }
    }
}
