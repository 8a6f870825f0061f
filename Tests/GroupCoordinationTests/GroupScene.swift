// SPDX-License-Identifier: Apache-2.0

import Coordination
import GroupCoordination
import KafkaModel
import KafkaRecords
import NIOCore
import Testing

/// A coordinator with a clock moved by hand and a log in memory.
final class GroupScene {
    var coordinator: GroupCoordinator
    var now: Timestamp = 1_000_000
    /// How far the wall clock is from where it was.
    var jump: Int64 = 0
    var time: CoordinatorTime { CoordinatorTime(uptime: now, wallClock: now + jump) }
    /// Answers that have come, by token.
    private(set) var answers: [UInt64: GroupReply] = [:]
    /// Appends that have not ended.
    private(set) var appends: [(id: AppendID, batch: CoordinatorBatch)] = []
    /// What is on the log.
    private(set) var log: [ByteBuffer] = []
    private var logEnd: Offset = 0
    private var lastToken: UInt64 = 0
    private var lastUUID = 0

    init(_ change: (inout GroupConfiguration) -> Void = { _ in }) {
        var configuration = GroupConfiguration()
        change(&configuration)
        coordinator = GroupCoordinator(configuration: configuration)
        perform(coordinator.finishLoading(now: time))
    }

    func perform(_ actions: [GroupAction]) {
        for action in actions {
            switch action {
            case .append(let id, let batch): appends.append((id, batch))
            case .reply(let token, let reply):
                #expect(answers[token.rawValue] == nil, "a token is answered once")
                answers[token.rawValue] = reply
            }
        }
    }

    /// Ends all appends.
    func commit(_ error: ErrorCode = .none) {
        while !appends.isEmpty {
            let (id, batch) = appends.removeFirst()
            let base = logEnd
            if error.isNone {
                var bytes = batch.encoded()
                bytes.setInteger(base, at: 0)
                log.append(bytes)
                logEnd += Int64(batch.records.count)
            }
            perform(coordinator.appended(id, error: error, baseOffset: base, now: time))
        }
    }

    func wait(_ milliseconds: Int64) {
        let end = now + milliseconds
        while let deadline = coordinator.nextDeadline, deadline <= end {
            now = max(now, deadline)
            perform(coordinator.advance(to: time))
        }
        now = end
        perform(coordinator.advance(to: time))
    }

    /// Another broker takes the partition over.
    func failOver() throws {
        perform(coordinator.unload(now: time))
        appends = []
        coordinator = GroupCoordinator(configuration: coordinator.configuration)
        for bytes in log {
            for batch in try RecordBatches(bytes).all() { try coordinator.load(batch, now: time) }
        }
        perform(coordinator.finishLoading(now: time))
    }

    func endTransaction(_ producer: ProducerID, isCommit: Bool) {
        var marker = RecordBatchBuilder.endTransaction(
            EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: 0), producerID: producer, producerEpoch: 0,
            timestamp: now)
        marker.setInteger(logEnd, at: 0)
        log.append(marker)
        let offset = logEnd
        logEnd += 1
        perform(
            coordinator.transactionEnded(producerID: producer, isCommit: isCommit, markerOffset: offset, now: time))
    }

    func token() -> RequestToken {
        lastToken += 1
        return RequestToken(lastToken)
    }

    // MARK: Requests, by the number of their token

    func join(_ member: String = "", _ change: (inout JoinGroup) -> Void = { _ in }) -> UInt64 {
        lastUUID += 1
        var request = JoinGroup(
            group: "g", sessionTimeout: 10_000, rebalanceTimeout: 60_000, protocolType: "consumer",
            protocols: [GroupProtocol(name: "range", metadata: Self.subscription(["orders"]))],
            freshUUID: "uuid\(lastUUID)")
        request.clientID = "client"
        request.clientHost = "/127.0.0.1"
        request.memberID = member
        change(&request)
        let token = token()
        perform(coordinator.join(request, token: token, now: time))
        return token.rawValue
    }

    func sync(_ member: String, _ generation: Int32, _ assignments: [String: [UInt8]] = [:]) -> UInt64 {
        var request = SyncGroup(group: "g", memberID: member, generation: generation)
        request.assignments = assignments
        return sync(request)
    }

    func sync(_ request: SyncGroup) -> UInt64 {
        let token = token()
        perform(coordinator.sync(request, token: token, now: time))
        return token.rawValue
    }

    func heartbeat(_ member: String, _ generation: Int32, instance: String? = nil) -> ErrorCode? {
        let token = token()
        perform(
            coordinator.heartbeat(
                Heartbeat(group: "g", memberID: member, instanceID: instance, generation: generation), token: token,
                now: time))
        guard case .heartbeat(let error) = answers[token.rawValue] else { return nil }
        return error
    }

    func leave(_ members: [LeaveGroup.Member]) -> LeaveAnswer? {
        let token = token()
        perform(coordinator.leave(LeaveGroup(group: "g", members: members), token: token, now: time))
        guard case .leave(let answer) = answers[token.rawValue] else { return nil }
        return answer
    }

    func commitOffset(
        _ offset: Offset, partition: Int32 = 0, _ change: (inout OffsetCommit) -> Void = { _ in }
    ) -> UInt64 {
        var request = OffsetCommit(
            group: "g",
            partitions: [
                OffsetCommit.Partition(
                    TopicPartition("orders", partition), CommittedOffset(offset: offset, commitTimestamp: now))
            ])
        change(&request)
        let token = token()
        perform(coordinator.commit(request, token: token, now: time))
        return token.rawValue
    }

    // MARK: Answers

    func joined(_ token: UInt64) -> JoinAnswer? {
        guard case .join(let answer) = answers[token] else { return nil }
        return answer
    }

    func synced(_ token: UInt64) -> SyncAnswer? {
        guard case .sync(let answer) = answers[token] else { return nil }
        return answer
    }

    func committed(_ token: UInt64) -> [ErrorCode]? {
        guard case .commit(let answer) = answers[token] else { return nil }
        return answer.map(\.error)
    }

    func fetched(_ partition: Int32 = 0, stable: Bool = false) -> OffsetFetchAnswer.Partition? {
        coordinator.fetchOffsets(
            OffsetFetch(group: "g", partitions: [TopicPartition("orders", partition)], requireStable: stable)
        ).partitions.first
    }

    // MARK: Scenes

    /// A stable group of `count` members, in generation 1, the first of which leads.
    func stableGroup(_ count: Int, static isStatic: Bool = false) throws -> [String] {
        let tokens = (0..<count).map { index in
            join { if isStatic { $0.instanceID = "instance\(index)" } }
        }
        while joined(tokens[0]) == nil { wait(1000) }
        let members = try tokens.map { try #require(joined($0)).memberID }
        let generation = try #require(joined(tokens[0])).generation
        let leader = try #require(joined(tokens[0])).leader
        for member in members where member != leader { _ = sync(member, generation) }
        _ = sync(leader, generation, Dictionary(uniqueKeysWithValues: members.map { ($0, Array($0.utf8)) }))
        commit()
        #expect(coordinator.describe("g").state == "Stable")
        return members
    }

    static func subscription(_ topics: [String]) -> [UInt8] {
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(0 as Int16, Int32(topics.count))
        for topic in topics {
            bytes.writeInteger(Int16(topic.utf8.count))
            bytes.writeString(topic)
        }
        bytes.writeInteger(-1 as Int32)
        return Array(bytes.readableBytesView)
    }
}
