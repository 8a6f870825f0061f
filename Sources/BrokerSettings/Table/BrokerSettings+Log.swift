// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Logs on disk, and the defaults of topics.
    static let log: [Setting] = [
        Setting(
            "num.partitions", .int, "1", .atLeast(1),
            documentation: "Partitions of topics that are created automatically or without a number."),
        Setting(
            "log.dir", .string, "/tmp/kafka-logs",
            documentation: "The log directory, where `log.dirs` is unset."),
        Setting(
            "log.dirs", .string, nil,
            documentation: "The directories that hold the partitions, separated by commas."),
        Setting(
            "log.segment.bytes", .int, "1073741824", .atLeast(14), .clusterWide,
            documentation: "The size at which a log rolls to a new segment file."),
        Setting(
            "log.roll.ms", .long, nil, .any, .clusterWide,
            documentation: "The age at which a log rolls to a new segment file; `log.roll.hours` where unset."),
        Setting(
            "log.roll.hours", .int, "168", .atLeast(1),
            documentation: "The age at which a log rolls to a new segment file, in hours."),
        Setting(
            "log.roll.jitter.ms", .long, nil, .any, .clusterWide,
            documentation:
                "The most taken off the rolling age at random, so that logs do not roll together; `log.roll.jitter.hours` where unset."
        ),
        Setting(
            "log.roll.jitter.hours", .int, "0", .atLeast(0),
            documentation: "The most taken off the rolling age at random, in hours."),
        Setting(
            "log.retention.ms", .long, nil, .any, .clusterWide,
            documentation: "How long records are kept, -1 for ever; `log.retention.minutes` where unset."),
        Setting(
            "log.retention.minutes", .int, nil,
            documentation: "How long records are kept, in minutes; `log.retention.hours` where unset."),
        Setting(
            "log.retention.hours", .int, "168",
            documentation: "How long records are kept, in hours."),
        Setting(
            "log.retention.bytes", .long, "-1", .any, .clusterWide,
            documentation: "The size above which a partition's oldest segments are deleted; -1 for no bound."),
        Setting(
            "log.retention.check.interval.ms", .long, "300000", .atLeast(1),
            documentation: "How often logs are examined for segments to delete."),
        Setting(
            "log.cleanup.policy", .list, "delete", .eachOneOf(["compact", "delete"]), .clusterWide,
            documentation: "What becomes of old segments: `delete` them, `compact` them by key, or both."),
        Setting(
            "log.index.size.max.bytes", .int, "10485760", .atLeast(4), .clusterWide,
            documentation: "The largest size of an index file."),
        Setting(
            "log.index.interval.bytes", .int, "4096", .atLeast(0), .clusterWide,
            documentation: "How many bytes of batches lie between two entries of the offset index."),
        Setting(
            "log.flush.interval.messages", .long, "9223372036854775807", .atLeast(1), .clusterWide,
            documentation: "After how many records a partition is forced to disk."),
        Setting(
            "log.segment.delete.delay.ms", .long, "60000", .atLeast(0), .clusterWide,
            documentation: "How long a deleted segment's files stay on disk."),
        Setting(
            "log.flush.scheduler.interval.ms", .long, "9223372036854775807",
            documentation: "How often logs are examined for a flush that is due."),
        Setting(
            "log.flush.interval.ms", .long, nil, .any, .clusterWide,
            documentation:
                "The longest that a record waits to be forced to disk; `log.flush.scheduler.interval.ms` where unset."),
        Setting(
            "log.flush.offset.checkpoint.interval.ms", .int, "60000", .atLeast(0),
            documentation: "How often the offsets up to which logs are on disk are written down."),
        Setting(
            "log.flush.start.offset.checkpoint.interval.ms", .int, "60000", .atLeast(0),
            documentation: "How often the first offsets of the logs are written down."),
        Setting(
            "log.preallocate", .boolean, "false", .any, .clusterWide,
            documentation: "Reserve a segment's space when it is created."),
        Setting(
            "num.recovery.threads.per.data.dir", .int, "1", .atLeast(1), .clusterWide,
            documentation: "Threads per log directory that recover logs at the start and flush them at the stop."),
        Setting(
            "auto.create.topics.enable", .boolean, "true",
            documentation: "Create a topic when a client first asks for it."),
        Setting(
            "min.insync.replicas", .int, "1", .atLeast(1), .clusterWide,
            documentation: "How many replicas must be in sync for a produce with acks=all to be accepted."),
        Setting(
            "log.message.format.version", .string, "3.0-IV1", .protocolVersion, deprecated: true,
            documentation: "The record format of protocol versions before 3.0; since then it has no effect."),
        Setting(
            "log.message.timestamp.type", .string, "CreateTime", .oneOf(["CreateTime", "LogAppendTime"]), .clusterWide,
            documentation:
                "Whether a record's timestamp is the producer's (CreateTime) or the broker's (LogAppendTime)."),
        Setting(
            "log.message.timestamp.difference.max.ms", .long, "9223372036854775807", .atLeast(0), .clusterWide,
            deprecated: true,
            documentation: "How far a record's timestamp may differ from the broker's clock."),
        Setting(
            "log.message.timestamp.before.max.ms", .long, "9223372036854775807", .atLeast(0), .clusterWide,
            documentation: "How far a record's timestamp may lie before the broker's clock."),
        Setting(
            "log.message.timestamp.after.max.ms", .long, "9223372036854775807", .atLeast(0), .clusterWide,
            documentation: "How far a record's timestamp may lie after the broker's clock."),
        Setting(
            "create.topic.policy.class.name", .class, nil, relevance: .java,
            documentation: "Java class that judges topics to be created."),
        Setting(
            "alter.config.policy.class.name", .class, nil, relevance: .java,
            documentation: "Java class that judges changes of configurations."),
        Setting(
            "log.message.downconversion.enable", .boolean, "true", .any, .clusterWide,
            documentation: "Convert records for consumers that know only older formats."),
        Setting(
            "log.dir.failure.timeout.ms", .long, "30000", .atLeast(1), relevance: .idle,
            documentation: "How long a broker with a failed directory may fail to report it before it stops."),
    ]
}
