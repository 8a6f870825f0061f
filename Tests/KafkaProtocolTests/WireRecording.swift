// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaProtocol
import NIOCore

/// One recorded frame, without its length.
struct RecordedFrame {
    var file: String
    var sequence: Int
    var connection: Int
    var isRequest: Bool
    /// As recorded; nil for the raw tokens of SASL.
    var apiKey: Int16?
    var apiVersion: Int16?
    var correlationID: Int32?
    var bytes: ByteBuffer
    /// Whether the broker closed the connection instead of answering this request.
    var wasRefused = false

    var name: String { "\(file) #\(sequence)" }
}

enum WireRecording {
    /// The recordings in golden/wire.
    static func files() throws -> [URL] {
        try GoldenFixtures.files("wire", suffix: ".jsonl.gz")
    }

    static func frames(_ file: URL) throws -> [RecordedFrame] {
        var frames: [RecordedFrame] = []
        for line in try GoldenFixtures.jsonLines(file) {
            guard let hex = line["hex"] as? String, let bytes = ByteBuffer(hex: hex) else { continue }
            frames.append(
                RecordedFrame(
                    file: file.lastPathComponent, sequence: (line["seq"] as? NSNumber)?.intValue ?? -1,
                    connection: (line["connection"] as? NSNumber)?.intValue ?? -1,
                    isRequest: line["direction"] as? String == "request",
                    apiKey: (line["api_key"] as? NSNumber)?.int16Value,
                    apiVersion: (line["api_version"] as? NSNumber)?.int16Value,
                    correlationID: (line["correlation_id"] as? NSNumber)?.int32Value, bytes: bytes))
        }
        // A request without an answer and with nothing after it on its connection was refused, or the recording ended.
        var lastOnConnection: [Int: Int] = [:]
        for (index, frame) in frames.enumerated() { lastOnConnection[frame.connection] = index }
        for index in lastOnConnection.values where frames[index].isRequest { frames[index].wasRefused = true }
        return frames
    }

    /// What Kafka's own classes read, by sequence number; empty when it was not recorded.
    static func decoded(_ file: URL) throws -> [Int: [String: Any]] {
        let decoded = file.deletingLastPathComponent().appendingPathComponent("decoded")
            .appendingPathComponent(file.lastPathComponent)
        guard FileManager.default.fileExists(atPath: decoded.path) else { return [:] }
        var bodies: [Int: [String: Any]] = [:]
        for line in try GoldenFixtures.jsonLines(decoded) {
            if let sequence = (line["seq"] as? NSNumber)?.intValue { bodies[sequence] = line }
        }
        return bodies
    }
}

extension ByteBuffer {
    /// Bytes from two hexadecimal digits each; spaces do not count.
    init?(hex: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(hex.utf8.count / 2)
        var high: UInt8?
        for character in hex.utf8 where character != UInt8(ascii: " ") {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard high == nil else { return nil }
        self.init(bytes: bytes)
    }
}

/// A frame, read to its end.
struct ReadFrame {
    var apiKey: ApiKey
    var version: Int16
    var direction: MessageDirection
    var message: any ApiMessage
    /// The frame, written again from what was read.
    var rewritten: ByteBuffer
    /// Bytes after the message: some clients send one too many, and Kafka ignores it.
    var trailing: ByteBuffer
}

extension RecordedFrame {
    /// Reads header and body and writes both again. Nil for the raw tokens of SASL.
    func readAndRewrite() throws -> ReadFrame? {
        guard let apiVersion, let rawKey = apiKey else { return nil }
        if isRequest {
            let (header, body) = try Frame.decodeRequest(bytes)
            return try rewrite(header.apiKey, header.apiVersion, .request, body) { writer in
                try header.write(to: &writer)
            }
        }
        guard let apiKey = ApiKey(rawValue: rawKey) else { throw WireError.unknownApiKey(rawKey) }
        let version = try Frame.responseVersion(apiKey, requestVersion: apiVersion)
        var body = bytes
        let header = try ResponseHeader(from: &body, apiKey: apiKey, apiVersion: version)
        return try rewrite(apiKey, version, .response, body) { writer in
            try header.write(to: &writer, apiKey: apiKey, apiVersion: version)
        }
    }

    private func rewrite(
        _ apiKey: ApiKey, _ version: Int16, _ direction: MessageDirection, _ body: ByteBuffer,
        writeHeader: (inout WireWriter) throws -> Void
    ) throws -> ReadFrame {
        var trailing = 0
        let message = try AnyMessage.decode(apiKey, version: version, direction, body: body, trailing: &trailing)
        var writer = WireWriter(version: version, flexible: version >= apiKey.firstFlexibleVersion)
        try writeHeader(&writer)
        try message.write(to: &writer)
        let rest = body.getSlice(at: body.writerIndex - trailing, length: trailing) ?? ByteBuffer()
        return ReadFrame(
            apiKey: apiKey, version: version, direction: direction, message: message,
            rewritten: try writer.finishInOneBuffer(), trailing: rest)
    }
}
