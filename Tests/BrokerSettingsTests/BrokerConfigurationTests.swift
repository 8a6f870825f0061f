// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BrokerSettings

private func parse(_ properties: [String: String], overrides: [String] = []) throws -> BrokerConfiguration {
    let minimal = ["zookeeper.connect": "localhost:2181"].merging(properties) { $1 }
    return try BrokerConfiguration.parse(properties: minimal, overrides: overrides).configuration
}

struct BrokerConfigurationTests {
    @Test func defaultsAreKafkas() throws {
        let configuration = try parse([:])
        #expect(configuration.brokerID == -1)
        #expect(configuration.zooKeeper.sessionTimeout == .seconds(18))
        #expect(configuration.zooKeeper.connectionTimeout == .seconds(18))
        #expect(configuration.network.listeners.map(\.connectionString) == ["PLAINTEXT://:9092"])
        #expect(configuration.network.advertised == configuration.network.listeners)
        #expect(configuration.network.interBrokerListener == "PLAINTEXT")
        #expect(configuration.network.queuedMaxRequestBytes == nil)
        #expect(configuration.logs.directories == ["/tmp/kafka-logs"])
        #expect(configuration.logs.retention == .seconds(168 * 3600))
        #expect(configuration.topicDefaults.retention == .seconds(168 * 3600))
        #expect(configuration.topicDefaults.flushMessages == .max)
        #expect(configuration.topicDefaults.flushInterval.inMilliseconds == .max)
        #expect(configuration.topicDefaults.maxMessageBytes == 1_048_588)
        #expect(configuration.offsets.retention == .seconds(7 * 24 * 3600))
        #expect(configuration.interBrokerProtocol == .v3_9_IV0)
    }

    @Test func requestsToZooKeeperAreBoundedAsSetAndElseWidely() throws {
        #expect(try parse([:]).zooKeeper.maxInFlightRequests == 1000)
        #expect(try parse(["zookeeper.max.in.flight.requests": "10"]).zooKeeper.maxInFlightRequests == 10)
        #expect(try parse(["zookeeper.max.in.flight.requests": "20"]).zooKeeper.maxInFlightRequests == 20)
    }

