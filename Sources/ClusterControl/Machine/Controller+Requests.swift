// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// Requests that only the controller serves.
extension Controller {
    func serve(_ request: ControllerRequest, _ id: ControllerRequest.ID) async throws(Interruption) {
        guard isActiveNow else {
            reply(id, .refused(.notController))
            return
        }
        switch request {
        case .electLeaders(let type, let partitions):
            reply(id, .electLeaders(try await electOnRequest(type, partitions)))
        case .reassignPartitions(let wishes): reply(id, .reassignPartitions(try await reassign(wishes)))
        case .listReassignments(let partitions): reply(id, .listReassignments(reassignments(partitions)))
        case .alterPartition(let request): try await alterPartition(request, id)
        case .allocateProducerIDs(let broker, let epoch): try await allocateProducerIDs(broker, epoch, id)
        case .controlledShutdown(let broker, let epoch):
            reply(id, try await shutDown(broker, epoch))
        case .updateFeatures(let updates): reply(id, .updateFeatures(refusals(of: updates)))
        }
    }

    private func reassignments(_ wanted: [TopicPartition]?) -> [TopicPartition: PartitionAssignment] {
        var result: [TopicPartition: PartitionAssignment] = [:]
        for partition in wanted ?? Array(context.partitionsBeingReassigned) {
            let assignment = context.assignment(partition)
            if assignment.isBeingReassigned { result[partition] = assignment }
        }
        return result
    }

    /// A broker in ZooKeeper mode has no features to finalize, so that every update is refused.
    private func refusals(of updates: [ControllerRequest.FeatureUpdate]) -> [String: ControllerError?] {
        var result: [String: ControllerError?] = [:]
        for update in updates {
            let message =
                update.maximumLevel < 1
                ? "Can not delete non-existing finalized feature: '\(update.name)'"
                : "Could not apply finalized feature update because the provided feature is not supported."
            result[update.name] = ControllerError(.invalidRequest, message)
        }
        return result
    }

    // MARK: Producer ids

    private func allocateProducerIDs(
        _ broker: BrokerID, _ epoch: BrokerEpoch, _ id: ControllerRequest.ID
    ) async throws(Interruption) {
        guard let known = context.brokers[broker] else {
            return reply(id, .refused(ControllerError(.brokerIDNotRegistered)))
        }
        guard known.epoch == epoch else { return reply(id, .refused(ControllerError(.staleBrokerEpoch))) }
        while true {
            guard case .producerIDBlock(let current, let version) = try await zooKeeper(.readProducerIDBlock) else {
                throw .failed("the producer id block could not be read")
            }
            // Blocks end where the numbers do; a false one in the znode must not make them begin anew.
            guard current.map({ $0.last >= 0 && $0.last <= Int64.max - ProducerIDBlock.size }) ?? true else {
                throw .failed("the producer ids are exhausted")
            }
            let first = current.map { $0.last + 1 } ?? 0
            let next = ProducerIDBlock(broker: broker, first: first, last: first + ProducerIDBlock.size - 1)
            switch try await zooKeeper(.writeProducerIDBlock(next, expectedVersion: version)) {
            case .written: return reply(id, .producerIDs(next))
            case .failed(.badVersion): continue
            case let answer: throw .failed("writing the producer id block answered \(answer)")
            }
        }
    }

    // MARK: Controlled shutdown

    private func shutDown(_ broker: BrokerID, _ epoch: BrokerEpoch) async throws(Interruption) -> ControllerReply {
        guard let known = context.brokers[broker] else {
            return .refused(ControllerError(epoch == -1 ? .brokerNotAvailable : .unknownServerError))
        }
        guard epoch == -1 || epoch >= known.epoch else { return .refused(ControllerError(.staleBrokerEpoch)) }
        context.shuttingDownBrokers.insert(broker)
        let concerned = context.partitions(on: broker).filter {
            context.assignment($0).replicas.count > 1 && context.leadership($0) != nil
                && !context.isQueuedForDeletion($0.topic)
        }
        let led = concerned.filter { context.leadership($0)?.leader == broker }
        let followed = concerned.filter { context.leadership($0)?.leader != broker }
        _ = try await moveOnline(led, by: .controlledShutdown)
        for partition in followed { batch.addStopReplica(to: broker, partition, delete: false, context) }
        sendBatch()
        try await move(followed.map { Replica($0, on: broker) }, to: .offline)
        return .controlledShutdown(
            remaining: context.partitions(on: broker).filter {
                context.leadership($0)?.leader == broker && context.assignment($0).replicas.count > 1
            })
    }
}

// MARK: In-sync sets

extension Controller {
    private typealias Verdict = Result<PartitionState, ControllerError>

