// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Testing
import TransactionCoordination

@Suite struct InitProducerIDTests {
    @Test func aNewIDGetsAProducerOnceItIsOnTheLog() throws {
        let scene = TransactionScene()
        let answer = scene.initialize("t", timeout: 5000)
        #expect(answer() == nil)
        #expect(scene.coordinator.describe("t").error == .transactionalIDNotFound)
        scene.commit()
        #expect(answer() == InitProducerIDAnswer(producer: ProducerIdentity(id: 100, epoch: 0)))
        let snapshot = try #require(scene.coordinator.describe("t").snapshot)
        #expect(snapshot.state == .empty && snapshot.timeout == 5000 && snapshot.start == -1)
        #expect(snapshot.lastUpdate == scene.now)
    }

    @Test func refusals() {
        let scene = TransactionScene { $0.maxTimeout = 1000 }
        #expect(scene.initialize("")()?.error == .invalidRequest)
        for timeout: Int32 in [0, -1, 1001, .max, .min] {
            #expect(scene.initialize("t", timeout: timeout)()?.error == .invalidTransactionTimeout)
        }
        #expect(scene.initialize("t", timeout: 1000, hasProducerIDs: false)()?.error == .coordinatorLoadInProgress)
        #expect(scene.initialize(String(repeating: "t", count: 32768), timeout: 1000)()?.error == .invalidRequest)
        #expect(scene.appends.isEmpty)
    }

    @Test func aSecondRequestWaitsForTheFirst() throws {
        let scene = TransactionScene()
        let first = scene.initialize("t")
        #expect(scene.initialize("t")()?.error == .concurrentTransactions)
        scene.commit()
        #expect(first()?.error == ErrorCode.none)
        #expect(try scene.producer() == ProducerIdentity(id: 100, epoch: 1))
    }

    @Test(arguments: [
        (ErrorCode.notEnoughReplicas, ErrorCode.coordinatorNotAvailable),
        (.notEnoughReplicasAfterAppend, .coordinatorNotAvailable), (.requestTimedOut, .coordinatorNotAvailable),
        (.unknownTopicOrPartition, .coordinatorNotAvailable), (.notLeaderOrFollower, .notCoordinator),
        (.kafkaStorageError, .notCoordinator), (.messageTooLarge, .unknownServerError),
        (.recordListTooLarge, .unknownServerError),
    ])
    func failedAppendsChangeNothing(_ failure: ErrorCode, _ told: ErrorCode) throws {
        let scene = TransactionScene()
        let new = scene.initialize("t")
        scene.commit(failure)
        #expect(new() == InitProducerIDAnswer(error: told))
        #expect(scene.coordinator.describe("t").error == .transactionalIDNotFound)
        let producer = try scene.producer()
        #expect(producer == ProducerIdentity(id: 101, epoch: 0))
        _ = scene.initialize("t")
        scene.commit(failure)
        let added = scene.add("t", producer, a0)
        scene.commit(failure)
        #expect(added() == told)
        #expect(scene.state() == .empty)
        _ = scene.add("t", producer, a0)
        scene.commit()
        let ended = scene.end("t", producer, commit: true)
        scene.commit(failure)
        #expect(ended() == told)
        #expect(scene.state() == .ongoing && scene.markers.isEmpty)
    }

    @Test(arguments: [TransactionState.empty, .completeCommit, .completeAbort])
    func anIdleIDGivesTheNextEpoch(_ state: TransactionState) throws {
        let scene = TransactionScene()
        let old = try scene.producer(in: state)
        #expect(try scene.producer(timeout: 7000) == old.with(epoch: 1))
        let snapshot = try #require(scene.coordinator.describe("t").snapshot)
        #expect(snapshot.state == .empty && snapshot.timeout == 7000 && snapshot.partitions.isEmpty)
        // The predecessor is fenced.
        #expect(scene.add("t", old, a0)() == .producerFenced)
        #expect(scene.end("t", old, commit: true)() == .producerFenced)
    }

