// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore
import Synchronization

/// `<base>.txnindex`: the transactions whose abort markers lie in the segment (KIP-98).
///
///     0         2            10            18           26             34
///     | version | producerID | firstOffset | lastOffset | lastStable    | …   int16 and int64s, big-endian
///
/// `lastOffset` is the abort marker's, `lastStable` the last stable offset once it was written. Entries stand in the
/// order of their markers. The file is made with its first entry.
struct TransactionIndexEntry: Hashable, Sendable {
    static let byteCount = 34
    static let version: Int16 = 0

    var producerID: ProducerID
    var firstOffset: Offset
    var lastOffset: Offset
    var lastStable: Offset

    init(producerID: ProducerID, firstOffset: Offset, lastOffset: Offset, lastStable: Offset) {
        self.producerID = producerID
        self.firstOffset = firstOffset
        self.lastOffset = lastOffset
        self.lastStable = lastStable
    }

    func append(to buffer: inout ByteBuffer) {
        buffer.writeInteger(Self.version)
        buffer.writeInteger(producerID)
        buffer.writeInteger(firstOffset)
        buffer.writeInteger(lastOffset)
        buffer.writeInteger(lastStable)
    }
}

/// The transaction index of one segment. Kept in memory whole while it is used: aborted transactions are few.
///
/// Safe from any thread. One thread at a time may mutate.
final class TransactionIndex: Sendable {
    private struct State {
        /// Nil until read: then there is a file.
        var entries: [TransactionIndexEntry]?
        var saved = 0
        /// Counts the changes of the content; and how many of them are on disk.
        var changes = 0
        var synced = 0
        /// Read from the file, and not held against the log yet.
        var isUnchecked = false
    }
    private struct Name: Hashable {
        var path: String
        /// After a rename under way.
        var nextPath: String?
        /// The file is removed: another one may have its name by now.
        var isGone = false
    }
    private let state: Mutex<State>
    private let name: Mutex<Name>
    private let fileSystem: any FileSystem

    /// - Parameter isEmpty: there is no file, as its directory's listing or its making tells.
    init(_ path: String, isEmpty: Bool, _ fileSystem: any FileSystem) {
        name = Mutex(Name(path: path))
        self.fileSystem = fileSystem
        self.state = Mutex(State(entries: isEmpty ? [] : nil))
    }

    /// All entries, in the order of their markers.
    func entries() throws(LogError) -> [TransactionIndexEntry] {
        while true {
            let (known, changes) = state.withLock { ($0.entries, $0.changes) }
            if let known { return known }
            let content = try logErrors { () throws(FileError) in try contents() }
            let entries: [TransactionIndexEntry]
            do throws(MalformedFile) {
                entries = try Self.parse(content, path: path)
            } catch {
                if state.withLock({ $0.changes }) != changes { continue }
                throw .malformed(error)
            }
            let current = state.withLock { state -> [TransactionIndexEntry]? in
                if let known = state.entries { return known }
                // Written, and given up again, while it was read.
                guard state.changes == changes else { return nil }
                state.entries = entries
                state.saved = entries.count
                state.isUnchecked = true
                return entries
            }
            if let current { return current }
        }
    }

    private var path: String { name.withLock { $0.path } }

    /// Finds the file under either name during a rename. A file that is not there is not taken for an empty one: then readers
    /// would be shown what was aborted.
    private func contents() throws(FileError) -> [UInt8] {
        while true {
            let name = name.withLock { $0 }
            if !name.isGone {
                for path in [name.path, name.nextPath].compactMap(\.self) {
                    guard let content = try fileSystem.contents(of: path) else { continue }
                    // Else it may be that of another segment.
                    if !self.name.withLock({ $0.isGone }) { return content }
                }
            }
            if name == self.name.withLock({ $0 }) { throw FileError(.open, name.path, code: FileError.notFound) }
        }
    }

    /// Gives the memory up, unless something in it is nowhere else. Read again, the entries are held against the log again.
    func forget() {
        state.withLock { state in
            guard let entries = state.entries, !entries.isEmpty, state.saved == entries.count else { return }
            state.entries = nil
        }
    }

    /// Whether the entries are known to be those of the log; see ``LogSegment/abortedTransactions(after:)``.
    var isChecked: Bool { state.withLock { !$0.isUnchecked } }

