// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Replication

/// A produce with acks=all that waits for replicas.
final class WaitingProduce {
    let last: Offset
    let epoch: LeaderEpoch
    let answer: (ErrorCode) -> Void
    var isDone = false

    init(last: Offset, epoch: LeaderEpoch, answer: @escaping (ErrorCode) -> Void) {
        self.last = last
        self.epoch = epoch
        self.answer = answer
    }
}

// MARK: What the leader's machine wants

extension SimulatedBroker {
    func perform(_ actions: [LeaderReplication.Action], _ replica: HostedReplica) {
        for action in actions {
            switch action {
            case .highWatermarkAdvanced(let offset):
                guard let stored = replica.stored, offset > stored.log.highWatermark else { continue }
                let before = stored.log.highWatermark
                stored.log.setHighWatermark(offset)
                world.judge.committed(replica.partition, from: before, self, replica)
                moved(replica.partition)
            case .propose(let proposal):
                world.trace("broker \(id): wants \(proposal.inSyncReplicas) in sync for \(replica.partition)")
                if writesInSyncSets {
                    write(proposal, of: replica)
                } else if proposals.add(proposal, for: replica.partition) {
                    deliverProposals()
                }
            }
        }
    }

    func withLeader(_ replica: HostedReplica, _ body: (inout LeaderReplication) -> [LeaderReplication.Action]) {
        guard let actions = replica.machine.withLeader(body) else { return }
        perform(actions, replica)
    }

    func checkLag() {
        let now = clock
        for partition in replicas.keys.sorted() {
            if let replica = replicas[partition] { withLeader(replica) { $0.removeLaggards(now: now) } }
        }
        reconsiderHighWatermarks()
    }

    func reconsiderHighWatermarks() {
        let (now, image) = (clock, image)
        for partition in replicas.keys.sorted() {
            if let replica = replicas[partition] {
                withLeader(replica) { $0.begin(now: now, isAlive: image.isAlive) }
            }
        }
    }

    /// Something moved: who waits for the partition looks again.
    func moved(_ partition: TopicPartition) {
        if let waiting = waitingProduces.removeValue(forKey: partition) {
            var remaining: [WaitingProduce] = []
            for produce in waiting where !produce.isDone {
                if let error = acknowledgement(of: partition, produce) {
                    produce.isDone = true
                    produce.answer(error)
                } else {
                    remaining.append(produce)
                }
            }
            if !remaining.isEmpty { waitingProduces[partition] = remaining }
        }
        if let waiting = waitingFetches[partition] {
            waitingFetches[partition] = waiting.filter { !$0.isDone }
            for fetch in waiting where !fetch.isDone { lookAgain(fetch) }
        }
    }

    private func acknowledgement(of partition: TopicPartition, _ produce: WaitingProduce) -> ErrorCode? {
        guard let replica = replicas[partition] else { return .notLeaderOrFollower }
        return replica.machine.acknowledgement(through: produce.last, appendedIn: produce.epoch)
    }
}

// MARK: In-sync sets

extension SimulatedBroker {
    private func deliverProposals() {
        let wishes = proposals.take()
        guard !wishes.isEmpty else { return }
        let items = wishes.sorted { $0.key < $1.key }.map { partition, proposal in
            (
                topicID: replicas[partition]?.machine.topicID,
                wish: ControllerRequest.AlterPartition.Partition(
                    partition: partition, leaderEpoch: proposal.leaderEpoch, partitionEpoch: proposal.partitionEpoch,
                    inSyncReplicas: proposal.inSyncReplicas)
            )
        }
        let (sender, epoch) = (id, brokerEpoch)
        ask(image.controllerID ?? -1, timeout: world.plan.requestTimeout) { controller, answer in
            // Topics are named by id, which the controller's broker must know.
            let known = items.filter { item in
                guard let id = item.topicID else { return true }
                return (controller.image.topicName(id: id) ?? controller.controller?.topicName(id: id)) != nil
            }
            controller.request(
                .alterPartition(
                    .init(broker: sender, brokerEpoch: epoch, partitions: known.map(\.wish), usesTopicIDs: true)),
                answer)
        } _: { [self] (reply: ControllerReply?) in
            guard case .alterPartition(let verdicts)? = reply else {
                world.trace("broker \(id): is not heard by the controller: \(String(describing: reply))")
                proposals.failed()
                return after(InSyncProposals<Int>.retryDelay) { [self] in deliverProposals() }
            }
            for partition in wishes.keys.sorted() {
                guard let proposal = wishes[partition] else { continue }
                settle(proposal, of: partition, verdicts[partition] ?? .failure(.init(.unknownServerError)))
            }
            if proposals.answered() {
                after(InSyncProposals<Int>.retryDelay) { [self] in deliverProposals() }
            } else {
                deliverProposals()
            }
        }
    }

