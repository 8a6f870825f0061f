// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import NIOCore
import Synchronization

/// `kafka-producer-perf-test`: sends records as fast as asked for and tells how long they took.
enum ProducerPerfCommand: ToolCommand {
    static let name = "producer-perf-test"
    private static let program = "producer-performance"
    private static let usage = """
        usage: producer-performance [-h] --topic TOPIC --num-records NUM-RECORDS [--payload-delimiter PAYLOAD-DELIMITER] --throughput THROUGHPUT [--producer-props PROP-NAME=PROP-VALUE [PROP-NAME=PROP-VALUE ...]] [--producer.config CONFIG-FILE] [--print-metrics] [--transactional-id TRANSACTIONAL-ID] [--transaction-duration-ms TRANSACTION-DURATION] (--record-size RECORD-SIZE | --payload-file PAYLOAD-FILE | --payload-monotonic)
        """

    private struct Options {
        var values: [String: String] = [:]
        var flags: Set<String> = []
        var properties: [String] = []
    }

    /// A refusal in argparse4j's form.
    private struct Refusal: Error { var message: String }

    static func run(arguments: [String], console: Console) async -> Int32 {
        guard !arguments.isEmpty, !arguments.contains("-h"), !arguments.contains("--help") else {
            console.print(usage)
            console.print("\nThis tool is used to verify the producer performance.")
            return 0
        }
        do {
            let options = try parse(arguments)
            return try await measure(options, console)
        } catch let refusal as Refusal {
            console.error(usage)
            console.error("\(program): error: \(refusal.message)")
            return 1
        } catch {
            console.error("Exception in thread \"main\" \(JavaException(error).summary)")
            return 1
        }
    }

    private static func parse(_ arguments: [String]) throws -> Options {
        let valued = [
            "--topic", "--num-records", "--payload-delimiter", "--throughput", "--producer.config",
            "--transactional-id", "--transaction-duration-ms", "--record-size", "--payload-file",
        ]
        var options = Options()
        var rest = arguments[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            if valued.contains(word) {
                guard let value = rest.popFirst() else {
                    throw Refusal(message: "argument \(word): expected one argument")
                }
                options.values[word] = value
            } else if word.hasPrefix("--"), parts.count == 2, valued.contains(parts[0]) {
                options.values[parts[0]] = parts[1]
            } else if word == "--print-metrics" || word == "--payload-monotonic" {
                options.flags.insert(word)
            } else if word == "--producer-props" {
                while let next = rest.first, !next.hasPrefix("--") {
                    options.properties.append(next)
                    rest.removeFirst()
                }
            } else {
                throw Refusal(message: "unrecognized arguments: '\(word)'")
            }
        }
        let _: Int64? = try number(options, "--num-records")
        let _: Int32? = try number(options, "--record-size")
        let _: Int64? = try number(options, "--transaction-duration-ms")
        if let text = options.values["--throughput"], Double(text) == nil {
            throw Refusal(message: "argument --throughput: could not convert '\(text)' to Double")
        }
        for name in ["--topic", "--num-records", "--throughput"] where options.values[name] == nil {
            throw Refusal(message: "argument \(name) is required")
        }
        let payloads =
            ["--record-size", "--payload-file"].count { options.values[$0] != nil }
            + (options.flags.contains("--payload-monotonic") ? 1 : 0)
        if payloads == 0 {
            throw Refusal(message: "one of the arguments --record-size --payload-file --payload-monotonic is required")
        }
        if payloads > 1 { throw Refusal(message: "the payload options are not allowed with each other") }
        if options.properties.isEmpty, options.values["--producer.config"] == nil {
            throw Refusal(message: "Either --producer-props or --producer.config must be specified.")
        }
        return options
    }

    private static func number<Number: FixedWidthInteger>(_ options: Options, _ name: String) throws -> Number? {
        guard let text = options.values[name] else { return nil }
        guard let number = Number(text) else {
            throw Refusal(message: "argument \(name): could not convert '\(text)' to \(Number.argparseName)")
        }
        return number
    }

    /// Throws what Apache's tool, which has no check of its own, runs into with fewer records than one.
    private static func refuse(count: Int64) throws {
        switch count {
        case 1...: return
        case 0: throw JavaException(javaClass: "java.lang.ArithmeticException", message: "/ by zero")
        case -1:
            throw JavaException(
                javaClass: "java.lang.ArrayIndexOutOfBoundsException", message: "Index 0 out of bounds for length 0")
        default: throw JavaException(javaClass: "java.lang.NegativeArraySizeException", message: "\(count + 1)")
        }
    }

