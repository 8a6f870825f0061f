// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
internal import NIOCore

extension RecordBatch {
    /// The records, of any format. Compressed ones are unpacked first; beyond `decompressedLimit` bytes that throws.
    package func records(decompressedLimit: Int = CompressionCodec.defaultDecompressedLimit) throws(RecordError)
        -> RecordIterator
    {
        if header.magic == 2 {
            guard header.recordCount >= 0 else {
                throw .invalid("Found invalid record count \(header.recordCount) in magic v2 batch")
            }
            var payload = bytes
            payload.moveReaderIndex(forwardBy: RecordFormat.V2.headerSize)
            if header.isCompressed {
                payload = try header.codec.decompress(payload, limit: decompressedLimit)
            }
            return RecordIterator(header, payload)
        }
        return RecordIterator(try LegacyMessages.records(of: self, limit: decompressedLimit))
    }

    /// All records at once.
    package func allRecords(decompressedLimit: Int = CompressionCodec.defaultDecompressedLimit) throws(RecordError)
        -> [Record]
    {
        var iterator = try records(decompressedLimit: decompressedLimit)
        var records: [Record] = []
        while let record = try iterator.next() { records.append(record) }
        return records
    }

    /// The offset of the first record. That of a wrapper of format 0 or 1 is only known inside.
    package func firstOffset(decompressedLimit: Int = CompressionCodec.defaultDecompressedLimit) throws(RecordError)
        -> Offset
    {
        if header.magic == 2 || !header.isCompressed { return header.baseOffset }
        var iterator = try records(decompressedLimit: decompressedLimit)
        return try iterator.next()?.offset ?? header.baseOffset
    }

    /// What a control batch says about a transaction; nil for other batches.
    package func endTransactionMarker() throws(RecordError) -> EndTransactionMarker? {
        guard header.isControl else { return nil }
        // Compaction may have emptied the batch.
        var iterator = try records()
        guard let record = try iterator.next() else { return nil }
        return try EndTransactionMarker(record)
    }
}

/// The records of one batch, one after the other.
package struct RecordIterator: Sendable {
    /// Nil before version 2, whose records were read at once.
    private let header: RecordBatchHeader?
    /// The records of version 2 that are left, from the reader index on.
    private var payload: ByteBuffer
    private var left: Int
    private let messages: [Record]

    fileprivate init(_ header: RecordBatchHeader, _ payload: ByteBuffer) {
        self.header = header
        self.payload = payload
        left = Int(header.recordCount)
        messages = []
    }

    fileprivate init(_ messages: [Record]) {
        header = nil
        payload = ByteBuffer()
        left = messages.count
        self.messages = messages
    }

    /// Nil after the last. Throws `.invalid` at bytes that are no record, and if there are more or fewer bytes than
    /// the batch's count of records takes; then the iteration must end.
    package mutating func next() throws(RecordError) -> Record? {
        guard left > 0 else {
            guard payload.readableBytes == 0 else {
                throw .invalid("Incorrect declared batch size, records still remaining in file")
            }
            return nil
        }
        defer { left -= 1 }
        guard let header else { return messages[messages.count - left] }
        let (record, size) = try Self.record(header, payload)
        payload.moveReaderIndex(forwardBy: size)
        return record
    }

    private static func record(_ header: RecordBatchHeader, _ payload: ByteBuffer) throws(RecordError)
        -> (Record, size: Int)
    {
        try payload.withUnsafeReadableBytes { bytes throws(RecordError) -> (Record, size: Int) in
            var source = MemorySource(bytes)
            let places = try source.record()
            let start = payload.readerIndex
            var headers: [RecordHeader] = []
            if places.headerCount > 0 {
                headers.reserveCapacity(places.headerCount)
                var fields = MemorySource(bytes, from: places.headers)
                for _ in 0..<places.headerCount {
                    let keySize = Int(try fields.varint())
                    let key = payload.slice(start + fields.position, keySize) ?? ByteBuffer()
                    try fields.skip(keySize)
                    let valueSize = Int(try fields.varint())
                    let value = payload.slice(start + fields.position, valueSize)
                    if valueSize > 0 { try fields.skip(valueSize) }
                    headers.append(RecordHeader(keyBytes: key, value: value))
                }
            }
            let record = Record(
                offset: header.baseOffset &+ Int64(places.offsetDelta),
                timestamp: header.timestampType == .logAppendTime
                    ? header.maxTimestamp : header.baseTimestamp &+ places.timestampDelta,
                key: payload.slice(start + places.key, places.keySize),
                value: payload.slice(start + places.value, places.valueSize),
                headers: headers,
                sequence: header.baseSequence < 0
                    ? -1 : RecordBatchHeader.sequence(header.baseSequence, advancedBy: places.offsetDelta))
            return (record, source.position)
        }
    }
}

extension ByteBuffer {
    /// Nil for a negative size, which stands for null.
    fileprivate func slice(_ index: Int, _ size: Int) -> ByteBuffer? {
        size < 0 ? nil : getSlice(at: index, length: size)
    }
}
