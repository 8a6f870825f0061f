// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel

// MARK: Brokers that come and go for good

extension Simulation {
    /// The brokers that have not left for good.
    var staying: [SimulatedBroker] { brokers.filter { !$0.hasLeft } }

    /// Whether this start of a broker lets it write in-sync sets itself.
    func drawsDirectWrites() -> Bool {
        switch plan.inSyncProtocol {
        case .alterPartition: false
        case .direct: true
        case .drawn: chance(1, in: 2)
        }
    }

    /// A broker joins with an empty disk, under a new id or one that has been given up, and gets some replicas.
    func addBroker() {
        let free = brokers.filter { $0.hasLeft && partitions(naming: $0.id).isEmpty }
        let joining: SimulatedBroker
        if chance(1, in: 2), let former = free.randomElement(using: &random) {
            joining = former
            joining.replaceDisk(by: [:])
            joining.formerDisk = [:]
            joining.hasLeft = false
            joining.isLeaving = false
            joining.isWanted = true
        } else {
            guard brokers.count < plan.brokers + 2 else { return }
            joining = SimulatedBroker(BrokerID(brokers.count + 1), self)
            brokers.append(joining)
        }
        trace("broker \(joining.id) joins")
        joining.start()
        schedule(after: draw(1000...5000)) { [self] in giveReplicas(to: joining) }
    }

    private func giveReplicas(to broker: SimulatedBroker) {
        guard !isHealing, !broker.isLeaving else { return }
        var wishes: [TopicPartition: [BrokerID]?] = [:]
        for _ in 0..<draw(1...3) {
            guard let (partition, topicID) = anyPartition(), let assignment = assignment(of: partition, topicID),
                !assignment.replicas.contains(broker.id)
            else { continue }
            var target = assignment.target
            target[Int(draw(0...Int64(target.count - 1)))] = broker.id
            wishes[partition] = target
        }
        if !wishes.isEmpty { askController(.reassignPartitions(wishes)) }
    }

    /// A broker is drained, handed over and switched off for good, if enough others remain.
    func retireBroker() {
        let members = brokers.filter { !$0.isLeaving }
        guard members.count > max(2, plan.replicationFactor), !brokers.contains(where: { $0.isLeaving && !$0.hasLeft }),
            let leaving = members.randomElement(using: &random)
        else { return }
        trace("broker \(leaving.id) is to leave for good")
        leaving.isLeaving = true
        drain(leaving)
    }

    private func drain(_ broker: SimulatedBroker) {
        guard !isHealing, broker.isLeaving, !broker.hasLeft else { return }
        let held = partitions(naming: broker.id)
        if held.isEmpty, broker.isRunning, !broker.isPaused {
            handOver(broker, attempts: 3) { [self] in switchOff($0) }
        } else {
            moveAway(broker.id, from: held)
        }
        // Again until nothing is left: a request may be refused or lost, and others move replicas too.
        schedule(after: draw(2000...5000)) { [self] in drain(broker) }
    }

    private func moveAway(_ leaving: BrokerID, from partitions: [(TopicPartition, PartitionAssignment)]) {
        var wishes: [TopicPartition: [BrokerID]?] = [:]
        for (partition, assignment) in partitions where assignment.target.contains(leaving) {
            let others = someReplicas(brokers.count).filter { !assignment.target.contains($0) }
            guard let substitute = others.first else { continue }
            wishes[partition] = assignment.target.map { $0 == leaving ? substitute : $0 }
        }
        if !wishes.isEmpty { askController(.reassignPartitions(wishes)) }
    }

    private func switchOff(_ broker: SimulatedBroker) {
        guard !isHealing, partitions(naming: broker.id).isEmpty else { return }
        trace("broker \(broker.id) has left for good")
        broker.stopInOrder()
        broker.isWanted = false
        broker.hasLeft = true
    }

    /// The partitions that a broker is a replica of, or is about to become or to have been.
    private func partitions(naming broker: BrokerID) -> [(TopicPartition, PartitionAssignment)] {
        topicNames.flatMap { name in
            (topicAssignment(name)?.partitions ?? [:]).sorted { $0.key < $1.key }
                .filter { $0.value.replicas.contains(broker) }
                .map { (TopicPartition(name, $0.key), $0.value) }
        }
    }