    private static func configuration(_ options: Options) throws -> ClientConfiguration {
        var properties: [String: String] = [:]
        if let path = options.values["--producer.config"] { properties = Properties.parse(try TextFile.read(path)) }
        guard let extra = Properties.parse(words: options.properties) else {
            throw JavaException.illegalArgument(
                "Invalid property: \(options.properties.first { !$0.contains("=") } ?? "")")
        }
        properties.merge(extra) { _, new in new }
        if properties["client.id"] == nil { properties["client.id"] = "perf-producer-client" }
        if let id = options.values["--transactional-id"] { properties["transactional.id"] = id }
        if options.values["--transaction-duration-ms"] != nil, properties["transactional.id"] == nil {
            properties["transactional.id"] = "performance-producer-default-transactional-id"
        }
        return try ClientConfiguration(properties: properties)
    }

    private static func measure(_ options: Options, _ console: Console) async throws -> Int32 {
        let configuration = try configuration(options)
        let count: Int64 = try number(options, "--num-records") ?? 0
        let throughput = Double(options.values["--throughput"] ?? "-1") ?? -1
        let transaction: Int64? =
            configuration.transactionalID == nil ? nil : try number(options, "--transaction-duration-ms") ?? 3000
        let payloads = try Payloads(
            size: try number(options, "--record-size"), file: options.values["--payload-file"],
            delimiter: options.values["--payload-delimiter"] ?? "\\n", console: console)
        let topic = options.values["--topic"] ?? ""
        try refuse(count: count)
        let producer = try Producer(
            configuration, observer: ClientLog.observer("Producer clientId=\(configuration.clientID)", console))
        let statistics = ProducerStatistics(expected: count, console: console)
        do {
            if transaction != nil { try await producer.initTransactions() }
            var transactionStart: Int64 = 0
            var inTransaction = false
            let start = NIODeadline.now()
            for index in 0..<count {
                if let transaction {
                    let now = WallClock.now()
                    if inTransaction, now - transactionStart >= transaction {
                        try await producer.commitTransaction()
                        inTransaction = false
                    }
                    if !inTransaction {
                        try producer.beginTransaction()
                        transactionStart = now
                        inTransaction = true
                    }
                }
                let payload = payloads.payload(index)
                let size = payload.readableBytes
                let sent = NIODeadline.now()
                try await producer.enqueue(ProducerRecord(topic: topic, value: payload)) { result in
                    statistics.completed(sent, bytes: size, result)
                }
                if throughput > 0 {
                    // Three years from now stand for ever: more would not fit.
                    let due = start + .nanoseconds(Int64(min(Double(index + 1) / throughput * 1e9, 1e17)))
                    let ahead = due - NIODeadline.now()
                    if ahead > .milliseconds(1) { try await Task.sleep(nanoseconds: UInt64(ahead.nanoseconds)) }
                }
            }
            if inTransaction { try await producer.commitTransaction() }
            await producer.flush()
        } catch {
            await producer.close()
            throw error
        }
        statistics.printTotal()
        if options.flags.contains("--print-metrics") {
            for line in statistics.metrics(clientID: configuration.clientID).lines { console.print(line) }
        }
        await producer.close()
        return 0
    }
}

/// What the perf tool sends: random letters, the lines of a file, or numbers.
private struct Payloads {
    private enum Kind {
        case random(pool: ByteBuffer, size: Int)
        case listed([ByteBuffer])
        case monotonic
    }

    private let kind: Kind

    init(size: Int32?, file: String?, delimiter: String, console: Console) throws {
        if let file {
            console.print("Reading payloads from: \(file)")
            let separator = Array((delimiter == "\\n" ? "\n" : delimiter).utf8)
            let lines = try TextFile.bytes(file).split(separator: separator).map { ByteBuffer(bytes: $0) }
            console.print("Number of messages read: \(lines.count)")
            guard !lines.isEmpty else {
                throw JavaException.illegalArgument("File does not exist or empty file provided.")
            }
            kind = .listed(lines)
        } else if let size = size.map({ Int($0) }) {
            guard size > 0 else {
                throw JavaException.illegalArgument("--record-size should be greater than zero")
            }
            // Slices at odd places of one pool of letters, so that no time goes into making them.
            var generator = SystemRandomNumberGenerator()
            let pool = ByteBuffer(bytes: (0..<(size + 4093)).map { _ in UInt8.random(in: 65...90, using: &generator) })
            kind = .random(pool: pool, size: size)
        } else {
            kind = .monotonic
        }
    }

