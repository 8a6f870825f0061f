// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Transactions and idempotent producers.
    static let transactions: [Setting] = [
        Setting(
            "transaction.state.log.min.isr", .int, "2", .atLeast(1),
            documentation: "In-sync replicas that a write to `__transaction_state` needs."),
        Setting(
            "transaction.state.log.load.buffer.size", .int, "5242880", .atLeast(1),
            documentation: "Memory for reading transaction segments when a coordinator loads."),
        Setting(
            "transaction.state.log.replication.factor", .short, "3", .atLeast(1),
            documentation: "Replicas of `__transaction_state`; its creation waits until there are as many brokers."),
        Setting(
            "transaction.state.log.num.partitions", .int, "50", .atLeast(1),
            documentation: "Partitions of `__transaction_state`; not to be changed once it exists."),
        Setting(
            "transaction.state.log.segment.bytes", .int, "104857600", .atLeast(1),
            documentation: "Segment size of `__transaction_state`."),
        Setting(
            "transaction.partition.verification.enable", .boolean, "true", .any, .clusterWide,
            documentation:
                "Ask the coordinator, before a transactional write, whether its partition belongs to the transaction."),
        Setting(
            "producer.id.expiration.ms", .int, "86400000", .atLeast(1), .clusterWide,
            documentation: "How long an idle producer's sequence numbers are remembered."),
        Setting(
            "transactional.id.expiration.ms", .int, "604800000", .atLeast(1),
            documentation: "How long an idle transactional id is remembered."),
        Setting(
            "transaction.max.timeout.ms", .int, "900000", .atLeast(1),
            documentation: "The longest transaction timeout a producer may ask for."),
        Setting(
            "transaction.abort.timed.out.transaction.cleanup.interval.ms", .int, "10000", .atLeast(1),
            documentation: "How often transactions that timed out are aborted."),
        Setting(
            "transaction.remove.expired.transaction.cleanup.interval.ms", .int, "3600000", .atLeast(1),
            documentation: "How often expired transactional ids are removed."),
    ]
}
