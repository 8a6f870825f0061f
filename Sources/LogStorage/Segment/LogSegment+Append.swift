// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension LogSegment {
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
        state.withLock { $0.sound.write(from: start) }
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

    func saveIndexes() throws(FileError) {
        try offsetIndex.save()
        try timeIndex.save()
    }

    func index(_ offset: Offset, position: Int64, _ largest: LargestTimestamp) throws(LogError) {
        guard let relative = RelativeOffset.of(offset, base: base), let position = Int32(exactly: position) else {
            return
        }
        try logErrors { () throws(FileError) in
            try offsetIndex.append(OffsetIndexEntry(relativeOffset: relative, position: position))
        }
        try indexTime(largest)
    }

    func indexTime(_ largest: LargestTimestamp) throws(LogError) {
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
            try trimIndexes()
            // Only a preallocated file is longer than what it holds.
            let file = try data.open()
            if try file.length() > size { try file.truncate(to: size) }
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
}