    func payload(_ index: Int64) -> ByteBuffer {
        switch kind {
        case .random(let pool, let size): pool.getSlice(at: Int(index % 4093), length: size) ?? pool
        case .listed(let payloads): payloads[Int.random(in: 0..<payloads.count)]
        case .monotonic: ByteBuffer(string: "\(index)")
        }
    }
}

/// Latencies and counts, printed every five seconds and at the end. Owner: the lock inside.
private final class ProducerStatistics: Sendable {
    private struct Window {
        var count: Int64 = 0
        var latency: Int64 = 0
        var maximum: Int64 = 0
        var bytes: Int64 = 0
        var largest: Int64 = 0
        var errors: Int64 = 0
        var start = WallClock.now()
    }

    private struct State {
        var window = Window()
        var total = Window()
        var latencies: [Int32] = []
        var index: Int64 = 0
    }

    private let state = Mutex(State())
    private let sampling: Int64
    private let console: Console

    init(expected: Int64, console: Console) {
        sampling = max(1, expected / 500_000)
        self.console = console
    }

    func completed(_ sent: NIODeadline, bytes: Int, _ result: Result<RecordMetadata, KafkaError>) {
        if case .failure(let error) = result {
            state.withLock { $0.total.errors += 1 }
            return console.error(JavaException(error).summary)
        }
        let latency = (NIODeadline.now() - sent).nanoseconds / 1_000_000
        let line = state.withLock { state -> String? in
            add(&state.window, latency, bytes)
            add(&state.total, latency, bytes)
            if state.index % sampling == 0 { state.latencies.append(Int32(clamping: latency)) }
            state.index += 1
            // The clock is looked at only now and then.
            guard state.index % 64 == 0 else { return nil }
            let now = WallClock.now()
            guard now - state.window.start >= 5000 else { return nil }
            defer { state.window = Window() }
            return Self.line(state.window, now)
        }
        if let line {
            console.print(line)
            console.flush()
        }
    }

    private func add(_ window: inout Window, _ latency: Int64, _ bytes: Int) {
        window.count += 1
        window.latency += latency
        window.maximum = max(window.maximum, latency)
        window.bytes += Int64(bytes)
        window.largest = max(window.largest, Int64(bytes))
    }

    func metrics(clientID: String) -> ClientMetrics {
        let total = state.withLock { $0.total }
        let elapsed = WallClock.now() - total.start
        let group = "producer-metrics"
        var metrics = ClientMetrics(clientID: clientID)
        metrics.count(group, "record-send", total.count, milliseconds: elapsed)
        metrics.count(group, "record-error", total.errors, milliseconds: elapsed)
        metrics.add(group, "record-size-avg", Double(total.bytes) / Double(max(total.count, 1)))
        metrics.add(group, "record-size-max", Double(total.largest))
        return metrics
    }

    private static func line(_ window: Window, _ now: Int64) -> String {
        let elapsed = Double(max(now - window.start, 1))
        return formatted(
            "%lld records sent, %.1f records/sec (%.2f MB/sec), %.1f ms avg latency, %.1f ms max latency.",
            window.count, 1000 * Double(window.count) / elapsed, 1000 * Double(window.bytes) / elapsed / 1_048_576,
            Double(window.latency) / Double(max(window.count, 1)), Double(window.maximum))
    }

    func printTotal() {
        let (total, latencies) = state.withLock { ($0.total, $0.latencies.sorted()) }
        let elapsed = Double(max(WallClock.now() - total.start, 1))
        func percentile(_ fraction: Double) -> Int64 {
            latencies.isEmpty ? 0 : Int64(latencies[min(Int(fraction * Double(latencies.count)), latencies.count - 1)])
        }
        console.print(
            formatted(
                "%lld records sent, %f records/sec (%.2f MB/sec), %.2f ms avg latency, %.2f ms max latency, %lld ms 50th, %lld ms 95th, %lld ms 99th, %lld ms 99.9th.",
                total.count, 1000 * Double(total.count) / elapsed, 1000 * Double(total.bytes) / elapsed / 1_048_576,
                Double(total.latency) / Double(max(total.count, 1)), Double(total.maximum), percentile(0.5),
                percentile(0.95), percentile(0.99), percentile(0.999)))
    }
}
