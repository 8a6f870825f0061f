// SPDX-License-Identifier: Apache-2.0

/// Where the settings of a broker come from, each as written. A later source wins over an earlier one.
package struct SettingSources: Hashable, Sendable {
    /// `server.properties` with the overrides of the command line.
    package var file: [String: String]
    /// `/config/brokers/<default>`.
    package var clusterWide: [String: String]
    /// `/config/brokers/<id>`.
    package var broker: [String: String]

    package init(file: [String: String], clusterWide: [String: String] = [:], broker: [String: String] = [:]) {
        self.file = file
        self.clusterWide = clusterWide
        self.broker = broker
    }

    /// What holds, by name. A dynamic value also wins over the static value of its synonyms: a dynamic
    /// `log.retention.ms` over `log.retention.hours`.
    var effective: [String: String] {
        var values = file
        for layer in [clusterWide, broker] {
            for name in layer.keys {
                for synonym in BrokerSettings.synonyms(of: name, matchingListeners: false) {
                    values[synonym] = nil
                }
            }
            values.merge(layer) { $1 }
        }
        return values
    }
}

/// The effective settings, each parsed once. Asking for a name that is not in the table, or as another type than the
/// table says, is our own mistake and stops the program: every key a `BrokerConfiguration` asks for is asked for by
/// every one of its tests.
struct SettingValues {
    private let values: [String: SettingValue]
    private let given: Set<String>

    /// - Throws: the first value that its row refuses, in the order of the names.
    init(_ texts: [String: String]) throws(SettingsError) {
        var values: [String: SettingValue] = [:]
        for setting in BrokerSettings.table {
            if let value = setting.parsedDefault { values[setting.name] = value }
        }
        for name in texts.keys.sorted() {
            guard let text = texts[name], let setting = BrokerSettings.governing(name) else { continue }
            values[name] = try setting.value(of: text)
        }
        self.values = values
        given = Set(texts.keys)
    }

    /// Whether someone has set it, be it to its default.
    func isGiven(_ name: String) -> Bool { given.contains(name) }

    subscript(name: String) -> SettingValue? { values[name] }

    func boolean(_ name: String) -> Bool {
        guard case .boolean(let value) = values[name] else { preconditionFailure("\(name) is not a boolean") }
        return value
    }

    func integer(_ name: String) -> Int {
        guard let value = optionalInteger(name) else { preconditionFailure("\(name) is not a number") }
        return value
    }

    func optionalInteger(_ name: String) -> Int? {
        switch values[name] {
        case .int(let value): Int(value)
        case .short(let value): Int(value)
        case .long(let value): Int(value)
        default: nil
        }
    }

    func double(_ name: String) -> Double {
        guard case .double(let value) = values[name] else { preconditionFailure("\(name) is not a double") }
        return value
    }

    func string(_ name: String) -> String? {
        switch values[name] {
        case .string(let value), .class(let value), .password(let value): value
        default: nil
        }
    }

    func list(_ name: String) -> [String] {
        guard case .list(let value) = values[name] else { return [] }
        return value
    }

    func milliseconds(_ name: String) -> Duration { .milliseconds(integer(name)) }

    /// A number of milliseconds whose negative values mean "never".
    func boundedMilliseconds(_ name: String) -> Duration? {
        let value = integer(name)
        return value < 0 ? nil : .milliseconds(value)
    }

    func seconds(_ name: String) -> Duration { .seconds(integer(name)) }
}

extension Duration {
    /// Whole milliseconds, as Kafka counts; the ends of Int64 where it is longer.
    package var inMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }
}
