// SPDX-License-Identifier: Apache-2.0

/// What a DescribeConfigs answer says about one setting (KIP-133, KIP-226, KIP-569).
package struct SettingDescription: Hashable, Sendable {
    /// Where a value comes from, by its code on the wire.
    package enum Source: Int8, Sendable {
        case dynamicTopic = 1
        case dynamicBroker = 2
        case dynamicDefaultBroker = 3
        case staticBroker = 4
        case defaultValue = 5
        case dynamicBrokerLogger = 6
    }

    package struct Synonym: Hashable, Sendable {
        package let name: String
        /// nil for what is sensitive.
        package let value: String?
        package let source: Source
    }

    package let name: String
    /// nil where unset, and for what is sensitive.
    package let value: String?
    package let isReadOnly: Bool
    package let isSensitive: Bool
    package let source: Source
    /// All values in the order in which they win, the effective one first.
    package let synonyms: [Synonym]
    /// nil for a name that is not in the table, which goes out as type 0.
    package let kind: Setting.Kind?
    package let documentation: String?
}

extension SettingDescription {
    /// The level of a logger, which is described as a setting (KIP-412).
    package static func logger(_ name: String, level: String) -> SettingDescription {
        SettingDescription(
            name: name, value: level, isReadOnly: false, isSensitive: false, source: .dynamicBrokerLogger, synonyms: [],
            kind: nil, documentation: nil)
    }
}

extension BrokerConfiguration {
    /// This broker's settings, by name.
    /// - Parameter keys: the names asked for; nil or none for all.
    package func description(keys: [String]? = nil) -> [SettingDescription] {
        var names = Set(BrokerSettings.table.map(\.name)).subtracting(BrokerSettings.hidden)
        for layer in [sources.file, sources.clusterWide, sources.broker] { names.formUnion(layer.keys) }
        return Self.chosen(names, keys).map { describe($0, synonyms: synonyms(of: $0)) }
    }

    /// The cluster-wide dynamic configuration, by name.
    package func clusterWideDescription(keys: [String]? = nil) -> [SettingDescription] {
        Self.chosen(Set(sources.clusterWide.keys), keys).map { name in
            describe(name, synonyms: synonyms(of: name).filter { $0.source == .dynamicDefaultBroker })
        }
    }

    /// A topic's settings, by name.
    package func description(of topic: TopicConfiguration, keys: [String]? = nil) -> [SettingDescription] {
        Self.chosen(Set(TopicSettings.table.map(\.name)), keys).compactMap { name in
            guard let setting = TopicSettings.setting(named: name) else { return nil }
            var synonyms = TopicSettings.brokerSetting(for: name).map { self.synonyms(of: $0) } ?? []
            let value = topic.values[name]?.description
            if topic.overrides[name] != nil {
                synonyms.insert(SettingDescription.Synonym(name: name, value: value, source: .dynamicTopic), at: 0)
            }
            return SettingDescription(
                name: name, value: value, isReadOnly: false, isSensitive: false,
                source: synonyms.first?.source ?? .defaultValue, synonyms: synonyms, kind: setting.kind,
                documentation: setting.documentation)
        }
    }

    private static func chosen(_ names: Set<String>, _ keys: [String]?) -> [String] {
        guard let keys, !keys.isEmpty else { return names.sorted() }
        return names.intersection(keys).sorted()
    }

    private func describe(_ name: String, synonyms: [SettingDescription.Synonym]) -> SettingDescription {
        let setting = BrokerSettings.governing(name)
        // Nothing is known about a name outside the table, so it may be a secret.
        let isSensitive = setting?.isSensitive ?? true
        return SettingDescription(
            name: name,
            value: isSensitive ? nil : values[name]?.description,
            isReadOnly: !BrokerSettings.isDynamic(name),
            isSensitive: isSensitive,
            source: synonyms.first?.source ?? .defaultValue,
            synonyms: synonyms,
            kind: setting?.kind,
            documentation: setting?.documentation)
    }

    /// By source first, then by unit. What comes before the first value of the name itself would be hidden by it and
    /// is left out, as Kafka does; so `log.roll.ms` has no synonyms where only `log.roll.hours` is set.
    private func synonyms(of name: String) -> [SettingDescription.Synonym] {
        let names = BrokerSettings.synonyms(of: name, matchingListeners: true)
        let isSensitive = BrokerSettings.governing(name)?.isSensitive ?? true
        let layers: [(SettingDescription.Source, (String) -> String?)] = [
            (.dynamicBroker, { sources.broker[$0] }),
            (.dynamicDefaultBroker, { sources.clusterWide[$0] }),
            (.staticBroker, { sources.file[$0] }),
            (.defaultValue, { BrokerSettings.setting(named: $0)?.parsedDefault?.description }),
        ]
        var synonyms: [SettingDescription.Synonym] = []
        for (source, value) in layers {
            for name in names {
                guard let value = value(name) else { continue }
                synonyms.append(
                    SettingDescription.Synonym(name: name, value: isSensitive ? nil : value, source: source))
            }
        }
        return Array(synonyms.drop { $0.name != name })
    }
}

extension BrokerSettings {
    /// Described only where they are set.
    static let hidden: Set<String> = ["unstable.api.versions.enable"]

    /// Whether a running broker takes a new value of exactly this name.
    static func isDynamic(_ name: String) -> Bool {
        guard let setting = setting(named: name) else { return false }
        return setting.update != .readOnly
    }
}
