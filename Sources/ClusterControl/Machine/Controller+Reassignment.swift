// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// Moving partitions between brokers (KIP-455).
///
/// The steps carry Kafka's names. U1 and U2 store the wish. While the target is not in sync, A1 and A2 start the new
/// replicas; whenever that may have changed, the whole is tried again. Once the target is in sync, B1 to B8 finish.
extension Controller {
    typealias ReassignmentResults = [TopicPartition: ControllerError?]

    func reassign(_ wishes: [TopicPartition: [BrokerID]?]) async throws(Interruption) -> ReassignmentResults {
        var results: ReassignmentResults = [:]
        var accepted: [(TopicPartition, PartitionAssignment)] = []
        for (partition, target) in wishes.sorted(by: { $0.key < $1.key }) {
            let current = context.assignment(partition)
            if let target {
                if let error = refusal(of: target, current) {
                    results[partition] = error
                } else {
                    accepted.append((partition, current.reassigned(to: target)))
                }
            } else if current.isBeingReassigned {
                accepted.append((partition, current.reassigned(to: current.origin)))
            } else {
                results[partition] = ControllerError(.noReassignmentInProgress)
            }
        }
        // The newest wish wins over one that lies in the znode.
        let partitions = Set(accepted.map(\.0))
        if !accepted.isEmpty { try await removeFromReassignmentNode { partition, _ in partitions.contains(partition) } }
        for (partition, assignment) in accepted {
            results[partition] = try await startReassignment(partition, assignment)
        }
        return results
    }

    private func refusal(of target: [BrokerID], _ current: PartitionAssignment) -> ControllerError? {
        if target.isEmpty {
            return ControllerError(
                .invalidReplicaAssignment, "Empty replica list specified in partition reassignment.")
        }
        if Set(target).count != target.count {
            return ControllerError(
                .invalidReplicaAssignment, "Duplicate replica ids in partition reassignment replica list: \(target)")
        }
        if target.contains(where: { $0 < 0 }) {
            return ControllerError(.invalidReplicaAssignment, "Invalid broker id in replica list: \(target)")
        }
        let adding = current.reassigned(to: target).adding
        guard adding.allSatisfy(context.isLive) else {
            return ControllerError(
                .invalidReplicaAssignment,
                "Replica assignment has brokers that are not alive. Replica list: \(adding), live broker list: "
                    + "\(context.liveBrokerIDs)")
        }
        return nil
    }

    private func startReassignment(
        _ partition: TopicPartition, _ assignment: PartitionAssignment
    ) async throws(Interruption) -> ControllerError? {
        if context.isQueuedForDeletion(partition.topic) {
            return ControllerError(.unknownTopicOrPartition, "The partition is currently being deleted.")
        }
        if context.assignment(partition).replicas.isEmpty {
            return ControllerError(.unknownTopicOrPartition, "The partition does not exist.")
        }
        if try await losesEveryInSyncReplica(partition, assignment) {
            return ControllerError(
                .invalidReplicaAssignment,
                "Unable to change the assignment of \(partition) to \(assignment.replicas), because it would require an "
                    + "unclean leader election.")
        }
        do throws(Interruption) {
            try await carryOn(partition, assignment)
            return nil
        } catch .failed(let reason) {
            return ControllerError(.unknownServerError, reason)
        }
    }

    /// Whether nobody who has all that is committed would be left: where the origin is out of sync or dead, and those that
    /// are being added are to go again. Kafka deletes the last in-sync replica then, records and all, and the partition
    /// never has a leader again; KRaft's controller refuses as this one does.
    private func losesEveryInSyncReplica(
        _ partition: TopicPartition, _ assignment: PartitionAssignment
    ) async throws(Interruption) -> Bool {
        guard context.assignment(partition).replicas.contains(where: { !assignment.replicas.contains($0) }) else {
            return false
        }
        switch try await zooKeeper(.readPartitionState(partition, watch: false)) {
        case .partitionState(let state, _): return !state.inSyncReplicas.contains(where: assignment.replicas.contains)
        case .failed(.noNode): return false
        // Who is in sync cannot be read: nobody goes before it can.
        default: return true
        }
    }

    /// Takes a reassignment as far as it can go now.
    private func carryOn(_ partition: TopicPartition, _ assignment: PartitionAssignment) async throws(Interruption) {
        halt([partition.topic], reason: "a reassignment runs")
        try await store(partition, assignment)
        if try await isComplete(partition, assignment) {
            try await finish(partition, assignment)
        } else {
            // A1
            try await raiseLeaderEpoch(partition, assignment)
            // A2
            try await move(assignment.adding.map { Replica(partition, on: $0) }, to: .new)
        }
    }

