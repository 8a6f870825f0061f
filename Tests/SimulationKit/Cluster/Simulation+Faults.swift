// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel

// MARK: What goes wrong

extension Simulation {
    func scheduleFaults() {
        guard let interval = plan.faultInterval else { return }
        let faults = SimulationPlan.Fault.allCases.filter(plan.faults.contains)
        guard !faults.isEmpty else { return }
        schedule(after: draw(1...2 * interval)) { [self] in
            guard !isHealing else { return }
            if let fault = faults.randomElement(using: &random) { strike(fault) }
            scheduleFaults()
        }
    }

    var anyBroker: SimulatedBroker { brokers[Int(draw(0...Int64(brokers.count - 1)))] }

    private func strike(_ fault: SimulationPlan.Fault) {
        trace("fault: \(fault)")
        let broker = anyBroker
        switch fault {
        case .kill: kill(broker)
        case .powerFailure: kill(broker, isPowerFailure: true)
        case .widePowerFailure: failPowerOfSeveral()
        case .killSeveral:
            for broker in brokers where chance(1, in: 2) { kill(broker) }
        case .failDirectory: broker.onProcess { broker.failDirectory(self.anyDirectory) }
        case .failDisk: failDisk(of: broker)
        case .fillDisk: fillDisk(of: broker)
        case .slowDisk: slowDisk(of: broker)
        case .pause:
            let session = plan.sessionTimeout
            broker.pause(for: chance(1, in: 2) ? draw(10...session) : draw(session...5 * session))
        case .expireSession:
            broker.link.endSession()
            broker.link.disconnect()
        case .dropZooKeeperConnection:
            for broker in brokers where chance(1, in: 2) { broker.link.disconnect() }
        case .cutZooKeeper: cutOff(broker.id, from: [SimulatedNetwork.zooKeeper], isZooKeeper: true)
        case .stopEnsemble: stopEnsemble()
        case .isolate: cutOff(broker.id, from: brokers.map(\.id).filter { $0 != broker.id })
        case .cutLink: cutOff(broker.id, from: [anyBroker.id])
        case .slowNetwork:
            network.slow = 200
            network.slowest = chance(1, in: 3) ? 3 * plan.requestTimeout : 500
            schedule(after: draw(1000...20_000)) { [self] in network.slow = isHealing ? 0 : 5 }
        case .breakConnections:
            network.breaks = 100
            schedule(after: draw(1000...20_000)) { [self] in network.breaks = 0 }
        case .leapClock: broker.clockLead += draw(1...4 * plan.lagTimeMax)
        case .deleteController: _ = try? zooKeeper.commit([.delete("/controller")], by: administrator)
        case .rest: restForAWhile()
        case .replaceDisk: replaceDisk(of: broker)
        case .startSecondHost: startSecondHost(of: broker)
        case .changeRack:
            broker.rack = "rack\(draw(1...3))"
            kill(broker)
        case .slowZooKeeper: slowZooKeeper(of: broker)
        case .damageNode: damageNode()
        case .removeParents: removeParents()
        }
    }

    func kill(_ broker: SimulatedBroker, isPowerFailure: Bool = false) {
        broker.kill(isPowerFailure: isPowerFailure)
        schedule(after: chance(1, in: 2) ? draw(10...1000) : draw(1000...40_000)) { broker.start() }
    }

    private func cutOff(_ broker: BrokerID, from others: [BrokerID], isZooKeeper: Bool = false) {
        let oneWay = chance(1, in: 3)
        let outward = chance(1, in: 2)
        for other in others {
            if !oneWay || outward { network.cut(from: broker, to: other) }
            if !oneWay || !outward { network.cut(from: other, to: broker) }
        }
        lookAtEnsemble()
        let duration = chance(1, in: 3) ? draw(10...2000) : draw(2000...30_000)
        schedule(after: duration) { [self] in
            for other in others {
                if !oneWay || outward { network.mend(from: broker, to: other) }
                if !oneWay || !outward { network.mend(from: other, to: broker) }
            }
            lookAtEnsemble()
        }
    }

    private func stopEnsemble() {
        ensemble.hasQuorum = false
        ensemble.interruptions += 1
        lookAtEnsemble()
        schedule(after: draw(100...60_000)) { [self] in
            ensemble.hasQuorum = true
            ensemble.interruptions += 1
            lookAtEnsemble()
        }
    }

