// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import NIOCore

/// `kafka-console-consumer`: prints the records of topics.
enum ConsoleConsumerCommand: ToolCommand {
    static let name = "console-consumer"
    private static let logger = "org.apache.kafka.tools.consumer.ConsoleConsumer"

    static func run(arguments: [String], console: Console) async -> Int32 {
        do {
            let options = try parse(
                arguments, grammar,
                purpose: "This tool helps to read data from Kafka topics and outputs it to standard output.",
                console: console)
            try check(options)
            let configuration = try configuration(options)
            let formatter: MessageFormatter
            do {
                formatter = try MessageFormatter(options, console)
            } catch {
                throw ToolExit.usage(JavaException(error).message)
            }
            let consumer = try Consumer(
                configuration,
                observer: ClientLog.observer(
                    "Consumer clientId=\(configuration.clientID), groupId=\(configuration.groupID ?? "null")", console))
            let code = await consume(consumer, formatter, options, console)
            return code
        } catch ToolExit.code(let code) {
            return code
        } catch ToolExit.usage(let message) {
            return printUsage(message, grammar, console)
        } catch let error as OptionError {
            return printUsage(error.message, grammar, console)
        } catch {
            return fail(error, console)
        }
    }

    private static func fail(_ error: any Error, _ console: Console) -> Int32 {
        console.error(ClientLog.line("ERROR", "Unknown error when running consumer: ", logger: logger))
        console.error(JavaException(error).summary)
        return 1
    }

    private static func check(_ options: ParsedOptions) throws {
        guard ["topic", "include", "whitelist"].count(where: { options.has($0) }) == 1 else {
            throw ToolExit.usage("Exactly one of --include/--topic is required. ")
        }
        if options.has("partition") {
            if !options.has("topic") { throw ToolExit.usage("The topic is required when partition is specified.") }
            if options.has("group") {
                throw ToolExit.usage("Options group and partition cannot be specified together.")
            }
        }
        if options.has("offset") {
            if !options.has("partition") { throw ToolExit.usage("The partition is required when offset is specified.") }
            if options.has("from-beginning") {
                throw ToolExit.usage("Options from-beginning and offset cannot be specified together.")
            }
            let offset = try options.value("offset") ?? ""
            if !["earliest", "latest"].contains(offset.lowercased()), (Int64(offset) ?? -1) < 0 {
                throw ToolExit.usage(
                    "The provided offset value '\(offset)' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long."
                )
            }
        }
        try require(options, "bootstrap-server")
    }

    private static func configuration(_ options: ParsedOptions) throws -> ClientConfiguration {
        var file: [String: String] = [:]
        if let path = try options.value("consumer.config") { file = Properties.parse(try TextFile.read(path)) }
        guard let extra = Properties.parse(words: options.values("consumer-property")) else {
            throw JavaException.illegalArgument(
                "Invalid command line properties: \(options.values("consumer-property").joined(separator: " "))")
        }
        var properties = file.merging(extra) { _, new in new }
        let groups = Set([try options.value("group"), file["group.id"], extra["group.id"]].compactMap { $0 })
        if groups.count > 1 {
            throw ToolExit.usage(
                "The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') do not match. Detected group ids: \(groups.sorted().map { "'\($0)'" }.joined(separator: ", "))"
            )
        }
        if options.has("partition"), !groups.isEmpty {
            throw ToolExit.usage("Options group and partition cannot be specified together.")
        }
        if let group = groups.first {
            properties["group.id"] = group
        } else {
            properties["group.id"] = "console-consumer-\(Int.random(in: 0..<100_000))"
            // Nobody will come back to this group's offsets.
            if properties["enable.auto.commit"] == nil { properties["enable.auto.commit"] = "false" }
        }
        let reset = properties["auto.offset.reset"]
        if options.has("from-beginning"), let reset, reset != "earliest" {
            throw ToolExit.usage(
                "Can't simultaneously specify --from-beginning and 'auto.offset.reset=\(reset)', please remove one option"
            )
        }
        properties["auto.offset.reset"] = reset ?? (options.has("from-beginning") ? "earliest" : "latest")
        if let servers = try options.value("bootstrap-server") { properties["bootstrap.servers"] = servers }
        if options.has("isolation-level") || properties["isolation.level"] == nil {
            properties["isolation.level"] = try options.value("isolation-level")
        }
        if properties["client.id"] == nil { properties["client.id"] = "console-consumer" }
        return try ClientConfiguration(properties: properties)
    }

    private static func begin(_ consumer: Consumer, _ options: ParsedOptions) async throws {
        guard let topic = try options.value("topic") else {
            let filter = try TopicFilter(try options.value("include") ?? options.value("whitelist") ?? "")
            return await consumer.subscribe { filter.allows($0) }
        }
        guard let number: Int32 = try options.integer("partition") else { return await consumer.subscribe(to: [topic]) }
        let partition = TopicPartition(topic, number)
        await consumer.assign([partition])
        // Its default is none for who wants the beginning.
        let start = options.has("offset") ? try options.value("offset")?.lowercased() : nil
        switch start {
        case nil: try await consumer.seek([partition], to: options.has("from-beginning") ? .earliest : .latest)
        case "earliest"?: try await consumer.seek([partition], to: .earliest)
        case "latest"?: try await consumer.seek([partition], to: .latest)
        case let offset?: try await consumer.seek(partition, to: Int64(offset) ?? 0)
        }
    }

