// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What is wrong with a stream of frames. Nothing after it can be understood.
package enum FrameError: Error, Hashable {
    /// The length is negative or more than is allowed.
    case lengthOutOfRange(Int32, limit: Int)
    /// Bytes that the socket had delivered did not reach us.
    case bytesLost
}

/// Cuts the bytes of a connection into frames (`int32 length`, then so many bytes), and decides where the socket's next
/// bytes are put, so that those of a large frame are received straight into its own, contiguous buffer.
///
/// NIO asks a `RecvByteBufferAllocator` for a buffer before each read and passes it, filled further, to the handler. The
/// one below hands out the *unfinished frame itself*, limited to the frame's end, and lets go of it meanwhile. So the
/// kernel copies into the place where the frame stays, and no byte of the next frame is mixed in. Three details make
/// that work, and `FrameReceiverTests` pins each:
/// - The channel's `maxMessagesPerRead` is 1, for then NIO's pool keeps one buffer only, the first it got (a small one,
///   copied out), and asks us each time after that because we claim that buffers may grow.
/// - A slice's writable bytes end with the slice, so a slice is what is handed out.
/// - Nobody else refers to the storage during the read, or the write into it would copy it first. Hence frames are cut
///   out in `channelReadComplete`, when NIO has let go of its reference.
///
/// ```
///   between frames            the rest of a frame beyond the gathering buffer
///   ┌──────────────────┐      ┌────────────────────────────────────┐
///   │ len │ body │ len …│  ─▶  │ body ……………………… ▲ writer        limit│   limit: the frame's end, or what may be
///   └──────────────────┘      └────────────────────────────────────┘          allocated before more has arrived
///      gatheringBytes
/// ```
///
/// Memory follows what has arrived, not what was announced: the buffer starts with `Growth.first` bytes and doubles.
///
/// A stream of frames somewhat larger than `gatheringBytes` (a producer's batches, a leader's answers to its followers)
/// would take two reads for each. So where such frames come from somebody who is trusted, more is gathered at once: a
/// frame is whole after one read, or goes on where it lies.
///
/// Owned by the channel's event loop.
final class FrameReceiver {
    /// How a buffer grows towards the announced length.
    struct Growth: Hashable {
        /// Frames up to this are given their whole size at once, longer ones start with this much.
        var first: Int

        /// Who has not shown yet that it speaks Kafka.
        static let newcomer = Growth(first: 16 << 10)
        static let trusted = Growth(first: 2 << 20)
    }

    /// A frame's body without its length, and whether `claim` was asked for it.
    struct Frame {
        var body: ByteBuffer
        var isClaimed: Bool
    }

    /// NIO's pool keeps its first buffer for the life of the channel, so that one is small.
    static let firstReadBytes = 512
    /// Frames up to this (with their length) are cut from a shared buffer and need no claim.
    static let gatheringBytes = 16 << 10
    /// So much is gathered at once where frames of these sizes come. Larger ones are begun with `gatheringBytes`, for what
    /// is gathered of them is copied.
    static let largeGathering = (64 << 10)...(1 << 20)

    /// The longest frame that is accepted.
    var limit: Int
    var growth: Growth
    private let allocator: ByteBufferAllocator
    /// Bytes that no frame has been cut from yet: between frames from the length on, within a large frame its body.
    private var buffer = ByteBuffer()
    /// The announced length while a large frame is gathered in `buffer`.
    private var announced: Int?
    private var isFirstRead = true
    /// The size of the next gathering buffer, by the frames that came before.
    private var gathering = gatheringBytes
    /// The readable bytes of the buffer that NIO has; nil when it has none.
    private var bytesHandedOut: Int?
    private var hasLostBytes = false

    init(limit: Int, growth: Growth, allocator: ByteBufferAllocator = ByteBufferAllocator()) {
        self.limit = limit
        self.growth = growth
        self.allocator = allocator
    }

    /// Whether the beginning of a frame is here without its end.
    var isWithinFrame: Bool { announced != nil || buffer.readableBytes > 0 }

    // MARK: The socket's side

    /// The place for the next bytes; at least one byte of room, always.
    func handOut() -> ByteBuffer {
        if let bytesHandedOut, bytesHandedOut > 0 {
            // NIO dropped what it was given, since its read found nothing. The kernel does not wake us for nothing, so
            // this is not known to happen; but a frame with a hole must not be served if it does.
            hasLostBytes = true
        }
        if isFirstRead {
            bytesHandedOut = 0
            return allocator.buffer(capacity: Self.firstReadBytes)
        }
        if buffer.writableBytes == 0 {
            guard buffer.readableBytes == 0 else {
                // Full, and not allowed to grow yet: reading goes on nevertheless when the peer has closed.
                bytesHandedOut = nil
                return allocator.buffer(capacity: Self.firstReadBytes)
            }
            buffer = allocator.buffer(capacity: gathering)
        }
        var handedOut = ByteBuffer()
        swap(&handedOut, &buffer)
        bytesHandedOut = handedOut.readableBytes
        return handedOut
    }

    /// The buffer from `handOut`, with what the socket had.
    func received(_ filled: ByteBuffer) {
        if isFirstRead {
            // Copied, for NIO keeps it.
            isFirstRead = false
            bytesHandedOut = nil
            buffer = allocator.buffer(capacity: Self.gatheringBytes)
            buffer.writeImmutableBuffer(filled)
        } else if bytesHandedOut == nil {
            // What comes after a frame that could not grow cannot be placed; the connection is about to end.
            hasLostBytes = true
        } else {
            bytesHandedOut = nil
            buffer = filled
        }
    }

    // MARK: The handler's side

