// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaProtocol

/// `kafka-broker-api-versions`: prints which requests each broker knows, and which version would be used.
enum BrokerApiVersionsCommand: ToolCommand {
    static let name = "broker-api-versions"

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options = try parse(
                arguments, grammar,
                purpose: "This tool helps to retrieve broker version information.", console: console)
            try require(options, "bootstrap-server")
            let configuration = try adminConfiguration(options)
            try await withAdmin(configuration, console) { admin in
                let brokers = try await admin.metadata(topics: [], call: "listNodes").brokers.values
                for broker in brokers.sorted(by: { $0.id < $1.id }) {
                    do {
                        let link = try await admin.cluster.link(to: broker.id)
                        console.print("\(broker) -> \(text(link.brokerVersions))")
                    } catch {
                        console.print("\(broker) -> ERROR: \(JavaException(error).summary)")
                    }
                }
            }
            return 0
        }
    }

    /// All APIs that the broker or a 3.9 client knows, by number.
    static func text(_ broker: [Int16: ClosedRange<Int16>]) -> String {
        let keys = Set(broker.keys).union(ApiKey.allCases.map(\.rawValue)).union(clientOnly.keys).sorted()
        let lines = keys.map { key in "\t" + line(key, broker[key]) }
        return "(\n" + lines.joined(separator: ",\n") + "\n)"
    }

    private static func line(_ key: Int16, _ range: ClosedRange<Int16>?) -> String {
        let api = ApiKey(rawValue: key)
        let name = "\(api.map { "\($0)" } ?? clientOnly[key] ?? "UNKNOWN")(\(key)): "
        guard let range else { return name + "UNSUPPORTED" }
        let text = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        guard let api else { return name + text }
        let ours = AnyMessage.type(api, .request).versions
        let usable = min(ours.upperBound, range.upperBound)
        return name + text
            + (usable >= max(ours.lowerBound, range.lowerBound) ? " [usable: \(usable)]" : " [unusable: node too new]")
    }

    /// What a 3.9 client asks of KRaft clusters only.
    private static let clientOnly: [Int16: String] = [
        55: "DescribeQuorum", 64: "UnregisterBroker", 71: "GetTelemetrySubscriptions", 72: "PushTelemetry",
        74: "ListClientMetricsResources", 75: "DescribeTopicPartitions", 76: "ShareGroupHeartbeat",
        77: "ShareGroupDescribe", 78: "ShareFetch", 79: "ShareAcknowledge", 80: "AddRaftVoter", 81: "RemoveRaftVoter",
        83: "InitializeShareGroupState", 84: "ReadShareGroupState", 85: "WriteShareGroupState",
        86: "DeleteShareGroupState", 87: "ReadShareGroupStateSummary",
    ]

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "command-config", value: "command config property file",
            summary: "A property file containing configs to be passed to Admin Client.")
        grammar.option(
            "bootstrap-server", value: "server(s) to use for bootstrapping",
            summary: "REQUIRED: The server to connect to.")
        return grammar
    }()
}
