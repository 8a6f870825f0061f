// SPDX-License-Identifier: Apache-2.0

/// Writes the Swift source of one schema file, formatted as `swift format` would.
package struct SwiftEmitter {
    private let file: SchemaFile
    private var text = ""

    private static let width = 120
    private static let reserved: Set<String> = [
        "as", "case", "class", "default", "func", "in", "internal", "is", "operator", "protocol", "public", "repeat",
        "return", "self", "static", "switch", "throw", "where",
    ]

    package static func emit(_ file: SchemaFile) throws -> String {
        var emitter = SwiftEmitter(file: file)
        emitter.line("// SPDX-License-Identifier: Apache-2.0")
        emitter.line("// Generated from Schema/\(file.name).schema by ProtocolGenerator.")
        emitter.line("")
        emitter.line("import KafkaModel")
        for message in file.messages {
            emitter.line("")
            try emitter.message(message)
        }
        return emitter.text
    }

    private init(file: SchemaFile) {
        self.file = file
    }

    private mutating func line(_ content: String, _ indent: Int = 0) {
        if !content.isEmpty {
            text += String(repeating: " ", count: indent)
            text += content
        }
        text += "\n"
    }

    /// A call on one line, or with its arguments on the next where that is too long.
    private mutating func call(_ head: String, _ arguments: [String], _ indent: Int) {
        let whole = "\(head)(\(arguments.joined(separator: ", ")))"
        if indent + whole.count <= Self.width { return line(whole, indent) }
        line("\(head)(", indent)
        var filled = ""
        for (index, argument) in arguments.enumerated() {
            let next = argument + (index + 1 < arguments.count ? "," : ")")
            if !filled.isEmpty, indent + 4 + filled.count + 1 + next.count > Self.width {
                line(filled, indent + 4)
                filled = ""
            }
            filled += filled.isEmpty ? next : " \(next)"
        }
        line(filled, indent + 4)
    }

    // MARK: Messages

    private mutating func message(_ message: Message) throws {
        let names = message.structures.map(\.name)
        guard Set(names).count == names.count else {
            throw SchemaError(file: "\(file.name).schema", line: 0, message: "two structures of one name")
        }
        let shape = Structure(
            name: message.name, docs: docs(message), fields: message.fields, versions: message.versions)
        let conformance =
            switch message.kind {
            case .request: "RequestMessage"
            case .response:
                message.fields.contains { $0.name == "throttleTimeMs" } ? "ThrottledResponse" : "ResponseMessage"
            case .data: "DataMessage"
            }
        try structure(shape, conformance, message, indent: 0)
        guard !message.structures.isEmpty else { return }
        line("")
        line("extension \(message.name) {")
        for (index, structure) in message.structures.enumerated() {
            if index > 0 { line("") }
            try self.structure(structure, "WireMessage", message, indent: 4)
        }
        line("}")
    }

    private func docs(_ message: Message) -> [String] {
        let range =
            message.versions.low == message.versions.high
            ? "Version \(message.versions.low)" : "Versions \(message.versions.low) to \(message.versions.high)"
        let flexible = message.firstFlexible.map { ", flexible from \($0)" } ?? ""
        let role =
            switch message.kind {
            case .request: "request"
            case .response: "response"
            case .data: "data"
            }
        return message.docs + ["", "\(range)\(flexible); \(role)."]
    }

    private mutating func structure(
        _ structure: Structure, _ conformance: String, _ message: Message, indent: Int
    ) throws {
        for doc in structure.docs { line(doc.isEmpty ? "///" : "/// \(doc)", indent) }
        line("package struct \(structure.name): \(conformance) {", indent)
        let inner = indent + 4
        if conformance != "WireMessage" { header(message, inner) }
        line("package static var minimumSize: Int { \(minimumSize(structure.fields, message)) }", inner)
        line("")
        let flexible = message.firstFlexible.map { $0 <= structure.versions.high } ?? false
        for field in structure.fields {
            for doc in docs(field, structure) { line("/// \(doc)", inner) }
            line("package var \(name(field)): \(type(field)) = \(try defaultValue(field))", inner)
        }
        if flexible { line("package var unknownTaggedFields: [UnknownTaggedField] = []", inner) }
        if flexible || !structure.fields.isEmpty { line("") }
        line("package init() {}", inner)
        try initializer(structure, inner)
        line("")
        try reading(structure, message, flexible, inner)
        line("")
        try writing(structure, message, flexible, inner)
        line("}", indent)
    }

    private func docs(_ field: Field, _ structure: Structure) -> [String] {
        var notes: [String] = []
        if field.isKey { notes.append("Unique among its siblings.") }
        if field.versions != structure.versions {
            let high = field.versions.high
            let low = field.versions.low
            if high == structure.versions.high {
                notes.append("Since version \(low).")
            } else if low == structure.versions.low {
                notes.append("Until version \(high).")
            } else {
                notes.append(low == high ? "Only in version \(low)." : "Versions \(low) to \(high).")
            }
        }
        return field.docs + (notes.isEmpty ? [] : [notes.joined(separator: " ")])
    }

    private mutating func header(_ message: Message, _ indent: Int) {
        if let api = message.api {
            if message.kind == .request { line("package typealias Response = \(api.name)Response", indent) }
            line("package static var apiKey: ApiKey { .\(api.name.lowerCased) }", indent)
        }
        line(
            "package static var versions: ClosedRange<Int16> { \(message.versions.low)...\(message.versions.high) }",
            indent)
        line(
            "package static var firstFlexibleVersion: Int16 { \(message.firstFlexible.map(String.init) ?? ".max") }",
            indent)
    }

    // MARK: Members

    private mutating func initializer(_ structure: Structure, _ indent: Int) throws {
        guard !structure.fields.isEmpty else { return }
        line("")
        let parameters = try structure.fields.map { "\(name($0)): \(type($0)) = \(try defaultValue($0))" }
        let whole = "package init(\(parameters.joined(separator: ", "))) {"
        if indent + whole.count <= Self.width {
            line(whole, indent)
        } else {
            line("package init(", indent)
            for (index, parameter) in parameters.enumerated() {
                line(index + 1 < parameters.count ? "\(parameter)," : parameter, indent + 4)
            }
            line(") {", indent)
        }
        for field in structure.fields { line("self.\(name(field)) = \(name(field))", indent + 4) }
        line("}", indent)
    }

    private mutating func reading(_ structure: Structure, _ message: Message, _ flexible: Bool, _ indent: Int) throws {
        line("package init(from reader: inout WireReader) throws(WireError) {", indent)
        let body = indent + 4
        for field in structure.fields where field.tag == nil {
            var arguments = range(field, structure)
            if let nullable = field.nullable, nullable != field.versions {
                arguments.append("nullableSince: \(nullable.low)")
            }
            if arguments.isEmpty {
                line("\(name(field)) = try reader.read()", body)
            } else {
                call("\(name(field)) = try reader.read", arguments + ["else: \(try defaultValue(field))"], body)
            }
        }
        let tagged = structure.fields.filter { $0.tag != nil }
        if !tagged.isEmpty {
            line("var tags = try reader.beginTaggedFields()", body)
            line("while let tag = try reader.nextTaggedField(&tags) {", body)
            line("switch tag {", body + 4)
            for field in tagged {
                let condition = late(field, structure, message) ? " where reader.version >= \(field.versions.low)" : ""
                line("case \(field.tag ?? 0)\(condition): \(name(field)) = try reader.read()", body + 4)
            }
            line("default: try reader.keepUnknown(&tags)", body + 4)
            line("}", body + 4)
            line("}", body)
            line("unknownTaggedFields = tags.unknown", body)
        } else if flexible {
            line("unknownTaggedFields = try reader.readTaggedFields()", body)
        }
        line("}", indent)
    }

    private mutating func writing(_ structure: Structure, _ message: Message, _ flexible: Bool, _ indent: Int) throws {
        line("package func write(to writer: inout WireWriter) throws(WireError) {", indent)
        let body = indent + 4
        for field in structure.fields where field.tag == nil {
            let versions = range(field, structure)
            var arguments = [name(field)] + versions
            if let nullable = field.nullable, nullable != field.versions {
                arguments += [
                    "nullableSince: \(nullable.low)", "else: \(try defaultValue(field))", "field: \"\(field.name)\"",
                ]
            } else if !versions.isEmpty, !field.isIgnorable {
                arguments += ["else: \(try defaultValue(field))", "field: \"\(field.name)\""]
            }
            call("try writer.write", arguments, body)
        }
        let tagged = structure.fields.filter { $0.tag != nil }.sorted { $0.tag ?? 0 < $1.tag ?? 0 }
        for field in tagged where !field.isIgnorable && field.versions.low > structure.versions.low {
            call(
                "try writer.require",
                [
                    name(field), "since: \(field.versions.low)", "else: \(try defaultValue(field))",
                    "field: \"\(field.name)\"",
                ],
                body)
        }
        if !tagged.isEmpty {
            line("var tags = try writer.beginTaggedFields(unknownTaggedFields)", body)
            for field in tagged {
                var arguments = ["\(field.tag ?? 0)", name(field)]
                if late(field, structure, message) { arguments.append("since: \(field.versions.low)") }
                call("try writer.writeTagged", arguments + ["else: \(try defaultValue(field))", "in: &tags"], body)
            }
            line("try writer.endTaggedFields(&tags)", body)
        } else if flexible {
            line("try writer.writeTaggedFields(unknownTaggedFields)", body)
        }
        line("}", indent)
    }

    // MARK: Fields

    private func name(_ field: Field) -> String {
        let name = field.name.swiftCased
        return Self.reserved.contains(name) ? "`\(name)`" : name
    }

    private func type(_ field: Field) -> String {
        let element =
            switch field.element {
            case .primitive(let primitive): primitive.swiftName
            case .structure(let name): name
            }
        return (field.isArray ? "[\(element)]" : element) + (field.nullable == nil ? "" : "?")
    }

    private func defaultValue(_ field: Field) throws -> String {
        switch field.defaultText {
        case "null":
            guard field.nullable != nil else {
                throw SchemaError(file: "\(file.name).schema", line: field.line, message: "null, but not nullable")
            }
            return "nil"
        case let text?: return text
        case nil:
            if field.isArray { return "[]" }
            switch field.element {
            case .primitive(let primitive): return primitive.zero
            case .structure(let name): return "\(name)()"
            }
        }
    }

    /// The versions of a field, as arguments, unless it has all those of its structure.
    private func range(_ field: Field, _ structure: Structure) -> [String] {
        var arguments: [String] = []
        if field.versions.low > structure.versions.low { arguments.append("since: \(field.versions.low)") }
        if field.versions.high < structure.versions.high { arguments.append("until: \(field.versions.high)") }
        return arguments
    }

    /// Whether a tagged field appears later than the tagged fields of its structure could.
    private func late(_ field: Field, _ structure: Structure, _ message: Message) -> Bool {
        field.versions.low > max(structure.versions.low, message.firstFlexible ?? 0)
    }

    // MARK: Sizes

    /// The fewest bytes of a structure in any version, but at least 1.
    private func minimumSize(_ fields: [Field], _ message: Message) -> Int {
        let sizes = (message.versions.low...message.versions.high).map { size(fields, message, version: $0) }
        return max(1, sizes.min() ?? 1)
    }

    private func size(_ fields: [Field], _ message: Message, version: Int) -> Int {
        let flexible = message.firstFlexible.map { version >= $0 } ?? false
        var size = flexible ? 1 : 0
        for field in fields where field.versions.contains(version) && field.tag == nil {
            if field.isArray {
                size += flexible ? 1 : 4
            } else {
                switch field.element {
                case .primitive(let primitive): size += primitive.minimumSize(flexible: flexible)
                case .structure(let name):
                    let inner = message.structure(name).map { self.size($0.fields, message, version: version) } ?? 0
                    size += field.nullable == nil ? inner : 1
                }
            }
        }
        return size
    }
}

extension String {
    /// The name with a small first letter.
    var lowerCased: String { prefix(1).lowercased() + dropFirst() }
}
