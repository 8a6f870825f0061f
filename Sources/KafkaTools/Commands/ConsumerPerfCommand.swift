// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import Synchronization

/// `kafka-consumer-perf-test`: reads records and tells how fast.
enum ConsumerPerfCommand: ToolCommand {
    static let name = "consumer-perf-test"

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options = try parse(
                arguments, grammar,
                purpose: "This tool is used to verify the consumer performance.", console: console)
            try require(options, "topic", "messages")
            try require(options, "bootstrap-server")
            try await measure(options, console)
            return 0
        }
    }

    /// Time spent in rebalances: from a revocation, or the start, to the next assignment.
    private struct Joining {
        var since: Int64?
        var total: Int64 = 0
        var count: Int64 = 0
    }

    private static func measure(_ options: ParsedOptions, _ console: Console) async throws {
        var configuration = ClientConfiguration()
        if let path = try options.value("consumer.config") {
            try configuration.load(propertiesText: try TextFile.read(path))
        }
        try configuration.set("bootstrap.servers", try options.value("bootstrap-server") ?? "")
        try configuration.set("receive.buffer.bytes", "\(try options.integer("socket-buffer-size") ?? Int32(2 << 20))")
        configuration.groupID = try options.value("group") ?? "perf-consumer-\(Int.random(in: 0..<100_000))"
        configuration.maxPartitionFetchBytes = try options.integer("fetch-size") ?? configuration.maxPartitionFetchBytes
        configuration.offsetReset = options.has("from-latest") ? .latest : .earliest
        configuration.checksCRCs = false
        if configuration.clientID.isEmpty { configuration.clientID = "perf-consumer-client" }
        let isDetailed = options.has("show-detailed-stats")
        if !options.has("hide-header") {
            let fetched = "rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec"
            console.print(
                (isDetailed ? "time, threadId" : "start.time, end.time")
                    + ", data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, " + fetched)
            console.flush()
        }
        let format = try JavaDateFormat(try options.value("date-format") ?? "")
        let wanted: Int64 = try options.integer("messages") ?? 0
        let timeout: Int64 = try options.integer("timeout") ?? 10_000
        let interval: Int64 = try options.integer("reporting-interval") ?? 5000
        let consumer = try Consumer(
            configuration,
            observer: ClientLog.observer(
                "Consumer clientId=\(configuration.clientID), groupId=\(configuration.groupID ?? "null")", console))
        let start = WallClock.now()
        let joining = Shared(Joining(since: start))
        await consumer.onRebalance { event in
            let now = WallClock.now()
            joining.withLock { joining in
                switch event {
                case .assigned:
                    joining.total += joining.since.map { now - $0 } ?? 0
                    joining.count += 1
                    joining.since = nil
                case .revoked, .lost: joining.since = now
                }
            }
        }
        await consumer.subscribe(to: [try options.value("topic") ?? ""])
        var records: Int64 = 0
        var bytes: Int64 = 0
        var lastRecord = WallClock.now()
        var report = (time: start, records: Int64(0), bytes: Int64(0), joined: Int64(0))
        do {
            while records < wanted, WallClock.now() - lastRecord <= timeout {
                let batch = try await consumer.poll(for: .milliseconds(100))
                let now = WallClock.now()
                if !batch.isEmpty { lastRecord = now }
                for record in batch {
                    bytes += Int64((record.key?.readableBytes ?? 0) + (record.value?.readableBytes ?? 0))
                }
                records += Int64(batch.count)
                if isDetailed, now - report.time >= interval {
                    let joined = joining.withLock { $0.total }
                    console.print(
                        "\(format.text(now)), 0, "
                            + rates(
                                bytes, bytes - report.bytes, records, records - report.records, now - report.time,
                                joined - report.joined))
                    console.flush()
                    report = (now, records, bytes, joined)
                }
            }
        } catch {
            await consumer.close()
            throw error
        }
        let end = WallClock.now()
        await consumer.close()
        if records < wanted {
            console.print(
                "WARNING: Exiting before consuming the expected number of messages: timeout (\(timeout) ms) exceeded. You can use the --timeout option to increase the timeout."
            )
        }
        let joined = joining.withLock { $0 }
        if !isDetailed {
            console.print(
                "\(format.text(start)), \(format.text(end)), "
                    + rates(bytes, bytes, records, records, end - start, joined.total))
        }
        if options.has("print-metrics") {
            var metrics = ClientMetrics(clientID: configuration.clientID)
            let (fetches, coordinator) = ("consumer-fetch-manager-metrics", "consumer-coordinator-metrics")
            metrics.count(fetches, "records-consumed", records, milliseconds: end - start)
            metrics.count(fetches, "bytes-consumed", bytes, milliseconds: end - start)
            metrics.add(coordinator, "rebalance-total", Double(joined.count))
            metrics.add(coordinator, "rebalance-latency-total", Double(joined.total))
            for line in metrics.lines { console.print(line) }
        }
    }

    /// Totals, and rates of what came in `elapsed` milliseconds, of which `joined` went into rebalances.
    private static func rates(
        _ bytes: Int64, _ newBytes: Int64, _ records: Int64, _ newRecords: Int64, _ elapsed: Int64, _ joined: Int64
    ) -> String {
        let megabyte = 1_048_576.0
        let fetching = elapsed - joined
        let seconds = Double(max(elapsed, 1)) / 1000
        let fetchSeconds = Double(max(fetching, 1)) / 1000
        return formatted(
            "%.4f, %.4f, %lld, %.4f, %lld, %lld, %.4f, %.4f", Double(bytes) / megabyte,
            Double(newBytes) / megabyte / seconds, records, Double(newRecords) / seconds, joined, fetching,
            Double(newBytes) / megabyte / fetchSeconds, Double(newRecords) / fetchSeconds)
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "bootstrap-server", value: "server to connect to",
            summary: "REQUIRED unless --broker-list(deprecated) is specified. The server(s) to connect to.")
        grammar.option("topic", value: "topic", summary: "REQUIRED: The topic to consume from.")
        grammar.option(
            "group", value: "gid", default: "perf-consumer-\(Int.random(in: 0..<100_000))",
            summary: "The group id to consume on.")
        grammar.option(
            "fetch-size", .integer, value: "size", default: "1048576",
            summary: "The amount of data to fetch in a single request.")
        grammar.flag(
            "from-latest",
            "If the consumer does not already have an established offset to consume from, start with the latest message present in the log rather than the earliest message."
        )
        grammar.option(
            "socket-buffer-size", .integer, value: "size", default: "2097152", summary: "The size of the tcp RECV size."
        )
        grammar.option(
            "threads", .integer, value: "count", default: "10",
            summary: "DEPRECATED AND IGNORED: Number of processing threads.")
        grammar.option(
            "num-fetch-threads", .integer, value: "count", default: "1",
            summary: "DEPRECATED AND IGNORED: Number of fetcher threads.")
        grammar.option("consumer.config", value: "config file", summary: "Consumer config properties file.")
        grammar.flag("print-metrics", "Print out the metrics.")
        grammar.flag(
            "show-detailed-stats",
            "If set, stats are reported for each reporting interval as configured by reporting-interval")
        grammar.option(
            "timeout", .long, value: "milliseconds", default: "10000",
            summary: "The maximum allowed time in milliseconds between returned records.")
        grammar.option(
            "messages", .long, value: "count", summary: "REQUIRED: The number of messages to send or consume")
        grammar.option(
            "reporting-interval", .integer, value: "interval_ms", default: "5000",
            summary: "Interval in milliseconds at which to print progress info.")
        grammar.option(
            "date-format", value: "date format", default: "yyyy-MM-dd HH:mm:ss:SSS",
            summary: "The date format to use for formatting the time field. See java.text.SimpleDateFormat for options."
        )
        grammar.flag("hide-header", "If set, skips printing the header for the stats ")
        return grammar
    }()
}

/// A value behind a lock that closures can share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        mutex.withLock { value in body(&value) }
    }
}
