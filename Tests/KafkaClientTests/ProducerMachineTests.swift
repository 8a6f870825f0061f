// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore
import Synchronization
import Testing

@testable import KafkaClient

@Suite struct ProducerMachineTests {
    private let partition = TopicPartition("t", 0)

    private func machine(_ change: (inout ProducerMachine.Settings) -> Void = { _ in }) -> ProducerMachine {
        var settings = ProducerMachine.Settings()
        settings.batchSize = 1000
        change(&settings)
        var machine = ProducerMachine(settings: settings)
        machine.identified(as: .init(id: 7, epoch: 0))
        return machine
    }

    @discardableResult
    private func append(
        _ machine: inout ProducerMachine, bytes: Int = 10, now: Int64 = 0, to partition: TopicPartition? = nil,
        completion: ProducerMachine.Completion? = nil
    ) -> ProducerMachine.AppendOutcome {
        machine.append(
            partition ?? self.partition, key: nil, value: ByteBuffer(repeating: 65, count: bytes), headers: [],
            timestamp: 1000, now: now, completion: completion)
    }

    private func drain(_ machine: inout ProducerMachine, now: Int64 = 0) -> [ProducerMachine.Drained] {
        machine.drain(now: now, leader: { _ in 1 }).requests[1] ?? []
    }

    @Test func aBatchLingersUntilItsTime() {
        var machine = machine { $0.linger = 50 }
        #expect(append(&machine) == .appended(wakes: true))
        #expect(append(&machine) == .appended(wakes: false))
        let early = machine.drain(now: 10, leader: { _ in 1 })
        #expect(early.requests.isEmpty)
        #expect(early.nextWake == 50)
        let batches = drain(&machine, now: 50)
        #expect(batches.map(\.count) == [2])
    }

    @Test func aFullBatchDoesNotLinger() {
        var machine = machine { $0.linger = 1_000_000 }
        append(&machine, bytes: 600)
        append(&machine, bytes: 600)
        #expect(drain(&machine).map(\.count) == [1])
        #expect(drain(&machine).isEmpty)
    }

    @Test func aFlushEndsTheLingering() {
        var machine = machine { $0.linger = 1_000_000 }
        append(&machine)
        let mark = machine.flushBegan()
        #expect(!machine.isComplete(upTo: mark))
        let batches = drain(&machine)
        _ = machine.completed(batches[0].id, baseOffset: 0, logAppendTime: -1)
        #expect(machine.isComplete(upTo: mark))
    }

    @Test func sequencesCountRecords() {
        var machine = machine()
        append(&machine)
        append(&machine)
        #expect(drain(&machine).map(\.baseSequence) == [0])
        append(&machine)
        #expect(drain(&machine).map(\.baseSequence) == [2])
    }

    @Test func sequencesWrapAround() {
        #expect(ProducerMachine.advance(Int32.max - 1, by: 1) == Int32.max)
        #expect(ProducerMachine.advance(Int32.max - 1, by: 2) == 0)
        #expect(ProducerMachine.advance(Int32.max, by: 3) == 2)
    }

    @Test func aFailedBatchIsSentAgainBeforeAllThatFollow() {
        var machine = machine()
        var sent: [ProducerMachine.Drained] = []
        for _ in 0..<3 {
            append(&machine)
            sent += drain(&machine)
        }
        #expect(sent.map(\.baseSequence) == [0, 1, 2])
        let error = KafkaError(ErrorCode.notLeaderOrFollower)
        for batch in sent {
            _ = machine.failed(batch, error: error, now: 0)
            machine.requestEnded(1)
        }
        // Not before the back-off, and then one at a time in the order of the sequences.
        #expect(drain(&machine, now: 50).isEmpty)
        let first = drain(&machine, now: 200)
        #expect(first.map(\.baseSequence) == [0])
        #expect(drain(&machine, now: 200).isEmpty)
        _ = machine.completed(first[0].id, baseOffset: 0, logAppendTime: -1)
        #expect(drain(&machine, now: 200).map(\.baseSequence) == [1])
    }