    private func lookAtEnsemble() {
        for broker in brokers { broker.link.look() }
    }

    private func restForAWhile() {
        mendAll()
        for broker in brokers {
            mendDisks(of: broker)
            broker.resume()
            if !broker.failedDirectories.isEmpty { broker.kill() }
            broker.start()
        }
    }

    private func mendAll() {
        network.heal()
        ensemble.hasQuorum = true
        ensemble.interruptions += 1
        lookAtEnsemble()
    }

    /// Ends all faults and changes for good.
    func heal() {
        trace("all heals")
        isHealing = true
        healMembership()
        healZooKeeper()
        restForAWhile()
    }
}

// MARK: Beginning

extension Simulation {
    func start() {
        for broker in brokers { broker.start() }
        schedule(after: 500) { [self] in
            for _ in 0..<plan.topics { createTopic() }
        }
        for number in 0..<plan.producers { producers.append(SimulatedProducer(-1 - BrokerID(number), self)) }
        for number in 0..<plan.consumers { consumers.append(SimulatedConsumer(-100 - BrokerID(number), self)) }
        for producer in producers { producer.begin() }
        for consumer in consumers { consumer.begin() }
        schedule(after: 3000) { [self] in
            scheduleFaults()
            scheduleChanges()
        }
    }
}

// MARK: Being whole

extension Simulation {
    /// What is missing to a whole cluster: every partition led, all its replicas in sync and equal, all brokers of the
    /// same mind, every producer answered. Nil when nothing is.
    var isWhole: String? {
        if let down = staying.first(where: { !$0.isRunning }) { return "broker \(down.id) is down" }
        if let topic = zooKeeper.children("/admin/delete_topics").first { return "\(topic) is not deleted" }
        for topic in topicNames {
            guard case .topic(let assignment)? = zooKeeper.node("/brokers/topics/\(topic)")?.content else { continue }
            for (number, replicas) in assignment.partitions.sorted(by: { $0.key < $1.key }) {
                if let missing = missing(TopicPartition(topic, number), replicas) {
                    return "\(topic)-\(number): \(missing)"
                }
            }
        }
        if let broker = brokers.first(where: { !$0.moves.isEmpty }) {
            return "\(broker.moves.keys.sorted()) have not moved on broker \(broker.id)"
        }
        if let reason = missingOfMembership ?? missingOfZooKeeper { return reason }
        if let waiting = producers.first(where: { $0.pending != nil }) { return "producer \(waiting.id) waits" }
        return nil
    }

    private func missing(_ partition: TopicPartition, _ assignment: PartitionAssignment) -> String? {
        if assignment.isBeingReassigned { return "it is being reassigned" }
        guard let state = judge.states[partition] else { return "it has no state" }
        guard let leader = broker(state.leader)?.replicas[partition], let machine = leader.machine.leader else {
            return "it has no leader"
        }
        guard Set(state.inSyncReplicas) == Set(assignment.replicas) else {
            return "in sync are \(state.inSyncReplicas) of \(assignment.replicas)"
        }
        guard Set(machine.inSyncReplicas) == Set(assignment.replicas), !machine.isProposalInFlight else {
            return "the leader believes \(machine.inSyncReplicas) in sync"
        }
        guard let log = leader.stored?.log else { return "the leader has no log" }
        for member in assignment.replicas {
            guard let broker = broker(member), let replica = broker.replicas[partition], let own = replica.stored?.log
            else { return "broker \(member) has no replica" }
            guard replica.machine.leaderEpoch == state.leaderEpoch else {
                return "broker \(member) is in epoch \(replica.machine.leaderEpoch) of \(state.leaderEpoch)"
            }
            guard own.logEnd == log.logEnd, own.highWatermark == log.logEnd else {
                return "broker \(member) ends at \(own.logEnd), mark \(own.highWatermark), the leader at \(log.logEnd)"
            }
        }
        for broker in staying {
            guard let known = broker.image.partition(partition), known.leader == state.leader,
                known.leaderEpoch == state.leaderEpoch, Set(known.inSyncReplicas) == Set(state.inSyncReplicas)
            else {
                let known = broker.image.partition(partition)
                return "broker \(broker.id) knows \(String(describing: known)) of \(state)"
            }
        }
        return nil
    }
}