    private func store(_ partition: TopicPartition, _ assignment: PartitionAssignment) async throws(Interruption) {
        let current = context.assignment(partition)
        if current != assignment {
            // U1
            try await write(assignment, of: partition)
            // U2
            context.set(assignment, for: partition)
            let unneeded = current.replicas.filter { !assignment.replicas.contains($0) }
            if !unneeded.isEmpty { try await leaveOut(unneeded, of: partition, assignment) }
        }
        if !settings.usesAlterPartition {
            _ = try await zooKeeper(.readPartitionState(partition, watch: true))
        }
        context.partitionsBeingReassigned.insert(partition)
    }

    /// A reassignment that was superseded, or taken back, had begun to add these.
    private func leaveOut(
        _ unneeded: [BrokerID], of partition: TopicPartition, _ assignment: PartitionAssignment
    ) async throws(Interruption) {
        // A leader that writes in-sync sets itself may be about to take one of them in, and would, after its log is gone: the
        // controller changes the state of a partition only for members. Under a new epoch that write is refused, and the
        // leader knows of none of them any more. (Kafka deletes at once, and keeps a member that has nothing.) One that asks
        // this controller is answered after the whole, and refused.
        if !settings.usesAlterPartition {
            do throws(Interruption) { try await raiseLeaderEpoch(partition, assignment) } catch .failed(let reason) {
                notice(.partitionStateChangeFailed(partition, reason: reason))
            }
        }
        try await remove(unneeded, from: partition)
        // One of them may have led. (In Kafka nobody does then, until the next broker dies.)
        guard context.leadership(partition)?.leader == PartitionImage.noLeader else { return }
        move([partition], to: .offline)
        _ = try await moveOnline([partition], by: .offline(allowUnclean: false))
    }

    private func isComplete(
        _ partition: TopicPartition, _ assignment: PartitionAssignment
    ) async throws(Interruption) -> Bool {
        guard assignment.isBeingReassigned else { return true }
        guard case .partitionState(let state, _) = try await zooKeeper(.readPartitionState(partition, watch: false))
        else { return false }
        return assignment.target.allSatisfy(state.inSyncReplicas.contains)
    }

    private func finish(_ partition: TopicPartition, _ assignment: PartitionAssignment) async throws(Interruption) {
        // B1
        try await move(assignment.adding.map { Replica(partition, on: $0) }, to: .online)
        // B2
        let final = PartitionAssignment(assignment.target)
        context.set(final, for: partition)
        // B3
        let leader = context.leadership(partition)?.leader ?? PartitionImage.noLeader
        if final.replicas.contains(leader), context.isOnline(leader, partition) {
            try await raiseLeaderEpoch(partition, final)
        } else {
            _ = try await moveOnline([partition], by: .reassignment)
        }
        // B4, B5
        try await remove(assignment.removing, from: partition)
        // B6
        try await write(final, of: partition)
        // B7
        try await removeFromReassignmentNode { $0 == partition && $1 == final.replicas }
        context.partitionsBeingReassigned.remove(partition)
        // B8
        sendUpdateMetadata(to: context.liveOrShuttingDownBrokerIDs, [partition])
        notice(.reassignmentCompleted(partition))
        try await resumeDeletion(of: [partition.topic])
    }

    /// Forces replicas out of the in-sync set, then has them deleted, without waiting for the brokers.
    private func remove(_ brokers: [BrokerID], from partition: TopicPartition) async throws(Interruption) {
        let replicas = brokers.map { Replica(partition, on: $0) }
        try await move(replicas, to: .offline)
        try await move(replicas, to: .deletionStarted)
        try await move(replicas, to: .deletionSuccessful)
        try await move(replicas, to: .nonExistent)
    }

    private func write(_ assignment: PartitionAssignment, of partition: TopicPartition) async throws(Interruption) {
        var topic = context.topicAssignment(partition.topic)
        topic.partitions[partition.partition] = assignment
        try await requireSuccess([.writeTopic(topic)])
    }

    /// The leader learns of the new replica set under a new epoch, though leader and in-sync set stay.
    private func raiseLeaderEpoch(
        _ partition: TopicPartition, _ assignment: PartitionAssignment
    ) async throws(Interruption) {
        while true {
            guard case .partitionState(var state, _) = try await zooKeeper(.readPartitionState(partition, watch: false))
            else { throw .failed("\(partition) has no state in ZooKeeper") }
            guard state.controllerEpoch <= context.epoch else {
                throw .failed("a newer controller wrote the state of \(partition)")
            }
            state.leaderEpoch &+= 1
            var failure: String?
            let (written, _) = try await write([(partition, state)]) { failure = $1 }
            if let failure { throw .failed(failure) }
            guard let raised = written.first?.1 else { continue }
            batch.addLeaderAndIsr(to: assignment.origin, partition, raised, assignment, isNew: false, context)
            batch.addLeaderAndIsr(to: assignment.adding, partition, raised, assignment, isNew: true, context)
            sendBatch()
            return
        }
    }
}

