// SPDX-License-Identifier: Apache-2.0

// Turns Sources/KafkaProtocol/Schema into Sources/KafkaProtocol/Generated. Run it in the package's directory:
//
//     swift run ProtocolGenerator            writes the sources
//     swift run ProtocolGenerator --check    exits with 1 when they are not what it would write

import Foundation

let root = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    .appendingPathComponent("Sources/KafkaProtocol", isDirectory: true)
let schemaDirectory = root.appendingPathComponent("Schema", isDirectory: true)
let generatedDirectory = root.appendingPathComponent("Generated", isDirectory: true)

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("\(message)\n".utf8))
    exit(1)
}

func names(in directory: URL, suffix: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path)
        .filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }.sorted()
}

/// The sources by file name.
func generate() throws -> [String: String] {
    let files = try names(in: schemaDirectory, suffix: ".schema").map { name in
        let text = try String(contentsOf: schemaDirectory.appendingPathComponent("\(name).schema"), encoding: .utf8)
        return try SchemaParser.parse(text, name: name)
    }
    var sources: [String: String] = ["MessageTable.swift": TableEmitter.emit(files)]
    for file in files { sources["\(file.name).swift"] = try SwiftEmitter.emit(file) }
    return sources
}

do {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.isEmpty || arguments == ["--check"] else { fail("usage: ProtocolGenerator [--check]") }
    let sources = try generate()
    let existing = try names(in: generatedDirectory, suffix: ".swift").map { "\($0).swift" }
    var stale: [String] = existing.filter { sources[$0] == nil }
    for name in stale where arguments.isEmpty {
        try FileManager.default.removeItem(at: generatedDirectory.appendingPathComponent(name))
    }
    for (name, source) in sources.sorted(by: { $0.key < $1.key }) {
        let file = generatedDirectory.appendingPathComponent(name)
        if let old = try? String(contentsOf: file, encoding: .utf8), old == source { continue }
        stale.append(name)
        if arguments.isEmpty { try source.write(to: file, atomically: true, encoding: .utf8) }
    }
    if arguments == ["--check"], !stale.isEmpty {
        fail("out of step with Schema, run `make generate`: \(stale.sorted().joined(separator: ", "))")
    }
} catch {
    fail("\(error)")
}
