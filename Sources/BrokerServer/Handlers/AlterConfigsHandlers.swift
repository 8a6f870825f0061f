// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import KafkaModel
import KafkaProtocol
import Logging
import ZooKeeperStore

/// Checks changes of settings in Kafka's order and words, and writes them to ZooKeeper, from where every broker takes
/// them over.
///
/// Stateless but for what it is made of; safe from any task.
struct ConfigurationAdministration: Sendable {
    let store: ZooKeeperStore
    let metadata: MetadataCache
    let configuration: @Sendable () -> BrokerConfiguration
    let brokerID: BrokerID
    let levels: LogLevels
    let logger: Logger

    /// What is asked of one resource.
    enum Change {
        /// These entries and no others (AlterConfigs).
        case replace([String: String])
        case increments([SettingChange])
    }

    struct Resource: Hashable {
        var type: Int8
        var name: String

        /// Kafka's name of the type, for messages.
        var typeName: String {
            switch ConfigResource(rawValue: type) {
            case .topic: "TOPIC"
            case .broker: "BROKER"
            case .brokerLogger: "BROKER_LOGGER"
            case .clientMetrics: "CLIENT_METRICS"
            case nil: "UNKNOWN"
            }
        }
    }

    /// - Returns: why the change is refused; nil when it is written, or would be.
    func alter(_ resource: Resource, _ change: Change, validateOnly: Bool) async -> ControllerError? {
        do {
            switch ConfigResource(rawValue: resource.type) {
            case .topic: try await alterTopic(resource.name, change, validateOnly: validateOnly)
            case .broker: try await alterBroker(resource.name, change, validateOnly: validateOnly)
            case .brokerLogger: try alterLoggers(resource.name, change, validateOnly: validateOnly)
            case .clientMetrics, nil:
                throw ControllerError(
                    .invalidRequest,
                    "AlterConfigs is only supported for topics and brokers, but resource type is \(resource.typeName)")
            }
            return nil
        } catch let error as ControllerError {
            return error
        } catch let error as SettingsError {
            guard error.errorCode == .invalidConfig else { return ControllerError(error.errorCode, "\(error)") }
            return ControllerError(
                .invalidConfig,
                "Invalid config value for resource ConfigResource(type=\(resource.typeName), name='\(resource.name)'): "
                    + "\(error)")
        } catch StoreError.notController, StoreError.controllerIsKRaft {
            return ControllerError(.notController, nil)
        } catch {
            logger.error(
                "Settings could not be written",
                metadata: ["resource": "\(resource.typeName) \(resource.name)", "error": "\(error)"])
            return ControllerError(.unknownServerError, nil)
        }
    }

    private func alterTopic(_ name: String, _ change: Change, validateOnly: Bool) async throws {
        guard metadata.current.topic(name) != nil else {
            throw ControllerError(.unknownTopicOrPartition, "The topic '\(name)' does not exist.")
        }
        let configuration = configuration()
        let entity = "topics/\(name)"
        let new: [String: String]
        switch change {
        case .replace(let entries): new = entries
        case .increments(let changes):
            new = try configuration.overrides(Dictionary(try await store.configuration(entity)), after: changes)
        }
        _ = try configuration.topicConfiguration(new)
        if !validateOnly { try await write(entity, new) }
    }

    /// Levels of loggers are not written anywhere: the next start has those of the program's (KIP-412).
    private func alterLoggers(_ name: String, _ change: Change, validateOnly: Bool) throws {
        guard case .increments(let changes) = change else {
            throw ControllerError(.invalidRequest, nil)
        }
        guard !name.isEmpty else { throw ControllerError(.invalidRequest, "Broker id must not be empty") }
        try checkBroker(name)
        for change in changes { try check(change) }
        if validateOnly { return }
        for change in changes {
            levels.set(change.name, to: change.operation == .set ? change.value : nil)
            logger.info("A logger has another level", metadata: ["logger": "\(change.name)"])
        }
    }

