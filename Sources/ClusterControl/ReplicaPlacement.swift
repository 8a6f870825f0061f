// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Spreads the replicas of a topic over brokers, as Kafka does when no assignment is given.
///
/// Leaders go round the brokers, followers too, shifted by one more each time round, so that the load of a broker that
/// fails is spread over all. With racks the brokers are taken in turns from each rack, and no rack gets a second replica
/// of a partition before each has one.
package enum ReplicaPlacement {
    package struct Broker: Hashable, Sendable {
        package var id: BrokerID
        package var rack: String?

        package init(id: BrokerID, rack: String? = nil) {
            self.id = id
            self.rack = rack
        }
    }

    package enum Failure: Error, Hashable, Sendable {
        case invalidPartitions
        case invalidReplicationFactor
        /// More replicas than brokers.
        case notEnoughBrokers(available: Int)
        /// Some brokers have a rack and others have none.
        case missingRacks
    }

    /// - Parameters:
    ///   - start: the index of the first partition's leader; random when nil.
    ///   - firstPartition: the number of the first partition, when others exist already.
    /// - Returns: the replicas of each partition, from `firstPartition` on.
    package static func assign(
        partitions: Int, replicationFactor: Int, brokers: [Broker], start: Int? = nil, firstPartition: Int = 0,
        using random: inout some RandomNumberGenerator
    ) throws(Failure) -> [[BrokerID]] {
        guard partitions > 0 else { throw .invalidPartitions }
        guard replicationFactor > 0 else { throw .invalidReplicationFactor }
        guard replicationFactor <= brokers.count else { throw .notEnoughBrokers(available: brokers.count) }
        let sorted = brokers.sorted { $0.id < $1.id }
        let withRack = sorted.filter { $0.rack != nil }.count
        guard withRack == 0 || withRack == sorted.count else { throw .missingRacks }
        let first = start ?? Int.random(in: 0..<brokers.count, using: &random)
        let shift = start ?? Int.random(in: 0..<brokers.count, using: &random)
        let numbers = max(0, firstPartition)..<(max(0, firstPartition) + partitions)
        return withRack == 0
            ? plain(numbers, replicationFactor, sorted.map(\.id), first, shift)
            : byRack(numbers, replicationFactor, sorted, first, shift)
    }

    /// The assignment of partitions that are added to a topic, following on from its partition 0.
    package static func extend(
        existing firstPartitionReplicas: [BrokerID], partitionCount: Int, adding: Int, brokers: [Broker]
    ) throws(Failure) -> [[BrokerID]] {
        let sorted = brokers.sorted { $0.id < $1.id }
        let leader = firstPartitionReplicas.first ?? 0
        let start = max(0, sorted.firstIndex { $0.id >= leader } ?? 0)
        var unused = SystemRandomNumberGenerator()
        return try assign(
            partitions: adding, replicationFactor: firstPartitionReplicas.count, brokers: brokers, start: start,
            firstPartition: partitionCount, using: &unused)
    }

    private static func plain(
        _ numbers: Range<Int>, _ factor: Int, _ brokers: [BrokerID], _ start: Int, _ initialShift: Int
    ) -> [[BrokerID]] {
        var shift = initialShift
        return numbers.map { number in
            if number > 0, number % brokers.count == 0 { shift += 1 }
            let first = (number + start) % brokers.count
            var replicas = [brokers[first]]
            for index in 0..<(factor - 1) { replicas.append(brokers[follower(first, shift, index, brokers.count)]) }
            return replicas
        }
    }

    private static func byRack(
        _ numbers: Range<Int>, _ factor: Int, _ brokers: [Broker], _ start: Int, _ initialShift: Int
    ) -> [[BrokerID]] {
        let ordered = alternating(brokers)
        let racks = Set(brokers.map(\.rack)).count
        var shift = initialShift
        return numbers.map { number in
            if number > 0, number % ordered.count == 0 { shift += 1 }
            let first = (number + start) % ordered.count
            var chosen = [ordered[first]]
            var usedRacks: Set<String?> = [ordered[first].rack]
            var candidate = 0
            for _ in 0..<(factor - 1) {
                var isPlaced = false
                while !isPlaced {
                    let broker = ordered[follower(first, shift * racks, candidate, ordered.count)]
                    candidate += 1
                    let rackIsFresh = !usedRacks.contains(broker.rack) || usedRacks.count == racks
                    let brokerIsFresh = !chosen.contains(broker) || Set(chosen).count == ordered.count
                    guard rackIsFresh, brokerIsFresh else { continue }
                    chosen.append(broker)
                    usedRacks.insert(broker.rack)
                    isPlaced = true
                }
            }
            return chosen.map(\.id)
        }
    }

    /// One broker of each rack in turn; racks by name, their brokers by id.
    private static func alternating(_ brokers: [Broker]) -> [Broker] {
        let racks = Dictionary(grouping: brokers) { $0.rack ?? "" }.sorted { $0.key < $1.key }.map(\.value)
        let longest = racks.map(\.count).max() ?? 0
        return (0..<longest).flatMap { index in racks.compactMap { $0.count > index ? $0[index] : nil } }
    }

    private static func follower(_ first: Int, _ shift: Int, _ index: Int, _ count: Int) -> Int {
        // With a single broker there are no followers, and no modulus either.
        guard count > 1 else { return 0 }
        return (first + 1 + (shift + index) % (count - 1)) % count
    }
}
