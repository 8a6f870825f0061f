// SPDX-License-Identifier: Apache-2.0

import Foundation
import KafkaModel
import KafkaProtocol
import NIOCore
import Testing

/// The hand-written parts, against literal bytes.
@Suite struct WireTests {
    private static func bytes(_ hex: String) throws -> ByteBuffer { try #require(ByteBuffer(hex: hex)) }

    // MARK: Headers

    @Test func onlyControlledShutdownZeroHasAHeaderWithoutClientID() throws {
        // key 7, version 0, correlation 5; body: broker 2
        let frame = try Self.bytes("0007 0000 00000005 00000002")
        let (header, body) = try Frame.decodeRequest(frame)
        #expect(header == RequestHeader(apiKey: .controlledShutdown, apiVersion: 0, correlationID: 5, clientID: nil))
        let request = try ControlledShutdownRequest(decoding: body, version: 0)
        #expect(request.brokerID == 2)
        let written = try Frame.encodeRequest(header, request)
        #expect(try written == Self.bytes("0000000c 0007 0000 00000005 00000002"))
    }

    @Test func aHeaderBeforeAFlexibleBodyKeepsAPlainClientIDAndEndsWithTags() throws {
        // key 12, version 4, correlation 9, client "ab" with an int16 length, one tagged field 7 of two bytes
        let frame = try Self.bytes("000c 0004 00000009 0002 6162 01 07 02 beef 0267 00000001 026d 00 00")
        let (header, body) = try Frame.decodeRequest(frame)
        #expect(header.clientID == "ab")
        #expect(header.unknownTaggedFields == [UnknownTaggedField(tag: 7, bytes: [0xbe, 0xef])])
        let request = try HeartbeatRequest(decoding: body, version: 4)
        #expect(request == HeartbeatRequest(groupID: "g", generationID: 1, memberID: "m"))
        var written = try Frame.encodeRequest(header, request)
        #expect(written.readInteger(as: Int32.self).map(Int.init) == frame.readableBytes)
        #expect(written == frame)
    }

    @Test func aNullClientIDIsRead() throws {
        let (header, body) = try Frame.decodeRequest(Self.bytes("0012 0000 00000001 ffff"))
        #expect(header.clientID == nil)
        #expect(body.readableBytes == 0)
    }

    @Test func anUnknownApiKeyIsRefused() throws {
        #expect(throws: WireError.unknownApiKey(999)) { try Frame.decodeRequest(Self.bytes("03e7 0000 00000001 ffff")) }
    }

    @Test func aResponseToApiVersionsHasNoTagsInItsHeader() throws {
        let answer = ApiVersionsResponse(errorCode: .none, apiKeys: [.init(apiKey: 18, minVersion: 0, maxVersion: 4)])
        let parts = try Frame.encodeResponse(correlationID: 3, answer, version: 3)
        // length, correlation id, error, one key of seven bytes, throttle time, no tags
        try Self.expect(parts, "00000013 00000003 0000 02 0012 0000 0004 00 00000000 00")
    }

    @Test func anApiVersionsRequestFromTheFutureIsAnsweredInVersionZero() throws {
        let answer = ApiVersionsResponse(
            errorCode: .unsupportedVersion, apiKeys: [.init(apiKey: 18, minVersion: 0, maxVersion: 4)])
        let parts = try Frame.encodeResponse(correlationID: 0x1092, answer, version: 99)
        // As Kafka 3.9 answers version 99.
        try Self.expect(parts, "00000010 00001092 0023 00000001 0012 0000 0004")
    }

    @Test func otherRequestsFromTheFutureHaveNoAnswer() {
        #expect(throws: WireError.unsupportedVersion(.metadata, 13)) {
            try Frame.encodeResponse(correlationID: 1, MetadataResponse(), version: 13)
        }
    }

    private static func expect(_ parts: [WirePart], _ hex: String) throws {
        guard parts.count == 1, case .bytes(let written) = parts[0] else {
            Issue.record("not one buffer")
            return
        }
        #expect(try written == bytes(hex))
    }

    // MARK: Reader

