// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// The new group protocol (KIP-848) and share groups (KIP-932).
    static let newGroups: [Setting] = [
        Setting(
            "group.consumer.max.session.timeout.ms", .int, "60000", .atLeast(1),
            documentation: "The longest session timeout under the new group protocol."),
        Setting(
            "group.share.record.lock.duration.ms", .int, "30000", .atLeast(1000),
            documentation: "How long a share group's member may hold a record."),
        Setting(
            "group.share.session.timeout.ms", .int, "45000", .atLeast(1),
            documentation: "Session timeout of members of a share group."),
        Setting(
            "group.consumer.min.session.timeout.ms", .int, "45000", .atLeast(1),
            documentation: "The shortest session timeout under the new group protocol."),
        Setting(
            "group.consumer.max.size", .int, "2147483647", .atLeast(1),
            documentation: "The most members of a group under the new group protocol."),
        Setting(
            "group.consumer.assignors", .list,
            "org.apache.kafka.coordinator.group.assignor.UniformAssignor,org.apache.kafka.coordinator.group.assignor.RangeAssignor",
            documentation: "The assignors that brokers offer under the new group protocol, the default first."),
        Setting(
            "group.share.heartbeat.interval.ms", .int, "5000", .atLeast(1),
            documentation: "Heartbeat interval of members of a share group."),
        Setting(
            "group.share.min.heartbeat.interval.ms", .int, "5000", .atLeast(1),
            documentation: "The shortest heartbeat interval of a share group."),
        Setting(
            "group.consumer.heartbeat.interval.ms", .int, "5000", .atLeast(1),
            documentation: "Heartbeat interval of members under the new group protocol."),
        Setting(
            "group.share.min.record.lock.duration.ms", .int, "15000", .between(1000, 30000),
            documentation: "The shortest such time a group may set."),
        Setting(
            "group.share.min.session.timeout.ms", .int, "45000", .atLeast(1),
            documentation: "The shortest session timeout of a share group."),
        Setting(
            "group.consumer.session.timeout.ms", .int, "45000", .atLeast(1),
            documentation: "Session timeout of members under the new group protocol."),
        Setting(
            "group.share.partition.max.record.locks", .int, "200", .between(100, 10000),
            documentation: "The most records of one partition that a share group may have in delivery."),
        Setting(
            "unstable.api.versions.enable", .boolean, "false", relevance: .kraft,
            documentation: "Advertise API versions that are not yet final."),
        Setting(
            "group.consumer.min.heartbeat.interval.ms", .int, "5000", .atLeast(1),
            documentation: "The shortest heartbeat interval under the new group protocol."),
        Setting(
            "group.share.max.heartbeat.interval.ms", .int, "15000", .atLeast(1),
            documentation: "The longest heartbeat interval of a share group."),
        Setting(
            "group.share.max.record.lock.duration.ms", .int, "60000", .between(30000, 3600000),
            documentation: "The longest such time a group may set."),
        Setting(
            "group.share.delivery.count.limit", .int, "5", .between(2, 10),
            documentation: "How often a record is delivered to a share group at most."),
        Setting(
            "group.share.max.groups", .short, "10", .between(1, 100),
            documentation: "The most share groups."),
        Setting(
            "group.consumer.max.heartbeat.interval.ms", .int, "15000", .atLeast(1),
            documentation: "The longest heartbeat interval under the new group protocol."),
        Setting(
            "group.share.max.size", .short, "200", .between(10, 1000),
            documentation: "The most members of a share group."),
        Setting(
            "group.share.max.session.timeout.ms", .int, "60000", .atLeast(1),
            documentation: "The longest session timeout of a share group."),
    ]
}
