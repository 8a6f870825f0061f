// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Building the indexes anew, and telling whether they have to be.
extension LogSegment {
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
}