    /// Nobody leaves any more. Who left and is named by a reassignment that was decided on too late comes back.
    func healMembership() {
        for (id, session) in secondHosts { endSecondHost(of: id, session) }
        for broker in brokers {
            broker.isLeaving = broker.hasLeft
            if !broker.hasLeft { broker.isWanted = true }
        }
        bringBackWhoIsNamed()
    }

    private func bringBackWhoIsNamed() {
        for broker in brokers where broker.hasLeft && !partitions(naming: broker.id).isEmpty {
            trace("broker \(broker.id) is needed again")
            broker.hasLeft = false
            broker.isLeaving = false
            broker.isWanted = true
            broker.start()
        }
        schedule(after: 5000) { [self] in bringBackWhoIsNamed() }
    }

    /// What some broker does not know of the others; nil when each knows all that live, and where.
    var missingOfMembership: String? {
        let living = staying
        for broker in living {
            let known = broker.image.brokers
            guard Set(known.keys) == Set(living.map(\.id)) else {
                return "broker \(broker.id) takes \(known.keys.sorted()) for living"
            }
            if let other = living.first(where: { known[$0.id]?.rack != $0.registration.info.rack }) {
                return "broker \(broker.id) does not know the rack of broker \(other.id)"
            }
        }
        return nil
    }
}

// MARK: Disks and ids that change hands

extension Simulation {
    /// The machine is replaced: its id comes back with an empty disk, or with the one that it had before.
    func replaceDisk(of broker: SimulatedBroker) {
        guard broker.isRunning else { return }
        // Mostly as operators should do it: somebody else has what this broker alone might have.
        if !chance(1, in: 6), judge.isLastHope(broker, self) { return }
        kill(broker)
        judge.losesDisk(broker)
        let former = broker.formerDisk
        broker.formerDisk = broker.disk
        broker.replaceDisk(by: chance(1, in: 3) ? former.filter { belongs($0.value, of: $0.key, to: broker.id) } : [:])
        trace("broker \(broker.id): has another disk, with \(broker.disk.count) logs")
    }

    /// Whether a log is of the topic that has its name now, and this broker is a replica: others operators remove.
    private func belongs(_ stored: StoredLog, of partition: TopicPartition, to broker: BrokerID) -> Bool {
        assignment(of: partition, stored.log.topicID)?.replicas.contains(broker) == true
    }

    /// A second process starts under the id of a broker that lives. While that one is registered it is refused; where its
    /// session has ended, the second takes the id and serves nothing until it is stopped.
    func startSecondHost(of broker: SimulatedBroker) {
        guard broker.isRunning, secondHosts[broker.id] == nil, ensemble.hasQuorum else { return }
        if chance(1, in: 2) {
            broker.link.endSession()
            broker.link.disconnect()
        }
        let path = "/brokers/ids/\(broker.id)"
        let before = zooKeeper.node(path)
        let session = zooKeeper.openSession()
        let answer = zooKeeper.register(ControllerHarness.registration(broker.id, port: 9093), session)
        guard case .registered = answer else {
            zooKeeper.closeSession(session)
            return judge.refusedSecondHost(broker.id, before, self)
        }
        trace("broker \(broker.id): a second host has taken the id")
        secondHosts[broker.id] = session
        schedule(after: draw(500...20_000)) { [self] in endSecondHost(of: broker.id, session) }
    }

    private func endSecondHost(of id: BrokerID, _ session: ModelZooKeeper.Session) {
        guard secondHosts[id] == session else { return }
        trace("broker \(id): the second host is stopped")
        secondHosts[id] = nil
        zooKeeper.closeSession(session)
    }
}

extension SimulatedBroker {
    /// While the process is down: other log directories, in order and with these logs.
    func replaceDisk(by logs: [TopicPartition: StoredLog]) {
        disk = logs
        futures = [:]
        unusable = [:]
        superseded = [:]
        disks = Array(repeating: SimulatedDisk(), count: Self.directoryCount)
    }
}
