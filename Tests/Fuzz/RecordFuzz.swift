// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaRecords
import NIOCore

/// Damages batches of all formats and codecs, and does with them what a broker does: iterate, validate, convert.
enum RecordFuzz {
    private static let limit = 4 << 20

    static func run(iterations: Int, seed: UInt64) throws -> String {
        var random = SeededRandom(seed: seed)
        let samples = samples()
        var counts: [String: Int] = [:]
        for _ in 0..<iterations {
            let sample = samples[Int.random(in: 0..<samples.count, using: &random)]
            var bytes = ByteBuffer(bytes: random.mutated(sample))
            if Bool.random(using: &random) { bytes = repaired(bytes) }
            for result in exercise(bytes) { counts[result, default: 0] += 1 }
        }
        return counts.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private static func exercise(_ bytes: ByteBuffer) -> [String] {
        let validator = validator()
        return [
            outcome("read") {
                for batch in try RecordBatches(bytes).all() {
                    _ = batch.hasValidChecksum
                    _ = try batch.allRecords(decompressedLimit: limit)
                    _ = try batch.endTransactionMarker()
                }
            },
            outcome("validated") {
                var validated = try validator.validate(bytes, produceVersion: 9, now: 0)
                validated.assign(baseOffset: 1, leaderEpoch: 1, logAppendTime: 7)
                _ = validated.buffer
            },
            outcome("upconverted") { _ = try validator.validate(bytes, produceVersion: 2, now: 0) },
            outcome("downconverted") {
                _ = try DownConversion.convert(bytes, to: 1, from: 0, decompressedLimit: limit)
            },
        ]
    }

    private static func outcome(_ name: String, _ body: () throws -> Void) -> String {
        do {
            try body()
            return name
        } catch let error as RecordError {
            return "not \(name): \(error.errorCode)"
        } catch {
            return "\(error)"
        }
    }

    private static func validator() -> ProduceValidator {
        var settings = ProduceValidator.Settings(partition: TopicPartition("t", 0))
        settings.decompressedLimit = limit
        settings.isCompacted = true
        return ProduceValidator(settings)
    }

    /// With a right checksum, so that what lies behind it is reached.
    private static func repaired(_ bytes: ByteBuffer) -> ByteBuffer {
        var bytes = bytes
        guard bytes.readableBytes > 61, bytes.getInteger(at: 16, as: Int8.self) == 2 else { return bytes }
        bytes.setInteger(Int32(bytes.readableBytes - 12), at: 8)
        if let checked = bytes.getSlice(at: 21, length: bytes.readableBytes - 21) {
            bytes.setInteger(Checksum.crc32c(checked), at: 17)
        }
        return bytes
    }

    private static func samples() -> [[UInt8]] {
        var samples: [[UInt8]] = []
        for magic in [0, 1, 2] as [Int8] {
            for codec in CompressionCodec.allCases where magic == 2 || codec != .zstd {
                var settings = RecordBatchBuilder.Settings()
                settings.magic = magic
                settings.compression = Compression(codec)
                var builder = RecordBatchBuilder(settings)
                for index in 0..<8 {
                    builder.append(
                        timestamp: Int64(index), key: ByteBuffer(string: "key \(index)"),
                        value: ByteBuffer(repeating: UInt8(index), count: index * 20),
                        headers: [RecordHeader(key: "h", value: nil)])
                }
                samples.append(Array(builder.finish().readableBytesView))
            }
        }
        return samples
    }
}
