// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

/// How the records of a read are wanted.
package enum ReadForm: Hashable, Sendable {
    /// Ranges of files for `sendfile`, where the file system has descriptors; else bytes.
    case regions
    /// Bytes, to be looked at or converted.
    case bytes
}

extension PartitionLog {
    /// Reads batches from the one that holds `offset` on, from one segment. Never waits for an append.
    ///
    /// - Parameters:
    ///   - maxBytes: at most so many; the last batch may be cut off by it, as Kafka does.
    ///   - atLeastOneBatch: the first batch is returned whole even if it is larger.
    /// - Throws: ``LogError/offsetOutOfRange(requested:logStart:logEnd:)`` below the log's start or beyond its end. Between
    ///   the limit and the log's end a read is empty. ``LogError/damagedRecords(_:)`` where the batch cannot be believed.
    package func read(
        from offset: Offset, maxBytes: Int, upTo limit: ReadLimit, atLeastOneBatch: Bool, as form: ReadForm = .regions
    ) throws(LogError) -> LogRead {
        try looking(at: { ReadView($0) }) { (view) throws(LogError) in
            do throws(LogError) {
                return try read(view, from: offset, maxBytes, limit, atLeastOneBatch, form)
            } catch {
                // Where no batch can be made out on the way to the one that is sought, there is no way.
                guard case .malformed(let file) = error else { throw error }
                health.found(file)
                throw .damagedRecords(file)
            }
        }
    }

    /// What a read works on: as of one moment.
    private struct ReadView {
        var segments: SegmentList
        var offsets: LogOffsets
        var end: LogPosition
        var recent: RecentPositions
        var epochs: LeaderEpochCache
        var truncations: Int

        init(_ published: Published) {
            segments = published.segments
            offsets = published.offsets
            end = published.end
            recent = published.recent
            epochs = published.epochs
            truncations = published.truncations
        }

        /// Where the batch that holds `offset` lies, or would lie.
        func locate(_ offset: Offset) throws(LogError) -> LogPosition {
            if offset >= end.offset { return end }
            if let known = recent.find(offset) {
                // An end of an append is the start of the next; where that one rolled, the next segment's start.
                return known
            }
            guard var index = segments.index(holding: offset) else {
                return LogPosition(offset: offset, segmentBase: segments.first.base, position: 0)
            }
            while index < segments.count {
                let segment = segments.all[index]
                if let batch = try segment.find(offset) {
                    return LogPosition(offset: offset, segmentBase: segment.base, position: batch.position)
                }
                index += 1
            }
            return end
        }
    }

    private func read(
        _ view: ReadView, from offset: Offset, _ maxBytes: Int, _ limit: ReadLimit, _ atLeastOneBatch: Bool,
        _ form: ReadForm
    ) throws(LogError) -> LogRead {
        guard offset >= view.offsets.logStart, offset <= view.offsets.logEnd else {
            throw .offsetOutOfRange(
                requested: offset, logStart: view.offsets.logStart, logEnd: view.offsets.logEnd)
        }
        let aborted: [AbortedTransaction]? = limit == .lastStableOffset ? [] : nil
        let bound = view.offsets.bound(limit)
        func empty(at position: LogPosition) -> LogRead {
            LogRead(
                records: .empty, position: position, firstBatchIncomplete: false, abortedTransactions: aborted,
                offsets: view.offsets)
        }
        if offset >= bound { return empty(at: try view.locate(offset)) }
        let boundary = try view.locate(bound)

        guard var index = view.segments.index(holding: offset) else { return empty(at: view.end) }
        // The tail is read most. Where an append began is known, and if all behind it is wanted, no header need be read.
        if let start = view.recent.find(offset), start.segmentBase == boundary.segmentBase,
            start.segmentBase == view.segments.all[index].base, boundary.position > start.position,
            boundary.position - start.position <= Int64(maxBytes)
        {
            var answer = empty(at: start)
            let count = Int(boundary.position - start.position)
            answer.records = try data(view.segments.all[index], start.position, count, form).records
            if limit == .lastStableOffset {
                answer.abortedTransactions = try abortedTransactions(
                    view, index, from: offset, behind: boundary.position)
            }
            return answer
        }
        while index < view.segments.count {
            let segment = view.segments.all[index]
            let end: Int64
            if segment.base < boundary.segmentBase {
                end = try segment.size
            } else if segment.base == boundary.segmentBase {
                end = boundary.position
            } else {
                return empty(at: boundary)
            }
            guard let batch = try segment.find(offset), batch.position < end else {
                // Compaction leaves holes, also at the end of a segment.
                index += 1
                continue
            }
            let available = Int(clamping: end - batch.position)
            let allowed = atLeastOneBatch ? max(maxBytes, batch.size) : maxBytes
            let count = max(min(available, allowed), 0)
            var answer = empty(
                at: LogPosition(offset: offset, segmentBase: segment.base, position: batch.position))
            answer.firstBatchIncomplete = count < batch.size
            if count > 0 {
                let (records, range) = try data(segment, batch.position, count, form)
                answer.records = records
                if let inspection = try inspection(view, index, batch.position..<(batch.position + Int64(count))) {
                    switch records {
                    case .region: answer.inspection = inspection
                    case .bytes: answer.records = records.prefix(try inspection.run())
                    }
                }
                answer.endsSegment = segment.base < boundary.segmentBase
                let isNearEnd =
                    segment.base == view.end.segmentBase
                    && view.end.position - batch.position - Int64(count) < Self.tailSize
                if !isNearEnd { answer.distant = range }
            }
            if limit == .lastStableOffset, count > 0 {
                answer.abortedTransactions = try abortedTransactions(
                    view, index, from: offset, behind: batch.position + Int64(count))
            }
            return answer
        }
        return empty(at: boundary)
    }

