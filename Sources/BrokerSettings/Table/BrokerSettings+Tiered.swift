// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Tiered storage (KIP-405).
    static let tiered: [Setting] = [
        Setting(
            "remote.log.metadata.manager.listener.name", .string, nil, relevance: .tiered,
            documentation: "The listener that class connects to."),
        Setting(
            "remote.log.manager.thread.pool.size", .int, "10", relevance: .tiered,
            documentation: "Threads for the tasks of tiered storage."),
        Setting(
            "remote.log.manager.fetch.max.bytes.per.second", .long, "9223372036854775807", .atLeast(1), .clusterWide,
            relevance: .tiered,
            documentation: "The most bytes fetched from tiered storage per second."),
        Setting(
            "remote.log.manager.copy.quota.window.size.seconds", .int, "1", .atLeast(1), relevance: .tiered,
            documentation: "Length of such a sample."),
        Setting(
            "remote.log.metadata.custom.metadata.max.bytes", .int, "128", .atLeast(0), relevance: .tiered,
            documentation: "The most bytes of custom metadata per tiered segment."),
        Setting(
            "remote.log.storage.system.enable", .boolean, "false", relevance: .tiered,
            documentation: "Turn tiered storage on."),
        Setting(
            "remote.log.storage.manager.impl.prefix", .string, "rsm.config.", relevance: .tiered,
            documentation: "Prefix of settings handed to that class."),
        Setting(
            "remote.log.manager.copy.max.bytes.per.second", .long, "9223372036854775807", .atLeast(1), .clusterWide,
            relevance: .tiered,
            documentation: "The most bytes copied to tiered storage per second."),
        Setting(
            "remote.log.manager.fetch.quota.window.num", .int, "11", .atLeast(1), relevance: .tiered,
            documentation: "Samples over which fetching from tiered storage is measured."),
        Setting(
            "remote.fetch.max.wait.ms", .int, "500", .atLeast(1), .clusterWide, relevance: .tiered,
            documentation: "How long a fetch from tiered storage may wait."),
        Setting(
            "log.local.retention.ms", .long, "-2", .atLeast(-2), .clusterWide, relevance: .tiered,
            documentation:
                "How long records stay on local disk when tiered storage holds them; -2 for the retention itself."),
        Setting(
            "remote.log.reader.threads", .int, "10", .atLeast(1), relevance: .tiered,
            documentation: "Threads that read tiered storage."),
        Setting(
            "remote.log.manager.fetch.quota.window.size.seconds", .int, "1", .atLeast(1), relevance: .tiered,
            documentation: "Length of such a sample."),
        Setting(
            "remote.log.index.file.cache.total.size.bytes", .long, "1073741824", .atLeast(1), .clusterWide,
            relevance: .tiered,
            documentation: "Disk space for cached indexes of tiered segments."),
        Setting(
            "remote.log.manager.copier.thread.pool.size", .int, "-1", relevance: .tiered,
            documentation: "Threads that copy segments to tiered storage."),
        Setting(
            "remote.log.storage.manager.class.name", .string, nil, relevance: .tiered,
            documentation: "Java class of the tiered storage."),
        Setting(
            "remote.log.reader.max.pending.tasks", .int, "100", .atLeast(1), relevance: .tiered,
            documentation: "The most reads of tiered storage that wait."),
        Setting(
            "remote.log.storage.manager.class.path", .string, nil, relevance: .tiered,
            documentation: "Where that class is found."),
        Setting(
            "log.local.retention.bytes", .long, "-2", .atLeast(-2), .clusterWide, relevance: .tiered,
            documentation:
                "How many bytes stay on local disk when tiered storage holds them; -2 for the retention itself."),
        Setting(
            "remote.log.metadata.manager.impl.prefix", .string, "rlmm.config.", relevance: .tiered,
            documentation: "Prefix of settings handed to that class."),
        Setting(
            "remote.log.manager.copy.quota.window.num", .int, "11", .atLeast(1), relevance: .tiered,
            documentation: "Samples over which copying to tiered storage is measured."),
        Setting(
            "remote.log.manager.expiration.thread.pool.size", .int, "-1", relevance: .tiered,
            documentation: "Threads that expire tiered segments."),
        Setting(
            "remote.log.metadata.manager.class.name", .string,
            "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
            relevance: .tiered,
            documentation: "Java class that keeps the metadata of tiered storage."),
        Setting(
            "remote.log.manager.task.interval.ms", .long, "30000", .atLeast(1), relevance: .tiered,
            documentation: "How often the tasks of tiered storage run."),
        Setting(
            "remote.log.metadata.manager.class.path", .string, nil, relevance: .tiered,
            documentation: "Where that class is found."),
    ]
}