    @Test(arguments: [TransactionState.prepareCommit, .prepareAbort])
    func aTransactionThatEndsIsWaitedFor(_ state: TransactionState) throws {
        let scene = TransactionScene()
        _ = try scene.producer(in: state)
        #expect(scene.initialize("t")()?.error == .concurrentTransactions)
    }

    @Test func anOpenTransactionIsAbortedAndItsProducerFenced() throws {
        let scene = TransactionScene()
        let old = try scene.producer(in: .ongoing)
        let answer = scene.initialize("t")
        // The fence holds from the start.
        #expect(scene.add("t", old, a1)() == .producerFenced)
        #expect(scene.end("t", old, commit: true)() == .producerFenced)
        #expect(answer() == nil)
        scene.commit()
        #expect(answer()?.error == .concurrentTransactions)
        #expect(scene.markers.map(\.producer) == [old.with(epoch: 1)] && scene.markers[0].isCommit == false)
        scene.writeMarkers()
        scene.commit()
        #expect(scene.state() == .completeAbort)
        #expect(try scene.producer() == old.with(epoch: 2))
    }

    @Test func aFenceThatFailedIsTriedAgainWithTheSameEpoch() throws {
        let scene = TransactionScene()
        let old = try scene.producer(in: .ongoing)
        let answer = scene.initialize("t")
        scene.commit(.notEnoughReplicas)
        #expect(answer()?.error == .coordinatorNotAvailable)
        // Whether the record is on some replica nobody knows: the producer stays fenced.
        #expect(scene.end("t", old, commit: true)() == .producerFenced)
        #expect(scene.coordinator.describe("t").snapshot?.producer == old.with(epoch: 1))
        _ = scene.initialize("t")
        scene.commit()
        #expect(scene.markers.map(\.producer.epoch) == [1])
    }

    // MARK: KIP-360

    @Test func aProducerThatNamesItselfGetsTheNextEpoch() throws {
        let scene = TransactionScene()
        let old = try scene.producer(in: .completeAbort)
        let answer = scene.initialize("t", expected: old)
        scene.commit()
        #expect(answer()?.producer == old.with(epoch: 1))
        // Its answer was lost: it gets the same again.
        for _ in 0..<2 {
            let again = scene.initialize("t", expected: old)
            scene.commit()
            #expect(again()?.producer == old.with(epoch: 1))
        }
    }

    @Test func aProducerThatIsSomebodyElseIsFenced() throws {
        let scene = TransactionScene()
        let old = try scene.producer()
        let current = try scene.producer()
        // Another one came in between, so the old epoch is no retry.
        #expect(scene.initialize("t", expected: old)()?.error == .producerFenced)
        #expect(scene.initialize("t", expected: current.with(id: 7))()?.error == .producerFenced)
        #expect(scene.initialize("t", expected: current.with(epoch: 5))()?.error == .producerFenced)
        #expect(scene.initialize("t", expected: current.with(epoch: -1))()?.error == .producerFenced)
        #expect(scene.appends.isEmpty)
    }

    /// For whom a producer takes itself, beside the current one (id 100, epoch 2) and its predecessor (epoch 1).
    enum Expectation: CaseIterable {
        case none, current, previous, past, future, stranger

        var identity: ProducerIdentity? {
            switch self {
            case .none: nil
            case .current: ProducerIdentity(id: 100, epoch: 2)
            case .previous: ProducerIdentity(id: 100, epoch: 1)
            case .past: ProducerIdentity(id: 100, epoch: 0)
            case .future: ProducerIdentity(id: 100, epoch: 3)
            case .stranger: ProducerIdentity(id: 7, epoch: 2)
            }
        }
    }

