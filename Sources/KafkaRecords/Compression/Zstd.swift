// SPDX-License-Identifier: Apache-2.0

import CCompression
internal import NIOCore

/// Contexts that grew beyond this for one batch are not kept.
private let largestKeptContext = 8 << 20

/// Unpacks zstd frames.
///
/// `@unchecked Sendable`: whoever took it from the pool is its only user until it goes back.
final class ZstdDecoder: StreamDecoder, @unchecked Sendable {
    static let pool = ContextPool { ZstdDecoder() }

    private let context: OpaquePointer

    private init() {
        guard let context = ZSTD_createDCtx() else { preconditionFailure("zstd cannot get memory") }
        self.context = context
    }

    deinit {
        ZSTD_freeDCtx(context)
    }

    func start(_ input: UnsafeRawBufferPointer, magic: Int8, limit: Int) {
        ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    }

    func giveBack() {
        if ZSTD_sizeof_DCtx(context) <= largestKeptContext { Self.pool.giveBack(self) }
    }

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(RecordError)
        -> DecodingStep
    {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        // The library refuses windows over 128 MiB, Kafka's clients make none larger.
        let hint = ZSTD_decompressStream(context, &target, &source)
        guard ZSTD_isError(hint) == 0 else { throw .invalid("The records are not a valid zstd frame") }
        // 0 means that a frame is over; a further one may follow.
        let ended = hint == 0 && source.pos == input.count
        return DecodingStep(consumed: source.pos, produced: target.pos, ended: ended)
    }
}

/// Packs one zstd frame.
///
/// `@unchecked Sendable`: whoever took it from the pool is its only user until it goes back.
final class ZstdCompressor: @unchecked Sendable {
    private static let pool = ContextPool { ZstdCompressor() }

    private let context: OpaquePointer

    private init() {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("zstd cannot get memory") }
        self.context = context
    }

    deinit {
        ZSTD_freeCCtx(context)
    }

    static func compress(_ bytes: UnsafeRawBufferPointer, level: Int?, into output: inout ByteBuffer) {
        let compressor = pool.take()
        defer { if ZSTD_sizeof_CCtx(compressor.context) <= largestKeptContext { pool.giveBack(compressor) } }
        let level = level.map { min(max(Int32(clamping: $0), ZSTD_minCLevel()), ZSTD_maxCLevel()) } ?? 3
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: ZSTD_compressBound(bytes.count)) { target in
            let count = ZSTD_compressCCtx(
                compressor.context, target.baseAddress, target.count, bytes.baseAddress, bytes.count, level)
            precondition(ZSTD_isError(count) == 0, "ZSTD_compressBound is large enough")
            return count
        }
    }
}
