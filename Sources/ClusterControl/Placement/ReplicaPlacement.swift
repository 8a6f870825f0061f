// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Chooses the brokers of new partitions, exactly as Kafka does, so that both kinds of broker fill a cluster evenly together.
///
/// Leaders go round the brokers from a random start; the other replicas follow at a distance that grows by one with each
/// round, so that the load of a broker that fails spreads over all others. With racks, brokers stand in an order that
/// alternates racks, and a rack gets a second replica only when every rack has one (KIP-36).
package enum ReplicaPlacement {
    package struct Candidate: Hashable, Sendable {
        package var id: BrokerID
        package var rack: String?

        package init(id: BrokerID, rack: String? = nil) {
            self.id = id
            self.rack = rack
        }
    }

    /// Places partitions on the brokers.
    ///
    /// - Parameters:
    ///   - firstPartition: the number of the first of them; above 0 when a topic grows.
    ///   - leaderOfPartitionZero: of a topic that grows: makes the new partitions go on where the others left off.
    /// - Returns: the replicas of each partition, the preferred leader first.
    package static func place(
        partitions: Int, replicationFactor: Int, on brokers: [Candidate], firstPartition: Int32 = 0,
        leaderOfPartitionZero: BrokerID? = nil, using random: inout some RandomNumberGenerator
    ) throws(ControllerError) -> [Int32: [BrokerID]] {
        guard partitions > 0 else {
            throw ControllerError(.invalidPartitions, "Number of partitions must be larger than 0.")
        }
        guard replicationFactor > 0 else {
            throw ControllerError(.invalidReplicationFactor, "Replication factor must be larger than 0.")
        }
        guard replicationFactor <= brokers.count else {
            throw ControllerError(
                .invalidReplicationFactor,
                "Replication factor: \(replicationFactor) larger than available brokers: \(brokers.count).")
        }
        let sorted = brokers.sorted { $0.id < $1.id }
        let racks = Set(brokers.compactMap(\.rack))
        if !racks.isEmpty, sorted.contains(where: { $0.rack == nil }) {
            throw ControllerError(
                .unknownServerError, "Not all brokers have rack information for replica rack aware assignment.")
        }
        let order = racks.isEmpty ? sorted : alternatingRacks(sorted)
        let start: Int
        var shift: Int
        if let leader = leaderOfPartitionZero {
            start = sorted.firstIndex { $0.id >= leader } ?? 0
            shift = start
        } else {
            start = Int.random(in: 0..<order.count, using: &random)
            shift = Int.random(in: 0..<order.count, using: &random)
        }
        var placed: [Int32: [BrokerID]] = [:]
        for step in 0..<partitions {
            let partition = Int(firstPartition) + step
            if partition > 0, partition % order.count == 0 { shift += 1 }
            let leader = (partition + start) % order.count
            placed[Int32(clamping: partition)] =
                racks.isEmpty
                ? followers(of: leader, shift: shift, count: replicationFactor, in: order)
                : followers(of: leader, shift: shift * racks.count, count: replicationFactor, in: order, racks: racks.count)
        }
        return placed
    }

    private static func followers(of leader: Int, shift: Int, count: Int, in order: [Candidate]) -> [BrokerID] {
        [order[leader].id]
            + (0..<(count - 1)).map { order[position(leader, shift, $0, order.count)].id }
    }

    private static func followers(
        of leader: Int, shift: Int, count: Int, in order: [Candidate], racks: Int
    ) -> [BrokerID] {
        var replicas = [order[leader].id]
        var usedRacks: Set<String?> = [order[leader].rack]
        var step = 0
        while replicas.count < count {
            let candidate = order[position(leader, shift, step, order.count)]
            step += 1
            let rackMayServe = !usedRacks.contains(candidate.rack) || usedRacks.count == racks
            guard rackMayServe, !replicas.contains(candidate.id) else { continue }
            replicas.append(candidate.id)
            usedRacks.insert(candidate.rack)
        }
        return replicas
    }

    /// Never the leader itself: the distance is between 1 and one less than the number of brokers.
    private static func position(_ leader: Int, _ shift: Int, _ step: Int, _ count: Int) -> Int {
        (leader + 1 + (shift + step) % (count - 1)) % count
    }

    /// Racks in order of name take turns, each giving its brokers in order of id.
    private static func alternatingRacks(_ sorted: [Candidate]) -> [Candidate] {
        var byRack = Dictionary(grouping: sorted, by: { $0.rack ?? "" }).mapValues { $0[...] }
        var order: [Candidate] = []
        while order.count < sorted.count {
            for rack in byRack.keys.sorted() {
                if let next = byRack[rack]?.popFirst() { order.append(next) }
            }
        }
        return order
    }
}
