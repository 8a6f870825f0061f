// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Testing
import ZooKeeperTestKit

@testable import KafkaClient

/// Groups and transactions with a real broker.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RealBrokerTests {
    /// One broker for all of them.
    private static let broker = Task {
        try await BrokerProcess.start([
            "group.initial.rebalance.delay.ms": "0", "group.min.session.timeout.ms": "500",
        ])
    }

    private let configuration: ClientConfiguration
    private let admin: AdminClient

    init() async throws {
        var configuration = ClientConfiguration()
        configuration.bootstrapServers = ["127.0.0.1:\(try await Self.broker.value.port)"]
        configuration.offsetReset = .earliest
        configuration.isolationLevel = .readCommitted
        configuration.autoCommit = false
        self.configuration = configuration
        admin = try AdminClient(configuration)
    }

    private static let names = Atomic<Int>(0)

    private func unique(_ name: String) -> String {
        "\(name)-\(Self.names.add(1, ordering: .relaxed).newValue)"
    }

    private func topic(partitions: Int32 = 1, _ settings: [String: String] = [:]) async throws -> String {
        let name = unique("topic")
        try await admin.createTopic(name, partitions: partitions, replicationFactor: 1, settings: settings)
        return name
    }

    // MARK: Groups

    /// A member, and what it is told of rebalances.
    private struct Member {
        let consumer: Consumer
        let events: Log

        final class Log: Sendable {
            private let state = Mutex<[Consumer.RebalanceEvent]>([])
            func add(_ event: Consumer.RebalanceEvent) { state.withLock { $0.append(event) } }
            var all: [Consumer.RebalanceEvent] { state.withLock { $0 } }
            var hasLosses: Bool {
                all.contains { if case .lost = $0 { true } else { false } }
            }
            /// How many partitions went, in whatever way.
            var gone: Int {
                all.reduce(0) { sum, event in
                    switch event {
                    case .assigned: sum
                    case .revoked(let partitions), .lost(let partitions): sum + partitions.count
                    }
                }
            }
        }
    }

    private func member(
        of group: String, reading topic: String, _ change: (inout ClientConfiguration) -> Void = { _ in }
    ) async throws -> Member {
        var configuration = configuration
        configuration.groupID = group
        configuration.heartbeatInterval = .milliseconds(100)
        change(&configuration)
        let member = Member(consumer: try Consumer(configuration), events: Member.Log())
        await member.consumer.onRebalance { [events = member.events] in events.add($0) }
        await member.consumer.subscribe(to: [topic])
        return member
    }

    /// Polls the members in turn until they have so many partitions each, and returns what they have read.
    @discardableResult
    private func poll(_ members: [Member], until counts: [Int]) async throws -> [ConsumerRecord] {
        let deadline = ContinuousClock.now + .seconds(30)
        var records: [ConsumerRecord] = []
        while ContinuousClock.now < deadline {
            var sizes: [Int] = []
            for member in members {
                records += try await member.consumer.poll(for: .milliseconds(20))
                sizes.append(await member.consumer.assignment.count)
            }
            if sizes == counts { return records }
        }
        Issue.record("the members do not come to have \(counts) partitions")
        return records
    }

    private func read(_ count: Int, from consumer: Consumer) async throws -> [String] {
        let deadline = ContinuousClock.now + .seconds(30)
        var values: [String] = []
        while values.count < count, ContinuousClock.now < deadline {
            values += try await consumer.poll(for: .milliseconds(100)).map(\.text)
        }
        return values
    }

    private func produce(_ values: [String], to topic: String) async throws {
        let producer = try Producer(configuration)
        for value in values { _ = try await producer.send(ProducerRecord(topic: topic, value: value)) }
        await producer.close()
    }

    @Test(arguments: ClientConfiguration.Assignor.allCases)
    func twoMembersShareAndOneInherits(_ assignor: ClientConfiguration.Assignor) async throws {
        let (group, topic) = (unique("group"), try await topic(partitions: 4))
        let first = try await member(of: group, reading: topic) { $0.assignors = [assignor] }
        try await poll([first], until: [4])
        let second = try await member(of: group, reading: topic) { $0.assignors = [assignor] }
        // Neither waits in its poll for the other to join.
        try await poll([first, second], until: [2, 2])
        #expect(await first.consumer.assignment.isDisjoint(with: second.consumer.assignment))
        // A cooperative member keeps what it need not give away.
        #expect(first.events.gone == (assignor == .cooperativeSticky ? 2 : 4))
        let values = (0..<20).map { "\(assignor) \($0)" }
        try await produce(values, to: topic)
        await second.consumer.close()
        // Nothing is committed, so what it read of its own before may come again.
        var found = Set(try await poll([first], until: [4]).map(\.text))
        while !found.isSuperset(of: values) { found.formUnion(try await read(1, from: first.consumer)) }
        #expect(!first.events.hasLosses)
        await first.consumer.close()
    }

    @Test func aCooperativeMemberReadsOnWhileTheGroupWaits() async throws {
        let (group, topic) = (unique("group"), try await topic(partitions: 2))
        let first = try await member(of: group, reading: topic) { $0.assignors = [.cooperativeSticky] }
        let second = try await member(of: group, reading: topic) { $0.assignors = [.cooperativeSticky] }
        try await poll([first, second], until: [1, 1])
        // A third makes the first join, and wait for the second, which does not poll.
        let third = try await member(of: group, reading: topic) { $0.assignors = [.cooperativeSticky] }
        for _ in 0..<20 {
            _ = try await third.consumer.poll(for: .milliseconds(20))
            _ = try await first.consumer.poll(for: .milliseconds(20))
        }
        #expect(await first.consumer.group?.joining != nil)
        let mine = try #require(await first.consumer.assignment.first)
        let producer = try Producer(configuration)
        _ = try await producer.send(
            ProducerRecord(topic: topic, partition: mine.partition, value: ByteBuffer(string: "meanwhile")))
        #expect(try await read(1, from: first.consumer) == ["meanwhile"])
        try await first.consumer.commit()
        #expect(await first.consumer.group?.joining != nil)
        for member in [first, second, third] { await member.consumer.close() }
        await producer.close()
    }

    @Test func aMemberAtWorkLivesThroughARebalanceLongerThanItsSession() async throws {
        let (group, topic) = (unique("group"), try await topic(partitions: 4))
        func change(_ configuration: inout ClientConfiguration) {
            configuration.sessionTimeout = .seconds(1)
            configuration.assignors = [.range]
        }
        let first = try await member(of: group, reading: topic, change)
        try await poll([first], until: [4])
        let second = try await member(of: group, reading: topic, change)
        let end = ContinuousClock.now + .seconds(3)
        while ContinuousClock.now < end { _ = try await second.consumer.poll(for: .milliseconds(100)) }
        #expect(await second.consumer.assignment.isEmpty)
        try await poll([first, second], until: [2, 2])
        #expect(!first.events.hasLosses)
        for member in [first, second] { await member.consumer.close() }
    }

    @Test func aStaticMemberThatWasReplacedIsFenced() async throws {
        let (group, topic) = (unique("group"), try await topic(partitions: 2))
        let zombie = try await member(of: group, reading: topic) { $0.groupInstanceID = "one" }
        try await poll([zombie], until: [2])
        let successor = try await member(of: group, reading: topic) { $0.groupInstanceID = "one" }
        try await poll([successor], until: [2])
        let error = await #expect(throws: KafkaError.self) {
            let end = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < end { _ = try await zombie.consumer.poll(for: .milliseconds(50)) }
        }
        #expect(error?.kind == .fenced)
        let late = await #expect(throws: KafkaError.self) {
            try await zombie.consumer.commit([TopicPartition(topic, 0): CommittedOffset(7)])
        }
        #expect(late?.kind == .fenced)
        try await poll([successor], until: [2])
        #expect(successor.events.gone == 0)
        for member in [zombie, successor] { await member.consumer.close() }
    }

    // MARK: Transactions

    private func producer(_ id: String) async throws -> Producer {
        var configuration = configuration
        configuration.transactionalID = id
        let producer = try Producer(configuration)
        try await producer.initTransactions()
        return producer
    }

    /// What readers of committed records find, up to a last record that is sent now.
    private func committedValues(_ topic: String) async throws -> [String] {
        try await produce(["end"], to: topic)
        let consumer = try Consumer(configuration)
        await consumer.assign([TopicPartition(topic, 0)])
        var values: [String] = []
        while values.last != "end" { values += try await read(1, from: consumer) }
        await consumer.close()
        return values.dropLast()
    }

    @Test func whatIsReadAndWhatIsWrittenIsOneStep() async throws {
        let (group, input, output) = (unique("group"), try await topic(), try await topic())
        let values = (0..<10).map { "\($0)" }
        try await produce(values, to: input)
        let reader = try await member(of: group, reading: input) { $0.maxPollRecords = 3 }
        let producer = try await producer(unique("id"))
        let partition = TopicPartition(input, 0)
        var (handled, isAborting) = (0, true)
        while handled < values.count {
            let records = try await reader.consumer.poll(for: .milliseconds(100))
            guard let first = records.first, let last = records.last else { continue }
            try producer.beginTransaction()
            for record in records { try await producer.enqueue(ProducerRecord(topic: output, value: record.value)) }
            let metadata = try #require(await reader.consumer.groupMetadata)
            try await producer.sendOffsets([partition: last.offset + 1], group: metadata)
            // Every other attempt fails, and leaves no trace.
            if isAborting {
                try await producer.abortTransaction()
                try await reader.consumer.seek(partition, to: first.offset)
            } else {
                try await producer.commitTransaction()
                handled += records.count
            }
            isAborting.toggle()
        }
        #expect(try await committedValues(output) == values)
        #expect(try await reader.consumer.committed([partition])[partition]?.offset == Int64(values.count))
        await producer.close()
        await reader.consumer.close()
    }

    @Test func aTransactionThatHasLostARecordIsNotCommitted() async throws {
        let topic = try await topic(["max.message.bytes": "1000"])
        let producer = try await producer(unique("id"))
        for round in 0..<2 {
            try producer.beginTransaction()
            _ = try await producer.send(ProducerRecord(topic: topic, value: "lost"))
            try await producer.enqueue(ProducerRecord(topic: topic, value: String(repeating: "x", count: 2000)))
            // Refused by the broker, while sent without waiting: the sequence is spent.
            let error = await #expect(throws: KafkaError.self) { try await producer.commitTransaction() }
            #expect(error?.errorCode == .messageTooLarge)
            await #expect(throws: KafkaError.self) {
                try await producer.enqueue(ProducerRecord(topic: topic, value: "late"))
            }
            try await producer.abortTransaction()
            // And the partition can be written to as before.
            try producer.beginTransaction()
            _ = try await producer.send(ProducerRecord(topic: topic, value: "kept \(round)"))
            try await producer.commitTransaction()
        }
        #expect(try await committedValues(topic) == ["kept 0", "kept 1"])
        await producer.close()
    }

    @Test func positionsThatAreRefusedSpoilTheTransaction() async throws {
        let topic = try await topic()
        let producer = try await producer(unique("id"))
        try producer.beginTransaction()
        _ = try await producer.send(ProducerRecord(topic: topic, value: "lost"))
        let stranger = ConsumerGroupMetadata(groupID: unique("group"), generation: 5, memberID: "stranger")
        await #expect(throws: KafkaError.self) {
            try await producer.sendOffsets([TopicPartition(topic, 0): 1], group: stranger)
        }
        await #expect(throws: KafkaError.self) { try await producer.commitTransaction() }
        try await producer.abortTransaction()
        #expect(try await committedValues(topic).isEmpty)
        await producer.close()
    }

    @Test func aPartitionThatIsRefusedSpoilsTheTransaction() async throws {
        let topic = try await topic()
        let producer = try await producer(unique("id"))
        try producer.beginTransaction()
        _ = try await producer.send(ProducerRecord(topic: topic, value: "lost"))
        try await producer.enqueue(ProducerRecord(topic: "__transaction_state", value: "forged"))
        let error = await #expect(throws: KafkaError.self) { try await producer.commitTransaction() }
        #expect(error?.errorCode == .topicAuthorizationFailed)
        try await producer.abortTransaction()
        #expect(try await committedValues(topic).isEmpty)
        await producer.close()
    }

    @Test func aMemberThatWaitsInOneLongPollIsThere() async throws {
        let (group, topic) = (unique("group"), try await topic())
        let member = try await member(of: group, reading: topic) { $0.maxPollInterval = .seconds(1) }
        try await poll([member], until: [1])
        #expect(try await member.consumer.poll(for: .seconds(2)).isEmpty)
        #expect(!member.events.hasLosses && member.events.gone == 0)
        await member.consumer.close()
    }

    @Test func aZombieLearnsAtOnceThatItIsFenced() async throws {
        let (id, topic, other) = (unique("id"), try await topic(), try await topic())
        let zombie = try await producer(id)
        try zombie.beginTransaction()
        _ = try await zombie.send(ProducerRecord(topic: topic, value: "lost"))
        let successor = try await producer(id)
        // The partition is new to the transaction, and can never be added.
        try await zombie.enqueue(ProducerRecord(topic: other, value: "late"))
        let start = ContinuousClock.now
        let error = await #expect(throws: KafkaError.self) { try await zombie.commitTransaction() }
        #expect(error?.kind == .fenced)
        #expect(ContinuousClock.now - start < .seconds(20))
        let again = await #expect(throws: KafkaError.self) { try await zombie.abortTransaction() }
        #expect(again?.kind == .fenced)
        try successor.beginTransaction()
        _ = try await successor.send(ProducerRecord(topic: topic, value: "kept"))
        try await successor.commitTransaction()
        #expect(try await committedValues(topic) == ["kept"])
        #expect(try await committedValues(other).isEmpty)
        await zombie.close()
        await successor.close()
    }
}

extension ConsumerRecord {
    fileprivate var text: String { String(buffer: value ?? ByteBuffer()) }
}
