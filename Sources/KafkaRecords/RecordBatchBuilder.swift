// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
package import NIOCore

/// Builds one batch of version 2, or the messages of an older format that Kafka would make of one.
///
/// Records are appended in order of their offsets; `finish` gives the bytes.
package struct RecordBatchBuilder: Sendable {
    /// What the batch says besides its records.
    package struct Settings: Hashable, Sendable {
        package var magic: Int8 = 2
        package var baseOffset: Offset = 0
        package var compression = Compression.none
        package var timestampType = TimestampType.createTime
        /// The timestamp of all records if the type is `.logAppendTime`.
        package var logAppendTime: Timestamp = -1
        package var leaderEpoch: LeaderEpoch = -1
        package var producerID: ProducerID = -1
        package var producerEpoch: ProducerEpoch = -1
        package var baseSequence: Int32 = -1
        package var isTransactional = false
        package var isControl = false
        /// When tombstones of the batch may be removed (KIP-534).
        package var deleteHorizon: Timestamp?

        package init() {}

        /// Those that a batch of version 2 was made with.
        package init(_ header: RecordBatchHeader) {
            baseOffset = header.baseOffset
            compression = Compression(header.codec)
            timestampType = header.timestampType == .logAppendTime ? .logAppendTime : .createTime
            logAppendTime = header.timestampType == .logAppendTime ? header.maxTimestamp : -1
            leaderEpoch = header.partitionLeaderEpoch
            producerID = header.producerID
            producerEpoch = header.producerEpoch
            baseSequence = header.baseSequence
            isTransactional = header.isTransactional
            isControl = header.isControl
            deleteHorizon = header.deleteHorizon
        }
    }

    private let settings: Settings
    /// For version 2 without compression the batch as it will be, with room for the header; else the records alone.
    private var records: ByteBuffer
    private var baseTimestamp: Timestamp?
    private var maxTimestamp: Timestamp = -1
    private var lastOffset: Offset?

    /// How many records were appended.
    package private(set) var recordCount: Int32 = 0

    package init(_ settings: Settings = Settings(), capacity: Int = 256) {
        self.settings = settings
        baseTimestamp = settings.deleteHorizon
        records = ByteBufferAllocator().buffer(capacity: capacity)
        if settings.magic == 2 { records.writeRepeatingByte(0, count: RecordFormat.V2.headerSize) }
    }

    package var isEmpty: Bool { recordCount == 0 }

    /// The size of the batch before compression, in bytes.
    package var sizeInBytes: Int { records.readableBytes }

    /// The offset after the last record.
    package var nextOffset: Offset { lastOffset.map { $0 &+ 1 } ?? settings.baseOffset }

    /// Appends a record at the next offset.
    package mutating func append(
        timestamp: Timestamp, key: ByteBuffer?, value: ByteBuffer?, headers: [RecordHeader] = []
    ) {
        append(Record(offset: nextOffset, timestamp: timestamp, key: key, value: value, headers: headers))
    }

    /// Appends a record at its own offset, at least `nextOffset` and within 2^31 of the base offset (what was read from
    /// damaged logs may break that, and is kept as it is). Its sequence number is that which its offset gives it;
    /// formats 0 and 1 drop the headers.
    package mutating func append(_ record: Record) {
        let timestamp = settings.timestampType == .logAppendTime ? settings.logAppendTime : record.timestamp
        if settings.magic == 2 {
            if baseTimestamp == nil { baseTimestamp = timestamp }
            records.writeRecord(
                record, offsetDelta: Int32(truncatingIfNeeded: record.offset &- settings.baseOffset),
                timestampDelta: timestamp &- (baseTimestamp ?? timestamp))
        } else {
            // What is inside of a wrapper of format 1 counts from the wrapper's first offset (KIP-31).
            let isRelative = settings.magic == 1 && settings.compression.codec != .none
            records.writeMessage(
                settings.magic, offset: isRelative ? record.offset &- settings.baseOffset : record.offset,
                attributes: RecordAttributes(timestampType: settings.timestampType), timestamp: timestamp,
                key: record.key, value: record.value)
        }
        maxTimestamp = max(maxTimestamp, timestamp)
        lastOffset = max(lastOffset ?? record.offset, record.offset)
        recordCount += 1
    }

    /// The batch. `lastOffset` may lie above that of the last record, as after compaction. Without records there is a
    /// batch only where `lastOffset` is given; else the result is empty.
    package consuming func finish(lastOffset: Offset? = nil) -> ByteBuffer {
        guard let last = lastOffset ?? self.lastOffset else { return ByteBuffer() }
        if settings.magic < 2 { return finishLegacy(lastOffset: last) }
        if settings.compression.codec != .none, recordCount > 0 {
            let plain = records
            records = ByteBufferAllocator().buffer(capacity: plain.readableBytes / 2 + 128)
            records.writeRepeatingByte(0, count: RecordFormat.V2.headerSize)
            plain.withUnsafeReadableBytes { bytes in
                settings.compression.compress(
                    UnsafeRawBufferPointer(rebasing: bytes[RecordFormat.V2.headerSize...]), into: &records)
            }
        }
        var header = RecordBatchHeader(
            attributes: RecordAttributes(
                codec: recordCount > 0 ? settings.compression.codec : .none, timestampType: settings.timestampType,
                isTransactional: settings.isTransactional, isControl: settings.isControl,
                hasDeleteHorizon: settings.deleteHorizon != nil))
        header.baseOffset = settings.baseOffset
        header.sizeInBytes = records.readableBytes
        header.partitionLeaderEpoch = settings.leaderEpoch
        header.lastOffsetDelta = Int32(truncatingIfNeeded: last &- settings.baseOffset)
        header.baseTimestamp = baseTimestamp ?? -1
        header.maxTimestamp = settings.timestampType == .logAppendTime ? settings.logAppendTime : maxTimestamp
        header.producerID = settings.producerID
        header.producerEpoch = settings.producerEpoch
        header.baseSequence = settings.baseSequence
        header.recordCount = recordCount
        records.setHeader(&header)
        return records
    }

    private consuming func finishLegacy(lastOffset: Offset) -> ByteBuffer {
        guard settings.compression.codec != .none else { return records }
        var packed = ByteBufferAllocator().buffer(capacity: records.readableBytes / 2 + 128)
        records.withUnsafeReadableBytes { bytes in
            settings.compression.compress(bytes, into: &packed, magic: settings.magic)
        }
        var wrapper = ByteBufferAllocator().buffer(capacity: packed.readableBytes + 64)
        wrapper.writeMessage(
            settings.magic, offset: lastOffset,
            attributes: RecordAttributes(
                codec: settings.compression.codec, timestampType: settings.timestampType),
            timestamp: maxTimestamp, key: nil, value: packed)
        return wrapper
    }

    /// A control batch that ends a transaction (KIP-98).
    package static func endTransaction(
        _ marker: EndTransactionMarker, producerID: ProducerID, producerEpoch: ProducerEpoch, timestamp: Timestamp
    ) -> ByteBuffer {
        var settings = Settings()
        settings.producerID = producerID
        settings.producerEpoch = producerEpoch
        settings.isTransactional = true
        settings.isControl = true
        var builder = RecordBatchBuilder(settings)
        builder.append(timestamp: timestamp, key: marker.key, value: marker.value)
        return builder.finish()
    }

    /// What compaction leaves of a batch of version 2 whose records are all gone: its offsets and its producer.
    package static func emptied(_ header: RecordBatchHeader) -> ByteBuffer {
        var empty = header
        empty.attributes = RecordAttributes(
            timestampType: header.timestampType, isTransactional: header.isTransactional, isControl: header.isControl)
        empty.codec = .none
        empty.sizeInBytes = RecordFormat.V2.headerSize
        empty.baseTimestamp = -1
        empty.recordCount = 0
        var bytes = ByteBuffer(repeating: 0, count: RecordFormat.V2.headerSize)
        bytes.setHeader(&empty)
        return bytes
    }
}

