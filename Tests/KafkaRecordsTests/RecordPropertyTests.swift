// SPDX-License-Identifier: Apache-2.0

import GoldenFixtures
import KafkaModel
import KafkaRecords
import NIOCore
import Testing

/// What must hold for any records, drawn from seeds.
@Suite struct RecordPropertyTests {
    static func field(_ random: inout SeededRandom) -> ByteBuffer? {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: nil
        case 1: ByteBuffer()
        case 2: ByteBuffer(repeating: 7, count: Int.random(in: 0..<200_000, using: &random))
        default:
            ByteBuffer(
                bytes: (0..<Int.random(in: 1..<300, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                })
        }
    }

    static func records(_ random: inout SeededRandom, base: Offset) -> [Record] {
        var offset = base
        return (0..<Int.random(in: 1..<20, using: &random)).map { _ in
            defer { offset += Int64.random(in: 1...100, using: &random) }
            return Record(
                offset: offset, timestamp: Int64.random(in: -1...Int64.max / 2, using: &random), key: field(&random),
                value: field(&random),
                headers: (0..<max(0, Int.random(in: -3..<4, using: &random))).map {
                    RecordHeader(key: "header \($0)", value: field(&random))
                })
        }
    }

    static func settings(_ random: inout SeededRandom, magic: Int8) -> RecordBatchBuilder.Settings {
        var settings = RecordBatchBuilder.Settings()
        settings.magic = magic
        settings.baseOffset = Int64.random(in: 0...Int64.max / 2, using: &random)
        let codecs: [CompressionCodec] = magic < 2 ? [.none, .gzip, .snappy, .lz4] : CompressionCodec.allCases
        settings.compression = Compression(codecs.randomElement(using: &random) ?? .none)
        guard magic == 2 else { return settings }
        settings.leaderEpoch = Int32.random(in: -1...Int32.max, using: &random)
        settings.producerID = Int64.random(in: -1...Int64.max, using: &random)
        settings.producerEpoch = Int16.random(in: -1...Int16.max, using: &random)
        settings.baseSequence = Int32.random(in: 0...Int32.max, using: &random)
        settings.isTransactional = Bool.random(using: &random)
        settings.deleteHorizon = Bool.random(using: &random) ? 1234 : nil
        return settings
    }

    @Test(arguments: 0..<60) func whatIsBuiltIsReadBack(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let settings = Self.settings(&random, magic: Int8(seed % 3))
        let records = Self.records(&random, base: settings.baseOffset)
        var builder = RecordBatchBuilder(settings)
        for record in records { builder.append(record) }
        let batches = try RecordBatches(builder.finish()).all()
        for batch in batches { #expect(batch.hasValidChecksum) }
        var read = try batches.flatMap { try $0.allRecords() }
        if settings.magic == 2 {
            #expect(batches.count == 1)
            #expect(batches.first.map { RecordBatchBuilder.Settings($0.header) } == settings)
            #expect(
                read.map(\.sequence)
                    == records.map {
                        RecordBatchHeader.sequence(
                            settings.baseSequence, advancedBy: Int32($0.offset - settings.baseOffset))
                    })
        }
        for index in read.indices { read[index].sequence = -1 }
        var expected = records
        for index in expected.indices where settings.magic < 2 {
            expected[index].headers = []
            if settings.magic == 0 { expected[index].timestamp = -1 }
        }
        #expect(read == expected)
    }

    @Test(arguments: 0..<60) func noByteCanBeChangedUnnoticed(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let settings = Self.settings(&random, magic: 2)
        var builder = RecordBatchBuilder(settings)
        for record in Self.records(&random, base: settings.baseOffset) { builder.append(record) }
        var bytes = builder.finish()
        // Offset and leader epoch are not under the checksum; size and magic are seen to otherwise.
        let index = Int.random(in: 17..<bytes.readableBytes, using: &random)
        let byte = bytes.getInteger(at: index, as: UInt8.self) ?? 0
        bytes.setInteger(byte ^ 1 << UInt8.random(in: 0..<8, using: &random), at: index)
        let batch = try? RecordBatches(bytes).all().first
        #expect(batch?.hasValidChecksum != true)
    }

    @Test(arguments: 0..<400) func brokenBatchesAreErrorsAndNothingWorse(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let settings = Self.settings(&random, magic: Int8(seed % 3))
        var builder = RecordBatchBuilder(settings)
        for record in Self.records(&random, base: settings.baseOffset) { builder.append(record) }
        var bytes = builder.finish()
        for _ in 0..<Int.random(in: 1..<6, using: &random) {
            let index = Int.random(in: 0..<bytes.readableBytes, using: &random)
            bytes.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
        }
        if Bool.random(using: &random) {
            bytes = bytes.getSlice(at: 0, length: Int.random(in: 0...bytes.readableBytes, using: &random)) ?? bytes
        }
        RecordExercise.run(bytes)
    }

    @Test(arguments: CompressionCodec.allCases) func compressedGarbageIsAnError(_ codec: CompressionCodec) {
        var random = SeededRandom(seed: 5)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0..<300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = try? codec.decompress(ByteBuffer(bytes: bytes), limit: 1 << 20)
        }
    }

    @Test func aFalseLengthInSnappyAllocatesNothing() {
        // A block that claims to unpack to 2 GiB.
        let bytes = ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00, 0x61])
        #expect(throws: RecordError.self) { try CompressionCodec.snappy.decompress(bytes) }
    }
}

/// Everything that a broker does with record data that it has not made itself.
enum RecordExercise {
    static func run(_ bytes: ByteBuffer) {
        if let batches = try? RecordBatches(bytes).all() {
            for batch in batches {
                _ = batch.hasValidChecksum
                _ = try? batch.allRecords(decompressedLimit: 4 << 20)
                _ = try? batch.endTransactionMarker()
            }
        }
        var settings = ProduceValidator.Settings(partition: TopicPartition("t", 0))
        settings.decompressedLimit = 4 << 20
        let validator = ProduceValidator(settings)
        for version in [2, 9] as [Int16] {
            var repaired = bytes
            // With the right checksum the bytes reach what lies behind it.
            if repaired.readableBytes > 61, repaired.getInteger(at: 16, as: Int8.self) == 2,
                let checked = repaired.getSlice(at: 21, length: repaired.readableBytes - 21)
            {
                repaired.setInteger(Checksum.crc32c(checked), at: 17)
            }
            var validated = try? validator.validate(repaired, produceVersion: version, now: 0)
            validated?.assign(baseOffset: 5, leaderEpoch: 1, logAppendTime: nil)
            _ = validated?.buffer
        }
        for magic in [0, 1] as [Int8] {
            _ = try? DownConversion.convert(bytes, to: magic, from: 0, decompressedLimit: 4 << 20)
        }
    }
}
