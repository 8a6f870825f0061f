// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite struct DocumentationTests {
    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private func lines(_ text: some StringProtocol) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test func theExamplesCompile() throws {
        let documentation = try text("Sources/KafkaClient/KafkaClient.docc/KafkaClient.md")
        let compiled = lines(try text("Tests/KafkaClientTests/DocumentationExamples.swift"))
        let examples = documentation.components(separatedBy: "```swift\n").dropFirst().map { block in
            lines(block.components(separatedBy: "```")[0])
        }
        #expect(examples.count >= 11)
        for example in examples {
            let isThere = compiled.indices.contains { compiled[$0...].starts(with: example) }
            #expect(isThere, "not in DocumentationExamples: \(example.first ?? "")")
        }
    }
}
