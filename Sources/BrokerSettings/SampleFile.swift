// SPDX-License-Identifier: Apache-2.0

/// Writes the sample `config/server.properties` out of the table: what a first broker needs is set, every other setting
/// that is served stands below it as a comment with its default, its bounds and what it does.
package enum SampleFile {
    private struct Section {
        var title: String
        var settings: [Setting]
    }

    /// What differs from the defaults in the sample, as in Apache's own, and listed first.
    private static let essentials: [(name: String, value: String)] = [
        ("broker.id", "0"),
        ("listeners", "PLAINTEXT://:9092"),
        ("advertised.listeners", ""),
        ("log.dirs", "/tmp/kafka-logs"),
        ("zookeeper.connect", "localhost:2181"),
        ("zookeeper.connection.timeout.ms", "18000"),
        ("num.partitions", "1"),
        ("log.retention.hours", "168"),
        ("offsets.topic.replication.factor", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("monitoring.http.listener", "127.0.0.1:7071"),
    ]

    private static let sections = [
        Section(title: "ZooKeeper", settings: BrokerSettings.zooKeeper),
        Section(title: "The broker", settings: BrokerSettings.general),
        Section(title: "Listeners and connections", settings: BrokerSettings.listeners),
        Section(title: "Replication and the controller", settings: BrokerSettings.replication),
        Section(title: "Logs, and the defaults of topics", settings: BrokerSettings.log),
        Section(title: "Compaction", settings: BrokerSettings.cleaner),
        Section(title: "Groups and their offsets", settings: BrokerSettings.groups),
        Section(title: "Transactions and idempotent producers", settings: BrokerSettings.transactions),
        Section(title: "Windows over which quotas are measured", settings: BrokerSettings.quotas),
    ]

    package static func render() -> String {
        var text = """
            # SPDX-License-Identifier: Apache-2.0
            #
            # A broker's settings, as Kafka 3.9 in ZooKeeper mode has them, without those that this broker does not go by.
            # What is commented out stands at its default.
            # Settings marked "dynamic" may change while the broker runs, by kafka-configs; the others need a restart.
            # A bad value stops the start with a line that names the setting, the value and what is allowed.
            #
            # `make generate` writes this file from the table in Sources/BrokerSettings.

            ### What a first broker needs


            """
        for (name, value) in essentials {
            guard let setting = BrokerSettings.setting(named: name) else { continue }
            text += entry(setting, value: value)
        }
        let listed = Set(essentials.map(\.name))
        for section in sections {
            text += "### \(section.title)\n\n"
            for setting in section.settings where isShown(setting) && !listed.contains(setting.name) {
                text += entry(setting, value: nil)
            }
        }
        return String(text.dropLast())
    }

    private static func isShown(_ setting: Setting) -> Bool {
        setting.relevance == .served && !setting.isDeprecated && !setting.name.hasPrefix("zookeeper.ssl.")
            && setting.name != "authorizer.class.name" && setting.name != "early.start.listeners"
    }

    private static func entry(_ setting: Setting, value: String?) -> String {
        var facts = ["\(setting.kind)"]
        if let explanation = setting.constraint.explanation { facts.append(explanation) }
        if setting.update == .clusterWide { facts.append("dynamic") }
        if setting.update == .perBroker { facts.append("dynamic per broker") }
        var text = wrap("\(setting.documentation) (\(facts.joined(separator: "; ")))")
        if let value, !value.isEmpty {
            text += "\(setting.name)=\(value)\n\n"
        } else {
            text += "#\(setting.name)=\(setting.defaultValue ?? "")\n\n"
        }
        return text
    }

    /// Comment lines of at most 120 columns.
    private static func wrap(_ sentence: String) -> String {
        var lines = ["#"]
        for word in sentence.split(separator: " ") {
            if lines[lines.count - 1].count + 1 + word.count > 120 { lines.append("#") }
            lines[lines.count - 1] += " \(word)"
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
