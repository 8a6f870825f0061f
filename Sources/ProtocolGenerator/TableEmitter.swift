// SPDX-License-Identifier: Apache-2.0

/// Writes the table of all APIs: from an API's key to its versions and types.
package enum TableEmitter {
    package static func emit(_ files: [SchemaFile]) -> String {
        let requests = files.flatMap(\.messages).filter { $0.kind == .request }
            .sorted { $0.api?.key ?? 0 < $1.api?.key ?? 0 }
        var lines = [
            "// SPDX-License-Identifier: Apache-2.0", "// Generated from Schema by ProtocolGenerator.", "",
            "import KafkaModel", "", "extension ApiKey {",
        ]
        func property(_ docs: String, _ head: String, _ value: (Message) -> String) {
            if lines.last != "extension ApiKey {" { lines.append("") }
            lines.append("    /// \(docs)")
            lines.append("    package var \(head) {")
            lines.append("        switch self {")
            for request in requests {
                lines.append("        case .\((request.api?.name ?? "").lowerCased): \(value(request))")
            }
            lines += ["        }", "    }"]
        }
        property("All versions that can be read and written.", "versions: ClosedRange<Int16>") {
            "\($0.versions.low)...\($0.versions.high)"
        }
        property(
            "The first version with compact lengths and tagged fields; `Int16.max` if there is none.",
            "firstFlexibleVersion: Int16"
        ) { $0.firstFlexible.map(String.init) ?? ".max" }
        property("The type of the request's body.", "requestType: any RequestMessage.Type") { "\($0.name).self" }
        property("The type of the response's body.", "responseType: any ResponseMessage.Type") {
            "\($0.api?.name ?? "")Response.self"
        }
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }
}
