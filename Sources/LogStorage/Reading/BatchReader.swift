// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// Reads the batches of a segment's file one after the other, in chunks, as they lie there. Trusts nothing, changes
/// nothing, and may run beside a broker that writes to the file.
///
/// A batch with a wrong checksum is returned as the others are, since its length leads to the next: ask
/// `RecordBatch.hasValidChecksum`. Batches are slices of the chunk they came in.
///
/// Memory: one chunk, or one batch where that is larger. A length that damage has made huge is believed only once the
/// checksum over so many bytes is right.
package struct BatchReader {
    package enum Item: Sendable {
        case batch(RecordBatch, position: Int64)
        /// From this byte on there is no whole batch, and why. Nothing follows.
        case damage(position: Int64, problem: String)
    }

    /// Larger batches are looked at in pieces before they are read whole: no broker accepts many of that size.
    private static let believedBatchBytes = 16 << 20

    private let file: any StorageFile
    /// Bytes of the file when it was opened.
    package let length: Int64
    /// Reads no further.
    private let end: Int64
    private let chunkBytes: Int
    private var chunk = ByteBuffer()
    private var chunkStart: Int64
    /// Where the next batch begins: the end of the last.
    package private(set) var position: Int64
    private var isOver = false

    /// - Parameters:
    ///   - end: a batch that this cuts off is left out, without being damage.
    ///   - chunk: bytes per read.
    package init(
        _ file: any StorageFile, from position: Int64 = 0, end: Int64 = .max, chunk: Int = 1 << 20
    ) throws(FileError) {
        self.file = file
        self.position = position
        chunkStart = position
        length = try file.length()
        self.end = min(length, max(end, 0))
        chunkBytes = max(chunk, 4096)
    }

    /// Nil at the end.
    package mutating func next() throws(FileError) -> Item? {
        guard !isOver, position < end else { return nil }
        switch try header() {
        case .corrupt(let problem): return damage(problem)
        case .cutOff: return end < length ? nil : damage("the file ends within a batch's header")
        case .header(let header):
            guard header.end <= end else {
                return header.end <= length
                    ? nil : damage("the file ends within the batch at offset \(header.baseOffset)")
            }
            if header.size > Self.believedBatchBytes, try !hasValidChecksum(header) {
                return damage(
                    "the batch at offset \(header.baseOffset) claims \(header.size) bytes, and its checksum is wrong")
            }
            guard try fetch(header.size), let bytes = slice(header.size), let batch = Self.batch(bytes) else {
                return damage("the file ends within the batch at offset \(header.baseOffset)")
            }
            defer { position = header.end }
            return .batch(batch, position: position)
        }
    }

    private static func batch(_ bytes: ByteBuffer) -> RecordBatch? {
        var batches = RecordBatches(bytes)
        return (try? batches.next()) ?? nil
    }

    private mutating func damage(_ problem: String) -> Item {
        isOver = true
        return .damage(position: position, problem: problem)
    }

    // MARK: Chunks

    private mutating func header() throws(FileError) -> BatchHeader.Parsed {
        _ = try fetch(RecordBatchHeader.size)
        let skipped = Int(position - chunkStart)
        return chunk.withUnsafeReadableBytes { bytes in
            BatchHeader.parse(UnsafeRawBufferPointer(rebasing: bytes[min(skipped, bytes.count)...]), at: position)
        }
    }

    /// Sees to it that the chunk has so many bytes from the position on; false when the file has not.
    private mutating func fetch(_ count: Int) throws(FileError) -> Bool {
        if chunkStart + Int64(chunk.readableBytes) >= position + Int64(count) { return true }
        let wanted = min(Int64(max(count, chunkBytes)), end - position)
        chunk = try file.bytes(at: position, count: Int(wanted))
        chunkStart = position
        return chunk.readableBytes >= count
    }

    private func slice(_ count: Int) -> ByteBuffer? {
        chunk.getSlice(at: chunk.readerIndex + Int(position - chunkStart), length: count)
    }

    private func hasValidChecksum(_ header: BatchHeader) throws(FileError) -> Bool {
        // The old formats have no such batches: a message is at most as large as a broker accepts.
        guard header.header.magic == 2 else { return false }
        var crc: UInt32 = 0
        var at = position + 21
        while at < header.end {
            let piece = try file.bytes(at: at, count: Int(min(Int64(chunkBytes), header.end - at)))
            guard piece.readableBytes > 0 else { return false }
            crc = piece.withUnsafeReadableBytes { Checksum.crc32c($0, continuing: crc) }
            at += Int64(piece.readableBytes)
        }
        return crc == header.header.crc
    }
}
