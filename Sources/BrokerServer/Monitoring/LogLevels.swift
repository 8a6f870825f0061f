// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// The levels at which the broker's loggers speak. They change while it runs (KIP-412), and are as they were with the next
/// start.
///
/// Loggers have the names of Kafka's classes that say the like, so that what operators know how to turn up is there. A
/// logger without a level of its own has that of the nearest one above it: `kafka.log.LogCleaner`, `kafka`, `root`.
/// Thread-safe; a statement costs one atomic read.
package final class LogLevels: Sendable {
    /// The parts of a broker that have a logger.
    enum Area: String, CaseIterable, Sendable {
        case server = "kafka.server.KafkaServer"
        case network = "kafka.network.SocketServer"
        case logs = "kafka.log.LogManager"
        case cleaner = "kafka.log.LogCleaner"
        case replicas = "kafka.server.ReplicaManager"
        case fetchers = "kafka.server.ReplicaFetcherThread"
        case controller = "kafka.controller.KafkaController"
        case groups = "kafka.coordinator.group.GroupCoordinator"
        case transactions = "kafka.coordinator.transaction.TransactionCoordinator"
        case zooKeeper = "kafka.zookeeper.ZooKeeperClient"
        case monitoring = "kafka.metrics.KafkaMetricsReporter"
    }

    /// What one logger asks before each statement.
    package final class Threshold: Sendable {
        private let rank: Atomic<Int>

        fileprivate init(_ level: Logger.Level) { rank = Atomic(Self.rank(of: level)) }

        package var level: Logger.Level { Logger.Level.allCases[rank.load(ordering: .relaxed)] }

        fileprivate func set(_ level: Logger.Level) { rank.store(Self.rank(of: level), ordering: .relaxed) }

        private static func rank(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
    }

    static let root = "root"
    /// Kafka's names, as it sorts them.
    static let validLevels = ["DEBUG", "ERROR", "FATAL", "INFO", "TRACE", "WARN"]

    /// Those that were set, by name; the root's is always there.
    private let own: Mutex<[String: Logger.Level]>
    private let thresholds: [String: Threshold]

    /// - Parameter root: the level of all loggers at first.
    package init(root: Logger.Level) {
        own = Mutex([Self.root: root])
        let names = [Self.root, "kafka"] + Area.allCases.map(\.rawValue)
        thresholds = Dictionary(uniqueKeysWithValues: names.map { ($0, Threshold(root)) })
    }

    /// That of a logger; of one that is not known, the root's.
    package func threshold(_ name: String) -> Threshold {
        // The root is in the table since init.
        thresholds[name] ?? thresholds[Self.root] ?? Threshold(.info)
    }

    func exists(_ name: String) -> Bool { thresholds[name] != nil }

    /// All loggers with the levels at which they speak, by name.
    var all: [(name: String, level: String)] {
        thresholds.map { ($0.key, Self.name(of: $0.value.level)) }.sorted { $0.name < $1.name }
    }

    /// Gives a logger a level of its own, or with nil takes it away. False for what is no logger or no level.
    @discardableResult
    func set(_ name: String, to level: String?) -> Bool {
        let parsed = level.flatMap(Self.level)
        guard exists(name), (level == nil) == (parsed == nil), parsed != nil || name != Self.root else { return false }
        own.withLock { own in
            own[name] = parsed
            for (name, threshold) in thresholds { threshold.set(Self.effective(name, own)) }
        }
        return true
    }

    private static func effective(_ name: String, _ own: [String: Logger.Level]) -> Logger.Level {
        var name = Substring(name)
        while true {
            if let level = own[String(name)] { return level }
            guard let dot = name.lastIndex(of: ".") else { return own[root] ?? .info }
            name = name[..<dot]
        }
    }

    private static func level(_ name: String) -> Logger.Level? {
        switch name {
        case "TRACE": .trace
        case "DEBUG": .debug
        case "INFO": .info
        case "WARN": .warning
        case "ERROR": .error
        case "FATAL": .critical
        default: nil
        }
    }

    /// As log4j calls it.
    package static func name(of level: Logger.Level) -> String {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARN"
        case .error: "ERROR"
        case .critical: "FATAL"
        }
    }
}

extension Logger {
    /// The logger of a part of the same broker.
    func of(_ area: LogLevels.Area) -> Logger {
        var logger = Logger(label: area.rawValue)
        logger[metadataKey: "kafka.broker"] = self[metadataKey: "kafka.broker"]
        return logger
    }
}
