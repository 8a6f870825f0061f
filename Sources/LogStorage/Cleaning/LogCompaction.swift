// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// What a compaction did.
package struct CleaningResult: Hashable, Sendable {
    /// All below it is compacted now.
    package var cleanedTo: Offset
    package var bytesRead: Int64 = 0
    package var bytesWritten: Int64 = 0
    package var keys = 0
    /// How full the offset map was, from 0 to 1.
    package var mapUse = 0.0
    package var segmentsBefore = 0
    package var segmentsAfter = 0
}

/// What stops a compaction, beside the failures of a log.
enum CleaningFailure: Error {
    case log(LogError)
    /// A batch whose records cannot be read: the log cannot be compacted.
    case records(RecordError, path: String, position: Int64)
    /// The log was cut, closed or retired from under it, or the broker stops: nothing is lost, it is tried again.
    case interrupted
}

/// How a compaction is to be done.
struct CleaningSettings {
    /// Bytes of the offset map.
    var mapBytes = 128 << 20
    var loadFactor = 0.9
    /// Bytes per read and write.
    var bufferBytes = 512 << 10
    /// Called with every number of bytes read or written; waits if there were too many of late.
    var pace: (Int) -> Void = { _ in }
    /// Whether to give up, asked once per read.
    var isStopped: () -> Bool = { false }
    /// Writes the log's recovery point to where the next start finds it.
    var recordRecoveryPoint: () throws(LogError) -> Void = {}
}

/// One compaction of one log: first the map of the newest offset of each key in the dirty part, as far as it has room,
/// then all segments from the log's beginning to the map's end, written anew group by group.
///
/// Owner: ``PartitionLog/clean(_:_:now:)``, for the time of one call.
struct LogCompaction {
    let log: PartitionLog
    /// The log as it was at the start. Its segments stay as they are, unless a cut or a removal makes this outdated.
    let view: PartitionLog.Published
    let range: CleanerPlan.Range
    let settings: CleaningSettings
    let now: Timestamp
    private(set) var result: CleaningResult

    init(
        _ log: PartitionLog, _ view: PartitionLog.Published, _ range: CleanerPlan.Range, _ settings: CleaningSettings,
        now: Timestamp
    ) {
        self.log = log
        self.view = view
        self.range = range
        self.settings = settings
        self.now = now
        result = CleaningResult(cleanedTo: range.firstDirty)
    }

    mutating func run() throws(CleaningFailure) {
        let segments = Array(view.segments.all.dropLast())
        guard !range.isEmpty, !segments.isEmpty else { return }
        let aborted = try abortedTransactions()
        let expected = range.firstUncleanable - range.firstDirty
        guard
            let map = OffsetMap(byteLimit: settings.mapBytes, loadFactor: settings.loadFactor, expected: expected)
        else { throw .interrupted }
        let end = try fill(map, segments, CleanedTransactions(aborted))
        result.cleanedTo = end
        result.keys = map.count
        result.mapUse = Double(map.count) / Double(map.capacity)
        guard end > range.firstDirty else { return }

        let groups = CleanerPlan.groups(
            try sizes(of: segments), end: end, segmentBytes: view.configuration.segmentBytes,
            indexBytes: view.configuration.indexBytes)
        try secure()
        var filter = BatchFilter(
            map: map, mapEnd: end, producers: log.lastOfProducers, now: now,
            deleteRetention: view.configuration.deleteRetentionMilliseconds,
            transactions: CleanedTransactions(aborted))
        let horizon = try legacyHorizon(segments)
        var rest = segments[...]
        for group in groups {
            let old = Array(rest.prefix(group.count))
            rest = rest.dropFirst(group.count)
            try rewrite(old, &filter, horizon)
        }
    }

    private func abortedTransactions() throws(CleaningFailure) -> [TransactionIndexEntry] {
        try ofLog { () throws(LogError) in
            var aborted: [TransactionIndexEntry] = []
            for (index, segment) in view.segments.all.enumerated() {
                // An abort that a new leader might not know of is none yet.
                aborted += try segment.abortedTransactions(after: view.segments.all[..<index]).filter {
                    $0.lastOffset < view.offsets.highWatermark
                }
            }
            return aborted
        }
    }

    /// What is dropped is dropped because newer records of its keys are there, or markers behind the compacted range: they
    /// must outlive a crash. And what loses records here must lie below the recovery point that the next start finds, since
    /// above it a hole is a lost end.
    private func secure() throws(CleaningFailure) {
        try ofLog { () throws(LogError) in
            try log.flush(upTo: max(view.offsets.highWatermark, view.segments.active.base))
            try settings.recordRecoveryPoint()
        }
    }

