// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
package import NIOCore

/// Decides whether a leader takes records, and brings them into the form in which the log keeps them.
///
/// The rules, their order and their answers are those of Kafka 3.9. A batch of version 2 that needs no change costs one
/// pass for the checksum and one over the fields of its records, without allocation; compressed records are unpacked
/// through a window for that, keys and values skipped. Batches that must change (another codec, an older format) are
/// rebuilt in memory, at most `decompressedLimit` bytes.
package struct ProduceValidator: Sendable {
    /// Who appends.
    package enum Origin: Hashable, Sendable {
        case client
        /// A coordinator of this broker, which may write control batches.
        case coordinator
    }

    /// The partition's settings that matter for records.
    package struct Settings: Hashable, Sendable {
        /// For messages.
        package var partition: TopicPartition
        /// Whether `cleanup.policy` has `compact`: each record needs a key.
        package var isCompacted = false
        /// `message.timestamp.type`.
        package var timestampType = TimestampType.createTime
        /// `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms`: how far a producer's timestamp may
        /// lie before and after now, in milliseconds.
        package var timestampBeforeMax = Int64.max
        package var timestampAfterMax = Int64.max
        /// `compression.type` and its level; nil for `producer`.
        package var compression: Compression?
        /// `max.message.bytes`.
        package var maxMessageBytes = 1_048_588
        /// Whether batches may be kept in zstd: with inter.broker.protocol.version 2.1 and later (KIP-110).
        package var allowsZstd = true
        /// As much may the records of a batch unpack to.
        package var decompressedLimit = CompressionCodec.defaultDecompressedLimit

        package init(partition: TopicPartition) {
            self.partition = partition
        }
    }

    /// More refused records than this are not listed.
    private static let mostRejectedRecords = 10_000
    /// Through which compressed records are walked over.
    private static let windowSize = 64 << 10

    package let settings: Settings

    package init(_ settings: Settings) {
        self.settings = settings
    }

    /// Checks the record data of one partition. `produceVersion` is the version of the Produce request; nil for
    /// records that did not come with one. `now` is what timestamps are compared with.
    package func validate(
        _ data: ByteBuffer, produceVersion: Int16?, origin: Origin = .client, now: Timestamp
    ) throws(RecordError) -> ValidatedBatches {
        var batches = RecordBatches(data)
        let first = try batches.next()
        if let produceVersion, produceVersion >= 3 {
            try Self.check(first, version: produceVersion, &batches)
        }
        guard let first else { return ValidatedBatches(emptyWithTimestampType: settings.timestampType) }
        var all = RecordBatches(data)
        var source = CompressionCodec.none
        var count = 0
        while let batch = try all.next() {
            try checkWhole(batch, origin)
            if batch.header.isCompressed { source = batch.header.codec }
            count += 1
        }
        guard count == 1 || first.header.magic < 2 && source == .none else {
            throw .invalid("Compressed outer record has more than one batch")
        }
        let target = settings.compression ?? Compression(source)
        guard settings.allowsZstd || target.codec != .zstd else {
            throw .unsupportedCompression(
                "Produce requests to inter.broker.protocol.version < 2.1 broker are not allowed to use ZStandard "
                    + "compression")
        }
        if first.header.magic < 2 {
            return try converted(data, first, to: target, origin, now)
        }
        try check(first.header, first: first.header, origin)
        let marker = origin == .client ? nil : try first.endTransactionMarker()
        // Markers are not compressed.
        if first.header.codec == target.codec || first.header.isControl && !first.header.isCompressed {
            let walk = try walk(first, now)
            if walk.isDense {
                return ValidatedBatches(
                    first, codec: first.header.codec,
                    maxTimestamp: settings.timestampType == .logAppendTime ? now : walk.maxTimestamp,
                    timestampType: settings.timestampType, marker: marker)
            }
        }
        return try rewritten(first, to: target, marker, now)
    }

    // MARK: Rules for whole batches

    /// What newer versions of the request demand (KIP-98, KIP-110).
    private static func check(_ first: RecordBatch?, version: Int16, _ rest: inout RecordBatches) throws(RecordError) {
        let versioned = "Produce requests with version \(version)"
        guard let first else {
            throw .invalid("\(versioned) must have at least one record batch per partition")
        }
        guard first.header.magic == 2 else {
            throw .invalid("\(versioned) are only allowed to contain record batches with magic version 2")
        }
        guard version >= 7 || first.header.codec != .zstd else {
            throw .unsupportedCompression("\(versioned) are not allowed to use ZStandard compression")
        }
        guard try rest.next() == nil else {
            throw .invalid("\(versioned) are only allowed to contain exactly one record batch per partition")
        }
    }

    private func checkWhole(_ batch: RecordBatch, _ origin: Origin) throws(RecordError) {
        let header = batch.header
        // Older formats are spared: their clients put anything there.
        if header.magic == 2, origin == .client, header.baseOffset != 0 {
            throw .invalid(
                "The baseOffset of the record batch in the append to \(settings.partition) should be 0, but it is "
                    + "\(header.baseOffset)")
        }
        guard header.sizeInBytes <= settings.maxMessageBytes else {
            throw .tooLarge(size: header.sizeInBytes, limit: settings.maxMessageBytes)
        }
        guard batch.hasValidChecksum else {
            throw .corrupt(
                "Record is corrupt (stored crc = \(header.crc)) in topic partition \(settings.partition).")
        }
    }

    private func check(_ header: RecordBatchHeader, first: RecordBatchHeader, _ origin: Origin) throws(RecordError) {
        guard header.magic == first.magic else {
            throw .invalid(
                "Batch magic \(header.magic) is not the same as the first batch's magic byte \(first.magic) in topic "
                    + "partition \(settings.partition).")
        }
        guard origin == .client, header.magic == 2 else { return }
        guard header.lastOffsetDelta >= 0 else {
            throw .invalid(
                "Batch has an invalid offset range: [\(header.baseOffset), \(header.lastOffset)] in topic partition "
                    + "\(settings.partition).")
        }
        guard header.recordCount > 0 else {
            throw .invalid(
                "Invalid reported count for record batch: \(header.recordCount) in topic partition "
                    + "\(settings.partition).")
        }
        guard Int64(header.lastOffsetDelta) + 1 == Int64(header.recordCount) else {
            throw .invalid(
                "Inconsistent batch offset range [\(header.baseOffset), \(header.lastOffset)] and count of records "
                    + "\(header.recordCount) in topic partition \(settings.partition).")
        }
        guard !header.isControl else {
            throw .invalid(
                "Clients are not allowed to write control records in topic partition \(settings.partition).")
        }
        guard !header.hasProducerID || header.baseSequence >= 0 else {
            throw .invalid(
                "Invalid sequence number \(header.baseSequence) in record batch with producerId \(header.producerID) "
                    + "in topic partition \(settings.partition).")
        }
    }

    // MARK: Rules for records

    /// What was found in passing over the records of a batch.
    private struct Walk {
        var maxTimestamp: Timestamp = -1
        /// Whether the offsets count from 0 without gaps. If not, the batch is written anew (as Kafka does it for
        /// compressed ones: some old clients do not count).
        var isDense = true
    }

    private func walk(_ batch: RecordBatch, _ now: Timestamp) throws(RecordError) -> Walk {
        var payload = batch.bytes
        payload.moveReaderIndex(forwardBy: RecordFormat.V2.headerSize)
        guard batch.header.isCompressed else { return try walk(payload, batch.header, now) }
        return try payload.withUnsafeReadableBytes { packed throws(RecordError) -> Walk in
            let window = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.windowSize, alignment: 16)
            defer { window.deallocate() }
            var source = StreamSource(
                try DecompressionStream(
                    batch.header.codec, input: packed, magic: 2, limit: settings.decompressedLimit), window: window)
            return try walk(&source, batch.header, now)
        }
    }

    private func walk(_ records: ByteBuffer, _ header: RecordBatchHeader, _ now: Timestamp) throws(RecordError) -> Walk
    {
        try records.withUnsafeReadableBytes { bytes throws(RecordError) -> Walk in
            var source = MemorySource(bytes)
            return try walk(&source, header, now)
        }
    }

    private func walk<Source: RecordSource & ~Copyable>(
        _ source: inout Source, _ header: RecordBatchHeader, _ now: Timestamp
    ) throws(RecordError) -> Walk {
        var walk = Walk()
        var rejected = RejectedRecords()
        let stamped: Timestamp? = header.timestampType == .logAppendTime ? header.maxTimestamp : nil
        // Most partitions ask nothing of a single record.
        let checksRecords =
            settings.isCompacted || settings.timestampType == .logAppendTime
            || settings.timestampBeforeMax < .max || settings.timestampAfterMax < .max
        var index: Int32 = 0
        while index < header.recordCount {
            let places = try source.record()
            if places.offsetDelta != index { walk.isDense = false }
            let timestamp = stamped ?? header.baseTimestamp &+ places.timestampDelta
            if timestamp > walk.maxTimestamp { walk.maxTimestamp = timestamp }
            if checksRecords {
                check(
                    index, hasKey: places.keySize >= 0, timestamp, header.baseOffset &+ Int64(places.offsetDelta),
                    header.timestampType, now, &rejected)
            }
            index &+= 1
        }
        guard try source.isAtEnd() else {
            throw .invalid("Incorrect declared batch size, records still remaining in file")
        }
        try rejected.throwIfAny()
        return walk
    }

    private func check(
        _ index: Int32, hasKey: Bool, _ timestamp: Timestamp, _ offset: Offset, _ batchType: TimestampType,
        _ now: Timestamp, _ rejected: inout RejectedRecords
    ) {
        if settings.isCompacted, !hasKey {
            rejected.add(
                index, .invalidRecord,
                "Compacted topic cannot accept message without key in topic partition \(settings.partition).")
        } else if settings.timestampType == .createTime, timestamp != -1 {
            let age = now &- timestamp
            if age > settings.timestampBeforeMax || 0 &- age > settings.timestampAfterMax {
                rejected.add(
                    index, .invalidTimestamp,
                    "Timestamp \(timestamp) of message with offset \(offset) is out of range. The timestamp should be "
                        + "within [\(now &- settings.timestampBeforeMax), \(now &+ settings.timestampAfterMax)]")
            }
        } else if batchType == .logAppendTime {
            rejected.add(
                index, .invalidTimestamp,
                "Invalid timestamp type in message with offset \(offset). Producer should not set timestamp type to "
                    + "LogAppendTime.")
        }
    }

    /// The records of a batch that break rules of their own (KIP-467).
    private struct RejectedRecords {
        private var records: [RecordError.RejectedRecord] = []
        private var code = ErrorCode.invalidRecord

        mutating func add(_ index: Int32, _ code: ErrorCode, _ message: @autoclosure () -> String) {
            // One record with a bad timestamp makes that the answer for the partition.
            if code == .invalidTimestamp { self.code = code }
            if records.count < ProduceValidator.mostRejectedRecords {
                records.append(RecordError.RejectedRecord(index: index, message: message()))
            }
        }

        func throwIfAny() throws(RecordError) {
            if !records.isEmpty { throw .rejected(code: code, records: records) }
        }
    }

    // MARK: Batches that must change

    /// A batch of version 2 with another codec, or with its offsets counted anew.
    private func rewritten(
        _ batch: RecordBatch, to target: Compression, _ marker: EndTransactionMarker?, _ now: Timestamp
    ) throws(RecordError) -> ValidatedBatches {
        var records = batch.bytes
        records.moveReaderIndex(forwardBy: RecordFormat.V2.headerSize)
        records = try batch.header.codec.decompress(records, limit: settings.decompressedLimit)
        let walk = try walk(records, batch.header, now)
        if !walk.isDense {
            records = try Self.renumbered(batch, limit: settings.decompressedLimit)
        }
        let body: ByteBuffer
        if target.codec == .none {
            body = records
        } else {
            var packed = ByteBufferAllocator().buffer(capacity: records.readableBytes / 2 + 128)
            records.withUnsafeReadableBytes { target.compress($0, into: &packed) }
            body = packed
        }
        return try sized(
            ValidatedBatches(
                batch, rewritten: body, codec: target.codec,
                maxTimestamp: settings.timestampType == .logAppendTime ? now : walk.maxTimestamp,
                timestampType: settings.timestampType, marker: marker))
    }

    /// The records with offsets that count from 0, not compressed.
    private static func renumbered(_ batch: RecordBatch, limit: Int) throws(RecordError) -> ByteBuffer {
        var records = ByteBuffer()
        var iterator = try batch.records(decompressedLimit: limit)
        var offset: Int32 = 0
        while let record = try iterator.next() {
            // A batch with the broker's timestamps has only one.
            let delta =
                batch.header.timestampType == .logAppendTime ? 0 : record.timestamp &- batch.header.baseTimestamp
            records.writeRecord(record, offsetDelta: offset, timestampDelta: delta)
            offset &+= 1
        }
        return records
    }

    /// Messages of format 0 or 1 as one batch of version 2.
    private func converted(
        _ data: ByteBuffer, _ first: RecordBatch, to target: Compression, _ origin: Origin, _ now: Timestamp
    ) throws(RecordError) -> ValidatedBatches {
        var building = RecordBatchBuilder.Settings()
        building.compression = target
        building.timestampType = settings.timestampType
        building.logAppendTime = settings.timestampType == .logAppendTime ? now : -1
        var builder = RecordBatchBuilder(building, capacity: data.readableBytes + 64)
        var batches = RecordBatches(data)
        var maxTimestamp: Timestamp = -1
        while let entry = try batches.next() {
            try check(entry.header, first: first.header, origin)
            var rejected = RejectedRecords()
            var index: Int32 = 0
            for var record in try LegacyMessages.validatedRecords(of: entry, limit: settings.decompressedLimit) {
                check(
                    index, hasKey: record.key != nil, record.timestamp, record.offset, entry.header.timestampType, now,
                    &rejected)
                index &+= 1
                maxTimestamp = max(maxTimestamp, record.timestamp)
                record.offset = builder.nextOffset
                record.headers = []
                builder.append(record)
            }
            try rejected.throwIfAny()
        }
        let count = Int(builder.recordCount)
        guard let batch = try RecordBatches(builder.finish()).all().first else {
            return ValidatedBatches(emptyWithTimestampType: settings.timestampType)
        }
        return try sized(
            ValidatedBatches(
                batch, codec: batch.header.codec,
                maxTimestamp: settings.timestampType == .logAppendTime ? now : maxTimestamp,
                timestampType: settings.timestampType, marker: nil, convertedRecords: count))
    }

    /// What was rebuilt may have grown.
    private func sized(_ batches: ValidatedBatches) throws(RecordError) -> ValidatedBatches {
        guard batches.sizeInBytes <= settings.maxMessageBytes else {
            throw .tooLarge(size: batches.sizeInBytes, limit: settings.maxMessageBytes)
        }
        return batches
    }
}