    /// In Kafka's order and words.
    private func check(_ change: SettingChange) throws(ControllerError) {
        func checkExists() throws(ControllerError) {
            guard levels.exists(change.name) else {
                throw ControllerError(.invalidConfig, "Logger \(change.name) does not exist!")
            }
        }
        switch change.operation {
        case .set:
            try checkExists()
            let level = change.value ?? "null"
            guard LogLevels.validLevels.contains(level) else {
                throw ControllerError(
                    .invalidConfig,
                    "Cannot set the log level of \(change.name) to \(level) as it is not a supported log level. "
                        + "Valid log levels are \(LogLevels.validLevels.joined(separator: ", "))")
            }
        case .delete:
            try checkExists()
            guard change.name != LogLevels.root else {
                throw ControllerError(
                    .invalidRequest, "Removing the log level of the \(LogLevels.root) logger is not allowed")
            }
        case .append, .subtract:
            let operation = change.operation == .append ? "APPEND" : "SUBTRACT"
            throw ControllerError(
                .invalidRequest, "\(operation) operation is not allowed for the BROKER_LOGGER resource")
        }
    }

    private func checkBroker(_ name: String) throws(ControllerError) {
        guard let id = Int32(name) else {
            throw ControllerError(.invalidRequest, "Node id must be an integer, but it is: \(name)")
        }
        guard id == brokerID else {
            throw ControllerError(.invalidRequest, "Unexpected broker id, expected \(brokerID), but received \(name)")
        }
    }

    private func alterBroker(_ name: String, _ change: Change, validateOnly: Bool) async throws {
        let level: BrokerConfiguration.Level = name.isEmpty ? .clusterWide : .broker
        if !name.isEmpty { try checkBroker(name) }
        // What ZooKeeper has counts, also when the notification of the last change has not come yet.
        let entries = try await DynamicEntries.read(brokerID, from: store)
        let configuration = entries.applied(to: configuration()).configuration
        let touched: Set<String>
        var new: [String: String]
        switch change {
        case .replace(let replacement):
            touched = Set(entries.broker.keys).union(entries.clusterWide.keys)
            new = replacement
        case .increments(let changes):
            touched = Set(changes.map(\.name))
            new = try configuration.dynamicValues(at: level, after: changes)
        }
        guard !new.keys.contains(where: DynamicEntries.isSecret) else {
            throw SettingsError.contradiction("Password encoder secret not configured")
        }
        _ = try configuration.changing(level, to: new)
        // What this broker could not use stays as it is: another may.
        for (name, value) in level == .broker ? entries.broker : entries.clusterWide
        where new[name] == nil && !touched.contains(name) {
            new[name] = value
        }
        if !validateOnly {
            try await write(level == .broker ? DynamicEntries.entity(of: brokerID) : DynamicEntries.clusterWide, new)
        }
    }

    private func write(_ entity: String, _ entries: [String: String]) async throws(StoreError) {
        try await store.writeConfiguration(entity, entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        logger.info("Settings are changed", metadata: ["entity": "\(entity)"])
    }
}

extension Array {
    /// The resources of a request in its order, each once, with the first of its entries and whether there are more: a
    /// resource that is named twice is answered once, with an error.
    fileprivate func onceEach(
        _ id: (Element) -> ConfigurationAdministration.Resource
    ) -> [(id: ConfigurationAdministration.Resource, first: Element, isRepeated: Bool)] {
        let counts = Dictionary(grouping: self, by: id)
        var seen: Set<ConfigurationAdministration.Resource> = []
        return compactMap { element in
            let id = id(element)
            return seen.insert(id).inserted ? (id, element, counts[id]?.count != 1) : nil
        }
    }
}

/// AlterConfigs, 0–2: replaces the settings of topics and brokers. v2 is flexible.
struct AlterConfigsHandler: WaitingApiHandler {
    typealias Request = AlterConfigsRequest

