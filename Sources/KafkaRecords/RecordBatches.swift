// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The batches that lie one after the other in a buffer, without copying them.
///
/// Ends at the first batch that is not there whole: a fetch and a torn segment may end inside one. Checksums are not
/// looked at, see `RecordBatch.hasValidChecksum`.
package struct RecordBatches: Sendable {
    private var rest: ByteBuffer

    /// How many bytes the batches returned so far take, from the start of the buffer.
    package private(set) var validBytes = 0

    /// The batches in the readable bytes.
    package init(_ buffer: ByteBuffer) {
        rest = buffer
    }

    /// The next batch; nil where no further one is whole. Throws `.corrupt` if what follows cannot be a batch; the
    /// iteration must then end.
    package mutating func next() throws(RecordError) -> RecordBatch? {
        guard let header = try RecordBatchHeader(prefix: rest), let bytes = rest.readSlice(length: header.sizeInBytes)
        else { return nil }
        validBytes += header.sizeInBytes
        return RecordBatch(header: header, bytes: bytes)
    }

    /// All batches that are whole.
    package func all() throws(RecordError) -> [RecordBatch] {
        var copy = self
        var batches: [RecordBatch] = []
        while let batch = try copy.next() { batches.append(batch) }
        return batches
    }
}

/// One batch as a view of the bytes it came in.
package struct RecordBatch: Hashable, Sendable {
    package let header: RecordBatchHeader
    /// The whole batch, header included.
    package let bytes: ByteBuffer

    /// `bytes` must be exactly the batch that `header` was read from.
    init(header: RecordBatchHeader, bytes: ByteBuffer) {
        self.header = header
        self.bytes = bytes
    }

    /// The checksum as it should be: CRC-32C from the attributes on, before version 2 CRC-32 from the magic byte on.
    package var computedChecksum: UInt32 {
        bytes.withUnsafeReadableBytes { bytes in
            header.magic == 2
                ? Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[RecordFormat.V2.attributesOffset...]))
                : Checksum.crc32(UnsafeRawBufferPointer(rebasing: bytes[RecordFormat.Legacy.checksummedOffset...]))
        }
    }

    package var hasValidChecksum: Bool { header.crc == computedChecksum }

    /// Throws `.corrupt` unless the stored checksum is the right one.
    package func validateChecksum() throws(RecordError) {
        guard hasValidChecksum else { throw .corrupt("Record is corrupt (stored crc = \(header.crc))") }
    }
}