extension RecordBatchHeader {
    /// Of version 2, with everything else still to be set.
    init(attributes: RecordAttributes) {
        baseOffset = 0
        sizeInBytes = RecordFormat.V2.headerSize
        partitionLeaderEpoch = -1
        magic = 2
        crc = 0
        self.attributes = attributes
        codec = attributes.codec ?? .none
        lastOffsetDelta = 0
        baseTimestamp = -1
        maxTimestamp = -1
        producerID = -1
        producerEpoch = -1
        baseSequence = -1
        recordCount = 0
    }

    /// Writes the fields of version 2 into at least 61 bytes; the checksum as it stands.
    func write(to bytes: UnsafeMutableRawBufferPointer) {
        func store<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, _ index: Int) {
            bytes.storeBytes(of: number.bigEndian, toByteOffset: index, as: Number.self)
        }
        precondition(bytes.count >= RecordFormat.V2.headerSize, "a header has its place")
        store(baseOffset, 0)
        store(Int32(truncatingIfNeeded: sizeInBytes - RecordFormat.logOverhead), RecordFormat.sizeOffset)
        store(partitionLeaderEpoch, RecordFormat.V2.leaderEpochOffset)
        store(magic, RecordFormat.magicOffset)
        store(crc, RecordFormat.V2.crcOffset)
        store(attributes.rawValue, RecordFormat.V2.attributesOffset)
        store(lastOffsetDelta, RecordFormat.V2.lastOffsetDeltaOffset)
        store(baseTimestamp, RecordFormat.V2.baseTimestampOffset)
        store(maxTimestamp, RecordFormat.V2.maxTimestampOffset)
        store(producerID, RecordFormat.V2.producerIDOffset)
        store(producerEpoch, RecordFormat.V2.producerEpochOffset)
        store(baseSequence, RecordFormat.V2.baseSequenceOffset)
        store(recordCount, RecordFormat.V2.recordCountOffset)
    }
}

extension ByteBuffer {
    /// Sets the checksum that the batch in the readable bytes has with `header`, and writes the header.
    fileprivate mutating func setHeader(_ header: inout RecordBatchHeader) {
        var complete = header
        withUnsafeMutableReadableBytes { bytes in
            complete.write(to: bytes)
            complete.crc = Checksum.crc32c(
                UnsafeRawBufferPointer(rebasing: bytes[RecordFormat.V2.attributesOffset...]))
            complete.write(to: bytes)
        }
        header = complete
    }
}
