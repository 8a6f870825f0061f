// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaProtocol
import Testing

@testable import BrokerServer

/// What the controller decides must arrive as it was meant, in whichever version it travels.
@Suite struct ControlMessagesTests {
    private let header = ControlRequest.Header(controllerID: 1, controllerEpoch: 5, brokerEpoch: 77)
    private let topicID = KafkaUUID(high: 1, low: 2)

    private func broker(_ id: BrokerID) -> BrokerInfo {
        BrokerInfo(
            id: id, rack: "r\(id)",
            endpoints: [
                Endpoint(listenerName: "PLAINTEXT", host: "h\(id)", port: 9092, securityProtocol: .plaintext)
            ])
    }

    private func state(_ leader: BrokerID) -> PartitionState {
        PartitionState(
            leader: leader, leaderEpoch: 3, inSyncReplicas: [leader, 2], controllerEpoch: 5, partitionEpoch: 9)
    }

    private func sent<Message: RequestMessage>(_ message: Message, version: Int16) throws -> Message {
        try Message(decoding: message.encoded(version: version), version: version)
    }

    @Test(arguments: LeaderAndIsrRequest.versions)
    func leadershipArrives(version: Int16) throws {
        let decision = ControlRequest.LeaderAndIsr(
            header: header,
            partitions: [
                .init(
                    partition: TopicPartition("a", 0), state: state(1),
                    assignment: PartitionAssignment([1, 2, 3], adding: [3], removing: []), isNew: true),
                .init(
                    partition: TopicPartition("b", 4), state: state(2), assignment: PartitionAssignment([2, 1]),
                    isNew: false),
                .init(
                    partition: TopicPartition("a", 1), state: state(1), assignment: PartitionAssignment([1, 2]),
                    isNew: false),
            ],
            topicIDs: ["a": topicID], liveLeaders: [broker(1), broker(2)])
        let message = try sent(
            ControlMessages.message(decision, version: version, listener: "PLAINTEXT"), version: version)
        #expect(message.controllerEpoch == 5)
        if version >= 2 { #expect(message.brokerEpoch == 77) }
        #expect(message.liveLeaders.map(\.hostName) == ["h1", "h2"])
        let arrived = ControlMessages.partitions(message, version: version)
        #expect(
            Set(arrived.map(\.partition))
                == [TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 4)])
        let first = try #require(arrived.first { $0.partition == TopicPartition("a", 0) })
        #expect(first.leader == 1)
        #expect(first.leaderEpoch == 3)
        #expect(first.partitionEpoch == 9)
        #expect(first.inSyncReplicas == [1, 2])
        #expect(first.replicas == [1, 2, 3])
        #expect(first.isNew == (version >= 1))
        let wire =
            (message.topicStates.first { $0.topicName == "a" }?.partitionStates ?? message.ungroupedPartitionStates)
            .first { $0.partitionIndex == 0 }
        #expect(wire?.addingReplicas == (version >= 3 ? [3] : []))
        #expect(first.topicID == (version >= 5 ? topicID : nil))
    }

    @Test(arguments: UpdateMetadataRequest.versions)
    func metadataArrives(version: Int16) throws {
        let decision = ControlRequest.UpdateMetadata(
            header: header,
            update: MetadataUpdate(
                controllerID: 1, brokers: [broker(1), broker(2)],
                topics: [
                    .init(
                        name: "a", id: topicID,
                        partitions: [
                            .init(
                                index: 2,
                                state: PartitionImage(
                                    leader: 1, leaderEpoch: 3, inSyncReplicas: [1], replicas: [1, 2],
                                    offlineReplicas: [2], partitionEpoch: 9, controllerEpoch: 5))
                        ])
                ]))
        let message = try sent(
            ControlMessages.message(decision, version: version, listener: "PLAINTEXT"), version: version)
        let arrived = ControlMessages.update(message, version: version, listener: "PLAINTEXT")
        #expect(arrived.controllerID == 1)
        #expect(arrived.brokers.map(\.id) == [1, 2])
        #expect(arrived.brokers[0].endpoint("PLAINTEXT")?.host == "h1")
        #expect(arrived.brokers[0].rack == (version >= 2 ? "r1" : nil))
        let topic = try #require(arrived.topics.first)
        #expect(topic.name == "a")
        #expect(topic.id == (version >= 7 ? topicID : .zero))
        let partition = try #require(topic.partitions.first)
        #expect(partition.index == 2)
        #expect(partition.state.leader == 1)
        #expect(partition.state.partitionEpoch == 9)
        #expect(partition.state.offlineReplicas == (version >= 4 ? [2] : []))
    }

    @Test(arguments: StopReplicaRequest.versions)
    func stopsArrive(version: Int16) throws {
        let decision = ControlRequest.StopReplica(
            header: header,
            partitions: [
                .init(partition: TopicPartition("a", 0), leaderEpoch: 3, delete: false),
                .init(partition: TopicPartition("a", 1), leaderEpoch: -2, delete: true),
            ])
        let messages = ControlMessages.messages(decision, version: version)
        #expect(messages.count == (version < 3 ? 2 : 1))
        let arrived = try messages.flatMap {
            ControlMessages.partitions(try sent($0, version: version), version: version)
        }
        #expect(Set(arrived.filter(\.delete).map(\.partition)) == [TopicPartition("a", 1)])
        #expect(Set(arrived.map(\.partition)) == [TopicPartition("a", 0), TopicPartition("a", 1)])
        let deleted = try #require(arrived.first { $0.delete })
        #expect(deleted.leaderEpoch == (version >= 3 ? -2 : -1))
    }
}
