// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import Testing

@testable import BrokerSettings

/// Holds the table to the DescribeConfigs answers that Kafka's brokers gave: types, who may change a setting, what is
/// secret, defaults.
struct SettingsTableGoldenTests {
    private struct Answered {
        var file: String
        var isTopic: Bool
        var name: String
        var kind: Int8?
        var isReadOnly: Bool
        var isSensitive: Bool
        var defaults: [(name: String, value: String)]
    }

    private func answers() throws -> [Answered] {
        let directory = GoldenFixtures.directory("wire").appendingPathComponent("decoded")
        guard let files = try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        else { return [] }
        var answers: [Answered] = []
        for file in files where file.lastPathComponent.hasSuffix(".client.jsonl.gz") {
            for line in try GoldenFixtures.lines(file) where line.prefix(80).contains("DESCRIBE_CONFIGS") {
                guard let frame = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    let body = frame["body"] as? [String: Any], let results = body["results"] as? [[String: Any]]
                else { continue }
                for result in results {
                    let type = (result["resourceType"] as? NSNumber)?.intValue
                    guard type == 2 || type == 4 else { continue }
                    for config in result["configs"] as? [[String: Any]] ?? [] {
                        answers.append(answered(config, file: file.lastPathComponent, isTopic: type == 2))
                    }
                }
            }
        }
        return answers
    }

    private func answered(_ config: [String: Any], file: String, isTopic: Bool) -> Answered {
        let synonyms = config["synonyms"] as? [[String: Any]] ?? []
        return Answered(
            file: file, isTopic: isTopic, name: config["name"] as? String ?? "",
            kind: (config["configType"] as? NSNumber)?.int8Value,
            isReadOnly: (config["readOnly"] as? NSNumber)?.boolValue ?? false,
            isSensitive: (config["isSensitive"] as? NSNumber)?.boolValue ?? false,
            defaults: synonyms.compactMap { synonym in
                guard (synonym["source"] as? NSNumber)?.intValue == 5, let name = synonym["name"] as? String,
                    let value = synonym["value"] as? String
                else { return nil }
                return (name, value)
            })
    }

    @Test func theTableSaysWhatKafkaAnswered() throws {
        for answer in try answers() {
            let setting =
                answer.isTopic ? TopicSettings.setting(named: answer.name) : BrokerSettings.governing(answer.name)
            let comment = Comment(rawValue: "\(answer.name) in \(answer.file)")
            // What is outside the table, as the authorizer's settings, goes out as type 0 and secret.
            if let kind = answer.kind { #expect(setting?.kind.rawValue ?? 0 == kind, comment) }
            #expect(setting?.isSensitive ?? true == answer.isSensitive, comment)
            if !answer.isTopic { #expect(!BrokerSettings.isDynamic(answer.name) == answer.isReadOnly, comment) }
            for (name, value) in answer.defaults {
                #expect(BrokerSettings.setting(named: name)?.parsedDefault?.description == value, comment)
            }
        }
    }
}
