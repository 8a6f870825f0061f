// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// The broker itself.
    static let general: [Setting] = [
        Setting(
            "broker.id.generation.enable", .boolean, "true",
            documentation: "Let ZooKeeper number this broker when `broker.id` is -1."),
        Setting(
            "reserved.broker.max.id", .int, "1000", .atLeast(0),
            documentation: "The largest `broker.id` that may be given by hand; generated ones are larger."),
        Setting(
            "broker.id", .int, "-1",
            documentation:
                "The number of this broker in the cluster; -1 has one generated and kept in `meta.properties`."),
        Setting(
            "message.max.bytes", .int, "1048588", .atLeast(0), .clusterWide,
            documentation:
                "The largest record batch accepted, after compression; `max.message.bytes` sets it for one topic."),
        Setting(
            "num.io.threads", .int, "8", .atLeast(1), .clusterWide,
            documentation: "Threads that write to and read from the logs. A change takes effect with the next start."),
        Setting(
            "num.replica.alter.log.dirs.threads", .int, nil,
            documentation: "Threads that move replicas between log directories; one per directory where unset."),
        Setting(
            "background.threads", .int, "10", .atLeast(1), .clusterWide, relevance: .idle,
            documentation: "Threads for housekeeping tasks."),
        Setting(
            "request.timeout.ms", .int, "30000",
            documentation: "How long this broker waits for the answer to a request it sent."),
        Setting(
            "socket.connection.setup.timeout.ms", .long, "10000", relevance: .idle,
            documentation: "How long an outgoing connection may take to be established at first."),
        Setting(
            "socket.connection.setup.timeout.max.ms", .long, "30000", relevance: .idle,
            documentation:
                "The bound up to which the time for establishing an outgoing connection grows after failures."),
        Setting(
            "authorizer.class.name", .string, "",
            documentation:
                "Turns access control on: `kafka.security.authorizer.AclAuthorizer` for the ACLs kept in ZooKeeper."),
        Setting(
            "early.start.listeners", .string, nil,
            documentation: "Listeners that may serve before the authorizer is ready."),
        Setting(
            "broker.rack", .string, nil,
            documentation:
                "The rack or zone of this broker; replicas are spread over racks, and consumers may read in theirs."),
        Setting(
            "controlled.shutdown.max.retries", .int, "3",
            documentation:
                "How often a stopping broker asks the controller to take over its leaderships before it stops anyway."),
        Setting(
            "controlled.shutdown.retry.backoff.ms", .long, "5000",
            documentation: "The wait between such attempts."),
        Setting(
            "controlled.shutdown.enable", .boolean, "true",
            documentation: "Hand leaderships over before stopping."),
        Setting(
            "delete.topic.enable", .boolean, "true",
            documentation: "Allow topics to be deleted."),
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
            "max.incremental.fetch.session.cache.slots", .int, "1000", .atLeast(0),
            documentation: "How many fetch sessions are kept."),
        Setting(
            "fetch.max.bytes", .int, "57671680", .atLeast(1024),
            documentation: "The most bytes one Fetch answer carries, whatever the request allows."),
        Setting(
            "max.request.partition.size.limit", .int, "2000", .atLeast(1), relevance: .kraft,
            documentation: "The most partitions one DescribeTopicPartitions answer carries."),
    ]
}
