// SPDX-License-Identifier: Apache-2.0

import LogStorage
import Synchronization

/// The machine's file system, with a word to say before some calls.
final class HookedFileSystem: FileSystem {
    typealias Hook = @Sendable (_ path: String) throws(FileError) -> Void

    private struct Hooks {
        var opening: Hook?
        var renamed: Hook?
    }

    private let base = PosixFileSystem()
    private let hooks = Mutex(Hooks())

    /// Called before a file is opened, with its path.
    func onOpening(_ hook: Hook?) { hooks.withLock { $0.opening = hook } }
    /// Called when something was renamed, with its new path.
    func onRenamed(_ hook: Hook?) { hooks.withLock { $0.renamed = hook } }

    func open(_ path: String, _ mode: FileMode) throws(FileError) -> any StorageFile {
        try hooks.withLock { $0.opening }?(path)
        return try base.open(path, mode)
    }
    func rename(_ path: String, to target: String) throws(FileError) {
        try base.rename(path, to: target)
        try hooks.withLock { $0.renamed }?(target)
    }
    func status(of path: String) throws(FileError) -> FileStatus? { try base.status(of: path) }
    func list(_ directory: String) throws(FileError) -> [DirectoryEntry] { try base.list(directory) }
    func makeDirectory(_ path: String) throws(FileError) { try base.makeDirectory(path) }
    func remove(_ path: String) throws(FileError) { try base.remove(path) }
    func removeDirectory(_ path: String) throws(FileError) { try base.removeDirectory(path) }
    func syncDirectory(_ path: String) throws(FileError) { try base.syncDirectory(path) }
    func setModificationTime(of path: String, to time: Int64) throws(FileError) {
        try base.setModificationTime(of: path, to: time)
    }
    func lock(_ path: String) throws(FileError) -> (any FileLock)? { try base.lock(path) }
    func space(at path: String) throws(FileError) -> FileSystemSpace { try base.space(at: path) }
    func wholeSync(of directory: String) throws(FileError) -> (any WholeSync)? { try base.wholeSync(of: directory) }
    var workingDirectory: String { base.workingDirectory }
    func canonicalPath(of path: String) -> String? { base.canonicalPath(of: path) }
}
