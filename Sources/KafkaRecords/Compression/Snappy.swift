// SPDX-License-Identifier: Apache-2.0

import CCompression
internal import NIOCore

/// The framing of Java's snappy streams (xerial), which Kafka's batches have:
///
///     82 53 4E 41 50 50 59 00 | int32 version 1 | int32 compatible 1 | { int32 length, snappy block }…
///
/// librdkafka writes one bare snappy block instead.
enum SnappyFrames {
    static let magic: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0x00]
    static let headerSize = 16
    /// As Java's stream has it by default.
    private static let blockSize = 32 << 10

    static func compress(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        output.writeBytes(magic)
        output.writeMultipleIntegers(1 as Int32, 1 as Int32)
        var rest = bytes
        while !rest.isEmpty {
            let block = UnsafeRawBufferPointer(rebasing: rest.prefix(blockSize))
            rest = UnsafeRawBufferPointer(rebasing: rest[block.count...])
            let lengthIndex = output.writerIndex
            output.writeInteger(0 as Int32)
            let count = output.writeWithUnsafeMutableBytes(
                minimumWritableBytes: snappy_max_compressed_length(block.count)
            ) { target in
                var count = target.count
                let status = snappy_compress(
                    block.baseAddress?.assumingMemoryBound(to: CChar.self), block.count,
                    target.baseAddress?.assumingMemoryBound(to: CChar.self), &count)
                precondition(status == SNAPPY_OK, "snappy_max_compressed_length is large enough")
                return count
            }
            output.setInteger(Int32(count), at: lengthIndex)
        }
    }

    static func areFramed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= headerSize && bytes.prefix(magic.count).elementsEqual(magic)
    }
}

/// Unpacks snappy in both framings. A block must be unpacked whole, so the memory is that of the largest block.
final class SnappyDecoder: StreamDecoder {
    /// No element of a block stands for more bytes: a copy of 64 is coded in 3.
    private static let highestRatio = 22

    private let framed: Bool
    private var limit = 0
    private var atStart = true
    /// An unpacked block that did not fit into the caller's memory, and how much of it is passed on.
    private var block = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var blockSize = 0
    private var passedOn = 0

    init(_ input: UnsafeRawBufferPointer) {
        framed = SnappyFrames.areFramed(input)
    }

    deinit {
        block.deallocate()
    }

    func start(_ input: UnsafeRawBufferPointer, magic: Int8, limit: Int) {
        self.limit = limit
    }

    func giveBack() {}

    func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(RecordError)
        -> DecodingStep
    {
        if passedOn < blockSize {
            let count = min(blockSize - passedOn, output.count)
            output.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[passedOn..<passedOn + count]))
            passedOn += count
            return DecodingStep(produced: count, ended: input.isEmpty && passedOn == blockSize)
        }
        if input.isEmpty { return DecodingStep(ended: !atStart) }
        guard framed else {
            let count = try unpack(input, into: output)
            return DecodingStep(consumed: input.count, produced: count, ended: passedOn == blockSize)
        }
        // Streams may be joined, each with its header.
        if SnappyFrames.areFramed(input) {
            atStart = false
            return DecodingStep(
                consumed: SnappyFrames.headerSize, ended: input.count == SnappyFrames.headerSize)
        }
        guard input.count >= 4 else { throw .invalid("The compressed records end too early") }
        let length = Int(input.number(at: 0, as: Int32.self))
        guard length >= 0, length <= input.count - 4 else {
            throw .invalid("A snappy block has the impossible length \(length)")
        }
        let produced = try unpack(UnsafeRawBufferPointer(rebasing: input[4..<4 + length]), into: output)
        let ended = input.count == 4 + length && passedOn == blockSize
        return DecodingStep(consumed: 4 + length, produced: produced, ended: ended)
    }

    /// Unpacks one block to `output` if it fits, else to memory of its own. Returns how much is in `output`.
    private func unpack(_ packed: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        throws(RecordError) -> Int
    {
        let source = packed.baseAddress?.assumingMemoryBound(to: CChar.self)
        var size = 0
        guard snappy_uncompressed_length(source, packed.count, &size) == SNAPPY_OK,
            size <= packed.count &* Self.highestRatio
        else { throw .invalid("The records are not valid snappy") }
        guard size <= limit else { throw .decompressedTooLarge(limit: limit) }
        atStart = false
        if size <= output.count {
            try uncompress(source, packed.count, to: output.baseAddress, size)
            return size
        }
        if block.count < size {
            block.deallocate()
            block = .allocate(byteCount: size, alignment: 16)
        }
        try uncompress(source, packed.count, to: block.baseAddress, size)
        blockSize = size
        passedOn = min(size, output.count)
        output.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[..<passedOn]))
        return passedOn
    }

    private func uncompress(
        _ source: UnsafePointer<CChar>?, _ count: Int, to target: UnsafeMutableRawPointer?, _ size: Int
    ) throws(RecordError) {
        var written = size
        guard snappy_uncompress(source, count, target?.assumingMemoryBound(to: CChar.self), &written) == SNAPPY_OK,
            written == size
        else { throw .invalid("The records are not valid snappy") }
    }
}
