// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import KafkaProtocol
import LogStorage
import OrderedCollections
import ZooKeeperStore

/// What kinds of things have configurations, by their code on the wire.
enum ConfigResource: Int8 {
    case topic = 2
    case broker = 4
    case brokerLogger = 8
    case clientMetrics = 16
}

/// DescribeConfigs, 0–4: the settings of topics and of this broker, and the levels of its loggers.
///
/// v1 tells where a value comes from (KIP-226), v3 its type and documentation (KIP-569).
struct DescribeConfigsHandler: WaitingApiHandler {
    typealias Request = DescribeConfigsRequest

    let configuration: @Sendable () -> BrokerConfiguration
    let brokerID: BrokerID
    let store: ZooKeeperStore
    let metadata: MetadataCache
    let levels: LogLevels

    func answer(
        _ request: DescribeConfigsRequest, _ context: RequestContext<DescribeConfigsResponse>
    ) async -> DescribeConfigsResponse {
        var response = DescribeConfigsResponse()
        for resource in Self.onceEach(request.resources) {
            var wire = DescribeConfigsResponse.DescribeConfigsResult()
            wire.resourceType = resource.resourceType
            wire.resourceName = resource.resourceName
            switch await describe(resource) {
            case .success(let settings):
                wire.errorMessage = ""
                wire.configs = settings.map { self.wire($0, request, version: context.version) }
            case .failure(let refusal):
                wire.errorCode = refusal.code
                wire.errorMessage = refusal.message
            }
            response.results.append(wire)
        }
        return response
    }

    /// Each resource once, with all keys that are asked of it: an answer is a thousand times as long as a question.
    static func onceEach(
        _ resources: [DescribeConfigsRequest.DescribeConfigsResource]
    ) -> [DescribeConfigsRequest.DescribeConfigsResource] {
        resources.grouped { ConfigurationAdministration.Resource(type: $0.resourceType, name: $0.resourceName) }
            .compactMap { _, mentions in
                guard var resource = mentions.first, mentions.count > 1 else { return mentions.first }
                // No keys are all keys.
                let wantsAll = mentions.contains { $0.configurationKeys?.isEmpty ?? true }
                resource.configurationKeys =
                    wantsAll ? nil : Array(OrderedSet(mentions.lazy.flatMap { $0.configurationKeys ?? [] }))
                return resource
            }
    }

    private struct Refusal: Error {
        var code: ErrorCode
        var message: String

        init(_ code: ErrorCode, _ message: String? = nil) {
            self.code = code
            self.message = message ?? code.message
        }
    }

    private func describe(
        _ resource: DescribeConfigsRequest.DescribeConfigsResource
    ) async -> Result<[SettingDescription], Refusal> {
        let configuration = configuration()
        let keys = resource.configurationKeys
        switch ConfigResource(rawValue: resource.resourceType) {
        case .topic:
            guard TopicName.isValid(resource.resourceName) else { return .failure(Refusal(.invalidTopicException)) }
            guard metadata.current.topic(resource.resourceName) != nil else {
                return .failure(Refusal(.unknownTopicOrPartition))
            }
            // From ZooKeeper: this broker need not hold the topic, nor have heard of its last change yet.
            do {
                let entries = Dictionary(try await store.configuration("topics/\(resource.resourceName)"))
                let topic = try configuration.topicConfiguration(entries)
                return .success(configuration.description(of: topic, keys: keys))
            } catch let error as SettingsError {
                return .failure(Refusal(error.errorCode, "\(error)"))
            } catch {
                return .failure(Refusal(.unknownServerError))
            }
        case .broker:
            if resource.resourceName.isEmpty { return .success(configuration.clusterWideDescription(keys: keys)) }
            guard resource.resourceName == "\(brokerID)" else { return .failure(Refusal(.invalidRequest)) }
            return .success(configuration.description(keys: keys))
        case .clientMetrics:
            return .failure(Refusal(.invalidRequest, "Config type client-metrics is only supported on KRaft clusters"))
        case .brokerLogger:
            if resource.resourceName.isEmpty {
                return .failure(Refusal(.invalidRequest, "Broker id must not be empty"))
            }
            guard resource.resourceName == "\(brokerID)" else { return .failure(Refusal(.invalidRequest)) }
            let loggers = levels.all.map { SettingDescription.logger($0.name, level: $0.level) }
            guard let keys, !keys.isEmpty else { return .success(loggers) }
            let wanted = Set(keys)
            return .success(loggers.filter { wanted.contains($0.name) })
        case nil:
            return .failure(Refusal(.invalidRequest))
        }
    }

    private func wire(
        _ setting: SettingDescription, _ request: DescribeConfigsRequest, version: Int16
    ) -> DescribeConfigsResponse.DescribeConfigsResourceResult {
        var wire = DescribeConfigsResponse.DescribeConfigsResourceResult()
        wire.name = setting.name
        wire.value = setting.value
        wire.readOnly = setting.isReadOnly
        if version == 0 { wire.isDefault = setting.source == .defaultValue }
        wire.configSource = setting.source.rawValue
        wire.isSensitive = setting.isSensitive
        wire.configType = setting.kind?.rawValue ?? 0
        if request.includeDocumentation { wire.documentation = setting.documentation }
        if request.includeSynonyms {
            wire.synonyms = setting.synonyms.map { synonym in
                var entry = DescribeConfigsResponse.DescribeConfigsSynonym()
                entry.name = synonym.name
                entry.value = synonym.value
                entry.source = synonym.source.rawValue
                return entry
            }
        }
        return wire
    }
}

/// DescribeLogDirs, 0–4: what lies in each log directory, and how much room is left (v4, KIP-827).
struct DescribeLogDirsHandler: WaitingApiHandler {
    typealias Request = DescribeLogDirsRequest

    let replicas: ReplicaManager

    func answer(
        _ request: DescribeLogDirsRequest, _ context: RequestContext<DescribeLogDirsResponse>
    ) async -> DescribeLogDirsResponse {
        let wanted = request.topics.map { topics in
            Set(topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } })
        }
        var response = DescribeLogDirsResponse()
        response.results = replicas.logs.describe().map { directory in
            var wire = DescribeLogDirsResponse.DescribeLogDirsResult()
            wire.logDir = directory.path
            guard !directory.isOffline else {
                wire.errorCode = .kafkaStorageError
                return wire
            }
            wire.totalBytes = directory.space?.total ?? -1
            wire.usableBytes = directory.space?.available ?? -1
            let logs = directory.replicas.filter { wanted?.contains($0.partition) ?? true }
            for (topic, logs) in Dictionary(grouping: logs, by: \.partition.topic).sorted(by: { $0.key < $1.key }) {
                var group = DescribeLogDirsResponse.DescribeLogDirsTopic()
                group.name = topic
                group.partitions = logs.sorted { $0.partition.partition < $1.partition.partition }.map { log in
                    var entry = DescribeLogDirsResponse.DescribeLogDirsPartition()
                    entry.partitionIndex = log.partition.partition
                    entry.partitionSize = log.byteCount
                    entry.offsetLag = replicas.lag(of: log.partition, logEnd: log.logEnd, isFuture: log.isFuture)
                    entry.isFutureKey = log.isFuture
                    return entry
                }
                wire.topics.append(group)
            }
            return wire
        }
        return response
    }
}
