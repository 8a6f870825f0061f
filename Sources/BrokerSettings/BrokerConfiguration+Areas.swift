// SPDX-License-Identifier: Apache-2.0

// One type per area of the broker, so that a component is handed what concerns it and nothing else. All sizes are in
// bytes, all times are durations; nil means "no bound" or "never" where the file says -1.

extension BrokerConfiguration {
    package struct ZooKeeper: Hashable, Sendable {
        /// `host:port,…` with an optional chroot, as the C client reads it.
        package let connect: String
        package let sessionTimeout: Duration
        /// How long a start waits for the ensemble.
        package let connectionTimeout: Duration
        package let setsACLs: Bool
        /// What `zookeeper.max.in.flight.requests` says. Where it is left unset, which Kafka takes for 10, it is 1000: a
        /// takeover reads and writes each partition's state, and with servers a millisecond away 10,000 such requests
        /// take 4.4 s with 10 under way, 1.1 to 1.7 s with 100, and 0.7 s with 1000.
        package let maxInFlightRequests: Int

        init(_ values: SettingValues) throws(SettingsError) {
            guard let connect = values.string("zookeeper.connect"), !connect.isEmpty else {
                throw .contradiction(
                    "Missing required configuration `zookeeper.connect` which has no default value.")
            }
            self.connect = connect
            sessionTimeout = values.milliseconds("zookeeper.session.timeout.ms")
            connectionTimeout =
                values.optionalInteger("zookeeper.connection.timeout.ms").map { .milliseconds($0) } ?? sessionTimeout
            setsACLs = values.boolean("zookeeper.set.acl")
            let window = "zookeeper.max.in.flight.requests"
            maxInFlightRequests = values.isGiven(window) ? values.integer(window) : 1000
        }
    }

    package struct Cleaner: Hashable, Sendable {
        package let isEnabled: Bool
        package let threads: Int
        package let maxBytesPerSecond: Double
        package let dedupeBufferBytes: Int
        package let ioBufferBytes: Int
        package let dedupeLoadFactor: Double
        package let backoff: Duration

        init(_ values: SettingValues) {
            isEnabled = values.boolean("log.cleaner.enable")
            threads = values.integer("log.cleaner.threads")
            maxBytesPerSecond = values.double("log.cleaner.io.max.bytes.per.second")
            dedupeBufferBytes = values.integer("log.cleaner.dedupe.buffer.size")
            ioBufferBytes = values.integer("log.cleaner.io.buffer.size")
            dedupeLoadFactor = values.double("log.cleaner.io.buffer.load.factor")
            backoff = values.milliseconds("log.cleaner.backoff.ms")
        }
    }

    package struct Replication: Hashable, Sendable {
        package let lagTimeMax: Duration
        package let socketTimeout: Duration
        package let socketReceiveBufferBytes: Int
        package let fetchMaxBytes: Int
        package let fetchWaitMax: Duration
        package let fetchBackoff: Duration
        package let fetchMinBytes: Int
        package let fetchResponseMaxBytes: Int
        package let fetchersPerBroker: Int
        package let highWatermarkCheckpointInterval: Duration
        /// Kafka's rack-aware selector is asked for; otherwise consumers read from leaders.
        package let selectsReplicasByRack: Bool

        init(_ values: SettingValues) {
            lagTimeMax = values.milliseconds("replica.lag.time.max.ms")
            socketTimeout = values.milliseconds("replica.socket.timeout.ms")
            socketReceiveBufferBytes = values.integer("replica.socket.receive.buffer.bytes")
            fetchMaxBytes = values.integer("replica.fetch.max.bytes")
            fetchWaitMax = values.milliseconds("replica.fetch.wait.max.ms")
            fetchBackoff = values.milliseconds("replica.fetch.backoff.ms")
            fetchMinBytes = values.integer("replica.fetch.min.bytes")
            fetchResponseMaxBytes = values.integer("replica.fetch.response.max.bytes")
            fetchersPerBroker = values.integer("num.replica.fetchers")
            highWatermarkCheckpointInterval = values.milliseconds("replica.high.watermark.checkpoint.interval.ms")
            selectsReplicasByRack =
                values.string("replica.selector.class")?.hasSuffix("RackAwareReplicaSelector") ?? false
        }
    }

    /// What a broker does while it is the controller.
    package struct Controller: Hashable, Sendable {
        package let socketTimeout: Duration
        package let rebalancesLeaders: Bool
        /// Per cent of a broker's preferred partitions.
        package let imbalancePerBroker: Int
        package let imbalanceCheckInterval: Duration
        package let uncleanLeaderElection: Bool

        init(_ values: SettingValues) {
            socketTimeout = values.milliseconds("controller.socket.timeout.ms")
            rebalancesLeaders = values.boolean("auto.leader.rebalance.enable")
            imbalancePerBroker = values.integer("leader.imbalance.per.broker.percentage")
            imbalanceCheckInterval = values.seconds("leader.imbalance.check.interval.seconds")
            uncleanLeaderElection = values.boolean("unclean.leader.election.enable")
        }
    }

    package struct Fetch: Hashable, Sendable {
        package let maxBytes: Int
        package let sessionSlots: Int

        init(_ values: SettingValues) {
            maxBytes = values.integer("fetch.max.bytes")
            sessionSlots = values.integer("max.incremental.fetch.session.cache.slots")
        }
    }

