// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Consumer groups and their offsets.
    static let groups: [Setting] = [
        Setting(
            "group.min.session.timeout.ms", .int, "6000",
            documentation: "The shortest session timeout a group member may ask for."),
        Setting(
            "group.max.session.timeout.ms", .int, "1800000",
            documentation: "The longest session timeout a group member may ask for."),
        Setting(
            "group.initial.rebalance.delay.ms", .int, "3000",
            documentation: "How long an empty group waits for more members before its first rebalance."),
        Setting(
            "group.max.size", .int, "2147483647", .atLeast(1),
            documentation: "The most members of a group."),
        Setting(
            "group.coordinator.rebalance.protocols", .list, "classic", .eachOneOf(["classic", "consumer", "share"]),
            relevance: .idle,
            documentation: "The group protocols that are served."),
        Setting(
            "group.coordinator.threads", .int, "1", .atLeast(1), relevance: .idle,
            documentation: "Threads of the group coordinator."),
        Setting(
            "group.coordinator.append.linger.ms", .int, "10", .atLeast(0), relevance: .idle,
            documentation: "How long the coordinator gathers records before it writes them."),
        Setting(
            "offset.metadata.max.bytes", .int, "4096",
            documentation: "The longest metadata text that may accompany a committed offset."),
        Setting(
            "offsets.load.buffer.size", .int, "5242880", .atLeast(1),
            documentation: "Memory for reading offsets segments when a coordinator loads."),
        Setting(
            "offsets.topic.replication.factor", .short, "3", .atLeast(1),
            documentation: "Replicas of `__consumer_offsets`; its creation waits until there are as many brokers."),
        Setting(
            "offsets.topic.num.partitions", .int, "50", .atLeast(1),
            documentation: "Partitions of `__consumer_offsets`; not to be changed once it exists."),
        Setting(
            "offsets.topic.segment.bytes", .int, "104857600", .atLeast(1),
            documentation: "Segment size of `__consumer_offsets`."),
        Setting(
            "offsets.topic.compression.codec", .int, "0",
            documentation: "Codec of `__consumer_offsets`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
        Setting(
            "offsets.retention.minutes", .int, "10080", .atLeast(1),
            documentation: "How long committed offsets outlive their group's last member."),
        Setting(
            "offsets.retention.check.interval.ms", .long, "600000", .atLeast(1),
            documentation: "How often offsets are examined for expiry."),
        Setting(
            "offsets.commit.timeout.ms", .int, "5000", .atLeast(1),
            documentation: "How long an offset commit may wait for its replicas."),
        Setting(
            "offsets.commit.required.acks", .short, "-1", relevance: .idle,
            documentation: "Replicas that must hold an offset commit; -1 means all in sync and should stay."),
    ]
}
