// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore
import Synchronization

/// A stretch of a log: the file of its batches, from a base offset on, and its indexes.
///
/// Owner: the log. Reads are safe from any thread at any time and see what was published by the last finished append.
/// One thread at a time mutates: the log's mutation lock sees to it. Opens nothing and looks at nothing before it is
/// used, so that a log of a thousand segments starts as fast as one of one.
final class LogSegment: Sendable {
    let base: Offset
    let data: PooledFile
    let offsetIndex: IndexFile<OffsetIndexEntry>
    let timeIndex: IndexFile<TimeIndexEntry>
    let transactions: TransactionIndex
    let pool: FilePool

    struct State {
        var directory: String
        var suffix = SegmentFileName.Suffix.none
        /// Nil until the file has been looked at.
        var size: Int64?
        /// The largest timestamp and the last offset of the batch that has it; nil until read from the time index.
        var largest: LargestTimestamp?
        /// The timestamp by which the segment's age is told: the largest of the first append. Nil until read.
        var firstTimestamp: Timestamp?
        var lastIndexedPosition: Int64 = 0
        /// When the segment was made or opened.
        var created: Timestamp
        /// How much earlier than `segment.ms` it rolls.
        var jitter: Int64 = 0
        /// What of the file needs no look before it is served.
        var sound: SoundRanges
    }
    let state: Mutex<State>

    struct LargestTimestamp: Hashable {
        var timestamp: Timestamp
        var offset: Offset

        init(timestamp: Timestamp, offset: Offset) {
            self.timestamp = timestamp
            self.offset = offset
        }

        init(_ entry: TimeIndexEntry, base: Offset) {
            self.init(timestamp: entry.timestamp, offset: RelativeOffset.absolute(entry.relativeOffset, base: base))
        }
    }

    /// - Parameters:
    ///   - isNew: nothing of the segment exists yet; leftovers under its names are emptied.
    ///   - hasTransactions: whether the directory lists a transaction index.
    init(
        base: Offset, in directory: String, suffix: SegmentFileName.Suffix = .none, isNew: Bool, hasTransactions: Bool,
        now: Timestamp, jitter: Int64 = 0, pool: FilePool
    ) {
        func path(_ kind: SegmentFileName.Kind) -> String {
            directory + "/" + SegmentFileName(base: base, kind: kind, suffix: suffix).name
        }
        self.base = base
        self.pool = pool
        data = PooledFile(path(.log), isNew ? .replace : .update, in: pool)
        offsetIndex = IndexFile(path(.index), isNew: isNew, in: pool)
        timeIndex = IndexFile(path(.timeindex), isNew: isNew, in: pool)
        transactions = TransactionIndex(path(.txnindex), isEmpty: !hasTransactions, pool.fileSystem)
        state = Mutex(
            State(
                directory: directory, suffix: suffix, size: isNew ? 0 : nil,
                largest: isNew ? LargestTimestamp(timestamp: -1, offset: base) : nil, created: now, jitter: jitter,
                sound: SoundRanges(isNew: isNew)))
    }

    /// Makes the files of a new segment, so that they exist even if nothing is ever appended.
    func create(preallocating bytes: Int?) throws(FileError) {
        let file = try data.open()
        if let bytes { try file.truncate(to: Int64(bytes)) }
        try offsetIndex.touch()
        try timeIndex.touch()
    }

    func path(_ kind: SegmentFileName.Kind) -> String {
        state.withLock { state in
            state.directory + "/" + SegmentFileName(base: base, kind: kind, suffix: state.suffix).name
        }
    }

    var created: Timestamp { state.withLock { $0.created } }

    // MARK: What is known to be sound

    /// See ``RecordInspection``.
    func isSound(_ range: Range<Int64>) -> Bool { state.withLock { $0.sound.covers(range) } }

    /// See ``SoundRanges/isInherited(_:)``.
    func isInherited(_ position: Int64) -> Bool { state.withLock { $0.sound.isInherited(position) } }

    /// See ``SoundRanges/end(reaching:)``.
    func soundEnd(reaching position: Int64) -> Int64? { state.withLock { $0.sound.end(reaching: position) } }

    /// All batches of a stretch have been looked at. One that has been cut off meanwhile does no harm: what is written there
    /// is this process's own.
    func noteSound(_ range: Range<Int64>) { state.withLock { $0.sound.insert(range) } }

    // MARK: What it holds

    /// Bytes of batches.
    var size: Int64 {
        get throws(LogError) {
            if let size = state.withLock({ $0.size }) { return size }
            let length = try logErrors { () throws(FileError) in try data.open().length() }
            return state.withLock { state in
                if let size = state.size { return size }
                state.size = length
                return length
            }
        }
    }

    var largest: LargestTimestamp {
        get throws(LogError) {
            if let largest = state.withLock({ $0.largest }) { return largest }
            let last = try logErrors { () throws(FileError) in try timeIndex.last }
            var largest = LargestTimestamp(timestamp: -1, offset: base)
            if let last {
                let isSound = try isSound(last)
                largest = isSound ? LargestTimestamp(last, base: base) : try scanForLargest()
            }
            return state.withLock { state in
                if let known = state.largest { return known }
                state.largest = largest
                return largest
            }
        }
    }

    /// For retention: the largest timestamp, or for data without any, when the file was last written.
    func retentionTimestamp() throws(LogError) -> Timestamp {
        let largest = try largest.timestamp
        if largest >= 0 { return largest }
        return try logErrors { () throws(FileError) in try modified() }
    }

    /// When the file was last written. For as long as it is being renamed, and not found, it counts as young.
    func modified() throws(FileError) -> Timestamp { try pool.fileSystem.status(of: path(.log))?.modified ?? created }
}