    @Test func outOfOrderBehindAFailureIsRetriedButAsTheFirstItIsFatal() {
        var machine = machine()
        append(&machine)
        let first = drain(&machine)[0]
        let results = Shared()
        append(&machine) { results.add($0) }
        let second = drain(&machine)[0]
        let error = KafkaError(ErrorCode.outOfOrderSequenceNumber)
        #expect(machine.failed(second, error: error, now: 0).isEmpty)
        _ = machine.completed(first.id, baseOffset: 0, logAppendTime: -1)
        let again = drain(&machine, now: 1000)[0]
        #expect(again.baseSequence == 1)
        let deliveries = machine.failed(again, error: error, now: 1000)
        #expect(deliveries.count == 1)
        // The epoch is bumped and the sequences begin again.
        append(&machine, now: 1000)
        let next = drain(&machine, now: 2000)[0]
        #expect(next.producer == .init(id: 7, epoch: 1))
        #expect(next.baseSequence == 0)
    }

    @Test func aDuplicateCountsAsWritten() throws {
        var machine = machine()
        let results = Shared()
        append(&machine) { results.add($0) }
        let batch = drain(&machine)[0]
        for delivery in machine.failed(batch, error: KafkaError(ErrorCode.duplicateSequenceNumber), now: 0) {
            delivery.completion(delivery.result)
        }
        #expect(try results.all.map { try $0.get().offset } == [-1])
    }

    @Test func offsetsAreCountedFromTheBatchs() throws {
        var machine = machine()
        let results = Shared()
        for _ in 0..<3 { append(&machine) { results.add($0) } }
        let batch = drain(&machine)[0]
        for delivery in machine.completed(batch.id, baseOffset: 40, logAppendTime: -1) {
            delivery.completion(delivery.result)
        }
        #expect(try results.all.map { try $0.get().offset } == [40, 41, 42])
    }

    @Test func whatIsTooOldIsGivenUp() {
        var machine = machine { $0.deliveryTimeout = 100 }
        let results = Shared()
        append(&machine) { results.add($0) }
        let drain = machine.drain(now: 100, leader: { _ in nil })
        for delivery in drain.deliveries { delivery.completion(delivery.result) }
        guard case .failure(let error)? = results.all.first else {
            Issue.record("no failure")
            return
        }
        #expect(error.kind == .timeout)
        #expect(error.message == "Expiring 1 record(s) for t-0:100 ms has passed since batch creation")
        #expect(machine.isIdle)
        #expect(machine.memoryUsed == 0)
    }

    @Test func memoryBoundsWhatWaits() {
        var machine = machine { $0.bufferMemory = 2500 }
        append(&machine, bytes: 900)
        append(&machine, bytes: 900)
        #expect(append(&machine, bytes: 900) == .noSpace)
        let batch = drain(&machine)[0]
        _ = machine.completed(batch.id, baseOffset: 0, logAppendTime: -1)
        #expect(append(&machine, bytes: 900) == .appended(wakes: true))
    }

    @Test func aRecordBeyondTheRequestSizeIsRefused() {
        var machine = machine { $0.maxRequestSize = 2000 }
        guard case .tooLarge(let size) = append(&machine, bytes: 3000) else {
            Issue.record("accepted")
            return
        }
        #expect(size > 3000)
    }

    @Test func aBrokerGetsAtMostFiveRequestsAtOnce() {
        var machine = machine()
        for index in 0..<7 {
            append(&machine)
            #expect(drain(&machine).count == (index < 5 ? 1 : 0))
        }
        machine.requestEnded(1)
        #expect(drain(&machine).count == 1)
    }

