// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// From where to where the data of partitions goes: what a throttle has to name.
struct ReassignmentMoves: Equatable {
    struct Move: Equatable {
        /// Who may have to send.
        var sources: Set<BrokerID>
        /// Who has to receive.
        var destinations: Set<BrokerID>
    }

    private(set) var moves: [TopicPartition: Move] = [:]

    /// The moves that are under way, and those that are to be added to them.
    ///
    /// - Parameters:
    ///   - running: what the controller does already; a partition among them sends from where it was before.
    ///   - proposed: where partitions shall be.
    ///   - current: where these are now.
    init(
        running: [TopicPartition: PartitionReassignment], proposed: [TopicPartition: [BrokerID]],
        current: [TopicPartition: [BrokerID]]
    ) {
        for (partition, reassignment) in running {
            // While a partition moves, those that come are among its replicas.
            moves[partition] = Move(
                sources: Set(reassignment.replicas).subtracting(reassignment.adding),
                destinations: Set(reassignment.adding))
        }
        for (partition, replicas) in proposed {
            let sources = moves[partition]?.sources ?? Set(current[partition] ?? [])
            moves[partition] = Move(sources: sources, destinations: Set(replicas).subtracting(sources))
        }
    }

    /// Everyone who sends or receives.
    var brokers: [BrokerID] {
        moves.values.reduce(into: Set()) { $0.formUnion($1.sources.union($1.destinations)) }.sorted()
    }

    /// `leader.replication.throttled.replicas` by topic: `partition:broker`, sorted as text.
    var leaderThrottles: [String: String] { throttles(\.sources) }

    /// `follower.replication.throttled.replicas` by topic.
    var followerThrottles: [String: String] { throttles(\.destinations) }

    private func throttles(_ side: KeyPath<Move, Set<BrokerID>>) -> [String: String] {
        Dictionary(grouping: moves, by: \.key.topic).mapValues { moves in
            moves.flatMap { partition, move in move[keyPath: side].map { "\(partition.partition):\($0)" } }
                .sorted().joined(separator: ",")
        }
    }
}

/// The settings that hold moves back, and how they are set and removed.
struct ReassignmentThrottles {
    static let leaderRate = "leader.replication.throttled.rate"
    static let followerRate = "follower.replication.throttled.rate"
    static let directoryRate = "replica.alter.log.dirs.io.max.bytes.per.second"
    static let leaderReplicas = "leader.replication.throttled.replicas"
    static let followerReplicas = "follower.replication.throttled.replicas"

    let admin: AdminClient
    let console: Console

    /// Lets the given moves have so many bytes per second, at each broker that sends and each that receives.
    func limit(_ moves: ReassignmentMoves, to rate: Int64) async throws {
        var topics: [ConfigurationResource: [ConfigurationChange]] = [:]
        for (topic, replicas) in moves.leaderThrottles {
            topics[ConfigurationResource(.topic, topic), default: []]
                .append(ConfigurationChange(Self.leaderReplicas, .set, replicas))
        }
        for (topic, replicas) in moves.followerThrottles {
            topics[ConfigurationResource(.topic, topic), default: []]
                .append(ConfigurationChange(Self.followerReplicas, .set, replicas))
        }
        // The replicas first: a rate without replicas holds nobody back, and nothing moves before both are there.
        try await apply(topics)
        try await set([Self.leaderRate, Self.followerRate], to: rate, on: moves.brokers)
        console.print("The inter-broker throttle limit was set to \(rate) B/s")
    }

    /// Lets moves between directories have so many bytes per second, at each of the given brokers.
    func limitDirectoryMoves(on brokers: some Collection<BrokerID>, to rate: Int64) async throws {
        try await set([Self.directoryRate], to: rate, on: brokers)
        console.print("The replica-alter-dir throttle limit was set to \(rate) B/s")
    }

    /// Removes all limits: from every broker that lives or is named in the file, and from the file's topics. Which
    /// brokers an earlier call has limited is written nowhere.
    func clear(after file: ReassignmentFile) async throws {
        let live = try await admin.metadata(topics: [], call: "listNodes").brokers.keys
        let brokers = JavaOrder.hashMap(Set(live).union(file.entries.flatMap(\.replicas)).sorted()) { $0 }
        console.print(
            "Clearing broker-level throttles on broker\(brokers.count == 1 ? "" : "s") \(ReassignmentFile.list(brokers))"
        )
        try await remove(
            [Self.leaderRate, Self.followerRate, Self.directoryRate],
            from: brokers.map { ConfigurationResource(.broker, "\($0)") })
        let topics = JavaOrder.strings(Set(file.entries.map(\.partition.topic)).sorted())
        console.print(
            "Clearing topic-level throttles on topic\(topics.count == 1 ? "" : "s") \(ReassignmentFile.list(topics))")
        try await remove(
            [Self.leaderReplicas, Self.followerReplicas], from: topics.map { ConfigurationResource(.topic, $0) })
    }

    private func set(_ names: [String], to rate: Int64, on brokers: some Collection<BrokerID>) async throws {
        var changes: [ConfigurationResource: [ConfigurationChange]] = [:]
        for broker in brokers {
            changes[ConfigurationResource(.broker, "\(broker)")] = names.map { .init($0, .set, "\(rate)") }
        }
        try await apply(changes)
    }

    private func remove(_ names: [String], from resources: [ConfigurationResource]) async throws {
        let changes = names.map { ConfigurationChange($0, .delete) }
        try await apply(Dictionary(resources.map { ($0, changes) }, uniquingKeysWith: { first, _ in first }))
    }

    private func apply(_ changes: [ConfigurationResource: [ConfigurationChange]]) async throws {
        guard !changes.isEmpty else { return }
        for result in try await admin.alterSettings(changes).values { try result.get() }
    }
}
