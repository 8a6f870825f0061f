// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import NIOCore

/// Prints records as Apache's message formatters do.
struct MessageFormatter {
    private enum Style { case standard, logging, nothing }

    private enum Deserializer: String {
        case bytes, integer, long, short, double, float, uuid, void

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

        func text(_ bytes: ByteBuffer) -> [UInt8] {
            var bytes = bytes
            let size = bytes.readableBytes
            let text: String? =
                switch self {
                case .integer where size == 4: bytes.readInteger(as: Int32.self).map { "\($0)" }
                case .long where size == 8: bytes.readInteger(as: Int64.self).map { "\($0)" }
                case .short where size == 2: bytes.readInteger(as: Int16.self).map { "\($0)" }
                case .double where size == 8: bytes.readInteger(as: UInt64.self).map { "\(Double(bitPattern: $0))" }
                case .float where size == 4: bytes.readInteger(as: UInt32.self).map { "\(Float(bitPattern: $0))" }
                default: nil
                }
            return text.map { Array($0.utf8) } ?? Array(bytes.readableBytesView)
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

    init(_ options: ParsedOptions) throws {
        var properties: [String: String] = [:]
        if let path = try options.value("formatter-config") { properties = Properties.parse(try TextFile.read(path)) }
        for word in options.values("property") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            properties[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        if let key = try options.value("key-deserializer") { properties["key.deserializer"] = key }
        if let value = try options.value("value-deserializer") { properties["value.deserializer"] = value }
        try self.init(formatter: try options.value("formatter") ?? "", properties: properties)
    }

    init(formatter: String = "DefaultMessageFormatter", properties: [String: String]) throws {
        switch formatter.split(separator: ".").last ?? "" {
        case "DefaultMessageFormatter", "ConsoleConsumer$DefaultMessageFormatter": style = .standard
        case "LoggingMessageFormatter": style = .logging
        case "NoOpMessageFormatter": style = .nothing
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

    func write(_ record: ConsumerRecord, to console: Console) {
        switch style {
        case .nothing: break
        case .standard: console.write(line(record))
        case .logging:
            console.write(line(record))
            let timestamp = record.timestampType == .none ? "" : Self.timestamp(record) + ", "
            console.error(
                ClientLog.line(
                    "INFO",
                    "\(timestamp)key:\(Self.text(record.key)), value:\(Self.text(record.value))",
                    logger: "org.apache.kafka.tools.consumer.LoggingMessageFormatter"))
        }
    }

    private static func text(_ bytes: ByteBuffer?) -> String { bytes.map { String(buffer: $0) } ?? "null" }

    private static func timestamp(_ record: ConsumerRecord) -> String {
        switch record.timestampType {
        case .none: "NO_TIMESTAMP"
        case .createTime: "CreateTime:\(record.timestamp)"
        case .logAppendTime: "LogAppendTime:\(record.timestamp)"
        }
    }

    /// The line of one record: the parts that are asked for, in Apache's order.
    func line(_ record: ConsumerRecord) -> [UInt8] {
        var columns: [[UInt8]] = []
        if printsTimestamp { columns.append(Array(Self.timestamp(record).utf8)) }
        if printsPartition { columns.append(Array("Partition:\(record.partition)".utf8)) }
        if printsOffset { columns.append(Array("Offset:\(record.offset)".utf8)) }
        if printsHeaders {
            let headers = record.headers.map { header in
                Array("\(header.key):".utf8) + (header.value.map { self.header.text($0) } ?? nullLiteral)
            }
            columns.append(
                headers.isEmpty ? Array("NO_HEADERS".utf8) : Array(headers.joined(separator: headersSeparator)))
        }
        if printsKey { columns.append(record.key.map { key.text($0) } ?? nullLiteral) }
        if printsValue { columns.append(record.value.map { value.text($0) } ?? nullLiteral) }
        guard !columns.isEmpty else { return [] }
        return Array(columns.joined(separator: keySeparator)) + lineSeparator
    }
}
