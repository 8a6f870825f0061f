// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Kafka knows these; they have a meaning only without ZooKeeper, or on the way there.
    static let kraft: [Setting] = [
        Setting(
            "metadata.log.max.record.bytes.between.snapshots", .long, "20971520", .atLeast(1), relevance: .kraft,
            documentation: "Bytes of metadata records between two snapshots."),
        Setting(
            "metadata.log.max.snapshot.interval.ms", .long, "3600000", .atLeast(0), relevance: .kraft,
            documentation: "The longest time between two snapshots."),
        Setting(
            "process.roles", .list, "", .eachOneOf(["broker", "controller"]), relevance: .kraft,
            documentation: "The KRaft roles of a process; empty for a cluster on ZooKeeper."),
        Setting(
            "node.id", .int, "-1",
            documentation: "The KRaft number of a process; it must equal `broker.id`."),
        Setting(
            "initial.broker.registration.timeout.ms", .int, "60000", relevance: .kraft,
            documentation: "How long a KRaft broker may take to register."),
        Setting(
            "broker.heartbeat.interval.ms", .int, "2000", relevance: .kraft,
            documentation: "How often a KRaft broker sends a heartbeat."),
        Setting(
            "broker.session.timeout.ms", .int, "9000", relevance: .kraft,
            documentation: "How long a KRaft broker's registration lasts without a heartbeat."),
        Setting(
            "controller.listener.names", .string, nil, relevance: .kraft,
            documentation: "Listeners of KRaft controllers."),
        Setting(
            "sasl.mechanism.controller.protocol", .string, "GSSAPI", relevance: .kraft,
            documentation: "The SASL mechanism towards KRaft controllers."),
        Setting(
            "metadata.log.dir", .string, nil, relevance: .kraft,
            documentation: "Directory of the KRaft metadata log."),
        Setting(
            "metadata.log.segment.bytes", .int, "1073741824", .atLeast(12), relevance: .kraft,
            documentation: "Segment size of the metadata log."),
        Setting(
            "metadata.log.segment.ms", .long, "604800000", relevance: .kraft,
            documentation: "The age at which the metadata log rolls."),
        Setting(
            "metadata.max.retention.bytes", .long, "104857600", relevance: .kraft,
            documentation: "The size up to which metadata is kept."),
        Setting(
            "metadata.max.retention.ms", .long, "604800000", relevance: .kraft,
            documentation: "How long metadata is kept."),
        Setting(
            "metadata.max.idle.interval.ms", .int, "500", .atLeast(0), relevance: .kraft,
            documentation: "How often a KRaft controller writes when there is nothing to write."),
        Setting(
            "zookeeper.metadata.migration.enable", .boolean, "false", relevance: .kraft,
            documentation: "Take part in a migration of the metadata from ZooKeeper to KRaft."),
        Setting(
            "eligible.leader.replicas.enable", .boolean, "false", relevance: .kraft,
            documentation: "Keep eligible leader replicas."),
        Setting(
            "controller.quorum.voters", .list, "", relevance: .kraft,
            documentation: "The voters of the KRaft quorum."),
        Setting(
            "controller.quorum.bootstrap.servers", .list, "", relevance: .kraft,
            documentation: "Addresses at which the KRaft quorum is found."),
        Setting(
            "controller.quorum.election.timeout.ms", .int, "1000", relevance: .kraft,
            documentation: "How long a KRaft election may take."),
        Setting(
            "controller.quorum.fetch.timeout.ms", .int, "2000", relevance: .kraft,
            documentation: "How long a KRaft follower waits for its leader."),
        Setting(
            "controller.quorum.election.backoff.max.ms", .int, "1000", relevance: .kraft,
            documentation: "The longest wait between KRaft elections."),
        Setting(
            "controller.quorum.append.linger.ms", .int, "25", relevance: .kraft,
            documentation: "How long a KRaft leader gathers records."),
        Setting(
            "controller.quorum.request.timeout.ms", .int, "2000", relevance: .kraft,
            documentation: "How long a KRaft request may take."),
        Setting(
            "controller.quorum.retry.backoff.ms", .int, "20", relevance: .kraft,
            documentation: "The wait between KRaft requests."),
    ]
}
