// SPDX-License-Identifier: Apache-2.0

import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaClient
@testable import KafkaTools

/// What the formatters of Kafka 3.9 print of the records in internal topics, by their new classes and by the old ones.
@Suite struct MessageFormatterTests {
    private static let groups = "kafka.coordinator.group.GroupMetadataManager$"
    private static let tools = "org.apache.kafka.tools.consumer."

    private func printed(_ formatter: String, _ key: ByteBuffer?, _ value: ByteBuffer?) throws -> String {
        let console = Console.memory()
        let record = ConsumerRecord(
            topic: "__consumer_offsets", partition: 0, offset: 0, timestamp: 0, timestampType: .createTime, key: key,
            value: value, headers: [], leaderEpoch: nil)
        try MessageFormatter(formatter: formatter, properties: [:]).write(record, to: console)
        return console.output
    }

    private func offsetKey() throws -> ByteBuffer {
        var key = OffsetCommitKey()
        (key.group, key.topic, key.partition) = ("g", "t", 3)
        return try key.encodedWithVersion(1)
    }

    private func groupKey() throws -> ByteBuffer {
        var key = GroupMetadataKey()
        key.group = "g"
        return try key.encodedWithVersion(2)
    }

    @Test func offsets() throws {
        let key = try offsetKey()
        var value = OffsetCommitValue(offset: 7, leaderEpoch: 2, metadata: "m\"", commitTimestamp: 99)
        let newest = try value.encodedWithVersion(3)
        #expect(
            try printed(Self.tools + "OffsetsMessageFormatter", key, newest)
                == #"{"key":{"version":1,"data":{"group":"g","topic":"t","partition":3}},"value":{"version":3,"data":{"offset":7,"leaderEpoch":2,"metadata":"m\"","commitTimestamp":99}}}"#
        )
        #expect(
            try printed(Self.groups + "OffsetsMessageFormatter", key, newest)
                == "[g,t,3]::OffsetAndMetadata(offset=7, leaderEpoch=Optional[2], metadata=m\", commitTimestamp=99, expireTimestamp=None)\n"
        )
        (value.leaderEpoch, value.metadata, value.expireTimestamp) = (-1, "", 100)
        let old = try value.encodedWithVersion(1)
        #expect(
            try printed(Self.tools + "OffsetsMessageFormatter", key, old)
                == #"{"key":{"version":1,"data":{"group":"g","topic":"t","partition":3}},"value":{"version":1,"data":{"offset":7,"metadata":"","commitTimestamp":99,"expireTimestamp":100}}}"#
        )
        #expect(
            try printed(Self.groups + "OffsetsMessageFormatter", key, old)
                == "[g,t,3]::OffsetAndMetadata(offset=7, leaderEpoch=Optional.empty, metadata=, commitTimestamp=99, expireTimestamp=Some(100))\n"
        )
        #expect(
            try printed(Self.tools + "OffsetsMessageFormatter", key, nil)
                == #"{"key":{"version":1,"data":{"group":"g","topic":"t","partition":3}},"value":null}"#)
        #expect(try printed(Self.groups + "OffsetsMessageFormatter", key, nil) == "[g,t,3]::NULL\n")
    }

    @Test func eachFormatterIsForOneKindOfKey() throws {
        for prefix in [Self.tools, Self.groups] {
            #expect(try printed(prefix + "OffsetsMessageFormatter", try groupKey(), nil).isEmpty)
            #expect(try printed(prefix + "GroupMetadataMessageFormatter", try offsetKey(), nil).isEmpty)
        }
        let unknown = ByteBuffer(bytes: [0, 9, 1])
        #expect(
            try printed(Self.tools + "GroupMetadataMessageFormatter", unknown, unknown)
                == #"{"key":{"version":9,"data":"unknown"},"value":{"version":9,"data":"unknown"}}"#)
        #expect(try printed(Self.groups + "GroupMetadataMessageFormatter", unknown, unknown).isEmpty)
        #expect(
            try printed(Self.tools + "OffsetsMessageFormatter", nil, nil) == #"{"key":null,"value":null}"#)
    }

    @Test func groupsWithAndWithoutMembers() throws {
        let key = try groupKey()
        var value = GroupMetadataValue()
        (value.protocolType, value.generation, value.protocol, value.leader) = ("consumer", 4, "range", "m")
        value.currentStateTimestamp = 5
        var member = GroupMetadataValue.MemberMetadata()
        (member.memberID, member.groupInstanceID, member.clientID, member.clientHost) = ("m", "i", "c", "/h")
        (member.rebalanceTimeout, member.sessionTimeout) = (300, 10)
        (member.subscription, member.assignment) = ([0, 1], [255])
        value.members = [member]
        #expect(
            try printed(Self.tools + "GroupMetadataMessageFormatter", key, try value.encodedWithVersion(3))
                == #"{"key":{"version":2,"data":{"group":"g"}},"value":{"version":3,"data":{"protocolType":"consumer","generation":4,"protocol":"range","leader":"m","currentStateTimestamp":5,"members":[{"memberId":"m","groupInstanceId":"i","clientId":"c","clientHost":"/h","rebalanceTimeout":300,"sessionTimeout":10,"subscription":"AAE=","assignment":"/w=="}]}}}"#
        )
        #expect(
            try printed(Self.groups + "GroupMetadataMessageFormatter", key, try value.encodedWithVersion(3))
                == "g::GroupMetadata(groupId=g, generation=4, protocolType=Some(consumer), currentState=Stable, members=HashMap(m -> MemberMetadata(memberId=m, groupInstanceId=Some(i), clientId=c, clientHost=/h, sessionTimeoutMs=10, rebalanceTimeoutMs=300, supportedProtocols=List(range))))\n"
        )
        value = GroupMetadataValue()
        (value.protocol, value.leader) = (nil, nil)
        #expect(
            try printed(Self.groups + "GroupMetadataMessageFormatter", key, try value.encodedWithVersion(3))
                == "g::GroupMetadata(groupId=g, generation=0, protocolType=None, currentState=Empty, members=HashMap())\n"
        )
    }

    @Test func transactions() throws {
        var key = TransactionLogKey()
        key.transactionalID = "x"
        let keyBytes = try key.encodedWithVersion(0)
        var value = TransactionLogValue()
        (value.producerID, value.producerEpoch, value.transactionTimeoutMs, value.transactionStatus) = (9, 1, 60, 1)
        (value.transactionLastUpdateTimestampMs, value.transactionStartTimestampMs) = (6, 5)
        var partitions = TransactionLogValue.PartitionsSchema()
        (partitions.topic, partitions.partitionIDs) = ("t", [0, 1])
        value.transactionPartitions = [partitions]
        let bytes = try value.encodedWithVersion(0)
        #expect(
            try printed(Self.tools + "TransactionLogMessageFormatter", keyBytes, bytes)
                == #"{"key":{"version":0,"data":{"transactionalId":"x"}},"value":{"version":0,"data":{"producerId":9,"producerEpoch":1,"transactionTimeoutMs":60,"transactionStatus":1,"transactionPartitions":[{"topic":"t","partitionIds":[0,1]}],"transactionLastUpdateTimestampMs":6,"transactionStartTimestampMs":5}}}"#
        )
        let old = "kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter"
        let text = try printed(old, keyBytes, bytes)
        #expect(
            text.hasPrefix(
                "x::TransactionMetadata(transactionalId=x, producerId=9, producerEpoch=1, txnTimeoutMs=60, state=Ongoing, pendingState=None, topicPartitions=HashSet(t-"
            ))
        #expect(text.hasSuffix("), txnStartTimestamp=5, txnLastUpdateTimestamp=6)\n"))
        #expect(try printed(old, keyBytes, nil) == "x::NULL\n")
        #expect(try printed(old, ByteBuffer(bytes: [0, 7]), nil) == "unknown::version=7\n")
    }

    @Test func whatCannotBeReadIsThrown() throws {
        let cut = ByteBuffer(bytes: [0, 1, 0])
        #expect(throws: (any Error).self) { try printed(Self.tools + "OffsetsMessageFormatter", cut, nil) }
        #expect(throws: (any Error).self) { try printed(Self.tools + "OffsetsMessageFormatter", ByteBuffer(), nil) }
        #expect(throws: JavaException.self) {
            try printed(Self.groups + "OffsetsMessageFormatter", try offsetKey(), ByteBuffer(bytes: [0, 9]))
        }
        #expect(throws: JavaException.self) {
            var properties = ["value.deserializer": "org.apache.kafka.common.serialization.IntegerDeserializer"]
            properties["print.key"] = "false"
            let record = ConsumerRecord(
                topic: "t", partition: 0, offset: 0, timestamp: 0, timestampType: .createTime, key: nil,
                value: ByteBuffer(bytes: [1]), headers: [], leaderEpoch: nil)
            _ = try MessageFormatter(properties: properties).line(record)
        }
    }

    @Test func onlyClassesThatExistAreTaken() async {
        for name in ["nope.DefaultMessageFormatter", "OffsetsMessageFormatter", "org.example.Mine"] {
            let console = Console.memory()
            let code = await KafkaTools.run(
                command: "console-consumer",
                arguments: ["--bootstrap-server", "127.0.0.1:1", "--topic", "t", "--formatter", name], console: console)
            #expect(code == 1)
            // The message is the class's name, and the help follows.
            #expect(console.errorOutput.hasPrefix("\(name)\nOption "))
        }
        let console = Console.memory()
        let code = await KafkaTools.run(
            command: "console-producer",
            arguments: ["--bootstrap-server", "127.0.0.1:1", "--topic", "t", "--line-reader", "org.example.Mine"],
            console: console)
        #expect(code == 1)
        #expect(console.errorOutput == "java.lang.ClassNotFoundException: org.example.Mine\n")
    }
}
