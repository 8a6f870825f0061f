// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaRecords
import NIOCore
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

    // MARK: Recorded commands

    /// The files that the recorded commands were given: one record, and indexes of an active segment, which in Kafka's hands
    /// are zeros up to their full size.
    private static func inventory(in directory: URL) throws -> String {
        var settings = RecordBatchBuilder.Settings()
        (settings.producerID, settings.producerEpoch, settings.baseSequence, settings.leaderEpoch) = (1000, 0, 0, 0)
        var builder = RecordBatchBuilder(settings)
        builder.append(
            timestamp: 1_795_244_668_375, key: ByteBuffer(string: "k2"), value: ByteBuffer(string: "v2"))
        let stem = directory.appendingPathComponent("00000000000000000000").path
        for (kind, bytes) in [
            "log": Data(builder.finish().readableBytesView), "index": Data(count: 800), "timeindex": Data(count: 1200),
        ] {
            try bytes.write(to: URL(fileURLWithPath: stem + "." + kind))
        }
        return stem
    }

    private static func run(_ arguments: String...) async -> (code: Int32, output: String, error: String) {
        let console = Console.memory()
        let code = await KafkaTools.run(command: "dump-log", arguments: arguments, console: console)
        return (code, console.output, console.errorOutput)
    }

    @Test func recordedCommandsAreAnsweredAsApacheAnswers() async throws {
        try await GoldenFixtures.withTemporaryDirectory { directory in
            let stem = try Self.inventory(in: directory)
            let recorded = try GoldenFixtures.jsonLines(
                GoldenFixtures.directory("cli").appendingPathComponent("commands.jsonl"))
            for name in ["dump-log", "dump-log-epochs"] {
                let entry = try #require(recorded.first { $0["name"] as? String == name })
                func text(_ key: String) throws -> String {
                    let file = GoldenFixtures.directory("cli").appendingPathComponent(
                        try #require(entry[key] as? String))
                    return String(decoding: try GoldenFixtures.bytes(file), as: UTF8.self)
                }
                let place = "/tmp/kafka-logs-1/inventory-3/00000000000000000000"
                let arguments = try #require(entry["argv"] as? [String])
                let console = Console.memory()
                let code = await KafkaTools.run(
                    command: "dump-log", arguments: arguments.map { $0.replacingOccurrences(of: place, with: stem) },
                    console: console)
                #expect(code == entry["exit"] as? Int32, "\(name)")
                #expect(
                    try console.output.replacingOccurrences(of: stem, with: place) == text("stdout_file"), "\(name)")
                #expect(
                    try console.errorOutput.replacingOccurrences(of: stem, with: place) == text("stderr_file"),
                    "\(name)")
            }
        }
    }

    // MARK: Options

    @Test func aDecoderMeansThatRecordsArePrinted() async throws {
        try await GoldenFixtures.withTemporaryDirectory { directory in
            let log = try Self.inventory(in: directory) + ".log"
            #expect(await !Self.run("--files", log).output.contains("key: k2"))
            for option in ["--key-decoder-class", "--value-decoder-class"] {
                let text = await Self.run("--files", log, option, "kafka.serializer.StringDecoder")
                #expect(text.code == 0 && text.output.contains("key: k2 payload: v2"))
                let other = await Self.run("--files", log, option, "com.example.Decoder")
                #expect(other.code == 1 && other.output.isEmpty && other.error.contains("com.example.Decoder"))
            }
            for option in ["--cluster-metadata-decoder", "--remote-log-metadata-decoder"] {
                let refused = await Self.run("--files", log, option)
                #expect(refused.code == 1 && refused.output.isEmpty && refused.error.hasPrefix(option))
            }
        }
    }

    @Test func recordsAreDumpedWithoutMetadataAndUpToALimit() async throws {
        try await GoldenFixtures.withTemporaryDirectory { directory in
            let log = try Self.inventory(in: directory) + ".log"
            let bare = await Self.run("--files", log, "--print-data-log", "--skip-record-metadata")
            #expect(bare.output.hasSuffix("\n| key: k2 payload: v2\n"))
            let size = try Data(contentsOf: URL(fileURLWithPath: log)).count
            for (limit, count) in [(size - 1, 0), (size, 1)] {
                let some = await Self.run("--files", log, "--max-bytes", "\(limit)")
                #expect(some.code == 0 && some.error.isEmpty)
                #expect(some.output.split(separator: "\n").count { $0.hasPrefix("baseOffset: ") } == count)
            }
        }
    }

    @Test func anIndexIsVerifiedWithoutBeingPrinted() async throws {
        try await GoldenFixtures.withTemporaryDirectory { directory in
            let stem = try Self.inventory(in: directory)
            let files = stem + ".index," + stem + ".timeindex"
            let verified = await Self.run("--files", files, "--verify-index-only")
            #expect(verified.output == "Dumping \(stem).index\nDumping \(stem).timeindex\n")
            #expect(verified.error.contains("Index timestamp: 0, log timestamp: 1795244668375"))
        }
    }

    /// What makes a broker's start build an index anew.
    @Test(
        arguments: [
            ("index", [0, 0, 0, 7, 0, 0, 0, 9], nil), ("index", [UInt8](repeating: 0, count: 16), nil),
            ("index", [255, 255, 255, 250, 0, 0, 0, 9], "the last offset -6 lies below the base offset 0"),
            ("index", [0, 0, 0, 7, 0, 0, 0, 9, 1, 1], "position 8: 2 bytes are no whole entry"),
            ("timeindex", [], nil), ("timeindex", [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 7], nil),
            (
                "timeindex", [0, 0, 0, 0, 0, 0, 0, 5, 255, 255, 255, 250],
                "the last offset -6 lies below the base offset 0"
            ),
            (
                "timeindex", [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 8],
                "the last timestamp 4 lies before the first one 5"
            ),
            ("timeindex", [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 7, 9], "position 12: 1 bytes are no whole entry"),
        ] as [(String, [UInt8], String?)])
    func theSanityOfAnIndexIsChecked(_ kind: String, _ content: [UInt8], _ problem: String?) async throws {
        try await GoldenFixtures.withTemporaryDirectory { directory in
            let file = directory.appendingPathComponent("00000000000000000000.\(kind)")
            try Data(content).write(to: file)
            let checked = await Self.run("--files", file.path, "--index-sanity-check")
            #expect(checked.output.contains("\(file.path) passed sanity check.") == (problem == nil))
            #expect(checked.code == (problem == nil ? 0 : 1))
            #expect(checked.error == (problem.map { "\(file.path): \($0)\n" } ?? ""))
        }
    }

    @Test func bytesBehindTheLastEntryOfAnIndexAreNamed() async throws {
        try await GoldenFixtures.withTemporaryDirectory { directory in
            let stem = try Self.inventory(in: directory)
            for (kind, size) in [("index", 8), ("timeindex", 12)] {
                let path = stem + "." + kind
                try Data(count: size + 3).write(to: URL(fileURLWithPath: path))
                let dumped = await Self.run("--files", path)
                #expect(dumped.code == 1)
                #expect(dumped.error.contains("\(path): position \(size): 3 bytes are no whole entry"))
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
