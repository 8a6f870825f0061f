// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

extension LogSegment {
    enum ScanEnd: Hashable {
        /// The caller had enough.
        case stopped
        /// At the end of the data.
        case end(Int64)
        /// Something that is no batch, at this position.
        case corrupt(Int64, String)
    }

    /// As much as still lies on the stack: a look-up, which reads a few headers, allocates nothing.
    static let scanBlock = 1024

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

    static func scan(
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
                    if header.end > end {
                        return .corrupt(
                            position,
                            "the batch at offset \(header.baseOffset) claims \(header.size) bytes, which the file has not"
                        )
                    }
                    if try !body(header) { return .stopped }
                    position = header.end
                    offset += header.size
                case .cutOff:
                    // Within the block there may be more to read; a block that begins here is all there is.
                    if offset == 0 {
                        // A file that is shorter than it was a moment ago is being cut.
                        return read < wanted
                            ? .end(position) : .corrupt(position, "the file ends within a batch's header")
                    }
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
        guard let found = try search(offset) else { return nil }
        // Behind a hole, or behind a batch whose first offset is wrong: then the one that is sought may follow.
        guard found.firstStated > offset else { return found }
        return try holder(of: offset, behind: found) ?? found
    }

    /// The batch that holds `offset`, if it lies behind one that pretends to be later. No checksum covers first offsets.
    private func holder(of offset: Offset, behind suspect: BatchHeader) throws(LogError) -> BatchHeader? {
        var found: BatchHeader?
        var isFirst = true
        _ = try scanHeaders(from: suspect.end) { header in
            if isFirst, header.firstStated > suspect.lastOffset { return false }
            isFirst = false
            if header.lastOffset >= offset { found = header }
            return found == nil
        }
        return found.flatMap { $0.baseOffset <= offset ? $0 : nil }
    }

    private func search(_ offset: Offset) throws(LogError) -> BatchHeader? {
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

    /// Writes the leader epoch of the batch, of format 2, that begins at a position; no checksum covers it.
    func setLeaderEpoch(_ epoch: LeaderEpoch, at position: Int64) throws(LogError) {
        try logErrors { () throws(FileError) in
            try withUnsafeBytes(of: epoch.bigEndian) { bytes throws(FileError) in
                try data.open().write(bytes, at: position + 12)
            }
        }
    }

    func damaged(_ position: Int64, _ problem: String) -> LogError { .malformed(damage(position, problem)) }

    func damage(_ position: Int64, _ problem: String) -> MalformedFile {
        MalformedFile(
            path(.log), .position(position), problem,
            advice: "stop the broker and delete .kafka_cleanshutdown and this log's line in "
                + "recovery-point-offset-checkpoint: the log is then cut before the damage and fetched anew "
                + "from another replica")
    }

    func indexedPosition(of offset: Offset) throws(LogError) -> Int64 {
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
    func isSound(_ entry: TimeIndexEntry) throws(LogError) -> Bool {
        guard entry.relativeOffset >= 0 else { return false }
        let offset = RelativeOffset.absolute(entry.relativeOffset, base: base)
        guard let batch = try find(offset) else { return false }
        return batch.baseOffset <= offset && batch.maxTimestamp == entry.timestamp
    }

    func scanForLargest() throws(LogError) -> LargestTimestamp {
        var largest = LargestTimestamp(timestamp: -1, offset: base)
        _ = try scanHeaders(from: 0) { header in
            if header.maxTimestamp > largest.timestamp {
                largest = LargestTimestamp(timestamp: header.maxTimestamp, offset: header.lastOffset)
            }
            return true
        }
        return largest
    }

    /// The offset after the last batch.
    func nextOffset() throws(LogError) -> Offset { try last().map { $0.lastOffset + 1 } ?? base }

    /// As ``last()``, with what no checksum covers held against the segment: its first offset, by which a log would begin
    /// anew below its own start.
    func lastInRange() throws(LogError) -> BatchHeader? {
        guard let last = try last() else { return nil }
        guard last.baseOffset >= base, RelativeOffset.of(last.lastOffset, base: base) != nil else {
            throw damaged(last.position, "the last batch's offset \(last.baseOffset) is outside of the segment")
        }
        return last
    }

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
}
