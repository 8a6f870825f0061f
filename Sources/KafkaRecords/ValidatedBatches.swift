// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
package import NIOCore

/// Records that passed the `ProduceValidator` and wait for their place in a log.
///
/// There is one batch, of version 2, or none: newer producers must send exactly one, and what older ones send is turned
/// into one. The caller, who holds the log's lock, calls `assign` and then writes the two regions. Only the header
/// changes, so it lies in memory of its own, and the records stay where they were received: nothing is copied however
/// many hold on to the receive buffer.
package struct ValidatedBatches: Sendable {
    /// Nil if the producer sent nothing. The offsets count from 0 before `assign`.
    package private(set) var header: RecordBatchHeader?
    /// For a control batch of a coordinator: what it says.
    package let marker: EndTransactionMarker?
    /// How many records came in an older format, for metrics.
    package let convertedRecords: Int
    /// Who sets the timestamps of the partition.
    package let timestampType: TimestampType

    /// What follows the header.
    private let body: ByteBuffer
    /// The attributes and largest timestamp for which the header's checksum is right.
    private var checksummed: (attributes: RecordAttributes, maxTimestamp: Timestamp)?

    /// Nothing to append.
    init(emptyWithTimestampType timestampType: TimestampType) {
        header = nil
        marker = nil
        convertedRecords = 0
        self.timestampType = timestampType
        body = ByteBuffer()
    }

    /// `header.crc` must be right for `header` as the batch was read or built; `maxTimestamp` is the largest that was
    /// found in the records. `rewritten` is a body with other bytes than the checksum is for.
    init(
        _ batch: RecordBatch, rewritten: ByteBuffer? = nil, codec: CompressionCodec, maxTimestamp: Timestamp,
        timestampType: TimestampType, marker: EndTransactionMarker?, convertedRecords: Int = 0
    ) {
        var header = batch.header
        checksummed = rewritten == nil ? (header.attributes, header.maxTimestamp) : nil
        if let rewritten {
            body = rewritten
        } else {
            var body = batch.bytes
            body.moveReaderIndex(forwardBy: RecordFormat.V2.headerSize)
            self.body = body
        }
        header.attributes.codec = codec
        header.codec = codec
        header.sizeInBytes = RecordFormat.V2.headerSize + body.readableBytes
        header.attributes.isLogAppendTime = timestampType == .logAppendTime
        header.maxTimestamp = maxTimestamp
        self.header = header
        self.marker = marker
        self.convertedRecords = convertedRecords
        self.timestampType = timestampType
    }

    package var isEmpty: Bool { header == nil }

    /// What will be written, in bytes.
    package var sizeInBytes: Int { header?.sizeInBytes ?? 0 }

    /// How many offsets the records take.
    package var offsetCount: Int64 { header.map { Int64($0.lastOffsetDelta) + 1 } ?? 0 }

    /// The largest timestamp, −1 if the records have none.
    package var maxTimestamp: Timestamp { header?.maxTimestamp ?? -1 }

    /// The offset that the time index notes for `maxTimestamp`: the last of the batch that holds it, −1 if none.
    package var offsetOfMaxTimestamp: Offset {
        header.map { $0.maxTimestamp < 0 ? -1 : $0.lastOffset } ?? -1
    }

    /// Gives the records their place. `logAppendTime`, where not nil, becomes the timestamp of all. May be called again,
    /// with another place.
    package mutating func assign(baseOffset: Offset, leaderEpoch: LeaderEpoch, logAppendTime: Timestamp?) {
        guard var header else { return }
        header.baseOffset = baseOffset
        header.partitionLeaderEpoch = leaderEpoch
        if let logAppendTime {
            header.attributes.isLogAppendTime = true
            header.maxTimestamp = logAppendTime
        }
        // Neither offset nor epoch is under the checksum.
        if checksummed?.attributes != header.attributes || checksummed?.maxTimestamp != header.maxTimestamp {
            header.crc = checksum(header)
            checksummed = (header.attributes, header.maxTimestamp)
        }
        self.header = header
    }

    /// As above, with `now` for the time of a partition whose timestamps are the broker's.
    package mutating func assign(baseOffset: Offset, leaderEpoch: LeaderEpoch, now: Timestamp) {
        assign(
            baseOffset: baseOffset, leaderEpoch: leaderEpoch,
            logAppendTime: timestampType == .logAppendTime ? now : nil)
    }

    /// Lends the two parts of the batch in the order in which they are written, for one vectored write. Both are empty
    /// if there is nothing to append.
    package func withRegions<Result, Failure: Error>(
        _ body: (_ header: UnsafeRawBufferPointer, _ records: UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let header else {
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            return try body(nothing, nothing)
        }
        return try header.encoded.withUnsafeReadableBytes { head throws(Failure) in
            try self.body.withUnsafeReadableBytes { records throws(Failure) in try body(head, records) }
        }
    }

    /// A copy of the batch in one piece, for who cannot write from two.
    package var buffer: ByteBuffer {
        guard let header else { return ByteBuffer() }
        var bytes = header.encoded
        bytes.writeImmutableBuffer(body)
        return bytes
    }

    private func checksum(_ header: RecordBatchHeader) -> UInt32 {
        let head = header.encoded.withUnsafeReadableBytes { bytes in
            Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[RecordFormat.V2.attributesOffset...]))
        }
        return body.withUnsafeReadableBytes { Checksum.crc32c($0, continuing: head) }
    }
}

extension RecordBatchHeader {
    /// The 61 bytes of a header of version 2, with the checksum as it stands.
    fileprivate var encoded: ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: RecordFormat.V2.headerSize)
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: RecordFormat.V2.headerSize) { target in
            write(to: target)
            return RecordFormat.V2.headerSize
        }
        return bytes
    }
}
