// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import KafkaNetworking

@Suite struct FrameReceiverTests {
    private func frame(_ length: Int, _ byte: UInt8 = 7) -> [UInt8] {
        [UInt8](ByteBuffer(integer: Int32(length)).readableBytesView) + [UInt8](repeating: byte, count: length)
    }

    /// Reads as NIO's channel does: into a buffer that is handed out, as much as has room.
    /// Returns how many bytes were taken.
    private func read(_ bytes: ArraySlice<UInt8>, into receiver: FrameReceiver, atMost count: Int = .max) -> Int {
        var buffer = receiver.handOut()
        #expect(buffer.writableBytes > 0)
        let taken = min(buffer.writableBytes, bytes.count, count)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { room in
            room.copyBytes(from: bytes.prefix(taken))
            return taken
        }
        receiver.received(buffer)
        return taken
    }

    private func feed(_ bytes: [UInt8], to receiver: FrameReceiver) throws -> [ByteBuffer] {
        var rest = bytes[...]
        var frames: [ByteBuffer] = []
        while !rest.isEmpty {
            rest = rest.dropFirst(read(rest, into: receiver))
            while let frame = try receiver.next(claim: { _ in true }) { frames.append(frame.body) }
        }
        return frames
    }

    @Test func smallFramesOfOneReadAreCutApart() throws {
        let receiver = FrameReceiver(limit: 1000, growth: .trusted)
        let frames = try feed(frame(3) + frame(0) + frame(200, 9), to: receiver)
        #expect(frames.map(\.readableBytes) == [3, 0, 200])
        #expect(frames[2].readableBytesView.allSatisfy { $0 == 9 })
        #expect(!receiver.isWithinFrame)
    }

