// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension LogSegment {
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
            state.sound.cut(to: position)
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
}
