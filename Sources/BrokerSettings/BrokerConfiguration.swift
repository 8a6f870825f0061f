// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// The settings of one broker as typed, checked, immutable values. A dynamic change makes a new value.
package struct BrokerConfiguration: Sendable {
    /// As written: what DescribeConfigs shows as synonyms, and what a dynamic change starts from.
    package let sources: SettingSources

    /// -1: to be taken from `meta.properties`, or generated.
    package let brokerID: BrokerID
    package let generatesBrokerID: Bool
    /// Generated ids are larger than this.
    package let reservedBrokerMaxID: BrokerID
    package let rack: String?
    package let interBrokerProtocol: ProtocolVersion
    package let zooKeeper: ZooKeeper
    package let network: Network
    package let logs: Logs
    package let cleaner: Cleaner
    package let replication: Replication
    package let controller: Controller
    package let fetch: Fetch
    package let topics: Topics
    package let groups: Groups
    package let offsets: Offsets
    package let transactions: Transactions
    package let quotas: Quotas
    package let shutdown: ControlledShutdown
    package let monitoring: Monitoring
    /// What a topic without settings of its own has.
    package let topicDefaults: TopicConfiguration

    let values: SettingValues

    /// - Throws: `SettingsError` for the first value that is not allowed, or a contradiction between settings.
    init(_ sources: SettingSources) throws(SettingsError) {
        var sources = sources
        sources.file = sources.file.completingIdentity
        self.sources = sources
        let values = try SettingValues(sources.effective)
        self.values = values
        brokerID = BrokerID(truncatingIfNeeded: values.integer("broker.id"))
        generatesBrokerID = values.boolean("broker.id.generation.enable")
        reservedBrokerMaxID = BrokerID(truncatingIfNeeded: values.integer("reserved.broker.max.id"))
        rack = values.string("broker.rack")
        interBrokerProtocol =
            ProtocolVersion(values.string("inter.broker.protocol.version") ?? "") ?? .latest
        zooKeeper = try ZooKeeper(values)
        network = try Network(values, texts: sources.effective)
        logs = try Logs(values)
        cleaner = Cleaner(values)
        replication = Replication(values)
        controller = Controller(values)
        fetch = Fetch(values)
        topics = Topics(values)
        groups = Groups(values)
        offsets = Offsets(values)
        transactions = Transactions(values)
        quotas = Quotas(values)
        shutdown = ControlledShutdown(values)
        monitoring = try Monitoring(values)
        topicDefaults = try TopicConfiguration(overrides: [:], defaults: Self.topicDefaults(values, logs: logs))
        try checkAcrossSettings()
    }

    /// The settings of a topic with these of its own, from `/config/topics/<name>` or a request.
    /// - Throws: `SettingsError` in Kafka's words, e.g. `Unknown topic config name: no.such.config`.
    package func topicConfiguration(_ overrides: [String: String]) throws(SettingsError) -> TopicConfiguration {
        try TopicConfiguration(overrides: overrides, defaults: topicDefaults.values)
    }

    /// The broker's values under the names that topics use.
    private static func topicDefaults(_ values: SettingValues, logs: Logs) -> [String: SettingValue] {
        var defaults: [String: SettingValue] = [:]
        for setting in TopicSettings.table {
            let broker = TopicSettings.brokerSetting(for: setting.name).flatMap { values[$0] }
            defaults[setting.name] = broker ?? setting.parsedDefault
        }
        // Those of which the broker knows several units.
        defaults["segment.ms"] = .long(logs.rollAge.inMilliseconds)
        defaults["segment.jitter.ms"] = .long(logs.rollJitter.inMilliseconds)
        defaults["retention.ms"] = .long(logs.retention?.inMilliseconds ?? -1)
        defaults["flush.ms"] = .long(logs.flushInterval.inMilliseconds)
        return defaults
    }
}

extension BrokerConfiguration {
    /// Reads a `server.properties` and the arguments of `--override`.
    ///
    /// - Parameters:
    ///   - properties: the file's entries, see `PropertiesFile`.
    ///   - overrides: each `name=value`; the last of several equal names wins.
    /// - Returns: the configuration, and a sentence for each thing an operator should hear of once: unknown names,
    ///   settings that only a Java virtual machine has a use for, those that nothing goes by, deprecated ones.
    /// - Throws: `SettingsError`, whose description names the setting, its value and what is allowed; also for what
    ///   Kafka offers and this broker does not.
    package static func parse(
        properties: [String: String], overrides: [String] = []
    ) throws(SettingsError) -> (configuration: BrokerConfiguration, warnings: [String]) {
        var file = properties
        for override in overrides {
            guard let mark = override.firstIndex(of: "="), mark != override.startIndex else {
                throw .malformed("--override needs name=value, not '\(override)'")
            }
            file[override[..<mark].trimmingBlanks] = override[override.index(after: mark)...].trimmingBlanks
        }
        let configuration = try BrokerConfiguration(SettingSources(file: file))
        try configuration.refuseWhatIsNotServed()
        return (configuration, warnings(about: file))
    }

    private static func warnings(about file: [String: String]) -> [String] {
        var warnings: [String] = []
        var java: [String] = []
        var idle: [String] = []
        for name in file.keys.sorted() {
            guard let setting = BrokerSettings.governing(name) else {
                if !BrokerSettings.belongsToAuthorizer(name) {
                    warnings.append("The configuration '\(name)' was supplied but isn't a known config.")
                }
                continue
            }
            if setting.relevance == .java { java.append(name) }
            if setting.relevance == .idle, file[name] != setting.defaultValue { idle.append(name) }
            if setting.isDeprecated { warnings.append("The configuration '\(name)' is deprecated.") }
        }
        if !java.isEmpty {
            warnings.append("Settings of a Java virtual machine have no effect here: \(java.joined(separator: ", ")).")
        }
        if !idle.isEmpty {
            warnings.append("This broker does not go by: \(idle.joined(separator: ", ")).")
        }
        return warnings
    }
}

extension [String: String] {
    /// `node.id` and `broker.id` stand for each other where only one is given.
    fileprivate var completingIdentity: [String: String] {
        var texts = self
        if let id = self["broker.id"], self["node.id"] == nil { texts["node.id"] = id }
        if let id = self["node.id"], self["broker.id"] == nil { texts["broker.id"] = id }
        return texts
    }
}
