// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// What has settings.
public struct ConfigurationResource: Sendable, Hashable {
    /// The kinds of things that have settings.
    public enum Kind: Int8, Sendable {
        /// A topic, by its name.
        case topic = 2
        /// A broker, by its number; without a name the default of all brokers.
        case broker = 4
        /// A broker's loggers, by the broker's number.
        case brokerLogger = 8
    }

    /// What kind of thing.
    public var kind: Kind
    /// Which one.
    public var name: String

    /// A resource by kind and name.
    public init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }
}

/// One setting and where its value comes from.
public struct ConfigurationEntry: Sendable, Hashable {
    /// Where a value comes from.
    public enum Source: Int8, Sendable {
        case unknown = 0
        case dynamicTopic = 1
        case dynamicBroker = 2
        case dynamicDefaultBroker = 3
        case staticBroker = 4
        case builtIn = 5
        case dynamicBrokerLogger = 6
    }

    /// Where else the setting has a value, this one first.
    public struct Synonym: Sendable, Hashable {
        /// The name of the setting there.
        public var name: String
        /// Its value there; nil for secrets.
        public var value: String?
        /// Where that is.
        public var source: Source
    }

    /// The setting's name.
    public var name: String
    /// Its value; nil for secrets and for what has none.
    public var value: String?
    /// Where the value comes from.
    public var source: Source
    /// Whether the value is a secret.
    public var isSensitive: Bool
    /// Whether it can only be changed by a restart.
    public var isReadOnly: Bool
    /// All values it has, the one in force first.
    public var synonyms: [Synonym]
}

/// A change of one setting.
public struct ConfigurationChange: Sendable, Hashable {
    /// What to do with a setting.
    public enum Operation: Int8, Sendable {
        case set = 0
        case delete = 1
        case append = 2
        case subtract = 3
    }

    /// The setting's name.
    public var name: String
    /// What to do with it.
    public var operation: Operation
    /// The value; nil to delete.
    public var value: String?

    /// A change by name, operation and value.
    public init(_ name: String, _ operation: Operation, _ value: String? = nil) {
        self.name = name
        self.operation = operation
        self.value = value
    }
}

extension AdminClient {
    /// The settings of topics, brokers or loggers.
    public func describeSettings(
        of resources: [ConfigurationResource]
    ) async throws -> [ConfigurationResource: Result<[ConfigurationEntry], KafkaError>] {
        var results: [ConfigurationResource: Result<[ConfigurationEntry], KafkaError>] = [:]
        for (broker, resources) in Self.byBroker(resources) {
            let request = DescribeConfigsRequest(
                resources: resources.map {
                    .init(resourceType: $0.kind.rawValue, resourceName: $0.name, configurationKeys: nil)
                }, includeSynonyms: true, includeDocumentation: false)
            let response = try await send(
                request, to: broker.map { .broker($0) } ?? .anyBroker, call: "describeConfigs")
            for result in response.results {
                guard let kind = ConfigurationResource.Kind(rawValue: result.resourceType) else { continue }
                let resource = ConfigurationResource(kind, result.resourceName)
                results[resource] =
                    result.errorCode.isNone
                    ? .success(result.configs.map { ConfigurationEntry($0) })
                    : .failure(KafkaError(result.errorCode, result.errorMessage))
            }
        }
        return results
    }

    /// Changes single settings and leaves the others as they are (KIP-339).
    public func alterSettings(
        _ changes: [ConfigurationResource: [ConfigurationChange]]
    ) async throws -> [ConfigurationResource: Result<Void, KafkaError>] {
        var results: [ConfigurationResource: Result<Void, KafkaError>] = [:]
        for (broker, resources) in Self.byBroker(Array(changes.keys)) {
            let request = IncrementalAlterConfigsRequest(
                resources: resources.map { resource in
                    .init(
                        resourceType: resource.kind.rawValue, resourceName: resource.name,
                        configs: (changes[resource] ?? []).map {
                            .init(name: $0.name, configOperation: $0.operation.rawValue, value: $0.value)
                        })
                }, validateOnly: false)
            let response = try await send(
                request, to: broker.map { .broker($0) } ?? .controller, call: "incrementalAlterConfigs")
            for result in response.responses {
                guard let kind = ConfigurationResource.Kind(rawValue: result.resourceType) else { continue }
                results[ConfigurationResource(kind, result.resourceName)] = Self.result(
                    result.errorCode, result.errorMessage)
            }
        }
        return results
    }

    /// A broker's own settings are asked of that broker, the others of any.
    private static func byBroker(_ resources: [ConfigurationResource]) -> [BrokerID?: [ConfigurationResource]] {
        Dictionary(grouping: resources) { resource in resource.kind == .topic ? nil : BrokerID(resource.name) }
    }
}

extension ConfigurationEntry {
    init(_ entry: DescribeConfigsResponse.DescribeConfigsResourceResult) {
        name = entry.name
        value = entry.value
        source = Source(rawValue: entry.configSource) ?? (entry.isDefault ? .builtIn : .unknown)
        isSensitive = entry.isSensitive
        isReadOnly = entry.readOnly
        synonyms = entry.synonyms.map {
            Synonym(name: $0.name, value: $0.value, source: Source(rawValue: $0.source) ?? .unknown)
        }
    }
}
