// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

/// The disk as this engine sees it: the seam at which tests put a disk that forgets, tears and fails.
///
/// All paths are absolute or relative to the working directory; all calls block; all are safe from any thread.
package protocol FileSystem: AnyObject, Sendable {
    /// Opens a file for reading and writing.
    func open(_ path: String, _ mode: FileMode) throws(FileError) -> any StorageFile
    /// Nil when nothing is there.
    func status(of path: String) throws(FileError) -> FileStatus?
    /// The entries of a directory without `.` and `..`, in no order.
    func list(_ directory: String) throws(FileError) -> [DirectoryEntry]
    /// Makes one directory; its parent must exist. One that is there already is fine.
    func makeDirectory(_ path: String) throws(FileError)
    /// Replaces what is at `target`. On disk for sure only after ``syncDirectory(_:)`` on the parent.
    func rename(_ path: String, to target: String) throws(FileError)
    /// Removes a file; one that is not there is fine.
    func remove(_ path: String) throws(FileError)
    /// Removes an empty directory; one that is not there is fine.
    func removeDirectory(_ path: String) throws(FileError)
    /// Makes creations, renames and removals in a directory durable.
    func syncDirectory(_ path: String) throws(FileError)
    func setModificationTime(of path: String, to time: Timestamp) throws(FileError)
    /// Takes an exclusive lock on a file, made if missing. Nil when another process, or another holder in this one,
    /// has it. The lock ends with ``FileLock/release()`` or the process.
    func lock(_ path: String) throws(FileError) -> (any FileLock)?
    /// Bytes that an ordinary user can still write to the file system that holds `path`, and its size.
    func space(at path: String) throws(FileError) -> FileSystemSpace
    /// What makes all that was written to the file system that holds `directory` durable with one call. Nil where such a
    /// call would keep silent about writes that have failed.
    func wholeSync(of directory: String) throws(FileError) -> (any WholeSync)?
    /// The directory by which relative paths go.
    var workingDirectory: String { get }
    /// The same path for the same directory, whichever links lead there. Nil when there is none.
    func canonicalPath(of path: String) -> String?
}

/// A file system seen as one thing to sync, whoever has written to it. Many files are durable sooner that way than one by
/// one, since each sync of a file waits for the disk.
package protocol WholeSync: AnyObject, Sendable {
    /// - Throws: also when a write has failed, of whatever file, since this object was made.
    func sync() throws(FileError)
}

/// How a file is opened.
package enum FileMode: Hashable, Sendable {
    /// For reading; must exist.
    case read
    /// For reading and writing; must exist.
    case update
    /// For reading and writing; made when missing.
    case create
    /// For reading and writing, emptied first; made when missing.
    case replace
}

package struct FileStatus: Hashable, Sendable {
    package var size: Int64
    package var modified: Timestamp
    package var isDirectory: Bool

    package init(size: Int64, modified: Timestamp, isDirectory: Bool) {
        self.size = size
        self.modified = modified
        self.isDirectory = isDirectory
    }
}

package struct DirectoryEntry: Hashable, Sendable {
    package var name: String
    package var isDirectory: Bool

    package init(name: String, isDirectory: Bool) {
        self.name = name
        self.isDirectory = isDirectory
    }
}

package struct FileSystemSpace: Hashable, Sendable {
    package var available: Int64
    package var total: Int64

    package init(available: Int64, total: Int64) {
        self.available = available
        self.total = total
    }
}

package protocol FileLock: AnyObject, Sendable {
    func release()
}

