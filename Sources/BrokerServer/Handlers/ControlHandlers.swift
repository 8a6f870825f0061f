// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaProtocol
import LogStorage

/// What the three control requests have in common: who may send them.
struct ControlGate: Sendable {
    let replicas: ReplicaManager
    /// This broker's epoch: the czxid of its registration. −1 before it is registered.
    let brokerEpoch: @Sendable () -> BrokerEpoch

    /// Why a request is refused whole; nil when its sender is the controller and means this life of the broker.
    func refusal(controllerEpoch: ControllerEpoch, brokerEpoch epoch: BrokerEpoch) -> ErrorCode? {
        let own = brokerEpoch()
        return replicas.fence.withLock {
            $0.refusal(controllerEpoch: controllerEpoch, brokerEpoch: epoch, own: own)
        }
    }
}

/// LeaderAndIsr, 0–7: makes this broker leader or follower of partitions.
///
/// v1 adds isNew, v2 the broker's epoch and groups by topic, v3 reassignments, v5 topic ids, v6 the recovery state, v7
/// whether the controller is KRaft's.
struct LeaderAndIsrHandler: WaitingApiHandler {
    typealias Request = LeaderAndIsrRequest

    let gate: ControlGate
    let replicas: ReplicaManager
    /// Reads the settings of topics that are new here, before their logs are made.
    let loadSettings: @Sendable (Set<String>) async -> Void
    /// Told to the coordinators: which partitions this broker leads and follows now.
    let rolesChanged: @Sendable (ReplicaManager.LeaderAndIsrOutcome) -> Void

    func answer(
        _ request: LeaderAndIsrRequest, _ context: RequestContext<LeaderAndIsrResponse>
    ) async -> LeaderAndIsrResponse {
        let version = context.version
        let changes = ControlMessages.partitions(request, version: version)
        await loadSettings(Set(changes.map(\.partition.topic)))
        return await replicas.onControlQueue { [self] in
            var response = LeaderAndIsrResponse()
            if let refusal = gate.refusal(
                controllerEpoch: request.controllerEpoch, brokerEpoch: request.brokerEpoch)
            {
                response.errorCode = refusal
                return response
            }
            let outcome = replicas.apply(changes)
            replicas.startCheckpointing()
            rolesChanged(outcome)
            if version < 5 {
                response.partitionErrors = changes.map { change in
                    var wire = LeaderAndIsrResponse.LeaderAndIsrPartitionError()
                    wire.topicName = change.partition.topic
                    wire.partitionIndex = change.partition.partition
                    wire.errorCode = outcome.errors[change.partition] ?? .none
                    return wire
                }
            } else {
                response.topics = request.topicStates.map { topic in
                    var wire = LeaderAndIsrResponse.LeaderAndIsrTopicError()
                    wire.topicID = topic.topicID
                    wire.partitionErrors = topic.partitionStates.map { state in
                        var error = LeaderAndIsrResponse.LeaderAndIsrPartitionError()
                        error.partitionIndex = state.partitionIndex
                        error.errorCode =
                            outcome.errors[TopicPartition(topic.topicName, state.partitionIndex)] ?? .none
                        return error
                    }
                    return wire
                }
            }
            return response
        }
    }
}

/// StopReplica, 0–4: stops to replicate partitions, and deletes them where it says so.
///
/// v1 adds the broker's epoch and groups by topic, v3 a leader epoch and a deletion flag for each partition.
struct StopReplicaHandler: WaitingApiHandler {
    typealias Request = StopReplicaRequest

    let gate: ControlGate
    let replicas: ReplicaManager
    let stopped: @Sendable ([ControlRequest.StopReplica.Partition]) -> Void

    func answer(
        _ request: StopReplicaRequest, _ context: RequestContext<StopReplicaResponse>
    ) async -> StopReplicaResponse {
        let stops = ControlMessages.partitions(request, version: context.version)
        return await replicas.onControlQueue { [self] in
            var response = StopReplicaResponse()
            if let refusal = gate.refusal(
                controllerEpoch: request.controllerEpoch, brokerEpoch: request.brokerEpoch)
            {
                response.errorCode = refusal
                return response
            }
            let errors = replicas.apply(stops)
            stopped(stops.filter { errors[$0.partition] == ErrorCode.none })
            response.partitionErrors = stops.map { stop in
                var wire = StopReplicaResponse.StopReplicaPartitionError()
                wire.topicName = stop.partition.topic
                wire.partitionIndex = stop.partition.partition
                wire.errorCode = errors[stop.partition] ?? .none
                return wire
            }
            return response
        }
    }
}

/// UpdateMetadata, 0–8: the cluster as the controller sees it.
///
/// v1 adds listeners, v2 racks, v3 listener names, v4 offline replicas, v5 the broker's epoch and groups by topic, v7 topic
/// ids, v8 whether the controller is KRaft's.
struct UpdateMetadataHandler: WaitingApiHandler {
    typealias Request = UpdateMetadataRequest

    let gate: ControlGate
    let replicas: ReplicaManager
    let interBrokerListener: String
    /// Told to whoever waits for topics to appear or vanish.
    let changed: @Sendable (_ update: MetadataUpdate, _ before: MetadataImage, _ after: MetadataImage) -> Void

    func answer(
        _ request: UpdateMetadataRequest, _ context: RequestContext<UpdateMetadataResponse>
    ) async -> UpdateMetadataResponse {
        let update = ControlMessages.update(request, version: context.version, listener: interBrokerListener)
        return await replicas.onControlQueue { [self] in
            var response = UpdateMetadataResponse()
            if let refusal = gate.refusal(
                controllerEpoch: request.controllerEpoch, brokerEpoch: request.brokerEpoch)
            {
                response.errorCode = refusal
                return response
            }
            let images = replicas.apply(update)
            changed(update, images.before, images.after)
            return response
        }
    }
}

/// ControlledShutdown, 0–3: a broker asks the controller to move its leaderships away.
struct ControlledShutdownHandler: WaitingApiHandler {
    typealias Request = ControlledShutdownRequest

    let controller: ControllerService

    func answer(
        _ request: ControlledShutdownRequest, _ context: RequestContext<ControlledShutdownResponse>
    ) async -> ControlledShutdownResponse {
        var response = ControlledShutdownResponse()
        let reply = await controller.request(
            .controlledShutdown(broker: request.brokerID, epoch: context.version < 2 ? -1 : request.brokerEpoch))
        switch reply {
        case .controlledShutdown(let remaining):
            response.remainingPartitions = remaining.sorted().map { partition in
                var wire = ControlledShutdownResponse.RemainingPartition()
                wire.topicName = partition.topic
                wire.partitionIndex = partition.partition
                return wire
            }
        case .refused(let error): response.errorCode = error.code
        default: response.errorCode = .unknownServerError
        }
        return response
    }
}
