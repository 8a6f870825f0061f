// SPDX-License-Identifier: Apache-2.0

import CFileSystem
import Glibc
import KafkaModel
import NIOCore
import Synchronization

extension FileError {
    static let tooLarge = EFBIG
    static let noSpace = ENOSPC
    static let notFound = ENOENT
}

/// The real disk.
package final class PosixFileSystem: FileSystem {
    /// Descriptors whose file object is gone while regions lent from it still travel to sockets.
    private let lent = LentDescriptors()

    /// F_OFD_SETLK, which the module map leaves out.
    private static let setOpenFileLock: Int32 = 37

    package init() {}

    package func open(_ path: String, _ mode: FileMode) throws(FileError) -> any StorageFile {
        lent.closeReturned()
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .update: O_RDWR
            case .create: O_RDWR | O_CREAT
            case .replace: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = try retrying(.open, path) { Glibc.open(path, flags | O_CLOEXEC, 0o644) }
        return PosixFile(path: path, descriptor: descriptor, lent: lent)
    }

    package func status(of path: String) throws(FileError) -> FileStatus? {
        var status = stat()
        do throws(FileError) {
            _ = try retrying(.stat, path) { stat(path, &status) }
        } catch {
            if error.isNotFound || error.code == ENOTDIR { return nil }
            throw error
        }
        return FileStatus(
            size: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) &* 1000 &+ Int64(status.st_mtim.tv_nsec) / 1_000_000,
            isDirectory: status.st_mode & S_IFMT == S_IFDIR)
    }

    package func list(_ directory: String) throws(FileError) -> [DirectoryEntry] {
        guard let stream = opendir(directory) else { throw FileError(.opendir, directory, code: errno) }
        defer { closedir(stream) }
        var entries: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw FileError(.opendir, directory, code: errno) }
                return entries
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let isDirectory: Bool
            switch Int32(entry.pointee.d_type) {
            case Int32(DT_DIR): isDirectory = true
            // Some file systems leave the type out, and a link may lead to a directory.
            case Int32(DT_UNKNOWN), Int32(DT_LNK):
                isDirectory = try status(of: directory + "/" + name)?.isDirectory ?? false
            default: isDirectory = false
            }
            entries.append(DirectoryEntry(name: name, isDirectory: isDirectory))
        }
    }

    package func makeDirectory(_ path: String) throws(FileError) {
        do throws(FileError) {
            _ = try retrying(.mkdir, path) { mkdir(path, 0o755) }
        } catch {
            guard error.code == EEXIST, try status(of: path)?.isDirectory == true else { throw error }
        }
    }

    package func rename(_ path: String, to target: String) throws(FileError) {
        _ = try retrying(.rename, path) { Glibc.rename(path, target) }
    }

    package func remove(_ path: String) throws(FileError) {
        do throws(FileError) {
            _ = try retrying(.unlink, path) { unlink(path) }
        } catch {
            guard error.isNotFound else { throw error }
        }
    }

    package func removeDirectory(_ path: String) throws(FileError) {
        do throws(FileError) {
            _ = try retrying(.rmdir, path) { rmdir(path) }
        } catch {
            guard error.isNotFound else { throw error }
        }
    }

    package func syncDirectory(_ path: String) throws(FileError) {
        let descriptor = try retrying(.open, path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { Glibc.close(descriptor) }
        _ = try retrying(.fsync, path) { fsync(descriptor) }
    }

    package func setModificationTime(of path: String, to time: Timestamp) throws(FileError) {
        let value = timespec(tv_sec: Int(time / 1000), tv_nsec: Int(time % 1000) * 1_000_000)
        var times = (value, value)
        _ = try retrying(.utimensat, path) {
            withUnsafePointer(to: &times) { pointer in
                pointer.withMemoryRebound(to: timespec.self, capacity: 2) { utimensat(AT_FDCWD, path, $0, 0) }
            }
        }
    }

    package func lock(_ path: String) throws(FileError) -> (any FileLock)? {
        let descriptor = try retrying(.open, path) { Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        // Apache's broker locks with POSIX record locks (Java's FileChannel). A lock of the open file excludes those, and
        // unlike them a second holder in this same process too.
        var range = flock()
        range.l_type = Int16(F_WRLCK)
        range.l_whence = Int16(SEEK_SET)
        guard fcntl(descriptor, Self.setOpenFileLock, &range) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            if code == EACCES || code == EAGAIN { return nil }
            throw FileError(.flock, path, code: code)
        }
        return PosixLock(descriptor: descriptor)
    }

    package func space(at path: String) throws(FileError) -> FileSystemSpace {
        var space = statvfs()
        _ = try retrying(.statvfs, path) { statvfs(path, &space) }
        let unit = Int64(clamping: space.f_frsize)
        return FileSystemSpace(
            available: Int64(clamping: space.f_bavail).multipliedReportingOverflow(by: unit).partialValue,
            total: Int64(clamping: space.f_blocks).multipliedReportingOverflow(by: unit).partialValue)
    }

    package var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    package func canonicalPath(of path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    package func wholeSync(of directory: String) throws(FileError) -> (any WholeSync)? {
        try PosixWholeSync(directory)
    }
}

/// `syncfs`, on a descriptor that is opened when the broker starts: it tells of the first write that fails after that.
private final class PosixWholeSync: WholeSync {
    private let path: String
    private let descriptor: Int32

    /// By their magic numbers ext2 to ext4, XFS, Btrfs, F2FS and tmpfs. Others, above all those of networks, may not pass
    /// the call on to where the data lies.
    private static let knownFileSystems: Set<Int> = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994]

    /// Nil where the call does not tell of failures.
    init?(_ path: String) throws(FileError) {
        guard Self.kernelReportsFailures else { return nil }
        let descriptor = try retrying(.open, path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard Self.knownFileSystems.contains(martlet_file_system_type(descriptor)) else {
            Glibc.close(descriptor)
            return nil
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// Before Linux 5.8 the call was a success whatever had failed.
    private static let kernelReportsFailures: Bool = {
        var name = utsname()
        guard uname(&name) == 0 else { return false }
        let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let numbers = release.prefix { $0 == "." || $0.isNumber }.split(separator: ".").compactMap { Int($0) }
        return numbers.count >= 2 && (numbers[0], numbers[1]) >= (5, 8)
    }()

    func sync() throws(FileError) {
        _ = try retrying(.syncfs, path) { martlet_syncfs(descriptor) }
    }
}

/// Runs a system call until it is not interrupted; a negative result becomes an error.
private func retrying(
    _ operation: FileError.Operation, _ path: String, _ call: () -> Int32
) throws(FileError) -> Int32 {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw FileError(operation, path, code: errno) }
    }
}

private final class PosixLock: FileLock {
    private let descriptor: Mutex<Int32?>

    init(descriptor: Int32) { self.descriptor = Mutex(descriptor) }

    func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor { Glibc.close(open) }
            descriptor = nil
        }
    }

    deinit { release() }
}

