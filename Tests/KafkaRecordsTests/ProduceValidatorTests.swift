// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore
import Testing

@Suite struct ProduceValidatorTests {
    private let now: Timestamp = 1_700_000_000_000
    private let partition = TopicPartition("ships", 3)

    private func settings(_ change: (inout ProduceValidator.Settings) -> Void = { _ in }) -> ProduceValidator {
        var settings = ProduceValidator.Settings(partition: partition)
        change(&settings)
        return ProduceValidator(settings)
    }

    private func batch(
        keys: [String?] = ["a", "b", "c"], timestamps: [Timestamp]? = nil,
        _ change: (inout RecordBatchBuilder.Settings) -> Void = { _ in }
    ) -> ByteBuffer {
        var settings = RecordBatchBuilder.Settings()
        change(&settings)
        var builder = RecordBatchBuilder(settings)
        for (index, key) in keys.enumerated() {
            builder.append(
                timestamp: timestamps?[index] ?? now + Int64(index), key: key.map { ByteBuffer(string: $0) },
                value: ByteBuffer(string: "value \(index)"))
        }
        return builder.finish()
    }

    private func error(
        _ data: ByteBuffer, version: Int16? = 9, origin: ProduceValidator.Origin = .client,
        _ change: (inout ProduceValidator.Settings) -> Void = { _ in }
    ) -> RecordError? {
        do {
            _ = try settings(change).validate(data, produceVersion: version, origin: origin, now: now)
            return nil
        } catch {
            return error
        }
    }

    /// Breaks a field of a batch and puts its checksum right again.
    private func changed<Number: FixedWidthInteger>(_ batch: ByteBuffer, at index: Int, to number: Number) -> ByteBuffer
    {
        var batch = batch
        batch.setInteger(number, at: index)
        let crc = Checksum.crc32c(batch.getSlice(at: 21, length: batch.readableBytes - 21) ?? ByteBuffer())
        batch.setInteger(crc, at: 17)
        return batch
    }

    @Test(arguments: CompressionCodec.allCases) func anAcceptableBatchKeepsItsBytesButForItsPlace(
        _ codec: CompressionCodec
    ) throws {
        let sent = batch { $0.compression = Compression(codec) }
        var validated = try settings().validate(sent, produceVersion: 9, now: now)
        #expect(validated.offsetCount == 3)
        #expect(validated.maxTimestamp == now + 2)
        validated.assign(baseOffset: 100, leaderEpoch: 7, logAppendTime: nil)
        #expect(validated.offsetOfMaxTimestamp == 102)
        var expected = sent
        expected.setInteger(100 as Int64, at: 0)
        expected.setInteger(7 as Int32, at: 12)
        #expect(validated.buffer == expected)
        let regions = validated.withRegions { header, records in ByteBuffer(bytes: Array(header) + Array(records)) }
        #expect(regions == expected)
        let read = try #require(try RecordBatches(expected).all().first)
        #expect(read.hasValidChecksum)
        #expect(try read.allRecords().map(\.offset) == [100, 101, 102])
    }

    @Test(arguments: CompressionCodec.allCases) func theBrokersTimeReplacesThatOfTheRecords(_ codec: CompressionCodec)
        throws
    {
        let sent = batch { $0.compression = Compression(codec) }
        var validated = try settings { $0.timestampType = .logAppendTime }.validate(sent, produceVersion: 9, now: now)
        validated.assign(baseOffset: 5, leaderEpoch: 1, logAppendTime: now + 50)
        let read = try #require(try RecordBatches(validated.buffer).all().first)
        #expect(read.hasValidChecksum)
        #expect(read.header.timestampType == .logAppendTime)
        #expect(try read.allRecords().map(\.timestamp) == [now + 50, now + 50, now + 50])
        #expect(validated.maxTimestamp == now + 50)
    }

