// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaProtocol
import NIOCore

/// Damages recorded frames: whole ones, with their headers, and bodies read as any version of their API.
enum ProtocolFuzz {
    private struct Sample {
        var apiKey: ApiKey
        var version: Int16
        var direction: MessageDirection
        var bytes: [UInt8]
    }

    private struct Unstable: Error, CustomStringConvertible {
        var description: String
    }

    static func run(iterations: Int, seed: UInt64) throws -> String {
        let samples = try samples()
        var random = SeededRandom(seed: seed)
        var counts: [String: Int] = [:]
        for iteration in 0..<iterations {
            let sample = samples[Int.random(in: 0..<samples.count, using: &random)]
            let bytes = random.mutated(sample.bytes)
            let otherVersion = Int.random(in: 0..<4, using: &random) == 0
            let version = otherVersion ? sample.apiKey.versions.randomElement(using: &random) : nil
            do {
                let trailing = try check(sample, version: version ?? sample.version, bytes)
                counts[trailing == 0 ? "read" : "read with bytes left", default: 0] += 1
            } catch let error as WireError {
                let kind = String(describing: error).prefix { $0 != "(" }
                counts[String(kind), default: 0] += 1
            } catch {
                throw Unstable(description: "seed \(seed), input \(iteration), \(sample.apiKey): \(error)")
            }
        }
        return counts.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    /// Reads the bytes; what was read must be written and read again to the same bytes.
    private static func check(_ sample: Sample, version: Int16, _ bytes: [UInt8]) throws -> Int {
        var body = ByteBuffer(bytes: bytes)
        var apiKey = sample.apiKey
        var version = version
        switch sample.direction {
        case .request:
            let (header, rest) = try Frame.decodeRequest(body)
            // A changed version may well exist, and a changed key too.
            if header.apiVersion != sample.version || header.apiKey != sample.apiKey {
                (apiKey, version) = (header.apiKey, header.apiVersion)
            }
            body = rest
        case .response:
            _ = try ResponseHeader(from: &body, apiKey: apiKey, apiVersion: version)
        }
        var trailing = 0
        let message = try AnyMessage.decode(
            apiKey, version: version, sample.direction, body: body, trailing: &trailing)
        let written: ByteBuffer
        let again: ByteBuffer
        do {
            written = try message.encoded(version: version)
            again = try AnyMessage.decode(apiKey, version: version, sample.direction, body: written)
                .encoded(version: version)
        } catch WireError.tooLong {
            // Replacing what is not UTF-8 makes a string longer.
            return trailing
        } catch {
            throw Unstable(description: "v\(version) was read but not written: \(error)")
        }
        guard written == again else { throw Unstable(description: "v\(version) is written in two ways") }
        return trailing
    }

    private static func samples() throws -> [Sample] {
        var samples: [Sample] = []
        for file in try GoldenFixtures.files("wire", suffix: ".jsonl.gz") {
            for line in try GoldenFixtures.jsonLines(file) {
                guard let hex = line["hex"] as? String, hex.utf8.count < 8000,
                    let apiKey = (line["api_key"] as? NSNumber).flatMap({ ApiKey(rawValue: $0.int16Value) }),
                    let version = (line["api_version"] as? NSNumber)?.int16Value, apiKey.versions.contains(version)
                else { continue }
                let digits = Array(hex.utf8)
                let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                    UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
                }
                let isRequest = line["direction"] as? String == "request"
                samples.append(
                    Sample(apiKey: apiKey, version: version, direction: isRequest ? .request : .response, bytes: bytes))
            }
        }
        return samples
    }
}
