// SPDX-License-Identifier: Apache-2.0

import Glibc
import GoldenFixtures
import KafkaModel
import NIOCore
import Synchronization

@testable import LogStorage

/// A disk in memory that, at a crash, loses what was not synced: writes whole or in sectors, in any order, with the
/// length grown over zeros; cuts; and the newest creations, renames and removals of each directory. Calls can be made
/// to fail.
final class ForgetfulFileSystem: FileSystem {
    fileprivate final class Node {
        var content: [UInt8] = []
        var durable: [UInt8] = []
        var pending: [Change] = []
        var modified: Timestamp = 0
    }
    fileprivate enum Change {
        case write([UInt8], at: Int)
        case truncate(Int)
    }
    fileprivate enum NameChange {
        case link(String, Node)
        case unlink(String)
        case rename(String, String)
        case makeDirectory(String)
        case removeDirectory(String)
    }
    fileprivate struct State {
        var files: [String: Node] = [:]
        var directories: Set<String> = ["/"]
        var durableFiles: [String: Node] = [:]
        var durableDirectories: Set<String> = ["/"]
        var names: [String: [NameChange]] = [:]
        var locks: Set<String> = []
        /// Calls until one fails, and with what.
        var failure: (after: Int, code: Int32, operations: Set<FileError.Operation>, prefix: String)?
        var capacity = Int.max
        var calls = 0
        var reads = 0
        /// Files that were opened.
        var opened: Set<String> = []
        var random: SeededRandom
        /// Set at a crash: files opened before it are gone.
        var life = 0
    }
    /// Called with the new name after each rename, before its caller goes on.
    let afterRename = Mutex<(@Sendable (String) -> Void)?>(nil)
    /// Likewise with the file's name after each sync of a file.
    let afterSync = Mutex<(@Sendable (String) -> Void)?>(nil)

    private let lock = Mutex<Void>(())
    // Guarded by the lock above, `lock`: `withState` alone reads and writes it, and holds that lock meanwhile. A `Mutex` cannot
    // hold it, since its nodes are classes that files share; they are guarded by the same lock.
    nonisolated(unsafe) private var guarded: State

    init(seed: UInt64) { guarded = State(random: SeededRandom(seed: seed)) }

