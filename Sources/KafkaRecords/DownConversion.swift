// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
package import NIOCore

/// Records in an older format, for clients that fetch with an old version of the request (KIP-31, KIP-98).
package enum DownConversion {
    /// The format that a version of Fetch can carry: 0 for versions 0 and 1, 1 for 2 and 3, else 2.
    package static func magic(fetchVersion: Int16) -> Int8 {
        switch fetchVersion {
        case ..<2: 0
        case 2...3: 1
        default: 2
        }
    }

    /// The whole batches of `data` in format `magic` (0 or 1) or older.
    ///
    /// Headers, producers and control batches are dropped; each batch keeps its codec. Records of uncompressed batches
    /// below `firstOffset` are left out, as are batches that have no records. What has the format already, or an older
    /// one, stays as it is. Ends before the first batch that makes the result larger than `limit` bytes, but not
    /// before the first. Throws `.unsupportedCompression` for zstd, which older formats do not have (KIP-110).
    package static func convert(
        _ data: ByteBuffer, to magic: Int8, from firstOffset: Offset, limit: Int = .max,
        decompressedLimit: Int = CompressionCodec.defaultDecompressedLimit
    ) throws(RecordError) -> ByteBuffer {
        var output = ByteBufferAllocator().buffer(capacity: min(data.readableBytes, limit) + 512)
        var batches = RecordBatches(data)
        while let batch = try batches.next() {
            let converted: ByteBuffer
            if batch.header.isControl { continue }
            guard batch.header.codec != .zstd else {
                throw .unsupportedCompression("Down-conversion of zstandard-compressed batches is not supported")
            }
            if batch.header.magic <= magic {
                converted = batch.bytes
            } else {
                converted = try convert(batch, to: magic, from: firstOffset, decompressedLimit)
            }
            if output.readableBytes > 0, output.readableBytes + converted.readableBytes > limit { break }
            output.writeImmutableBuffer(converted)
        }
        return output
    }

    private static func convert(
        _ batch: RecordBatch, to magic: Int8, from firstOffset: Offset, _ decompressedLimit: Int
    ) throws(RecordError) -> ByteBuffer {
        var settings = RecordBatchBuilder.Settings()
        settings.magic = magic
        settings.compression = Compression(batch.header.codec)
        if batch.header.timestampType == .logAppendTime {
            settings.timestampType = .logAppendTime
            settings.logAppendTime = batch.header.maxTimestamp
        }
        var builder: RecordBatchBuilder?
        var records = try batch.records(decompressedLimit: decompressedLimit)
        while let record = try records.next() {
            guard batch.header.isCompressed || record.offset >= firstOffset else { continue }
            if builder == nil {
                settings.baseOffset = record.offset
                builder = RecordBatchBuilder(settings, capacity: batch.header.sizeInBytes)
            }
            builder?.append(record)
        }
        return builder?.finish() ?? ByteBuffer()
    }
}
