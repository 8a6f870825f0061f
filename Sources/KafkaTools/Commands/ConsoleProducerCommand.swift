// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import NIOCore
import NIOPosix

/// `kafka-console-producer`: sends each line of standard input as a record.
enum ConsoleProducerCommand: ToolCommand {
    static let name = "console-producer"

    static func run(arguments: [String], console: Console) async -> Int32 {
        do {
            let options = try parse(
                arguments, grammar,
                purpose: "This tool helps to read data from standard input and publish it to Kafka.", console: console)
            try require(options, "topic")
            if !options.has("bootstrap-server"), !options.has("broker-list") {
                try require(options, "bootstrap-server")
            }
            let configuration = try configuration(options)
            let reader = try LineReader(options)
            let producer = try Producer(
                configuration, observer: ClientLog.observer("Producer clientId=\(configuration.clientID)", console))
            do {
                try await send(from: reader, to: producer, options, console)
            } catch {
                await producer.close()
                throw error
            }
            await producer.close()
            return 0
        } catch ToolExit.code(let code) {
            return code
        } catch ToolExit.usage(let message) {
            return printUsage(message, grammar, console)
        } catch let error as OptionError {
            console.error(error.message)
            return 1
        } catch {
            console.error(JavaException(error).summary)
            return 1
        }
    }

    private static func send(
        from reader: LineReader, to producer: Producer, _ options: ParsedOptions, _ console: Console
    ) async throws {
        let isSynchronous = options.has("sync")
        var reader = reader
        while true {
            if console.isInteractive {
                console.write(">".utf8)
                console.flush()
            }
            // Reading blocks, so it happens on a thread that may.
            let lines = try await NIOThreadPool.singleton.runIfActive { console.readLines() }
            if lines.isEmpty { return }
            for line in lines {
                let record = try reader.record(of: line)
                let complain: @Sendable (KafkaError) -> Void = { error in
                    console.error(
                        ClientLog.line(
                            "ERROR",
                            "Error when sending message to topic \(record.topic) with key: \(size(record.key)), value: \(size(record.value)) with error:",
                            logger: "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback"))
                    console.error(JavaException(error).summary)
                }
                if isSynchronous {
                    _ = try await producer.send(record)
                } else {
                    do {
                        try await producer.enqueue(record) { result in
                            if case .failure(let error) = result { complain(error) }
                        }
                    } catch let error as KafkaError where error.kind != .closed {
                        // Java's producer hands these to the callback as well.
                        complain(error)
                    }
                }
            }
        }
    }

    private static func size(_ bytes: ByteBuffer?) -> String { bytes.map { "\($0.readableBytes) bytes" } ?? "null" }

