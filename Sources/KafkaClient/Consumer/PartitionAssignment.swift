// SPDX-License-Identifier: Apache-2.0

/// A member of a group, as its leader sees it when it spreads partitions.
package struct GroupMember: Hashable, Sendable {
    package var id: String
    package var instanceID: String?
    package var subscription: ConsumerProtocol.Subscription

    package init(id: String, instanceID: String? = nil, subscription: ConsumerProtocol.Subscription) {
        self.id = id
        self.instanceID = instanceID
        self.subscription = subscription
    }

    /// Static members come first, by instance id; the others by member id. Java's `MemberInfo` order.
    fileprivate static func precedes(_ left: GroupMember, _ right: GroupMember) -> Bool {
        switch (left.instanceID, right.instanceID) {
        case (let left?, let right?): left < right
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): left.id < right.id
        }
    }
}

/// Spreads partitions over members, with the results of Java's assignors of the same names.
package enum PartitionAssignment {
    package typealias Result = [String: [TopicPartition]]

    /// Each topic by itself: members in order get consecutive ranges, the first ones one partition more.
    package static func range(_ members: [GroupMember], partitionCounts: [String: Int32]) -> Result {
        var result = nothing(members)
        for topic in topics(of: members, partitionCounts) {
            let subscribers = members.filter { $0.subscription.topics.contains(topic) }.sorted(by: GroupMember.precedes)
            let count = partitionCounts[topic] ?? 0
            let share = count / Int32(subscribers.count)
            let extra = count % Int32(subscribers.count)
            var next: Int32 = 0
            for (index, member) in subscribers.enumerated() {
                let length = share + (index < extra ? 1 : 0)
                result[member.id, default: []] += (next..<(next + length)).map { TopicPartition(topic, $0) }
                next += length
            }
        }
        return result
    }

    /// All partitions in order, to the members in turn; one that has not subscribed to a topic is passed over.
    package static func roundRobin(_ members: [GroupMember], partitionCounts: [String: Int32]) -> Result {
        var result = nothing(members)
        let members = members.sorted(by: GroupMember.precedes)
        guard !members.isEmpty else { return result }
        var turn = 0
        for partition in allPartitions(of: members, partitionCounts) {
            while !members[turn].subscription.topics.contains(partition.topic) { turn = (turn + 1) % members.count }
            result[members[turn].id, default: []].append(partition)
            turn = (turn + 1) % members.count
        }
        return result
    }

    /// As balanced as possible, and then with as few moves as possible from what members own.
    package static func sticky(_ members: [GroupMember], partitionCounts: [String: Int32]) -> Result {
        let owned = validOwnership(members, partitionCounts)
        let wishes = Set(members.map { Set($0.subscription.topics.filter { partitionCounts[$0] != nil }) })
        return wishes.count <= 1
            ? constrainedSticky(members, owned, partitionCounts) : generalSticky(members, owned, partitionCounts)
    }

    /// As ``sticky(_:partitionCounts:)``, but a partition that somebody else still owns is given to nobody: its owner
    /// lets go of it first, and the group rebalances once more (KIP-429).
    package static func cooperativeSticky(_ members: [GroupMember], partitionCounts: [String: Int32]) -> Result {
        var result = sticky(members, partitionCounts: partitionCounts)
        var owners: [TopicPartition: String] = [:]
        for (member, partitions) in validOwnership(members, partitionCounts) {
            for partition in partitions { owners[partition] = member }
        }
        for (member, partitions) in result {
            result[member] = partitions.filter { owners[$0] == nil || owners[$0] == member }
        }
        return result
    }

    // MARK: Parts

    /// A coordinator that names a member twice is wrong, but no reason to trap.
    private static func nothing(_ members: [GroupMember]) -> Result { Result(members.map { ($0.id, []) }) { $1 } }

    private static func topics(of members: [GroupMember], _ counts: [String: Int32]) -> [String] {
        Set(members.flatMap(\.subscription.topics)).filter { (counts[$0] ?? 0) > 0 }.sorted()
    }

    private static func allPartitions(of members: [GroupMember], _ counts: [String: Int32]) -> [TopicPartition] {
        topics(of: members, counts).flatMap { topic in
            (0..<(counts[topic] ?? 0)).map { TopicPartition(topic, $0) }
        }
    }

    /// What members own and still may: of the newest generation, existing, subscribed, and claimed by nobody else.
    private static func validOwnership(_ members: [GroupMember], _ counts: [String: Int32]) -> Result {
        let newest = members.map(\.subscription.generation).max() ?? -1
        var claims: [TopicPartition: Int] = [:]
        var owned: Result = [:]
        for member in members where member.subscription.generation == newest {
            let partitions = member.subscription.owned.filter { partition in
                (0..<(counts[partition.topic] ?? 0)).contains(partition.partition)
                    && member.subscription.topics.contains(partition.topic)
            }
            owned[member.id] = partitions
            for partition in partitions { claims[partition, default: 0] += 1 }
        }
        return owned.mapValues { $0.filter { claims[$0] == 1 } }
    }

    /// All members want the same topics: everyone keeps what fits into a fair share, the rest goes round.
    private static func constrainedSticky(
        _ members: [GroupMember], _ owned: Result, _ counts: [String: Int32]
    ) -> Result {
        let partitions = allPartitions(of: members, counts)
        var result = nothing(members)
        guard !members.isEmpty else { return result }
        let least = partitions.count / members.count
        let most = (partitions.count + members.count - 1) / members.count
        var placesAboveLeast = partitions.count % members.count
        var belowLeast: [String] = []
        var atLeast: [String] = []
        var taken: Set<TopicPartition> = []
        for member in members.map(\.id).sorted() {
            let mine = owned[member] ?? []
            let kept: Int
            if mine.count < least {
                kept = mine.count
                belowLeast.append(member)
            } else if mine.count >= most, placesAboveLeast > 0 {
                kept = most
                placesAboveLeast -= 1
            } else {
                kept = least
                atLeast.append(member)
            }
            result[member] = Array(mine.prefix(kept))
            taken.formUnion(mine.prefix(kept))
        }
        // First everyone to the least share in turn, then one more for as many as there are places.
        var turn = 0
        for partition in partitions where !taken.contains(partition) {
            if belowLeast.isEmpty {
                belowLeast = atLeast.sorted()
                atLeast = []
                turn = 0
            }
            guard !belowLeast.isEmpty else { break }
            if turn >= belowLeast.count { turn = 0 }
            let member = belowLeast[turn]
            result[member, default: []].append(partition)
            let count = result[member]?.count ?? 0
            if count == least {
                belowLeast.remove(at: turn)
                atLeast.append(member)
            } else if count > least {
                belowLeast.remove(at: turn)
            } else {
                turn += 1
            }
        }
        return result
    }

    /// Members want different topics: keep what is owned, give the rest to the least loaded, then even out while it helps.
    private static func generalSticky(
        _ members: [GroupMember], _ owned: Result, _ counts: [String: Int32]
    ) -> Result {
        let members = members.sorted { $0.id < $1.id }
        let wishes = Dictionary(members.map { ($0.id, Set($0.subscription.topics)) }) { $1 }
        var result = nothing(members).merging(owned) { $1 }
        let taken = Set(result.values.joined())
        func leastLoaded(for topic: String) -> String? {
            members.filter { wishes[$0.id]?.contains(topic) == true }
                .min { (result[$0.id]?.count ?? 0, $0.id) < (result[$1.id]?.count ?? 0, $1.id) }?.id
        }
        // Partitions that few may have come first: the others can still make up for them.
        let rest = allPartitions(of: members, counts).filter { !taken.contains($0) }
        let choices = Dictionary(
            uniqueKeysWithValues: Set(rest.map(\.topic)).map { topic in
                (topic, members.count { wishes[$0.id]?.contains(topic) == true })
            })
        for partition in rest.sorted(by: { (choices[$0.topic] ?? 0, $0) < (choices[$1.topic] ?? 0, $1) }) {
            if let member = leastLoaded(for: partition.topic) { result[member, default: []].append(partition) }
        }
        var moved = true
        while moved {
            moved = false
            for member in members.map(\.id).sorted(by: { (result[$0]?.count ?? 0) > (result[$1]?.count ?? 0) }) {
                for partition in (result[member] ?? []).reversed() {
                    guard let other = leastLoaded(for: partition.topic),
                        (result[other]?.count ?? 0) + 1 < (result[member]?.count ?? 0)
                    else { continue }
                    result[member]?.removeAll { $0 == partition }
                    result[other, default: []].append(partition)
                    moved = true
                }
            }
        }
        return result
    }
}
