// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import Replication

// MARK: Driving the controller's machine

extension SimulatedBroker {
    func control(_ event: ControllerEvent) {
        guard let controller else { return }
        for action in controller.handle(event) { perform(action) }
    }

    private func perform(_ action: ControllerAction) {
        switch action {
        case .zooKeeper(let batch): link.perform(batch)
        case .startSender(let broker):
            senders.removeValue(forKey: broker.id)?.stop()
            senders[broker.id] = ControlSender(self, to: broker.id)
        case .stopSender(let id): senders.removeValue(forKey: id)?.stop()
        case .send(let request, let id): senders[id]?.send(request)
        case .reply(let id, let reply): replies.removeValue(forKey: id)?(reply)
        case .setTimer(let timer, let delay):
            timers[timer, default: 0] += 1
            let set = timers[timer]
            after(Int64(delay / .milliseconds(1))) { [self] in
                if timers[timer] == set { control(.timerFired(timer)) }
            }
        case .cancelTimer(let timer): timers[timer, default: 0] += 1
        case .controllerChanged: break
        case .brokerEpochChanged(let epoch): brokerEpoch = epoch
        case .notice(let notice):
            world.trace("broker \(id): \(notice)")
            world.judge.noticed(notice, self)
        }
    }

    /// Asks this broker's controller, whether it is active or not.
    func request(_ request: ControllerRequest, _ done: @escaping (ControllerReply) -> Void) {
        let number = nextRequest
        nextRequest += 1
        replies[number] = done
        control(.request(number, request))
    }
}

/// Sends the controller's decisions to one broker: one at a time, in order, until each is answered.
final class ControlSender {
    private unowned let broker: SimulatedBroker
    private let receiver: BrokerID
    private var queue: [ControlRequest] = []
    private var isSending = false
    private var isStopped = false
    private var connection: Int

    init(_ broker: SimulatedBroker, to receiver: BrokerID) {
        self.broker = broker
        self.receiver = receiver
        connection = broker.world.nextConnection()
    }

    func send(_ request: ControlRequest) {
        queue.append(request)
        if !isSending { deliver() }
    }

    func stop() {
        isStopped = true
        queue = []
    }

    private func deliver() {
        guard !isStopped, let request = queue.first else {
            isSending = false
            return
        }
        isSending = true
        let connection = connection
        broker.ask(receiver, timeout: broker.world.plan.requestTimeout) { receiver, answer in
            receiver.carryOut(request, over: connection, answer)
        } _: { [self] (answer: ControlAnswer?) in
            guard !isStopped else { return }
            guard let answer else {
                self.connection = broker.world.nextConnection()
                return broker.after(100) { [self] in deliver() }
            }
            queue.removeFirst()
            switch request {
            case .leaderAndIsr(let request): broker.control(.leaderAndIsrAnswered(receiver, request, answer))
            case .updateMetadata: broker.control(.updateMetadataAnswered(receiver, answer))
            case .stopReplica(let request): broker.control(.stopReplicaAnswered(receiver, request, answer))
            }
            deliver()
        }
    }
}

// MARK: Carrying out control requests

extension SimulatedBroker {
    /// Carries out a request behind those before it. Over a connection that was replaced there is nobody to hear the answer.
    func carryOut(_ request: ControlRequest, over connection: Int, _ answer: @escaping (ControlAnswer) -> Void) {
        controlQueue.submit { [self] done in
            carryOutNow(request, over: connection) { outcome in
                if let outcome { answer(outcome) }
                done()
            }
        }
    }

    private func carryOutNow(
        _ request: ControlRequest, over connection: Int, done: @escaping (ControlAnswer?) -> Void
    ) {
        let header =
            switch request {
            case .leaderAndIsr(let request): request.header
            case .updateMetadata(let request): request.header
            case .stopReplica(let request): request.header
            }
        if let refusal = fence.refusal(
            controllerEpoch: header.controllerEpoch, brokerEpoch: header.brokerEpoch, own: brokerEpoch,
            connection: connection)
        {
            world.trace(
                "broker \(id): refuses broker \(header.controllerID), epoch \(header.controllerEpoch): \(refusal)")
            if case .error(let error) = refusal { return done(ControlAnswer(error: error)) }
            return done(nil)
        }
        world.judge.accepted(header, self)
        switch request {
        case .leaderAndIsr(let request):
            onThreads(request.partitions, \.partition, { [self] in apply($0, of: request) }, done)
        case .updateMetadata(let request):
            apply(request.update)
            done(ControlAnswer())
        case .stopReplica(let request):
            for stop in request.partitions where refusal(of: stop).isNone {
                stopFetching(stop.partition)
                stopMove(of: stop.partition)
            }
            onThreads(request.partitions, \.partition, { [self] in apply($0) }, done)
        }
    }

    /// Does something to each partition on its log thread, and is done when all are.
    private func onThreads<Item>(
        _ items: [Item], _ partition: KeyPath<Item, TopicPartition>, _ apply: @escaping (Item) -> ErrorCode,
        _ done: @escaping (ControlAnswer?) -> Void
    ) {
        var answer = ControlAnswer()
        var left = items.count
        guard left > 0 else { return done(answer) }
        for item in items {
            let id = item[keyPath: partition]
            thread(id).submit { [self] in
                let error = apply(item)
                if !error.isNone { world.trace("broker \(self.id): \(error) for \(id)") }
                answer.partitions[id] = error
                left -= 1
                if left == 0 { done(answer) }
            }
        }
    }

