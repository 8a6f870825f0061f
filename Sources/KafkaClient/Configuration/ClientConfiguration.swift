// SPDX-License-Identifier: Apache-2.0

/// The settings of a producer, consumer or admin client, by the names that Apache's Java client gives them.
///
/// ```swift
/// var configuration = ClientConfiguration(bootstrapServers: "127.0.0.1:9092")
/// try configuration.set("compression.type", "lz4")
/// ```
///
/// Names of Java classes (serializers, partitioners, interceptors) and of settings that only a JVM has are accepted and
/// have no effect; a name that no Kafka client knows is kept in ``unknownProperties``.
public struct ClientConfiguration: Sendable {
    /// What a producer waits for before a send counts as done.
    public enum Acknowledgements: Int16, Sendable {
        /// Nothing: a record may be lost without notice.
        case none = 0
        /// The leader has it.
        case leader = 1
        /// All replicas that are in sync have it.
        case all = -1
    }

    /// How batches are compressed.
    public enum Compression: String, Sendable, CaseIterable {
        case none, gzip, snappy, lz4, zstd
    }

    /// Where a consumer starts without a committed offset.
    public enum OffsetReset: String, Sendable {
        case earliest, latest, none
    }

    /// Whether a consumer sees records of transactions that are open or were aborted.
    public enum IsolationLevel: String, Sendable {
        case readUncommitted = "read_uncommitted"
        case readCommitted = "read_committed"
    }

    /// How a group spreads partitions over its members.
    public enum Assignor: String, Sendable, CaseIterable {
        case range
        case roundRobin = "roundrobin"
        case sticky
        case cooperativeSticky = "cooperative-sticky"
    }

    // MARK: All clients

    /// `bootstrap.servers`: `host:port`, to find the cluster by.
    public var bootstrapServers: [String] = []
    /// `client.id`: how the brokers' logs and quotas know this client.
    public var clientID = ""
    /// `request.timeout.ms`
    public var requestTimeout: Duration = .seconds(30)
    /// `send.buffer.bytes`; nil (−1) leaves it to the kernel.
    public var sendBufferBytes: Int?
    /// `receive.buffer.bytes`; nil (−1) leaves it to the kernel.
    public var receiveBufferBytes: Int?
    /// `default.api.timeout.ms`
    public var apiTimeout: Duration = .seconds(60)
    /// `retries`
    public var retries = Int(Int32.max)
    /// `retry.backoff.ms`
    public var retryBackoff: Duration = .milliseconds(100)
    /// `retry.backoff.max.ms`
    public var retryBackoffMaximum: Duration = .seconds(1)
    /// `metadata.max.age.ms`
    public var metadataMaxAge: Duration = .seconds(300)
    /// `connections.max.idle.ms`
    public var connectionsMaxIdle: Duration = .seconds(540)
    /// `socket.connection.setup.timeout.ms`
    public var connectionTimeout: Duration = .seconds(10)
    /// `security.protocol`
    public var securityProtocol = "PLAINTEXT"
    /// `client.rack`
    public var clientRack = ""

    // MARK: Producer

    /// `acks`
    public var acks = Acknowledgements.all
    /// `linger.ms`
    public var linger: Duration = .zero
    /// `batch.size`, in bytes
    public var batchSize = 16384
    /// `compression.type`
    public var compression = Compression.none
    /// `compression.gzip.level`, `compression.lz4.level` or `compression.zstd.level`, whichever goes with
    /// ``compression``; nil for the codec's own default.
    public var compressionLevel: Int? {
        compressionLevels[compression]
    }
    private var compressionLevels: [Compression: Int] = [:]
    /// `delivery.timeout.ms`
    public var deliveryTimeout: Duration = .seconds(120)
    /// `max.in.flight.requests.per.connection`
    public var maxInFlightRequests = 5
    /// `enable.idempotence`
    public var idempotence: Bool {
        get { explicitIdempotence ?? (acks == .all && retries > 0 && maxInFlightRequests <= 5) }
        set { explicitIdempotence = newValue }
    }
    private var explicitIdempotence: Bool?
    /// `max.request.size`, in bytes
    public var maxRequestSize = 1_048_576
    /// `buffer.memory`, in bytes
    public var bufferMemory = 33_554_432
    /// `max.block.ms`
    public var maxBlock: Duration = .seconds(60)
    /// `transactional.id`
    public var transactionalID: String?
    /// `transaction.timeout.ms`
    public var transactionTimeout: Duration = .seconds(60)
    /// `partitioner.ignore.keys`
    public var partitionerIgnoresKeys = false

