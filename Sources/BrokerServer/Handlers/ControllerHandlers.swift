// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaProtocol

// What other brokers ask of the controller.

/// AlterPartition, 0–3: a leader wishes another in-sync set (KIP-497).
///
/// v1 adds the recovery state (KIP-704), v2 names topics by id, v3 members with their epochs (KIP-903).
struct AlterPartitionHandler: WaitingApiHandler {
    typealias Request = AlterPartitionRequest

    let controller: ControllerService
    let metadata: MetadataCache

    func answer(
        _ request: AlterPartitionRequest, _ context: RequestContext<AlterPartitionResponse>
    ) async -> AlterPartitionResponse {
        let version = context.version
        var response = AlterPartitionResponse()
        var partitions: [ControllerRequest.AlterPartition.Partition] = []
        let image = metadata.current
        var names: [KafkaUUID: String] = [:]
        for topic in request.topics {
            // A topic that is to be deleted, but is still being reassigned, is in nobody's image any more.
            let name =
                version >= 2
                ? image.topicName(id: topic.topicID) ?? controller.topicName(id: topic.topicID) : topic.topicName
            guard let name else { continue }
            names[topic.topicID] = name
            for partition in topic.partitions {
                partitions.append(
                    .init(
                        partition: TopicPartition(name, partition.partitionIndex), leaderEpoch: partition.leaderEpoch,
                        partitionEpoch: partition.partitionEpoch,
                        inSyncReplicas: version >= 3
                            ? partition.newIsrWithEpochs.map(\.brokerID) : partition.newIsr,
                        recoveryState: LeaderRecoveryState(rawValue: partition.leaderRecoveryState) ?? .recovered))
            }
        }
        let reply = await controller.request(
            .alterPartition(
                .init(
                    broker: request.brokerID, brokerEpoch: request.brokerEpoch, partitions: partitions,
                    usesTopicIDs: version >= 2)))
        guard case .alterPartition(let outcomes) = reply else {
            if case .refused(let error) = reply { response.errorCode = error.code }
            return response
        }
        response.topics = request.topics.map { topic in
            var wire = AlterPartitionResponse.TopicData()
            wire.topicName = topic.topicName
            wire.topicID = topic.topicID
            let name = version >= 2 ? names[topic.topicID] : topic.topicName
            wire.partitions = topic.partitions.map { partition in
                var entry = AlterPartitionResponse.PartitionData()
                entry.partitionIndex = partition.partitionIndex
                guard let name else {
                    // A controller that has just begun may not have told itself yet: worth another try. To UNKNOWN_TOPIC_ID
                    // the leader would wait for a LeaderAndIsr that does not come.
                    entry.errorCode = .unknownServerError
                    return entry
                }
                switch outcomes[TopicPartition(name, partition.partitionIndex)] {
                case .success(let state):
                    entry.leaderID = state.leader
                    entry.leaderEpoch = state.leaderEpoch
                    entry.isr = state.inSyncReplicas
                    entry.leaderRecoveryState = state.recoveryState.rawValue
                    entry.partitionEpoch = state.partitionEpoch
                case .failure(let error): entry.errorCode = error.code
                case nil: entry.errorCode = .unknownServerError
                }
                return entry
            }
            return wire
        }
        return response
    }
}

/// AllocateProducerIds, 0: a broker needs another block of producer ids (KIP-730).
struct AllocateProducerIdsHandler: WaitingApiHandler {
    typealias Request = AllocateProducerIdsRequest

    let controller: ControllerService

    func answer(
        _ request: AllocateProducerIdsRequest, _ context: RequestContext<AllocateProducerIdsResponse>
    ) async -> AllocateProducerIdsResponse {
        var response = AllocateProducerIdsResponse()
        switch await controller.request(
            .allocateProducerIDs(broker: request.brokerID, epoch: request.brokerEpoch))
        {
        case .producerIDs(let block):
            response.producerIDStart = block.first
            response.producerIDLen = Int32(clamping: block.last - block.first + 1)
        case .refused(let error): response.errorCode = error.code
        default: response.errorCode = .unknownServerError
        }
        return response
    }
}

/// ElectLeaders, 0–2: preferred and, from v1 on, unclean elections (KIP-183, KIP-460).
struct ElectLeadersHandler: WaitingApiHandler {
    typealias Request = ElectLeadersRequest

    let controller: ControllerService
    let wait: MetadataWait

    func answer(
        _ request: ElectLeadersRequest, _ context: RequestContext<ElectLeadersResponse>
    ) async -> ElectLeadersResponse {
        await answer(request, version: context.version)
    }