    /// What a producer is answered: an epoch, or an error; then whether anything was written.
    static func answer(_ expectation: Expectation, in state: TransactionState) -> (ErrorCode, ProducerEpoch, Bool) {
        switch (state, expectation) {
        case (_, .stranger): (.producerFenced, -1, false)
        case (.prepareCommit, _), (.prepareAbort, _): (.concurrentTransactions, -1, false)
        // Told to come again while the transaction is aborted.
        case (.ongoing, .none), (.ongoing, .current): (.concurrentTransactions, -1, true)
        // Here Kafka would abort the successor's transaction.
        case (.ongoing, _): (.producerFenced, -1, false)
        case (_, .none), (_, .current): (.none, 3, true)
        // A retry, whose answer was lost.
        case (_, .previous): (.none, 2, true)
        case (_, .past), (_, .future): (.producerFenced, -1, false)
        }
    }

    @Test(arguments: TransactionState.allCases, Expectation.allCases)
    func whoAProducerTakesItselfFor(_ state: TransactionState, _ expectation: Expectation) throws {
        let scene = TransactionScene()
        _ = try scene.producer()
        for epoch: ProducerEpoch in [0, 1] {
            _ = scene.initialize("t", expected: ProducerIdentity(id: 100, epoch: epoch))
            scene.commit()
        }
        try scene.bring("t", ProducerIdentity(id: 100, epoch: 2), to: state)
        let before = scene.coordinator.describe("t").snapshot
        let answer = scene.initialize("t", expected: expectation.identity)
        let expected = Self.answer(expectation, in: state)
        #expect(!scene.appends.isEmpty == expected.2)
        scene.commit()
        #expect(answer()?.error == expected.0)
        #expect(answer()?.producer.epoch == expected.1)
        if !expected.2 { #expect(scene.coordinator.describe("t").snapshot == before) }
    }

    @Test func aFenceThatFailedIsTriedAgainByWhoAskedForIt() throws {
        let scene = TransactionScene()
        let producer = try scene.producer(in: .ongoing)
        _ = scene.initialize("t", expected: producer)
        scene.commit(.notEnoughReplicas)
        let answer = scene.initialize("t", expected: producer)
        scene.commit()
        #expect(answer()?.error == .concurrentTransactions)
        #expect(scene.state() == .prepareAbort)
    }

    @Test func aNewIDTakesAnyExpectation() throws {
        let scene = TransactionScene()
        let answer = scene.initialize("t", expected: ProducerIdentity(id: 5, epoch: 9))
        scene.commit()
        #expect(answer()?.producer == ProducerIdentity(id: 100, epoch: 0))
    }

    @Test func usedUpEpochsGiveANewProducerID() throws {
        let scene = TransactionScene()
        let last = ProducerIdentity(id: 5, epoch: .max - 1)
        try scene.load("t", TransactionSnapshot(producer: last, timeout: 1000, state: .empty, lastUpdate: 0))
        #expect(scene.initialize("t", expected: last.with(epoch: 3))()?.error == .producerFenced)
        let answer = scene.initialize("t", expected: last)
        scene.commit()
        #expect(answer()?.producer == ProducerIdentity(id: 100, epoch: 0))
        // The answer with the new id was lost.
        let again = scene.initialize("t", expected: last)
        scene.commit()
        #expect(again()?.producer == ProducerIdentity(id: 100, epoch: 0))
        #expect(scene.initialize("t", expected: last.with(epoch: 4))()?.error == .producerFenced)
        // Who has begun a transaction has had the answer.
        _ = scene.add("t", ProducerIdentity(id: 100, epoch: 0), a0)
        scene.commit()
        #expect(scene.initialize("t", expected: last)()?.error == .producerFenced)
    }

    @Test func theLastEpochIsKeptForTheFence() throws {
        let scene = TransactionScene()
        let last = ProducerIdentity(id: 5, epoch: .max - 1)
        try scene.load(
            "t",
            TransactionSnapshot(producer: last, timeout: 1, state: .ongoing, partitions: [a0], lastUpdate: 0, start: 0))
        _ = scene.initialize("t")
        scene.commit()
        #expect(scene.markers.map(\.producer.epoch) == [.max])
        scene.writeMarkers()
        scene.commit()
        #expect(try scene.producer() == ProducerIdentity(id: 100, epoch: 0))
    }
}
