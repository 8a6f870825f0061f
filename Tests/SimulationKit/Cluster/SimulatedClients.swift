// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Replication

/// Sends batches, one at a time, each again and again until it is acknowledged.
final class SimulatedProducer {
    struct Batch {
        var partition: TopicPartition
        var topicID: KafkaUUID
        var values: [UInt64]
        /// −1 without idempotence.
        var producerID: ProducerID
        var sequence: Int32
        var needsAll: Bool
    }

    /// Clients are told from brokers by negative ids.
    let id: BrokerID
    private unowned let world: Simulation
    private let isIdempotent: Bool
    private let needsAll: Bool
    private var producerID: ProducerID
    private var sequences: [Judge.Key: Int32] = [:]
    private(set) var pending: Batch?
    private var attempts = 0

    init(_ id: BrokerID, _ world: Simulation) {
        self.id = id
        self.world = world
        isIdempotent = world.chance(2, in: 3)
        needsAll = isIdempotent || world.chance(3, in: 4)
        producerID = isIdempotent ? world.nextProducerID() : -1
    }

    func begin() { world.schedule(after: world.draw(world.plan.pace)) { [self] in next() } }

    private func next() {
        guard !world.isHealing else { return }
        guard let (partition, topicID) = world.anyPartition() else { return begin() }
        let values = (0..<world.draw(1...4)).map { _ in world.nextValue() }
        pending = Batch(
            partition: partition, topicID: topicID, values: values, producerID: producerID,
            sequence: isIdempotent ? sequences[Judge.Key(partition: partition, topicID: topicID), default: 0] : -1,
            needsAll: needsAll)
        attempts = 0
        send()
    }

    private func send() {
        guard let batch = pending else { return }
        attempts += 1
        // A topic that is gone, or whose name has another one now, takes no records. Nor does a partition that an
        // administrator had added just before the controller wrote the topic's replicas, as it knew them: Kafka's too.
        guard world.assignment(of: batch.partition, batch.topicID) != nil else { return abandon(batch) }
        guard let leader = world.knownLeader(of: batch.partition, by: id), let broker = world.broker(leader) else {
            return retry()
        }
        world.call(from: id, to: broker, timeout: 2 * world.plan.requestTimeout) { broker, answer in
            broker.produce(batch, topicID: batch.topicID, answer)
        } _: { [self] (answer: SimulatedBroker.ProduceAnswer?) in
            world.trace(
                "producer \(id): broker \(leader) answers \(String(describing: answer?.error)) for \(batch.partition)")
            guard let answer else { return retry() }
            switch answer.error {
            case .none: acknowledged(batch, answer, by: leader)
            case .outOfOrderSequenceNumber, .unknownProducerID, .invalidProducerEpoch:
                // A leader of yesterday may know less than the one of today: look again before giving up.
                guard attempts > 10 else { return retry() }
                producerID = world.nextProducerID()
                sequences = [:]
                pending?.producerID = producerID
                pending?.sequence = 0
                retry()
            default: retry()
            }
        }
    }

    private func retry() {
        world.schedule(after: world.draw(20...200)) { [self] in send() }
    }

    private func acknowledged(_ batch: Batch, _ answer: SimulatedBroker.ProduceAnswer, by leader: BrokerID) {
        world.judge.acknowledged(batch, answer, by: leader, world)
        let key = Judge.Key(partition: batch.partition, topicID: batch.topicID)
        if isIdempotent { sequences[key] = batch.sequence + Int32(batch.values.count) }
        pending = nil
        begin()
    }

    private func abandon(_ batch: Batch) {
        pending = nil
        begin()
    }
}

/// Reads all partitions from their leaders, or from followers, and remembers what it saw.
final class SimulatedConsumer {
    let id: BrokerID
    private unowned let world: Simulation
    private let readsFollowers: Bool
    private struct Position {
        var topicID: KafkaUUID
        var offset: Offset
    }
    private var positions: [TopicPartition: Position] = [:]

    init(_ id: BrokerID, _ world: Simulation) {
        self.id = id
        self.world = world
        readsFollowers = world.chance(1, in: 3)
    }

    func begin() { world.schedule(after: world.draw(world.plan.pace)) { [self] in next() } }

