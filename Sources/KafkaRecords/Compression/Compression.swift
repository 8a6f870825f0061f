// SPDX-License-Identifier: Apache-2.0

import CCompression
package import NIOCore

/// A codec and how hard it tries.
package struct Compression: Hashable, Sendable {
    package var codec: CompressionCodec
    /// Nil for the codec's default; outside of the codec's range it is clamped (KIP-390). Snappy has no levels.
    package var level: Int?

    package init(_ codec: CompressionCodec, level: Int? = nil) {
        self.codec = codec
        self.level = level
    }

    package static let none = Compression(.none)

    /// Appends `bytes`, compressed, to `output`. `magic` is the record format they are for: lz4 in format 0 has a
    /// header checksum over the wrong bytes (KIP-57), which its readers expect.
    package func compress(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer, magic: Int8 = 2) {
        switch codec {
        case .none: output.writeBytes(bytes)
        case .gzip: GzipCompressor.compress(bytes, level: level, into: &output)
        case .snappy: SnappyFrames.compress(bytes, into: &output)
        case .lz4: LZ4Frames.compress(bytes, level: level, brokenChecksum: magic == 0, into: &output)
        case .zstd: ZstdCompressor.compress(bytes, level: level, into: &output)
        }
    }
}

extension CompressionCodec {
    /// As many bytes may a batch unpack to unless the caller says otherwise.
    package static let defaultDecompressedLimit = 256 << 20

    /// Unpacks all of `bytes`. Memory grows with what is really there, and not beyond `limit`: more throws
    /// `.decompressedTooLarge`, anything else that is wrong `.invalid`.
    package func decompress(
        _ bytes: ByteBuffer, magic: Int8 = 2, limit: Int = CompressionCodec.defaultDecompressedLimit
    ) throws(RecordError) -> ByteBuffer {
        try bytes.withUnsafeReadableBytes { input throws(RecordError) -> ByteBuffer in
            var stream = try DecompressionStream(self, input: input, magic: magic, limit: limit)
            var output = ByteBufferAllocator().buffer(capacity: min(max(input.count, 64) &* 4, 1 << 20, limit))
            while true {
                // Doubling keeps the copies of a growing buffer linear.
                let room = max(output.writableBytes, output.readableBytes, 1024)
                var failure: RecordError?
                let count = output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
                    do throws(RecordError) {
                        return try stream.read(into: target)
                    } catch {
                        failure = error
                        return 0
                    }
                }
                if let failure { throw failure }
                if count == 0 { return output }
            }
        }
    }
}

/// Unpacks compressed records piece by piece.
///
/// The input must outlive the stream. Contexts of the codecs come from pools and go back when the stream ends.
struct DecompressionStream: ~Copyable {
    private var decoder: any StreamDecoder
    private let input: UnsafeRawBufferPointer
    private let limit: Int
    private var consumed = 0
    private var produced = 0
    private var ended = false

    init(_ codec: CompressionCodec, input: UnsafeRawBufferPointer, magic: Int8, limit: Int) throws(RecordError) {
        self.input = input
        self.limit = limit
        switch codec {
        case .none: decoder = StoredDecoder()
        case .gzip: decoder = GzipDecoder.pool.take()
        case .snappy: decoder = SnappyDecoder(input)
        case .lz4: decoder = LZ4Decoder.pool.take()
        case .zstd: decoder = ZstdDecoder.pool.take()
        }
        try decoder.start(input, magic: magic, limit: limit)
    }

    deinit {
        decoder.giveBack()
    }

    /// Fills `output` as far as the input goes; 0 means that everything was read.
    mutating func read(into output: UnsafeMutableRawBufferPointer) throws(RecordError) -> Int {
        var filled = 0
        while filled < output.count, !ended {
            let step = try decoder.decode(
                UnsafeRawBufferPointer(rebasing: input[consumed...]),
                into: UnsafeMutableRawBufferPointer(rebasing: output[filled...]))
            consumed += step.consumed
            filled += step.produced
            ended = step.ended
            // A decoder without progress waits for input that will not come.
            guard ended || step.consumed > 0 || step.produced > 0 else {
                throw .invalid("The compressed records end too early")
            }
        }
        produced += filled
        guard produced <= limit else { throw .decompressedTooLarge(limit: limit) }
        return filled
    }
}

/// What one call of a decoder achieved.
struct DecodingStep {
    var consumed = 0
    var produced = 0
    /// Nothing will come any more.
    var ended = false
}

/// A codec's side of `DecompressionStream`.
protocol StreamDecoder {
    /// Called once before the first `decode`, with the whole input.
    func start(_ input: UnsafeRawBufferPointer, magic: Int8, limit: Int) throws(RecordError)
    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(RecordError)
        -> DecodingStep
    /// The stream is done with the decoder.
    func giveBack()
}

/// For records that are not compressed.
private struct StoredDecoder: StreamDecoder {
    func start(_ input: UnsafeRawBufferPointer, magic: Int8, limit: Int) {}

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecodingStep {
        let count = min(input.count, output.count)
        output.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
        return DecodingStep(consumed: count, produced: count, ended: count == input.count)
    }

    func giveBack() {}
}