    // MARK: Consumer

    /// `group.id`
    public var groupID: String?
    /// `group.instance.id`
    public var groupInstanceID: String?
    /// `fetch.min.bytes`
    public var fetchMinBytes = 1
    /// `fetch.max.bytes`
    public var fetchMaxBytes = 52_428_800
    /// `fetch.max.wait.ms`
    public var fetchMaxWait: Duration = .milliseconds(500)
    /// `max.partition.fetch.bytes`
    public var maxPartitionFetchBytes = 1_048_576
    /// `max.poll.records`
    public var maxPollRecords = 500
    /// `max.poll.interval.ms`
    public var maxPollInterval: Duration = .seconds(300)
    /// `auto.offset.reset`
    public var offsetReset = OffsetReset.latest
    /// `enable.auto.commit`
    public var autoCommit = true
    /// `auto.commit.interval.ms`
    public var autoCommitInterval: Duration = .seconds(5)
    /// `isolation.level`
    public var isolationLevel = IsolationLevel.readUncommitted
    /// `session.timeout.ms`
    public var sessionTimeout: Duration = .seconds(45)
    /// `heartbeat.interval.ms`
    public var heartbeatInterval: Duration = .seconds(3)
    /// `partition.assignment.strategy`, most wanted first
    public var assignors: [Assignor] = [.range, .cooperativeSticky]
    /// `check.crcs`
    public var checksCRCs = true
    /// `allow.auto.create.topics`
    public var allowsAutoCreation = true
    /// `exclude.internal.topics`: whether a pattern never matches Kafka's own topics
    public var excludesInternalTopics = true

    /// Properties that no Kafka client knows, as they were given.
    public private(set) var unknownProperties: [String: String] = [:]

    /// The defaults of Apache's Java client.
    public init() {}

    /// The defaults, and where to find the cluster: `host:port` pairs, separated by commas.
    public init(bootstrapServers: String) {
        self.bootstrapServers = Self.list(bootstrapServers)
    }

    /// The defaults, changed by the given properties. Throws ``KafkaError`` for a value that is not allowed.
    public init(properties: [String: String]) throws {
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) { try set(name, value) }
    }

    /// Changes the settings that a properties file's text names.
    public mutating func load(propertiesText: String) throws {
        for (name, value) in Properties.parse(propertiesText).sorted(by: { $0.key < $1.key }) { try set(name, value) }
    }

    static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
            .filter { !$0.isEmpty }
    }
}

extension ClientConfiguration {
    /// Changes one setting, by its Java name. Throws ``KafkaError`` for a value that is not allowed.
    public mutating func set(_ name: String, _ value: String) throws {
        if try setCommon(name, value) || setProducer(name, value) || setConsumer(name, value) { return }
        if !Self.ignored.contains(where: { name.hasPrefix($0) }) { unknownProperties[name] = value }
    }

