// SPDX-License-Identifier: Apache-2.0

/// The settings of a topic (KIP-4), all of them dynamic.
package enum TopicSettings {
    /// Every topic setting, in Kafka's order.
    package static let table: [Setting] = [
        Setting(
            "segment.bytes", .int, "1073741824", .atLeast(14), .clusterWide,
            documentation: "The size at which a log rolls to a new segment file."),
        Setting(
            "segment.ms", .long, "604800000", .atLeast(1), .clusterWide,
            documentation: "The age at which a log rolls to a new segment file."),
        Setting(
            "segment.jitter.ms", .long, "0", .atLeast(0), .clusterWide,
            documentation: "The most taken off the rolling age at random."),
        Setting(
            "segment.index.bytes", .int, "10485760", .atLeast(4), .clusterWide,
            documentation: "The largest size of an index file."),
        Setting(
            "flush.messages", .long, "9223372036854775807", .atLeast(1), .clusterWide,
            documentation:
                "After how many records a partition is forced to disk; 1 means each is on disk before it is acknowledged."
        ),
        Setting(
            "flush.ms", .long, "9223372036854775807", .atLeast(0), .clusterWide,
            documentation: "The longest that a record waits to be forced to disk."),
        Setting(
            "retention.bytes", .long, "-1", .any, .clusterWide,
            documentation: "The size above which a partition's oldest segments are deleted; -1 for no bound."),
        Setting(
            "retention.ms", .long, "604800000", .atLeast(-1), .clusterWide,
            documentation: "How long records are kept; -1 for ever."),
        Setting(
            "max.message.bytes", .int, "1048588", .atLeast(0), .clusterWide,
            documentation: "The largest record batch accepted, after compression."),
        Setting(
            "index.interval.bytes", .int, "4096", .atLeast(0), .clusterWide,
            documentation: "How many bytes of batches lie between two entries of the offset index."),
        Setting(
            "delete.retention.ms", .long, "86400000", .atLeast(0), .clusterWide,
            documentation: "How long a deletion marker outlives its compaction."),
        Setting(
            "min.compaction.lag.ms", .long, "0", .atLeast(0), .clusterWide,
            documentation: "How long a record is safe from compaction."),
        Setting(
            "max.compaction.lag.ms", .long, "9223372036854775807", .atLeast(1), .clusterWide,
            documentation: "After how long a record becomes due for compaction."),
        Setting(
            "file.delete.delay.ms", .long, "60000", .atLeast(0), .clusterWide,
            documentation: "How long a deleted segment's files stay on disk."),
        Setting(
            "min.cleanable.dirty.ratio", .double, "0.5", .between(0, 1), .clusterWide,
            documentation: "The share of a log that must be new since its last compaction for the next one."),
        Setting(
            "cleanup.policy", .list, "delete", .eachOneOf(["compact", "delete"]), .clusterWide,
            documentation: "What becomes of old segments: `delete` them, `compact` them by key, or both."),
        Setting(
            "unclean.leader.election.enable", .boolean, "false", .any, .clusterWide,
            documentation:
                "Let a replica outside the in-sync set lead when no other is left, at the price of lost records."),
        Setting(
            "min.insync.replicas", .int, "1", .atLeast(1), .clusterWide,
            documentation: "How many replicas must be in sync for a produce with acks=all to be accepted."),
        Setting(
            "compression.type", .string, "producer",
            .oneOf(["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), .clusterWide,
            documentation: "The codec in which batches are kept: `producer` leaves them as they were sent."),
        Setting(
            "compression.gzip.level", .int, "-1", .gzipLevel, .clusterWide,
            documentation: "Level for batches that the broker compresses with gzip; -1 is the codec's own default."),
        Setting(
            "compression.lz4.level", .int, "9", .between(1, 17), .clusterWide,
            documentation: "Level for batches that the broker compresses with lz4."),
        Setting(
            "compression.zstd.level", .int, "3", .between(-131072, 22), .clusterWide,
            documentation: "Level for batches that the broker compresses with zstd."),
        Setting(
            "preallocate", .boolean, "false", .any, .clusterWide,
            documentation: "Reserve a segment's space when it is created."),
        Setting(
            "message.format.version", .string, "3.0-IV1", .protocolVersion, .clusterWide, deprecated: true,
            documentation: "The record format of protocol versions before 3.0; since then it has no effect."),
        Setting(
            "message.timestamp.type", .string, "CreateTime", .oneOf(["CreateTime", "LogAppendTime"]), .clusterWide,
            documentation:
                "Whether a record's timestamp is the producer's (CreateTime) or the broker's (LogAppendTime)."),
        Setting(
            "message.timestamp.difference.max.ms", .long, "9223372036854775807", .atLeast(0), .clusterWide,
            deprecated: true,
            documentation: "How far a record's timestamp may differ from the broker's clock."),
        Setting(
            "message.timestamp.before.max.ms", .long, "9223372036854775807", .atLeast(0), .clusterWide,
            documentation: "How far a record's timestamp may lie before the broker's clock."),
        Setting(
            "message.timestamp.after.max.ms", .long, "9223372036854775807", .atLeast(0), .clusterWide,
            documentation: "How far a record's timestamp may lie after the broker's clock."),
        Setting(
            "leader.replication.throttled.replicas", .list, "", .throttledReplicas, .clusterWide,
            documentation: "Replicas whose leaders are throttled, as `partition:broker,…`, or `*` for all."),
        Setting(
            "follower.replication.throttled.replicas", .list, "", .throttledReplicas, .clusterWide,
            documentation: "Replicas whose followers are throttled, as `partition:broker,…`, or `*` for all."),
        Setting(
            "message.downconversion.enable", .boolean, "true", .any, .clusterWide,
            documentation: "Convert records for consumers that know only older formats."),
        Setting(
            "remote.storage.enable", .boolean, "false", .any, .clusterWide, relevance: .tiered,
            documentation: "Keep this topic in tiered storage."),
        Setting(
            "local.retention.ms", .long, "-2", .atLeast(-2), .clusterWide, relevance: .tiered,
            documentation:
                "How long records stay on local disk when tiered storage holds them; -2 for the retention itself."),
        Setting(
            "local.retention.bytes", .long, "-2", .atLeast(-2), .clusterWide, relevance: .tiered,
            documentation:
                "How many bytes stay on local disk when tiered storage holds them; -2 for the retention itself."),
        Setting(
            "remote.log.copy.disable", .boolean, "false", .any, .clusterWide, relevance: .tiered,
            documentation: "Stop copying this topic to tiered storage."),
        Setting(
            "remote.log.delete.on.disable", .boolean, "false", .any, .clusterWide, relevance: .tiered,
            documentation: "Delete this topic's tiered segments when tiered storage is turned off for it."),
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })

    package static func setting(named name: String) -> Setting? { byName[name] }

    /// The broker setting that a topic setting takes its default from.
    package static func brokerSetting(for name: String) -> String? { brokerNames[name] }

    private static let brokerNames = [
        "segment.bytes": "log.segment.bytes",
        "segment.ms": "log.roll.ms",
        "segment.jitter.ms": "log.roll.jitter.ms",
        "segment.index.bytes": "log.index.size.max.bytes",
        "flush.messages": "log.flush.interval.messages",
        "flush.ms": "log.flush.interval.ms",
        "retention.bytes": "log.retention.bytes",
        "retention.ms": "log.retention.ms",
        "max.message.bytes": "message.max.bytes",
        "index.interval.bytes": "log.index.interval.bytes",
        "delete.retention.ms": "log.cleaner.delete.retention.ms",
        "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
        "max.compaction.lag.ms": "log.cleaner.max.compaction.lag.ms",
        "file.delete.delay.ms": "log.segment.delete.delay.ms",
        "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
        "cleanup.policy": "log.cleanup.policy",
        "unclean.leader.election.enable": "unclean.leader.election.enable",
        "min.insync.replicas": "min.insync.replicas",
        "compression.type": "compression.type",
        "compression.gzip.level": "compression.gzip.level",
        "compression.lz4.level": "compression.lz4.level",
        "compression.zstd.level": "compression.zstd.level",
        "preallocate": "log.preallocate",
        "message.format.version": "log.message.format.version",
        "message.timestamp.type": "log.message.timestamp.type",
        "message.timestamp.difference.max.ms": "log.message.timestamp.difference.max.ms",
        "message.timestamp.before.max.ms": "log.message.timestamp.before.max.ms",
        "message.timestamp.after.max.ms": "log.message.timestamp.after.max.ms",
        "message.downconversion.enable": "log.message.downconversion.enable",
        "local.retention.ms": "log.local.retention.ms",
        "local.retention.bytes": "log.local.retention.bytes",
    ]
}