    /// Options beat `--producer-property`, which beats the file, which beats the options' defaults.
    private static func configuration(_ options: ParsedOptions) throws -> ClientConfiguration {
        var properties: [String: String] = [:]
        if let path = try options.value("producer.config") { properties = Properties.parse(try TextFile.read(path)) }
        guard let extra = Properties.parse(words: options.values("producer-property")) else {
            throw JavaException.illegalArgument(
                "Invalid command line properties: \(options.values("producer-property").joined(separator: " "))")
        }
        properties.merge(extra) { _, new in new }
        if options.has("bootstrap-server") || options.has("broker-list") {
            properties["bootstrap.servers"] = try options.value(
                options.has("bootstrap-server") ? "bootstrap-server" : "broker-list")
        }
        if properties["client.id"] == nil { properties["client.id"] = "console-producer" }
        if options.has("compression-codec") {
            properties["compression.type"] = try options.value("compression-codec") ?? "gzip"
        } else if properties["compression.type"] == nil {
            properties["compression.type"] = "none"
        }
        func merge(_ property: String, _ option: String) throws {
            if options.has(option) || properties[property] == nil { properties[property] = try options.value(option) }
        }
        try merge("linger.ms", "timeout")
        try merge("acks", "request-required-acks")
        try merge("request.timeout.ms", "request-timeout-ms")
        try merge("retries", "message-send-max-retries")
        try merge("retry.backoff.ms", "retry-backoff-ms")
        try merge("send.buffer.bytes", "socket-buffer-size")
        try merge("buffer.memory", "max-memory-bytes")
        try merge("batch.size", options.has("max-partition-memory-bytes") ? "max-partition-memory-bytes" : "batch-size")
        try merge("metadata.max.age.ms", "metadata-expiry-ms")
        try merge("max.block.ms", "max-block-ms")
        return try ClientConfiguration(properties: properties)
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option("topic", value: "topic", summary: "REQUIRED: The topic id to produce messages to.")
        grammar.option(
            "broker-list", value: "broker-list",
            summary:
                "DEPRECATED, use --bootstrap-server instead; ignored if --bootstrap-server is specified.  The broker list string in the form HOST1:PORT1,HOST2:PORT2."
        )
        grammar.option(
            "bootstrap-server", value: "server to connect to",
            summary:
                "REQUIRED unless --broker-list(deprecated) is specified. The server(s) to connect to. The broker list string in the form HOST1:PORT1,HOST2:PORT2."
        )
        grammar.flag(
            "sync",
            "If set message send requests to the brokers are synchronously, one at a time as they arrive.")
        grammar.optional(
            "compression-codec", value: "compression-codec",
            summary:
                "The compression codec: either 'none', 'gzip', 'snappy', 'lz4', or 'zstd'.If specified without value, then it defaults to 'gzip'"
        )
        grammar.option(
            "batch-size", .integer, value: "size", default: "16384",
            summary:
                "Number of messages to send in a single batch if they are not being sent synchronously. please note that this option will be replaced if max-partition-memory-bytes is also set"
        )
        grammar.option(
            "message-send-max-retries", .integer, default: "3",
            summary:
                "Brokers can fail receiving the message for multiple reasons, and being unavailable transiently is just one of them. This property specifies the number of retries before the producer give up and drop this message. This is the option to control `retries` in producer configs."
        )
        grammar.option(
            "retry-backoff-ms", .long, default: "100",
            summary:
                "Before each retry, the producer refreshes the metadata of relevant topics. Since leader election takes a bit of time, this property specifies the amount of time that the producer waits before refreshing the metadata. This is the option to control `retry.backoff.ms` in producer configs."
        )
        grammar.option(
            "timeout", .long, value: "timeout_ms", default: "1000",
            summary:
                "If set and the producer is running in asynchronous mode, this gives the maximum amount of time a message will queue awaiting sufficient batch size. The value is given in ms. This is the option to control `linger.ms` in producer configs."
        )
        grammar.option(
            "request-required-acks", value: "request required acks", default: "-1",
            summary: "The required `acks` of the producer requests")
        grammar.option(
            "request-timeout-ms", .integer, value: "request timeout ms", default: "1500",
            summary: "The ack timeout of the producer requests. Value must be non-negative and non-zero.")
        grammar.option(
            "metadata-expiry-ms", .long, value: "metadata expiration interval", default: "300000",
            summary:
                "The period of time in milliseconds after which we force a refresh of metadata even if we haven't seen any leadership changes. This is the option to control `metadata.max.age.ms` in producer configs."
        )
        grammar.option(
            "max-block-ms", .long, value: "max block on send", default: "60000",
            summary: "The max time that the producer will block for during a send request.")
        grammar.option(
            "max-memory-bytes", .long, value: "total memory in bytes", default: "33554432",
            summary:
                "The total memory used by the producer to buffer records waiting to be sent to the server. This is the option to control `buffer.memory` in producer configs."
        )
        grammar.option(
            "max-partition-memory-bytes", .integer, value: "memory in bytes per partition", default: "16384",
            summary:
                "The buffer size allocated for a partition. When records are received which are smaller than this size the producer will attempt to optimistically group them together until this size is reached. This is the option to control `batch.size` in producer configs."
        )
        grammar.option(
            "line-reader", value: "reader_class", default: LineReader.className,
            summary:
                "The class name of the class to use for reading lines from standard in. By default each line is read as a separate message."
        )
        grammar.option(
            "socket-buffer-size", .integer, value: "size", default: "102400",
            summary:
                "The size of the tcp RECV size. This is the option to control `send.buffer.bytes` in producer configs.")
        grammar.option(
            "property", value: "prop",
            summary:
                "A mechanism to pass user-defined properties in the form key=value to the message reader. This allows custom configuration for a user-defined message reader.\nDefault properties include:\n parse.key=false\n parse.headers=false\n ignore.error=false\n key.separator=\\t\n headers.delimiter=\\t\n headers.separator=,\n headers.key.separator=:\n null.marker=   When set, any fields (key, value and headers) equal to this will be replaced by null\nDefault parsing pattern when:\n parse.headers=true and parse.key=true:\n  \"h1:v1,h2:v2...\\tkey\\tvalue\"\n parse.key=true:\n  \"key\\tvalue\"\n parse.headers=true:\n  \"h1:v1,h2:v2...\\tvalue\""
        )
        grammar.option(
            "reader-config", value: "config file",
            summary:
                "Config properties file for the message reader. Note that [property] takes precedence over this config."
        )
        grammar.option(
            "producer-property", value: "producer_prop",
            summary: "A mechanism to pass user-defined properties in the form key=value to the producer. ")
        grammar.option(
            "producer.config", value: "config file",
            summary: "Producer config properties file. Note that [producer-property] takes precedence over this config."
        )
        return grammar
    }()
}

