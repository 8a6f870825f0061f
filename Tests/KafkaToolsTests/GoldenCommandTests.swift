// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import Testing

@testable import KafkaTools

/// Command lines that Apache's tools answered without a cluster: help, version, and whatever is wrong with the options.
@Suite struct GoldenCommandTests {
    private struct Recorded {
        var name: String
        var tool: String
        var arguments: [String]
        var exit: Int32
        var output: String
        var error: String

        /// Ours for `kafka-topics.sh` is `topics`.
        var command: String {
            tool.replacingOccurrences(of: "kafka-", with: "").replacingOccurrences(of: ".sh", with: "")
        }

        /// Whether the options alone decided: a version or a help text was printed, or the first error line is about options.
        var needsNoCluster: Bool {
            let first = error.split(separator: "\n").first ?? ""
            return arguments == ["--version"] || error.contains("\n------ ")
                || first.hasSuffix("is not a recognized option")
                || first.hasSuffix("must be specified")
        }
    }

    private func recorded() throws -> [Recorded] {
        let directory = GoldenFixtures.directory("cli")
        func text(_ entry: [String: Any], _ key: String) throws -> String {
            let name = try #require(entry[key] as? String)
            return String(decoding: try GoldenFixtures.bytes(directory.appendingPathComponent(name)), as: UTF8.self)
        }
        return try GoldenFixtures.jsonLines(directory.appendingPathComponent("commands.jsonl")).map { entry in
            Recorded(
                name: try #require(entry["name"] as? String), tool: try #require(entry["tool"] as? String),
                arguments: try #require(entry["argv"] as? [String]), exit: try #require(entry["exit"] as? Int32),
                output: try text(entry, "stdout_file"), error: try text(entry, "stderr_file"))
        }
    }

    @Test func commandLinesAreJudgedAsApacheJudgesThem() async throws {
        var count = 0
        for recorded in try recorded() where recorded.needsNoCluster {
            guard KafkaTools.commandNames.contains(recorded.command) else { continue }
            count += 1
            let console = Console.memory()
            let code = await KafkaTools.run(command: recorded.command, arguments: recorded.arguments, console: console)
            #expect(code == recorded.exit, "\(recorded.name)")
            #expect(console.output == recorded.output, "\(recorded.name)")
            let lines = console.errorOutput.split(separator: "\n", omittingEmptySubsequences: false)
            let expected = recorded.error.split(separator: "\n", omittingEmptySubsequences: false)
            if recorded.error.contains("\n------ ") {
                let ours = lines.map(String.init)
                let theirs = expected.map(String.init).filter { !$0.contains(" WARN ") }
                #expect(ours.count == theirs.count, "\(recorded.name)")
                for (line, wanted) in zip(ours, theirs) { #expect(line == wanted, "\(recorded.name)") }
            } else {
                #expect(lines.first == expected.first, "\(recorded.name)")
            }
        }
        #expect(count > 0)
    }
}