    /// Tombstones of the formats before version 2 have no horizon of their own: they go with segments that were written
    /// `delete.retention.ms` before the newest one that was clean already.
    private func legacyHorizon(_ segments: [LogSegment]) throws(CleaningFailure) -> Timestamp {
        guard let last = segments.last(where: { $0.base < range.firstDirty }) else { return .min }
        return try modified(last) &- view.configuration.deleteRetentionMilliseconds
    }

    private func modified(_ segment: LogSegment) throws(CleaningFailure) -> Timestamp {
        try ofLog { () throws(LogError) in try logErrors { () throws(FileError) in try segment.modified() } }
    }

    private func sizes(of segments: [LogSegment]) throws(CleaningFailure) -> [CleanerPlan.Segment] {
        try ofLog { () throws(LogError) in
            var facts: [CleanerPlan.Segment] = []
            for (index, segment) in segments.enumerated() {
                guard let next = view.segments.nextBase(after: index) else { break }
                let indexes = try logErrors { () throws(FileError) in
                    (try segment.offsetIndex.usedBytes, try segment.timeIndex.usedBytes)
                }
                facts.append(
                    CleanerPlan.Segment(
                        base: segment.base, next: next, size: try segment.size, offsetIndexBytes: indexes.0,
                        timeIndexBytes: indexes.1))
            }
            return facts
        }
    }

    // MARK: The map

    /// Returns the first offset that the map does not know of.
    private mutating func fill(
        _ map: OffsetMap, _ segments: [LogSegment], _ transactions: consuming CleanedTransactions
    ) throws(CleaningFailure) -> Offset {
        var end = range.firstDirty
        let first = segments.lastIndex { $0.base <= range.firstDirty } ?? 0
        for (index, segment) in segments.enumerated().dropFirst(first) where segment.base < range.firstUncleanable {
            let next = min(view.segments.nextBase(after: index) ?? range.firstUncleanable, range.firstUncleanable)
            let (isComplete, bytes) = try batches(of: segment, from: range.firstDirty) { (batch) throws(RecordError) in
                guard batch.header.lastOffset < range.firstUncleanable else { return false }
                if !batch.header.isControl, !transactions.isAborted(batch.header),
                    try !put(batch, into: map)
                {
                    return false
                }
                end = max(end, batch.header.nextOffset)
                return true
            }
            result.bytesRead += bytes
            guard isComplete else { return end }
            // Offsets may be missing at the end of a segment.
            end = max(end, next)
        }
        return end
    }

    /// Whether all keys of a batch had room. Those of a batch that has none may be in the map in part: its records lie
    /// behind the map's end then, where all stay.
    private func put(_ batch: RecordBatch, into map: OffsetMap) throws(RecordError) -> Bool {
        var records = try batch.records()
        while let record = try records.next() {
            guard let key = record.key, record.offset >= range.firstDirty else { continue }
            // A key that is known already needs no room.
            if map.isFull, map.offset(of: key) == nil { return false }
            map.put(key, record.offset)
        }
        return true
    }

    /// Hands the batches of a segment from an offset on to `body`, checked, until it returns false; whether it never did,
    /// and how many bytes there were.
    private func batches(
        of segment: LogSegment, from offset: Offset = 0, _ body: (RecordBatch) throws(RecordError) -> Bool
    ) throws(CleaningFailure) -> (isComplete: Bool, bytes: Int64) {
        var reader = try ofLog { () throws(LogError) -> BatchReader? in
            var position: Int64 = 0
            if offset > segment.base {
                guard let first = try segment.find(offset) else { return nil }
                position = first.position
            }
            let size = try segment.size
            return try logErrors { () throws(FileError) in
                try BatchReader(segment.data.open(), from: position, end: size, chunk: settings.bufferBytes)
            }
        }
        var next = segment.base
        var (bytes, paced) = (Int64(0), Int64(0))
        while let item = try nextItem(&reader, segment) {
            switch item {
            case .damage(let position, let problem): throw damaged(segment, position, problem)
            case .batch(let batch, let position):
                try check(batch, position, segment, &next)
                let count = batch.header.sizeInBytes
                bytes += Int64(count)
                paced += Int64(count)
                if paced >= Int64(settings.bufferBytes) {
                    try pause(Int(paced))
                    paced = 0
                }
                do throws(RecordError) {
                    guard try body(batch) else { return (false, bytes) }
                } catch {
                    throw .records(error, path: segment.path(.log), position: position)
                }
            }
        }
        try pause(Int(paced))
        return (true, bytes)
    }

