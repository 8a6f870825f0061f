// SPDX-License-Identifier: Apache-2.0

import CCompression
package import NIOCore

/// The two checksums of Kafka's formats: CRC-32C (Castagnoli) over batches of version 2 and producer snapshots,
/// CRC-32 (IEEE) over messages of versions 0 and 1.
package enum Checksum {
    /// CRC-32C of the readable bytes.
    package static func crc32c(_ bytes: ByteBuffer) -> UInt32 {
        bytes.withUnsafeReadableBytes { crc32c($0) }
    }

    /// CRC-32C, at memory speed where the processor allows.
    package static func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        crc32c(bytes, continuing: 0)
    }

    /// CRC-32C of what `previous` is the CRC-32C of, followed by `bytes`.
    package static func crc32c(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32) -> UInt32 {
        // ISA-L neither inverts the seed nor the result; the checksum that everyone means does both.
        var state = ~previous
        var rest = bytes
        // Its length is a C int, so what is longer goes in pieces.
        while let start = rest.baseAddress, !rest.isEmpty {
            let count = min(rest.count, 1 << 30)
            state = martlet_crc32_iscsi(start, Int32(truncatingIfNeeded: count), state)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return ~state
    }

    /// CRC-32 as in gzip.
    package static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 { crc32(bytes, continuing: 0) }

    /// CRC-32 of what `previous` is the CRC-32 of, followed by `bytes`.
    package static func crc32(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32) -> UInt32 {
        guard let start = bytes.baseAddress else { return previous }
        return UInt32(
            truncatingIfNeeded: crc32_z(UInt(previous), start.assumingMemoryBound(to: UInt8.self), bytes.count))
    }
}
