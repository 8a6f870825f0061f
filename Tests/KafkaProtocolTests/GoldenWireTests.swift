// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaProtocol
import NIOCore
import Testing

/// Every frame that was recorded between Kafka's brokers and its clients.
@Suite struct GoldenWireTests {
    @Test func everyRecordedFrameIsWrittenAgainToTheSameBytes() throws {
        var frames = 0
        var tokens = 0
        var refused: [String] = []
        var pairs: Set<[Int16]> = []
        for file in try WireRecording.files() {
            for frame in try WireRecording.frames(file) {
                do {
                    guard let read = try frame.readAndRewrite() else {
                        tokens += 1
                        continue
                    }
                    var again = read.rewritten
                    again.writeImmutableBuffer(read.trailing)
                    #expect(again == frame.bytes, "\(frame.name) \(read.apiKey) v\(read.version)")
                    frames += 1
                    pairs.insert([read.apiKey.rawValue, read.version])
                } catch let error as WireError {
                    // Nothing but what the broker refused as well, or answered without having read it.
                    let isFutureApiVersions = frame.apiKey == ApiKey.apiVersions.rawValue && frame.isRequest
                    #expect(frame.wasRefused || isFutureApiVersions, "\(frame.name): \(error)")
                    refused.append("\(frame.name): \(error)")
                }
            }
        }
        #expect(frames > 0)
        print(
            "golden wire: \(frames) frames, \(pairs.count) API versions, \(tokens) SASL tokens,",
            "\(refused.count) refused"
        )
    }

    @Test func everyFrameHoldsWhatKafkaReadFromIt() throws {
        var compared = 0
        for file in try WireRecording.files() {
            let decoded = try WireRecording.decoded(file)
            for frame in try WireRecording.frames(file) {
                guard let view = decoded[frame.sequence] else { continue }
                guard let body = view["body"] as? [String: Any] else {
                    #expect(throws: WireError.self, "\(frame.name)") { try frame.readAndRewrite() }
                    continue
                }
                guard let read = try frame.readAndRewrite() else { continue }
                let differences = JSONView.differences(body, read.message)
                #expect(differences.isEmpty, "\(frame.name) \(read.apiKey) v\(read.version): \(differences)")
                let trailing = (view["trailing_bytes"] as? NSNumber)?.intValue ?? 0
                #expect(read.trailing.readableBytes == trailing, "\(frame.name)")
                compared += 1
            }
        }
        #expect(compared > 0 || ProcessInfo.processInfo.environment["MARTLET_GOLDEN"] != nil)
    }

    @Test func truncatedFramesAreRefusedWithoutATrap() throws {
        for file in try WireRecording.files() {
            for frame in try WireRecording.frames(file) where frame.bytes.readableBytes < 300 {
                // Frames repeat: one cut each, moving along with the sequence, meets all places.
                var cut = frame
                let length = frame.sequence % max(1, frame.bytes.readableBytes)
                cut.bytes = frame.bytes.getSlice(at: frame.bytes.readerIndex, length: length) ?? ByteBuffer()
                _ = try? cut.readAndRewrite()
            }
        }
    }

    @Test func changedFramesAreReadOrRefusedWithoutATrap() throws {
        var random = SeededRandom(seed: 1)
        for file in try WireRecording.files() {
            for frame in try WireRecording.frames(file) where frame.bytes.readableBytes < 2000 {
                var changed = frame
                changed.bytes = ByteBuffer(bytes: random.mutated(Array(frame.bytes.readableBytesView)))
                _ = try? changed.readAndRewrite()
            }
        }
    }
}
