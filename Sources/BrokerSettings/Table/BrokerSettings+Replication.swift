// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Leaders, followers, the controller.
    static let replication: [Setting] = [
        Setting(
            "controller.socket.timeout.ms", .int, "30000",
            documentation: "How long the controller waits for a broker's answer."),
        Setting(
            "default.replication.factor", .int, "1",
            documentation: "Replicas of topics that are created automatically or without a number."),
        Setting(
            "replica.lag.time.max.ms", .long, "30000",
            documentation: "A follower that has not caught up for this long leaves the in-sync set."),
        Setting(
            "replica.socket.timeout.ms", .int, "30000",
            documentation: "How long a follower waits for the answer to its Fetch."),
        Setting(
            "replica.socket.receive.buffer.bytes", .int, "65536",
            documentation: "Receive buffer of a follower's socket."),
        Setting(
            "replica.fetch.max.bytes", .int, "1048576", .atLeast(0),
            documentation: "The most bytes a follower asks for per partition; a single larger batch still arrives."),
        Setting(
            "replica.fetch.wait.max.ms", .int, "500",
            documentation: "How long a leader may hold a follower's Fetch while there is nothing new."),
        Setting(
            "replica.fetch.backoff.ms", .int, "1000", .atLeast(0),
            documentation: "The wait of a follower after a failed Fetch."),
        Setting(
            "replica.fetch.min.bytes", .int, "1",
            documentation: "The fewest bytes that answer a follower's Fetch before its wait is over."),
        Setting(
            "replica.fetch.response.max.bytes", .int, "10485760", .atLeast(0),
            documentation: "The most bytes a follower asks for in one Fetch."),
        Setting(
            "num.replica.fetchers", .int, "1", .any, .clusterWide,
            documentation:
                "Connections with which this broker follows each leading broker. A change takes effect with the next "
                + "start."),
        Setting(
            "replica.high.watermark.checkpoint.interval.ms", .long, "5000",
            documentation: "How often high watermarks are written to disk."),
        Setting(
            "fetch.purgatory.purge.interval.requests", .int, "1000", relevance: .java,
            documentation: "How many completed waiting fetches may linger in memory."),
        Setting(
            "producer.purgatory.purge.interval.requests", .int, "1000", relevance: .java,
            documentation: "How many completed waiting produces may linger in memory."),
        Setting(
            "delete.records.purgatory.purge.interval.requests", .int, "1", relevance: .java,
            documentation: "How many completed waiting record deletions may linger in memory."),
        Setting(
            "auto.leader.rebalance.enable", .boolean, "true",
            documentation: "Give leadership back to preferred replicas from time to time."),
        Setting(
            "leader.imbalance.per.broker.percentage", .int, "10",
            documentation: "The share of a broker's partitions led elsewhere from which leadership is given back."),
        Setting(
            "leader.imbalance.check.interval.seconds", .long, "300", .atLeast(1),
            documentation: "How often the controller looks for such imbalance."),
        Setting(
            "unclean.leader.election.enable", .boolean, "false", .any, .clusterWide,
            documentation:
                "Let a replica outside the in-sync set lead when no other is left, at the price of lost records."),
        Setting(
            "security.inter.broker.protocol", .string, "PLAINTEXT",
            .oneOf(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
            documentation:
                "The security protocol between brokers, when `inter.broker.listener.name` does not name a listener."),
        Setting(
            "inter.broker.protocol.version", .string, "3.9-IV0", .protocolVersion,
            documentation:
                "The version that brokers speak with each other, 0.11.0 at least; raise it after the last upgrade."),
        Setting(
            "inter.broker.listener.name", .string, nil,
            documentation: "The listener that brokers use among each other."),
        Setting(
            "replica.selector.class", .string, nil,
            documentation:
                "How a consumer's nearest replica is found: Kafka's RackAwareReplicaSelector, or the leader where unset."
        ),
    ]
}