/// Turns lines into records: headers, key and value, parted by separators (the properties of Apache's line reader).
struct LineReader {
    private let topic: String
    private var parsesKey = false
    private var parsesHeaders = false
    private var ignoresErrors = false
    private var keySeparator = Array("\t".utf8)
    private var headersDelimiter = Array("\t".utf8)
    private var headersSeparator = Array(",".utf8)
    private var headersKeySeparator = Array(":".utf8)
    private var nullMarker: [UInt8]?
    private var lineNumber = 0

    static let className = "kafka.tools.ConsoleProducer$LineMessageReader"

    init(_ options: ParsedOptions) throws {
        if let name = try options.value("line-reader"), name != Self.className {
            throw JavaException(javaClass: "java.lang.ClassNotFoundException", message: name)
        }
        var properties: [String: String] = [:]
        if let path = try options.value("reader-config") { properties = Properties.parse(try TextFile.read(path)) }
        for word in options.values("property") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            properties[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        try self.init(topic: try options.value("topic") ?? "", properties: properties)
    }

    init(topic: String, properties: [String: String]) throws {
        self.topic = topic
        func isTrue(_ name: String) -> Bool { properties[name]?.lowercased() == "true" }
        func text(_ name: String, _ standard: [UInt8]) -> [UInt8] {
            properties[name].map { Array($0.utf8) } ?? standard
        }
        parsesKey = isTrue("parse.key")
        parsesHeaders = isTrue("parse.headers")
        ignoresErrors = isTrue("ignore.error")
        keySeparator = text("key.separator", keySeparator)
        headersDelimiter = text("headers.delimiter", headersDelimiter)
        headersSeparator = text("headers.separator", headersSeparator)
        headersKeySeparator = text("headers.key.separator", headersKeySeparator)
        nullMarker = properties["null.marker"].map { Array($0.utf8) }
        let named = [
            ("headers.delimiter", headersDelimiter), ("headers.separator", headersSeparator),
            ("headers.key.separator", headersKeySeparator),
        ]
        for (index, first) in named.enumerated() {
            for second in named[(index + 1)...] where first.1 == second.1 {
                throw Self.error("\(first.0) and \(second.0) may not be equal")
            }
        }
        if let nullMarker {
            for (name, value) in [("key.separator", keySeparator)] + named where value == nullMarker {
                throw Self.error("null.marker and \(name) may not be equal")
            }
        }
    }

    private static func error(_ message: String) -> JavaException {
        JavaException(javaClass: "org.apache.kafka.common.KafkaException", message: message)
    }

    /// The record of one line. Throws if a separator is missing and `ignore.error` is not set.
    mutating func record(of line: [UInt8]) throws -> ProducerRecord {
        lineNumber += 1
        var rest = line[...]
        let headers = try part(parsesHeaders, headersDelimiter, "headers delimiter", of: line, &rest)
        let key = try part(parsesKey, keySeparator, "key separator", of: line, &rest)
        return ProducerRecord(
            topic: topic, key: key.flatMap { buffer($0) }, value: buffer(rest),
            headers: try headers.map { isNull($0) ? [] : try self.headers($0) } ?? [])
    }

    private func isNull(_ bytes: ArraySlice<UInt8>) -> Bool { nullMarker.map { $0[...] == bytes } ?? false }

    private func buffer(_ bytes: ArraySlice<UInt8>) -> ByteBuffer? { isNull(bytes) ? nil : ByteBuffer(bytes: bytes) }

    private func part(
        _ isEnabled: Bool, _ separator: [UInt8], _ name: String, of line: [UInt8], _ rest: inout ArraySlice<UInt8>
    ) throws -> ArraySlice<UInt8>? {
        guard isEnabled else { return nil }
        guard let place = rest.firstRange(of: separator) else {
            if ignoresErrors { return nil }
            throw Self.error(
                "No \(name) found on line number \(lineNumber): '\(String(decoding: line, as: UTF8.self))'")
        }
        defer { rest = rest[place.upperBound...] }
        return rest[..<place.lowerBound]
    }

    private func headers(_ text: ArraySlice<UInt8>) throws -> [RecordHeader] {
        try text.split(separator: headersSeparator).map { pair in
            guard let place = pair.firstRange(of: headersKeySeparator) else {
                let name = String(decoding: pair, as: UTF8.self)
                guard ignoresErrors else {
                    throw Self.error("No header key separator found in pair '\(name)' on line number \(lineNumber)")
                }
                return RecordHeader(key: name, value: ByteBuffer?.none)
            }
            return RecordHeader(
                key: String(decoding: pair[..<place.lowerBound], as: UTF8.self),
                value: buffer(pair[place.upperBound...]))
        }
    }
}
