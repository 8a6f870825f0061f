// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaProtocol
import KafkaRecords

/// `kafka-replica-verification`: fetches partitions from all of their replicas, and compares them until it is stopped.
enum ReplicaVerificationCommand: ToolCommand {
    static let name = "replica-verification"
    /// Who fetches as this may read any replica, to the end of its log.
    private static let debuggingConsumer: BrokerID = -2
    private static let logger = "org.apache.kafka.tools.ReplicaVerificationTool"

    private struct Limits {
        var fetchSize: Int32
        var maxWait: Int32
        var reportInterval: Duration
    }

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options = try parse(
                arguments, grammar, purpose: "Validate that all replicas for a set of topics have the same data.",
                console: console)
            try require(options, "broker-list")
            try checkServers(try options.value("broker-list") ?? "")
            let pattern = try options.value(options.has("topics-include") ? "topics-include" : "topic-white-list")
            let filter = try TopicFilter(pattern ?? ".*")
            let limits = Limits(
                fetchSize: try options.integer("fetch-size") ?? 1 << 20,
                maxWait: try options.integer("max-wait-ms") ?? 1000,
                reportInterval: .milliseconds(try options.integer("report-interval-ms") ?? 30_000))
            let time: Int64 = try options.integer("time") ?? -1
            let configuration = try adminConfiguration(options, file: "", servers: "broker-list")
            console.error(
                ClientLog.line(
                    "WARN", "This tool is deprecated and may be removed in a future major release.", logger: logger))
            return try await withAdmin(configuration, console) { admin in
                guard let comparison = try await prepare(filter, time, admin) else {
                    console.error(
                        ClientLog.line(
                            "ERROR",
                            "No topics found. [topics-include] if specified, is either filtering out all topics or there is no topic.",
                            logger: logger))
                    return 1
                }
                report("verification process is started", console)
                return try await verify(comparison, limits, admin, console)
            }
        }
    }

    private static func checkServers(_ list: String) throws {
        let isValid = list.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { server in
            guard let colon = server.lastIndex(of: ":"), colon != server.startIndex else { return false }
            return UInt16(server[server.index(after: colon)...]) != nil
        }
        guard isValid else {
            throw ToolExit.usage("Please provide valid host:port like host1:9091,host2:9092\n ")
        }
    }

    /// The partitions to compare and where to begin; nil if there are none.
    private static func prepare(
        _ filter: TopicFilter, _ time: Int64, _ admin: AdminClient
    ) async throws -> ReplicaComparison? {
        let topics = try await admin.metadata(topics: nil, call: "listTopics").topics.values
            .filter { filter.allows($0.name) }
        var replicas: [TopicPartition: [BrokerID]] = [:]
        for topic in topics {
            for partition in topic.partitions {
                replicas[TopicPartition(topic.name, partition.index)] = partition.replicas
            }
        }
        guard !replicas.isEmpty else { return nil }
        let start: OffsetSpecification =
            switch time {
            case -1: .latest
            case -2: .earliest
            default: .timestamp(time)
            }
        var offsets: [TopicPartition: Offset] = [:]
        for (partition, result) in try await admin.listOffsets(replicas.mapValues { _ in start }) {
            offsets[partition] = try result.get().offset
        }
        // No record is that young: from the end.
        let young = offsets.filter { $0.value < 0 }
        if !young.isEmpty {
            for (partition, result) in try await admin.listOffsets(young.mapValues { _ in .latest }) {
                offsets[partition] = try result.get().offset
            }
        }
        return ReplicaComparison(replicas: replicas, from: offsets)
    }

    /// Round after round, until offsets part or somebody ends the process.
    private static func verify(
        _ comparison: ReplicaComparison, _ limits: Limits, _ admin: AdminClient, _ console: Console
    ) async throws -> Int32 {
        var comparison = comparison
        var lastReport = ContinuousClock.now
        while !Task.isCancelled {
            let findings = comparison.compare(try await fetch(comparison, limits, admin))
            for finding in findings { report("\(finding)", console) }
            if findings.contains(where: \.isFatal) { return 1 }
            let now = ContinuousClock.now
            if now - lastReport > limits.reportInterval, let lag = comparison.largestLag {
                report(
                    "max lag is \(lag.lag) for partition \(lag.partition) at offset \(lag.offset) among \(comparison.replicas.count) partitions",
                    console)
                lastReport = now
            }
        }
        return 0
    }

    /// One fetch from each broker, at the same time. A broker that does not answer has nothing this time.
    private static func fetch(
        _ comparison: ReplicaComparison, _ limits: Limits, _ admin: AdminClient
    ) async throws -> [TopicPartition: [BrokerID: ReplicaComparison.Fetched]] {
        var partitions: [BrokerID: [TopicPartition]] = [:]
        for (partition, brokers) in comparison.replicas {
            for broker in brokers { partitions[broker, default: []].append(partition) }
        }
        typealias Answer = (BrokerID, [TopicPartition: ReplicaComparison.Fetched]?)
        return try await withThrowingTaskGroup(of: Answer.self) { group in
            for (broker, partitions) in partitions {
                let request = request(partitions, comparison.offsets, limits)
                group.addTask { (broker, try await fetch(request, from: broker, limits, admin)) }
            }
            var fetched: [TopicPartition: [BrokerID: ReplicaComparison.Fetched]] = [:]
            var isAnyoneAway = false
            for try await (broker, answer) in group {
                isAnyoneAway = isAnyoneAway || answer == nil
                for (partition, found) in answer ?? [:] { fetched[partition, default: [:]][broker] = found }
            }
            // A round with somebody away may take no time at all.
            if isAnyoneAway { try await Task.sleep(for: .milliseconds(Int64(limits.maxWait))) }
            return fetched
        }
    }

    private static func request(
        _ partitions: [TopicPartition], _ offsets: [TopicPartition: Offset], _ limits: Limits
    ) -> FetchRequest {
        var request = FetchRequest()
        request.replicaID = debuggingConsumer
        request.maxWaitMs = limits.maxWait
        request.minBytes = 1
        request.topics = Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }.map { topic, names in
            .init(
                topic: topic,
                partitions: names.sorted().map {
                    .init(partition: $0.partition, fetchOffset: offsets[$0] ?? 0, partitionMaxBytes: limits.fetchSize)
                })
        }
        return request
    }

    /// Nil if the broker does not answer.
    private static func fetch(
        _ request: FetchRequest, from broker: BrokerID, _ limits: Limits, _ admin: AdminClient
    ) async throws -> [TopicPartition: ReplicaComparison.Fetched]? {
        let response: FetchResponse
        do {
            // The last version that names topics.
            response = try await admin.cluster.link(to: broker)
                .send(request, latest: 12, timeout: .milliseconds(Int64(limits.maxWait)) + .seconds(30))
        } catch let error as KafkaError where error.isRetriable {
            return nil
        }
        guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
        var fetched: [TopicPartition: ReplicaComparison.Fetched] = [:]
        for topic in response.responses {
            for partition in topic.partitions where partition.errorCode.isNone {
                var found = ReplicaComparison.Fetched(highWatermark: partition.highWatermark)
                if case .bytes(let bytes)? = partition.records { found.batches = try RecordBatches(bytes).all() }
                fetched[TopicPartition(topic.topic, partition.partitionIndex)] = found
            }
        }
        return fetched
    }

    private static func report(_ message: String, _ console: Console) {
        console.print("\(TimeFormat.log(WallClock.now())): \(message)")
        console.flush()
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "broker-list", value: "hostname:port,...,hostname:port",
            summary: "REQUIRED: The list of hostname and port of the server to connect to.")
        grammar.option(
            "fetch-size", .integer, value: "bytes", default: "1048576", summary: "The fetch size of each request.")
        grammar.option(
            "max-wait-ms", .integer, value: "ms", default: "1000",
            summary: "The max amount of time each fetch request waits.")
        grammar.option(
            "topic-white-list", value: "Java regex (String)", default: ".*",
            summary:
                "DEPRECATED use --topics-include instead; ignored if --topics-include specified. List of topics to verify replica consistency."
        )
        grammar.option(
            "topics-include", value: "Java regex (String)", default: ".*",
            summary: "List of topics to verify replica consistency.")
        grammar.option(
            "time", .long, value: "timestamp/-1(latest)/-2(earliest)", default: "-1",
            summary: "Timestamp for getting the initial offsets.")
        grammar.option(
            "report-interval-ms", .long, value: "ms", default: "30000", summary: "The reporting interval.")
        return grammar
    }()
}