    private func alterPartition(
        _ request: ControllerRequest.AlterPartition, _ id: ControllerRequest.ID
    ) async throws(Interruption) {
        guard context.brokers[request.broker]?.epoch == request.brokerEpoch else {
            return reply(id, .refused(ControllerError(.staleBrokerEpoch)))
        }
        var verdicts: [TopicPartition: Verdict] = [:]
        var changes: [(TopicPartition, PartitionState)] = []
        for wish in request.partitions {
            guard let current = context.leadership(wish.partition) else {
                verdicts[wish.partition] = .failure(ControllerError(.unknownTopicOrPartition))
                continue
            }
            if let verdict = verdict(on: wish, current, request) {
                verdicts[wish.partition] = verdict
            } else {
                var next = current
                next.inSyncReplicas = wish.inSyncReplicas
                next.recoveryState = wish.recoveryState
                changes.append((wish.partition, next))
            }
        }
        let (written, retry) = try await write(changes) { partition, reason in
            verdicts[partition] = .failure(ControllerError(.unknownServerError, reason))
        }
        for (partition, state) in written { verdicts[partition] = .success(state) }

        let partitions = request.partitions.map(\.partition)
        try await refreshLeadership(partitions.filter { context.partitions[$0] != nil })
        for (partition, wanted) in changes where retry.contains(partition) {
            verdicts[partition] = verdictAfterConflict(on: wanted, partition)
        }
        sendUpdateMetadata(to: context.liveOrShuttingDownBrokerIDs, partitions)
        reply(id, .alterPartition(verdicts))
        try await completeAfterReply(
            partitions.filter { if case .success = verdicts[$0] { true } else { false } })
    }

    /// The version was another than expected. Where ZooKeeper holds what was to be written, it was written, and only the
    /// reply was lost: to INVALID_UPDATE_VERSION the leader would wait for a LeaderAndIsr that nobody sends.
    private func verdictAfterConflict(on wanted: PartitionState, _ partition: TopicPartition) -> Verdict {
        guard let now = context.leadership(partition), now.controllerEpoch == context.epoch,
            now.leader == wanted.leader, now.leaderEpoch == wanted.leaderEpoch,
            now.inSyncReplicas == wanted.inSyncReplicas, now.recoveryState == wanted.recoveryState
        else { return .failure(ControllerError(.invalidUpdateVersion)) }
        return .success(now)
    }

    /// The requester has its answer; what fails from here on must not be answered again.
    private func completeAfterReply(_ partitions: [TopicPartition]) async throws(Interruption) {
        do throws(Interruption) {
            try await completeReassignments(of: partitions)
        } catch .failed(let reason) {
            notice(.eventFailed(event: "reassignment", reason: reason))
        }
    }

    /// What can be said without asking ZooKeeper; nil when the change is to be written.
    private func verdict(
        on wish: ControllerRequest.AlterPartition.Partition, _ current: PartitionState,
        _ request: ControllerRequest.AlterPartition
    ) -> Verdict? {
        func refuse(_ code: ErrorCode) -> Verdict { .failure(ControllerError(code)) }
        // Who knows more than the controller has probably spoken with a newer one.
        if wish.partitionEpoch > current.partitionEpoch || wish.leaderEpoch > current.leaderEpoch {
            return refuse(.notController)
        }
        if wish.leaderEpoch < current.leaderEpoch { return refuse(.fencedLeaderEpoch) }
        if request.broker == current.leader, wish.inSyncReplicas == current.inSyncReplicas,
            wish.recoveryState == current.recoveryState
        {
            return .success(current)
        }
        if wish.partitionEpoch < current.partitionEpoch { return refuse(.invalidUpdateVersion) }
        if Set(wish.inSyncReplicas).count < wish.inSyncReplicas.count { return refuse(.invalidRequest) }
        if wish.recoveryState == .recovering, wish.inSyncReplicas.count > 1 { return refuse(.invalidRequest) }
        if wish.recoveryState == .recovering, current.recoveryState == .recovered { return refuse(.invalidRequest) }
        if !wish.inSyncReplicas.allSatisfy(context.isLive) {
            return refuse(request.usesTopicIDs ? .ineligibleReplica : .operationNotAttempted)
        }
        return nil
    }

    /// Leaders below inter-broker protocol 2.7 wrote in-sync sets themselves and left a note.
    func inSyncReplicasNotified() async throws(Interruption) {
        let changes = try await entries(of: .isrChanges)
        var partitions: Set<TopicPartition> = []
        for case .partitions(let changed) in try await zooKeeper(changes.map { .readIsrChange($0) }) {
            partitions.formUnion(changed)
        }
        let known = partitions.filter { context.partitions[$0] != nil }.sorted()
        if !known.isEmpty {
            try await refreshLeadership(known)
            sendUpdateMetadata(to: context.liveOrShuttingDownBrokerIDs, known)
            try await completeAfterReply(known)
        }
        try await clearAway(changes.map { .deleteIsrChange($0) })
    }
}