    @Test func aCountThatTheBytesCannotHoldIsRefusedBeforeMemoryIsTaken() throws {
        // Metadata v1 asks for 2147483647 topics, of at least one byte each, and ends.
        #expect(throws: WireError.countTooLarge(2_147_483_647)) {
            try MetadataRequest(decoding: Self.bytes("7fffffff"), version: 1)
        }
        // A compact count of 4294967294.
        #expect(throws: WireError.countTooLarge(4_294_967_294)) {
            try MetadataRequest(decoding: Self.bytes("ffffffff0f"), version: 9)
        }
    }

    @Test func variableLengthNumbersEndInTime() throws {
        func read(_ hex: String) throws -> UInt32 {
            var reader = WireReader(try Self.bytes(hex), version: 0, flexible: true)
            return try reader.readUnsignedVarint()
        }
        #expect(try read("00") == 0)
        #expect(try read("7f") == 127)
        #expect(try read("8001") == 128)
        #expect(try read("ffffffff0f") == .max)
        #expect(throws: WireError.overlongVarint) { try read("ffffffff10") }
        #expect(throws: WireError.overlongVarint) { try read("808080808001") }
        #expect(throws: WireError.truncated) { try read("80") }
    }

    @Test func nullIsRefusedWhereItMayNotBe() throws {
        // Group id null.
        #expect(throws: WireError.unexpectedNull) { try HeartbeatRequest(decoding: Self.bytes("ffff"), version: 0) }
        // All topics: null only since version 1, an empty list before.
        #expect(throws: WireError.unexpectedNull) { try MetadataRequest(decoding: Self.bytes("ffffffff"), version: 0) }
        #expect(try MetadataRequest(decoding: Self.bytes("ffffffff"), version: 1).topics == nil)
        #expect(throws: WireError.nullNotInVersion(field: "topics", version: 0)) {
            try MetadataRequest(topics: nil).encoded(version: 0)
        }
    }

    @Test func negativeLengthsMeanNullAsInKafka() throws {
        #expect(try MetadataRequest(decoding: Self.bytes("fffffffb"), version: 1).topics == nil)
    }

    @Test func stringsAreAtMostOfInt16Length() throws {
        let longest = String(repeating: "x", count: 32767)
        let body = try HeartbeatRequest(groupID: longest).encoded(version: 4)
        #expect(try HeartbeatRequest(decoding: body, version: 4).groupID == longest)
        #expect(throws: WireError.tooLong(32768)) { try HeartbeatRequest(groupID: longest + "x").encoded(version: 4) }
        #expect(throws: WireError.tooLong(32768)) { try HeartbeatRequest(groupID: longest + "x").encoded(version: 0) }
        #expect(throws: WireError.tooLong(32768)) { try HeartbeatRequest(decoding: Self.bytes("818002"), version: 4) }
    }

    @Test func textThatIsNotUTF8IsReplacedAsInKafka() throws {
        let request = try SaslHandshakeRequest(decoding: Self.bytes("0003 61 ff 62"), version: 0)
        #expect(request.mechanism == "a\u{fffd}b")
    }

    @Test func bytesAfterAMessageAreIgnoredButCounted() throws {
        var trailing = 0
        let body = try Self.bytes("0001 61 dead")
        let request = try SaslHandshakeRequest(decoding: body, version: 0, trailing: &trailing)
        #expect(request.mechanism == "a" && trailing == 2)
        #expect(throws: WireError.trailingBytes(2)) {
            try AnyMessage.decode(.saslHandshake, version: 0, .request, body: body)
        }
    }

    // MARK: Tagged fields

    @Test func knownAndUnknownTaggedFieldsKeepTheirOrder() throws {
        var response = ApiVersionsResponse()
        response.finalizedFeaturesEpoch = 5
        response.zkMigrationReady = true
        response.unknownTaggedFields = [
            UnknownTaggedField(tag: 9, bytes: [0xaa]), UnknownTaggedField(tag: 2, bytes: [1]),
        ]
        let body = try response.encoded(version: 3)
        // error, no keys, throttle time; four tags: 1 epoch, 2 unknown here, 3 flag, 9 unknown
        #expect(
            try body
                == Self.bytes("0000 01 00000000 04 01 08 0000000000000005 02 01 01 03 01 01 09 01 aa"))
        // Tag 2 is a feature list: one byte 01 is an empty one. What is empty is not written again.
        let read = try ApiVersionsResponse(decoding: body, version: 3)
        #expect(read.finalizedFeaturesEpoch == 5 && read.zkMigrationReady)
        #expect(read.unknownTaggedFields == [UnknownTaggedField(tag: 9, bytes: [0xaa])])
    }

    @Test func longTaggedFieldsMoveAsideForTheirSize() throws {
        let endpoints = (0..<40).map {
            ProduceResponse.NodeEndpoint(nodeID: $0, host: "host-\($0).example", port: 9092)
        }
        let response = ProduceResponse(nodeEndpoints: endpoints)
        let body = try response.encoded(version: 10)
        #expect(body.readableBytes > 300)
        #expect(try ProduceResponse(decoding: body, version: 10) == response)
    }

    @Test func aTaggedFieldMustFillItsSize() throws {
        // ApiVersions v3: tag 3 is one byte, here in a size of two; then in a size of none.
        #expect(throws: WireError.taggedFieldSize(3)) {
            try ApiVersionsResponse(decoding: Self.bytes("0000 01 00000000 01 03 02 0100"), version: 3)
        }
        #expect(throws: WireError.truncated) {
            try ApiVersionsResponse(decoding: Self.bytes("0000 01 00000000 01 03 00 01"), version: 3)
        }
    }

    @Test func unknownTaggedFieldsNeedAFlexibleVersion() throws {
        var request = HeartbeatRequest()
        request.unknownTaggedFields = [UnknownTaggedField(tag: 1, bytes: [])]
        #expect(throws: WireError.taggedFieldsNotInVersion(3)) { try request.encoded(version: 3) }
        #expect(try HeartbeatRequest(decoding: request.encoded(version: 4), version: 4) == request)
    }

    @Test func aTagOfALaterVersionIsUnknownInAnEarlierOne() throws {
        // Fetch v12 does not know node endpoints (tag 0, since 16), but keeps them.
        let body = try Self.bytes("00000000 0000 00000000 01 01 00 01 07")
        let response = try FetchResponse(decoding: body, version: 12)
        #expect(response.nodeEndpoints.isEmpty)
        #expect(response.unknownTaggedFields == [UnknownTaggedField(tag: 0, bytes: [7])])
        #expect(try response.encoded(version: 12) == body)
    }

    // MARK: Structures that may be null

    @Test func aNullableStructureHasAByteBeforeIt() throws {
        var response = ConsumerGroupHeartbeatResponse(memberID: "m", memberEpoch: 1, heartbeatIntervalMs: 2)
        #expect(try response.encoded(version: 0) == Self.bytes("00000000 0000 00 026d 00000001 00000002 ff 00"))
        response.assignment = .init(topicPartitions: [])
        let body = try response.encoded(version: 0)
        #expect(try body == Self.bytes("00000000 0000 00 026d 00000001 00000002 01 01 00 00"))
        #expect(try ConsumerGroupHeartbeatResponse(decoding: body, version: 0) == response)
    }

    // MARK: Records

    @Test func recordDataIsNotCopied() throws {
        let records = ByteBuffer(bytes: [UInt8](repeating: 7, count: 10_000))
        let topic = ProduceRequest.TopicProduceData(
            name: "t", partitionData: [.init(index: 0, records: .bytes(records))])
        let request = ProduceRequest(acks: 1, timeoutMs: 1000, topicData: [topic])
        let header = RequestHeader(apiKey: .produce, apiVersion: 9, correlationID: 1, clientID: nil)
        let parts = try Frame.encodeRequestParts(header, request)
        #expect(parts.count == 3)
        guard case .bytes(let part) = parts[1] else { return #expect(Bool(false), "not bytes") }
        #expect(Self.address(part) == Self.address(records))

        var frame = try Frame.encodeRequest(header, request)
        #expect(frame.readInteger(as: Int32.self).map(Int.init) == frame.readableBytes)
        let (_, body) = try Frame.decodeRequest(frame)
        let read = try ProduceRequest(decoding: body, version: 9)
        #expect(read == request)
        guard case .bytes(let slice) = read.topicData[0].partitionData[0].records else {
            return #expect(Bool(false), "not bytes")
        }
        let offset = Self.address(slice) - Self.address(frame)
        #expect(offset > 0 && offset < frame.readableBytes)
    }

    @Test func recordDataMayLieInFiles() throws {
        let descriptor = open("/dev/null", O_RDONLY)
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
        defer { try? handle.close() }
        let regions = [
            FileRegion(fileHandle: handle, readerIndex: 100, endIndex: 350),
            FileRegion(fileHandle: handle, readerIndex: 1000, endIndex: 1050),
        ]
        let partition = FetchResponse.PartitionData(partitionIndex: 3, highWatermark: 9, records: .regions(regions))
        let response = FetchResponse(responses: [.init(topicID: .zero, partitions: [partition, .init()])])
        let parts = try Frame.encodeResponse(correlationID: 4, response, version: 17)
        guard parts.count == 4, case .bytes(var start) = parts[0], case .file(let first) = parts[1],
            case .file(let second) = parts[2], case .bytes = parts[3]
        else { return #expect(Bool(false), "\(parts.count) parts") }
        #expect([first, second] == regions)
        let length = parts.reduce(0) { $0 + $1.readableBytes }
        #expect(start.readInteger(as: Int32.self).map(Int.init) == length - 4)
        // The compact length of the records: 300 + 1.
        #expect(Array(start.readableBytesView.suffix(2)) == [0xad, 0x02])
        #expect(throws: WireError.recordsInFiles) { try response.encoded(version: 17) }
    }

    private static func address(_ buffer: ByteBuffer) -> Int {
        buffer.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
    }

    // MARK: Errors on their way out

    @Test func theErrorsOfAnAnswerAreNotedWhereverTheyStand() throws {
        var response = ProduceResponse()
        for (topic, errors) in [("a", [ErrorCode.none, .corruptMessage]), ("b", [.notLeaderOrFollower, .none])] {
            var wire = ProduceResponse.TopicProduceResponse()
            wire.name = topic
            wire.partitionResponses = errors.map {
                var partition = ProduceResponse.PartitionProduceResponse()
                partition.errorCode = $0
                return partition
            }
            response.responses.append(wire)
        }
        let (parts, errors) = try Frame.encodeResponseNotingErrors(correlationID: 7, response, version: 9)
        #expect(errors == [.corruptMessage, .notLeaderOrFollower])
        #expect(parts.count == 1)
        let plain = try Frame.encodeResponse(correlationID: 7, response, version: 9)
        guard case .bytes(let noting)? = parts.first, case .bytes(let same)? = plain.first else {
            Issue.record("not in one buffer")
            return
        }
        #expect(noting == same)
        let fine = try Frame.encodeResponseNotingErrors(correlationID: 7, HeartbeatResponse(), version: 4)
        #expect(fine.errors.isEmpty)
    }

    // MARK: Data with its version

    @Test func storedDataBeginsWithItsVersion() throws {
        let key = OffsetCommitKey(group: "g", topic: "t", partition: 1)
        let bytes = try key.encodedWithVersion(1)
        #expect(try bytes == Self.bytes("0001 0001 67 0001 74 00000001"))
        #expect(try OffsetCommitKey(withVersion: bytes) == key)
        #expect(throws: WireError.unsupportedDataVersion(2)) {
            try OffsetCommitKey(withVersion: Self.bytes("0002 0001 67"))
        }
    }

    @Test func aSubscriptionOfALaterVersionIsReadAsTheLatest() throws {
        var bytes = try ConsumerProtocolSubscription(topics: ["t"], generationID: 4).encodedWithVersion(3)
        bytes.setInteger(Int16(9), at: 0)
        bytes.writeInteger(Int32(77))
        let subscription = try ConsumerProtocolSubscription(withVersion: bytes, laterAsLatest: true)
        #expect(subscription.topics == ["t"] && subscription.generationID == 4)
        #expect(throws: WireError.unsupportedDataVersion(9)) { try ConsumerProtocolSubscription(withVersion: bytes) }
    }
}