    func answer(_ request: ElectLeadersRequest, version: Int16) async -> ElectLeadersResponse {
        var response = ElectLeadersResponse()
        guard let type = ControllerRequest.ElectionType(rawValue: version == 0 ? 0 : request.electionType)
        else {
            response.errorCode = .invalidRequest
            return response
        }
        let partitions = request.topicPartitions.map { topics in
            topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } }
        }
        let reply = await controller.request(.electLeaders(type, partitions: partitions))
        guard case .electLeaders(let outcomes) = reply else {
            if case .refused(let error) = reply {
                response.replicaElectionResults = refusal(error, of: partitions)
            }
            return response
        }
        let elected = outcomes.compactMap { partition, outcome -> (TopicPartition, BrokerID)? in
            guard case .success(let leader) = outcome else { return nil }
            return (partition, leader)
        }
        if !elected.isEmpty {
            _ = await wait.wait(for: Set(elected.map(\.0.topic)), milliseconds: Int64(request.timeoutMs)) { image in
                elected.allSatisfy { image.partition($0.0)?.leader == $0.1 }
            }
        }
        let image = wait.metadata.current
        var byTopic: [String: [ElectLeadersResponse.PartitionResult]] = [:]
        for (partition, outcome) in outcomes {
            var wire = ElectLeadersResponse.PartitionResult()
            wire.partitionID = partition.partition
            wire.errorMessage = nil
            switch outcome {
            case .success(let leader):
                if image.partition(partition)?.leader != leader {
                    wire.errorCode = .requestTimedOut
                    wire.errorMessage = ErrorCode.requestTimedOut.message
                }
            case .failure(let error):
                // Asked for all, only those are told that needed one.
                if partitions == nil, error.code == .electionNotNeeded { continue }
                wire.errorCode = error.code
                wire.errorMessage = error.message ?? error.code.message
            }
            byTopic[partition.topic, default: []].append(wire)
        }
        response.replicaElectionResults = Self.sorted(byTopic)
        return response
    }

    /// The same error for each partition, or, where all were asked for, for each that this broker knows: the answer has no
    /// place for an error of the whole in version 0, and Kafka uses it in no version.
    private func refusal(
        _ error: ControllerError, of partitions: [TopicPartition]?
    ) -> [ElectLeadersResponse.ReplicaElectionResult] {
        let known = wait.metadata.current.topics.lazy.flatMap { topic in
            topic.partitions.map { TopicPartition(topic.name, $0.index) }
        }
        let results = Set(partitions ?? Array(known)).map { partition in
            var wire = ElectLeadersResponse.PartitionResult()
            wire.partitionID = partition.partition
            wire.errorCode = error.code
            wire.errorMessage = error.message
            return (partition.topic, wire)
        }
        return Self.sorted(Dictionary(grouping: results, by: \.0).mapValues { $0.map(\.1) })
    }

    private static func sorted(
        _ byTopic: [String: [ElectLeadersResponse.PartitionResult]]
    ) -> [ElectLeadersResponse.ReplicaElectionResult] {
        byTopic.sorted { $0.key < $1.key }.map { topic, results in
            var wire = ElectLeadersResponse.ReplicaElectionResult()
            wire.topic = topic
            wire.partitionResult = results.sorted { $0.partitionID < $1.partitionID }
            return wire
        }
    }
}

/// AlterPartitionReassignments, 0 (KIP-455).
struct AlterPartitionReassignmentsHandler: WaitingApiHandler {
    typealias Request = AlterPartitionReassignmentsRequest

    let controller: ControllerService

    func answer(
        _ request: AlterPartitionReassignmentsRequest, _ context: RequestContext<AlterPartitionReassignmentsResponse>
    ) async -> AlterPartitionReassignmentsResponse {
        var response = AlterPartitionReassignmentsResponse()
        var targets: [TopicPartition: [BrokerID]?] = [:]
        for topic in request.topics {
            for partition in topic.partitions {
                targets.updateValue(partition.replicas, forKey: TopicPartition(topic.name, partition.partitionIndex))
            }
        }
        let reply = await controller.request(.reassignPartitions(targets))
        guard case .reassignPartitions(let errors) = reply else {
            if case .refused(let error) = reply {
                response.errorCode = error.code
                response.errorMessage = error.message ?? error.code.message
            }
            return response
        }
        response.responses = request.topics.map { topic in
            var wire = AlterPartitionReassignmentsResponse.ReassignableTopicResponse()
            wire.name = topic.name
            wire.partitions = topic.partitions.map { partition in
                var entry = AlterPartitionReassignmentsResponse.ReassignablePartitionResponse()
                entry.partitionIndex = partition.partitionIndex
                entry.errorMessage = nil
                if let error = errors[TopicPartition(topic.name, partition.partitionIndex)] ?? nil {
                    entry.errorCode = error.code
                    entry.errorMessage = error.message ?? error.code.message
                }
                return entry
            }
            return wire
        }
        return response
    }
}

/// ListPartitionReassignments, 0 (KIP-455).
struct ListPartitionReassignmentsHandler: WaitingApiHandler {
    typealias Request = ListPartitionReassignmentsRequest

    let controller: ControllerService

    func answer(
        _ request: ListPartitionReassignmentsRequest, _ context: RequestContext<ListPartitionReassignmentsResponse>
    ) async -> ListPartitionReassignmentsResponse {
        var response = ListPartitionReassignmentsResponse()
        let partitions = request.topics.map { topics in
            topics.flatMap { topic in topic.partitionIndexes.map { TopicPartition(topic.name, $0) } }
        }
        let reply = await controller.request(.listReassignments(partitions: partitions))
        guard case .listReassignments(let running) = reply else {
            if case .refused(let error) = reply {
                response.errorCode = error.code
                response.errorMessage = error.message ?? error.code.message
            }
            return response
        }
        let byTopic = Dictionary(grouping: running, by: \.key.topic).sorted { $0.key < $1.key }
        response.topics = byTopic.map { topic, entries in
            var wire = ListPartitionReassignmentsResponse.OngoingTopicReassignment()
            wire.name = topic
            wire.partitions = entries.sorted { $0.key < $1.key }.map { partition, assignment in
                var entry = ListPartitionReassignmentsResponse.OngoingPartitionReassignment()
                entry.partitionIndex = partition.partition
                entry.replicas = assignment.replicas
                entry.addingReplicas = assignment.adding
                entry.removingReplicas = assignment.removing
                return entry
            }
            return wire
        }
        return response
    }
}