/// An open file. Closed when the last reference to it is gone, and not before the last region lent from it is.
package protocol StorageFile: AnyObject, Sendable {
    /// Fills as much of `buffer` as the file has from `position` on; returns the count, less than asked only at the
    /// end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(FileError) -> Int
    /// Writes all of `bytes` or throws; after an error any part of them may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at position: Int64) throws(FileError)
    /// As ``write(_:at:)``, of two parts one after the other, in one call to the system.
    func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, at position: Int64) throws(FileError)
    /// Cuts, or extends with zeros.
    func truncate(to length: Int64) throws(FileError)
    /// Makes content and length durable. After an error nothing is known about what is on disk.
    func sync() throws(FileError)
    func length() throws(FileError) -> Int64
    /// Asks the kernel to start bringing a range into its cache. Never fails, never waits.
    func willRead(at position: Int64, count: Int)
    /// Whether a byte can be read without waiting for the disk. Never waits itself; true where that cannot be told.
    func isCached(at position: Int64) -> Bool
    /// A range for `sendfile`. Its handle is used by no other region until this region is released. Nil when the
    /// file has no descriptor (tests), then ``read(into:at:)`` does.
    func region(at position: Int64, count: Int) -> FileRegion?
}

extension StorageFile {
    package func willRead(at position: Int64, count: Int) {}

    package func isCached(at position: Int64) -> Bool { true }

    package func write(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, at position: Int64
    ) throws(FileError) {
        try write(first, at: position)
        try write(second, at: position + Int64(first.count))
    }

    /// All bytes from `position`, at most `count`.
    package func bytes(at position: Int64, count: Int) throws(FileError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: max(count, 0))
        guard count > 0 else { return buffer }
        var failure: FileError?
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            do throws(FileError) {
                return try read(into: UnsafeMutableRawBufferPointer(rebasing: space[..<count]), at: position)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return buffer
    }

    /// Writes the readable bytes of a buffer.
    package func write(_ buffer: ByteBuffer, at position: Int64) throws(FileError) {
        var failure: FileError?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(FileError) { try write(bytes, at: position) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

extension FileSystem {
    package func wholeSync(of directory: String) throws(FileError) -> (any WholeSync)? { nil }
    package var workingDirectory: String { "/" }
    package func canonicalPath(of path: String) -> String? { path }

    /// As Java's `File.getAbsolutePath`, which is how Kafka names its directories, also to clients: relative paths begin at
    /// the working directory, and slashes at the end or beside others are dropped. Links and `..` stay.
    func absolute(_ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : workingDirectory + "/" + path
        return "/" + whole.split(separator: "/").joined(separator: "/")
    }

    /// The whole content; nil when there is no such file. Files above `limit` bytes are refused as too large, since
    /// what is read whole is small by its nature.
    package func contents(of path: String, limit: Int = 256 << 20) throws(FileError) -> [UInt8]? {
        let file: any StorageFile
        do throws(FileError) {
            file = try open(path, .read)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
        let length = try file.length()
        guard length <= limit else { throw FileError(.read, path, code: FileError.tooLarge) }
        let buffer = try file.bytes(at: 0, count: Int(length))
        return Array(buffer.readableBytesView)
    }

    /// Replaces a small file so that after a crash either the old or the new content is there, whole: written beside
    /// it under `<path>.tmp`, synced, renamed over it, directory synced.
    /// - Parameter isDurable: false leaves the syncs out: after a crash of the machine, not of the process, the file may be
    ///   missing, empty or torn.
    package func replace(_ path: String, with content: [UInt8], isDurable: Bool = true) throws(FileError) {
        let temporary = path + ".tmp"
        let file = try open(temporary, .replace)
        try file.write(ByteBuffer(bytes: content), at: 0)
        if isDurable { try file.sync() }
        try rename(temporary, to: path)
        if isDurable { try syncDirectory(parent(of: path)) }
    }

    /// Removes a directory and all in it.
    package func removeTree(_ directory: String) throws(FileError) {
        let entries: [DirectoryEntry]
        do throws(FileError) {
            entries = try list(directory)
        } catch {
            if error.isNotFound { return }
            throw error
        }
        for entry in entries {
            let path = directory + "/" + entry.name
            if entry.isDirectory { try removeTree(path) } else { try remove(path) }
        }
        try removeDirectory(directory)
    }

    /// The directory that holds `path`.
    package func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
