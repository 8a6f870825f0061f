// SPDX-License-Identifier: Apache-2.0

/// One row of the table of settings: what a setting is called, what values it takes, and what it does.
package struct Setting: Sendable {
    package let name: String
    package let kind: Kind
    /// As it would stand in the file; nil where the setting is unset by default.
    package let defaultValue: String?
    package let constraint: SettingConstraint
    package let update: UpdateMode
    package let relevance: Relevance
    package let isDeprecated: Bool
    /// What the setting does, in a sentence.
    package let documentation: String

    /// The type of a setting. The raw value is its code in DescribeConfigs answers (KIP-569).
    package enum Kind: Int8, Sendable {
        case boolean = 1
        case string = 2
        case int = 3
        case short = 4
        case long = 5
        case double = 6
        case list = 7
        case `class` = 8
        case password = 9
    }

    /// Who may change a setting of a running broker (KIP-226).
    package enum UpdateMode: Sendable {
        /// Only `server.properties` and a restart.
        case readOnly
        /// A dynamic configuration of one broker.
        case perBroker
        /// A dynamic configuration of one broker or of all.
        case clusterWide
    }

    /// Whether a setting that Kafka knows has a meaning here.
    package enum Relevance: Sendable {
        case served
        /// About a part that is made in another way here, or a limit that is not kept; accepted, and noted where it is not
        /// the default.
        case idle
        /// About the Java virtual machine or a Java class; accepted and noted.
        case java
        /// About KRaft or its migration; accepted at its default.
        case kraft
        /// About tiered storage; accepted at its default.
        case tiered
    }

    init(
        _ name: String, _ kind: Kind, _ defaultValue: String?, _ constraint: SettingConstraint = .any,
        _ update: UpdateMode = .readOnly, relevance: Relevance = .served, deprecated: Bool = false,
        documentation: String
    ) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.constraint = constraint
        self.update = update
        self.relevance = relevance
        self.isDeprecated = deprecated
        self.documentation = documentation
    }

    /// Passwords are never shown.
    package var isSensitive: Bool { kind == .password }

    /// The value of this setting that `text` stands for.
    /// - Throws: `SettingsError.invalidValue` with Kafka's words when the text has another type or is out of range.
    package func value(of text: String) throws(SettingsError) -> SettingValue {
        let value = try SettingValue(text, kind: kind, name: name)
        try constraint.check(value, name: name)
        return value
    }

    /// The default as a value; nil where the setting is unset by default.
    package var parsedDefault: SettingValue? {
        guard let defaultValue else { return nil }
        return try? SettingValue(defaultValue, kind: kind, name: name)
    }
}
