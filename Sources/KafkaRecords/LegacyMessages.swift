// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Messages of the formats 0 and 1: reading them, with what is inside of wrappers.
enum LegacyMessages {
    /// The records of an entry: one, or those of a compressed wrapper with their absolute offsets.
    static func records(of entry: RecordBatch, limit: Int) throws(RecordError) -> [Record] {
        let outer = try Message(entry)
        guard entry.header.isCompressed else { return [outer.record(wrapper: nil)] }
        return try inner(of: entry, outer, limit: limit, checked: false)
    }

    /// As `records`, for an entry that a producer sent: the messages inside must have right checksums.
    static func validatedRecords(of entry: RecordBatch, limit: Int) throws(RecordError) -> [Record] {
        let outer = try Message(entry)
        guard entry.header.isCompressed else { return [outer.record(wrapper: nil)] }
        return try inner(of: entry, outer, limit: limit, checked: true)
    }

    private static func inner(of entry: RecordBatch, _ outer: Message, limit: Int, checked: Bool)
        throws(RecordError) -> [Record]
    {
        let magic = entry.header.magic
        guard let payload = outer.value else {
            throw .invalid("Found invalid compressed record set with null value (magic = \(magic))")
        }
        var batches = RecordBatches(try entry.header.codec.decompress(payload, magic: magic, limit: limit))
        var records: [Record] = []
        while let batch = try batches.next() {
            guard batch.header.magic == magic else {
                throw .invalid("Compressed message magic \(batch.header.magic) does not match wrapper magic \(magic)")
            }
            guard !batch.header.isCompressed else { throw .invalid("Inner messages must not be compressed") }
            if checked { try batch.validateChecksum() }
            records.append(try Message(batch).record(wrapper: entry.header))
        }
        guard let last = records.last else {
            throw .invalid("Found invalid compressed record set with no inner records")
        }
        // In format 1 the wrapper has the offset of the last record, those inside are relative (KIP-31). An offset of 0
        // comes from old librdkafka producers.
        guard magic == 1, entry.header.baseOffset != 0 else { return records }
        guard entry.header.baseOffset >= last.offset else {
            throw .invalid(
                "Found invalid wrapper offset in compressed v1 message set, wrapper offset "
                    + "'\(entry.header.baseOffset)' is less than the last inner message offset '\(last.offset)' and it "
                    + "is not zero.")
        }
        let base = entry.header.baseOffset &- last.offset
        for index in records.indices { records[index].offset &+= base }
        return records
    }

    /// The fields of one message.
    private struct Message {
        let header: RecordBatchHeader
        let key: ByteBuffer?
        let value: ByteBuffer?

        init(_ entry: RecordBatch) throws(RecordError) {
            header = entry.header
            var rest = entry.bytes
            rest.moveReaderIndex(
                forwardBy: header.magic == 0 ? RecordFormat.Legacy.keyOffsetV0 : RecordFormat.Legacy.keyOffsetV1)
            key = try Self.field(&rest)
            value = try Self.field(&rest)
        }

        /// A nullable field with its length. More bytes after the last one are no fault, as in Kafka.
        private static func field(_ rest: inout ByteBuffer) throws(RecordError) -> ByteBuffer? {
            guard let size = rest.readInteger(as: Int32.self) else {
                throw .corrupt("A message ends inside of its fields")
            }
            if size < 0 { return nil }
            guard let field = rest.readSlice(length: Int(size)) else {
                throw .corrupt("A message ends inside of its fields")
            }
            return field
        }

        func record(wrapper: RecordBatchHeader?) -> Record {
            let timestamp =
                if let wrapper, wrapper.timestampType == .logAppendTime { wrapper.maxTimestamp } else {
                    header.maxTimestamp
                }
            return Record(offset: header.baseOffset, timestamp: timestamp, key: key, value: value)
        }
    }
}