    @Test func theFinestUnitWins() throws {
        #expect(try parse(["log.retention.hours": "1"]).logs.retention == .seconds(3600))
        #expect(try parse(["log.retention.hours": "1", "log.retention.minutes": "5"]).logs.retention == .seconds(300))
        #expect(
            try parse(["log.retention.hours": "1", "log.retention.minutes": "5", "log.retention.ms": "7"])
                .logs.retention == .milliseconds(7))
        #expect(try parse(["log.retention.hours": "-1"]).logs.retention == nil)
        #expect(try parse(["log.roll.hours": "2"]).topicDefaults.segmentAge == .seconds(7200))
        #expect(try parse(["log.flush.scheduler.interval.ms": "9"]).topicDefaults.flushInterval == .milliseconds(9))
    }

    @Test func overridesWinOverTheFile() throws {
        let configuration = try parse(
            ["broker.id": "1"], overrides: ["broker.id=2", "log.dirs=/a, /b", "broker.rack=x=y"])
        #expect(configuration.brokerID == 2)
        #expect(configuration.logs.directories == ["/a", "/b"])
        #expect(configuration.rack == "x=y")
        #expect(throws: SettingsError.self) { try parse([:], overrides: ["nonsense"]) }
    }

    @Test func listenersAreReadWithTheirNamesHostsAndPorts() throws {
        let network = try parse([
            "listeners": "internal://127.0.0.1:9092, EXTERNAL://[::1]:0",
            "advertised.listeners": "INTERNAL://broker.example:9092",
            "listener.security.protocol.map": "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
            "inter.broker.listener.name": "INTERNAL",
            "listener.name.external.max.connections": "7",
        ]).network
        #expect(network.listeners.map(\.connectionString) == ["INTERNAL://127.0.0.1:9092", "EXTERNAL://[::1]:0"])
        #expect(network.listeners[1].host == "::1")
        #expect(network.advertised.map(\.host) == ["broker.example"])
        #expect(network.interBrokerListener == "INTERNAL")
        #expect(network.maxConnectionsByListener == ["EXTERNAL": 7])
    }

    @Test(arguments: [
        (["broker.id": "x"], "Invalid value x for configuration broker.id: Not a number of type INT"),
        (["num.partitions": "0"], "Invalid value 0 for configuration num.partitions: Value must be at least 1"),
        (
            ["log.cleanup.policy": "compact, shrink"],
            "Invalid value shrink for configuration log.cleanup.policy: String must be one of: compact, delete"
        ),
        (
            ["auto.create.topics.enable": "yes"],
            "Invalid value yes for configuration auto.create.topics.enable: Expected value to be either true or false"
        ),
        (
            ["inter.broker.protocol.version": "9.9"],
            "Invalid value 9.9 for configuration inter.broker.protocol.version: Version 9.9 is not a valid version"
        ),
        (["compression.gzip.level": "0"], "Value must be between 1 and 9 or equal to -1"),
        (["log.cleaner.min.cleanable.ratio": "1.5"], "Value must be no more than 1"),
        (["zookeeper.connect": ""], "Missing required configuration `zookeeper.connect`"),
        (["broker.id": "1001"], "not greater than reserved.broker.max.id"),
        (["broker.id": "-1", "broker.id.generation.enable": "false"], "broker.id must be greater than or equal to 0"),
        (["broker.id": "1", "node.id": "2"], "You must set `node.id` to the same value as `broker.id`."),
        (["log.dirs": " , "], "At least one log directory must be defined"),
        (["log.retention.ms": "0"], "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"),
        (["replica.fetch.wait.max.ms": "30001"], "replica.socket.timeout.ms should always be at least"),
        (["replica.lag.time.max.ms": "100"], "replica.fetch.wait.max.ms should always be less than or equal to"),
        (["log.cleaner.dedupe.buffer.size": "1000000"], "must be at least 1MB per cleaner thread"),
        (["offsets.commit.required.acks": "4"], "offsets.commit.required.acks must be greater or equal -1"),
        (["offsets.topic.compression.codec": "5"], "Unknown compression type id: 5"),
        (["queued.max.request.bytes": "5"], "queued.max.request.bytes must be larger or equal to"),
        (["connections.max.idle.ms": "50"], "to prevent failed authentication responses from timing out"),
        (["max.connections.per.ip": "0"], "max.connections.per.ip can be set to zero only if"),
        (["compression.type": "zstd", "inter.broker.protocol.version": "2.0"], "zstd compression can only be used"),
        (["listeners": "PLAINTEXT://a"], "Unable to parse PLAINTEXT://a to a broker endpoint"),
        (["listeners": "PLAINTEXT://a:70000"], "Unable to parse PLAINTEXT://a:70000 to a broker endpoint"),
        (["listeners": "OTHER://a:1"], "No security protocol defined for listener OTHER"),
        (["listeners": "PLAINTEXT://a:1,PLAINTEXT://b:2"], "Each listener must have a different name"),
        (
            [
                "listeners": "PLAINTEXT://a:1,B://b:1",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,B:PLAINTEXT",
            ],
            "Each listener must have a different port"
        ),
        (["advertised.listeners": "PLAINTEXT://0.0.0.0:1"], "cannot use the nonroutable meta-address 0.0.0.0"),
        (["inter.broker.listener.name": "NONE"], "not found in listener.security.protocol.map"),
        (["security.inter.broker.protocol": "SSL"], "inter.broker.listener.name must be a listener name defined in"),
        (
            ["inter.broker.listener.name": "PLAINTEXT", "security.inter.broker.protocol": "PLAINTEXT"],
            "Only one of inter.broker.listener.name and security.inter.broker.protocol should be set."
        ),
        (["listener.security.protocol.map": "PLAINTEXT:CLEAR"], "Invalid security protocol `CLEAR`"),
        (["control.plane.listener.name": "CONTROL"], "control.plane.listener.name must be a listener name"),
        (["control.plane.listener.name": "PLAINTEXT"], "should have a different value from the inter broker listener"),
    ])
    func aBadValueIsRefusedInKafkasWords(properties: [String: String], expected: String) throws {
        let error = try #require(throws: SettingsError.self) { try parse(properties) }
        #expect("\(error)".contains(expected), "\(error)")
    }

    @Test(arguments: [
        ["listeners": "SSL://:9093", "security.inter.broker.protocol": "SSL"],
        ["authorizer.class.name": "kafka.security.authorizer.AclAuthorizer"],
        ["zookeeper.ssl.client.enable": "true"],
        ["remote.log.storage.system.enable": "true"],
        ["zookeeper.metadata.migration.enable": "true"],
        ["process.roles": "broker"],
        ["inter.broker.protocol.version": "0.10.2"],
    ])
    func whatIsNotServedIsNotPassedOverInSilence(properties: [String: String]) throws {
        let error = try #require(throws: SettingsError.self) { try parse(properties) }
        guard case .unsupported = error else {
            Issue.record("\(error)")
            return
        }
    }

    /// Older ones keep records in older formats.
    @Test func theOldestProtocolThatIsServedIs011() throws {
        #expect(try parse(["inter.broker.protocol.version": "0.11.0-IV0"]).interBrokerProtocol == .v0_11_0_IV0)
        let error = try #require(throws: SettingsError.self) { try parse(["inter.broker.protocol.version": "0.9.0"]) }
        #expect("\(error)".contains("not served below 0.11.0"), "\(error)")
    }

    @Test func oneIPv4AndOneIPv6AddressMayShareAPort() throws {
        let network = try parse([
            "listeners": "PLAINTEXT://127.0.0.1:1,B://[::1]:1",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,B:PLAINTEXT",
        ]).network
        #expect(network.listeners.count == 2)
    }

    @Test func unknownJavaAndDeprecatedSettingsAreWarnedOf() throws {
        let (_, warnings) = try BrokerConfiguration.parse(properties: [
            "zookeeper.connect": "z", "no.such.setting": "1", "metric.reporters": "a.B", "ssl.provider": "c",
            "log.message.format.version": "3.0", "super.users": "User:a",
        ])
        #expect(
            warnings == [
                "The configuration 'log.message.format.version' is deprecated.",
                "The configuration 'no.such.setting' was supplied but isn't a known config.",
                "Settings of a Java virtual machine have no effect here: metric.reporters, ssl.provider.",
            ])
    }

    /// A limit that is asked for and not kept, and pools of threads that there are none of.
    @Test func settingsThatNothingGoesByAreWarnedOfWhereTheyAreNotAtTheirDefaults() throws {
        let (_, warnings) = try BrokerConfiguration.parse(properties: [
            "zookeeper.connect": "z", "max.connection.creation.rate": "100", "queued.max.requests": "500",
            "background.threads": "4",
        ])
        #expect(warnings == ["This broker does not go by: background.threads, max.connection.creation.rate."])
    }
}