    @Test(arguments: CompressionCodec.allCases, CompressionCodec.allCases)
    func theTopicsCodecReplacesThatOfTheProducer(_ codec: CompressionCodec, _ target: CompressionCodec) throws {
        let sent = batch { $0.compression = Compression(codec) }
        var validated = try settings { $0.compression = Compression(target) }
            .validate(sent, produceVersion: 9, now: now)
        validated.assign(baseOffset: 8, leaderEpoch: 0, logAppendTime: nil)
        let read = try #require(try RecordBatches(validated.buffer).all().first)
        #expect(read.hasValidChecksum)
        #expect(read.header.codec == target)
        #expect(try read.allRecords().map(\.key) == ["a", "b", "c"].map { ByteBuffer(string: $0) })
        #expect(try read.allRecords().map(\.timestamp) == [now, now + 1, now + 2])
    }

    @Test(arguments: [0, 1] as [Int8], [CompressionCodec.none, .gzip, .snappy, .lz4])
    func messagesOfOldFormatsBecomeOneBatch(_ magic: Int8, _ codec: CompressionCodec) throws {
        let sent = batch {
            $0.magic = magic
            $0.compression = Compression(codec)
        }
        var validated = try settings().validate(sent, produceVersion: 2, now: now)
        #expect(validated.convertedRecords == 3)
        validated.assign(baseOffset: 40, leaderEpoch: 2, logAppendTime: nil)
        let read = try #require(try RecordBatches(validated.buffer).all().first)
        #expect(read.hasValidChecksum)
        #expect(read.header.codec == codec)
        #expect(try read.allRecords().map(\.offset) == [40, 41, 42])
        #expect(try read.allRecords().map(\.timestamp) == (magic == 0 ? [-1, -1, -1] : [now, now + 1, now + 2]))
        #expect(try read.allRecords().map(\.key) == ["a", "b", "c"].map { ByteBuffer(string: $0) })
    }

    @Test func newRequestsHaveExactlyOneBatchOfVersion2() throws {
        #expect(error(ByteBuffer())?.errorCode == .invalidRecord)
        #expect(error(batch { $0.magic = 1 })?.errorCode == .invalidRecord)
        var two = batch()
        two.writeImmutableBuffer(batch())
        #expect(error(two)?.errorCode == .invalidRecord)
        #expect(error(two, version: 2)?.errorCode == .invalidRecord)
        #expect(try settings().validate(ByteBuffer(), produceVersion: 2, now: now).isEmpty)
    }

    @Test func zstdNeedsVersion7() {
        let sent = batch { $0.compression = Compression(.zstd) }
        #expect(error(sent, version: 6)?.errorCode == .unsupportedCompressionType)
        #expect(error(sent, version: 7) == nil)
        #expect(error(sent) { $0.allowsZstd = false }?.errorCode == .unsupportedCompressionType)
    }

