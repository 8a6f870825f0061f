// SPDX-License-Identifier: Apache-2.0

/// The hash that Kafka's Java producer chooses partitions by. All clients that want equal keys in equal partitions use it.
package enum Murmur2 {
    /// The 32-bit murmur2 hash of bytes, with Kafka's seed.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        let multiplier: UInt32 = 0x5bd1_e995
        var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
        var index = 0
        while index + 4 <= bytes.count {
            var word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = (hash &* multiplier) ^ word
            index += 4
        }
        let rest = bytes.count - index
        if rest > 0 {
            if rest == 3 { hash ^= UInt32(bytes[index + 2]) << 16 }
            if rest >= 2 { hash ^= UInt32(bytes[index + 1]) << 8 }
            hash ^= UInt32(bytes[index])
            hash = hash &* multiplier
        }
        hash ^= hash >> 13
        hash = hash &* multiplier
        hash ^= hash >> 15
        return Int32(bitPattern: hash)
    }

    /// The partition of a key: its hash without the sign, modulo the topic's number of partitions.
    package static func partition(of key: UnsafeRawBufferPointer, count: Int32) -> Int32 {
        (hash(key) & 0x7fff_ffff) % max(count, 1)
    }
}