struct TopicConfigurationTests {
    @Test func aTopicsOwnSettingsLieOverTheBrokers() throws {
        let broker = try parse(["log.retention.ms": "1000", "min.insync.replicas": "2"])
        let topic = try broker.topicConfiguration(["retention.ms": "-1", "cleanup.policy": "compact,delete"])
        #expect(topic.retention == nil)
        #expect(topic.cleanupPolicy == [.compact, .delete])
        #expect(topic.minInSyncReplicas == 2)
        #expect(broker.topicDefaults.retention == .seconds(1))
    }

    @Test(arguments: [
        (["no.such.config": "1"], "Unknown topic config name: no.such.config"),
        (["retention.ms": "abc"], "Invalid value abc for configuration retention.ms: Not a number of type LONG"),
        (["segment.bytes": "13"], "Invalid value 13 for configuration segment.bytes: Value must be at least 14"),
        (["min.compaction.lag.ms": "9", "max.compaction.lag.ms": "8"], "conflict topic config setting"),
        (["leader.replication.throttled.replicas": "0:1,x"], "must be the literal '*' or a list of replicas"),
        (["remote.storage.enable": "true"], "Tiered Storage functionality is disabled in the broker."),
    ])
    func aBadTopicSettingIsRefusedInKafkasWords(overrides: [String: String], expected: String) throws {
        let broker = try parse([:])
        let error = try #require(throws: SettingsError.self) { try broker.topicConfiguration(overrides) }
        #expect("\(error)".contains(expected), "\(error)")
        #expect(error.errorCode == .invalidConfig)
    }

    @Test func theOlderTimestampBoundHoldsWhereTheNewerOnesAreUnset() throws {
        let broker = try parse(["log.message.timestamp.difference.max.ms": "5"])
        let topic = try broker.topicConfiguration(["message.timestamp.after.max.ms": "3"])
        #expect(topic.timestampBeforeMax == .milliseconds(5))
        #expect(topic.timestampAfterMax == .milliseconds(3))
    }
}