    /// The next whole frame, nil when more bytes are needed.
    ///
    /// - Parameter claim: asked once for each frame beyond ``gatheringBytes``, with its length, when it begins or where it is
    ///   whole at once. So a frame that was begun can always be finished; claims that grew with the frame could wait for each
    ///   other. False leaves everything as it is, and `next` is to be called again later, without reading meanwhile
    ///   (`isStarved` is true).
    func next(claim: (Int) -> Bool) throws(FrameError) -> Frame? {
        if hasLostBytes { throw .bytesLost }
        isStarved = false
        if let announced {
            return grow(to: announced)
        }
        guard let word: Int32 = buffer.getInteger(at: buffer.readerIndex) else {
            keepGathering()
            return nil
        }
        guard word >= 0, word <= limit else { throw .lengthOutOfRange(word, limit: limit) }
        let length = Int(word)
        if buffer.readableBytes - 4 >= length {
            let needsClaim = length + 4 > Self.gatheringBytes
            if needsClaim, !claim(length) {
                isStarved = true
                return nil
            }
            buffer.moveReaderIndex(forwardBy: 4)
            guard let body = buffer.readSlice(length: length) else { return nil }
            if buffer.readableBytes == 0 { buffer = ByteBuffer() }
            expectFrames(like: length)
            return Frame(body: body, isClaimed: needsClaim)
        }
        if length + 4 <= Self.gatheringBytes {
            keepGathering()
            return nil
        }
        return begin(length, claim: claim)
    }

    /// Whether `claim` has said no: reading would find no place for what it reads.
    private(set) var isStarved = false

    /// What was claimed for the frame that is not finished.
    var claimed: Int { announced ?? 0 }

    /// Ends the gathering.
    func end() {
        buffer = ByteBuffer()
        announced = nil
    }

    // MARK: Places

    /// Makes sure that the gathering buffer has room, and is ours alone (frames cut from it may be alive).
    private func keepGathering() {
        if buffer.readableBytes == 0 {
            buffer = ByteBuffer()
        } else if buffer.readerIndex > 0 || buffer.writableBytes == 0 {
            var fresh = allocator.buffer(capacity: max(gathering, buffer.readableBytes + 1))
            fresh.writeBuffer(&buffer)
            buffer = fresh
        }
    }

    /// Chooses how much is gathered next, after a frame of this length.
    private func expectFrames(like length: Int) {
        guard growth == .trusted else { return }
        let wanted = length + length / 4
        if wanted > Self.largeGathering.upperBound {
            gathering = Self.gatheringBytes
        } else if length + 4 > Self.gatheringBytes {
            gathering = max(gathering, Self.largeGathering.lowerBound, Self.powerOf2(from: wanted))
        } else if gathering > Self.gatheringBytes, length < gathering / 16 {
            // Step by step: small frames among large ones are common.
            gathering = max(gathering / 2, Self.gatheringBytes)
        }
    }

    private static func powerOf2(from least: Int) -> Int {
        1 << (Int.bitWidth - (max(least, 1) - 1).leadingZeroBitCount)
    }

    /// Lets a large frame go on in the gathering buffer if it fits and nothing else is there, and else moves what is here of
    /// it to a buffer of its own.
    private func begin(_ length: Int, claim: (Int) -> Bool) -> Frame? {
        guard claim(length) else {
            isStarved = true
            return nil
        }
        announced = length
        let isAtStart = buffer.readerIndex == 0
        buffer.moveReaderIndex(forwardBy: 4)
        if isAtStart, buffer.capacity >= 4 + length {
            var place = ByteBuffer()
            swap(&place, &buffer)
            buffer = Self.limited(place, to: 4 + length)
            return nil
        }
        // At least twice what the gathering buffer holds of it, so that there is room.
        let size = min(length, max(growth.first, 2 * Self.gatheringBytes, 2 * buffer.readableBytes))
        var place = allocator.buffer(capacity: size)
        place.writeBuffer(&buffer)
        buffer = Self.limited(place, to: size)
        return nil
    }

    /// Hands the large frame out when it is complete, and else doubles its place when it is full.
    private func grow(to length: Int) -> Frame? {
        if buffer.readableBytes == length {
            announced = nil
            expectFrames(like: length)
            var body = ByteBuffer()
            swap(&body, &buffer)
            return Frame(body: body, isClaimed: true)
        }
        guard buffer.writableBytes == 0 else { return nil }
        let size = min(length, buffer.readableBytes * 2)
        var place = ByteBuffer()
        swap(&place, &buffer)
        place.reserveCapacity(size)
        buffer = Self.limited(place, to: size)
        return nil
    }

    /// The same readable bytes in the same storage, with room up to `end` and no further.
    private static func limited(_ place: consuming ByteBuffer, to end: Int) -> ByteBuffer {
        let filled = place.readableBytes
        // The bytes up to `end` are not initialised yet; they are within the slice for the moment of this call only.
        place.moveWriterIndex(to: end)
        guard var slice = place.readSlice(length: place.readableBytes) else { return place }
        slice.moveWriterIndex(to: filled)
        return slice
    }
}

/// Lets a channel receive into its `FrameReceiver`'s buffers.
struct FrameAllocator: RecvByteBufferAllocator {
    /// Keeps the reference out of the checks for concurrency.
    // Confined to the channel's event loop: NIO calls an allocator on this loop only, and the receiver is used on it only.
    private struct Confined: @unchecked Sendable {
        let receiver: FrameReceiver
    }

    private let confined: Confined

    init(_ receiver: FrameReceiver) {
        confined = Confined(receiver: receiver)
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        confined.receiver.handOut()
    }

    /// True, or NIO would use its first buffer again instead of asking for the next.
    mutating func record(actualReadBytes: Int) -> Bool { true }
}