    /// How topics come and go.
    package struct Topics: Hashable, Sendable {
        package let createsAutomatically: Bool
        package let allowsDeletion: Bool
        package let partitions: Int
        package let replicationFactor: Int

        init(_ values: SettingValues) {
            createsAutomatically = values.boolean("auto.create.topics.enable")
            allowsDeletion = values.boolean("delete.topic.enable")
            partitions = values.integer("num.partitions")
            replicationFactor = values.integer("default.replication.factor")
        }
    }

    package struct Groups: Hashable, Sendable {
        package let minSessionTimeout: Duration
        package let maxSessionTimeout: Duration
        package let initialRebalanceDelay: Duration
        package let maxSize: Int

        init(_ values: SettingValues) {
            minSessionTimeout = values.milliseconds("group.min.session.timeout.ms")
            maxSessionTimeout = values.milliseconds("group.max.session.timeout.ms")
            initialRebalanceDelay = values.milliseconds("group.initial.rebalance.delay.ms")
            maxSize = values.integer("group.max.size")
        }
    }

    /// Committed offsets and their topic.
    package struct Offsets: Hashable, Sendable {
        package let metadataMaxBytes: Int
        package let loadBufferBytes: Int
        package let topicReplicationFactor: Int
        package let topicPartitions: Int
        package let topicSegmentBytes: Int
        /// 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
        package let topicCompressionCodec: Int
        package let retention: Duration
        package let retentionCheckInterval: Duration
        package let commitTimeout: Duration
        package let commitRequiredAcks: Int

        init(_ values: SettingValues) {
            metadataMaxBytes = values.integer("offset.metadata.max.bytes")
            loadBufferBytes = values.integer("offsets.load.buffer.size")
            topicReplicationFactor = values.integer("offsets.topic.replication.factor")
            topicPartitions = values.integer("offsets.topic.num.partitions")
            topicSegmentBytes = values.integer("offsets.topic.segment.bytes")
            topicCompressionCodec = values.integer("offsets.topic.compression.codec")
            retention = .seconds(values.integer("offsets.retention.minutes") * 60)
            retentionCheckInterval = values.milliseconds("offsets.retention.check.interval.ms")
            commitTimeout = values.milliseconds("offsets.commit.timeout.ms")
            commitRequiredAcks = values.integer("offsets.commit.required.acks")
        }
    }

    package struct Transactions: Hashable, Sendable {
        package let topicMinInSyncReplicas: Int
        package let topicReplicationFactor: Int
        package let topicPartitions: Int
        package let topicSegmentBytes: Int
        package let loadBufferBytes: Int
        package let verifiesPartitions: Bool
        package let producerIDExpiration: Duration
        package let transactionalIDExpiration: Duration
        package let maxTimeout: Duration
        package let abortTimedOutInterval: Duration
        package let removeExpiredInterval: Duration

        init(_ values: SettingValues) {
            topicMinInSyncReplicas = values.integer("transaction.state.log.min.isr")
            topicReplicationFactor = values.integer("transaction.state.log.replication.factor")
            topicPartitions = values.integer("transaction.state.log.num.partitions")
            topicSegmentBytes = values.integer("transaction.state.log.segment.bytes")
            loadBufferBytes = values.integer("transaction.state.log.load.buffer.size")
            verifiesPartitions = values.boolean("transaction.partition.verification.enable")
            producerIDExpiration = values.milliseconds("producer.id.expiration.ms")
            transactionalIDExpiration = values.milliseconds("transactional.id.expiration.ms")
            maxTimeout = values.milliseconds("transaction.max.timeout.ms")
            abortTimedOutInterval =
                values.milliseconds("transaction.abort.timed.out.transaction.cleanup.interval.ms")
            removeExpiredInterval =
                values.milliseconds("transaction.remove.expired.transaction.cleanup.interval.ms")
        }
    }

    /// The windows over which rates are measured.
    package struct Quotas: Hashable, Sendable {
        package struct Window: Hashable, Sendable {
            package let samples: Int
            package let sampleLength: Duration

            package init(samples: Int, sampleLength: Duration) {
                self.samples = samples
                self.sampleLength = sampleLength
            }
        }

        package let clients: Window
        package let replication: Window
        package let alterLogDirectories: Window
        package let controller: Window
        /// `replica.alter.log.dirs.io.max.bytes.per.second`; `Int.max` unless set.
        package let moveBytesPerSecond: Int
        /// `leader.replication.throttled.rate`; `Int.max` unless set.
        package let leaderBytesPerSecond: Int
        /// `follower.replication.throttled.rate`; `Int.max` unless set.
        package let followerBytesPerSecond: Int

        init(_ values: SettingValues) {
            func window(_ prefix: String) -> Window {
                Window(
                    samples: values.integer("\(prefix)quota.window.num"),
                    sampleLength: values.seconds("\(prefix)quota.window.size.seconds"))
            }
            clients = window("")
            replication = window("replication.")
            alterLogDirectories = window("alter.log.dirs.replication.")
            controller = window("controller.")
            moveBytesPerSecond = values.optionalInteger("replica.alter.log.dirs.io.max.bytes.per.second") ?? .max
            leaderBytesPerSecond = values.optionalInteger("leader.replication.throttled.rate") ?? .max
            followerBytesPerSecond = values.optionalInteger("follower.replication.throttled.rate") ?? .max
        }
    }

    package struct ControlledShutdown: Hashable, Sendable {
        package let isEnabled: Bool
        package let maxRetries: Int
        package let retryBackoff: Duration

        init(_ values: SettingValues) {
            isEnabled = values.boolean("controlled.shutdown.enable")
            maxRetries = values.integer("controlled.shutdown.max.retries")
            retryBackoff = values.milliseconds("controlled.shutdown.retry.backoff.ms")
        }
    }
}
