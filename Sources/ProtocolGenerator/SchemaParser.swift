// SPDX-License-Identifier: Apache-2.0

/// Reads one schema file. The notation is explained in `KafkaProtocol.docc`.
package struct SchemaParser {
    private struct Line {
        var number: Int
        var indent: Int
        var words: [Substring]
        var docs: [String]
    }

    private struct Header {
        var name: String
        var versions: VersionRange
        var firstFlexible: Int?
        var docs: [String]
        var api: (key: Int, name: String)?
    }

    private let file: String
    private var lines: [Line] = []
    private var next = 0

    package static func parse(_ text: String, name: String) throws -> SchemaFile {
        var parser = SchemaParser(file: "\(name).schema")
        try parser.split(text)
        return SchemaFile(name: name, messages: try parser.messages())
    }

    private init(file: String) {
        self.file = file
    }

    // MARK: Lines

    private mutating func split(_ text: String) throws {
        var docs: [String] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.drop { $0 == " " }
            if content.isEmpty { continue }
            if content.first == "#" {
                docs.append(String(content.dropFirst().drop { $0 == " " }))
                continue
            }
            lines.append(
                Line(
                    number: index + 1, indent: line.count - content.count, words: content.split(separator: " "),
                    docs: docs))
            docs = []
        }
    }

    private func failure(_ line: Line, _ message: String) -> SchemaError {
        SchemaError(file: file, line: line.number, message: message)
    }

    // MARK: Messages

    private mutating func messages() throws -> [Message] {
        var messages: [Message] = []
        var api: Header?
        while next < lines.count {
            let line = lines[next]
            guard line.indent == 0 else { throw failure(line, "a field outside of a message") }
            next += 1
            switch line.words[0] {
            case "api":
                api = try header(line, keyed: true)
            case "request", "response":
                guard var header = api else { throw failure(line, "no api line before it") }
                let isRequest = line.words[0] == "request"
                header.name += isRequest ? "Request" : "Response"
                messages.append(try message(header, isRequest ? .request : .response))
            case "data":
                messages.append(try message(try header(line, keyed: false), .data))
            default:
                throw failure(line, "expected api, request, response, data or struct")
            }
        }
        return messages
    }

    /// `api <key> <name> versions <range> flexible <range>`, or `data` without the key.
    private func header(_ line: Line, keyed: Bool) throws -> Header {
        let words = Array(line.words.dropFirst(keyed ? 2 : 1))
        guard words.count == 5, words[1] == "versions", words[3] == "flexible",
            let versions = Self.range(words[2], top: nil)
        else { throw failure(line, "expected a name, versions and flexible") }
        let flexible = Self.range(words[4], top: versions.high)
        guard flexible != nil || words[4] == "none" else { throw failure(line, "flexible is not a range or none") }
        var api: (key: Int, name: String)?
        if keyed {
            guard let key = Int(line.words[1]) else { throw failure(line, "the key is not a number") }
            api = (key, String(words[0]))
        }
        return Header(
            name: String(words[0]), versions: versions, firstFlexible: flexible?.low, docs: line.docs, api: api)
    }

    private mutating func message(_ header: Header, _ kind: Message.Kind) throws -> Message {
        var structures: [Structure] = []
        let fields = try fields(parentIndent: 0, parent: header.versions, top: header.versions.high, &structures)
        while next < lines.count, lines[next].words[0] == "struct", lines[next].indent == 0 {
            let line = lines[next]
            guard line.words.count == 2 else { throw failure(line, "expected the name of a structure") }
            next += 1
            let index = structures.count
            let own = try self.fields(
                parentIndent: 0, parent: header.versions, top: header.versions.high, &structures)
            structures.insert(
                Structure(name: String(line.words[1]), docs: line.docs, fields: own, versions: header.versions),
                at: index)
        }
        return Message(
            kind: kind, name: header.name, docs: header.docs, api: header.api, versions: header.versions,
            firstFlexible: header.firstFlexible, fields: fields, structures: structures)
    }

    // MARK: Fields

    private mutating func fields(
        parentIndent: Int, parent: VersionRange, top: Int, _ structures: inout [Structure]
    ) throws -> [Field] {
        var fields: [Field] = []
        while next < lines.count, lines[next].indent > parentIndent {
            let line = lines[next]
            guard line.indent == parentIndent + 4 else { throw failure(line, "indent by four") }
            next += 1
            let field = try field(line, parent: parent, top: top)
            let index = structures.count
            let inner = try self.fields(
                parentIndent: line.indent, parent: field.versions, top: top, &structures)
            if !inner.isEmpty {
                guard case .structure(let name) = field.element else { throw failure(line, "not a structure") }
                let role =
                    field.isArray
                    ? "An element of `\(field.name.swiftCased)`." : "The value of `\(field.name.swiftCased)`."
                structures.insert(
                    Structure(name: name, docs: [role], fields: inner, versions: field.versions), at: index)
            }
            fields.append(field)
        }
        return fields
    }

    /// `<name> <type>[?[<nullable versions>]] [<versions>] [tag <n>] [= <default>] [ignorable] [key]`
    private func field(_ line: Line, parent: VersionRange, top: Int) throws -> Field {
        guard line.words.count >= 2 else { throw failure(line, "expected a name and a type") }
        var type = line.words[1]
        var nullableText: Substring?
        if let mark = type.firstIndex(of: "?") {
            nullableText = type[type.index(after: mark)...]
            type = type[..<mark]
        }
        let isArray = type.hasPrefix("[") && type.hasSuffix("]")
        let elementName = isArray ? type.dropFirst().dropLast() : type
        let element: Field.Element
        if let primitive = Primitive(rawValue: String(elementName)) {
            element = .primitive(primitive)
        } else if elementName.first?.isUppercase == true {
            element = .structure(String(elementName))
        } else {
            throw failure(line, "\(elementName) is not a type")
        }
        var field = Field(
            name: String(line.words[0]), docs: line.docs, element: element, isArray: isArray, nullable: nil,
            versions: parent, defaultText: nil, tag: nil, isIgnorable: false, isKey: false, line: line.number)
        var words = line.words.dropFirst(2)
        while let word = words.popFirst() {
            switch word {
            case "ignorable": field.isIgnorable = true
            case "key": field.isKey = true
            case "=":
                guard let value = words.popFirst() else { throw failure(line, "no value after =") }
                field.defaultText = String(value)
            case "tag":
                guard let tag = words.popFirst().flatMap({ Int($0) }) else { throw failure(line, "no tag number") }
                guard element != .primitive(.records) else { throw failure(line, "records cannot be tagged") }
                field.tag = tag
            default:
                guard let range = Self.range(word, top: top) else { throw failure(line, "\(word) is not understood") }
                field.versions = range.intersection(parent)
                guard field.versions == range else { throw failure(line, "not within its parent's versions") }
            }
        }
        if let nullableText {
            guard let range = nullableText.isEmpty ? field.versions : Self.range(nullableText, top: top) else {
                throw failure(line, "?\(nullableText) is not a range")
            }
            guard range.high == field.versions.high else { throw failure(line, "nullable again not null is not known") }
            field.nullable = range
        }
        return field
    }

    /// `3+`, `3-5` or `3`.
    private static func range(_ text: Substring, top: Int?) -> VersionRange? {
        if text.hasSuffix("+") {
            return Int(text.dropLast()).map { VersionRange(low: $0, high: top ?? VersionRange.endless) }
        }
        let ends = text.split(separator: "-").map { Int($0) }
        guard let low = ends.first ?? nil, let high = ends.last ?? nil, ends.count <= 2, low <= high else { return nil }
        return VersionRange(low: low, high: high)
    }
}

extension String {
    /// The property for a field of this name: `topicIds` is `topicIDs`.
    var swiftCased: String {
        var words: [String] = []
        for character in self {
            if character.isUppercase || words.isEmpty { words.append("") }
            words[words.count - 1].append(character)
        }
        return words.map { $0 == "Id" ? "ID" : $0 == "Ids" ? "IDs" : $0 }.joined()
    }
}
