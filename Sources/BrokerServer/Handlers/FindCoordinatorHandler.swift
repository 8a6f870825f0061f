// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaProtocol
import OrderedCollections

/// FindCoordinator, 0–6: which broker looks after a group or a transactional id.
///
/// v1 adds transactional ids (KIP-98), v4 several keys at once (KIP-699), v6 share groups (KIP-932), which this broker has
/// none of.
struct FindCoordinatorHandler: ApiHandler {
    typealias Request = FindCoordinatorRequest

    private enum KeyType: Int8 {
        case group = 0
        case transaction = 1
        case share = 2
    }

    let metadata: MetadataCache
    let autoCreation: AutoTopicCreation
    let groups: GroupCoordinationService
    let transactions: TransactionCoordinationService

    func handle(_ request: FindCoordinatorRequest, _ context: RequestContext<FindCoordinatorResponse>) {
        var response = FindCoordinatorResponse()
        var missing: Set<String> = []
        if context.version < 4 {
            let found = find(request.key, request.keyType, context, &missing)
            response.errorCode = found.error
            // Kafka's own spelling of "no error".
            response.errorMessage = found.error.isNone ? "NONE" : found.error.message
            response.nodeID = found.id
            response.host = found.host
            response.port = found.port
        } else {
            response.coordinators = OrderedSet(request.coordinatorKeys).map { key in
                let found = find(key, request.keyType, context, &missing)
                var wire = FindCoordinatorResponse.Coordinator()
                wire.key = key
                wire.nodeID = found.id
                wire.host = found.host
                wire.port = found.port
                wire.errorCode = found.error
                wire.errorMessage = found.error.isNone ? "" : found.error.message
                return wire
            }
        }
        // A bare task: the client asks again, and finds the topic then.
        if !missing.isEmpty { Task { [autoCreation, missing] in _ = await autoCreation.create(Array(missing)) } }
        context.answer(response)
    }

    private struct Found {
        var error: ErrorCode
        var id: BrokerID = -1
        var host = ""
        var port: Int32 = -1
    }

    /// - Parameter missing: takes the coordinators' topic where there is none yet.
    private func find(
        _ key: String, _ type: Int8, _ context: RequestContext<FindCoordinatorResponse>, _ missing: inout Set<String>
    ) -> Found {
        let coordinating: TopicPartition
        switch KeyType(rawValue: type) {
        case .group: coordinating = groups.partition(of: key)
        case .transaction: coordinating = transactions.partition(of: key)
        case .share: return Found(error: context.version >= 6 ? .coordinatorNotAvailable : .invalidRequest)
        case nil: return Found(error: .invalidRequest)
        }
        let image = metadata.current
        guard let known = image.topic(coordinating.topic) else {
            missing.insert(coordinating.topic)
            return Found(error: .coordinatorNotAvailable)
        }
        guard let partition = known[coordinating.partition],
            case .available(let id, let endpoint) = image.leaderEndpoint(
                of: partition, listener: context.connection.listenerName)
        else { return Found(error: .coordinatorNotAvailable) }
        return Found(error: .none, id: id, host: endpoint.host, port: endpoint.port)
    }
}
