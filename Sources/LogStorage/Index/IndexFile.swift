// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// An entry of fixed size in an index file.
protocol IndexEntry: Hashable, Sendable {
    static var byteCount: Int { get }
    /// From exactly ``byteCount`` bytes.
    init(_ bytes: UnsafeRawBufferPointer)
    func store(in bytes: UnsafeMutableRawBufferPointer)
}

extension UnsafeRawBufferPointer {
    /// A big-endian number; the caller has checked the bounds.
    func bigEndian<Number: FixedWidthInteger>(at offset: Int, as: Number.Type = Number.self) -> Number {
        Number(bigEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    func store<Number: FixedWidthInteger>(bigEndian number: Number, at offset: Int) {
        storeBytes(of: number.bigEndian, toByteOffset: offset, as: Number.self)
    }
}

/// A file of sorted entries that grows at its end: the offset and the time index of one segment.
///
/// Entries are kept in memory until ``save()``, since an index is worth nothing after a crash: what lies beyond the
/// recovery point is scanned and indexed anew. So most appends touch the data file only. A tail of the newest entries
/// stays in memory after that, because that is where readers look; older ones are read from the file, by binary
/// search over single entries and then one block.
///
/// The file is never longer than its entries. Kafka gives the index of an active segment the full size of
/// `segment.index.bytes`, sparse, because it maps the file and a mapping cannot grow; it cuts the file when the segment is
/// full or the broker stops. Nothing is mapped here, so there is nothing to make room for: the setting only says when a
/// segment is full. Both ways are open to either broker. Kafka takes the length of a file that it opens for its entries
/// and extends that of the active segment itself. And an index of full size, which only Kafka's death can leave behind,
/// belongs to a segment at the recovery point, where it is built anew; ``trim()`` then cuts it.
///
/// Safe from any thread; the lock is never held during a call to the disk. One thread at a time may mutate (the log's
/// mutation lock sees to it).
final class IndexFile<Entry: IndexEntry>: Sendable {
    /// Entries kept in memory at the end: 512 of 8 bytes cover 2 MiB of data at the usual interval.
    private static var tailLimit: Int { 512 }
    /// As many as fit into what still lies on the stack.
    private static var blockEntries: Int { 1024 / Entry.byteCount }

    private struct State {
        /// Nil until the file's length has been looked at.
        var count: Int?
        /// The newest entries; `tail[0]` is entry number `count - tail.count`.
        var tail: [Entry] = []
        /// How many entries the file holds.
        var saved = 0
        /// Counts the changes of the file's content; and how many of them are on disk.
        var changes = 0
        var synced = 0
    }
    private let state: Mutex<State>
    private let file: PooledFile

    /// - Parameter isNew: the file is made, or what is in it does not count.
    init(_ path: String, isNew: Bool, in pool: FilePool) {
        file = PooledFile(path, isNew ? .replace : .create, in: pool)
        state = Mutex(State(count: isNew ? 0 : nil, changes: isNew ? 1 : 0))
    }

    var path: String { file.path }

    /// How many entries there are.
    var count: Int {
        get throws(FileError) {
            if let count = state.withLock({ $0.count }) { return count }
            let length = try file.open().length()
            return state.withLock { state in
                if let count = state.count { return count }
                let count = Int(length / Int64(Entry.byteCount))
                state.count = count
                state.saved = count
                return count
            }
        }
    }

    /// Bytes of the entries, of which the file holds all after ``save()``.
    var usedBytes: Int64 {
        get throws(FileError) { Int64(try count) * Int64(Entry.byteCount) }
    }

    var last: Entry? {
        get throws(FileError) {
            let count = try count
            return count > 0 ? try entry(count - 1) : nil
        }
    }

    /// Nil beyond the end.
    func entry(_ number: Int) throws(FileError) -> Entry? {
        guard number >= 0, number < (try count) else { return nil }
        let inMemory = state.withLock { state in
            let first = (state.count ?? 0) - state.tail.count
            return number >= first && number - first < state.tail.count ? state.tail[number - first] : nil
        }
        if let inMemory { return inMemory }
        return try read(number, count: 1) { Entry($0) }
    }

    /// The last entry for which `isAtOrBefore` holds; it must hold for a prefix of the entries. With its number.
    func last(where isAtOrBefore: (Entry) -> Bool) throws(FileError) -> (number: Int, entry: Entry)? {
        let total = try count
        guard total > 0 else { return nil }
        let found = state.withLock { state -> Found in
            let count = state.count ?? 0
            let first = count - state.tail.count
            guard let oldest = state.tail.first, isAtOrBefore(oldest) else { return .inFile(count: first) }
            var low = 0
            var high = state.tail.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if isAtOrBefore(state.tail[middle]) { low = middle } else { high = middle }
            }
            return .inTail(first + low, state.tail[low])
        }
        switch found {
        case .inTail(let number, let entry): return (number, entry)
        case .inFile(let count): return try searchFile(count, isAtOrBefore)
        }
    }

    private enum Found {
        case inTail(Int, Entry)
        case inFile(count: Int)
    }

    private func searchFile(
        _ count: Int, _ isAtOrBefore: (Entry) -> Bool
    ) throws(FileError) -> (number: Int, entry: Entry)? {
        guard count > 0 else { return nil }
        // All entries below `low` qualify, none from `high` on does.
        var low = 0
        var high = count
        while high - low > Self.blockEntries {
            let middle = (low + high) / 2
            guard let entry = try read(middle, count: 1, { Entry($0) }) else { return nil }
            if isAtOrBefore(entry) { low = middle } else { high = middle }
        }
        let first = low
        return try read(first, count: high - first) { bytes in
            let read = bytes.count / Entry.byteCount
            var low = 0
            var high = read
            while low < high {
                let middle = (low + high) / 2
                let slot = middle * Entry.byteCount
                let entry = Entry(UnsafeRawBufferPointer(rebasing: bytes[slot..<(slot + Entry.byteCount)]))
                if isAtOrBefore(entry) { low = middle + 1 } else { high = middle }
            }
            guard low > 0 else { return nil }
            let slot = (low - 1) * Entry.byteCount
            return (
                first + low - 1,
                Entry(UnsafeRawBufferPointer(rebasing: bytes[slot..<(slot + Entry.byteCount)]))
            )
        }
    }

    /// Hands `count` entries from `first` on to `body`; nil when the file no longer has any of them.
    private func read<Result>(
        _ first: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> Result?
    ) throws(FileError) -> Result? {
        let file = try file.open()
        let size = count * Entry.byteCount
        var failure: FileError?
        let result = withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { space -> Result? in
            do throws(FileError) {
                let read = try file.read(into: space, at: Int64(first) * Int64(Entry.byteCount))
                let whole = read - read % Entry.byteCount
                guard whole > 0 else { return nil }
                return body(UnsafeRawBufferPointer(rebasing: space[..<whole]))
            } catch {
                failure = error
                return nil
            }
        }
        if let failure { throw failure }
        return result
    }

    // MARK: Mutation

    /// Adds an entry in memory; the caller keeps the order.
    func append(_ entry: Entry) throws(FileError) {
        let count = try count
        state.withLock { state in
            state.tail.append(entry)
            state.count = count + 1
            state.changes += 1
        }
    }

    /// Writes the entries that the file does not have yet. Not synced.
    func save() throws(FileError) {
        let (bytes, start, count) = state.withLock { state -> ([UInt8], Int, Int) in
            guard let count = state.count, count > state.saved else { return ([], 0, 0) }
            let first = count - state.tail.count
            let unsaved = state.tail[(state.saved - first)...]
            var bytes = [UInt8](repeating: 0, count: unsaved.count * Entry.byteCount)
            bytes.withUnsafeMutableBytes { space in
                for (slot, entry) in unsaved.enumerated() {
                    let start = slot * Entry.byteCount
                    entry.store(
                        in: UnsafeMutableRawBufferPointer(rebasing: space[start..<(start + Entry.byteCount)]))
                }
            }
            return (bytes, state.saved, count)
        }
        guard !bytes.isEmpty else { return }
        let file = try file.open()
        var failure: FileError?
        bytes.withUnsafeBytes { bytes in
            do throws(FileError) {
                try file.write(bytes, at: Int64(start) * Int64(Entry.byteCount))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        state.withLock { state in
            state.saved = count
            if state.tail.count > Self.tailLimit { state.tail.removeFirst(state.tail.count - Self.tailLimit / 2) }
        }
    }

    /// How many entries are only in memory.
    var unsavedCount: Int { state.withLock { ($0.count ?? $0.saved) - $0.saved } }

    /// Keeps the first `number` entries.
    func truncate(toCount number: Int) throws(FileError) {
        let count = try count
        state.withLock { $0.changes += 1 }
        guard number < count else { return }
        state.withLock { state in
            let first = count - state.tail.count
            state.tail.removeLast(min(state.tail.count, number > first ? count - number : state.tail.count))
            state.count = number
            state.saved = min(state.saved, number)
        }
    }

    /// Writes what is missing and cuts the file to its entries, as it stays once its segment is no longer active.
    func trim() throws(FileError) {
        try save()
        let used = try usedBytes
        let file = try file.open()
        if try file.length() != used {
            try file.truncate(to: used)
            state.withLock { $0.changes += 1 }
        }
        state.withLock { $0.tail = [] }
    }

    /// Makes the file exist.
    func touch() throws(FileError) { _ = try file.open() }

    /// Whether all is on disk, as far as is known: what a start finds was synced before, or is built anew.
    var isDurable: Bool { state.withLock { $0.changes == $0.synced } }

    /// Makes durable what ``trim()`` has written. Changes nothing, so that the log may be changed meanwhile.
    func sync() throws(FileError) {
        let changes = state.withLock { $0.changes }
        guard !isDurable else { return }
        try file.open().sync()
        state.withLock { $0.synced = changes }
    }

    func willBeRenamed(to path: String) { file.willBeRenamed(to: path) }

    func keepsName() { file.keepsName() }
    func renamed(to path: String) { file.renamed(to: path) }
    func close() { file.close() }
    func willBeRemoved() { file.willBeRemoved() }
}