    @Test func nothingLeavesWithoutAProducerID() {
        var machine = ProducerMachine(settings: .init())
        append(&machine)
        let drain = machine.drain(now: 0, leader: { _ in 1 })
        #expect(drain.needsProducerID)
        #expect(drain.requests.isEmpty)
    }

    @Test func partitionsJoinTheTransactionFirst() {
        var machine = machine { $0.transactional = true }
        append(&machine)
        #expect(machine.drain(now: 0, leader: { _ in 1 }).partitionsToAdd == [partition])
        machine.addedToTransaction([partition])
        #expect(drain(&machine).count == 1)
    }

    // MARK: Transactions that fail

    private func transaction() -> ProducerMachine {
        var machine = machine {
            $0.transactional = true
            $0.deliveryTimeout = 1000
        }
        machine.transactionBegan()
        machine.addedToTransaction([partition, TopicPartition("t", 1)])
        return machine
    }

    @Test(arguments: ["refused", "late after an attempt"])
    func aTransactionThatHasLostABatchGivesUpAndNeedsAnotherEpoch(_ how: String) {
        var machine = transaction()
        // Nobody waits for this record in particular.
        append(&machine)
        let lost = drain(&machine)[0]
        if how == "refused" {
            _ = machine.failed(lost, error: KafkaError(ErrorCode.messageTooLarge), now: 0)
        } else {
            _ = machine.failed(lost, error: KafkaError(ErrorCode.notLeaderOrFollower), now: 0)
            _ = machine.drain(now: 1000, leader: { _ in 1 })
        }
        machine.requestEnded(1)
        #expect(machine.transactionFailure?.errorCode == (how == "refused" ? .messageTooLarge : nil))
        #expect(machine.transactionFailure != nil && machine.needsEpoch)
        // What is still handed over is given up, and a flush need not wait for it.
        let results = Shared()
        append(&machine, to: TopicPartition("t", 1)) { results.add($0) }
        let rest = machine.drain(now: 1001, leader: { _ in 1 })
        #expect(rest.requests.isEmpty && rest.deliveries.count == 1 && machine.isIdle)
        // With the next epoch sequences begin anew.
        machine.identified(as: .init(id: 7, epoch: 1))
        machine.transactionBegan()
        machine.addedToTransaction([partition])
        append(&machine, now: 1001)
        let next = drain(&machine, now: 2000)
        #expect(next.map(\.producer) == [.init(id: 7, epoch: 1)] && next.map(\.baseSequence) == [0])
        #expect(!machine.needsEpoch && machine.transactionFailure == nil)
    }

    @Test func anAbortedTransactionSendsNothingAgain() {
        var machine = transaction()
        append(&machine)
        let sent = drain(&machine)[0]
        append(&machine, to: TopicPartition("t", 1))
        _ = machine.transactionFailed(KafkaError(.illegalState, "aborted"))
        #expect(!machine.needsEpoch, "what was not sent has no sequence")
        _ = machine.failed(sent, error: KafkaError(ErrorCode.notLeaderOrFollower), now: 0)
        #expect(machine.isIdle)
        #expect(machine.needsEpoch)
    }

    @Test func anAbortedTransactionOfWhichAllWasWrittenKeepsItsEpoch() {
        var machine = transaction()
        append(&machine)
        let sent = drain(&machine)[0]
        _ = machine.transactionFailed(KafkaError(.illegalState, "aborted"))
        _ = machine.completed(sent.id, baseOffset: 0, logAppendTime: -1)
        #expect(machine.isIdle && !machine.needsEpoch)
        machine.transactionBegan()
        machine.addedToTransaction([partition])
        append(&machine)
        #expect(drain(&machine).map(\.baseSequence) == [1])
    }
}

private final class Shared: Sendable {
    private let results = Mutex<[Result<RecordMetadata, KafkaError>]>([])
    func add(_ result: Result<RecordMetadata, KafkaError>) { results.withLock { $0.append(result) } }
    var all: [Result<RecordMetadata, KafkaError>] { results.withLock { $0 } }
}