    let administration: ConfigurationAdministration

    func answer(
        _ request: AlterConfigsRequest, _ context: RequestContext<AlterConfigsResponse>
    ) async -> AlterConfigsResponse {
        var response = AlterConfigsResponse()
        let resources = request.resources.onceEach { .init(type: $0.resourceType, name: $0.resourceName) }
        for (id, resource, isRepeated) in resources {
            var wire = AlterConfigsResponse.AlterConfigsResourceResponse()
            wire.resourceType = id.type
            wire.resourceName = id.name
            wire.errorMessage = nil
            if let error = await alter(id, resource, isRepeated: isRepeated, request.validateOnly) {
                wire.errorCode = error.code
                wire.errorMessage = error.message ?? error.code.message
            }
            response.responses.append(wire)
        }
        return response
    }

    private func alter(
        _ id: ConfigurationAdministration.Resource, _ resource: AlterConfigsRequest.AlterConfigsResource,
        isRepeated: Bool, _ validateOnly: Bool
    ) async -> ControllerError? {
        if isRepeated { return ControllerError(.invalidRequest, "Each resource must appear at most once.") }
        if ConfigResource(rawValue: id.type) == .brokerLogger {
            return ControllerError(
                .invalidRequest,
                "AlterConfigs is deprecated and does not support the resource type \(id.typeName)")
        }
        let names = Dictionary(grouping: resource.configs, by: \.name)
        let repeated = names.filter { $1.count > 1 }.keys.sorted()
        guard repeated.isEmpty else {
            return ControllerError(
                .invalidRequest, "Error due to duplicate config keys : \(repeated.joined(separator: ","))")
        }
        let nulls = resource.configs.filter { $0.value == nil }.map(\.name)
        guard nulls.isEmpty else {
            return ControllerError(
                .invalidRequest, "Null value not supported for : \(nulls.joined(separator: ","))")
        }
        let entries = names.compactMapValues { $0.first?.value }
        return await administration.alter(id, .replace(entries), validateOnly: validateOnly)
    }
}

/// IncrementalAlterConfigs, 0–1: changes single settings of topics and brokers (KIP-339), and levels of loggers (KIP-412).
/// v1 is flexible.
struct IncrementalAlterConfigsHandler: WaitingApiHandler {
    typealias Request = IncrementalAlterConfigsRequest

    let administration: ConfigurationAdministration

    func answer(
        _ request: IncrementalAlterConfigsRequest, _ context: RequestContext<IncrementalAlterConfigsResponse>
    ) async -> IncrementalAlterConfigsResponse {
        var response = IncrementalAlterConfigsResponse()
        let resources = request.resources.onceEach { .init(type: $0.resourceType, name: $0.resourceName) }
        for (id, resource, isRepeated) in resources {
            var wire = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse()
            wire.resourceType = id.type
            wire.resourceName = id.name
            wire.errorMessage = nil
            if let error = await alter(id, resource, isRepeated: isRepeated, request.validateOnly) {
                wire.errorCode = error.code
                wire.errorMessage = error.message ?? error.code.message
            }
            response.responses.append(wire)
        }
        return response
    }

    private func alter(
        _ id: ConfigurationAdministration.Resource, _ resource: IncrementalAlterConfigsRequest.AlterConfigsResource,
        isRepeated: Bool, _ validateOnly: Bool
    ) async -> ControllerError? {
        if isRepeated { return ControllerError(.invalidRequest, "Each resource must appear at most once.") }
        var changes: [SettingChange] = []
        for config in resource.configs {
            guard let operation = SettingChange.Operation(rawValue: config.configOperation) else {
                return ControllerError(.invalidRequest, "Unknown operation type \(config.configOperation)")
            }
            changes.append(SettingChange(name: config.name, operation: operation, value: config.value))
        }
        return await administration.alter(id, .increments(changes), validateOnly: validateOnly)
    }
}
