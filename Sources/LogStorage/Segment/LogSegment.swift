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
    private let pool: FilePool

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
    }
    private let state: Mutex<State>

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
                largest: isNew ? LargestTimestamp(timestamp: -1, offset: base) : nil, created: now, jitter: jitter))
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
        return try logErrors { () throws(FileError) in
            try pool.fileSystem.status(of: path(.log))?.modified ?? 0
        }
    }

    func modified() throws(FileError) -> Timestamp { try pool.fileSystem.status(of: path(.log))?.modified ?? 0 }

    // MARK: Appending

    /// Writes batches at the end, in one call, and indexes them; they are readable once the log publishes its end.
    ///
    /// - Parameters:
    ///   - batches: their headers, with positions from 0.
    ///   - put: writes them all at a position of the file.
    /// - Throws: with nothing changed but bytes beyond the end, which a later append overwrites.
    func append(
        _ batches: [BatchHeader], indexInterval: Int, _ put: (any StorageFile, Int64) throws(FileError) -> Void
    ) throws(LogError) {
        let start = try size
        var largest = try largest
        do throws(FileError) {
            try put(data.open(), start)
        } catch {
            // The torn end must not outlive a clean stop.
            try logErrors { () throws(FileError) in try data.open().truncate(to: start) }
            throw LogError(error)
        }
        var lastIndexed = state.withLock { $0.lastIndexedPosition }
        var firstTimestamp: Timestamp?
        for batch in batches {
            let position = start + batch.position
            if batch.maxTimestamp > largest.timestamp {
                largest = LargestTimestamp(timestamp: batch.maxTimestamp, offset: batch.lastOffset)
            }
            if position - lastIndexed > Int64(indexInterval) {
                try index(batch.lastOffset, position: position, largest)
                lastIndexed = position
            }
        }
        if start == 0 { firstTimestamp = batches.map(\.maxTimestamp).max() }
        state.withLock { state in
            state.size = start + (batches.last?.end ?? 0)
            state.largest = largest
            state.lastIndexedPosition = lastIndexed
            if let firstTimestamp { state.firstTimestamp = firstTimestamp }
        }
        // Entries beyond this are written when the segment is flushed or closed. A disk that is full now may not be
        // then, and the batches are in: so an index that cannot be saved is no reason to fail.
        if offsetIndex.unsavedCount >= 256 { try? saveIndexes() }
    }

    private func saveIndexes() throws(FileError) {
        try offsetIndex.save()
        try timeIndex.save()
    }

    private func index(_ offset: Offset, position: Int64, _ largest: LargestTimestamp) throws(LogError) {
        guard let relative = RelativeOffset.of(offset, base: base), let position = Int32(exactly: position) else {
            return
        }
        try logErrors { () throws(FileError) in
            try offsetIndex.append(OffsetIndexEntry(relativeOffset: relative, position: position))
        }
        try indexTime(largest)
    }

    private func indexTime(_ largest: LargestTimestamp) throws(LogError) {
        guard let relative = RelativeOffset.of(largest.offset, base: base), largest.timestamp >= 0 else { return }
        try logErrors { () throws(FileError) in
            if let last = try timeIndex.last, last.timestamp >= largest.timestamp { return }
            try timeIndex.append(TimeIndexEntry(timestamp: largest.timestamp, relativeOffset: relative))
        }
    }

    /// The segment receives no more: the largest timestamp is recorded and the indexes are cut to size.
    func seal() throws(LogError) {
        try indexTime(largest)
        let size = try size
        try logErrors { () throws(FileError) in
            try offsetIndex.trim()
            try timeIndex.trim()
            // Only a preallocated file is longer than what it holds.
            let file = try data.open()
            if try file.length() > size { try file.truncate(to: size) }
        }
    }

    /// Whether the indexes can be those of the data, as far as their lengths and last entries tell. An index that was
    /// not trimmed, because its process was killed, cannot.
    func hasSoundIndexes() throws(LogError) -> Bool {
        let size = try size
        return try logErrors { () throws(FileError) in
            for (kind, bytes) in [
                (SegmentFileName.Kind.index, OffsetIndexEntry.byteCount), (.timeindex, TimeIndexEntry.byteCount),
            ] {
                guard let status = try pool.fileSystem.status(of: path(kind)), status.size % Int64(bytes) == 0
                else { return false }
            }
            if let last = try offsetIndex.last {
                guard last.relativeOffset > 0, last.position > 0, Int64(last.position) < size else { return false }
            }
            if let last = try timeIndex.last {
                guard last.timestamp >= 0, last.relativeOffset >= 0 else { return false }
            }
            return true
        }
    }

    /// Whether batches of `bytes`, up to `lastOffset`, ask for a new segment (KIP-32, KIP-33).
    func mustRoll(
        before bytes: Int, lastOffset: Offset, maxTimestamp: Timestamp, now: Timestamp, _ settings: LogConfiguration
    ) throws(LogError) -> Bool {
        let size = try size
        if size > Int64(settings.segmentBytes) - Int64(bytes) { return true }
        if RelativeOffset.of(lastOffset, base: base) == nil { return true }
        let entries = try logErrors { () throws(FileError) in (try offsetIndex.count, try timeIndex.count) }
        if entries.0 >= settings.indexBytes / OffsetIndexEntry.byteCount { return true }
        if entries.1 >= settings.indexBytes / TimeIndexEntry.byteCount - 1 { return true }
        guard size > 0 else { return false }
        let (created, jitter) = state.withLock { ($0.created, $0.jitter) }
        let first = try firstTimestamp()
        let age = first >= 0 ? maxTimestamp &- first : now &- created
        return age > settings.maximumSegmentAge &- jitter
    }

    /// Of the first batch; -1 without any.
    func firstTimestamp() throws(LogError) -> Timestamp {
        if let known = state.withLock({ $0.firstTimestamp }) { return known }
        var first: Timestamp = -1
        _ = try scanHeaders(from: 0) { header in
            first = header.maxTimestamp
            return false
        }
        state.withLock { $0.firstTimestamp = first }
        return first
    }

    // MARK: Finding

    enum ScanEnd: Hashable {
        /// The caller had enough.
        case stopped
        /// At the end of the data, or where the caller's bound cuts a batch.
        case end(Int64)
        /// Something that is no batch, at this position.
        case corrupt(Int64, String)
    }

    /// As much as still lies on the stack: a look-up, which reads a few headers, allocates nothing.
    private static let scanBlock = 1024

    /// Hands the headers from a position on to `body` until it returns false. Reads headers only, in blocks.
    func scanHeaders(from start: Int64, _ body: (BatchHeader) throws(LogError) -> Bool) throws(LogError) -> ScanEnd {
        let end = try size
        let file = try logErrors { () throws(FileError) in try data.open() }
        var failure: LogError?
        let result = withUnsafeTemporaryAllocation(byteCount: Self.scanBlock, alignment: 8) { space -> ScanEnd in
            do throws(LogError) {
                return try Self.scan(file, start, end, space, body)
            } catch {
                failure = error
                return .stopped
            }
        }
        if let failure { throw failure }
        return result
    }

    private static func scan(
        _ file: any StorageFile, _ start: Int64, _ end: Int64, _ space: UnsafeMutableRawBufferPointer,
        _ body: (BatchHeader) throws(LogError) -> Bool
    ) throws(LogError) -> ScanEnd {
        var position = start
        while position < end {
            let wanted = Int(min(Int64(space.count), end - position))
            let read = try logErrors { () throws(FileError) in
                try file.read(into: UnsafeMutableRawBufferPointer(rebasing: space[..<wanted]), at: position)
            }
            let block = UnsafeRawBufferPointer(rebasing: space[..<read])
            var offset = 0
            walk: while offset < block.count {
                switch BatchHeader.parse(UnsafeRawBufferPointer(rebasing: block[offset...]), at: position) {
                case .header(let header):
                    if header.end > end { return .end(position) }
                    if try !body(header) { return .stopped }
                    position = header.end
                    offset += header.size
                case .cutOff:
                    // Within the block there may be more to read; a block that begins here is all there is.
                    if offset == 0 { return .end(position) }
                    break walk
                case .corrupt(let problem):
                    return .corrupt(position, problem)
                }
            }
            if block.isEmpty { return .end(position) }
        }
        return .end(position)
    }

    /// The batch that holds `offset`, or the first one after it; nil when all are below it.
    ///
    /// Should the index lead astray, the segment is searched from its beginning.
    func find(_ offset: Offset) throws(LogError) -> BatchHeader? {
        let start = try indexedPosition(of: offset)
        var found: BatchHeader?
        var isFirst = true
        var isAstray = false
        let end = try scanHeaders(from: start) { header in
            if isFirst {
                isFirst = false
                // An entry leads to a batch that does not lie behind what is sought, in this segment.
                isAstray = start > 0 && (header.baseOffset > offset || header.baseOffset < base)
                if isAstray { return false }
            }
            if header.lastOffset >= offset { found = header }
            return found == nil
        }
        if start > 0, found == nil {
            if case .corrupt = end { isAstray = true }
            if isFirst { isAstray = true }
        }
        guard isAstray else {
            if case .corrupt(let position, let problem) = end, found == nil {
                throw damaged(position, problem)
            }
            return found
        }
        let whole = try scanHeaders(from: 0) { header in
            if header.lastOffset >= offset { found = header }
            return found == nil
        }
        if case .corrupt(let position, let problem) = whole, found == nil { throw damaged(position, problem) }
        return found
    }

    func damaged(_ position: Int64, _ problem: String) -> LogError { .malformed(damage(position, problem)) }

    func damage(_ position: Int64, _ problem: String) -> MalformedFile {
        MalformedFile(
            path(.log), .position(position), problem,
            advice: "stop the broker and delete .kafka_cleanshutdown and this log's line in "
                + "recovery-point-offset-checkpoint: the log is then cut before the damage and fetched anew "
                + "from another replica")
    }

    private func indexedPosition(of offset: Offset) throws(LogError) -> Int64 {
        guard let relative = RelativeOffset.of(offset, base: base) else { return 0 }
        let found = try logErrors { () throws(FileError) in
            try offsetIndex.last { $0.relativeOffset <= relative }
        }
        guard let found, found.entry.position > 0, Int64(found.entry.position) < (try size) else { return 0 }
        return Int64(found.entry.position)
    }

    /// An offset at or behind the last one in `[position, position + count)`, from the index; nil when there is no
    /// entry behind the range.
    func upperBound(behind position: Int64) throws(LogError) -> Offset? {
        try logErrors { () throws(FileError) in
            let before = try offsetIndex.last { Int64($0.position) < position }
            let next = try offsetIndex.entry(before.map { $0.number + 1 } ?? 0)
            return next.map { RelativeOffset.absolute($0.relativeOffset, base: base) }
        }
    }

    /// The batch from which on a time is to be sought: none before it has a timestamp that large.
    func find(time: Timestamp, from offset: Offset) throws(LogError) -> BatchHeader? {
        let indexed = try logErrors { () throws(FileError) in try timeIndex.last { $0.timestamp <= time } }
        var start = base
        let isSound = try indexed.map { (found) throws(LogError) in try self.isSound(found.entry) } ?? false
        if let entry = indexed?.entry, isSound {
            start = RelativeOffset.absolute(entry.relativeOffset, base: base)
        }
        var found: BatchHeader?
        // Not by the index alone: `find` notices when it leads astray.
        guard let first = try find(max(start, offset)) else { return nil }
        _ = try scanHeaders(from: first.position) { header in
            if header.maxTimestamp >= time, header.lastOffset >= offset { found = header }
            return found == nil
        }
        return found
    }

    /// Whether an entry of the time index is borne out by the batch that it names. No checksum covers the index, and
    /// retention goes by it.
    private func isSound(_ entry: TimeIndexEntry) throws(LogError) -> Bool {
        guard entry.relativeOffset >= 0 else { return false }
        let offset = RelativeOffset.absolute(entry.relativeOffset, base: base)
        guard let batch = try find(offset) else { return false }
        return batch.baseOffset <= offset && batch.maxTimestamp == entry.timestamp
    }

    private func scanForLargest() throws(LogError) -> LargestTimestamp {
        var largest = LargestTimestamp(timestamp: -1, offset: base)
        _ = try scanHeaders(from: 0) { header in
            if header.maxTimestamp > largest.timestamp {
                largest = LargestTimestamp(timestamp: header.maxTimestamp, offset: header.lastOffset)
            }
            return true
        }
        return largest
    }

    // MARK: Transactions

    /// The aborted transactions whose markers lie here. What was read from the file is held against the batches once: no
    /// checksum covers it, and committed records would be hidden by it, or aborted ones shown.
    func abortedTransactions() throws(LogError) -> [TransactionIndexEntry] {
        let entries = try transactions.entries()
        guard !transactions.isChecked else { return entries }
        var previous: TransactionIndexEntry?
        for (number, entry) in entries.enumerated() {
            let marker = try find(entry.lastOffset)
            let isMarker =
                marker.map {
                    $0.lastOffset == entry.lastOffset && $0.header.isControl && $0.header.producerID == entry.producerID
                } ?? false
            let isInOrder = previous.map { $0.lastOffset < entry.lastOffset } ?? true
            let isSound = try beginsSoundly(entry)
            guard isMarker, isInOrder, isSound else {
                throw .malformed(
                    TransactionIndex.malformed(
                        path(.txnindex), entry: number,
                        "no transaction of producer \(entry.producerID) from offset \(entry.firstOffset) was aborted at "
                            + "\(entry.lastOffset)"))
            }
            previous = entry
        }
        try checkLastStable(entries)
        transactions.markChecked()
        return entries
    }

    /// A transaction that ended after another one had, and began before, held the last stable offset back. A reader that
    /// believed in a larger one would stop looking too early.
    private func checkLastStable(_ entries: [TransactionIndexEntry]) throws(LogError) {
        var firstOfLater = Offset.max
        for (number, entry) in entries.enumerated().reversed() {
            guard entry.lastStable <= min(entry.lastOffset + 1, firstOfLater) else {
                throw .malformed(
                    TransactionIndex.malformed(
                        path(.txnindex), entry: number, "the last stable offset cannot be \(entry.lastStable)"))
            }
            firstOfLater = min(firstOfLater, entry.firstOffset)
        }
    }

    /// Whether a transaction can begin where an entry says, as far as this segment tells. Compaction may have taken the
    /// batch, never another one of the producer in its place.
    private func beginsSoundly(_ entry: TransactionIndexEntry) throws(LogError) -> Bool {
        guard entry.firstOffset >= base, let batch = try find(entry.firstOffset) else { return true }
        if batch.baseOffset > entry.firstOffset { return true }
        return batch.baseOffset == entry.firstOffset && batch.header.producerID == entry.producerID
            && batch.header.isTransactional && !batch.header.isControl
    }

    /// What a `read_committed` reader of `[from, upTo)` has to know, and whether later segments have nothing to add.
    func aborted(from: Offset, upTo end: Offset) throws(LogError) -> (found: [AbortedTransaction], isComplete: Bool) {
        var found: [AbortedTransaction] = []
        for entry in try abortedTransactions() {
            if entry.lastOffset >= from, entry.firstOffset < end {
                found.append(AbortedTransaction(producerID: entry.producerID, firstOffset: entry.firstOffset))
            }
            if entry.lastStable >= end { return (found, true) }
        }
        return (found, false)
    }

    /// The offset after the last batch.
    func nextOffset() throws(LogError) -> Offset { try last().map { $0.lastOffset + 1 } ?? base }

    /// The last batch, sought from the last index entry on.
    func last() throws(LogError) -> BatchHeader? {
        let indexed = try logErrors { () throws(FileError) in try offsetIndex.last }
        var start = indexed.map { Int64($0.position) } ?? 0
        if start >= (try size) { start = 0 }
        var last: BatchHeader?
        switch try scanHeaders(
            from: start,
            { header in
                last = header
                return true
            })
        {
        case .corrupt(let position, let problem): throw damaged(position, problem)
        case .end(let position):
            if position < (try size) { throw damaged(position, "the last batch is cut off") }
        case .stopped: break
        }
        return last
    }

    // MARK: Cutting, renaming, removing

    /// Drops the batches from the one that holds `offset` on. Returns the bytes dropped.
    @discardableResult
    func truncate(to offset: Offset, now: Timestamp) throws(LogError) -> Int64 {
        guard let first = try find(offset) else { return 0 }
        return try truncate(toPosition: first.position, offset: offset, now: now)
    }

    @discardableResult
    func truncate(toPosition position: Int64, offset: Offset, now: Timestamp) throws(LogError) -> Int64 {
        let before = try size
        try logErrors { () throws(FileError) in
            if let relative = RelativeOffset.of(offset, base: base) {
                let kept = try offsetIndex.last {
                    $0.relativeOffset < relative && Int64($0.position) < position
                }
                try offsetIndex.truncate(toCount: kept.map { $0.number + 1 } ?? 0)
                let keptTimes = try timeIndex.last { $0.relativeOffset < relative }
                try timeIndex.truncate(toCount: keptTimes.map { $0.number + 1 } ?? 0)
            }
            try data.open().truncate(to: position)
        }
        try transactions.truncate(to: offset)
        let indexed = try logErrors { () throws(FileError) in try offsetIndex.last }
        state.withLock { state in
            state.size = position
            state.lastIndexedPosition = Int64(indexed?.position ?? 0)
            if position == 0 {
                state.created = now
                state.firstTimestamp = nil
            }
            state.largest = nil
        }
        // The index knows the largest timestamp up to its last entry; what lies behind it tells for itself.
        var largest = try largest
        _ = try scanHeaders(from: Int64(indexed?.position ?? 0)) { header in
            if header.maxTimestamp > largest.timestamp {
                largest = LargestTimestamp(timestamp: header.maxTimestamp, offset: header.lastOffset)
            }
            return true
        }
        let found = largest
        state.withLock { $0.largest = found }
        return before - position
    }

    /// Builds the indexes anew from the batches up to `end`: the caller has checked them.
    func resetIndexes() throws(LogError) {
        try logErrors { () throws(FileError) in
            try offsetIndex.truncate(toCount: 0)
            try timeIndex.truncate(toCount: 0)
        }
        state.withLock { state in
            state.lastIndexedPosition = 0
            state.largest = LargestTimestamp(timestamp: -1, offset: base)
        }
    }

    /// Indexes one batch of a scan from the segment's start.
    func reindex(_ batch: BatchHeader, interval: Int) throws(LogError) {
        var largest = try largest
        if batch.maxTimestamp > largest.timestamp {
            largest = LargestTimestamp(timestamp: batch.maxTimestamp, offset: batch.lastOffset)
            state.withLock { $0.largest = largest }
        }
        if batch.position - state.withLock({ $0.lastIndexedPosition }) > Int64(interval) {
            try index(batch.lastOffset, position: batch.position, largest)
            state.withLock { $0.lastIndexedPosition = batch.position }
        }
    }

    /// Makes data and indexes durable.
    func sync() throws(FileError) {
        try data.open().sync()
        try syncIndexes()
    }

    var hasDurableIndexes: Bool { offsetIndex.isDurable && timeIndex.isDurable && transactions.isDurable }

    func syncIndexes() throws(FileError) {
        try offsetIndex.sync()
        try timeIndex.sync()
        try transactions.sync()
    }

    /// Renames all files to another suffix, data first: indexes that a crash leaves behind alone are removed.
    func rename(to suffix: SegmentFileName.Suffix) throws(FileError) {
        try rename([.log, .index, .timeindex, .txnindex], to: suffix)
    }

    /// As ``rename(to:)``, data last: while the data is still a swap, a start goes on with the renames. The offset index,
    /// which every segment has, goes first, so that its place tells whether they have begun.
    func renameDataLast(to suffix: SegmentFileName.Suffix) throws(FileError) {
        try rename([.index, .timeindex, .txnindex, .log], to: suffix)
    }

    private func rename(_ kinds: [SegmentFileName.Kind], to suffix: SegmentFileName.Suffix) throws(FileError) {
        let (directory, old) = state.withLock { ($0.directory, $0.suffix) }
        func path(_ kind: SegmentFileName.Kind, _ suffix: SegmentFileName.Suffix) -> String {
            directory + "/" + SegmentFileName(base: base, kind: kind, suffix: suffix).name
        }
        announce(directory, suffix)
        for kind in kinds {
            do throws(FileError) {
                try pool.fileSystem.rename(path(kind, old), to: path(kind, suffix))
            } catch {
                // Indexes may be missing; they are built anew when they are.
                if kind == .log || !error.isNotFound { throw error }
            }
        }
        adopt(directory: directory, suffix: suffix)
    }

    /// The partition's directory is about to be renamed.
    func willMove(to directory: String) {
        announce(directory, state.withLock { $0.suffix })
    }

    /// The partition's directory could not be renamed.
    func doesNotMove() {
        data.keepsName()
        offsetIndex.keepsName()
        timeIndex.keepsName()
    }

    /// Readers that open a file during a rename find it under its new name.
    private func announce(_ directory: String, _ suffix: SegmentFileName.Suffix) {
        func path(_ kind: SegmentFileName.Kind) -> String {
            directory + "/" + SegmentFileName(base: base, kind: kind, suffix: suffix).name
        }
        data.willBeRenamed(to: path(.log))
        offsetIndex.willBeRenamed(to: path(.index))
        timeIndex.willBeRenamed(to: path(.timeindex))
    }

    /// The partition's directory was renamed.
    func moved(to directory: String) {
        adopt(directory: directory, suffix: state.withLock { $0.suffix })
    }

    private func adopt(directory: String, suffix: SegmentFileName.Suffix) {
        state.withLock { state in
            state.directory = directory
            state.suffix = suffix
        }
        data.renamed(to: path(.log))
        offsetIndex.renamed(to: path(.index))
        timeIndex.renamed(to: path(.timeindex))
        transactions.renamed(to: path(.txnindex))
    }

    /// Gives the indexes' descriptors up: a sealed segment's are read seldom.
    func closeIdle() {
        offsetIndex.close()
        timeIndex.close()
    }

    /// Gives the descriptors up.
    func close() {
        data.close()
        offsetIndex.close()
        timeIndex.close()
    }

    /// Removes the files for good.
    func remove() throws(FileError) {
        close()
        for kind in [SegmentFileName.Kind.log, .index, .timeindex, .txnindex] {
            try pool.fileSystem.remove(path(kind))
        }
    }
}
