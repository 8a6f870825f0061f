// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaProtocol
import NIOCore
import ProtocolGenerator
import Testing

/// Every message in every version, against bytes that come out of the schema by another way.
@Suite struct GeneratedMessageTests {
    @Test func everyVersionOfEveryMessageIsReadAndWrittenAsItsSchemaSays() throws {
        var schemaBytes = SchemaBytes(seed: 7)
        for (message, type) in try Self.messages() {
            for version in message.versions.low...message.versions.high {
                for _ in 0..<6 {
                    let body = schemaBytes.body(of: message, version: version)
                    var trailing = -1
                    let value = try type.init(decoding: body, version: Int16(version), trailing: &trailing)
                    #expect(trailing == 0)
                    #expect(try value.encoded(version: Int16(version)) == body, "\(message.name) v\(version)")
                }
            }
        }
    }

    @Test func arraysOfTheSmallestElementsAreNotTakenForTooLong() throws {
        var schemaBytes = SchemaBytes(seed: 12)
        for (message, type) in try Self.messages() {
            for version in message.versions.low...message.versions.high {
                for depth in 0...4 {
                    schemaBytes.smallestBelow = depth
                    let body = schemaBytes.body(of: message, version: version)
                    let value = try type.init(decoding: body, version: Int16(version))
                    #expect(try value.encoded(version: Int16(version)) == body, "\(message.name) v\(version)")
                }
            }
        }
    }

    @Test func aMessageThatEndsTooEarlyIsRefused() throws {
        var schemaBytes = SchemaBytes(seed: 8)
        for (message, type) in try Self.messages() {
            for version in message.versions.low...message.versions.high {
                let body = schemaBytes.body(of: message, version: version)
                let length = body.readableBytes
                // Every place in short ones, many in long ones.
                for end in stride(from: 0, to: length, by: max(1, length / 40)) {
                    let cut = body.getSlice(at: 0, length: end) ?? ByteBuffer()
                    #expect(throws: WireError.self, "\(message.name) v\(version) cut at \(end) of \(length)") {
                        try type.init(decoding: cut, version: Int16(version))
                    }
                }
            }
        }
    }

    @Test func damagedMessagesAreReadOrRefusedWithoutATrap() throws {
        var schemaBytes = SchemaBytes(seed: 9)
        var random = SeededRandom(seed: 10)
        for (message, type) in try Self.messages() {
            for version in message.versions.low...message.versions.high {
                let body = Array(schemaBytes.body(of: message, version: version).readableBytesView)
                for _ in 0..<10 {
                    _ = try? type.init(decoding: ByteBuffer(bytes: random.mutated(body)), version: Int16(version))
                }
            }
        }
    }

    @Test func whatAVersionCannotExpressIsRefusedUnlessItMayBeIgnored() throws {
        var schemaBytes = SchemaBytes(seed: 11)
        schemaBytes.fillsEverything = true
        schemaBytes.addsUnknownTags = false
        var refusals = 0
        for (message, type) in try Self.messages() {
            for source in message.versions.low...message.versions.high {
                let body = schemaBytes.body(of: message, version: source)
                let value = try type.init(decoding: body, version: Int16(source))
                for target in message.versions.low...message.versions.high {
                    let lost = Self.lost(message.fields, message, from: source, to: target)
                    do {
                        let written = try value.encoded(version: Int16(target))
                        #expect(lost.isEmpty, "\(message.name) v\(source) as v\(target) dropped \(lost)")
                        let again = try type.init(decoding: written, version: Int16(target))
                        #expect(try again.encoded(version: Int16(target)) == written)
                    } catch WireError.fieldNotInVersion(let field, let version) {
                        #expect(lost.contains(field) && Int(version) == target, "\(message.name) \(field)")
                        refusals += 1
                    }
                }
            }
        }
        #expect(refusals > 100)
    }

    @Test func emptyMessagesAreWrittenInEveryVersion() throws {
        for (message, type) in try Self.messages() {
            for version in message.versions.low...message.versions.high {
                let empty = type.init()
                let body = try empty.encoded(version: Int16(version))
                #expect(try type.init(decoding: body, version: Int16(version)).encoded(version: Int16(version)) == body)
            }
        }
    }

    @Test func versionsOutsideOfTheRangeAreRefused() throws {
        for apiKey in ApiKey.allCases {
            for direction in MessageDirection.allCases {
                for version in [apiKey.versions.lowerBound - 1, apiKey.versions.upperBound + 1] {
                    #expect(throws: WireError.unsupportedVersion(apiKey, version)) {
                        try AnyMessage.decode(apiKey, version: version, direction, body: ByteBuffer())
                    }
                    #expect(throws: WireError.unsupportedVersion(apiKey, version)) {
                        try AnyMessage.type(apiKey, direction).init().encoded(version: version)
                    }
                }
            }
        }
    }

    @Test func generatedSourcesAreInStepWithTheSchemas() throws {
        let files = try SchemaBytes.schemas()
        let directory = SchemaBytes.protocolDirectory.appendingPathComponent("Generated")
        for file in files {
            let source = try String(
                contentsOf: directory.appendingPathComponent("\(file.name).swift"), encoding: .utf8)
            #expect(try SwiftEmitter.emit(file) == source, "\(file.name)")
        }
        let table = try String(contentsOf: directory.appendingPathComponent("MessageTable.swift"), encoding: .utf8)
        #expect(TableEmitter.emit(files) == table)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == files.count + 1)
    }

    // MARK: Helpers

    /// All schemas with their types.
    private static func messages() throws -> [(Message, any VersionedMessage.Type)] {
        let data: [String: any VersionedMessage.Type] = [
            "ConsumerProtocolSubscription": ConsumerProtocolSubscription.self,
            "ConsumerProtocolAssignment": ConsumerProtocolAssignment.self,
            "OffsetCommitKey": OffsetCommitKey.self,
            "OffsetCommitValue": OffsetCommitValue.self,
            "GroupMetadataKey": GroupMetadataKey.self,
            "GroupMetadataValue": GroupMetadataValue.self,
            "TransactionLogKey": TransactionLogKey.self,
            "TransactionLogValue": TransactionLogValue.self,
        ]
        let messages = try SchemaBytes.schemas().flatMap(\.messages)
        let typed = try messages.map { message -> (Message, any VersionedMessage.Type) in
            guard let api = message.api else { return (message, try #require(data[message.name])) }
            let apiKey = try #require(ApiKey(rawValue: Int16(api.key)))
            #expect(apiKey.description == api.name)
            return (message, AnyMessage.type(apiKey, message.kind == .request ? .request : .response))
        }
        #expect(typed.count == 2 * ApiKey.allCases.count + data.count)
        return typed
    }

    /// The fields that are set in one version, missing in another, and not to be dropped.
    private static func lost(_ fields: [Field], _ message: Message, from source: Int, to target: Int) -> Set<String> {
        var names: Set<String> = []
        for field in fields where field.versions.contains(source) {
            if !field.versions.contains(target) {
                if !field.isIgnorable { names.insert(field.name) }
            } else if case .structure(let name) = field.element {
                names.formUnion(lost(message.structure(name)?.fields ?? [], message, from: source, to: target))
            }
        }
        return names
    }
}
