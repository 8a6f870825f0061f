// SPDX-License-Identifier: Apache-2.0

/// What a perf tool has measured of its client, under the names of Kafka's metrics and in the form of its table.
///
/// Only what the tool itself sees: rates are of its whole run, sizes those of keys and values.
struct ClientMetrics {
    let clientID: String
    private var values: [String: Double] = [:]

    init(clientID: String) { self.clientID = clientID }

    mutating func add(_ group: String, _ name: String, _ value: Double) {
        values["\(group):\(name):{client-id=\(clientID)}"] = value
    }

    /// `name-total`, and `name-rate` per second.
    mutating func count(_ group: String, _ name: String, _ total: Int64, milliseconds: Int64) {
        add(group, name + "-total", Double(total))
        add(group, name + "-rate", Double(total) * 1000 / Double(max(milliseconds, 1)))
    }

    /// A line for the head, then one for each metric by its name.
    var lines: [String] {
        let width = values.keys.map(\.count).max() ?? 0
        return ["", "Metric Name".padded(width) + "   Value"]
            + values.sorted { $0.key < $1.key }.map { $0.key.padded(width) + " : " + formatted("%.3f", $0.value) }
    }
}
