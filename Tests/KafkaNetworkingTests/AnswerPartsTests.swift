// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import KafkaProtocol
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import KafkaNetworking

/// How many packets, and so wake-ups of the client, an answer costs.
@Suite struct AnswerPartsTests {
    private func parts(_ correlationID: Int32, _ region: FileRegion) -> [WirePart] {
        var head = ByteBuffer(integer: Int32(4 + 3 + region.readableBytes + 2))
        head.writeInteger(correlationID)
        head.writeBytes([1, 2, 3])
        return [.bytes(head), .file(region), .bytes(ByteBuffer(bytes: [8, 9]))]
    }

    // More than half of a new connection's window would take two packets in any case.
    @Test(arguments: [100, AnswerParts.mostCopied, 24_000])
    func headRegionAndTailTravelTogether(_ size: Int) async throws {
        try await withTemporaryFile(ByteBuffer(repeating: 5, count: 100_000)) { handle in
            let handler = ClosureHandler { request, responder in
                let region = FileRegion(fileHandle: handle, readerIndex: 1000, endIndex: 1000 + size)
                responder.send(parts(request.header.correlationID, region))
            }
            try await withListener(handler) { listener in
                let client = try RawClient(port: listener.port)
                for number: Int32 in 0..<5 {
                    let before = client.packetsReceived
                    try await client.send(request(number))
                    let answer = try #require(try await client.response())
                    #expect(answer.correlationID == number)
                    #expect(answer.body == [1, 2, 3] + [UInt8](repeating: 5, count: size) + [8, 9])
                    #expect(client.packetsReceived == before + 1)
                }
            }
        }
    }

    @Test func answersThatComeAtTheSameTimeTravelTogether() async throws {
        let waiting = Mutex<[(Responder, [WirePart])]>([])
        let handler = ClosureHandler { request, responder in
            guard request.header.correlationID == 4 else {
                waiting.withLock { $0.append((responder, request.echo)) }
                return responder.started()
            }
            // The loop stands still here while another thread answers the others.
            let answered = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                for (responder, answer) in waiting.withLock({ $0 }) { responder.send(answer) }
                answered.signal()
            }
            answered.wait()
            responder.send(request.echo)
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            let before = client.packetsReceived
            try await client.send((0..<5).flatMap { request($0) })
            for number: Int32 in 0..<5 { #expect(try await client.response()?.correlationID == number) }
            #expect(client.packetsReceived == before + 1)
        }
    }

    @Test func onlySmallAnswersOfSeveralPartsAreCopied() async throws {
        try await withTemporaryFile(ByteBuffer(repeating: 5, count: 30_000)) { handle in
            func gathered(_ parts: [WirePart]) -> ByteBuffer? {
                AnswerParts.gathered(parts, count: parts.reduce(0) { $0 + $1.readableBytes }, ByteBufferAllocator())
            }
            func region(_ start: Int, _ count: Int) -> FileRegion {
                FileRegion(fileHandle: handle, readerIndex: start, endIndex: start + count)
            }
            #expect(gathered(parts(1, region(0, 10)))?.readableBytes == 8 + 3 + 10 + 2)
            #expect(gathered(parts(1, region(0, AnswerParts.mostCopied))) == nil)
            #expect(gathered([.bytes(ByteBuffer(bytes: [1]))]) == nil)
            // The file is shorter than it was said to be.
            #expect(gathered(parts(1, region(29_000, 2000))) == nil)
        }
    }
}
