// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import Testing

@testable import LogStorage

@Suite struct ProducerStateTests {
    private func batch(
        epoch: ProducerEpoch = 0, sequence: Int32, count: Int32 = 1, offset: Offset, transactional: Bool = false
    ) -> ProducerBatch {
        ProducerBatch(
            producerID: 1, epoch: epoch, firstSequence: sequence, firstOffset: offset,
            lastOffset: offset + Int64(count) - 1, maxTimestamp: 100, isTransactional: transactional,
            isControl: false, marker: nil)
    }

    private func marker(epoch: ProducerEpoch, commit: Bool, coordinator: Int32 = 0, offset: Offset) -> ProducerBatch {
        ProducerBatch(
            producerID: 1, epoch: epoch, firstSequence: -1, firstOffset: offset, lastOffset: offset,
            maxTimestamp: 100, isTransactional: true, isControl: true,
            marker: EndTransactionMarker(isCommit: commit, coordinatorEpoch: coordinator))
    }

    private func code(_ manager: ProducerStateManager, _ batch: ProducerBatch, _ origin: AppendOrigin = .client)
        -> ErrorCode?
    {
        do throws(LogError) {
            try manager.check(batch, origin: origin)
            return nil
        } catch {
            return error.errorCode
        }
    }

    @Test func sequenceNumbersFollowOneAnother() {
        var manager = ProducerStateManager()
        // Of an unknown producer any sequence is taken.
        #expect(code(manager, batch(sequence: 17, offset: 0)) == nil)
        manager.apply(batch(sequence: 0, count: 3, offset: 0))
        #expect(code(manager, batch(sequence: 3, offset: 3)) == nil)
        #expect(code(manager, batch(sequence: 4, offset: 3)) == .outOfOrderSequenceNumber)
        #expect(code(manager, batch(sequence: 2, offset: 3)) == .outOfOrderSequenceNumber)
        // A new epoch begins at 0.
        #expect(code(manager, batch(epoch: 1, sequence: 3, offset: 3)) == .outOfOrderSequenceNumber)
        #expect(code(manager, batch(epoch: 1, sequence: 0, offset: 3)) == nil)
        manager.apply(batch(epoch: 1, sequence: 0, offset: 3))
        #expect(code(manager, batch(epoch: 0, sequence: 3, offset: 4)) == .invalidProducerEpoch)
        // A leader's batches are taken as they are.
        #expect(code(manager, batch(epoch: 0, sequence: 99, offset: 4), .replication) == nil)
    }

    @Test func sequenceNumbersWrap() {
        var manager = ProducerStateManager()
        manager.apply(batch(sequence: .max - 1, count: 3, offset: 0))
        #expect(manager.producers[1]?.lastSequence == 0)
        #expect(manager.producers[1]?.batches.first?.firstSequence == Int32.max - 1)
        #expect(code(manager, batch(sequence: 1, offset: 3)) == nil)
        var other = ProducerStateManager()
        other.apply(batch(sequence: .max, offset: 0))
        #expect(code(other, batch(sequence: 0, offset: 1)) == nil)
    }

    @Test func theLastFiveBatchesAreRecognised() {
        var manager = ProducerStateManager()
        for index in 0..<7 { manager.apply(batch(sequence: Int32(index) * 2, count: 2, offset: Int64(index) * 2)) }
        for index in 0..<7 {
            let again = manager.duplicate(of: batch(sequence: Int32(index) * 2, count: 2, offset: 100))
            #expect((again?.firstOffset ?? -1) == (index < 2 ? -1 : Int64(index) * 2))
        }
        // Another length is no duplicate.
        #expect(manager.duplicate(of: batch(sequence: 12, count: 1, offset: 100)) == nil)
        #expect(manager.duplicate(of: batch(epoch: 1, sequence: 12, count: 2, offset: 100)) == nil)
    }

    @Test func transactionsOpenWithDataAndEndWithMarkers() {
        var manager = ProducerStateManager()
        manager.apply(batch(sequence: 0, offset: 10, transactional: true))
        #expect(manager.firstOpen == 10)
        #expect(manager.hasOpenTransaction(1))
        #expect(code(manager, batch(sequence: 1, offset: 11)) == .invalidTxnState)
        manager.apply(batch(sequence: 1, offset: 11, transactional: true))
        let end = manager.apply(marker(epoch: 0, commit: false, coordinator: 5, offset: 12))
        #expect(
            end == CompletedTransaction(producerID: 1, firstOffset: 10, lastOffset: 12, isAborted: true))
        #expect(manager.firstOpen == nil)
        // A coordinator that has been replaced may not end anything.
        #expect(
            code(manager, marker(epoch: 0, commit: true, coordinator: 4, offset: 13), .coordinator)
                == .transactionCoordinatorFenced)
        // A marker without a transaction ends none, and one with a larger epoch fences.
        let none = manager.apply(marker(epoch: 1, commit: true, coordinator: 5, offset: 13))
        #expect(none == nil)
        #expect(code(manager, batch(sequence: 2, offset: 14, transactional: true)) == .invalidProducerEpoch)
        #expect(
            code(manager, batch(epoch: 1, sequence: 1, offset: 14, transactional: true)) == .outOfOrderSequenceNumber)
        #expect(code(manager, batch(epoch: 1, sequence: 0, offset: 14, transactional: true)) == nil)
    }

    @Test func snapshotsKeepTheLastBatchAndRefuseDamage() throws {
        var manager = ProducerStateManager()
        manager.apply(batch(sequence: 0, count: 3, offset: 0))
        manager.apply(batch(sequence: 3, count: 2, offset: 3, transactional: true))
        let bytes = ProducerSnapshot.encode(manager.snapshot)
        let back = try ProducerSnapshot.decode(bytes, path: "x")
        #expect(back.count == 1)
        #expect(back[0].lastSequence == 4 && back[0].lastOffset == 4 && back[0].transactionStart == 3)
        let restored = ProducerStateManager(back, at: 5, now: 100, expiration: 1000)
        #expect(restored.firstOpen == 3)
        #expect(restored.duplicate(of: batch(sequence: 3, count: 2, offset: 9)) != nil)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            #expect(throws: MalformedFile.self) { try ProducerSnapshot.decode(damaged, path: "x") }
        }
        for length in bytes.indices {
            #expect(throws: MalformedFile.self) { try ProducerSnapshot.decode(Array(bytes[..<length]), path: "x") }
        }
    }

    @Test func silentProducersAreForgottenUnlessTheirTransactionIsOpen() {
        var manager = ProducerStateManager()
        manager.apply(batch(sequence: 0, offset: 0, transactional: true))
        var removed = manager.removeExpired(now: 10_000, expiration: 1000)
        #expect(removed == 0)
        manager.apply(marker(epoch: 0, commit: true, offset: 1))
        removed = manager.removeExpired(now: 1099, expiration: 1000)
        #expect(removed == 0)
        removed = manager.removeExpired(now: 1100, expiration: 1000)
        #expect(removed == 1)
    }
}
