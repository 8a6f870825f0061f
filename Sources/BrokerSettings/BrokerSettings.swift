// SPDX-License-Identifier: Apache-2.0

/// The table of a broker's settings: every key that a `server.properties` of Kafka 3.9 in ZooKeeper mode may hold.
///
/// The parser, the typed `BrokerConfiguration`, the DescribeConfigs answers and the check of `config/server.properties`
/// all read this one table.
package enum BrokerSettings {
    package static let table: [Setting] =
        zooKeeper + general + listeners + replication + log + cleaner + groups + transactions + quotas + metrics
        + security + delegationTokens + passwordEncoder + newGroups + tiered + kraft

    /// Rates that exist only as dynamic configurations of a broker (KIP-73, KIP-113).
    package static let dynamicOnly: [Setting] = [
        Setting(
            "leader.replication.throttled.rate", .long, "9223372036854775807", .atLeast(0), .perBroker,
            documentation: "The most bytes per second that throttled replicas are sent by their leaders here."),
        Setting(
            "follower.replication.throttled.rate", .long, "9223372036854775807", .atLeast(0), .perBroker,
            documentation: "The most bytes per second that throttled replicas here fetch from their leaders."),
        Setting(
            "replica.alter.log.dirs.io.max.bytes.per.second", .long, "9223372036854775807", .atLeast(0), .perBroker,
            documentation: "The most bytes per second that moves between log directories copy."),
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: (table + own + dynamicOnly).map { ($0.name, $0) })

    /// The row of exactly this name.
    package static func setting(named name: String) -> Setting? { byName[name] }

    /// The row that gives a name its type: its own, or for `listener.name.<listener>.<setting>` and
    /// `listener.name.<listener>.<mechanism>.<setting>` that of the setting.
    package static func governing(_ name: String) -> Setting? {
        byName[name] ?? synonyms(of: name, matchingListeners: true).lazy.compactMap { byName[$0] }.first
    }

    /// Keys that belong to the authorizer and are not in Kafka's own table either.
    static func belongsToAuthorizer(_ name: String) -> Bool {
        name == "super.users" || name == "allow.everyone.if.no.acl.found" || name.hasPrefix("authorizer.")
    }

    /// The names that mean the same as `name`, the finest unit first.
    /// - Parameter matchingListeners: also find the unprefixed setting behind a listener's own.
    package static func synonyms(of name: String, matchingListeners: Bool) -> [String] {
        if let group = synonymGroups.first(where: { $0.contains(name) }) { return group }
        if name == "log.flush.interval.ms" { return [name, "log.flush.scheduler.interval.ms"] }
        guard matchingListeners, let base = unprefixed(name) else { return [name] }
        return [name, base]
    }

    private static let synonymGroups = [
        ["log.roll.ms", "log.roll.hours"],
        ["log.roll.jitter.ms", "log.roll.jitter.hours"],
        ["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    ]

    /// The setting behind `listener.name.<listener>.[<mechanism>.]<setting>`; nil for other names.
    static func unprefixed(_ name: String) -> String? {
        let prefix = "listener.name."
        guard name.hasPrefix(prefix) else { return nil }
        let rest = name.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: ".") else { return nil }
        let base = String(rest[rest.index(after: dot)...])
        return mechanismSettings.first { base.hasSuffix($0) } ?? base
    }

    /// Settings that a listener may have once per SASL mechanism.
    private static let mechanismSettings = [
        "sasl.jaas.config", "sasl.login.callback.handler.class", "sasl.login.class",
        "sasl.server.callback.handler.class", "connections.max.reauth.ms",
    ]
}