    @Test func sizeAndChecksumAreChecked() {
        let sent = batch()
        #expect(error(sent) { $0.maxMessageBytes = sent.readableBytes } == nil)
        #expect(
            error(sent) { $0.maxMessageBytes = sent.readableBytes - 1 }
                == .tooLarge(size: sent.readableBytes, limit: sent.readableBytes - 1))
        for index in 21..<sent.readableBytes {
            var flipped = sent
            flipped.setInteger((sent.getInteger(at: index, as: UInt8.self) ?? 0) ^ 4, at: index)
            #expect(error(flipped)?.errorCode == .corruptMessage)
        }
    }

    @Test func headersMustBeConsistent() {
        let sent = batch()
        #expect(error(changed(sent, at: 0, to: 1 as Int64))?.errorCode == .invalidRecord)
        #expect(error(changed(sent, at: 23, to: -1 as Int32))?.errorCode == .invalidRecord)
        #expect(error(changed(sent, at: 23, to: 5 as Int32))?.errorCode == .invalidRecord)
        #expect(error(changed(sent, at: 57, to: 0 as Int32))?.errorCode == .invalidRecord)
        #expect(error(changed(sent, at: 57, to: Int32.max))?.errorCode == .invalidRecord)
        let fewer = changed(changed(sent, at: 57, to: 2 as Int32), at: 23, to: 1 as Int32)
        #expect(error(fewer)?.errorCode == .invalidRecord)
        let more = changed(changed(sent, at: 57, to: 4 as Int32), at: 23, to: 3 as Int32)
        #expect(error(more)?.errorCode == .invalidRecord)
        #expect(error(batch { $0.producerID = 5 })?.errorCode == .invalidRecord)
        let identified = batch {
            $0.producerID = 5
            $0.baseSequence = 0
        }
        #expect(error(identified) == nil)
    }

    @Test func onlyCoordinatorsWriteMarkers() throws {
        let marker = EndTransactionMarker(isCommit: true, coordinatorEpoch: 9)
        let sent = RecordBatchBuilder.endTransaction(marker, producerID: 4, producerEpoch: 1, timestamp: now)
        #expect(error(sent)?.errorCode == .invalidRecord)
        let validated = try settings { $0.compression = Compression(.zstd) }
            .validate(sent, produceVersion: nil, origin: .coordinator, now: now)
        #expect(validated.marker == marker)
        #expect(validated.header?.codec == CompressionCodec.none)
    }

    @Test(arguments: CompressionCodec.allCases) func compactedTopicsNeedKeys(_ codec: CompressionCodec) {
        let sent = batch(keys: ["a", nil, "c", nil]) { $0.compression = Compression(codec) }
        #expect(error(sent) == nil)
        guard case .rejected(.invalidRecord, let records) = error(sent, { $0.isCompacted = true }) else {
            Issue.record("the records were not refused one by one")
            return
        }
        #expect(records.map(\.index) == [1, 3])
        #expect(
            records.first?.message
                == "Compacted topic cannot accept message without key in topic partition ships-3.")
    }

    @Test func timestampsHaveLimits() {
        let sent = batch(timestamps: [now, now - 1001, now + 2001])
        let refused = error(sent) {
            $0.timestampBeforeMax = 1000
            $0.timestampAfterMax = 2000
        }
        #expect(refused?.errorCode == .invalidTimestamp)
        #expect(refused?.rejectedRecords.map(\.index) == [1, 2])
        #expect(
            error(sent) {
                $0.timestampBeforeMax = 1001
                $0.timestampAfterMax = 2001
            } == nil)
        // Without a timestamp there is nothing to check.
        #expect(error(batch(keys: ["a"], timestamps: [-1])) { $0.timestampBeforeMax = 1 } == nil)
    }

    @Test func producersDoNotStampForTheBroker() {
        let sent = batch {
            $0.timestampType = .logAppendTime
            $0.logAppendTime = now
        }
        #expect(error(sent) { $0.timestampType = .logAppendTime }?.errorCode == .invalidTimestamp)
        #expect(error(sent) == nil)
    }

    @Test(arguments: CompressionCodec.allCases) func offsetsWithGapsAreCountedAnew(_ codec: CompressionCodec) throws {
        var building = RecordBatchBuilder.Settings()
        building.compression = Compression(codec)
        var builder = RecordBatchBuilder(building)
        builder.append(Record(offset: 0, timestamp: now, key: ByteBuffer(string: "a"), value: nil))
        builder.append(Record(offset: 7, timestamp: now + 1, key: nil, value: ByteBuffer(string: "b")))
        let sent = changed(builder.finish(), at: 23, to: 1 as Int32)
        var validated = try settings().validate(sent, produceVersion: 9, now: now)
        validated.assign(baseOffset: 10, leaderEpoch: 0, logAppendTime: nil)
        let read = try #require(try RecordBatches(validated.buffer).all().first)
        #expect(read.hasValidChecksum)
        #expect(try read.allRecords().map(\.offset) == [10, 11])
        #expect(try read.allRecords().map(\.timestamp) == [now, now + 1])
    }

    @Test(arguments: [CompressionCodec.gzip, .lz4, .zstd, .snappy]) func aBombIsRefused(_ codec: CompressionCodec) {
        var building = RecordBatchBuilder.Settings()
        building.compression = Compression(codec)
        var builder = RecordBatchBuilder(building)
        builder.append(timestamp: now, key: nil, value: ByteBuffer(repeating: 0, count: 4 << 20))
        let sent = builder.finish()
        #expect(error(sent) == nil)
        #expect(error(sent) { $0.decompressedLimit = 1 << 20 } == .decompressedTooLarge(limit: 1 << 20))
        #expect(
            error(sent) {
                $0.decompressedLimit = 1 << 20
                $0.compression = Compression.none
            } == .decompressedTooLarge(limit: 1 << 20))
    }
}
