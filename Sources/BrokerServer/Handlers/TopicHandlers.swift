// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaProtocol
import OrderedCollections

/// Waits until the metadata shows what an administrative request has brought about.
struct MetadataWait: Sendable {
    /// By topic.
    let waiting: DelayedOperations<String>
    let metadata: MetadataCache

    /// True when `holds` came true for the topic before the time was over.
    func wait(
        for topics: some Collection<String>, milliseconds: Int64,
        until holds: @escaping @Sendable (MetadataImage) -> Bool
    ) async -> Bool {
        guard milliseconds > 0 else { return false }
        let metadata = metadata
        return await withCheckedContinuation { continuation in
            let operation = DelayedOperation(
                isSatisfied: { holds(metadata.current) },
                finish: { timedOut in continuation.resume(returning: !timedOut) })
            waiting.completeElseWait(operation, keys: topics, timeout: milliseconds)
        }
    }
}

/// CreateTopics, 0–7, on the controller.
///
/// v1 adds messages and validateOnly, v4 lets counts be −1 (KIP-464), v5 answers with the settings (KIP-525), v6 is strict
/// about quotas (KIP-599), v7 answers with the id.
struct CreateTopicsHandler: WaitingApiHandler {
    typealias Request = CreateTopicsRequest

    let administration: TopicAdministration
    let controller: ControllerService
    let wait: MetadataWait

    func answer(
        _ request: CreateTopicsRequest, _ context: RequestContext<CreateTopicsResponse>
    ) async -> CreateTopicsResponse {
        await answer(request)
    }

    func answer(_ request: CreateTopicsRequest) async -> CreateTopicsResponse {
        var response = CreateTopicsResponse()
        let counts = Dictionary(grouping: request.topics, by: \.name).mapValues(\.count)
        var outcomes: [(name: String, outcome: Result<CreatedTopic, ControllerError>)] = []
        var seen: Set<String> = []
        for topic in request.topics where seen.insert(topic.name).inserted {
            guard controller.isActive else {
                outcomes.append((topic.name, .failure(ControllerError(.notController, nil))))
                continue
            }
            guard counts[topic.name] == 1 else {
                outcomes.append(
                    (topic.name, .failure(ControllerError(.invalidRequest, "Found multiple entries for this topic."))))
                continue
            }
            // The name of the log of KRaft's metadata, to which a cluster may be migrated one day.
            guard topic.name != InternalTopic.clusterMetadata else {
                outcomes.append(
                    (topic.name, .failure(ControllerError(.topicAuthorizationFailed, "Authorization failed."))))
                continue
            }
            let outcome = await administration.create(NewTopic(topic), validateOnly: request.validateOnly)
            outcomes.append((topic.name, outcome))
        }
        let created = outcomes.compactMap { name, outcome -> (String, Int)? in
            guard case .success(let topic) = outcome else { return nil }
            return (name, topic.partitions)
        }
        let isComplete =
            request.validateOnly || created.isEmpty
            ? true
            : await wait.wait(for: created.map(\.0), milliseconds: Int64(request.timeoutMs)) { image in
                created.allSatisfy { name, count in
                    guard let topic = image.topic(name), topic.partitions.count >= count else { return false }
                    return topic.partitions.allSatisfy(\.state.hasLeader)
                }
            }
        response.topics = outcomes.map { name, outcome in
            var wire = CreateTopicsResponse.CreatableTopicResult()
            wire.name = name
            wire.errorMessage = nil
            switch outcome {
            case .success(let topic):
                if !isComplete, !isReady(name, topic.partitions) {
                    wire.errorCode = .requestTimedOut
                    wire.errorMessage = ErrorCode.requestTimedOut.message
                }
                wire.topicID = request.validateOnly ? .zero : topic.id
                wire.numPartitions = Int32(clamping: topic.partitions)
                wire.replicationFactor = Int16(clamping: topic.replicationFactor)
                wire.configs = describe(topic.configuration)
            case .failure(let error):
                wire.errorCode = error.code
                wire.errorMessage = error.message
                wire.configs = []
            }
            return wire
        }
        return response
    }

    private func isReady(_ name: String, _ count: Int) -> Bool {
        guard let topic = wait.metadata.current.topic(name), topic.partitions.count >= count else { return false }
        return topic.partitions.allSatisfy(\.state.hasLeader)
    }

    private func describe(_ topic: TopicConfiguration) -> [CreateTopicsResponse.CreatableTopicConfigs] {
        administration.configuration().description(of: topic).map { setting in
            var wire = CreateTopicsResponse.CreatableTopicConfigs()
            wire.name = setting.name
            wire.value = setting.value
            wire.readOnly = setting.isReadOnly
            wire.configSource = setting.source.rawValue
            wire.isSensitive = setting.isSensitive
            return wire
        }
    }
}

extension NewTopic {
    fileprivate init(_ topic: CreateTopicsRequest.CreatableTopic) {
        self.init(
            name: topic.name, partitions: topic.numPartitions, replicationFactor: topic.replicationFactor,
            assignments: topic.assignments.map { ($0.partitionIndex, $0.brokerIDs) },
            settings: topic.configs.map { ($0.name, $0.value) })
    }
}

