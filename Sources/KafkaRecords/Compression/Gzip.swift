// SPDX-License-Identifier: Apache-2.0

import CCompression
internal import NIOCore

/// Unpacks gzip, also of several members.
///
/// `@unchecked Sendable`: whoever took it from the pool is its only user until it goes back.
final class GzipDecoder: StreamDecoder, @unchecked Sendable {
    static let pool = ContextPool { GzipDecoder() }

    private let stream: UnsafeMutablePointer<z_stream>

    private init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = martlet_inflate_gzip_init(stream)
        precondition(status == Z_OK, "zlib cannot get memory")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func start(_ input: UnsafeRawBufferPointer, magic: Int8, limit: Int) {
        inflateReset(stream)
    }

    func giveBack() {
        Self.pool.giveBack(self)
    }

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(RecordError)
        -> DecodingStep
    {
        let available = UInt32(clamping: input.count)
        let room = UInt32(clamping: output.count)
        // zlib does not write to its input.
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = available
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = room
        let status = inflate(stream, Z_NO_FLUSH)
        var step = DecodingStep(
            consumed: Int(available - stream.pointee.avail_in), produced: Int(room - stream.pointee.avail_out))
        switch status {
        case Z_OK, Z_BUF_ERROR:
            return step
        case Z_STREAM_END:
            // What follows is a further member if it looks like one; Java's reader ignores anything else.
            let rest = UnsafeRawBufferPointer(rebasing: input[step.consumed...])
            if rest.count >= 18, rest[0] == 0x1F, rest[1] == 0x8B {
                inflateReset(stream)
            } else {
                step.ended = true
            }
            return step
        default:
            throw .invalid("The records are not valid gzip")
        }
    }
}

/// Packs one gzip member.
///
/// `@unchecked Sendable`: whoever took it from the pool is its only user until it goes back.
final class GzipCompressor: @unchecked Sendable {
    private static let pool = ContextPool { GzipCompressor() }

    private let stream: UnsafeMutablePointer<z_stream>
    private var level = Z_DEFAULT_COMPRESSION

    private init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = martlet_deflate_gzip_init(stream, level)
        precondition(status == Z_OK, "zlib cannot get memory")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    static func compress(_ bytes: UnsafeRawBufferPointer, level: Int?, into output: inout ByteBuffer) {
        let compressor = pool.take()
        defer { pool.giveBack(compressor) }
        compressor.compress(bytes, level: Int32(level.map { min(max($0, 1), 9) } ?? -1), into: &output)
    }

    private func compress(_ bytes: UnsafeRawBufferPointer, level: Int32, into output: inout ByteBuffer) {
        deflateReset(stream)
        if level != self.level {
            deflateParams(stream, level, Z_DEFAULT_STRATEGY)
            self.level = level
        }
        precondition(bytes.count <= Int(UInt32.max), "a batch is smaller than 2 GiB")
        let bound = Int(deflateBound(stream, UInt(bytes.count)))
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(bytes.count)
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
            stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(clamping: target.count)
            let status = deflate(stream, Z_FINISH)
            precondition(status == Z_STREAM_END, "deflateBound is large enough")
            return Int(UInt32(clamping: target.count) - stream.pointee.avail_out)
        }
    }
}
