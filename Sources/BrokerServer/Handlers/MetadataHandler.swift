// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaProtocol

/// Metadata, 0–12: who the brokers are and who leads what.
///
/// v0 lists all topics for an empty list, v1 for null (and tells the controller and racks), v2 adds the cluster id, v4 lets
/// the client forbid auto-creation, v5 offline replicas, v7 leader epochs, v8–10 authorized operations, v10 topic ids
/// in the answer, v12 topic ids in the request (KIP-516).
struct MetadataHandler: WaitingApiHandler {
    typealias Request = MetadataRequest

    let metadata: MetadataCache
    /// Creates topics that a client asked for by name, when the broker's settings allow it.
    let autoCreation: AutoTopicCreation

    func handle(_ request: MetadataRequest, _ context: RequestContext<MetadataResponse>) {
        let answer = reply(to: request, context)
        guard !answer.toCreate.isEmpty else { return context.answer(answer.response) }
        // A bare task: topics are created through ZooKeeper, for which an event loop cannot wait.
        Task {
            var response = answer.response
            let errors = Dictionary(await autoCreation.create(answer.toCreate), uniquingKeysWith: { $1 })
            for index in response.topics.indices {
                guard let error = response.topics[index].name.flatMap({ errors[$0] }) else { continue }
                response.topics[index].errorCode = error
            }
            context.answer(response)
        }
    }

    func answer(_ request: MetadataRequest, _ context: RequestContext<MetadataResponse>) async -> MetadataResponse {
        reply(to: request, context).response
    }

    private func reply(
        to request: MetadataRequest, _ context: RequestContext<MetadataResponse>
    ) -> (response: MetadataResponse, toCreate: [String]) {
        let image = metadata.current
        let listener = context.connection.listenerName
        let version = context.version
        var response = MetadataResponse()
        response.clusterID = image.clusterID
        response.controllerID = image.controllerID ?? -1
        response.brokers = image.aliveBrokers(listener: listener).map { broker, endpoint in
            var wire = MetadataResponse.MetadataResponseBroker()
            wire.nodeID = broker.id
            wire.host = endpoint.host
            wire.port = endpoint.port
            wire.rack = broker.rack
            return wire
        }
        if (8...10).contains(version), request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.all(of: .cluster)
        }
        var toCreate: [String] = []
        let wantsAll = request.topics == nil || (version == 0 && request.topics?.isEmpty == true)
        if wantsAll {
            response.topics = image.topics.map {
                describe($0, in: image, listener: listener, request, version: version)
            }
        } else {
            let mayCreate = autoCreation.isEnabled && (version < 4 || request.allowAutoTopicCreation)
            var seen: Set<String> = []
            var seenIDs: Set<KafkaUUID> = []
            for topic in request.topics ?? [] {
                if version >= 10, version < 12, !topic.topicID.isZero {
                    return (Self.refused(request, .invalidRequest), [])
                }
                guard let name = topic.name else {
                    guard version >= 12 else { return (Self.refused(request, .invalidRequest), []) }
                    guard seenIDs.insert(topic.topicID).inserted else { continue }
                    response.topics.append(
                        describe(id: topic.topicID, in: image, listener: listener, request, version: version))
                    continue
                }
                guard seen.insert(name).inserted else { continue }
                if let known = image.topic(name) {
                    response.topics.append(describe(known, in: image, listener: listener, request, version: version))
                    continue
                }
                var missing = MetadataResponse.MetadataResponseTopic()
                missing.name = name
                missing.isInternal = InternalTopic.isInternal(name)
                if !TopicName.isValid(name) {
                    missing.errorCode = .invalidTopicException
                } else if mayCreate {
                    missing.errorCode = .leaderNotAvailable
                    toCreate.append(name)
                } else {
                    missing.errorCode = .unknownTopicOrPartition
                }
                response.topics.append(missing)
            }
        }
        return (response, toCreate)
    }

    private func describe(
        _ topic: TopicImage, in image: MetadataImage, listener: String, _ request: MetadataRequest,
        version: Int16
    ) -> MetadataResponse.MetadataResponseTopic {
        var wire = MetadataResponse.MetadataResponseTopic()
        wire.name = topic.name
        wire.topicID = topic.id
        wire.isInternal = InternalTopic.isInternal(topic.name)
        if version >= 8, request.includeTopicAuthorizedOperations {
            wire.topicAuthorizedOperations = AuthorizedOperations.all(of: .topic)
        }
        wire.partitions = topic.partitions.map { partition in
            var entry = MetadataResponse.MetadataResponsePartition()
            let state = partition.state
            entry.partitionIndex = partition.index
            entry.leaderEpoch = state.leaderEpoch
            entry.replicaNodes = state.replicas
            entry.isrNodes = state.inSyncReplicas
            entry.offlineReplicas = state.offlineReplicas
            switch image.leaderEndpoint(of: state, listener: listener) {
            case .available(let leader, _):
                entry.leaderID = leader
            case .noLeader:
                entry.errorCode = .leaderNotAvailable
                entry.leaderID = -1
            case .noSuchListener:
                entry.errorCode = version >= 6 ? .listenerNotFound : .leaderNotAvailable
                entry.leaderID = -1
            }
            // Clients of version 0 cannot bear replicas which they have no address for.
            if version == 0 {
                entry.replicaNodes = state.replicas.filter { image.endpoint(of: $0, listener: listener) != nil }
                entry.isrNodes = state.inSyncReplicas.filter { image.endpoint(of: $0, listener: listener) != nil }
                if entry.errorCode.isNone,
                    entry.replicaNodes.count < state.replicas.count || entry.isrNodes.count < state.inSyncReplicas.count
                {
                    entry.errorCode = .replicaNotAvailable
                }
            }
            return entry
        }
        return wire
    }

    private func describe(
        id: KafkaUUID, in image: MetadataImage, listener: String, _ request: MetadataRequest,
        version: Int16
    ) -> MetadataResponse.MetadataResponseTopic {
        if let topic = image.topic(id: id) {
            return describe(topic, in: image, listener: listener, request, version: version)
        }
        var unknown = MetadataResponse.MetadataResponseTopic()
        unknown.errorCode = .unknownTopicID
        unknown.name = nil
        unknown.topicID = id
        return unknown
    }

    /// The whole request refused: every topic that it names carries the error.
    private static func refused(_ request: MetadataRequest, _ error: ErrorCode) -> MetadataResponse {
        var response = MetadataResponse()
        response.topics = (request.topics ?? []).map { topic in
            var wire = MetadataResponse.MetadataResponseTopic()
            wire.errorCode = error
            wire.name = topic.name ?? ""
            wire.topicID = topic.topicID
            return wire
        }
        return response
    }
}
