// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KafkaClient

@Suite struct ClientConfigurationTests {
    @Test func propertiesFilesAreReadAsJavaReadsThem() {
        let text = """
            # a comment
            ! another
              bootstrap.servers = a:1,b:2
            client.id:me
            long=one \\
                two
            tab=\\t\\u0041
            key\\ with\\=signs value
            empty
            """
        #expect(
            Properties.parse(text) == [
                "bootstrap.servers": "a:1,b:2", "client.id": "me", "long": "one two", "tab": "\tA",
                "key with=signs": "value", "empty": "",
            ])
    }

    @Test func javaNamesSetTypedValues() throws {
        let configuration = try ClientConfiguration(properties: [
            "bootstrap.servers": "a:1, b:2", "acks": "1", "linger.ms": "5", "compression.type": "zstd",
            "max.poll.records": "7",
            "partition.assignment.strategy":
                "org.apache.kafka.clients.consumer.StickyAssignor", "key.serializer": "x", "no.such.thing": "1",
        ])
        #expect(configuration.bootstrapServers == ["a:1", "b:2"])
        #expect(configuration.acks == .leader)
        #expect(configuration.linger == .milliseconds(5))
        #expect(configuration.compression == .zstd)
        #expect(configuration.maxPollRecords == 7)
        #expect(configuration.assignors == [.sticky])
        #expect(configuration.unknownProperties == ["no.such.thing": "1"])
    }

    @Test func bufferSizesAreTheKernelsUnlessSaid() throws {
        #expect(try ClientConfiguration(properties: ["receive.buffer.bytes": "65536"]).receiveBufferBytes == 65536)
        #expect(try ClientConfiguration(properties: ["send.buffer.bytes": "-1"]).sendBufferBytes == nil)
        #expect(throws: KafkaError.self) { try ClientConfiguration(properties: ["send.buffer.bytes": "-2"]) }
    }

    @Test func idempotenceFollowsAcksUnlessSaid() throws {
        #expect(try ClientConfiguration(properties: [:]).idempotence)
        #expect(try !ClientConfiguration(properties: ["acks": "1"]).idempotence)
        #expect(try ClientConfiguration(properties: ["acks": "1", "enable.idempotence": "true"]).idempotence)
    }

    @Test(arguments: [
        ("acks", "2", "Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1"),
        ("batch.size", "x", "Invalid value x for configuration batch.size: Not a number of type INT"),
        ("max.poll.records", "0", "Invalid value 0 for configuration max.poll.records: Value must be at least 1"),
    ])
    func valuesOutOfRangeAreRefusedInJavasWords(_ name: String, _ value: String, _ message: String) {
        var configuration = ClientConfiguration()
        let error = #expect(throws: KafkaError.self) { try configuration.set(name, value) }
        #expect(error?.message == message)
    }
}