/// DeleteTopics, 0–6, on the controller.
///
/// v3 knows TOPIC_DELETION_DISABLED (KIP-322), v5 messages, v6 topic ids (KIP-516).
struct DeleteTopicsHandler: WaitingApiHandler {
    typealias Request = DeleteTopicsRequest

    let administration: TopicAdministration
    let controller: ControllerService
    let wait: MetadataWait

    func answer(
        _ request: DeleteTopicsRequest, _ context: RequestContext<DeleteTopicsResponse>
    ) async -> DeleteTopicsResponse {
        typealias Result = DeleteTopicsResponse.DeletableTopicResult
        var response = DeleteTopicsResponse()
        // Each once, since each costs a look at ZooKeeper.
        let named =
            OrderedSet(request.topics.map { Named(name: $0.name, id: $0.topicID) })
            .union(request.topicNames.map { Named(name: $0, id: .zero) })
        if let refusal = refusal(version: context.version) {
            response.responses = named.map { topic in
                var result = Result()
                result.name = topic.name
                result.topicID = topic.id
                result.errorCode = refusal
                return result
            }
            return response
        }
        var results: [Result] = []
        let image = wait.metadata.current
        for topic in named {
            var result = Result()
            result.name = topic.name
            result.topicID = topic.id
            if topic.name != nil, !topic.id.isZero {
                result.errorCode = .invalidRequest
                result.errorMessage = "Topic name and topic ID can not both be specified."
            } else if topic.name == nil {
                result.name = image.topicName(id: topic.id)
                if result.name == nil { result.errorCode = .unknownTopicID }
            }
            results.append(result)
        }
        var pending: Set<String> = []
        for index in results.indices where results[index].errorCode.isNone {
            guard let name = results[index].name, !pending.contains(name) else { continue }
            if let error = await administration.delete(name) {
                results[index].errorCode = error.code
                results[index].errorMessage = error.message
            } else {
                pending.insert(name)
            }
        }
        let gone = pending
        if !gone.isEmpty {
            _ = await wait.wait(for: gone, milliseconds: Int64(request.timeoutMs)) { image in
                gone.allSatisfy { image.topic($0) == nil }
            }
            let after = wait.metadata.current
            for index in results.indices {
                guard let name = results[index].name, gone.contains(name), after.topic(name) != nil else { continue }
                results[index].errorCode = .requestTimedOut
            }
        }
        response.responses = results
        return response
    }

    /// How a request names a topic: by its name, or by its id.
    private struct Named: Hashable {
        var name: String?
        var id: KafkaUUID
    }

    /// Why nothing is deleted here, whatever it is: asked before anybody looks who is meant.
    private func refusal(version: Int16) -> ErrorCode? {
        if !controller.isActive { return .notController }
        guard administration.configuration().topics.allowsDeletion else {
            return version < 3 ? .invalidRequest : .topicDeletionDisabled
        }
        return nil
    }
}

/// CreatePartitions, 0–3, on the controller (KIP-195).
struct CreatePartitionsHandler: WaitingApiHandler {
    typealias Request = CreatePartitionsRequest

    let administration: TopicAdministration
    let controller: ControllerService
    let wait: MetadataWait

    func answer(
        _ request: CreatePartitionsRequest, _ context: RequestContext<CreatePartitionsResponse>
    ) async -> CreatePartitionsResponse {
        var response = CreatePartitionsResponse()
        let counts = Dictionary(grouping: request.topics, by: \.name).mapValues(\.count)
        var pending: [(name: String, count: Int)] = []
        var seen: Set<String> = []
        for topic in request.topics where seen.insert(topic.name).inserted {
            var result = CreatePartitionsResponse.CreatePartitionsTopicResult()
            result.name = topic.name
            if !controller.isActive {
                result.errorCode = .notController
            } else if counts[topic.name] != 1 {
                result.errorCode = .invalidRequest
                result.errorMessage = "Duplicate topic in request."
            } else if let error = await administration.grow(
                topic.name, to: topic.count, assignments: topic.assignments?.map(\.brokerIDs),
                validateOnly: request.validateOnly)
            {
                result.errorCode = error.code
                result.errorMessage = error.message
            } else if !request.validateOnly {
                pending.append((topic.name, Int(topic.count)))
            }
            response.results.append(result)
        }
        let grown = pending
        guard !grown.isEmpty else { return response }
        let holds: @Sendable (MetadataImage, String, Int) -> Bool = { image, name, count in
            guard let topic = image.topic(name), topic.partitions.count >= count else { return false }
            return topic.partitions.allSatisfy(\.state.hasLeader)
        }
        _ = await wait.wait(for: grown.map(\.name), milliseconds: Int64(request.timeoutMs)) { image in
            grown.allSatisfy { holds(image, $0.name, $0.count) }
        }
        let after = wait.metadata.current
        let late = Set(grown.lazy.filter { !holds(after, $0.name, $0.count) }.map(\.name))
        for index in response.results.indices where late.contains(response.results[index].name) {
            response.results[index].errorCode = .requestTimedOut
        }
        return response
    }
}
