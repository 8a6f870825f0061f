// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import Testing

@testable import KafkaTools

/// What `kafka-dump-log` printed for the files of log directories, beside those directories.
@Suite struct DumpLogGoldenTests {
    private struct Section {
        var path: String
        var lines: [String]
    }

    private static func sections(_ file: URL) throws -> [Section] {
        var sections: [Section] = []
        let text = String(decoding: try GoldenFixtures.gunzip(file), as: UTF8.self)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("Dumping ") {
                sections.append(Section(path: String(line.dropFirst("Dumping ".count)), lines: []))
            } else if !sections.isEmpty {
                sections[sections.count - 1].lines.append(String(line))
            }
        }
        // The text ends with a line end.
        if sections.last?.lines.last == "" { sections[sections.count - 1].lines.removeLast() }
        return sections
    }

    @Test func filesAreDumpedAsApacheDumpsThem() async throws {
        let suffix = ".dump-log.txt.gz"
        let recorded = try GoldenFixtures.files("logs", suffix: suffix)
        #expect(!recorded.isEmpty)
        for file in recorded {
            let archive = String(file.lastPathComponent.dropLast(suffix.count)) + ".tar.gz"
            try GoldenFixtures.withTemporaryDirectory { root in
                try GoldenFixtures.untar(GoldenFixtures.directory("logs").appendingPathComponent(archive), into: root)
                for section in try Self.sections(file) {
                    let path = root.appendingPathComponent(section.path).path
                    let decoder: RecordTextDecoder =
                        section.path.contains("/__consumer_offsets-")
                        ? .offsets : section.path.contains("/__transaction_state-") ? .transactions : .text
                    let console = Console.memory()
                    let dump = LogFileDump(
                        console: console, printsContents: true, isDeep: true, skipsMetadata: false, verifiesOnly: false,
                        checksSanityOnly: false, maxBytes: Int(Int32.max), decoder: decoder)
                    var problems = LogFileDump.Problems()
                    try dump.print(path, &problems)
                    #expect(!problems.hasDamage, "\(section.path): \(console.errorOutput)")
                    let lines = console.output.replacingOccurrences(of: path, with: section.path)
                        .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
                    #expect(lines.count == section.lines.count, "\(file.lastPathComponent) \(section.path)")
                    if let (ours, theirs) = zip(lines, section.lines).first(where: { $0 != $1 }) {
                        #expect(ours == theirs, "\(file.lastPathComponent) \(section.path)")
                    }
                }
            }
        }
    }

    @Test func aFileThatIsNotThereIsNamed() async throws {
        let console = Console.memory()
        let code = await KafkaTools.run(
            command: "dump-log", arguments: ["--files", "/tmp/none/00000000000000000000.log"], console: console)
        #expect(code == 1)
        #expect(console.output == "Dumping /tmp/none/00000000000000000000.log\nLog starting offset: 0\n")
        #expect(
            console.errorOutput.hasPrefix(
                "Exception in thread \"main\" java.nio.file.NoSuchFileException: /tmp/none/00000000000000000000.log"))
    }

    @Test func damageIsNamedWithItsPlace() async throws {
        try await GoldenFixtures.withTemporaryDirectory { directory in
            let file = directory.appendingPathComponent("00000000000000000007.log")
            try Data(repeating: 0, count: 200).write(to: file)
            let console = Console.memory()
            let code = await KafkaTools.run(
                command: "dump-log", arguments: ["--files", file.path, "--print-data-log"], console: console)
            #expect(code == 1)
            #expect(console.errorOutput.contains("\(file.path): position 0: "))
            #expect(console.output.contains("Found 200 invalid bytes at the end of 00000000000000000007.log"))
        }
    }
}