    private func nextItem(
        _ reader: inout BatchReader?, _ segment: LogSegment
    ) throws(CleaningFailure) -> BatchReader.Item? {
        do throws(FileError) { return try reader?.next() } catch { throw .log(LogError(error)) }
    }

    /// Refuses to carry damage over into a new file, where it would have a right checksum.
    private func check(
        _ batch: RecordBatch, _ position: Int64, _ segment: LogSegment, _ next: inout Offset
    ) throws(CleaningFailure) {
        guard batch.hasValidChecksum else {
            throw damaged(
                segment, position, "the checksum of the batch at offset \(batch.header.baseOffset) is wrong")
        }
        let first = batch.header.firstStated
        guard first >= next else { throw damaged(segment, position, "the batch's offset \(first) lies before \(next)") }
        next = batch.header.nextOffset
    }

    private func damaged(_ segment: LogSegment, _ position: Int64, _ problem: String) -> CleaningFailure {
        log.isOutdated(view) ? .interrupted : .log(segment.damaged(position, problem))
    }

    private func pause(_ bytes: Int) throws(CleaningFailure) {
        settings.pace(bytes)
        if settings.isStopped() || log.isOutdated(view) { throw .interrupted }
    }

    // MARK: Writing

    private mutating func rewrite(
        _ old: [LogSegment], _ filter: inout BatchFilter, _ legacyHorizon: Timestamp
    ) throws(CleaningFailure) {
        guard let first = old.first, let last = old.last else { return }
        try pause(0)
        let new = LogSegment(
            base: first.base, in: log.path, suffix: .cleaned, isNew: true, hasTransactions: false, now: now,
            pool: log.pool)
        do throws(CleaningFailure) {
            try ofLog { () throws(LogError) in
                try logErrors { () throws(FileError) in
                    // Of a compaction that failed; the other files are emptied.
                    try log.pool.fileSystem.remove(new.path(.txnindex))
                    try new.create(preallocating: nil)
                }
            }
            for segment in old { try copy(segment, into: new, &filter, try modified(segment) > legacyHorizon) }
            let aborted = filter.transactions.takeStillRelevant()
            let time = try modified(last)
            try ofLog { () throws(LogError) in
                for entry in aborted { try new.transactions.append(entry) }
                try new.seal()
                try logErrors { () throws(FileError) in
                    try new.sync()
                    // Retention and old tombstones go by it.
                    try log.pool.fileSystem.setModificationTime(of: new.path(.log), to: time)
                }
            }
            guard try ofLog({ () throws(LogError) in try log.swap(old, new, view, now) }) else { throw .interrupted }
        } catch {
            // Once it is listed it is all that there is of its records.
            if !log.published.withLock({ $0.segments.all.contains { $0 === new } }) { try? new.remove() }
            throw error
        }
        result.segmentsBefore += old.count
        result.segmentsAfter += 1
    }

    private mutating func copy(
        _ segment: LogSegment, into new: LogSegment, _ filter: inout BatchFilter, _ keepsOldTombstones: Bool
    ) throws(CleaningFailure) {
        var output = ByteBuffer()
        var failure: LogError?
        var written: Int64 = 0
        func flush() {
            guard output.readableBytes > 0, failure == nil else { return }
            settings.pace(output.readableBytes)
            do throws(LogError) {
                let headers = try BatchHeader.parseWhole(&output)
                try new.append(headers, indexInterval: view.configuration.indexIntervalBytes) {
                    (file, position) throws(FileError) in try file.write(output, at: position)
                }
            } catch {
                failure = error
            }
            written += Int64(output.readableBytes)
            output.clear()
        }
        let (_, read) = try batches(of: segment) { (batch) throws(RecordError) in
            switch try filter.filter(batch, keepsOldTombstones: keepsOldTombstones) {
            case .drop: break
            case .keep: output.writeImmutableBuffer(batch.bytes)
            case .replace(let bytes): output.writeImmutableBuffer(bytes)
            }
            if output.readableBytes >= settings.bufferBytes { flush() }
            return failure == nil
        }
        flush()
        if let failure { throw .log(failure) }
        result.bytesRead += read
        result.bytesWritten += written
    }

    private func ofLog<Result>(_ body: () throws(LogError) -> Result) throws(CleaningFailure) -> Result {
        do throws(LogError) { return try body() } catch { throw .log(error) }
    }
}
