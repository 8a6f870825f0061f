// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

/// Who appends, which decides what is checked.
package enum AppendOrigin: Hashable, Sendable {
    /// A producer: sequence numbers, epochs and transactions are checked, duplicates found.
    case client
    /// A coordinator of this cluster: transaction markers, group and transaction records.
    case coordinator
    /// The leader of the partition: its batches are taken as they are.
    case replication
}

/// What an append did.
package struct LogAppendInfo: Hashable, Sendable {
    /// Offset of the first and last record. Of a duplicate, those that its batch has in the log.
    package var firstOffset: Offset
    package var lastOffset: Offset
    package var recordCount: Int
    package var byteCount: Int
    /// The largest timestamp of the batches, −1 if they have none.
    package var maxTimestamp: Timestamp
    /// The time given to all records, if the topic has LogAppendTime; else −1.
    package var logAppendTime: Timestamp
    package var logStart: Offset
    /// The log's end after the append.
    package var logEnd: Offset
    /// The batch was in the log already (idempotent retry): nothing was written.
    package var isDuplicate: Bool
    /// A new segment was begun: ``PartitionLog/flushRolledSegments()`` wants to be called on a thread that may block.
    package var rolled: Bool
    /// `flush.messages` asks for a flush and the caller has chosen to do it: nothing may be acknowledged before
    /// ``PartitionLog/flush(upTo:)`` has returned.
    package var flushIsDue: Bool
    /// The newest leader epoch changed, from the batches of a follower.
    package var epochChanged: Bool
}

/// Up to where a reader may read.
package enum ReadLimit: Hashable, Sendable {
    /// Followers.
    case logEnd
    /// Consumers, `read_uncommitted`.
    case highWatermark
    /// Consumers, `read_committed`: the answer names the aborted transactions in its range.
    case lastStableOffset
}

/// What a read found.
package struct LogRead: Sendable {
    /// Whole or cut-off batches from the one that holds the offset asked for.
    package var records: LogData
    /// Where the first batch lies; of an empty read, where the offset will lie.
    package var position: LogPosition
    /// The first batch did not fit into the limit and is cut off: the reader must ask for more.
    package var firstBatchIncomplete: Bool
    /// There are records, and the reader's end lies in a newer segment: a read takes from one.
    package var endsSegment = false
    /// Where records lie that were not appended lately, and so may have to come from the disk first; nil for others.
    package var distant: FileRange?
    /// What must be done, and may change how many of the records can be handed on, before anyone gets to see them; nil where
    /// nothing need be done. A read of bytes has done it.
    package var inspection: RecordInspection?
    /// Transactions that were aborted and overlap the range, by first offset; nil unless the limit was
    /// ``ReadLimit/lastStableOffset``.
    package var abortedTransactions: [AbortedTransaction]?
    /// As of the read.
    package var offsets: LogOffsets
}

/// Record data as it lies in a file.
package enum LogData: Sendable {
    case bytes(ByteBuffer)
    /// For `sendfile`. The file stays open until the region is released.
    case region(FileRegion)

    package static let empty = LogData.bytes(ByteBuffer())

    package var byteCount: Int {
        switch self {
        case .bytes(let buffer): buffer.readableBytes
        case .region(let region): region.readableBytes
        }
    }

    /// The first so many bytes, or all.
    package func prefix(_ count: Int) -> LogData {
        guard count < byteCount else { return self }
        switch self {
        case .bytes(let buffer):
            return .bytes(buffer.getSlice(at: buffer.readerIndex, length: count) ?? ByteBuffer())
        case .region(let region):
            return .region(
                FileRegion(
                    fileHandle: region.fileHandle, readerIndex: region.readerIndex,
                    endIndex: region.readerIndex + count))
        }
    }
}

/// A transaction whose records a `read_committed` consumer drops: from `firstOffset` until its abort marker.
package struct AbortedTransaction: Hashable, Sendable {
    package var producerID: ProducerID
    package var firstOffset: Offset

    package init(producerID: ProducerID, firstOffset: Offset) {
        self.producerID = producerID
        self.firstOffset = firstOffset
    }
}

/// What ListOffsets asks of a log, beside a point in time.
package enum TimestampQuery: Hashable, Sendable {
    /// −1; what it means depends on the reader's ``ReadLimit``.
    case latest(ReadLimit)
    /// −2 and, without tiered storage, −4.
    case earliest
    /// −3: the record with the largest timestamp (KIP-734).
    case maximum
    /// The first record with this timestamp or a later one.
    case time(Timestamp)
}

/// An answer to ``TimestampQuery``.
package struct TimestampedOffset: Hashable, Sendable {
    package var offset: Offset
    /// −1 for earliest and latest.
    package var timestamp: Timestamp
    /// Nil when the log knows no epoch for the offset.
    package var leaderEpoch: LeaderEpoch?

    package init(offset: Offset, timestamp: Timestamp, leaderEpoch: LeaderEpoch?) {
        self.offset = offset
        self.timestamp = timestamp
        self.leaderEpoch = leaderEpoch
    }
}