    private func settle(
        _ proposal: LeaderReplication.Proposal, of partition: TopicPartition,
        _ verdict: Result<PartitionState, ControllerError>
    ) {
        guard let replica = replicas[partition] else { return }
        world.trace("broker \(id): hears of \(proposal.inSyncReplicas) for \(partition): \(verdict)")
        let (now, image) = (clock, image)
        withLeader(replica) { leader in
            switch verdict {
            case .success(let state):
                leader.accepted(
                    proposal, leaderEpoch: state.leaderEpoch, partitionEpoch: state.partitionEpoch,
                    inSyncReplicas: state.inSyncReplicas, now: now, isAlive: image.isAlive)
            case .failure(let error):
                leader.refused(proposal, error.code) + leader.begin(now: now, isAlive: image.isAlive)
            }
        }
    }
}

// MARK: Producers

extension SimulatedBroker {
    struct ProduceAnswer {
        var error = ErrorCode.none
        var first: Offset = -1
        var last: Offset = -1
    }

    func produce(
        _ batch: SimulatedProducer.Batch, topicID: KafkaUUID, _ answer: @escaping (ProduceAnswer) -> Void
    ) {
        guard replicas[batch.partition] != nil else {
            return answer(
                ProduceAnswer(error: offline.contains(batch.partition) ? .kafkaStorageError : .notLeaderOrFollower))
        }
        thread(batch.partition).submit { [self] in append(batch, topicID: topicID, answer) }
    }

    /// On the partition's log thread.
    private func append(
        _ batch: SimulatedProducer.Batch, topicID: KafkaUUID, _ answer: @escaping (ProduceAnswer) -> Void
    ) {
        let partition = batch.partition
        guard let replica = replicas[partition], let stored = replica.stored else {
            return answer(ProduceAnswer(error: .notLeaderOrFollower))
        }
        let refusal = replica.machine.refusal(ofAppendWithAcksAll: batch.needsAll)
        // Clients name the topic only; the model tells it from an earlier one of the same name for the judge's sake.
        guard refusal.isNone, stored.log.topicID == topicID else {
            return answer(ProduceAnswer(error: refusal.isNone ? .notLeaderOrFollower : refusal))
        }
        let epoch = replica.machine.leaderEpoch
        if self.refusal(ofWriteTo: stored) != nil { return answer(ProduceAnswer(error: .kafkaStorageError)) }
        var result = ProduceAnswer()
        var mustFlush = false
        var isDuplicate = false
        switch stored.log.append(
            batch.values, producerID: batch.producerID, sequence: batch.sequence, leaderEpoch: epoch)
        {
        case .refused(let error):
            world.judge.refused(batch, error, self)
            return answer(ProduceAnswer(error: error))
        case .duplicate(let first, let last):
            (result.first, result.last) = (first, last)
            isDuplicate = true
            // What it repeats may be among what is not on disk yet.
            mustFlush = world.plan.flushes(partition.topic) && !stored.log.isDurable(last)
        case .appended(let first, let last):
            (result.first, result.last) = (first, last)
            mustFlush = world.plan.flushes(partition.topic)
        }
        let (end, done) = (stored.log.logEnd, result)
        let appended = { [self] in
            if !isDuplicate { logEndMoved(replica, to: end) }
            awaitReplicas(batch, done, epoch, answer)
        }
        guard mustFlush else { return appended() }
        thread(partition).flushThen(stored) { isFlushed in
            if isFlushed { appended() } else { answer(ProduceAnswer(error: .kafkaStorageError)) }
        }
    }

    private func logEndMoved(_ replica: HostedReplica, to end: Offset) {
        let (now, image) = (clock, image)
        withLeader(replica) { $0.appended(logEnd: end, now: now, isAlive: image.isAlive) }
        moved(replica.partition)
    }

    private func awaitReplicas(
        _ batch: SimulatedProducer.Batch, _ result: ProduceAnswer, _ epoch: LeaderEpoch,
        _ answer: @escaping (ProduceAnswer) -> Void
    ) {
        let partition = batch.partition
        guard batch.needsAll else { return answer(result) }
        let waiting = WaitingProduce(last: result.last, epoch: epoch) { error in
            var result = result
            result.error = error
            answer(result)
        }
        // The thread that appends is not the one that waits: the controller may speak in between.
        if world.chance(1, in: 30) {
            after(world.draw(1...1000)) { [self] in wait(waiting, for: partition) }
        } else {
            wait(waiting, for: partition)
        }
    }

    private func wait(_ waiting: WaitingProduce, for partition: TopicPartition) {
        if let error = acknowledgement(of: partition, waiting) { return waiting.answer(error) }
        waitingProduces[partition, default: []].append(waiting)
        after(world.plan.requestTimeout) {
            guard !waiting.isDone else { return }
            waiting.isDone = true
            waiting.answer(.requestTimedOut)
        }
    }

    /// DeleteRecords: as leader, up to the high watermark.
    func deleteRecords(_ partition: TopicPartition, below offset: Offset) {
        thread(partition).submit { [self] in deleteRecordsNow(partition, below: offset) }
    }

    private func deleteRecordsNow(_ partition: TopicPartition, below offset: Offset) {
        guard let replica = replicas[partition], replica.machine.isLeader, let stored = replica.stored,
            offset <= stored.log.highWatermark, isUsable(stored, for: .write)
        else { return }
        stored.log.raiseLogStart(to: offset)
        world.judge.deleted(partition, below: offset, self)
        moved(partition)
    }
}