    private func next() {
        guard !world.isHealing else { return }
        guard let (partition, topicID) = world.anyPartition() else { return begin() }
        if positions[partition]?.topicID != topicID { positions[partition] = Position(topicID: topicID, offset: 0) }
        guard let position = positions[partition],
            let reader = readsFollowers && world.chance(1, in: 2)
                ? world.anyReplica(of: partition) : world.knownLeader(of: partition, by: id),
            let broker = world.broker(reader)
        else { return begin() }
        if world.chance(1, in: 8) { return askLatest(partition, position, broker) }
        let key = FetchPartitionKey(topic: partition.topic, partition: partition.partition)
        let leaderOnly = !readsFollowers
        world.call(from: id, to: broker, timeout: world.plan.requestTimeout) { broker, answer in
            guard broker.log(partition)?.topicID == topicID else {
                return answer(FetchPart(key: key, error: .unknownTopicID))
            }
            answer(broker.read(key, ReadRequest(offset: position.offset, leaderOnly: leaderOnly), count: 50))
        } _: { [self] (part: FetchPart?) in
            if let part { took(part, partition, broker) }
            begin()
        }
    }

    private func took(_ part: FetchPart, _ partition: TopicPartition, _ broker: SimulatedBroker) {
        guard let position = positions[partition] else { return }
        switch part.error {
        case .none:
            world.judge.consumed(part, partition, position.topicID, from: position.offset, by: self.id, of: broker)
            positions[partition]?.offset = position.offset + Offset(part.records.count)
        case .offsetOutOfRange:
            world.judge.outOfRange(partition, position.topicID, at: position.offset, broker, isLeader: !readsFollowers)
            if let log = broker.log(partition) { positions[partition]?.offset = log.logStart }
        default: break
        }
    }

    private func askLatest(_ partition: TopicPartition, _ position: Position, _ broker: SimulatedBroker) {
        world.call(from: id, to: broker, timeout: world.plan.requestTimeout) { broker, answer in
            guard broker.log(partition)?.topicID == position.topicID else { return answer((.unknownTopicID, -1)) }
            let latest = broker.listOffset(partition, isLatest: true, leaderEpoch: -1, forReplica: false)
            if latest.error.isNone { broker.world.judge.sawLatest(partition, position.topicID, latest.offset, broker) }
            answer(latest)
        } _: { [self] (_: (error: ErrorCode, offset: Offset)?) in
            begin()
        }
    }
}

// MARK: What clients know

extension Simulation {
    /// What a client learns from some broker that it can reach; it may be out of date.
    func knownLeader(of partition: TopicPartition, by client: BrokerID) -> BrokerID? {
        let reachable = brokers.filter { $0.isRunning && network.isOpen(from: client, to: $0.id) }
        guard let broker = reachable.randomElement(using: &random),
            let known = broker.image.partition(partition), known.hasLeader
        else { return nil }
        return known.leader
    }

    func topicID(_ topic: String) -> KafkaUUID? {
        topicAssignment(topic)?.id
    }

    /// The replicas of a partition of this very topic.
    func assignment(of partition: TopicPartition, _ topicID: KafkaUUID) -> PartitionAssignment? {
        guard let assignment = topicAssignment(partition.topic), assignment.id == topicID else { return nil }
        return assignment.partitions[partition.partition]
    }

    var topicNames: [String] { zooKeeper.children("/brokers/topics") }

    func anyPartition() -> (TopicPartition, KafkaUUID)? {
        guard let topic = topicNames.randomElement(using: &random),
            let assignment = topicAssignment(topic), let id = assignment.id,
            let number = assignment.partitions.keys.sorted().randomElement(using: &random)
        else { return nil }
        return (TopicPartition(topic, number), id)
    }

    func anyReplica(of partition: TopicPartition) -> BrokerID? {
        topicAssignment(partition.topic)?.partitions[partition.partition]?.replicas.randomElement(using: &random)
    }

    func nextProducerID() -> ProducerID {
        lastProducerID += 1
        return lastProducerID
    }

    func nextValue() -> UInt64 {
        lastValue += 1
        return lastValue
    }
}
