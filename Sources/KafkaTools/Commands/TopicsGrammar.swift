// SPDX-License-Identifier: Apache-2.0

extension TopicsCommand {
    /// The options of `kafka-topics`.
    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "bootstrap-server", value: "server to connect to",
            summary: "REQUIRED: The Kafka server to connect to.")
        grammar.option(
            "command-config", value: "command config property file",
            summary:
                "Property file containing configs to be passed to Admin Client. This is used only with --bootstrap-server option for describing and altering broker configs."
        )
        grammar.flag("list", "List all available topics.")
        grammar.flag("create", "Create a new topic.")
        grammar.flag("delete", "Delete a topic")
        grammar.flag(
            "alter",
            "Alter the number of partitions and replica assignment. Update the configuration of an existing topic via --alter is no longer supported here (the kafka-configs CLI supports altering topic configs with a --bootstrap-server option)."
        )
        grammar.flag("describe", "List details for the given topics.")
        grammar.option(
            "topic", value: "topic",
            summary:
                "The topic to create, alter, describe or delete. It also accepts a regular expression, except for --create option. Put topic name in double quotes and use the '\\' prefix to escape regular expression symbols; e.g. \"test\\.topic\"."
        )
        grammar.option(
            "topic-id", value: "topic-id",
            summary: "The topic-id to describe.This is used only with --bootstrap-server option for describing topics.")
        grammar.option(
            "config", value: "name=value",
            summary:
                "A topic configuration override for the topic being created. The following is a list of valid configurations:\n"
                + topicSettings.map { "\t\($0)\n" }.joined()
                + "See the Kafka documentation for full details on the topic configs. It is supported only in combination with --create if --bootstrap-server option is used (the kafka-configs CLI supports altering topic configs with a --bootstrap-server option)."
        )
        grammar.option(
            "delete-config", value: "name",
            summary:
                "A topic configuration override to be removed for an existing topic (see the list of configurations under the --config option). Not supported with the --bootstrap-server option."
        )
        grammar.option(
            "partitions", .integer, value: "# of partitions",
            summary:
                "The number of partitions for the topic being created or altered (WARNING: If partitions are increased for a topic that has a key, the partition logic or ordering of the messages will be affected). If not supplied for create, defaults to the cluster default."
        )
        grammar.option(
            "replication-factor", .integer, value: "replication factor",
            summary:
                "The replication factor for each partition in the topic being created. If not supplied, defaults to the cluster default."
        )
        grammar.option(
            "replica-assignment",
            value:
                "broker_id_for_part1_replica1 : broker_id_for_part1_replica2 , broker_id_for_part2_replica1 : broker_id_for_part2_replica2 , ...",
            summary: "A list of manual partition-to-broker assignments for the topic being created or altered.")
        grammar.flag(
            "under-replicated-partitions", "if set when describing topics, only show under replicated partitions")
        grammar.flag(
            "unavailable-partitions",
            "if set when describing topics, only show partitions whose leader is not available")
        grammar.flag(
            "under-min-isr-partitions",
            "if set when describing topics, only show partitions whose isr count is less than the configured minimum.")
        grammar.flag(
            "at-min-isr-partitions",
            "if set when describing topics, only show partitions whose isr count is equal to the configured minimum.")
        grammar.flag(
            "topics-with-overrides",
            "if set when describing topics, only show topics that have overridden configs")
        grammar.flag(
            "if-exists",
            "if set when altering or deleting or describing topics, the action will only execute if the topic exists.")
        grammar.flag(
            "if-not-exists",
            "if set when creating topics, the action will only execute if the topic does not already exist.")
        grammar.flag(
            "exclude-internal",
            "exclude internal topics when running list or describe command. The internal topics will be listed by default"
        )
        grammar.option(
            "partition-size-limit-per-response", .integer, value: "maximum number of partitions in one response.",
            summary: "the maximum partition size to be included in one DescribeTopicPartitions response.")
        return grammar
    }()

    private static let topicSettings = [
        "cleanup.policy", "compression.gzip.level", "compression.lz4.level", "compression.type",
        "compression.zstd.level", "delete.retention.ms", "file.delete.delay.ms", "flush.messages", "flush.ms",
        "follower.replication.throttled.replicas", "index.interval.bytes", "leader.replication.throttled.replicas",
        "local.retention.bytes", "local.retention.ms", "max.compaction.lag.ms", "max.message.bytes",
        "message.downconversion.enable", "message.format.version", "message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms", "message.timestamp.difference.max.ms", "message.timestamp.type",
        "min.cleanable.dirty.ratio", "min.compaction.lag.ms", "min.insync.replicas", "preallocate",
        "remote.log.copy.disable", "remote.log.delete.on.disable", "remote.storage.enable", "retention.bytes",
        "retention.ms", "segment.bytes", "segment.index.bytes", "segment.jitter.ms", "segment.ms",
        "unclean.leader.election.enable",
    ]
}
