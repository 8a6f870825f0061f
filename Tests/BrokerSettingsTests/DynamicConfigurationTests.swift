// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BrokerSettings

struct DynamicConfigurationTests {
    let configuration: BrokerConfiguration

    init() throws {
        configuration = try BrokerConfiguration.parse(properties: [
            "zookeeper.connect": "z:1", "broker.id": "1", "log.retention.hours": "2", "num.io.threads": "8",
        ]).configuration
    }

    @Test func aDynamicValueWinsOverTheFileAndTheBrokersOwnOverTheClusters() throws {
        let (changed, problems) = configuration.applying(
            clusterWide: ["log.retention.ms": "5000", "message.max.bytes": "100"], broker: ["message.max.bytes": "200"])
        #expect(problems.isEmpty)
        #expect(changed.topicDefaults.retention == .seconds(5))
        #expect(changed.topicDefaults.maxMessageBytes == 200)
        #expect(configuration.topicDefaults.retention == .seconds(7200))
        #expect(changed.applying(clusterWide: [:], broker: [:]).configuration.topicDefaults.retention == .seconds(7200))
    }

    @Test func oneBadEntryDoesNotTakeTheOthersAlong() {
        let (changed, problems) = configuration.applying(
            clusterWide: ["log.retention.ms": "abc", "broker.rack": "r", "listeners": "PLAINTEXT://:1"],
            broker: ["message.max.bytes": "200", "num.partitions": "3"])
        #expect(changed.topicDefaults.maxMessageBytes == 200)
        #expect(changed.topics.partitions == 1)
        #expect(changed.rack == nil)
        #expect(problems.count == 4)
    }

    @Test(arguments: [
        (
            BrokerConfiguration.Level.broker, ["broker.rack": "x"],
            "Cannot update these configs dynamically: Set(broker.rack)"
        ),
        (.clusterWide, ["listeners": "PLAINTEXT://:1"], "broker id must be specified: Set(listeners)"),
        (
            .broker, ["ssl.keystore.location": "/x"],
            "only per-listener using the listener prefix: Set(ssl.keystore.location)"
        ),
        (.broker, ["num.io.threads": "17"], "value should not be greater than double the current value 8"),
        (.broker, ["num.io.threads": "3"], "value should be at least half the current value 8"),
        (
            .broker, ["num.io.threads": "x"],
            "Invalid value x for configuration num.io.threads: Not a number of type INT"
        ),
        (.broker, ["listeners": "SSL://:1"], "advertised.listeners"),
    ])
    func aChangeThatCannotHoldIsRefused(
        level: BrokerConfiguration.Level, values: [String: String], expected: String
    ) throws {
        let error = try #require(throws: SettingsError.self) { try configuration.changing(level, to: values) }
        #expect("\(error)".contains(expected), "\(error)")
    }

    @Test func whatCannotChangeIsTheRequestsFaultAndABadValueTheConfigurations() throws {
        let readOnly = try #require(throws: SettingsError.self) {
            try configuration.changing(.broker, to: ["broker.rack": "x"])
        }
        #expect(readOnly.errorCode == .invalidRequest)
        let bad = try #require(throws: SettingsError.self) {
            try configuration.changing(.broker, to: ["num.io.threads": "x"])
        }
        #expect(bad.errorCode == .invalidConfig)
    }

    @Test func listsGrowAndShrinkByElements() throws {
        func change(_ operation: SettingChange.Operation, _ value: String?) throws -> [String: String] {
            try configuration.overrides(
                ["segment.ms": "1"],
                after: [SettingChange(name: "cleanup.policy", operation: operation, value: value)])
        }
        #expect(try change(.set, "compact") == ["segment.ms": "1", "cleanup.policy": "compact"])
        // What is not set yet starts from the broker's value.
        #expect(try change(.append, "compact") == ["segment.ms": "1", "cleanup.policy": "delete,compact"])
        #expect(try change(.append, "delete") == ["segment.ms": "1", "cleanup.policy": "delete"])
        #expect(try change(.subtract, "delete") == ["segment.ms": "1", "cleanup.policy": ""])
        #expect(try change(.delete, nil) == ["segment.ms": "1"])
        #expect(throws: SettingsError.notUpdatable("Null value not supported for : cleanup.policy")) {
            try change(.set, nil)
        }
    }

    @Test func whatIsNoListCannotGrowAndANameMayOccurOnce() throws {
        let grow = SettingChange(name: "segment.ms", operation: .append, value: "1")
        #expect(throws: SettingsError.self) { try configuration.overrides([:], after: [grow]) }
        let set = SettingChange(name: "segment.ms", operation: .set, value: "1")
        #expect(throws: SettingsError.notUpdatable("Error due to duplicate config keys : segment.ms")) {
            try configuration.overrides([:], after: [set, set])
        }
    }
}
