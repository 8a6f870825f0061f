// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import NIOCore

/// Key → newest offset, for one compaction, within a fixed number of bytes.
///
/// 24 bytes per key, as in Kafka: a hash of 128 bits and the offset; keys themselves are not kept, so two with the same
/// hash would be taken for one and a record lost. Kafka takes MD5, for which anyone can make such pairs. SipHash-2-4
/// under a key drawn per map is faster, and nobody who does not know that key can.
///
/// Owner: one cleaning at a time; not shared between threads.
final class OffsetMap {
    static let entryBytes = 24

    /// Memory from `calloc`: pages that are never touched cost nothing. Freed at the end of this object.
    private let memory: UnsafeMutablePointer<Entry>
    private let slots: Int
    private let hash: SipHash128
    /// How many keys may be put in.
    let capacity: Int
    private(set) var count = 0

    private struct Entry {
        var first: UInt64
        var second: UInt64
        /// The offset and one, so that zeroed memory is empty.
        var next: Int64
    }

    /// - Parameters:
    ///   - byteLimit: for the whole map; at least one entry fits.
    ///   - loadFactor: how full it may become, in (0, 1].
    ///   - expected: no more keys than this will come: a smaller map will do.
    init?(byteLimit: Int, loadFactor: Double, expected: Int64 = .max) {
        let load = min(max(loadFactor, 0.01), 0.99)
        let wanted = Double(max(expected, 1)) / load + 2
        slots = max(Int(min(Double(byteLimit / Self.entryBytes), wanted)), 2)
        capacity = max(Int(Double(slots) * load), 1)
        guard let space = calloc(slots, MemoryLayout<Entry>.stride) else { return nil }
        memory = space.bindMemory(to: Entry.self, capacity: slots)
        hash = SipHash128(.random(in: 0 ... .max), .random(in: 0 ... .max))
    }

    deinit { free(memory) }

    var isFull: Bool { count >= capacity }

    /// Remembers an offset for a key, if larger than what is known. The caller sees to it that the map is not full.
    func put(_ key: ByteBuffer, _ offset: Offset) {
        let (index, isFound) = slot(of: key)
        if isFound {
            if memory[index.slot].next <= offset { memory[index.slot].next = offset + 1 }
        } else {
            precondition(count < slots - 1, "an offset map has a free slot left")
            memory[index.slot] = Entry(first: index.first, second: index.second, next: offset + 1)
            count += 1
        }
    }

    /// Nil for a key that was never put in.
    func offset(of key: ByteBuffer) -> Offset? {
        let (index, isFound) = slot(of: key)
        return isFound ? memory[index.slot].next - 1 : nil
    }

    private func slot(of key: ByteBuffer) -> ((slot: Int, first: UInt64, second: UInt64), isFound: Bool) {
        let (first, second) = key.withUnsafeReadableBytes { hash($0) }
        var slot = Int(first.multipliedFullWidth(by: UInt64(slots)).high)
        while true {
            let entry = memory[slot]
            if entry.next == 0 { return ((slot, first, second), false) }
            if entry.first == first, entry.second == second { return ((slot, first, second), true) }
            slot = slot + 1 == slots ? 0 : slot + 1
        }
    }
}

/// SipHash-2-4 with a result of 128 bits (Aumasson and Bernstein).
struct SipHash128 {
    private let key: (UInt64, UInt64)

    init(_ first: UInt64, _ second: UInt64) { key = (first, second) }

    func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        var state = State(key)
        let whole = bytes.count & ~7
        var index = 0
        while index < whole {
            state.absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        for (shift, byte) in bytes[whole...].enumerated() { last |= UInt64(byte) << UInt64(8 * shift) }
        state.absorb(last)
        state.v2 ^= 0xee
        for _ in 0..<4 { state.round() }
        let first = state.v0 ^ state.v1 ^ state.v2 ^ state.v3
        state.v1 ^= 0xdd
        for _ in 0..<4 { state.round() }
        return (first, state.v0 ^ state.v1 ^ state.v2 ^ state.v3)
    }

    private struct State {
        var v0, v1, v2, v3: UInt64

        init(_ key: (UInt64, UInt64)) {
            v0 = 0x736f_6d65_7073_6575 ^ key.0
            v1 = 0x646f_7261_6e64_6f6d ^ key.1 ^ 0xee
            v2 = 0x6c79_6765_6e65_7261 ^ key.0
            v3 = 0x7465_6462_7974_6573 ^ key.1
        }

        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func round() {
            v0 &+= v1
            v1 = (v1 << 13 | v1 >> 51) ^ v0
            v0 = v0 << 32 | v0 >> 32
            v2 &+= v3
            v3 = (v3 << 16 | v3 >> 48) ^ v2
            v0 &+= v3
            v3 = (v3 << 21 | v3 >> 43) ^ v0
            v2 &+= v1
            v1 = (v1 << 17 | v1 >> 47) ^ v2
            v2 = v2 << 32 | v2 >> 32
        }
    }
}