// MARK: When to carry on

extension Controller {
    func resumeReassignmentsAtFailover() async throws(Interruption) {
        let started = try await startReassignmentsOfNode()
        try await resumeReassignments { partition, _ in !started.contains(partition) }
    }

    func resumeReassignments(
        where shouldResume: (TopicPartition, PartitionAssignment) -> Bool
    ) async throws(Interruption) {
        for partition in context.partitionsBeingReassigned.sorted() {
            let assignment = context.assignment(partition)
            guard shouldResume(partition, assignment) else { continue }
            do throws(Interruption) {
                try await carryOn(partition, assignment)
            } catch .failed(let reason) {
                notice(.partitionStateChangeFailed(partition, reason: reason))
            }
        }
    }

    /// An in-sync set changed: is the target in it now?
    func completeReassignments(of partitions: [TopicPartition]) async throws(Interruption) {
        for partition in partitions where context.partitionsBeingReassigned.contains(partition) {
            let assignment = context.assignment(partition)
            if try await isComplete(partition, assignment) { try await carryOn(partition, assignment) }
        }
    }

    /// The state of a partition that is watched because this protocol has no AlterPartition.
    func reassignedPartitionChanged(_ partition: TopicPartition) async throws(Interruption) {
        guard context.partitionsBeingReassigned.contains(partition) else { return }
        _ = try await zooKeeper(.readPartitionState(partition, watch: true))
        try await completeReassignments(of: [partition])
    }

    /// The command of old tools is there, has changed or is gone. What it asks for and runs already goes on undisturbed: this
    /// controller itself changes the node when a part of it is done.
    func startNewReassignmentsOfNode() async throws(Interruption) {
        _ = try await startReassignmentsOfNode { [self] partition, target in
            !context.partitionsBeingReassigned.contains(partition) || context.assignment(partition).target != target
        }
    }

    /// The command of old tools, `/admin/reassign_partitions`. Returns the partitions that began.
    private func startReassignmentsOfNode(
        where isMeant: (TopicPartition, [BrokerID]) -> Bool = { _, _ in true }
    ) async throws(Interruption) -> Set<TopicPartition> {
        let wishes = (try await readReassignmentNode() ?? [:]).filter { isMeant($0.key, $0.value) }
        var started: Set<TopicPartition> = []
        var failed: Set<TopicPartition> = []
        for (partition, target) in wishes.sorted(by: { $0.key < $1.key }) {
            let assignment = context.assignment(partition).reassigned(to: target)
            let isValid = !target.isEmpty && Set(target).count == target.count && target.allSatisfy { $0 >= 0 }
            let error = isValid ? nil : ControllerError(.invalidReplicaAssignment)
            let result: ControllerError? =
                if let error { error } else { try await startReassignment(partition, assignment) }
            if let result {
                failed.insert(partition)
                notice(
                    .partitionStateChangeFailed(
                        partition, reason: "reassignment refused with error \(result.code.rawValue)"))
            } else {
                started.insert(partition)
            }
        }
        if !failed.isEmpty { try await removeFromReassignmentNode { partition, _ in failed.contains(partition) } }
        return started
    }

    /// Nil when there is none. One that cannot be read asks for nothing.
    private func readReassignmentNode() async throws(Interruption) -> [TopicPartition: [BrokerID]]? {
        switch try await zooKeeper(.readReassignments) {
        case .reassignments(let wishes): return wishes
        case .failed(.malformed): return [:]
        default: return nil
        }
    }

    /// Deletes the node when nothing is left in it, also where there was nothing to begin with.
    func removeFromReassignmentNode(
        where isDone: (TopicPartition, [BrokerID]) -> Bool
    ) async throws(Interruption) {
        guard let wishes = try await readReassignmentNode() else { return }
        let rest = wishes.filter { !isDone($0.key, $0.value) }
        if rest.isEmpty {
            // Look again, so that the next command is noticed. One that cannot be deleted would be found for ever.
            if try await clearAway([.deleteReassignments]) { enqueue(.reassignmentNodeCreated) }
        } else if rest.count < wishes.count {
            let write = ZooKeeperOperation.writeReassignments(rest)
            if case .failed(let failure) = try await zooKeeper(write) {
                notice(.writeFailed(path: write.writtenPath, reason: failure.reason))
            }
        }
    }
}
