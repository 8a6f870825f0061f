// SPDX-License-Identifier: Apache-2.0

import Coordination
import KafkaModel
import KafkaRecords
import NIOCore
import Testing
import TransactionCoordination

/// A coordinator with a clock moved by hand, a log in memory, and markers that are written when the test says so.
final class TransactionScene {
    var coordinator: TransactionCoordinator
    var now: Timestamp = 1_000_000
    /// How far the wall clock is from where it was.
    var jump: Int64 = 0
    var time: CoordinatorTime { CoordinatorTime(uptime: now, wallClock: now + jump) }
    /// Answers that have come, by token.
    private(set) var answers: [UInt64: TransactionReply] = [:]
    /// Appends that have not ended.
    private(set) var appends: [(id: AppendID, batch: CoordinatorBatch)] = []
    /// Markers that somebody has to write.
    var markers: [TransactionMarkers] = []
    /// What is on the log.
    private(set) var log: [ByteBuffer] = []
    private var lastToken: UInt64 = 0
    private var lastProducerID: ProducerID = 99

    init(_ change: (inout TransactionConfiguration) -> Void = { _ in }) {
        var configuration = TransactionConfiguration()
        change(&configuration)
        coordinator = TransactionCoordinator(configuration: configuration, coordinatorEpoch: 3)
        perform(coordinator.finishLoading(now: time))
    }

    func perform(_ actions: [TransactionAction]) {
        for action in actions {
            switch action {
            case .append(let id, let batch): appends.append((id, batch))
            case .reply(let token, let reply):
                #expect(answers[token.rawValue] == nil, "a token is answered once")
                answers[token.rawValue] = reply
            case .errand(let markers): self.markers.append(markers)
            }
        }
    }

    /// Ends the appends that are on their way now; what they lead to stays.
    func commit(_ error: ErrorCode = .none) {
        let ended = appends
        appends = []
        for (id, batch) in ended {
            if error.isNone { log.append(batch.encoded()) }
            perform(coordinator.appended(id, error: error, baseOffset: 0, now: time))
        }
    }

    /// Says what became of all markers that are asked for.
    func writeMarkers(_ outcome: (TopicPartition) -> ErrorCode = { _ in .none }) {
        let asked = markers
        markers = []
        for batch in asked {
            perform(
                coordinator.markersWritten(batch, outcomes: batch.partitions.map { ($0, outcome($0)) }, now: time))
        }
    }

    func wait(_ milliseconds: Int64) {
        now += milliseconds
        perform(coordinator.advance(to: time))
    }

    /// Another broker takes the partition over.
    func failOver() throws {
        perform(coordinator.unload(now: time))
        appends = []
        markers = []
        coordinator = TransactionCoordinator(
            configuration: coordinator.configuration, coordinatorEpoch: coordinator.coordinatorEpoch + 1)
        for bytes in log {
            for batch in try RecordBatches(bytes).all() { try coordinator.load(batch, now: time) }
        }
        perform(coordinator.finishLoading(now: time))
    }

    private func token() -> RequestToken {
        lastToken += 1
        return RequestToken(lastToken)
    }

    /// The answer to a request: nil while it waits.
    typealias Answer<Value> = () -> Value?

    func initialize(
        _ id: String, timeout: Int32 = 60_000, expected: ProducerIdentity? = nil, hasProducerIDs: Bool = true
    ) -> Answer<InitProducerIDAnswer> {
        let token = token()
        var request = InitProducerID(transactionalID: id, timeout: timeout, expected: expected)
        if hasProducerIDs, coordinator.needsProducerID(request) {
            lastProducerID += 1
            request.freshProducerID = lastProducerID
        }
        perform(coordinator.initProducerID(request, token: token, now: time))
        return { [self] in
            guard case .initialized(let answer) = answers[token.rawValue] else { return nil }
            return answer
        }
    }

    func add(_ id: String, _ producer: ProducerIdentity, _ partitions: TopicPartition...) -> Answer<ErrorCode> {
        let token = token()
        let request = AddPartitions(transactionalID: id, producer: producer, partitions: partitions)
        perform(coordinator.addPartitions(request, token: token, now: time))
        return { [self] in
            guard case .partitionsAdded(let error) = answers[token.rawValue] else { return nil }
            return error
        }
    }

    func end(_ id: String, _ producer: ProducerIdentity, commit: Bool) -> Answer<ErrorCode> {
        let token = token()
        let request = EndTransaction(transactionalID: id, producer: producer, isCommit: commit)
        perform(coordinator.end(request, token: token, now: time))
        return { [self] in
            guard case .ended(let error) = answers[token.rawValue] else { return nil }
            return error
        }
    }

    /// A producer that is ready.
    func producer(_ id: String = "t", timeout: Int32 = 60_000) throws -> ProducerIdentity {
        let answer = initialize(id, timeout: timeout)
        commit()
        return try #require(answer()).producer
    }

    /// A producer in each state.
    func producer(_ id: String = "t", in state: TransactionState) throws -> ProducerIdentity {
        let producer = try producer(id)
        try bring(id, producer, to: state)
        return producer
    }

    /// From a producer that has just begun to any state.
    func bring(_ id: String, _ producer: ProducerIdentity, to state: TransactionState) throws {
        guard state != .empty else { return }
        _ = add(id, producer, TopicPartition("a", 0))
        commit()
        guard state != .ongoing else { return }
        _ = end(id, producer, commit: state == .prepareCommit || state == .completeCommit)
        commit()
        if state == .completeCommit || state == .completeAbort {
            writeMarkers()
            commit()
        }
        #expect(self.state(id) == state)
    }

    func state(_ id: String = "t") -> TransactionState? { coordinator.describe(id).snapshot?.state }

    /// A transactional id that a log in this state describes.
    func load(_ id: String, _ snapshot: TransactionSnapshot) throws {
        let (key, value) = try TransactionRecord(transactionalID: id, value: snapshot).encoded()
        log.append(
            CoordinatorBatch(records: [.init(key: key, value: value)], timestamp: now).encoded())
        try failOver()
    }
}

let a0 = TopicPartition("a", 0)
let a1 = TopicPartition("a", 1)
let b0 = TopicPartition("b", 0)

extension ProducerIdentity {
    func with(id: ProducerID? = nil, epoch: ProducerEpoch? = nil) -> ProducerIdentity {
        ProducerIdentity(id: id ?? self.id, epoch: epoch ?? self.epoch)
    }
}