    private func apply(
        _ wish: ControlRequest.LeaderAndIsr.Partition, of request: ControlRequest.LeaderAndIsr
    ) -> ErrorCode {
        apply(
            LeaderAndIsrPartition(
                partition: wish.partition, topicID: request.topicIDs[wish.partition.topic],
                controllerEpoch: wish.state.controllerEpoch, leader: wish.state.leader,
                leaderEpoch: wish.state.leaderEpoch, inSyncReplicas: wish.state.inSyncReplicas,
                partitionEpoch: wish.state.partitionEpoch, replicas: wish.assignment.replicas, isNew: wish.isNew))
    }

    private func apply(_ change: LeaderAndIsrPartition) -> ErrorCode {
        guard !offline.contains(change.partition) else { return .kafkaStorageError }
        guard change.replicas.contains(id) else { return .unknownTopicOrPartition }
        let replica = replicas[change.partition] ?? HostedReplica(change.partition, PartitionReplica(localID: id))
        replicas[change.partition] = replica
        let verdict = replica.machine.verdict(on: change, isAlive: image.isAlive)
        switch verdict {
        case .unchanged(let error): return error
        case .learn(let topicID):
            replica.machine.learn(topicID)
            return .none
        case .followByName:
            _ = replica.machine.followByName()
            return .none
        case .lead, .follow: break
        }
        let stored: StoredLog
        switch obtainLog(change.partition, change.topicID ?? .zero, isNew: change.isNew) {
        case .log(let log): stored = log
        case .refused(let refusal): return couldNotTakeRole(replica, refusal)
        case .otherTopic: return .inconsistentTopicID
        }
        replica.stored = stored
        stopFetching(change.partition)
        // What a process's death has left unflushed counts from now on.
        guard !world.plan.flushes(change.partition.topic) || stored.log.unflushedCount == 0 || flush(stored) else {
            return couldNotTakeRole(replica, .offline)
        }
        guard case .follow(let leader) = verdict else {
            stored.log.assignEpochStart(change.leaderEpoch)
            let actions = replica.machine.lead(
                change, log: stored.log.local,
                .init(minimumInSync: world.plan.minimumInSync, maximumLag: world.plan.lagTimeMax), now: clock,
                isAlive: image.isAlive)
            world.trace(
                "broker \(id): leads \(change.partition), epoch \(change.leaderEpoch), from \(stored.log.logEnd), in sync \(change.inSyncReplicas)"
            )
            world.mark(3, Int64(id), Int64(change.leaderEpoch))
            world.judge.leads(replica, self)
            perform(actions, replica)
            moved(change.partition)
            resumeMove(of: replica)
            return .none
        }
        replica.machine.follow(change, leader: leader)
        world.trace(
            "broker \(id): follows \(leader.map { "\($0)" } ?? "nobody") in \(change.partition), epoch \(change.leaderEpoch)"
        )
        moved(change.partition)
        if let leader { startFetching(replica, from: leader) }
        resumeMove(of: replica)
        return .none
    }

    private func refusal(of stop: ControlRequest.StopReplica.Partition) -> ErrorCode {
        replicas[stop.partition]?.machine.refusal(ofStopIn: stop.leaderEpoch) ?? .none
    }

    private func apply(_ stop: ControlRequest.StopReplica.Partition) -> ErrorCode {
        guard !offline.contains(stop.partition) else { return .kafkaStorageError }
        let replica = replicas[stop.partition]
        let refusal = refusal(of: stop)
        guard refusal.isNone else { return refusal }
        if stop.delete {
            if let stored = disk[stop.partition], failedDirectories.contains(stored.directory) {
                replicas.removeValue(forKey: stop.partition)?.machine.retire()
                moved(stop.partition)
                return .kafkaStorageError
            }
            if let log = disk[stop.partition]?.log { world.judge.deletes(stop.partition, log.topicID, world) }
            replica?.machine.retire()
            replicas[stop.partition] = nil
            disk[stop.partition] = nil
            futures[stop.partition] = nil
            world.trace("broker \(id): deletes \(stop.partition)")
        } else {
            replica?.machine.stop()
        }
        moved(stop.partition)
        return .none
    }

    private func apply(_ update: MetadataUpdate) {
        let before = image
        image = before.applying(update)
        let brokersChanged = Set(before.brokers.keys) != Set(image.brokers.keys)
        let told =
            brokersChanged
            ? replicas.keys.sorted()
            : update.topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.name, $0.index) } }
        for partition in told {
            guard let replica = replicas[partition], replica.machine.isWaitingForLeader,
                let known = image.partition(partition), image.isAlive(known.leader)
            else { continue }
            thread(partition).submit { [self] in
                guard replica.machine.leaderAppeared(known.leader, leaderEpoch: known.leaderEpoch) else { return }
                startFetching(replica, from: known.leader)
            }
        }
        if brokersChanged { reconsiderHighWatermarks() }
    }
}
