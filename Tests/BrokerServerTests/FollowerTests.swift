// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import KafkaProtocol
import NIOCore
import Replication
import Testing

@testable import BrokerServer

@Suite struct FollowerVersionsTests {
    @Test(
        arguments: [
            ("3.9", [17, 9, 4]), ("3.8", [16, 8, 4]), ("3.7-IV4", [16, 8, 4]), ("3.7-IV3", [15, 8, 4]),
            ("3.5-IV0", [14, 8, 4]), ("3.4", [13, 7, 4]), ("3.0", [12, 7, 4]), ("2.8", [12, 6, 4]),
            ("2.7", [12, 5, 3]),
            ("2.7-IV0", [11, 5, 3]), ("2.2", [10, 5, 2]), ("2.1-IV1", [8, 4, 2]), ("2.0", [8, 3, 1]),
            ("1.1", [7, 2, 0]),
            ("1.0", [5, 2, 0]), ("0.11.0-IV0", [4, 2, 0]), ("0.10.1", [3, 1, 0]), ("0.10.0", [2, 0, 0]),
            ("0.9.0", [1, 0, 0]),
        ] as [(String, [Int16])])
    func theInterBrokerProtocolDecides(_ name: String, _ expected: [Int16]) throws {
        let versions = FollowerVersions(try #require(ProtocolVersion(name)))
        #expect([versions.fetch, versions.listOffsets, versions.offsetForLeaderEpoch] == expected)
    }

    @Test func truncationOnFetchAndEpochsHaveTheirThresholds() throws {
        func abilities(_ name: String) throws -> [Bool] {
            let abilities = FollowerVersions(try #require(ProtocolVersion(name))).abilities
            return [abilities.truncatesOnFetch, abilities.asksForEpochs]
        }
        #expect(try abilities("2.7-IV1") == [true, true])
        #expect(try abilities("2.7-IV0") == [false, true])
        #expect(try abilities("0.11.0-IV2") == [false, true])
        #expect(try abilities("0.11.0-IV1") == [false, false])
    }
}

@Suite struct FetcherChoiceTests {
    /// As Java hashes: "a" is 97, "ab" is 31 * 97 + 98.
    @Test func aPartitionBelongsToTheFetcherThatKafkaWouldChoose() {
        #expect(ReplicaFetchers.index(of: TopicPartition("a", 0), among: 1000) == 31 * 97 % 1000)
        #expect(ReplicaFetchers.index(of: TopicPartition("ab", 3), among: 1000) == (31 * (31 * 97 + 98) + 3) % 1000)
        #expect(ReplicaFetchers.index(of: TopicPartition("ab", 3), among: 1) == 0)
        for name in ["orders", "a-long-name-whose-hash-overflows-many-times", "ünïcode"] {
            for partition in Int32(0)..<50 {
                #expect((0..<7).contains(ReplicaFetchers.index(of: TopicPartition(name, partition), among: 7)))
            }
        }
    }
}

@Suite struct FollowerRequestTests {
    private static let id = KafkaUUID(high: 1, low: 2)

    private func outgoing(byID: Bool) -> FetchSessionClient.Outgoing {
        func key(_ partition: Int32) -> FetchPartitionKey {
            byID ? .init(topicID: Self.id, partition: partition) : .init(topic: "t", partition: partition)
        }
        func request(_ partition: Int32, offset: Offset) -> FetchPartition {
            FetchPartition(
                key: key(partition), fetchOffset: offset, logStart: 5, maximumBytes: 100, currentLeaderEpoch: 4,
                lastFetchedEpoch: 3)
        }
        var client = FetchSessionClient()
        for partition in Int32(0)...2 { client.want(request(partition, offset: 0)) }
        _ = client.next()
        _ = client.answered(error: .none, sessionID: 7)
        for partition in Int32(0)...1 { client.want(request(partition, offset: 10)) }
        client.drop(key(2))
        return client.next()
    }

    /// A field that a version does not have must not be set: the encoder would throw.
    @Test func everyVersionCanBeWritten() throws {
        let settings = try BrokerConfiguration.parse(properties: ["zookeeper.connect": "localhost", "broker.id": "1"])
            .configuration.replication
        for version in FetchRequest.versions {
            var outgoing = outgoing(byID: version >= 13)
            if version < 7 { outgoing.forgotten = [] }
            let request = FollowerRequests.fetch(
                outgoing, version: version, localID: 2, brokerEpoch: 99, settings)
            let header = RequestHeader(apiKey: .fetch, apiVersion: version, correlationID: 1, clientID: "c")
            _ = try Frame.encodeRequestParts(header, request)
            #expect(request.topics.count == 1 && request.topics[0].partitions.count == 2)
            #expect((version >= 15 ? request.replicaState.replicaID : request.replicaID) == 2)
        }
        let partition = TopicPartition("t", 1)
        for version in OffsetForLeaderEpochRequest.versions {
            let header = RequestHeader(
                apiKey: .offsetForLeaderEpoch, apiVersion: version, correlationID: 1, clientID: "c")
            _ = try Frame.encodeRequestParts(
                header,
                FollowerRequests.epochEnds(
                    [.init(partition: partition, leaderEpoch: 4, epoch: 3)], version: version, localID: 2))
        }
        for version in ListOffsetsRequest.versions {
            let header = RequestHeader(apiKey: .listOffsets, apiVersion: version, correlationID: 1, clientID: "c")
            let request = FollowerRequests.offsets(
                [.init(partition: partition, leaderEpoch: 4, isLatest: version % 2 == 0)], version: version, localID: 2)
            _ = try Frame.encodeRequestParts(header, request)
        }
    }
}
