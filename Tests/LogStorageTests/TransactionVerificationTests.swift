// SPDX-License-Identifier: Apache-2.0

import Foundation
import KafkaModel
import KafkaRecords
import Testing

@testable import LogStorage

/// The log's side of KIP-890: no transaction begins in a partition unless its coordinator knows of it.
@Suite struct TransactionVerificationTests {
    private func batch(
        _ producer: ProducerID = 1, epoch: ProducerEpoch = 0, sequence: Int32, offset: Offset
    ) -> ProducerBatch {
        ProducerBatch(
            producerID: producer, epoch: epoch, firstSequence: sequence, firstOffset: offset, lastOffset: offset,
            maxTimestamp: 100, isTransactional: true, isControl: false, marker: nil)
    }

    private func marker(epoch: ProducerEpoch = 0, offset: Offset) -> ProducerBatch {
        ProducerBatch(
            producerID: 1, epoch: epoch, firstSequence: -1, firstOffset: offset, lastOffset: offset,
            maxTimestamp: 100, isTransactional: true, isControl: true,
            marker: EndTransactionMarker(isCommit: false, coordinatorEpoch: 0))
    }

    private func code(
        _ manager: ProducerStateManager, _ batch: ProducerBatch, _ proof: TransactionProof,
        _ origin: AppendOrigin = .client
    ) -> ErrorCode? {
        do throws(LogError) {
            try manager.check(batch, origin: origin, proof: proof)
            return nil
        } catch {
            return error.errorCode
        }
    }

    private func begin(
        _ manager: inout ProducerStateManager, epoch: ProducerEpoch = 0, sequence: Int32 = 0, now: Timestamp = 0
    ) -> VerificationGuard? {
        manager.beginVerification(of: 1, epoch: epoch, firstSequence: sequence, now: now)
    }

    @Test(arguments: [AppendOrigin.client, .coordinator])
    func theFirstRecordsNeedTheGuard(_ origin: AppendOrigin) throws {
        var manager = ProducerStateManager()
        let first = batch(sequence: 0, offset: 0)
        #expect(code(manager, first, .required(nil), origin) == .invalidTxnState)
        #expect(code(manager, first, .notRequired, origin) == nil)
        let held = try #require(begin(&manager))
        #expect(code(manager, first, .required(nil), origin) == .invalidTxnState)
        #expect(code(manager, first, .required(VerificationGuard(held.rawValue + 1)), origin) == .invalidTxnState)
        #expect(code(manager, batch(2, sequence: 0, offset: 0), .required(held), origin) == .invalidTxnState)
        #expect(code(manager, first, .required(held), origin) == nil)
    }

    @Test func whatFollowsInTheTransactionDoesNot() throws {
        var manager = ProducerStateManager()
        let held = try #require(begin(&manager))
        manager.apply(batch(sequence: 0, offset: 0))
        #expect(begin(&manager) == nil)
        #expect(code(manager, batch(sequence: 1, offset: 1), .required(nil)) == nil)
        // The answer to a second question, which was asked before the transaction had begun.
        #expect(code(manager, batch(sequence: 1, offset: 1), .required(held)) == nil)
        // Another life of the producer has another transaction.
        #expect(begin(&manager, epoch: 1) != nil)
        #expect(code(manager, batch(epoch: 1, sequence: 0, offset: 1), .required(nil)) == .invalidTxnState)
    }

    @Test func aMarkerOvertakesTheAnswer() throws {
        var manager = ProducerStateManager()
        let held = try #require(begin(&manager))
        // The coordinator has said yes, then the transaction was aborted, and only now come the records.
        manager.apply(marker(offset: 0))
        #expect(code(manager, batch(sequence: 0, offset: 1), .required(held)) == .invalidTxnState)
        // The next transaction's question does not revive it.
        let next = try #require(begin(&manager))
        #expect(next != held)
        #expect(code(manager, batch(sequence: 0, offset: 1), .required(held)) == .invalidTxnState)
        #expect(code(manager, batch(sequence: 0, offset: 1), .required(next)) == nil)
        // Nor does a marker after it leave the transaction open for more.
        manager.apply(batch(sequence: 0, offset: 1))
        manager.apply(marker(offset: 2))
        #expect(code(manager, batch(sequence: 1, offset: 3), .required(nil)) == .invalidTxnState)
        #expect(code(manager, batch(sequence: 1, offset: 3), .required(next)) == .invalidTxnState)
    }

