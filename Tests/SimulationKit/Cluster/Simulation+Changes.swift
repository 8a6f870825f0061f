// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel

// MARK: What administrators do

extension Simulation {
    /// The administrator's place in the network.
    private static var administratorID: BrokerID { -1000 }

    func scheduleChanges() {
        guard let interval = plan.changeInterval else { return }
        let changes = SimulationPlan.Change.allCases.filter(plan.changes.contains)
        guard !changes.isEmpty else { return }
        schedule(after: draw(1...2 * interval)) { [self] in
            guard !isHealing else { return }
            if let change = changes.randomElement(using: &random) { make(change) }
            scheduleChanges()
        }
    }

    private func make(_ change: SimulationPlan.Change) {
        trace("change: \(change)")
        switch change {
        case .createTopic: if topicNames.count < 4 { createTopic() }
        case .deleteTopic:
            if topicNames.count > 1, let topic = topicNames.randomElement(using: &random) { delete(topic) }
        case .addPartitions: addPartition()
        case .reassign: reassign(cancel: false)
        case .cancelReassignment: reassign(cancel: true)
        case .electPreferred: askController(.electLeaders(.preferred, partitions: nil))
        case .electUnclean: if plan.allowsUnclean { askController(.electLeaders(.unclean, partitions: nil)) }
        case .restartGently: restartGently(brokers[Int(draw(0...Int64(brokers.count - 1)))])
        case .deleteRecords: deleteRecords()
        case .moveReplica: moveReplica()
        case .addBroker: addBroker()
        case .retireBroker: retireBroker()
        case .reassignByNode: reassignByNode()
        case .electByNode: electByNode()
        }
    }

    func askController(_ request: ControllerRequest) {
        guard let controller = brokers.first(where: { $0.controller?.isActive == true }) else { return }
        call(from: Self.administratorID, to: controller, timeout: plan.requestTimeout) { controller, answer in
            controller.request(request, answer)
        } _: { [self] (reply: ControllerReply?) in
            trace("administrator: \(String(describing: reply))")
        }
    }

    func someReplicas(_ count: Int) -> [BrokerID] {
        Array(brokers.lazy.filter { !$0.isLeaving }.map(\.id).shuffled(using: &random).prefix(count))
    }

    /// As the broker that serves CreateTopics does it: settings first, then the topic.
    func createTopic() {
        guard
            let number = (1...9).filter({ zooKeeper.node("/brokers/topics/t\($0)") == nil && !isStray("t\($0)") })
                .randomElement(using: &random)
        else { return }
        let name = "t\(number)"
        guard zooKeeper.node("/admin/delete_topics/\(name)") == nil else { return }
        var partitions: [Int32: PartitionAssignment] = [:]
        for partition in 0..<Int32(plan.partitions) {
            partitions[partition] = PartitionAssignment(someReplicas(plan.replicationFactor))
        }
        let topic = TopicAssignment(name: name, id: .random(using: &random), partitions: partitions)
        let settings = plan.allowsUnclean ? ["unclean.leader.election.enable": "true"] : [:]
        makeParents(of: "/config/topics/\(name)")
        let path = "/config/topics/\(name)"
        let write: ModelZooKeeper.Change =
            zooKeeper.node(path) == nil ? .create(path, .configuration(settings)) : .set(path, .configuration(settings))
        _ = try? zooKeeper.commit([write], by: administrator)
        _ = try? zooKeeper.commit([.create("/brokers/topics/\(name)", .topic(topic))], by: administrator)
    }

    /// Whether some disk still has a log of a topic of this name. A replica that a reassignment took away while its broker
    /// was down is never deleted, and the log of a later topic is refused beside it, in Kafka too: so that nothing is lost
    /// where ZooKeeper has forgotten a topic that was made anew. Operators remove it by hand.
    private func isStray(_ topic: String) -> Bool {
        brokers.contains { broker in
            broker.disk.keys.contains { $0.topic == topic } || broker.futures.keys.contains { $0.topic == topic }
                || broker.unusable.keys.contains { $0.topic == topic }
        }
    }

    private func delete(_ topic: String) {
        guard !isDamaged(topic) else { return }
        makeParents(of: "/admin/delete_topics/\(topic)")
        _ = try? zooKeeper.commit([.create("/admin/delete_topics/\(topic)", .null)], by: administrator)
    }

    private func addPartition() {
        guard let name = topicNames.randomElement(using: &random),
            case .topic(var topic)? = zooKeeper.node("/brokers/topics/\(name)")?.content, topic.partitions.count < 6,
            zooKeeper.node("/admin/delete_topics/\(name)") == nil
        else { return }
        topic.partitions[Int32(topic.partitions.count)] = PartitionAssignment(someReplicas(plan.replicationFactor))
        _ = try? zooKeeper.commit([.set("/brokers/topics/\(name)", .topic(topic))], by: administrator)
    }

    private func reassign(cancel: Bool) {
        guard let (partition, _) = anyPartition() else { return }
        if cancel { return askController(.reassignPartitions([partition: [BrokerID]?.none])) }
        askController(.reassignPartitions([partition: someReplicas(plan.replicationFactor)]))
    }

    private func deleteRecords() {
        guard let (partition, _) = anyPartition(), let leader = knownLeader(of: partition, by: Self.administratorID),
            let broker = broker(leader), let mark = broker.log(partition)?.highWatermark, mark > 0
        else { return }
        let offset = draw(0...mark)
        broker.onProcess { broker.deleteRecords(partition, below: offset) }
    }

    /// To any of its broker's log directories, also to the one where it is.
    private func moveReplica() {
        let broker = brokers[Int(draw(0...Int64(brokers.count - 1)))]
        guard let partition = broker.replicas.keys.sorted().randomElement(using: &random) else { return }
        let directory = anyDirectory
        broker.onProcess { broker.move(partition, to: directory) }
    }

    /// Controlled shutdown, and a start later.
    private func restartGently(_ broker: SimulatedBroker) {
        guard broker.isRunning, !broker.isPaused else { return }
        handOver(broker, attempts: 3) { [self] in leave($0) }
    }

    func handOver(_ broker: SimulatedBroker, attempts: Int, _ leave: @escaping (SimulatedBroker) -> Void) {
        let (id, epoch) = (broker.id, broker.brokerEpoch)
        broker.ask(broker.image.controllerID ?? -1, timeout: plan.requestTimeout) { controller, answer in
            controller.request(.controlledShutdown(broker: id, epoch: epoch), answer)
        } _: { [self] (reply: ControllerReply?) in
            trace("broker \(id): asked to leave, hears \(String(describing: reply))")
            if case .controlledShutdown(let remaining)? = reply, remaining.isEmpty {
                return leave(broker)
            }
            guard attempts > 1 else { return leave(broker) }
            broker.after(1000) { [self] in handOver(broker, attempts: attempts - 1, leave) }
        }
    }

    private func leave(_ broker: SimulatedBroker) {
        broker.stopInOrder()
        schedule(after: draw(500...5000)) { broker.start() }
    }
}
