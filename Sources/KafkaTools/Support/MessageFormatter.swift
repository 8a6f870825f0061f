// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import NIOCore

/// Prints records as Apache's message formatters do.
struct MessageFormatter {
    private enum Style { case standard, logging, nothing, records(InternalRecordFormatter) }

    private enum Deserializer: String {
        case bytes, integer, long, short, double, float, void

        /// By a Java class's name.
        init(className: String?) {
            let name = className?.split(separator: ".").last.map(String.init) ?? ""
            switch name {
            case "IntegerDeserializer": self = .integer
            case "LongDeserializer": self = .long
            case "ShortDeserializer": self = .short
            case "DoubleDeserializer": self = .double
            case "FloatDeserializer": self = .float
            case "VoidDeserializer": self = .void
            default: self = .bytes
            }
        }

        /// Throws what Java's deserializer throws at bytes that cannot be its type's.
        func text(_ bytes: ByteBuffer) throws -> [UInt8] {
            func read<Number: FixedWidthInteger>(_: Number.Type, _ name: String) throws -> Number {
                let number = bytes.getInteger(at: bytes.readerIndex, as: Number.self)
                guard let number, bytes.readableBytes == Number.bitWidth / 8 else {
                    throw JavaException(
                        javaClass: "org.apache.kafka.common.errors.SerializationException",
                        message: "Size of data received by \(name) is not \(Number.bitWidth / 8)")
                }
                return number
            }
            func utf8(_ value: some CustomStringConvertible) -> [UInt8] { Array(value.description.utf8) }
            return switch self {
            case .bytes: Array(bytes.readableBytesView)
            case .integer: utf8(try read(Int32.self, "IntegerDeserializer"))
            case .long: utf8(try read(Int64.self, "LongDeserializer"))
            case .short: utf8(try read(Int16.self, "ShortDeserializer"))
            case .double: utf8(Double(bitPattern: try read(UInt64.self, "Deserializer")))
            case .float: utf8(Float(bitPattern: try read(UInt32.self, "Deserializer")))
            case .void: throw JavaException.illegalArgument("Data should be null for a VoidDeserializer.")
            }
        }
    }

    private let style: Style
    private let printsTimestamp: Bool
    private let printsKey: Bool
    private let printsOffset: Bool
    private let printsPartition: Bool
    private let printsHeaders: Bool
    private let printsValue: Bool
    private let keySeparator: [UInt8]
    private let lineSeparator: [UInt8]
    private let headersSeparator: [UInt8]
    private let nullLiteral: [UInt8]
    private let key: Deserializer
    private let value: Deserializer
    private let header: Deserializer

    private static let tools = "org.apache.kafka.tools.consumer."

    /// Classes that 3.9 still takes, and what it says is to be used instead.
    private static let deprecated: [String: String] = {
        var names = [
            "kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter":
                "TransactionLogMessageFormatter",
            "kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter": "OffsetsMessageFormatter",
            "kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter":
                "GroupMetadataMessageFormatter",
        ]
        for name in ["DefaultMessageFormatter", "LoggingMessageFormatter", "NoOpMessageFormatter"] {
            names["kafka.tools." + name] = name
        }
        return names
    }()