    /// The answer took longer than the rest of its transaction; meanwhile the next has begun, with the same epoch.
    @Test(arguments: [AppendOrigin.client, .coordinator])
    func anAnswerAboutTheTransactionBeforeDoesNotCountInTheNext(_ origin: AppendOrigin) throws {
        var manager = ProducerStateManager()
        let late = try #require(begin(&manager))
        manager.apply(batch(sequence: 0, offset: 0))
        manager.apply(marker(offset: 1))
        let held = try #require(begin(&manager, sequence: 1))
        manager.apply(batch(sequence: 1, offset: 2))
        #expect(code(manager, batch(sequence: 2, offset: 3), .required(late), origin) == .invalidTxnState)
        #expect(code(manager, batch(sequence: 2, offset: 3), .required(held), origin) == nil)
        #expect(code(manager, batch(sequence: 2, offset: 3), .required(nil), origin) == nil)
    }

    @Test func noBatchOvertakesAnEarlierOneThatWaits() throws {
        var manager = ProducerStateManager()
        let held = try #require(begin(&manager, sequence: 7))
        #expect(begin(&manager, sequence: 5) == held)
        #expect(begin(&manager, sequence: 9) == held)
        #expect(code(manager, batch(sequence: 7, offset: 0), .required(held)) == .outOfOrderSequenceNumber)
        #expect(code(manager, batch(sequence: 5, offset: 0), .required(held)) == nil)
        // A new life begins anew.
        #expect(begin(&manager, epoch: 1, sequence: 8) == held)
        #expect(code(manager, batch(epoch: 1, sequence: 8, offset: 0), .required(held)) == nil)
        // Positions of a group have no sequence numbers.
        #expect(code(manager, batch(epoch: 1, sequence: 9, offset: 0), .required(held), .coordinator) == nil)
    }

    @Test func markersAndLeadersNeedNone() {
        let manager = ProducerStateManager()
        #expect(code(manager, marker(offset: 0), .required(nil), .coordinator) == nil)
        #expect(code(manager, batch(sequence: 0, offset: 0), .notRequired, .replication) == nil)
    }

    @Test func questionsThatNobodyAnsweredAreForgotten() throws {
        var manager = ProducerStateManager()
        let held = try #require(begin(&manager, now: 1000))
        manager.removeExpired(now: 1999, expiration: 1000)
        #expect(code(manager, batch(sequence: 0, offset: 0), .required(held)) == nil)
        manager.removeExpired(now: 2000, expiration: 1000)
        #expect(code(manager, batch(sequence: 0, offset: 0), .required(held)) == .invalidTxnState)
    }

    @Test func lateRecordsLeaveNoTransactionOpen() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "verification-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let log = try TestLog(directory).open()
        func append(_ sequence: Int32, _ proof: TransactionProof) throws(LogError) {
            var batch = TestBatch(["v"], producerID: 1, epoch: 0, sequence: sequence, isTransactional: true)
            _ = try batch.appended(to: log, proof)
        }
        let held = try #require(log.beginVerification(of: 1, epoch: 0, firstSequence: 0, now: 1000))
        try append(0, .required(held))
        #expect(log.beginVerification(of: 1, epoch: 0, firstSequence: 1, now: 1000) == nil)
        try append(1, .required(nil))
        try log.append(TestBatch.marker(1, epoch: 0, commit: true), origin: .coordinator)
        log.updateHighWatermark(3)
        #expect(log.offsets.lastStable == 3)
        // A batch that was under way when the transaction ended.
        #expect(throws: LogError.self) { try append(2, .required(nil)) }
        #expect(throws: LogError.self) { try append(2, .required(held)) }
        #expect(log.offsets.logEnd == 3 && !log.hasOpenTransaction(1))
        // Read anew, a log knows no guards; and it never gives out one that somebody still holds.
        let waiting = try #require(log.beginVerification(of: 1, epoch: 0, firstSequence: 2, now: 1000))
        try log.truncateFullyAndStart(at: 3, now: 1000)
        #expect(throws: LogError.self) { try append(2, .required(waiting)) }
    }
}

extension TestBatch {
    fileprivate mutating func appended(to log: PartitionLog, _ proof: TransactionProof) throws(LogError)
        -> LogAppendInfo
    {
        try log.append(&self, leaderEpoch: 0, proof: proof, now: 1000)
    }
}