    /// What ends so near to the log's end was written a moment ago, and is in memory.
    private static let tailSize: Int64 = 1 << 20

    private func data(
        _ segment: LogSegment, _ position: Int64, _ count: Int, _ form: ReadForm
    ) throws(LogError) -> (records: LogData, range: FileRange?) {
        try logErrors { () throws(FileError) in
            let file = try segment.data.open()
            if form == .regions, let region = file.region(at: position, count: count) {
                return (.region(region), FileRange(file, at: position, count: count))
            }
            return (.bytes(try file.bytes(at: position, count: count)), nil)
        }
    }

    /// Nil where all of it was looked at before, or was written by this process.
    private func inspection(
        _ view: ReadView, _ index: Int, _ range: Range<Int64>
    ) throws(LogError) -> RecordInspection? {
        let segment = view.segments.all[index]
        guard !segment.isSound(range) else { return nil }
        let file = try logErrors { () throws(FileError) in try segment.data.open() }
        return RecordInspection(
            self, segment, file, range, below: view.segments.nextBase(after: index), view.epochs,
            logStart: view.offsets.logStart, truncations: view.truncations)
    }

    /// The aborted transactions that overlap a read which began at `offset` and ended at a position of a segment.
    private func abortedTransactions(
        _ view: ReadView, _ index: Int, from offset: Offset, behind position: Int64
    ) throws(LogError) -> [AbortedTransaction] {
        let upper =
            try view.segments.all[index].upperBound(behind: position)
            ?? view.segments.nextBase(after: index) ?? view.offsets.logEnd
        var found: [AbortedTransaction] = []
        let all = view.segments.all
        for index in index..<all.count {
            let (here, isComplete) = try all[index].aborted(from: offset, upTo: upper, after: all[..<index])
            found += here
            if isComplete { break }
        }
        return found.sorted { $0.firstOffset < $1.firstOffset }
    }

    /// The aborted transactions with data in `[from, upTo)`, for who reads records by other means.
    package func abortedTransactions(from: Offset, upTo: Offset) throws(LogError) -> [AbortedTransaction] {
        try looking(at: \.segments) { (segments) throws(LogError) in
            var found: [AbortedTransaction] = []
            let all = segments.all
            for index in (segments.index(holding: from) ?? 0)..<all.count {
                let (here, isComplete) = try all[index].aborted(from: from, upTo: upTo, after: all[..<index])
                found += here
                if isComplete { break }
            }
            return found
        }
    }

    /// Where the batch that holds `offset` lies. For the waiting of fetches, which compare positions.
    package func position(of offset: Offset) throws(LogError) -> LogPosition {
        try looking(at: { ReadView($0) }) { (view) throws(LogError) in
            guard offset >= view.offsets.logStart, offset <= view.offsets.logEnd else {
                throw .offsetOutOfRange(
                    requested: offset, logStart: view.offsets.logStart, logEnd: view.offsets.logEnd)
            }
            return try view.locate(offset)
        }
    }
}
