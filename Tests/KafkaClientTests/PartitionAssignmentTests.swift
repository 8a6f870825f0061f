// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KafkaClient

@Suite struct PartitionAssignmentTests {
    private func member(_ id: String, _ topics: [String], owned: [TopicPartition] = [], generation: Int32 = 1)
        -> GroupMember
    {
        GroupMember(id: id, subscription: .init(topics: topics, owned: owned, generation: generation))
    }

    private func partitions(_ topic: String, _ numbers: Int32...) -> [TopicPartition] {
        numbers.map { TopicPartition(topic, $0) }
    }

    /// The examples in the documentation of Java's `RangeAssignor` and `RoundRobinAssignor`.
    @Test func rangesAreGivenTopicByTopic() {
        let members = [member("C0", ["t0", "t1"]), member("C1", ["t0", "t1"])]
        #expect(
            PartitionAssignment.range(members, partitionCounts: ["t0": 3, "t1": 3]) == [
                "C0": partitions("t0", 0, 1) + partitions("t1", 0, 1), "C1": partitions("t0", 2) + partitions("t1", 2),
            ])
    }

    @Test func roundRobinGoesOverAllTopics() {
        let members = [member("C0", ["t0", "t1"]), member("C1", ["t0", "t1"])]
        #expect(
            PartitionAssignment.roundRobin(members, partitionCounts: ["t0": 3, "t1": 3]) == [
                "C0": partitions("t0", 0, 2) + partitions("t1", 1), "C1": partitions("t0", 1) + partitions("t1", 0, 2),
            ])
    }

    @Test func roundRobinPassesOverWhoHasNotSubscribed() {
        let members = [member("C0", ["t0"]), member("C1", ["t0", "t1"]), member("C2", ["t0", "t1", "t2"])]
        #expect(
            PartitionAssignment.roundRobin(members, partitionCounts: ["t0": 1, "t1": 2, "t2": 3]) == [
                "C0": partitions("t0", 0), "C1": partitions("t1", 0),
                "C2": partitions("t1", 1) + partitions("t2", 0, 1, 2),
            ])
    }

    @Test func staticMembersComeFirst() {
        var late = member("a", ["t"])
        late.instanceID = nil
        var fixed = member("z", ["t"])
        fixed.instanceID = "one"
        let result = PartitionAssignment.range([late, fixed], partitionCounts: ["t": 3])
        #expect(result["z"] == partitions("t", 0, 1))
    }

    @Test func stickyKeepsWhatItCan() {
        let members = [
            member("C0", ["t"], owned: partitions("t", 0, 1, 2)), member("C1", ["t"], owned: partitions("t", 3, 4, 5)),
            member("C2", ["t"], generation: -1),
        ]
        let result = PartitionAssignment.sticky(members, partitionCounts: ["t": 6])
        #expect(result["C0"] == partitions("t", 0, 1))
        #expect(result["C1"] == partitions("t", 3, 4))
        #expect(result["C2"] == partitions("t", 2, 5))
    }

    /// Members of an eager group own nothing when they join: what they had is in the user data, in Java's format.
    @Test func stickyRemembersWhatEagerMembersHad() throws {
        let bytes: [UInt8] = [0, 0, 0, 1, 0, 1, 0x74, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 7]
        let memory = StickyMemory(partitions: partitions("t", 1, 2), generation: 7)
        #expect(memory.eagerBytes == bytes)
        #expect(StickyMemory(eager: bytes) == memory)
        // Of before generations were told.
        #expect(StickyMemory(eager: Array(bytes.dropLast(4))) == .init(partitions: memory.partitions, generation: -1))
        #expect(StickyMemory(eager: [0, 0, 0, 9]) == nil)
        func eager(_ id: String, had numbers: Int32...) -> GroupMember {
            let memory = StickyMemory(partitions: numbers.map { TopicPartition("t", $0) }, generation: 3)
            let told = ConsumerProtocol.Subscription(topics: ["t"], userData: numbers.isEmpty ? nil : memory.eagerBytes)
            return GroupMember(id: id, subscription: told.remembered(by: .sticky))
        }
        let result = PartitionAssignment.sticky(
            [eager("C0"), eager("C1", had: 0, 2, 4), eager("C2", had: 1, 3, 5)], partitionCounts: ["t": 6])
        #expect(result == ["C0": partitions("t", 4, 5), "C1": partitions("t", 0, 2), "C2": partitions("t", 1, 3)])
    }

    @Test func cooperativeMembersOfOldSubscriptionsTellTheirGenerationBeside() {
        let old = ConsumerProtocol.Subscription(topics: ["t"], userData: [0, 0, 0, 9])
        #expect(old.remembered(by: .cooperativeSticky).generation == 9)
        #expect(old.remembered(by: .range).generation == -1)
        let new = ConsumerProtocol.Subscription(topics: ["t"], userData: [0, 0, 0, 9], generation: 8)
        #expect(new.remembered(by: .cooperativeSticky).generation == 8)
    }

    @Test func cooperativeWithholdsWhatOthersStillOwn() {
        let members = [member("C0", ["t"], owned: partitions("t", 0, 1)), member("C1", ["t"], generation: -1)]
        let first = PartitionAssignment.cooperativeSticky(members, partitionCounts: ["t": 2])
        #expect(first == ["C0": partitions("t", 0), "C1": []])
        let second = PartitionAssignment.cooperativeSticky(
            [member("C0", ["t"], owned: partitions("t", 0)), member("C1", ["t"])], partitionCounts: ["t": 2])
        #expect(second == ["C0": partitions("t", 0), "C1": partitions("t", 1)])
    }

    @Test func aClaimFromAnOldGenerationDoesNotCount() {
        let members = [
            member("C0", ["t"], owned: partitions("t", 0), generation: 5),
            member("C1", ["t"], owned: partitions("t", 0, 1), generation: 4),
        ]
        let result = PartitionAssignment.sticky(members, partitionCounts: ["t": 2])
        #expect(result == ["C0": partitions("t", 0), "C1": partitions("t", 1)])
    }

    /// Whatever members own and want: every partition has one owner who wants it, and shares are even.
    @Test(arguments: 0..<200)
    func stickyIsCompleteAndBalanced(_ seed: Int) {
        var generator = Seeded(state: UInt64(seed))
        let counts: [String: Int32] = [
            "a": .random(in: 1...9, using: &generator), "b": .random(in: 1...9, using: &generator),
        ]
        let isUniform = Bool.random(using: &generator)
        let members = (0..<Int.random(in: 1...6, using: &generator)).map { index in
            let topics = isUniform ? ["a", "b"] : [["a"], ["b"], ["a", "b"]].randomElement(using: &generator) ?? []
            let owned = (0..<3).map { _ in
                TopicPartition(topics.randomElement(using: &generator) ?? "a", .random(in: 0..<10, using: &generator))
            }
            return member(
                "m\(index)", topics, owned: Array(Set(owned)), generation: .random(in: 1...2, using: &generator))
        }
        let result = PartitionAssignment.sticky(members, partitionCounts: counts)
        let wanted = Set(members.flatMap(\.subscription.topics)).flatMap { topic in
            (0..<(counts[topic] ?? 0)).map { TopicPartition(topic, $0) }
        }
        #expect(result.values.flatMap { $0 }.sorted() == wanted.sorted())
        for member in members {
            #expect(result[member.id]?.allSatisfy { member.subscription.topics.contains($0.topic) } == true)
        }
        if isUniform {
            let sizes = result.values.map(\.count)
            #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
        }
    }

    /// A coordinator should not name anybody twice; one that does gets an assignment all the same.
    @Test func aMemberThatIsNamedTwiceIsNoTrap() {
        let counts: [String: Int32] = ["t0": 4, "t1": 2]
        let all = Set(partitions("t0", 0, 1, 2, 3) + partitions("t1", 0, 1))
        let twice = [member("a", ["t0", "t1"]), member("a", ["t0", "t1"]), member("b", ["t0", "t1"])]
        let differing = [member("a", ["t0", "t1"]), member("a", ["t0", "t1"]), member("b", ["t0"])]
        for members in [twice, differing] {
            for result in [
                PartitionAssignment.range(members, partitionCounts: counts),
                PartitionAssignment.roundRobin(members, partitionCounts: counts),
                PartitionAssignment.sticky(members, partitionCounts: counts),
                PartitionAssignment.cooperativeSticky(members, partitionCounts: counts),
            ] {
                #expect(result.keys.sorted() == ["a", "b"])
                #expect(Set(result.values.joined()) == all && result.values.map(\.count).reduce(0, +) == all.count)
            }
        }
    }

    @Test func subscriptionsAndAssignmentsReadBack() throws {
        let subscription = ConsumerProtocol.Subscription(
            topics: ["a", "b"], userData: [1, 2], owned: partitions("a", 0, 3) + partitions("b", 1), generation: 4,
            rack: "r1")
        #expect(ConsumerProtocol.Subscription(subscription.encoded()) == subscription)
        let assignment = ConsumerProtocol.Assignment(partitions: partitions("x", 2, 1))
        #expect(ConsumerProtocol.Assignment(assignment.encoded()) == assignment)
        var cut = subscription.encoded()
        cut.moveWriterIndex(to: cut.writerIndex - 3)
        #expect(ConsumerProtocol.Subscription(cut) == nil)
    }
}

private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
