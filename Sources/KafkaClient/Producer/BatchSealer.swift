// SPDX-License-Identifier: Apache-2.0

import KafkaRecords
import NIOCore

/// Makes a batch ready for the wire: compresses its records once, and writes its header each time it is sent.
enum BatchSealer {
    static func seal(_ batch: inout ProducerMachine.Drained, _ configuration: ClientConfiguration) {
        var content = batch.content
        // The only reference, so that the header is written in place.
        batch.content = ByteBuffer()
        defer { batch.content = content }
        let codec = CompressionCodec(name: configuration.compression.rawValue) ?? .none
        if codec != .none, !batch.isCompressed {
            content = compressed(content, codec, level: configuration.compressionLevel)
            batch.isCompressed = true
        }
        let start = content.readerIndex
        let attributes = RecordAttributes(codec: codec, isTransactional: batch.isTransactional)
        content.setInteger(Int64(0), at: start)
        content.setInteger(Int32(clamping: content.readableBytes - 12), at: start + 8)
        content.setInteger(Int32(-1), at: start + 12)
        content.setInteger(Int8(2), at: start + 16)
        content.setInteger(attributes.rawValue, at: start + 21)
        content.setInteger(batch.count - 1, at: start + 23)
        content.setInteger(batch.baseTimestamp, at: start + 27)
        content.setInteger(batch.maxTimestamp, at: start + 35)
        content.setInteger(batch.producer.id, at: start + 43)
        content.setInteger(batch.producer.epoch, at: start + 51)
        content.setInteger(batch.baseSequence, at: start + 53)
        content.setInteger(batch.count, at: start + 57)
        let checksum = content.withUnsafeReadableBytes { bytes in
            Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[21...]))
        }
        content.setInteger(checksum, at: start + 17)
    }

    /// The header's gap, then the records behind it, compressed.
    private static func compressed(_ content: ByteBuffer, _ codec: CompressionCodec, level: Int?) -> ByteBuffer {
        var result = ByteBufferAllocator().buffer(capacity: content.readableBytes)
        result.writeRepeatingByte(0, count: BatchWriter.headerSize)
        content.withUnsafeReadableBytes { bytes in
            let records = UnsafeRawBufferPointer(rebasing: bytes[BatchWriter.headerSize...])
            Compression(codec, level: level).compress(records, into: &result)
        }
        return result
    }
}
