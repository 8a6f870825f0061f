// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// The bytes with one to four changes: a byte replaced, a number made extreme, a run cut out or doubled.
    mutating func mutated(_ original: ByteBuffer) -> ByteBuffer {
        var bytes = Array(original.readableBytesView)
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<6, using: &self) {
            case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &self)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2:
                let extreme = [0x00, 0x7f, 0x80, 0xff].randomElement(using: &self) ?? 0
                for place in index..<min(index + 4, bytes.count) { bytes[place] = UInt8(extreme) }
            case 3: bytes.removeSubrange(index..<min(index + 9, bytes.count))
            case 4: bytes.insert(contentsOf: bytes[index..<min(index + 9, bytes.count)], at: index)
            default: bytes.removeSubrange(index...)
            }
        }
        return ByteBuffer(bytes: bytes)
    }
}
