// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

extension PartitionLog {
    /// The offset for a time, or for one of ListOffsets' special questions; nil when no record is that late.
    ///
    /// Exact to the record: within a batch the records themselves are looked at (KIP-79, KIP-734). A record that the
    /// reader may not read yet is not found.
    ///
    /// - Parameter limit: up to where the reader may read.
    package func offset(
        for query: TimestampQuery, upTo limit: ReadLimit = .logEnd
    ) throws(LogError) -> TimestampedOffset? {
        let found = try look(for: query)
        switch query {
        case .earliest, .latest: return found
        case .maximum, .time:
            let bound = published.withLock { $0.offsets.bound(limit) }
            return found.flatMap { $0.offset < bound ? $0 : nil }
        }
    }

    private func look(for query: TimestampQuery) throws(LogError) -> TimestampedOffset? {
        try looking(at: { $0 }) { (view) throws(LogError) in
            switch query {
            case .earliest:
                // Only an epoch that began at or before the start is known to be that of its record.
                return TimestampedOffset(
                    offset: view.offsets.logStart, timestamp: -1,
                    leaderEpoch: view.epochs.epoch(at: view.offsets.logStart))
            case .latest(let limit):
                return TimestampedOffset(
                    offset: view.offsets.bound(limit), timestamp: -1, leaderEpoch: view.epochs.latestEpoch)
            case .maximum: return try latestRecord(view)
            case .time(let time): return try firstRecord(view, at: time)
            }
        }
    }

    private func latestRecord(_ view: Published) throws(LogError) -> TimestampedOffset? {
        var best: (segment: LogSegment, largest: LogSegment.LargestTimestamp)?
        for segment in view.segments.all {
            let largest = try segment.largest
            if largest.timestamp >= 0, largest.timestamp > best?.largest.timestamp ?? -1 { best = (segment, largest) }
        }
        guard let best, let batch = try best.segment.find(best.largest.offset) else { return nil }
        let first = try records(best.segment, batch).first { $0.timestamp == batch.maxTimestamp }
        return first.map { answer($0, batch, view) }
    }

    private func firstRecord(_ view: Published, at time: Timestamp) throws(LogError) -> TimestampedOffset? {
        // As Kafka does it: the first segment that is late enough answers alone, and one without timestamps (or emptied by
        // compaction) counts by the time of its file.
        for segment in view.segments.all where try segment.retentionTimestamp() >= time {
            var from = max(view.offsets.logStart, segment.base)
            while let batch = try segment.find(time: time, from: from) {
                let found = try records(segment, batch).first {
                    $0.timestamp >= time && $0.offset >= view.offsets.logStart
                }
                if let found { return answer(found, batch, view) }
                // Its only records that late lie below the log's start, or compaction has removed them.
                from = batch.lastOffset + 1
            }
            return nil
        }
        return nil
    }

    private func answer(_ record: Record, _ batch: BatchHeader, _ view: Published) -> TimestampedOffset {
        let epoch = batch.header.partitionLeaderEpoch
        return TimestampedOffset(
            offset: record.offset, timestamp: record.timestamp,
            leaderEpoch: epoch >= 0 ? epoch : view.epochs.epoch(at: record.offset))
    }

    private func records(_ segment: LogSegment, _ batch: BatchHeader) throws(LogError) -> [Record] {
        let bytes = try logErrors { () throws(FileError) in
            try segment.data.open().bytes(at: batch.position, count: batch.size)
        }
        do throws(RecordError) {
            var batches = RecordBatches(bytes)
            guard let whole = try batches.next() else { return [] }
            try whole.validateChecksum()
            return try whole.allRecords()
        } catch {
            throw segment.damaged(batch.position, error.message)
        }
    }
}