    private mutating func setCommon(_ name: String, _ value: String) throws -> Bool {
        switch name {
        case "bootstrap.servers": bootstrapServers = Self.list(value)
        case "client.id": clientID = value
        case "request.timeout.ms": requestTimeout = try milliseconds(name, value)
        case "send.buffer.bytes": sendBufferBytes = try bufferSize(name, value)
        case "receive.buffer.bytes": receiveBufferBytes = try bufferSize(name, value)
        case "default.api.timeout.ms": apiTimeout = try milliseconds(name, value)
        case "retries": retries = try number(name, value, 0...Int(Int32.max))
        case "retry.backoff.ms": retryBackoff = try milliseconds(name, value)
        case "retry.backoff.max.ms": retryBackoffMaximum = try milliseconds(name, value)
        case "metadata.max.age.ms": metadataMaxAge = try milliseconds(name, value)
        case "connections.max.idle.ms": connectionsMaxIdle = try milliseconds(name, value, from: -1)
        case "socket.connection.setup.timeout.ms": connectionTimeout = try milliseconds(name, value)
        case "security.protocol":
            securityProtocol = try oneOf(
                name, value, ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
        case "client.rack": clientRack = value
        default: return false
        }
        return true
    }

    private func bufferSize(_ name: String, _ value: String) throws -> Int? {
        let size = try number(name, value, -1...Int(Int32.max))
        return size < 0 ? nil : size
    }

    private mutating func setProducer(_ name: String, _ value: String) throws -> Bool {
        switch name {
        case "acks":
            switch value {
            case "all", "-1": acks = .all
            case "0": acks = .none
            case "1": acks = .leader
            default: throw invalid(name, value, "String must be one of: all, -1, 0, 1")
            }
        case "linger.ms": linger = try milliseconds(name, value)
        case "batch.size": batchSize = try number(name, value, 0...Int(Int32.max))
        case "compression.type":
            guard let codec = Compression(rawValue: value) else {
                throw invalid(name, value, "String must be one of: none, gzip, snappy, lz4, zstd")
            }
            compression = codec
        case "compression.gzip.level": compressionLevels[.gzip] = try number(name, value, -1...9)
        case "compression.lz4.level": compressionLevels[.lz4] = try number(name, value, 1...17)
        case "compression.zstd.level": compressionLevels[.zstd] = try number(name, value, -131072...22)
        case "delivery.timeout.ms": deliveryTimeout = try milliseconds(name, value)
        case "max.in.flight.requests.per.connection":
            maxInFlightRequests = try number(name, value, 1...Int(Int32.max))
        case "enable.idempotence": idempotence = try boolean(name, value)
        case "max.request.size": maxRequestSize = try number(name, value, 0...Int(Int32.max))
        case "buffer.memory": bufferMemory = try number(name, value, 0...Int.max)
        case "max.block.ms": maxBlock = try milliseconds(name, value)
        case "transactional.id": transactionalID = value
        case "transaction.timeout.ms": transactionTimeout = try milliseconds(name, value)
        case "partitioner.ignore.keys": partitionerIgnoresKeys = try boolean(name, value)
        default: return false
        }
        return true
    }

    private mutating func setConsumer(_ name: String, _ value: String) throws -> Bool {
        switch name {
        case "group.id": groupID = value
        case "group.instance.id": groupInstanceID = value
        case "fetch.min.bytes": fetchMinBytes = try number(name, value, 0...Int(Int32.max))
        case "fetch.max.bytes": fetchMaxBytes = try number(name, value, 0...Int(Int32.max))
        case "fetch.max.wait.ms": fetchMaxWait = try milliseconds(name, value)
        case "max.partition.fetch.bytes": maxPartitionFetchBytes = try number(name, value, 0...Int(Int32.max))
        case "max.poll.records": maxPollRecords = try number(name, value, 1...Int(Int32.max))
        case "max.poll.interval.ms": maxPollInterval = try milliseconds(name, value, from: 1)
        case "auto.offset.reset":
            guard let reset = OffsetReset(rawValue: value.lowercased()) else {
                throw invalid(name, value, "String must be one of: latest, earliest, none")
            }
            offsetReset = reset
        case "enable.auto.commit": autoCommit = try boolean(name, value)
        case "auto.commit.interval.ms": autoCommitInterval = try milliseconds(name, value)
        case "isolation.level":
            guard let level = IsolationLevel(rawValue: value.lowercased()) else {
                throw invalid(name, value, "String must be one of: read_committed, read_uncommitted")
            }
            isolationLevel = level
        case "session.timeout.ms": sessionTimeout = try milliseconds(name, value)
        case "heartbeat.interval.ms": heartbeatInterval = try milliseconds(name, value)
        case "partition.assignment.strategy": assignors = try Self.list(value).map { try assignor(name, $0) }
        case "check.crcs": checksCRCs = try boolean(name, value)
        case "allow.auto.create.topics": allowsAutoCreation = try boolean(name, value)
        case "exclude.internal.topics": excludesInternalTopics = try boolean(name, value)
        default: return false
        }
        return true
    }

    /// Known to Java clients, without a meaning here.
    private static let ignored = [
        "key.serializer", "value.serializer", "key.deserializer", "value.deserializer", "interceptor.classes",
        "metric.reporters", "metrics.", "auto.include.jmx.reporter", "partitioner.class", "partitioner.adaptive",
        "partitioner.availability", "client.dns.lookup", "reconnect.backoff", "socket.connection.setup.timeout.max.ms",
        "enable.metrics.push", "security.providers",
        "metadata.max.idle.ms", "metadata.recovery.strategy", "group.protocol", "group.remote.assignor", "print.",
        "key.separator", "internal.", "default.", "ssl.", "sasl.", "auto.commit.", "config.providers",
        "throw.on.fetch.stable.offset.unsupported",
    ]

    // MARK: Values

    private func number(_ name: String, _ value: String, _ range: ClosedRange<Int>) throws -> Int {
        guard let number = Int(value) else { throw invalid(name, value, "Not a number of type INT") }
        guard number >= range.lowerBound else {
            throw invalid(name, value, "Value must be at least \(range.lowerBound)")
        }
        guard number <= range.upperBound else {
            throw invalid(name, value, "Value must be no more than \(range.upperBound)")
        }
        return number
    }

    private func milliseconds(_ name: String, _ value: String, from least: Int = 0) throws -> Duration {
        .milliseconds(try number(name, value, least...(Int.max / 1_000_000)))
    }

    private func boolean(_ name: String, _ value: String) throws -> Bool {
        switch value.lowercased() {
        case "true": return true
        case "false": return false
        default: throw invalid(name, value, "Expected value to be either true or false")
        }
    }

    private func oneOf(_ name: String, _ value: String, _ allowed: [String]) throws -> String {
        guard allowed.contains(value) else {
            throw invalid(name, value, "String must be one of: \(allowed.joined(separator: ", "))")
        }
        return value
    }

    /// An assignor by its protocol name or by its Java class.
    private func assignor(_ name: String, _ value: String) throws -> Assignor {
        switch value.split(separator: ".").last.map(String.init) ?? "" {
        case "range", "RangeAssignor": return .range
        case "roundrobin", "RoundRobinAssignor": return .roundRobin
        case "sticky", "StickyAssignor": return .sticky
        case "cooperative-sticky", "CooperativeStickyAssignor": return .cooperativeSticky
        default: throw invalid(name, value, "Class \(value) could not be found.")
        }
    }

    private func invalid(_ name: String, _ value: String, _ reason: String) -> KafkaError {
        KafkaError(.configuration, "Invalid value \(value) for configuration \(name): \(reason)")
    }
}

extension Duration {
    /// Whole milliseconds, as timeouts stand in requests; at most what an int32 holds.
    var milliseconds32: Int32 { Int32(clamping: milliseconds) }

    /// Whole milliseconds.
    var milliseconds: Int64 {
        let parts = components
        return parts.seconds &* 1000 &+ parts.attoseconds / 1_000_000_000_000_000
    }
}