/// One open descriptor and the NIO handles over it.
///
/// NIO lets a handle be used by one event loop at a time and refuses the second, so each region that is under way has
/// a handle of its own. All name one descriptor; whether a handle has come back is seen from its reference count,
/// so nobody has to report the end of a send.
private final class PosixFile: StorageFile {
    private let path: String
    private let descriptor: Int32
    private let handles = Mutex<[NIOFileHandle]>([])
    private let lent: LentDescriptors

    init(path: String, descriptor: Int32, lent: LentDescriptors) {
        self.path = path
        self.descriptor = descriptor
        self.lent = lent
    }

    deinit {
        let handles = handles.withLock { handles in
            defer { handles = [] }
            return handles
        }
        if handles.isEmpty {
            Glibc.close(descriptor)
        } else {
            lent.close(descriptor, when: handles)
            lent.closeReturned()
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(FileError) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, base + done, buffer.count - done, off_t(position) + done)
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw FileError(.read, path, code: errno)
            }
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at position: Int64) throws(FileError) {
        guard let base = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, base + done, bytes.count - done, off_t(position) + done)
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw FileError(.write, path, code: errno)
            }
        }
    }

    func write(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, at position: Int64
    ) throws(FileError) {
        let parts = [
            iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count),
            iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count),
        ]
        var count = 0
        repeat {
            count = pwritev(descriptor, parts, 2, off_t(position))
        } while count < 0 && errno == EINTR
        if count < 0 { throw FileError(.write, path, code: errno) }
        // A short write is rare; what is left goes the plain way.
        if count < first.count {
            try write(UnsafeRawBufferPointer(rebasing: first[count...]), at: position + Int64(count))
            count = first.count
        }
        let done = count - first.count
        if done < second.count {
            try write(UnsafeRawBufferPointer(rebasing: second[done...]), at: position + Int64(first.count + done))
        }
    }

    func truncate(to length: Int64) throws(FileError) {
        _ = try retrying(.ftruncate, path) { ftruncate(descriptor, off_t(length)) }
    }

    func sync() throws(FileError) {
        _ = try retrying(.fdatasync, path) { fdatasync(descriptor) }
    }

    func length() throws(FileError) -> Int64 {
        var status = stat()
        _ = try retrying(.stat, path) { fstat(descriptor, &status) }
        return Int64(status.st_size)
    }

    func willRead(at position: Int64, count: Int) {
        _ = posix_fadvise(descriptor, off_t(position), off_t(count), POSIX_FADV_WILLNEED)
    }

    func isCached(at position: Int64) -> Bool { martlet_would_wait(descriptor, off_t(position)) == 0 }

    func region(at position: Int64, count: Int) -> FileRegion? {
        let handle = handles.withLock { handles in
            for index in handles.indices where isKnownUniquelyReferenced(&handles[index]) { return handles[index] }
            let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
            handles.append(handle)
            return handle
        }
        return FileRegion(fileHandle: handle, readerIndex: Int(position), endIndex: Int(position) + count)
    }
}

/// Descriptors that wait for the last region lent from them. Swept whenever a file is opened, so at most as many wait
/// as regions are under way, and those that have come back since the last opening.
private final class LentDescriptors: Sendable {
    private struct Waiting {
        var descriptor: Int32
        var handles: [NIOFileHandle]
    }
    private let waiting = Mutex<[Waiting]>([])

    func close(_ descriptor: Int32, when handles: consuming [NIOFileHandle]) {
        let file = Waiting(descriptor: descriptor, handles: handles)
        waiting.withLock { $0.append(file) }
    }

    func closeReturned() {
        waiting.withLock { waiting in
            for index in waiting.indices.reversed() {
                for handle in waiting[index].handles.indices.reversed()
                where isKnownUniquelyReferenced(&waiting[index].handles[handle]) {
                    _ = try? waiting[index].handles.remove(at: handle).takeDescriptorOwnership()
                }
                if waiting[index].handles.isEmpty {
                    Glibc.close(waiting.remove(at: index).descriptor)
                }
            }
        }
    }

    deinit {
        let waiting = waiting.withLock { $0 }
        for file in waiting {
            for handle in file.handles { _ = try? handle.takeDescriptorOwnership() }
            Glibc.close(file.descriptor)
        }
    }
}
