// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaProtocol
import LogStorage
import Replication

/// What the three control requests have in common: who may send them.
struct ControlGate: Sendable {
    let replicas: ReplicaManager
    /// This broker's epoch: the czxid of its registration. −1 before it is registered.
    let brokerEpoch: @Sendable () -> BrokerEpoch
    /// The epoch of the controller that ZooKeeper knows; nil when it does not answer. Asked once for each controllership.
    let electedEpoch: @Sendable () async -> ControllerEpoch?

    /// Whether anybody has been elected at that epoch, as far as can be told.
    func isElected(_ epoch: ControllerEpoch) async -> Bool {
        guard epoch > replicas.fence.withLock({ $0.controllerEpoch }) else { return true }
        return await electedEpoch().map { epoch <= $0 } ?? true
    }

    /// Why a request is refused whole; nil when its sender is the controller and means this life of the broker.
    func refusal(
        controllerEpoch: ControllerEpoch, brokerEpoch epoch: BrokerEpoch, connection: Int
    ) -> ControlFence.Refusal? {
        let own = brokerEpoch()
        return replicas.fence.withLock {
            $0.refusal(controllerEpoch: controllerEpoch, brokerEpoch: epoch, own: own, connection: connection)
        }
    }
}

/// Carries out a control request on the control queue, behind those before it.
private protocol ControlApiHandler: ApiHandler where Request.Response: Sendable {
    var gate: ControlGate { get }
    var replicas: ReplicaManager { get }
    /// What is to be ready before the request's turn comes.
    func prepare(_ request: Request) async
    /// Runs on the control queue.
    func carryOut(_ request: Request, version: Int16) -> Request.Response
    static func sender(of request: Request) -> (controller: ControllerEpoch, broker: BrokerEpoch)
    static func refused(_ error: ErrorCode) -> Request.Response
}

extension ControlApiHandler {
    func prepare(_ request: Request) async {}

    func handle(_ request: Request, _ context: RequestContext<Request.Response>) {
        let sender = Self.sender(of: request)
        // A bare task: it lives as long as the request, and the connection's rules bound how many there are.
        Task {
            guard await gate.isElected(sender.controller) else {
                return context.answer(Self.refused(.staleControllerEpoch))
            }
            await prepare(request)
            let response = await replicas.onControlQueue { () -> Request.Response? in
                switch gate.refusal(
                    controllerEpoch: sender.controller, brokerEpoch: sender.broker,
                    connection: context.connection.number)
                {
                case nil: carryOut(request, version: context.version)
                case .error(let error): Self.refused(error)
                case .hangUp: nil
                }
            }
            if let response { context.answer(response) } else { context.closeConnection() }
        }
    }
}

/// LeaderAndIsr, 0–7: makes this broker leader or follower of partitions.
///
/// v1 adds isNew, v2 the broker's epoch and groups by topic, v3 reassignments, v5 topic ids, v6 the recovery state, v7
/// whether the controller is KRaft's.
struct LeaderAndIsrHandler: ControlApiHandler {
    typealias Request = LeaderAndIsrRequest

    let gate: ControlGate
    let replicas: ReplicaManager
    let settings: TopicSettingsLoader
    /// Told to the coordinators: which partitions this broker leads and follows now.
    let rolesChanged: @Sendable (ReplicaManager.LeaderAndIsrOutcome) -> Void

    func prepare(_ request: LeaderAndIsrRequest) async {
        // Below version 2 the topics are not grouped.
        let grouped = request.topicStates.map(\.topicName)
        await settings.load(Set(grouped.isEmpty ? request.ungroupedPartitionStates.map(\.topicName) : grouped))
    }

    func carryOut(_ request: LeaderAndIsrRequest, version: Int16) -> LeaderAndIsrResponse {
        let changes = ControlMessages.partitions(request, version: version)
        var response = LeaderAndIsrResponse()
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

    static func sender(of request: LeaderAndIsrRequest) -> (controller: ControllerEpoch, broker: BrokerEpoch) {
        (request.controllerEpoch, request.brokerEpoch)
    }

    static func refused(_ error: ErrorCode) -> LeaderAndIsrResponse {
        var response = LeaderAndIsrResponse()
        response.errorCode = error
        return response
    }
}

/// StopReplica, 0–4: stops to replicate partitions, and deletes them where it says so.
///
/// v1 adds the broker's epoch and groups by topic, v3 a leader epoch and a deletion flag for each partition.
struct StopReplicaHandler: ControlApiHandler {
    typealias Request = StopReplicaRequest

    let gate: ControlGate
    let replicas: ReplicaManager
    let stopped: @Sendable ([ControlRequest.StopReplica.Partition]) -> Void

    func carryOut(_ request: StopReplicaRequest, version: Int16) -> StopReplicaResponse {
        let stops = ControlMessages.partitions(request, version: version)
        var response = StopReplicaResponse()
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

    static func sender(of request: StopReplicaRequest) -> (controller: ControllerEpoch, broker: BrokerEpoch) {
        (request.controllerEpoch, request.brokerEpoch)
    }

    static func refused(_ error: ErrorCode) -> StopReplicaResponse {
        var response = StopReplicaResponse()
        response.errorCode = error
        return response
    }
}

/// UpdateMetadata, 0–8: the cluster as the controller sees it.
///
/// v1 adds listeners, v2 racks, v3 listener names, v4 offline replicas, v5 the broker's epoch and groups by topic, v7 topic
/// ids, v8 whether the controller is KRaft's.
struct UpdateMetadataHandler: ControlApiHandler {
    typealias Request = UpdateMetadataRequest

    let gate: ControlGate
    let replicas: ReplicaManager
    let interBrokerListener: String
    /// Told to whoever waits for topics to appear or vanish.
    let changed: @Sendable (_ update: MetadataUpdate, _ before: MetadataImage, _ after: MetadataImage) -> Void

    func carryOut(_ request: UpdateMetadataRequest, version: Int16) -> UpdateMetadataResponse {
        let update = ControlMessages.update(request, version: version, listener: interBrokerListener)
        let images = replicas.apply(update)
        changed(update, images.before, images.after)
        return UpdateMetadataResponse()
    }

    static func sender(of request: UpdateMetadataRequest) -> (controller: ControllerEpoch, broker: BrokerEpoch) {
        (request.controllerEpoch, request.brokerEpoch)
    }

    static func refused(_ error: ErrorCode) -> UpdateMetadataResponse {
        var response = UpdateMetadataResponse()
        response.errorCode = error
        return response
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
