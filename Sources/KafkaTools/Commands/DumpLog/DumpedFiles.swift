// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import LogStorage
import NIOCore

/// A file that is dumped, opened for reading in pieces: it may be larger than the memory.
struct DumpedFile {
    let path: String
    let file: any StorageFile

    /// - Throws: what Java would: `NoSuchFileException` with the path.
    init(_ path: String) throws {
        self.path = path
        do throws(FileError) {
            file = try PosixFileSystem().open(path, .read)
        } catch {
            throw JavaException(
                javaClass: error.isNotFound
                    ? "java.nio.file.NoSuchFileException" : "java.nio.file.AccessDeniedException",
                message: path)
        }
    }

    /// The log that an index belongs to.
    init(beside path: String) throws {
        let stem = path.lastIndex(of: ".").map { path[..<$0] } ?? path[...]
        try self.init(stem + ".log")
    }

    func batches(from position: Int64 = 0, end: Int64 = .max, chunk: Int = 1 << 20) throws -> BatchReader {
        try BatchReader(file, from: position, end: end, chunk: chunk)
    }

    /// The batch that begins at a position; nil where none does.
    func batch(at position: Int64) throws -> RecordBatch? {
        var reader = try batches(from: position, chunk: 4096)
        guard position >= 0, case .batch(let batch, _)? = try reader.next() else { return nil }
        return batch
    }
}

/// The entries of an index, one after the other.
struct DumpedEntries {
    private static let chunkEntries = 4096

    private let file: any StorageFile
    private let entryBytes: Int
    private var chunk = ByteBuffer()
    private var next: Int64 = 0
    let length: Int64

    init(_ dumped: DumpedFile, entryBytes: Int) throws {
        file = dumped.file
        self.entryBytes = entryBytes
        length = try file.length()
    }

    /// Where the last entry ends.
    var position: Int64 { next - Int64(chunk.readableBytes) }

    /// What stands behind the last whole entry, as a clause; nil if nothing does.
    var rest: String? {
        let count = length % Int64(entryBytes)
        return count > 0 ? "position \(length - count): \(count) bytes are no whole entry" : nil
    }

    /// The last whole entry.
    func last() throws -> ByteBuffer? {
        let count = length / Int64(entryBytes)
        return count > 0 ? try file.bytes(at: (count - 1) * Int64(entryBytes), count: entryBytes) : nil
    }

    /// Nil when no whole entry is left.
    mutating func entry() throws -> ByteBuffer? {
        if chunk.readableBytes < entryBytes {
            let start = position
            chunk = try file.bytes(at: start, count: entryBytes * Self.chunkEntries)
            next = start + Int64(chunk.readableBytes)
        }
        return chunk.readSlice(length: entryBytes)
    }
}

/// Finds batches by offsets that mostly grow, in one pass over the log.
struct BatchSearch {
    private let log: DumpedFile
    private var reader: BatchReader
    private var current: RecordBatch?
    /// No batch below it is passed any more.
    private var passed: Offset = -1

    init(_ log: DumpedFile) throws {
        self.log = log
        reader = try log.batches()
    }

    /// The first batch that does not end below `offset`; nil behind the last one, and behind damage.
    mutating func batch(endingAtOrAfter offset: Offset) throws -> RecordBatch? {
        if offset <= passed {
            reader = try log.batches()
            current = nil
            passed = -1
        }
        while true {
            if let current, current.header.lastOffset >= offset { return current }
            if let current { passed = max(passed, current.header.lastOffset) }
            guard case .batch(let batch, _)? = try reader.next() else {
                current = nil
                return nil
            }
            current = batch
        }
    }
}
