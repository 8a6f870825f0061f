// SPDX-License-Identifier: Apache-2.0

/// The settings of one topic: its own over the broker's.
package struct TopicConfiguration: Hashable, Sendable {
    package struct CleanupPolicy: OptionSet, Hashable, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }
        package static let delete = CleanupPolicy(rawValue: 1)
        package static let compact = CleanupPolicy(rawValue: 2)
    }

    /// In which codec batches are kept.
    package enum Compression: String, Hashable, Sendable {
        /// As the producer sent them.
        case producer
        case uncompressed
        case gzip
        case snappy
        case lz4
        case zstd
    }

    package enum TimestampType: String, Hashable, Sendable {
        case createTime = "CreateTime"
        case logAppendTime = "LogAppendTime"
    }

    /// The topic's own settings, as written.
    package let overrides: [String: String]

    /// Bytes.
    package let segmentBytes: Int
    package let segmentAge: Duration
    package let segmentJitter: Duration
    /// Bytes.
    package let indexBytes: Int
    /// Bytes between two entries of the offset index.
    package let indexIntervalBytes: Int
    /// Records; `Int64.max` for never.
    package let flushMessages: Int64
    package let flushInterval: Duration
    /// nil: for ever.
    package let retention: Duration?
    /// Bytes of one partition; nil for no bound.
    package let retentionBytes: Int64?
    /// Bytes of one batch after compression.
    package let maxMessageBytes: Int
    package let deleteRetention: Duration
    package let minCompactionLag: Duration
    package let maxCompactionLag: Duration
    package let fileDeleteDelay: Duration
    /// A share, 0 to 1.
    package let minCleanableRatio: Double
    package let cleanupPolicy: CleanupPolicy
    package let uncleanLeaderElection: Bool
    package let minInSyncReplicas: Int
    package let compression: Compression
    /// -1 for the codec's default.
    package let gzipLevel: Int
    package let lz4Level: Int
    package let zstdLevel: Int
    package let preallocates: Bool
    package let timestampType: TimestampType
    /// How far before the broker's clock a record's timestamp may lie; `Duration.milliseconds(Int64.max)` for any.
    package let timestampBeforeMax: Duration
    package let timestampAfterMax: Duration
    package let downConverts: Bool
    package let throttledLeaderReplicas: [String]
    package let throttledFollowerReplicas: [String]

    /// Each setting's value, by topic setting name, for DescribeConfigs.
    let values: [String: SettingValue]

    /// - Throws: `SettingsError` in Kafka's words for a name that does not exist or a value that is not allowed.
    init(overrides: [String: String], defaults: [String: SettingValue]) throws(SettingsError) {
        var values = defaults
        for name in overrides.keys.sorted() {
            guard let text = overrides[name] else { continue }
            guard let setting = TopicSettings.setting(named: name) else { throw .unknownTopicSetting(name) }
            values[name] = try setting.value(of: text)
        }
        self.overrides = overrides
        self.values = values

        func integer(_ name: String) -> Int64 {
            switch values[name] {
            case .int(let value): Int64(value)
            case .long(let value): value
            default: preconditionFailure("\(name) is not a number")
            }
        }
        func duration(_ name: String) -> Duration { .milliseconds(integer(name)) }
        func boolean(_ name: String) -> Bool { values[name] == .boolean(true) }
        func list(_ name: String) -> [String] {
            guard case .list(let value) = values[name] else { return [] }
            return value
        }
        func text(_ name: String) -> String { values[name]?.description ?? "" }

        segmentBytes = Int(integer("segment.bytes"))
        segmentAge = duration("segment.ms")
        segmentJitter = duration("segment.jitter.ms")
        indexBytes = Int(integer("segment.index.bytes"))
        indexIntervalBytes = Int(integer("index.interval.bytes"))
        flushMessages = integer("flush.messages")
        flushInterval = duration("flush.ms")
        let retentionMilliseconds = integer("retention.ms")
        retention = retentionMilliseconds < 0 ? nil : .milliseconds(retentionMilliseconds)
        let retentionSize = integer("retention.bytes")
        retentionBytes = retentionSize < 0 ? nil : retentionSize
        maxMessageBytes = Int(integer("max.message.bytes"))
        deleteRetention = duration("delete.retention.ms")
        minCompactionLag = duration("min.compaction.lag.ms")
        maxCompactionLag = duration("max.compaction.lag.ms")
        fileDeleteDelay = duration("file.delete.delay.ms")
        minCleanableRatio = Double(text("min.cleanable.dirty.ratio")) ?? 0.5
        var policy: CleanupPolicy = []
        for element in list("cleanup.policy") { policy.insert(element == "compact" ? .compact : .delete) }
        cleanupPolicy = policy
        uncleanLeaderElection = boolean("unclean.leader.election.enable")
        minInSyncReplicas = Int(integer("min.insync.replicas"))
        compression = Compression(rawValue: text("compression.type")) ?? .producer
        gzipLevel = Int(integer("compression.gzip.level"))
        lz4Level = Int(integer("compression.lz4.level"))
        zstdLevel = Int(integer("compression.zstd.level"))
        preallocates = boolean("preallocate")
        timestampType = TimestampType(rawValue: text("message.timestamp.type")) ?? .createTime
        // The older setting bounds both directions where the newer ones are left alone (KIP-937).
        let difference = integer("message.timestamp.difference.max.ms")
        func bound(_ name: String) -> Duration {
            let own = integer(name)
            return .milliseconds(own == .max ? difference : own)
        }
        timestampBeforeMax = bound("message.timestamp.before.max.ms")
        timestampAfterMax = bound("message.timestamp.after.max.ms")
        downConverts = boolean("message.downconversion.enable")
        throttledLeaderReplicas = list("leader.replication.throttled.replicas")
        throttledFollowerReplicas = list("follower.replication.throttled.replicas")

        if minCompactionLag > maxCompactionLag {
            throw .contradiction(
                """
                conflict topic config setting min.compaction.lag.ms (\(minCompactionLag.inMilliseconds)) > \
                max.compaction.lag.ms (\(maxCompactionLag.inMilliseconds))
                """)
        }
        if boolean("remote.storage.enable") {
            throw .unsupported(
                """
                Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log \
                storage.
                """
            )
        }
    }
}
