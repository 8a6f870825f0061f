// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import Testing

@Suite struct MetadataImageTests {
    private let id = KafkaUUID(high: 1, low: 2)

    private func broker(_ id: BrokerID, rack: String? = nil, listeners: [String] = ["PLAINTEXT"]) -> BrokerInfo {
        BrokerInfo(
            id: id, rack: rack,
            endpoints: listeners.map {
                Endpoint(listenerName: $0, host: "host\(id)", port: 9092, securityProtocol: .plaintext)
            })
    }

    private func state(leader: BrokerID, epoch: LeaderEpoch = 0) -> PartitionImage {
        PartitionImage(leader: leader, leaderEpoch: epoch, inSyncReplicas: [1, 2], replicas: [1, 2])
    }

    private func update(
        topic: String = "t", id: KafkaUUID? = nil, _ partitions: [Int32: PartitionImage],
        brokers: [BrokerID] = [1, 2]
    ) -> MetadataUpdate {
        MetadataUpdate(
            controllerID: 1, brokers: brokers.map { broker($0) },
            topics: [
                .init(
                    name: topic, id: id ?? self.id, partitions: partitions.map { .init(index: $0.key, state: $0.value) }
                )
            ])
    }

    private let empty = MetadataImage(clusterID: "c")

    @Test func anImageIsEmptyBeforeTheFirstUpdate() {
        #expect(empty.brokers.isEmpty)
        #expect(empty.topicCount == 0)
        #expect(empty.controllerID == nil)
    }

    @Test func brokersAreReplacedWhole() {
        let image = empty.applying(.init(controllerID: 1, brokers: [broker(1), broker(2)]))
        let next = image.applying(.init(controllerID: 3, brokers: [broker(3)]))
        #expect(image.brokers.keys.sorted() == [1, 2])
        #expect(next.brokers.keys.sorted() == [3])
        #expect(next.controllerID == 3)
        #expect(next.applying(.init(controllerID: -1, brokers: [])).controllerID == nil)
    }

    @Test func partitionsAreMerged() {
        let image = empty.applying(update([1: state(leader: 1), 0: state(leader: 2)]))
        let next = image.applying(update([1: state(leader: 2, epoch: 1)]))
        #expect(image.topic("t")?.partitions.map(\.index) == [0, 1])
        #expect(next.partition(TopicPartition("t", 0))?.leader == 2)
        #expect(next.partition(TopicPartition("t", 1))?.leaderEpoch == 1)
        #expect(image.partition(TopicPartition("t", 1))?.leaderEpoch == 0)
        #expect(next.partitionCount == 2)
        #expect(next.applying(.init(controllerID: 1, brokers: [])).partitionCount == 2)
    }

    @Test func partitionsMayArriveOutOfOrder() {
        var image = empty
        for index: Int32 in [7, 2, 0, 5, 1] { image = image.applying(update([index: state(leader: index)])) }
        #expect(image.topic("t")?.partitions.map(\.index) == [0, 1, 2, 5, 7])
        #expect(image.partition(TopicPartition("t", 5))?.leader == 5)
        #expect(image.partition(TopicPartition("t", 3)) == nil)
        #expect(image.partition(TopicPartition("t", -1)) == nil)
    }

    @Test func leaderMinusTwoForgetsThePartitionAndTheTopicWithItsLast() {
        let image = empty.applying(update([0: state(leader: 1), 1: state(leader: 1)]))
        let half = image.applying(update([0: state(leader: -2)]))
        #expect(half.topic("t")?.partitions.map(\.index) == [1])
        #expect(half.topicName(id: id) == "t")
        let gone = half.applying(update([1: state(leader: -2)]))
        #expect(gone.topic("t") == nil)
        #expect(gone.topic(id: id) == nil)
        #expect(gone.partitionCount == 0)
        #expect(image.topic(id: id)?.partitions.count == 2)
    }

    @Test func deletingAnUnknownPartitionChangesNothing() {
        let image = empty.applying(update([0: state(leader: -2)]))
        #expect(image.topicCount == 0)
        #expect(image.topicName(id: id) == nil)
    }

    @Test func theZeroIDRemovesTheCachedOne() {
        let image = empty.applying(update([0: state(leader: 1)]))
        #expect(image.topicID("t") == id)
        let without = image.applying(update(id: .zero, [0: state(leader: 1)]))
        #expect(without.topicID("t") == nil)
        #expect(without.topic(id: id) == nil)
        #expect(without.topic("t") != nil)
    }

    @Test func aTopicMadeAnewHasItsNewIDOnly() {
        let other = KafkaUUID(high: 3, low: 4)
        let image = empty.applying(update([0: state(leader: 1)])).applying(update(id: other, [0: state(leader: 1)]))
        #expect(image.topicName(id: id) == nil)
        #expect(image.topicName(id: other) == "t")
    }

    @Test func leadersAreFoundByListener() {
        let image = empty.applying(
            .init(controllerID: 2, brokers: [broker(1), broker(2, listeners: ["PLAINTEXT", "SECURE"])]))
        #expect(image.aliveBrokers(listener: "PLAINTEXT").map(\.broker.id) == [1, 2])
        #expect(image.aliveBrokers(listener: "SECURE").map(\.broker.id) == [2])
        #expect(image.leaderEndpoint(of: state(leader: 1), listener: "SECURE") == .noSuchListener(1))
        #expect(image.leaderEndpoint(of: state(leader: -1), listener: "SECURE") == .noLeader)
        #expect(image.leaderEndpoint(of: state(leader: 9), listener: "SECURE") == .noLeader)
        guard case .available(2, let endpoint) = image.leaderEndpoint(of: state(leader: 2), listener: "SECURE") else {
            Issue.record("leader 2 has that listener")
            return
        }
        #expect(endpoint.host == "host2")
        #expect(image.controllerEndpoint(listener: "SECURE")?.id == 2)
        #expect(image.controllerEndpoint(listener: "OTHER") == nil)
    }

    @Test func securityProtocolsHaveKafkasNumbersAndNames() {
        #expect(SecurityProtocol(name: "sasl_plaintext") == .saslPlaintext)
        #expect(SecurityProtocol(name: "SASL_SSL")?.rawValue == 3)
        #expect(SecurityProtocol(name: "TLS") == nil)
    }
}