    private static func consume(
        _ consumer: Consumer, _ formatter: MessageFormatter, _ options: ParsedOptions, _ console: Console
    ) async -> Int32 {
        var count: Int64 = 0
        var code: Int32 = 0
        var fault: (any Error)?
        var shown: [TopicPartition: Int64] = [:]
        do {
            var printed: [TopicPartition: Int64] = [:]
            let limit: Int64? = try options.integer("max-messages")
            let timeout: Int64? = try options.integer("timeout-ms")
            try await begin(consumer, options)
            // What is not printed is not consumed, should offsets be committed.
            defer { shown = printed }
            while fault == nil, limit.map({ count < $0 }) ?? true {
                printed = [:]
                let records = try await poll(consumer, timeout)
                for record in records {
                    if let limit, count >= limit { break }
                    count += 1
                    printed[TopicPartition(record.topic, record.partition)] = record.offset + 1
                    do {
                        try formatter.write(record, to: console)
                    } catch {
                        guard options.has("skip-message-on-error") else {
                            fault = error
                            break
                        }
                        console.error(
                            ClientLog.line(
                                "ERROR", "Error processing message, skipping this message: ", logger: logger))
                        console.error(JavaException(error).summary)
                    }
                }
                console.flush()
            }
        } catch {
            console.error(
                ClientLog.line("ERROR", "Error processing message, terminating consumer process: ", logger: logger))
            let exception = JavaException(error)
            let isTimeout = exception.message.isEmpty
            console.error(isTimeout ? exception.javaClass : exception.summary)
            if !isTimeout { code = 1 }
        }
        for (partition, next) in shown { try? await consumer.seek(partition, to: next) }
        await consumer.close()
        console.flush()
        console.error("Processed a total of \(count) messages")
        if let fault { code = fail(fault, console) }
        if options.has("enable-systest-events") { console.print("shutdown_complete") }
        return code
    }

    /// The next records; throws what Apache's tool throws when none come for `timeout` milliseconds.
    private static func poll(_ consumer: Consumer, _ timeout: Int64?) async throws -> [ConsumerRecord] {
        let deadline = timeout.map { ContinuousClock.now + .milliseconds($0) }
        while true {
            let wait = deadline.map { min($0 - .now, .seconds(1)) } ?? .seconds(1)
            let records = try await consumer.poll(for: max(wait, .zero))
            if !records.isEmpty { return records }
            if let deadline, ContinuousClock.now >= deadline { throw KafkaError(.timeout, "") }
            try Task.checkCancellation()
        }
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option("topic", value: "topic", summary: "The topic to consume on.")
        grammar.option(
            "whitelist", value: "Java regex (String)",
            summary:
                "DEPRECATED, use --include instead; ignored if --include specified. Regular expression specifying list of topics to include for consumption."
        )
        grammar.option(
            "include", value: "Java regex (String)",
            summary: "Regular expression specifying list of topics to include for consumption.")
        grammar.option(
            "partition", .integer, value: "partition",
            summary:
                "The partition to consume from. Consumption starts from the end of the partition unless '--offset' is specified."
        )
        grammar.option(
            "offset", value: "consume offset", default: "latest",
            summary:
                "The offset to consume from (a non-negative number), or 'earliest' which means from beginning, or 'latest' which means from end"
        )
        grammar.option(
            "consumer-property", value: "consumer_prop",
            summary: "A mechanism to pass user-defined properties in the form key=value to the consumer.")
        grammar.option(
            "consumer.config", value: "config file",
            summary: "Consumer config properties file. Note that [consumer-property] takes precedence over this config."
        )
        grammar.option(
            "formatter", value: "class", default: "org.apache.kafka.tools.consumer.DefaultMessageFormatter",
            summary: "The name of a class to use for formatting kafka messages for display.")
        grammar.option(
            "property", value: "prop",
            summary:
                "The properties to initialize the message formatter. Default properties include: \n print.timestamp=true|false\n print.key=true|false\n print.offset=true|false\n print.partition=true|false\n print.headers=true|false\n print.value=true|false\n key.separator=<key.separator>\n line.separator=<line.separator>\n headers.separator=<line.separator>\n null.literal=<null.literal>\n key.deserializer=<key.deserializer>\n value.deserializer=<value.deserializer>\n header.deserializer=<header.deserializer>\nUsers can also pass in customized properties for their formatter; more specifically, users can pass in properties keyed with 'key.deserializer.', 'value.deserializer.' and 'headers.deserializer.' prefixes to configure their deserializers."
        )
        grammar.option(
            "formatter-config", value: "config file",
            summary:
                "Config properties file to initialize the message formatter. Note that [property] takes precedence over this config."
        )
        grammar.flag(
            "from-beginning",
            "If the consumer does not already have an established offset to consume from, start with the earliest message present in the log rather than the latest message."
        )
        grammar.option(
            "max-messages", .integer, value: "num_messages",
            summary: "The maximum number of messages to consume before exiting. If not set, consumption is continual.")
        grammar.option(
            "timeout-ms", .long, value: "timeout_ms",
            summary: "If specified, exit if no message is available for consumption for the specified interval.")
        grammar.flag(
            "skip-message-on-error",
            "If there is an error when processing a message, skip it instead of halt.")
        grammar.option(
            "bootstrap-server", value: "server to connect to", summary: "REQUIRED: The server(s) to connect to.")
        grammar.option(
            "key-deserializer", value: "deserializer for key", summary: "")
        grammar.option(
            "value-deserializer", value: "deserializer for values", summary: "")
        grammar.flag(
            "enable-systest-events",
            "Log lifecycle events of the consumer in addition to logging consumed messages. (This is specific for system tests.)"
        )
        grammar.option(
            "isolation-level", default: "read_uncommitted",
            summary:
                "Set to read_committed in order to filter out transactional messages which are not committed. Set to read_uncommitted to read all messages."
        )
        grammar.option("group", value: "consumer group id", summary: "The consumer group id of the consumer.")
        return grammar
    }()
}