    private func withState<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock._unsafeLock()
        defer { lock._unsafeUnlock() }
        return try body(&guarded)
    }

    /// Lets the call after `calls` others of these kinds, on files below a directory, fail, and all such calls after it.
    func fail(
        after calls: Int, with code: Int32, _ operations: Set<FileError.Operation>, under prefix: String = "/"
    ) {
        withState { $0.failure = (calls, code, operations, prefix) }
    }

    /// Bytes of all files together.
    var usedBytes: Int { withState { state in state.files.values.reduce(0) { $0 + $1.content.count } } }

    /// Bytes that all files together may have.
    func limit(to capacity: Int) { withState { $0.capacity = capacity } }

    func heal() {
        withState { state in
            state.failure = nil
            state.capacity = .max
        }
    }

    /// Files that were opened since the last call.
    func takeOpened() -> Set<String> {
        withState { state in
            defer { state.opened = [] }
            return state.opened
        }
    }

    /// Another disk with the same files, after a crash of this one; it forgets in its own way.
    func copy(seed: UInt64) -> ForgetfulFileSystem {
        let copy = ForgetfulFileSystem(seed: seed)
        withState { state in
            copy.withState { other in
                for (path, node) in state.files {
                    precondition(node.pending.isEmpty, "only what is durable can be copied")
                    let twin = Node()
                    twin.content = node.content
                    twin.durable = node.durable
                    twin.modified = node.modified
                    other.files[path] = twin
                }
                other.durableFiles = other.files
                other.directories = state.directories
                other.durableDirectories = state.directories
            }
        }
        return copy
    }

    /// Calls that read from a file so far.
    var reads: Int { withState { $0.reads } }

    /// Calls that changed something so far.
    var changes: Int { withState { $0.calls } }

    fileprivate func perform<Result>(
        _ operation: FileError.Operation, _ path: String, life: Int? = nil,
        _ body: (inout State) throws(FileError) -> Result
    ) throws(FileError) -> Result {
        try withState { (state: inout State) throws(FileError) -> Result in
            if let life, life != state.life { throw FileError(operation, path, code: EBADF) }
            if let failure = state.failure, failure.operations.contains(operation), path.hasPrefix(failure.prefix) {
                guard failure.after > 0 else { throw FileError(operation, path, code: failure.code) }
                state.failure?.after -= 1
            }
            if operation == .read { state.reads += 1 }
            switch operation {
            case .read, .open, .opendir, .stat, .statvfs, .flock: break
            default: state.calls += 1
            }
            return try body(&state)
        }
    }

    // MARK: Crash

    /// The process ends, and the machine goes on: nothing is forgotten but locks.
    func kill() {
        withState { state in
            state.life += 1
            state.locks = []
        }
    }

    /// The machine stops and starts again: only what the disk remembers is there.
    func crash() {
        withState { state in
            state.life += 1
            state.locks = []
            var random = state.random
            for directory in state.names.keys.sorted() {
                let changes = state.names[directory] ?? []
                for change in changes.prefix(Int.random(in: 0...changes.count, using: &random)) {
                    Self.apply(change, &state.durableFiles, &state.durableDirectories)
                }
            }
            state.names = [:]
            state.files = state.durableFiles
            state.directories = state.durableDirectories
            var seen: Set<ObjectIdentifier> = []
            for path in state.files.keys.sorted() {
                guard let node = state.files[path], seen.insert(ObjectIdentifier(node)).inserted else { continue }
                Self.remember(node, &random)
            }
            state.random = random
        }
    }

    private static func remember(_ node: Node, _ random: inout SeededRandom) {
        var content = node.durable
        // A file system that writes in order keeps a prefix; one that does not, anything.
        let isOrdered = Bool.random(using: &random)
        let kept = Int.random(in: 0...node.pending.count, using: &random)
        for (index, change) in node.pending.enumerated() {
            if isOrdered ? index >= kept : Int.random(in: 0..<3, using: &random) == 0 { continue }
            switch change {
            case .truncate(let length): Self.resize(&content, length)
            case .write(let bytes, let position):
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    // The length reached the disk, the data did not.
                    resize(&content, max(content.count, position + bytes.count))
                case 1:
                    let sector = Bool.random(using: &random) ? 512 : 4096
                    resize(&content, max(content.count, position + bytes.count))
                    var start = position
                    while start < position + bytes.count {
                        let end = min((start / sector + 1) * sector, position + bytes.count)
                        if Bool.random(using: &random) {
                            content.replaceSubrange(start..<end, with: bytes[(start - position)..<(end - position)])
                        }
                        start = end
                    }
                default: write(bytes, at: position, &content)
                }
            }
        }
        node.content = content
        node.durable = content
        node.pending = []
    }

    private static func resize(_ content: inout [UInt8], _ length: Int) {
        if length < content.count {
            content.removeLast(content.count - length)
        } else {
            content.append(contentsOf: repeatElement(0, count: length - content.count))
        }
    }

    private static func write(_ bytes: [UInt8], at position: Int, _ content: inout [UInt8]) {
        resize(&content, max(content.count, position + bytes.count))
        content.replaceSubrange(position..<(position + bytes.count), with: bytes)
    }

    private static func apply(
        _ change: NameChange, _ files: inout [String: Node], _ directories: inout Set<String>
    ) {
        switch change {
        case .link(let path, let node): files[path] = node
        case .unlink(let path): files[path] = nil
        case .makeDirectory(let path): directories.insert(path)
        case .removeDirectory(let path): directories.remove(path)
        case .rename(let from, let to):
            if let node = files.removeValue(forKey: from) {
                files[to] = node
            } else if directories.remove(from) != nil {
                directories.insert(to)
                for (path, node) in files where path.hasPrefix(from + "/") {
                    files[path] = nil
                    files[to + path.dropFirst(from.count)] = node
                }
            }
        }
    }

    private func change(_ change: NameChange, in path: String, _ state: inout State) {
        Self.apply(change, &state.files, &state.directories)
        state.names[parent(of: path), default: []].append(change)
    }

    // MARK: FileSystem

    func open(_ path: String, _ mode: FileMode) throws(FileError) -> any StorageFile {
        try perform(.open, path) { (state) throws(FileError) in
            state.opened.insert(path)
            if let node = state.files[path] {
                if mode == .replace, !node.content.isEmpty {
                    node.content = []
                    node.pending.append(.truncate(0))
                }
                return File(path: path, node: node, life: state.life, fileSystem: self)
            }
            guard mode == .create || mode == .replace, state.directories.contains(parent(of: path)) else {
                throw FileError(.open, path, code: ENOENT)
            }
            let node = Node()
            change(.link(path, node), in: path, &state)
            return File(path: path, node: node, life: state.life, fileSystem: self)
        }
    }

    func status(of path: String) throws(FileError) -> FileStatus? {
        try perform(.stat, path) { (state) throws(FileError) in
            if let node = state.files[path] {
                return FileStatus(size: Int64(node.content.count), modified: node.modified, isDirectory: false)
            }
            return state.directories.contains(path) ? FileStatus(size: 0, modified: 0, isDirectory: true) : nil
        }
    }

    func list(_ directory: String) throws(FileError) -> [DirectoryEntry] {
        try perform(.opendir, directory) { (state) throws(FileError) in
            guard state.directories.contains(directory) else { throw FileError(.opendir, directory, code: ENOENT) }
            let prefix = directory + "/"
            func names(_ paths: some Sequence<String>, _ isDirectory: Bool) -> [DirectoryEntry] {
                paths.filter { $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/") }
                    .map { DirectoryEntry(name: String($0.dropFirst(prefix.count)), isDirectory: isDirectory) }
            }
            return (names(state.files.keys, false) + names(state.directories, true)).sorted { $0.name < $1.name }
        }
    }

    func makeDirectory(_ path: String) throws(FileError) {
        try perform(.mkdir, path) { state in
            if !state.directories.contains(path) { change(.makeDirectory(path), in: path, &state) }
        }
    }

    func rename(_ path: String, to target: String) throws(FileError) {
        try perform(.rename, path) { (state) throws(FileError) in
            guard state.files[path] != nil || state.directories.contains(path) else {
                throw FileError(.rename, path, code: ENOENT)
            }
            change(.rename(path, target), in: target, &state)
        }
        afterRename.withLock { $0 }?(target)
    }

    func remove(_ path: String) throws(FileError) {
        try perform(.unlink, path) { state in
            if state.files[path] != nil { change(.unlink(path), in: path, &state) }
        }
    }

    func removeDirectory(_ path: String) throws(FileError) {
        try perform(.rmdir, path) { state in
            if state.directories.contains(path) { change(.removeDirectory(path), in: path, &state) }
        }
    }

    func syncDirectory(_ path: String) throws(FileError) {
        try perform(.fsync, path) { (state) throws(FileError) in
            guard state.directories.contains(path) else { throw FileError(.fsync, path, code: ENOENT) }
            for change in state.names.removeValue(forKey: path) ?? [] {
                Self.apply(change, &state.durableFiles, &state.durableDirectories)
            }
        }
    }

    func setModificationTime(of path: String, to time: Timestamp) throws(FileError) {
        try perform(.utimensat, path) { state in state.files[path]?.modified = time }
    }

    func lock(_ path: String) throws(FileError) -> (any FileLock)? {
        try perform(.flock, path) { state in
            state.locks.insert(path).inserted ? Lock(path: path, fileSystem: self) : nil
        }
    }

    fileprivate func unlock(_ path: String) { withState { _ = $0.locks.remove(path) } }

    func wholeSync(of directory: String) throws(FileError) -> (any WholeSync)? {
        Whole(path: directory, fileSystem: self)
    }

    private final class Whole: WholeSync {
        let path: String
        let fileSystem: ForgetfulFileSystem
        init(path: String, fileSystem: ForgetfulFileSystem) {
            self.path = path
            self.fileSystem = fileSystem
        }
        func sync() throws(FileError) {
            try fileSystem.perform(.syncfs, path) { state in
                for node in state.files.values {
                    node.durable = node.content
                    node.pending = []
                }
                for changes in state.names.values {
                    for change in changes {
                        ForgetfulFileSystem.apply(change, &state.durableFiles, &state.durableDirectories)
                    }
                }
                state.names = [:]
            }
        }
    }

    func space(at path: String) throws(FileError) -> FileSystemSpace {
        FileSystemSpace(available: 1 << 40, total: 1 << 40)
    }

    private final class Lock: FileLock {
        let path: String
        let fileSystem: ForgetfulFileSystem
        init(path: String, fileSystem: ForgetfulFileSystem) {
            self.path = path
            self.fileSystem = fileSystem
        }
        func release() { fileSystem.unlock(path) }
    }

    // Guarded by the file system's lock, `lock`: of a file only the node changes, and it is read and written within `perform`
    // alone, which holds that lock meanwhile. All else is `let`.
    private final class File: StorageFile, @unchecked Sendable {
        let path: String
        let node: Node
        let life: Int
        let fileSystem: ForgetfulFileSystem

        init(path: String, node: Node, life: Int, fileSystem: ForgetfulFileSystem) {
            self.path = path
            self.node = node
            self.life = life
            self.fileSystem = fileSystem
        }

        func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(FileError) -> Int {
            try fileSystem.perform(.read, path, life: life) { _ in
                let start = min(Int(position), node.content.count)
                let count = min(buffer.count, node.content.count - start)
                buffer.copyBytes(from: node.content[start..<(start + count)])
                return count
            }
        }

        func write(_ bytes: UnsafeRawBufferPointer, at position: Int64) throws(FileError) {
            try fileSystem.perform(.write, path, life: life) { (state) throws(FileError) in
                let end = Int(position) + bytes.count
                if state.capacity < .max {
                    let used = state.files.values.reduce(0) { $0 + $1.content.count }
                    let room = state.capacity - used
                    if end - node.content.count > room {
                        // As much as fits is written before the refusal.
                        let part = Array(bytes.prefix(max(0, node.content.count + room - Int(position))))
                        if !part.isEmpty {
                            ForgetfulFileSystem.write(part, at: Int(position), &node.content)
                            node.pending.append(.write(part, at: Int(position)))
                        }
                        throw FileError(.write, path, code: ENOSPC)
                    }
                }
                // Its own clock, as far as it has one.
                node.modified = Timestamp(state.calls)
                ForgetfulFileSystem.write(Array(bytes), at: Int(position), &node.content)
                node.pending.append(.write(Array(bytes), at: Int(position)))
            }
        }

        func truncate(to length: Int64) throws(FileError) {
            try fileSystem.perform(.ftruncate, path, life: life) { _ in
                ForgetfulFileSystem.resize(&node.content, Int(length))
                node.pending.append(.truncate(Int(length)))
            }
        }

        func sync() throws(FileError) {
            try fileSystem.perform(.fdatasync, path, life: life) { _ in
                node.durable = node.content
                node.pending = []
            }
            fileSystem.afterSync.withLock { $0 }?(path)
        }

        func length() throws(FileError) -> Int64 {
            try fileSystem.perform(.stat, path, life: life) { _ in Int64(node.content.count) }
        }

        func region(at position: Int64, count: Int) -> FileRegion? { nil }
    }
}
