// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Compaction.
    static let cleaner: [Setting] = [
        Setting(
            "log.cleaner.threads", .int, "1", .atLeast(0), .clusterWide,
            documentation: "Threads that compact logs."),
        Setting(
            "log.cleaner.io.max.bytes.per.second", .double, "1.7976931348623157E308", .any, .clusterWide,
            documentation: "The most bytes that all cleaner threads read and write per second."),
        Setting(
            "log.cleaner.dedupe.buffer.size", .long, "134217728", .any, .clusterWide,
            documentation: "Memory for the keys of a compaction, over all cleaner threads."),
        Setting(
            "log.cleaner.io.buffer.size", .int, "524288", .atLeast(0), .clusterWide,
            documentation: "Memory for reading and writing of a compaction, over all cleaner threads."),
        Setting(
            "log.cleaner.io.buffer.load.factor", .double, "0.9", .any, .clusterWide,
            documentation: "How full the memory for keys may become, from 0 to 1."),
        Setting(
            "log.cleaner.backoff.ms", .long, "15000", .atLeast(0), .clusterWide,
            documentation: "How long a cleaner thread sleeps when there is nothing to compact."),
        Setting(
            "log.cleaner.min.cleanable.ratio", .double, "0.5", .between(0, 1), .clusterWide,
            documentation: "The share of a log that must be new since its last compaction for the next one."),
        Setting(
            "log.cleaner.enable", .boolean, "true",
            documentation: "Run the cleaner; without it compacted topics, the offsets among them, grow for ever."),
        Setting(
            "log.cleaner.delete.retention.ms", .long, "86400000", .atLeast(0), .clusterWide,
            documentation: "How long a deletion marker outlives its compaction."),
        Setting(
            "log.cleaner.min.compaction.lag.ms", .long, "0", .atLeast(0), .clusterWide,
            documentation: "How long a record is safe from compaction."),
        Setting(
            "log.cleaner.max.compaction.lag.ms", .long, "9223372036854775807", .atLeast(1), .clusterWide,
            documentation: "After how long a record becomes due for compaction."),
    ]
}
