// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A system call on a file that failed: how the world's failures reach this engine.
///
/// One owner, the log's directory, decides what follows: a full disk refuses writes until space returns, anything
/// else takes the directory offline.
package struct FileError: Error, Hashable, Sendable {
    /// What was asked of the file, by the name an operator finds in the manual.
    package enum Operation: String, Hashable, Sendable {
        case open, read, write, fdatasync, ftruncate, fsync, rename, unlink, rmdir, mkdir, opendir, stat, utimensat
        case flock, statvfs, syncfs
    }

    package var operation: Operation
    package var path: String
    /// The system's error number.
    package var code: Int32

    package init(_ operation: Operation, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    private var isSync: Bool { operation == .fdatasync || operation == .fsync || operation == .syncfs }

    package var isNotFound: Bool { code == ENOENT }

    /// The disk or the quota is full: retrying makes sense once space has returned.
    ///
    /// Not so when a sync says it, as network file systems do: then records that were taken for written are gone.
    package var isDiskFull: Bool {
        (code == ENOSPC || code == EDQUOT) && !isSync
    }

    /// It was to be read whole, and is larger than any such file can be: see ``FileSystem/contents(of:limit:)``.
    package var isTooLarge: Bool { code == EFBIG && operation == .read }

    /// The process has no descriptor left: says nothing about the disk.
    package var isOutOfHandles: Bool { code == EMFILE || code == ENFILE }
}

extension FileError: CustomStringConvertible {
    package var description: String {
        "\(operation.rawValue) \(path): \(String(cString: strerror(code))) (error \(code))"
    }
}

/// A file whose content is not what its format says.
package struct MalformedFile: Error, Hashable, Sendable {
    package var path: String
    /// Where: a line of a text file, counted from 1, or a byte position of a binary one, from 0.
    package enum Place: Hashable, Sendable {
        case line(Int), position(Int64), wholeFile
    }
    package var place: Place
    /// What is wrong, as a clause: "version is 7, expected 0".
    package var problem: String
    /// What the operator can do about it.
    package var advice: String

    package init(_ path: String, _ place: Place, _ problem: String, advice: String) {
        self.path = path
        self.place = place
        self.problem = problem
        self.advice = advice
    }
}

extension MalformedFile: CustomStringConvertible {
    package var description: String {
        switch place {
        case .line(let line): "\(path), line \(line): \(problem); \(advice)"
        case .position(let position): "\(path), byte \(position): \(problem); \(advice)"
        case .wholeFile: "\(path): \(problem); \(advice)"
        }
    }
}