    init(_ options: ParsedOptions, _ console: Console) throws {
        var properties: [String: String] = [:]
        if let path = try options.value("formatter-config") { properties = Properties.parse(try TextFile.read(path)) }
        for word in options.values("property") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            properties[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        if let key = try options.value("key-deserializer") { properties["key.deserializer"] = key }
        if let value = try options.value("value-deserializer") { properties["value.deserializer"] = value }
        let formatter = try options.value("formatter") ?? ""
        if let name = Self.deprecated[formatter] {
            console.error(
                "WARNING: \(formatter) is deprecated and will be removed in the next major release. Please use \(Self.tools)\(name) instead"
            )
        }
        try self.init(formatter: formatter, properties: properties)
    }

    init(formatter: String = tools + "DefaultMessageFormatter", properties: [String: String]) throws {
        // The older classes of these three are the newer ones by now; of the others they print another text.
        let name =
            Self.deprecated[formatter]
            ?? (formatter.hasPrefix(Self.tools) ? String(formatter.dropFirst(Self.tools.count)) : "")
        let form = Self.deprecated[formatter] == nil ? InternalRecordFormatter.Form.json : .text
        switch name {
        case "DefaultMessageFormatter": style = .standard
        case "LoggingMessageFormatter": style = .logging
        case "NoOpMessageFormatter": style = .nothing
        case "OffsetsMessageFormatter": style = .records(InternalRecordFormatter(content: .offsets, form: form))
        case "GroupMetadataMessageFormatter": style = .records(InternalRecordFormatter(content: .groups, form: form))
        case "TransactionLogMessageFormatter":
            style = .records(InternalRecordFormatter(content: .transactions, form: form))
        default:
            throw JavaException(javaClass: "java.lang.ClassNotFoundException", message: formatter)
        }
        func isTrue(_ name: String, _ standard: Bool = false) -> Bool {
            properties[name].map { $0.lowercased() == "true" } ?? standard
        }
        func text(_ name: String, _ standard: String) -> [UInt8] { Array((properties[name] ?? standard).utf8) }
        printsTimestamp = isTrue("print.timestamp")
        printsKey = isTrue("print.key")
        printsOffset = isTrue("print.offset")
        printsPartition = isTrue("print.partition")
        printsHeaders = isTrue("print.headers")
        printsValue = isTrue("print.value", true)
        keySeparator = text("key.separator", "\t")
        lineSeparator = text("line.separator", "\n")
        headersSeparator = text("headers.separator", ",")
        nullLiteral = text("null.literal", "null")
        key = Deserializer(className: properties["key.deserializer"])
        value = Deserializer(className: properties["value.deserializer"])
        header = Deserializer(className: properties["headers.deserializer"])
    }

    /// Throws if the record's bytes are not what the formatter or a deserializer takes them for.
    func write(_ record: ConsumerRecord, to console: Console) throws {
        switch style {
        case .nothing: break
        case .standard: console.write(try line(record))
        case .records(let formatter):
            console.write((try formatter.text(key: record.key, value: record.value) ?? "").utf8)
        case .logging:
            console.write(try line(record))
            let timestamp = record.timestampType == .none ? "" : Self.timestamp(record) + ", "
            console.error(
                ClientLog.line(
                    "INFO",
                    "\(timestamp)key:\(record.key.map { String(buffer: $0) + ", " } ?? "null ")value:\(record.value.map { String(buffer: $0) } ?? "null")",
                    logger: "org.apache.kafka.tools.consumer.LoggingMessageFormatter"))
        }
    }

    private static func timestamp(_ record: ConsumerRecord) -> String {
        switch record.timestampType {
        case .none: "NO_TIMESTAMP"
        case .createTime: "CreateTime:\(record.timestamp)"
        case .logAppendTime: "LogAppendTime:\(record.timestamp)"
        }
    }

    /// The line of one record: the parts that are asked for, in Apache's order.
    func line(_ record: ConsumerRecord) throws -> [UInt8] {
        var columns: [[UInt8]] = []
        if printsTimestamp { columns.append(Array(Self.timestamp(record).utf8)) }
        if printsPartition { columns.append(Array("Partition:\(record.partition)".utf8)) }
        if printsOffset { columns.append(Array("Offset:\(record.offset)".utf8)) }
        if printsHeaders {
            let headers = try record.headers.map { header in
                Array("\(header.key):".utf8) + (try header.value.map { try self.header.text($0) } ?? nullLiteral)
            }
            columns.append(
                headers.isEmpty ? Array("NO_HEADERS".utf8) : Array(headers.joined(separator: headersSeparator)))
        }
        if printsKey { columns.append(try record.key.map { try key.text($0) } ?? nullLiteral) }
        if printsValue { columns.append(try record.value.map { try value.text($0) } ?? nullLiteral) }
        guard !columns.isEmpty else { return [] }
        return Array(columns.joined(separator: keySeparator)) + lineSeparator
    }
}
