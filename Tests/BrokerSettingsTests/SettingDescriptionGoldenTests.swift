// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import Testing

@testable import BrokerSettings

/// One line of `kafka-configs --describe`.
private struct DescribedLine: Equatable, CustomStringConvertible {
    var name: String
    var value: String
    var isSensitive: Bool
    /// `SOURCE:name=value`, in order.
    var synonyms: [String]

    init?(_ line: Substring) {
        guard line.hasPrefix("  "), let sensitive = line.range(of: " sensitive="),
            let braces = line.range(of: " synonyms={"), line.hasSuffix("}"),
            let mark = line.firstIndex(of: "=")
        else { return nil }
        name = String(line[..<mark].dropFirst(2))
        value = String(line[line.index(after: mark)..<sensitive.lowerBound])
        isSensitive = line[sensitive.upperBound..<braces.lowerBound] == "true"
        let list = line[braces.upperBound...].dropLast()
        synonyms = list.isEmpty ? [] : list.components(separatedBy: ", ")
    }

    init(_ description: SettingDescription) {
        name = description.name
        value = description.value ?? "null"
        isSensitive = description.isSensitive
        synonyms = description.synonyms.map { "\(Self.sources[$0.source] ?? "?"):\($0.name)=\($0.value ?? "null")" }
    }

    var description: String {
        "\(name)=\(value) sensitive=\(isSensitive) synonyms={\(synonyms.joined(separator: ", "))}"
    }

    /// What the synonyms of one source set.
    func values(from source: String) -> [(String, String)] {
        synonyms.compactMap { synonym in
            let prefix = source + ":"
            guard synonym.hasPrefix(prefix), let mark = synonym.firstIndex(of: "=") else { return nil }
            let value = String(synonym[synonym.index(after: mark)...])
            return (String(synonym[..<mark].dropFirst(prefix.count)), value == "null" ? "secret" : value)
        }
    }

    static let sources: [SettingDescription.Source: String] = [
        .dynamicTopic: "DYNAMIC_TOPIC_CONFIG", .dynamicBroker: "DYNAMIC_BROKER_CONFIG",
        .dynamicDefaultBroker: "DYNAMIC_DEFAULT_BROKER_CONFIG", .staticBroker: "STATIC_BROKER_CONFIG",
        .defaultValue: "DEFAULT_CONFIG",
    ]
}

/// What Kafka's brokers answered, from the output of `kafka-configs --describe --all`: rebuild the configuration from
/// the values' sources, describe it, and expect the same lines.
struct SettingDescriptionGoldenTests {
    private func recordings(_ heading: String) throws -> [(file: String, lines: [DescribedLine])] {
        try GoldenFixtures.files("cli", suffix: ".stdout.txt").compactMap { file in
            let text = try String(contentsOf: file, encoding: .utf8)
            guard text.hasPrefix(heading) else { return nil }
            return (file.lastPathComponent, text.split(separator: "\n").compactMap(DescribedLine.init))
        }
    }

    private func configuration(_ lines: [DescribedLine]) throws -> BrokerConfiguration {
        func layer(_ source: String) -> [String: String] {
            Dictionary(lines.flatMap { $0.values(from: source) }) { $1 }
        }
        var file = layer("STATIC_BROKER_CONFIG")
        if file["zookeeper.connect"] == nil { file["zookeeper.connect"] = "z" }
        return try BrokerConfiguration(
            SettingSources(
                file: file, clusterWide: layer("DYNAMIC_DEFAULT_BROKER_CONFIG"), broker: layer("DYNAMIC_BROKER_CONFIG"))
        )
    }

    @Test func aBrokerIsDescribedAsKafkaDescribesIt() throws {
        for (file, lines) in try recordings("All configs for broker") {
            let described = try configuration(lines).description().map(DescribedLine.init)
            #expect(described.map(\.name) == lines.map(\.name), "\(file)")
            for (ours, kafkas) in zip(described, lines) { #expect(ours == kafkas, "\(file)") }
        }
    }

    @Test func aTopicIsDescribedAsKafkaDescribesIt() throws {
        for (file, lines) in try recordings("All configs for topic") {
            let broker = try configuration(lines)
            let overrides = Dictionary(lines.flatMap { $0.values(from: "DYNAMIC_TOPIC_CONFIG") }) { $1 }
            let described = broker.description(of: try broker.topicConfiguration(overrides)).map(DescribedLine.init)
            #expect(described.map(\.name) == lines.map(\.name), "\(file)")
            for (ours, kafkas) in zip(described, lines) { #expect(ours == kafkas, "\(file)") }
        }
    }

    @Test func theClustersDynamicConfigurationIsDescribedAsKafkaDescribesIt() throws {
        for (file, lines) in try recordings("Default configs for brokers") {
            let described = try configuration(lines).clusterWideDescription().map(DescribedLine.init)
            #expect(described == lines, "\(file)")
        }
    }

    @Test func onlyTheKeysAskedForAreDescribed() throws {
        let configuration = try BrokerConfiguration.parse(properties: ["zookeeper.connect": "z"]).configuration
        #expect(configuration.description(keys: ["num.io.threads", "no.such"]).map(\.name) == ["num.io.threads"])
        #expect(configuration.description(keys: []).count > 250)
        #expect(
            configuration.description(of: configuration.topicDefaults, keys: ["flush.ms"]).map(\.name) == ["flush.ms"])
    }

    @Test func secretsAreNeverShown() throws {
        let configuration = try BrokerConfiguration.parse(properties: [
            "zookeeper.connect": "z", "ssl.key.password": "hush", "unknown.thing": "hush",
            "listener.name.a.plain.sasl.jaas.config": "hush",
        ]).configuration
        for description in configuration.description() {
            #expect(description.value != "hush")
            #expect(!description.synonyms.contains { $0.value == "hush" })
        }
        let unknown = try #require(configuration.description(keys: ["unknown.thing"]).first)
        #expect(unknown.kind == nil && unknown.isSensitive && unknown.isReadOnly && unknown.source == .staticBroker)
    }
}
