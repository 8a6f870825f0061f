// SPDX-License-Identifier: Apache-2.0

/// One change that IncrementalAlterConfigs asks for (KIP-339).
package struct SettingChange: Hashable, Sendable {
    /// By its code on the wire.
    package enum Operation: Int8, Sendable {
        case set = 0
        case delete = 1
        /// Adds elements to a list.
        case append = 2
        /// Takes elements out of a list.
        case subtract = 3
    }

    package let name: String
    package let operation: Operation
    /// Needed for all but `delete`.
    package let value: String?

    package init(name: String, operation: Operation, value: String?) {
        self.name = name
        self.operation = operation
        self.value = value
    }
}

extension BrokerConfiguration {
    /// Whose dynamic configuration is meant.
    package enum Level: Sendable {
        case broker
        case clusterWide
    }

    /// What a topic's own settings are after `changes`. Validate the result with `topicConfiguration(_:)`.
    /// - Throws: `SettingsError` for a list operation on what is no list, a name that occurs twice, or a missing value.
    package func overrides(
        _ current: [String: String], after changes: [SettingChange]
    ) throws(SettingsError) -> [String: String] {
        try Self.altered(current, by: changes) { name in
            (TopicSettings.setting(named: name)?.kind, topicDefaults.values[name]?.description)
        }
    }

    /// What the dynamic configuration of this broker, or of all, is after `changes`. Validate the result with
    /// `changing(_:to:)`.
    /// - Throws: as `overrides(_:after:)`.
    package func dynamicValues(
        at level: Level, after changes: [SettingChange]
    ) throws(SettingsError) -> [String: String] {
        try Self.altered(level == .broker ? sources.broker : sources.clusterWide, by: changes) { name in
            (
                BrokerSettings.governing(name)?.kind,
                sources.file[name] ?? BrokerSettings.governing(name)?.parsedDefault?.description
            )
        }
    }

    private static func altered(
        _ current: [String: String], by changes: [SettingChange],
        facts: (String) -> (kind: Setting.Kind?, fallback: String?)
    ) throws(SettingsError) -> [String: String] {
        let repeated = Dictionary(grouping: changes, by: \.name).filter { $1.count > 1 }.keys.sorted()
        guard repeated.isEmpty else {
            throw .notUpdatable("Error due to duplicate config keys : \(repeated.joined(separator: ","))")
        }
        let empty = changes.filter { $0.operation != .delete && $0.value == nil }.map(\.name)
        guard empty.isEmpty else {
            throw .notUpdatable("Null value not supported for : \(empty.joined(separator: ","))")
        }
        var values = current
        for change in changes {
            let value = change.value ?? ""
            switch change.operation {
            case .set: values[change.name] = value
            case .delete: values[change.name] = nil
            case .append, .subtract:
                let (kind, fallback) = facts(change.name)
                let verb = change.operation == .append ? "append" : "subtract"
                guard kind == .list else {
                    throw .contradiction("Config value \(verb) is not allowed for config key: \(change.name)")
                }
                let old = (values[change.name] ?? fallback ?? "").splittingList.filter { !$0.isEmpty }
                let elements = value.splittingList.filter { !$0.isEmpty }
                let new =
                    change.operation == .append
                    ? old + elements.filter { !old.contains($0) } : old.filter { !elements.contains($0) }
                values[change.name] = new.joined(separator: ",")
            }
        }
        return values
    }

    /// The configuration that would hold if the dynamic configuration at `level` became `new`.
    /// - Throws: `SettingsError` in Kafka's words when a setting cannot change without a restart, not at this level,
    ///   not without naming a listener, or not to this value.
    package func changing(
        _ level: Level, to new: [String: String]
    ) throws(SettingsError) -> BrokerConfiguration {
        func refuse(_ message: String, _ names: [String]) throws(SettingsError) {
            guard !names.isEmpty else { return }
            throw .notUpdatable("\(message): Set(\(names.sorted().joined(separator: ", ")))")
        }
        let names = Array(new.keys)
        try refuse("Cannot update these configs dynamically", names.filter(Self.needsRestart))
        try refuse(
            "These security configs can be dynamically updated only per-listener using the listener prefix",
            names.filter(Self.needsListener))
        if level == .clusterWide {
            try refuse(
                "Cannot update these configs at default cluster level, broker id must be specified",
                names.filter(Self.needsBroker))
        }
        var sources = sources
        switch level {
        case .broker: sources.broker = new
        case .clusterWide: sources.clusterWide = new
        }
        let changed = try BrokerConfiguration(sources)
        try changed.refuseWhatIsNotServed()
        try checkThreadCounts(in: changed)
        return changed
    }

    /// The configuration that holds with what ZooKeeper says. An entry that cannot hold is left out and reported, so
    /// that one bad entry does not take the others along.
    package func applying(
        clusterWide: [String: String], broker: [String: String]
    ) -> (configuration: BrokerConfiguration, problems: [String]) {
        var problems: [String] = []
        func usable(_ entries: [String: String], _ level: Level) -> [String: String] {
            entries.filter { name, text in
                do {
                    if Self.needsRestart(name) || Self.needsListener(name)
                        || (level == .clusterWide && Self.needsBroker(name))
                    {
                        throw SettingsError.notUpdatable("Dynamic configuration \(name) is ignored here.")
                    }
                    _ = try BrokerSettings.governing(name)?.value(of: text)
                    return true
                } catch {
                    problems.append("\(error)")
                    return false
                }
            }
        }
        var sources = sources
        sources.clusterWide = usable(clusterWide, .clusterWide)
        sources.broker = usable(broker, .broker)
        do {
            let changed = try BrokerConfiguration(sources)
            try changed.refuseWhatIsNotServed()
            return (changed, problems)
        } catch {
            return (self, problems + ["\(error)"])
        }
    }

    private static func needsRestart(_ name: String) -> Bool {
        BrokerSettings.setting(named: name)?.update == .readOnly
    }

    private static func needsListener(_ name: String) -> Bool {
        name.hasPrefix("ssl.") && BrokerSettings.setting(named: name)?.update == .perBroker
    }

    private static func needsBroker(_ name: String) -> Bool {
        if name.hasPrefix("listener.name.") { return BrokerSettings.governing(name)?.update == .perBroker }
        return BrokerSettings.table.contains { $0.name == name && $0.update == .perBroker }
    }

    /// A pool may at most double or halve at a time.
    private func checkThreadCounts(in changed: BrokerConfiguration) throws(SettingsError) {
        for name in [
            "num.network.threads", "num.io.threads", "num.replica.fetchers", "num.recovery.threads.per.data.dir",
            "background.threads", "log.cleaner.threads",
        ] {
            let (old, new) = (values.integer(name), changed.values.integer(name))
            let message = "Dynamic thread count update validation failed for \(name)=\(new)"
            if new < old / 2 {
                throw .contradiction("\(message), value should be at least half the current value \(old)")
            }
            if new > old * 2 {
                throw .contradiction("\(message), value should not be greater than double the current value \(old)")
            }
        }
    }
}