    func markChecked() { state.withLock { $0.isUnchecked = false } }

    static func malformed(_ path: String, entry: Int, _ problem: String) -> MalformedFile {
        MalformedFile(
            path, .position(Int64(entry * TransactionIndexEntry.byteCount)), problem,
            advice: "delete the file and .kafka_cleanshutdown and the recovery point of this log: the index is "
                + "then built anew from the segment")
    }

    static func parse(_ content: [UInt8], path: String) throws(MalformedFile) -> [TransactionIndexEntry] {
        let size = TransactionIndexEntry.byteCount
        guard content.count % size == 0 else {
            throw malformed(path, entry: content.count / size, "is cut off within an entry")
        }
        var buffer = ByteBuffer(bytes: content)
        var entries: [TransactionIndexEntry] = []
        entries.reserveCapacity(content.count / size)
        while let (version, producerID, first, last, stable) = buffer.readMultipleIntegers(
            as: (Int16, Int64, Int64, Int64, Int64).self)
        {
            guard version == TransactionIndexEntry.version else {
                throw malformed(path, entry: entries.count, "version is \(version), expected 0")
            }
            guard first >= 0, first <= last else {
                throw malformed(
                    path, entry: entries.count, "the transaction's first offset \(first) is above its last \(last)")
            }
            entries.append(
                TransactionIndexEntry(
                    producerID: producerID, firstOffset: first, lastOffset: last, lastStable: stable))
        }
        return entries
    }

    /// Adds what a marker, which is in the segment already, has ended. Should the disk be full it stays in memory until
    /// the next one, or the sync.
    func append(_ entry: TransactionIndexEntry) throws(LogError) {
        let known = try entries()
        state.withLock { state in
            // They may have been given up in between.
            if state.entries == nil { state.entries = known }
            state.entries?.append(entry)
            state.changes += 1
        }
        try unlessFull { () throws(LogError) in
            try logErrors { () throws(FileError) in try save() }
        }
    }

    /// Writes the entries that the file does not have yet. Not synced.
    func save() throws(FileError) {
        let (entries, first) = state.withLock { ($0.entries ?? [], $0.saved) }
        guard first < entries.count else { return }
        var buffer = ByteBuffer()
        for entry in entries[first...] { entry.append(to: &buffer) }
        let file = try fileSystem.open(path, .create)
        try file.write(buffer, at: Int64(first) * Int64(TransactionIndexEntry.byteCount))
        state.withLock { $0.saved = entries.count }
    }

    /// Drops transactions whose marker lies at or beyond `offset`.
    func truncate(to offset: Offset) throws(LogError) {
        let entries = try entries()
        let kept = entries.filter { $0.lastOffset < offset }
        guard kept.count < entries.count else { return }
        try replaceAll(kept)
    }

    /// Makes exactly these the content; an empty list removes the file.
    func replaceAll(_ entries: [TransactionIndexEntry]) throws(LogError) {
        let path = path
        try logErrors { () throws(FileError) in
            if entries.isEmpty {
                try fileSystem.remove(path)
            } else {
                var buffer = ByteBuffer()
                for entry in entries { entry.append(to: &buffer) }
                try fileSystem.open(path, .replace).write(buffer, at: 0)
            }
        }
        state.withLock { state in
            state.entries = entries
            state.saved = entries.count
            state.changes += 1
        }
    }

    /// Forgets everything, for a rebuild, without reading what was there.
    func reset() throws(LogError) { try replaceAll([]) }

    /// Whether all is on disk; an index without entries has no file.
    var isDurable: Bool { state.withLock { $0.changes == $0.synced || $0.entries?.isEmpty == true } }

    func sync() throws(FileError) {
        let changes = state.withLock { $0.changes }
        guard !isDurable else { return }
        try fileSystem.open(path, .update).sync()
        state.withLock { $0.synced = changes }
    }

    func willBeRenamed(to path: String) { name.withLock { $0.nextPath = path } }
    func keepsName() { name.withLock { $0.nextPath = nil } }
    func renamed(to path: String) { name.withLock { $0 = Name(path: path, isGone: $0.isGone) } }
    func willBeRemoved() { name.withLock { $0.isGone = true } }
}
