// SPDX-License-Identifier: Apache-2.0

/// SplitMix64: the same numbers for the same seed.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// The bytes with one to four changes: a byte or bit replaced, four bytes made extreme, a run cut out or doubled,
    /// the end cut off.
    package mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            let run = index..<min(index + Int.random(in: 1...9, using: &self), bytes.count)
            switch Int.random(in: 0..<10, using: &self) {
            case 0...2: bytes[index] = UInt8.random(in: .min ... .max, using: &self)
            case 3...5: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 6:
                let extreme: UInt8 = [0x00, 0x7f, 0x80, 0xff].randomElement(using: &self) ?? 0
                for place in index..<min(index + 4, bytes.count) { bytes[place] = extreme }
            case 7: bytes.removeSubrange(run)
            case 8: bytes.insert(contentsOf: Array(bytes[run]), at: index)
            default: bytes.removeSubrange(index...)
            }
        }
        return bytes
    }
}
