// SPDX-License-Identifier: Apache-2.0

import CCompression
internal import NIOCore

/// The lz4 frame format, as Kafka's clients write and read it: independent blocks of at most 64 KiB, no content size,
/// no checksums but the one of the header.
///
///     04 22 4D 18 | FLG | BD | [int64 content size] | [int32 dictionary] | HC | blocks…
///
/// HC is the second byte of the xxHash32 of the descriptor (FLG up to HC). For records of format 0 Kafka took the hash
/// from the frame's first byte on (KIP-57).
enum LZ4Frames {
    /// Kafka's default: the fast compressor.
    private static let defaultLevel = 9

    static func compress(
        _ bytes: UnsafeRawBufferPointer, level: Int?, brokenChecksum: Bool, into output: inout ByteBuffer
    ) {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        let level = level.map { min(max($0, 1), 17) } ?? defaultLevel
        preferences.compressionLevel = level == defaultLevel ? 0 : Int32(min(level, 12))
        let start = output.writerIndex
        output.writeWithUnsafeMutableBytes(
            minimumWritableBytes: LZ4F_compressFrameBound(bytes.count, &preferences)
        ) { target in
            let count = LZ4F_compressFrame(
                target.baseAddress, target.count, bytes.baseAddress, bytes.count, &preferences)
            precondition(LZ4F_isError(count) == 0, "LZ4F_compressFrameBound is large enough")
            return count
        }
        if brokenChecksum {
            // The header of our frames has no optional fields.
            let header = output.getBytes(at: start, length: 6) ?? []
            output.setInteger(UInt8(truncatingIfNeeded: XXHash32.hash(header[...]) >> 8), at: start + 6)
        }
    }

    /// The frame's header with a right checksum in place of the one it has; nil if there is no whole header.
    static func headerWithRightChecksum(_ frame: UnsafeRawBufferPointer) -> [UInt8]? {
        guard frame.count >= 7 else { return nil }
        let hasContentSize = frame[4] & 1 << 3 != 0
        let hasDictionary = frame[4] & 1 != 0
        let size = 7 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0)
        guard frame.count >= size else { return nil }
        var header = [UInt8](frame[..<size])
        header[size - 1] = UInt8(truncatingIfNeeded: XXHash32.hash(header[4..<size - 1]) >> 8)
        return header
    }
}

/// Unpacks one lz4 frame.
///
/// `@unchecked Sendable`: whoever took it from the pool is its only user until it goes back.
final class LZ4Decoder: StreamDecoder, @unchecked Sendable {
    static let pool = ContextPool { LZ4Decoder() }

    private let context: OpaquePointer
    /// For format 0: a header with a right checksum, until the decoder has it.
    private var header: [UInt8]?

    private init() {
        var context: OpaquePointer?
        let status = LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(status) == 0, let context else { preconditionFailure("lz4 cannot get memory") }
        self.context = context
    }

    deinit {
        LZ4F_freeDecompressionContext(context)
    }

    func start(_ input: UnsafeRawBufferPointer, magic: Int8, limit: Int) {
        LZ4F_resetDecompressionContext(context)
        header = magic == 0 ? LZ4Frames.headerWithRightChecksum(input) : nil
    }

    func giveBack() {
        Self.pool.giveBack(self)
    }

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(RecordError)
        -> DecodingStep
    {
        if let header {
            self.header = nil
            // As a buffer, whose access rethrows with the type.
            return try ByteBuffer(bytes: header).withUnsafeReadableBytes { header throws(RecordError) in
                try step(header, into: UnsafeMutableRawBufferPointer(rebasing: output[..<0]))
            }
        }
        return try step(input, into: output)
    }

    private func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        throws(RecordError) -> DecodingStep
    {
        var consumed = input.count
        var produced = output.count
        let hint = LZ4F_decompress(context, output.baseAddress, &produced, input.baseAddress, &consumed, nil)
        guard LZ4F_isError(hint) == 0 else { throw .invalid("The records are not a valid lz4 frame") }
        // 0 means that the frame is over. Kafka's reader stops there too.
        return DecodingStep(consumed: consumed, produced: produced, ended: hint == 0)
    }
}

/// xxHash32 with seed 0, for the frame's header.
enum XXHash32 {
    private static let prime1: UInt32 = 0x9E37_79B1
    private static let prime2: UInt32 = 0x85EB_CA77
    private static let prime3: UInt32 = 0xC2B2_AE3D
    private static let prime4: UInt32 = 0x27D4_EB2F
    private static let prime5: UInt32 = 0x1656_67B1

    static func hash(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var rest = bytes
        var hash: UInt32
        if rest.count >= 16 {
            var lanes: [UInt32] = [prime1 &+ prime2, prime2, 0, 0 &- prime1]
            while rest.count >= 16 {
                for lane in lanes.indices {
                    lanes[lane] = rotate(lanes[lane] &+ word(&rest) &* prime2, 13) &* prime1
                }
            }
            hash = rotate(lanes[0], 1) &+ rotate(lanes[1], 7) &+ rotate(lanes[2], 12) &+ rotate(lanes[3], 18)
        } else {
            hash = prime5
        }
        hash &+= UInt32(truncatingIfNeeded: bytes.count)
        while rest.count >= 4 { hash = rotate(hash &+ word(&rest) &* prime3, 17) &* prime4 }
        for byte in rest { hash = rotate(hash &+ UInt32(byte) &* prime5, 11) &* prime1 }
        hash = (hash ^ hash >> 15) &* prime2
        hash = (hash ^ hash >> 13) &* prime3
        return hash ^ hash >> 16
    }

    private static func rotate(_ value: UInt32, _ bits: UInt32) -> UInt32 {
        value << bits | value >> (32 - bits)
    }

    private static func word(_ rest: inout ArraySlice<UInt8>) -> UInt32 {
        let word = rest.prefix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        rest = rest.dropFirst(4)
        return word
    }
}