    @Test(arguments: [-1, Int32.min, 1001, Int32.max]) func lengthsOutsideTheBoundsAreRefused(length: Int32) {
        let receiver = FrameReceiver(limit: 1000, growth: .trusted)
        #expect(throws: FrameError.lengthOutOfRange(length, limit: 1000)) {
            try feed([UInt8](ByteBuffer(integer: length).readableBytesView), to: receiver)
        }
    }

    @Test func aFrameOfExactlyTheLimitIsTaken() throws {
        let receiver = FrameReceiver(limit: 100_000, growth: .trusted)
        #expect(try feed(frame(100_000), to: receiver).map(\.readableBytes) == [100_000])
    }

    @Test func anAnnouncedLengthAloneCostsNoMemory() throws {
        let receiver = FrameReceiver(limit: .max, growth: .newcomer)
        _ = read([0x7f, 0xff, 0xff, 0xff][...], into: receiver)
        #expect(try receiver.next { $0 == 0x7fff_ffff } == nil)
        #expect(receiver.handOut().storageCapacity <= 2 * FrameReceiver.gatheringBytes)
    }

    @Test func memoryGrowsWithWhatArrives() throws {
        let receiver = FrameReceiver(limit: .max, growth: .newcomer)
        let length = 10_000_000
        var rest = frame(length)[...]
        var arrived = 0
        var claims: [Int] = []
        var whole: FrameReceiver.Frame?
        while whole == nil {
            var buffer = receiver.handOut()
            #expect(buffer.storageCapacity <= max(4 * arrived, 2 * FrameReceiver.gatheringBytes))
            let count = min(buffer.writableBytes, 30_000)
            buffer.writeBytes(rest.prefix(count))
            receiver.received(buffer)
            buffer = ByteBuffer()
            rest = rest.dropFirst(count)
            arrived += count
            whole = try receiver.next {
                claims.append($0)
                return true
            }
        }
        #expect(whole?.body.readableBytes == length)
        #expect(whole?.isClaimed == true)
        #expect(claims == [length])
    }

    @Test func withoutMemoryTheFrameWaits() throws {
        let receiver = FrameReceiver(limit: .max, growth: .newcomer)
        let bytes = frame(40_000)
        var rest = bytes[...]
        rest = rest.dropFirst(read(rest, into: receiver))
        #expect(try receiver.next { _ in false } == nil)
        #expect(receiver.isStarved)
        #expect(try receiver.next { _ in true } == nil)
        #expect(!receiver.isStarved)
        while !rest.isEmpty {
            rest = rest.dropFirst(read(rest, into: receiver))
            if let frame = try receiver.next(claim: { _ in true }) { #expect(frame.body.readableBytes == 40_000) }
        }
        #expect(!receiver.isWithinFrame)
    }

    @Test func aReadThatFindsNoPlaceEndsTheStream() throws {
        let receiver = FrameReceiver(limit: .max, growth: .newcomer)
        var rest = frame(400_000)[...]
        while !receiver.isStarved {
            rest = rest.dropFirst(read(rest, into: receiver))
            #expect(try receiver.next { _ in false } == nil)
        }
        // The peer has closed, and NIO reads what is left regardless.
        for _ in 0..<3 { rest = rest.dropFirst(read(rest, into: receiver)) }
        #expect(throws: FrameError.bytesLost) { try receiver.next { _ in true } }
    }

    /// A read that finds nothing after all drops the buffer with the unfinished frame; that must not go unnoticed.
    @Test func bytesThatGetLostAreNoticed() throws {
        let receiver = FrameReceiver(limit: .max, growth: .trusted)
        _ = try feed(Array(frame(100_000).prefix(50_000)), to: receiver)
        _ = receiver.handOut()
        _ = read(frame(100_000).suffix(50_000), into: receiver)
        #expect(throws: FrameError.bytesLost) { try receiver.next { _ in true } }
    }

    @Test func aReadThatFindsNothingBetweenFramesIsHarmless() throws {
        let receiver = FrameReceiver(limit: .max, growth: .trusted)
        _ = receiver.handOut()
        #expect(try feed(frame(100), to: receiver).count == 1)
        _ = receiver.handOut()
        #expect(try feed(frame(100), to: receiver).count == 1)
    }

    /// A large frame stays where the socket put it, and ends where its buffer ends.
    @Test func largeFramesAreReceivedInPlace() throws {
        let receiver = FrameReceiver(limit: .max, growth: .trusted)
        let length = 1_000_000
        let bytes = frame(length) + frame(5)
        var rest = bytes[...]
        var places: Set<UInt> = []
        var frames: [ByteBuffer] = []
        while !rest.isEmpty {
            var buffer = receiver.handOut()
            let taken = min(buffer.writableBytes, rest.count, 100_000)
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { room in
                room.copyBytes(from: rest.prefix(taken))
                return taken
            }
            if buffer.storageCapacity > 100_000 {
                places.insert(buffer.withVeryUnsafeBytes { UInt(bitPattern: $0.baseAddress) })
                #expect(buffer.writerIndex <= length)
            }
            receiver.received(buffer)
            rest = rest.dropFirst(taken)
            // NIO lets go of the buffer before the frames are cut out.
            buffer = ByteBuffer()
            while let frame = try receiver.next(claim: { _ in true }) { frames.append(frame.body) }
        }
        #expect(places.count == 1)
        #expect(frames.map(\.readableBytes) == [length, 5])
        #expect(frames[0].withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) } == places.first)
        // And it is the only reference: who patches offsets into it does not copy it.
        let isUnique = frames[0].modifyIfUniquelyOwned { _ in true }
        #expect(isUnique == true)
    }

    /// What a producer or a leader sends again and again: after the first one a frame is whole with one read, where it came.
    @Test(arguments: [16_500, 40_000, 81_000, 131_200, 200_000]) func framesOfAStreamTakeOneRead(length: Int) throws {
        let receiver = FrameReceiver(limit: .max, growth: .trusted)
        #expect(try feed(frame(length), to: receiver).count == 1)
        for _ in 0..<3 {
            let bytes = frame(length)[...]
            #expect(read(bytes, into: receiver) == bytes.count)
            var whole = try receiver.next(claim: { _ in true })
            #expect(whole?.body.readableBytes == length)
            #expect(whole?.body.modifyIfUniquelyOwned { _ in true } == true)
        }
    }

    /// However it came: what many connections send in large frames is bounded together.
    @Test func aFrameThatIsWholeAtOnceIsClaimed() throws {
        let receiver = FrameReceiver(limit: .max, growth: .trusted)
        #expect(try feed(frame(100_000), to: receiver).count == 1)
        let bytes = (frame(100_000) + frame(100))[...]
        #expect(read(bytes, into: receiver) == bytes.count)
        var claims: [Int] = []
        func next(_ isGranted: Bool) throws -> FrameReceiver.Frame? {
            try receiver.next {
                claims.append($0)
                return isGranted
            }
        }
        #expect(try next(false) == nil)
        #expect(receiver.isStarved)
        let large = try next(true)
        #expect(large?.body.readableBytes == 100_000)
        #expect(large?.isClaimed == true)
        #expect(!receiver.isStarved)
        let small = try next(true)
        #expect(small?.body.readableBytes == 100)
        #expect(small?.isClaimed == false)
        #expect(claims == [100_000, 100_000])
    }

    /// If it does not come at once it is claimed, and goes on where it lies.
    @Test func aFrameOfAStreamGoesOnInPlace() throws {
        let receiver = FrameReceiver(limit: .max, growth: .trusted)
        #expect(try feed(frame(100_000), to: receiver).count == 1)
        var rest = (frame(100_000) + frame(5))[...]
        rest = rest.dropFirst(read(rest, into: receiver, atMost: 60_000))
        var claims: [Int] = []
        var result = try receiver.next {
            claims.append($0)
            return true
        }
        #expect(result == nil)
        #expect(claims == [100_000])
        let place = receiver.handOut()
        #expect(place.readableBytes == 59_996)
        #expect(place.writableBytes == 40_004)
        receiver.received(place)
        rest = rest.dropFirst(read(rest, into: receiver))
        result = try receiver.next(claim: { _ in false })
        #expect(result?.isClaimed == true)
        #expect(result?.body.readableBytes == 100_000)
        #expect(try feed(Array(rest), to: receiver).map(\.readableBytes) == [5])
    }

    /// Room is made by whoever is trusted only, for frames that it helps, and is given up again.
    @Test func moreIsGatheredOnlyWhereItHelps() throws {
        func room(_ growth: FrameReceiver.Growth, after lengths: Int...) throws -> Int {
            let receiver = FrameReceiver(limit: .max, growth: growth)
            for length in lengths { _ = try feed(frame(length), to: receiver) }
            return receiver.handOut().writableBytes
        }
        #expect(try room(.newcomer, after: 40_000) <= 2 * FrameReceiver.gatheringBytes)
        #expect(try room(.trusted, after: 100) <= 2 * FrameReceiver.gatheringBytes)
        #expect(try room(.trusted, after: 40_000) >= 40_004)
        // What is gathered of a frame beyond all this is copied.
        #expect(try room(.trusted, after: 40_000, 1_000_000) <= 2 * FrameReceiver.gatheringBytes)
        #expect(try room(.trusted, after: 40_000, 100, 100) <= 2 * FrameReceiver.gatheringBytes)
    }

    /// However the stream is cut into reads, the same frames come out.
    @Test(arguments: 0..<60) func anySegmentationGivesTheSameFrames(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let growth = [FrameReceiver.Growth.newcomer, .trusted, .init(first: 1)].randomElement(using: &random)!
        let receiver = FrameReceiver(limit: 1 << 20, growth: growth)
        let sizes = [0, 1, 4, 13, 500, 512, 4000, 16_379, 16_380, 16_381, 33_000, 70_000, 200_000, 300_000]
        var lengths: [Int] = []
        var bytes: [UInt8] = []
        for index in 0..<Int.random(in: 1..<25, using: &random) {
            let length = max(0, sizes.randomElement(using: &random)! + Int.random(in: -3...3, using: &random))
            lengths.append(length)
            bytes += frame(length, UInt8(truncatingIfNeeded: index))
        }
        let most = [1, 7, 1000, 50_000, 1_000_000].randomElement(using: &random)!
        var rest = bytes.count > 200_000 && most < 1000 ? bytes.prefix(20_000) : bytes[...]
        let isWhole = rest.count == bytes.count
        var frames: [ByteBuffer] = []
        while !rest.isEmpty {
            let atMost = Int.random(in: 1...most, using: &random)
            rest = rest.dropFirst(read(rest, into: receiver, atMost: atMost))
            // Who is refused is not read for until it asks again.
            repeat {
                while let frame = try receiver.next(claim: { _ in Int.random(in: 0..<4, using: &random) > 0 }) {
                    frames.append(frame.body)
                }
            } while receiver.isStarved
        }
        if isWhole { #expect(frames.map(\.readableBytes) == lengths) }
        for (index, frame) in frames.enumerated() {
            #expect(frame.readableBytes == lengths[index])
            #expect(frame.readableBytesView.allSatisfy { $0 == UInt8(truncatingIfNeeded: index) })
        }
    }
}
