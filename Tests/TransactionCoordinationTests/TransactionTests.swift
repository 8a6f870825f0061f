// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Testing
import TransactionCoordination

@Suite struct TransactionTests {
    // MARK: Partitions

    @Test func partitionsJoinTheTransactionOnceTheyAreOnTheLog() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        let first = scene.add("t", producer, a0, b0)
        #expect(first() == nil && scene.state() == .empty)
        scene.commit()
        #expect(first() == ErrorCode.none)
        let start = scene.now
        scene.wait(10)
        _ = scene.add("t", producer, a1, a0)
        scene.commit()
        let snapshot = try #require(scene.coordinator.describe("t").snapshot)
        #expect(snapshot.partitions == [a0, b0, a1])
        #expect(snapshot.state == .ongoing && snapshot.start == start && snapshot.lastUpdate == start + 10)
    }

    @Test func partitionsThatAreInTheTransactionNeedNoRecord() throws {
        let scene = TransactionScene()
        let producer = try scene.producer(in: .ongoing)
        #expect(scene.add("t", producer, a0)() == ErrorCode.none)
        #expect(scene.appends.isEmpty)
    }

    @Test func aNextTransactionBeginsWithoutTheLastOnesPartitions() throws {
        let scene = TransactionScene()
        let producer = try scene.producer(in: .completeCommit)
        scene.wait(50)
        _ = scene.add("t", producer, b0)
        scene.commit()
        #expect(scene.coordinator.describe("t").snapshot?.partitions == [b0])
        #expect(scene.coordinator.describe("t").snapshot?.start == scene.now)
    }

    @Test func onlyTheCurrentProducerAddsPartitions() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        #expect(scene.add("", producer, a0)() == .invalidRequest)
        #expect(scene.add("unknown", producer, a0)() == .invalidProducerIDMapping)
        #expect(scene.add("t", producer.with(id: 1), a0)() == .invalidProducerIDMapping)
        #expect(scene.add("t", producer.with(epoch: 1), a0)() == .producerFenced)
        #expect(scene.add("t", producer.with(epoch: -1), a0)() == .producerFenced)
        _ = scene.add("t", producer, a0)
        #expect(scene.add("t", producer, a1)() == .concurrentTransactions)
    }

    @Test(arguments: [TransactionState.prepareCommit, .prepareAbort])
    func aTransactionThatEndsTakesNoPartitions(_ state: TransactionState) throws {
        let scene = TransactionScene()
        let producer = try scene.producer(in: state)
        #expect(scene.add("t", producer, a0)() == .concurrentTransactions)
    }

    // MARK: Verification (KIP-890)

    @Test func verificationTellsWhatIsInTheTransaction() throws {
        let scene = TransactionScene()
        let producer = try scene.producer(in: .ongoing)
        func verify(_ id: String, _ producer: ProducerIdentity) -> [ErrorCode] {
            scene.coordinator.verify(AddPartitions(transactionalID: id, producer: producer, partitions: [a0, a1]))
        }
        #expect(verify("t", producer) == [.none, .transactionAbortable])
        #expect(verify("", producer) == [.invalidRequest, .invalidRequest])
        #expect(verify("u", producer) == [.invalidProducerIDMapping, .invalidProducerIDMapping])
        #expect(verify("t", producer.with(id: 1)) == [.invalidProducerIDMapping, .invalidProducerIDMapping])
        #expect(verify("t", producer.with(epoch: 4)) == [.producerFenced, .producerFenced])
        _ = scene.end("t", producer, commit: true)
        // On its way is not there: the leader's own guard catches what comes later.
        #expect(verify("t", producer) == [.none, .transactionAbortable])
        scene.commit()
        #expect(verify("t", producer) == [.concurrentTransactions, .concurrentTransactions])
        scene.writeMarkers()
        scene.commit()
        #expect(verify("t", producer) == [.transactionAbortable, .transactionAbortable])
    }

    // MARK: The end

    @Test(arguments: [true, false])
    func theEndIsDecidedThenMarkedThenComplete(_ isCommit: Bool) throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        _ = scene.add("t", producer, a0, b0)
        scene.commit()
        let answer = scene.end("t", producer, commit: isCommit)
        #expect(answer() == nil && scene.markers.isEmpty)
        scene.commit()
        #expect(answer() == ErrorCode.none)
        #expect(scene.state() == (isCommit ? .prepareCommit : .prepareAbort))
        #expect(
            scene.markers == [
                TransactionMarkers(
                    transactionalID: "t", producer: producer, isCommit: isCommit, coordinatorEpoch: 3,
                    partitions: [a0, b0])
            ])
        let start = scene.coordinator.describe("t").snapshot?.start
        scene.wait(5)
        scene.writeMarkers()
        #expect(scene.end("t", producer, commit: isCommit)() == .concurrentTransactions)
        scene.commit()
        let snapshot = try #require(scene.coordinator.describe("t").snapshot)
        #expect(snapshot.state == (isCommit ? .completeCommit : .completeAbort))
        #expect(snapshot.partitions.isEmpty && snapshot.start == start && snapshot.lastUpdate == scene.now)
    }

    @Test(arguments: [
        (TransactionState.empty, true, ErrorCode.invalidTxnState), (.empty, false, .invalidTxnState),
        (.prepareCommit, true, .concurrentTransactions), (.prepareCommit, false, .invalidTxnState),
        (.prepareAbort, true, .invalidTxnState), (.prepareAbort, false, .concurrentTransactions),
        (.completeCommit, true, .none), (.completeCommit, false, .invalidTxnState),
        (.completeAbort, true, .invalidTxnState), (.completeAbort, false, .none),
    ])
    func endingTwice(_ state: TransactionState, _ isCommit: Bool, _ expected: ErrorCode) throws {
        let scene = TransactionScene()
        let producer = try scene.producer(in: state)
        #expect(scene.end("t", producer, commit: isCommit)() == expected)
        #expect(scene.appends.isEmpty)
    }

    @Test func onlyTheCurrentProducerEndsTheTransaction() throws {
        let scene = TransactionScene()
        let producer = try scene.producer(in: .ongoing)
        #expect(scene.end("", producer, commit: true)() == .invalidRequest)
        #expect(scene.end("unknown", producer, commit: true)() == .invalidProducerIDMapping)
        #expect(scene.end("t", producer.with(id: 1), commit: true)() == .invalidProducerIDMapping)
        #expect(scene.end("t", producer.with(epoch: 1), commit: true)() == .producerFenced)
        _ = scene.add("t", producer, a1)
        #expect(scene.end("t", producer, commit: true)() == .concurrentTransactions)
    }

    // MARK: Markers

    @Test(arguments: [
        ErrorCode.unknownTopicOrPartition, .notLeaderOrFollower, .requestTimedOut, .notEnoughReplicas,
        .notEnoughReplicasAfterAppend, .kafkaStorageError, .leaderNotAvailable, .networkException,
    ])
    func markersAreWrittenAgainUntilTheyAreThere(_ error: ErrorCode) throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        _ = scene.add("t", producer, a0, b0)
        scene.commit()
        _ = scene.end("t", producer, commit: true)
        scene.commit()
        scene.writeMarkers { $0 == b0 ? error : .none }
        #expect(scene.markers.isEmpty && scene.appends.isEmpty)
        #expect(scene.coordinator.nextDeadline == scene.now + 100)
        scene.wait(99)
        #expect(scene.markers.isEmpty)
        scene.wait(1)
        #expect(scene.markers.map(\.partitions) == [[b0]])
        scene.writeMarkers { _ in .unsupportedForMessageFormat }
        scene.commit()
        #expect(scene.state() == .completeCommit)
        #expect(scene.coordinator.nextDeadline == nil)
    }

    @Test(arguments: [ErrorCode.invalidProducerEpoch, .transactionCoordinatorFenced])
    func aFencedCoordinatorGivesUp(_ error: ErrorCode) throws {
        let scene = TransactionScene()
        _ = try scene.producer(in: .prepareCommit)
        scene.writeMarkers { _ in error }
        scene.wait(1000)
        #expect(scene.markers.isEmpty && scene.appends.isEmpty)
        #expect(scene.state() == .prepareCommit)
    }

    @Test func aPartitionThatHasItsMarkerIsNotDescribedAnyMore() throws {
        let scene = TransactionScene()
        let producer = try scene.producer()
        _ = scene.add("t", producer, a0, b0)
        scene.commit()
        _ = scene.end("t", producer, commit: true)
        scene.commit()
        #expect(scene.coordinator.describe("t").snapshot?.partitions == [a0, b0])
        scene.writeMarkers { $0 == a0 ? .none : .notLeaderOrFollower }
        #expect(scene.coordinator.describe("t").snapshot?.partitions == [b0])
    }

    @Test func newsOfAnotherTransactionsMarkersIsVoid() throws {
        let scene = TransactionScene()
        _ = try scene.producer(in: .prepareCommit)
        var other = scene.markers[0]
        other.producer.epoch += 1
        scene.perform(scene.coordinator.markersWritten(other, outcomes: [(a0, .none)], now: scene.time))
        other = scene.markers[0]
        other.coordinatorEpoch += 1
        scene.perform(scene.coordinator.markersWritten(other, outcomes: [(a0, .none)], now: scene.time))
        scene.perform(
            scene.coordinator.markersWritten(scene.markers[0], outcomes: [(b0, .none)], now: scene.time))
        #expect(scene.appends.isEmpty)
    }

    @Test func theLastRecordIsWrittenUntilItSucceeds() throws {
        let scene = TransactionScene()
        _ = try scene.producer(in: .prepareCommit)
        scene.writeMarkers()
        scene.commit(.notEnoughReplicas)
        #expect(scene.state() == .prepareCommit && scene.appends.isEmpty)
        scene.wait(100)
        #expect(scene.markers.isEmpty)
        scene.commit()
        #expect(scene.state() == .completeCommit)
    }

    // MARK: Time

    @Test func transactionsThatTakeTooLongAreAborted() throws {
        let scene = TransactionScene()
        let producer = try scene.producer(timeout: 1000)
        _ = scene.add("t", producer, a0)
        scene.commit()
        scene.wait(600)
        // More partitions do not make it younger.
        _ = scene.add("t", producer, a1)
        scene.commit()
        scene.wait(400)
        scene.perform(scene.coordinator.abortTimedOut(now: scene.time))
        #expect(scene.appends.isEmpty)
        scene.wait(1)
        scene.perform(scene.coordinator.abortTimedOut(now: scene.time))
        #expect(scene.end("t", producer, commit: true)() == .producerFenced)
        scene.commit()
        #expect(scene.markers.map(\.producer) == [producer.with(epoch: 1)])
        #expect(scene.markers[0].isCommit == false)
        scene.writeMarkers()
        scene.commit()
        #expect(scene.state() == .completeAbort)
        // The producer goes on after the error (KIP-588): no, another epoch has been used.
        #expect(scene.initialize("t", expected: producer)()?.error == .producerFenced)
    }

    @Test func aChangeOnItsWayIsNotInterruptedByTime() throws {
        let scene = TransactionScene()
        let producer = try scene.producer(timeout: 1000)
        _ = scene.add("t", producer, a0)
        scene.commit()
        scene.wait(5000)
        let answer = scene.end("t", producer, commit: true)
        scene.perform(scene.coordinator.abortTimedOut(now: scene.time))
        scene.commit()
        #expect(answer() == ErrorCode.none && scene.state() == .prepareCommit)
    }

    @Test(arguments: TransactionState.allCases)
    func idleIDsExpire(_ state: TransactionState) throws {
        let scene = TransactionScene { $0.idExpiration = 1000 }
        let producer = try scene.producer(in: state)
        scene.markers = []
        let isIdle = state == .empty || state == .completeCommit || state == .completeAbort
        scene.wait(999)
        scene.perform(scene.coordinator.expireTransactionalIDs(now: scene.time))
        #expect(scene.appends.isEmpty)
        scene.wait(1)
        scene.perform(scene.coordinator.expireTransactionalIDs(now: scene.time))
        #expect(scene.appends.map { $0.batch.records.map(\.value) } == (isIdle ? [[nil]] : []))
        guard isIdle else { return }
        // On its way out it takes nothing and is not listed.
        #expect(scene.add("t", producer, a0)() == .concurrentTransactions)
        #expect(scene.initialize("t")()?.error == .concurrentTransactions)
        #expect(scene.coordinator.describe("t").error == .transactionalIDNotFound)
        #expect(scene.coordinator.list(TransactionFilter(), now: scene.now).listed.isEmpty)
        scene.commit(.notEnoughReplicas)
        #expect(scene.state() == state)
        scene.perform(scene.coordinator.expireTransactionalIDs(now: scene.time))
        scene.commit()
        #expect(scene.add("t", producer, a0)() == .invalidProducerIDMapping)
        try scene.failOver()
        #expect(scene.coordinator.describe("t").error == .transactionalIDNotFound)
    }

    // MARK: Moves

    @Test(arguments: TransactionState.allCases)
    func anotherCoordinatorGoesOnInEveryState(_ state: TransactionState) throws {
        let scene = TransactionScene()
        let producer = try scene.producer(in: state)
        let before = scene.coordinator.describe("t").snapshot
        try scene.failOver()
        #expect(scene.coordinator.describe("t").snapshot == before)
        switch state {
        case .empty, .completeCommit, .completeAbort, .ongoing:
            #expect(scene.markers.isEmpty)
            _ = scene.add("t", producer, b0)
            scene.commit()
            #expect(scene.state() == .ongoing)
        case .prepareCommit, .prepareAbort:
            #expect(scene.markers.map(\.coordinatorEpoch) == [4])
            scene.writeMarkers()
            scene.commit()
            #expect(scene.state() == (state == .prepareCommit ? .completeCommit : .completeAbort))
        }
    }

    @Test func whoWaitsIsToldThatTheCoordinatorMoved() throws {
        let scene = TransactionScene()
        let producer = try scene.producer("u", in: .ongoing)
        let other = try scene.producer("v", in: .ongoing)
        let answers = [scene.add("u", producer, b0), scene.end("v", other, commit: true)]
        let initialized = scene.initialize("t")
        scene.perform(scene.coordinator.unload(now: scene.time))
        #expect(answers.map { $0() } == [.notCoordinator, .notCoordinator])
        #expect(initialized()?.error == .notCoordinator)
        // Late ends go nowhere.
        scene.commit()
        #expect(scene.add("u", producer, b0)() == .notCoordinator)
        #expect(scene.end("u", producer, commit: true)() == .notCoordinator)
        #expect(scene.initialize("u")()?.error == .notCoordinator)
        #expect(scene.coordinator.describe("u").error == .notCoordinator)
        #expect(scene.coordinator.list(TransactionFilter(), now: 0).error == .notCoordinator)
        #expect(scene.coordinator.abortTimedOut(now: scene.time).isEmpty)
        #expect(scene.coordinator.expireTransactionalIDs(now: scene.time).isEmpty)
    }

    @Test func nothingIsServedWhileLoading() {
        let scene = TransactionScene()
        scene.coordinator = TransactionCoordinator(configuration: TransactionConfiguration(), coordinatorEpoch: 1)
        let producer = ProducerIdentity(id: 1, epoch: 0)
        #expect(scene.add("u", producer, b0)() == .coordinatorLoadInProgress)
        #expect(scene.end("u", producer, commit: true)() == .coordinatorLoadInProgress)
        #expect(scene.initialize("u")()?.error == .coordinatorLoadInProgress)
        #expect(scene.coordinator.describe("u").error == .coordinatorLoadInProgress)
        #expect(scene.coordinator.list(TransactionFilter(), now: 0).error == .coordinatorLoadInProgress)
        #expect(
            scene.coordinator.verify(AddPartitions(transactionalID: "u", producer: producer, partitions: [a0]))
                == [.coordinatorLoadInProgress])
    }

    // MARK: Clocks

    @Test(arguments: [3_600_000, -3_600_000] as [Int64])
    func markersAreTriedAgainHoweverTheClockIsSet(_ jump: Int64) throws {
        let scene = TransactionScene()
        _ = try scene.producer(in: .prepareCommit)
        scene.writeMarkers { _ in .notLeaderOrFollower }
        scene.jump = jump
        scene.wait(99)
        #expect(scene.markers.isEmpty)
        scene.wait(1)
        #expect(scene.markers.count == 1)
    }

    @Test func aTransactionTimesOutByTheClockThatItsStartWasReadFrom() throws {
        let scene = TransactionScene()
        _ = try scene.producer(in: .ongoing)
        scene.jump = -3_600_000
        scene.wait(120_000)
        scene.perform(scene.coordinator.abortTimedOut(now: scene.time))
        #expect(scene.appends.isEmpty)
        scene.jump = 0
        scene.perform(scene.coordinator.abortTimedOut(now: scene.time))
        scene.commit()
        #expect(scene.state() == .prepareAbort)
    }

    // MARK: Lists

    @Test func filters() throws {
        let scene = TransactionScene()
        let old = try scene.producer("old", in: .ongoing)
        scene.wait(1000)
        _ = try scene.producer("new", in: .ongoing)
        _ = try scene.producer("idle")
        func list(_ filter: TransactionFilter) -> [String] {
            scene.coordinator.list(filter, now: scene.now).listed.map(\.transactionalID)
        }
        #expect(list(TransactionFilter()) == ["idle", "new", "old"])
        #expect(list(TransactionFilter(states: ["Ongoing"])) == ["new", "old"])
        #expect(list(TransactionFilter(states: ["Nonsense"])) == [])
        #expect(list(TransactionFilter(states: ["Ongoing"], duration: 999)) == ["old"])
        #expect(list(TransactionFilter(states: ["Ongoing"], duration: 1000)) == [])
        #expect(list(TransactionFilter(producerIDs: [old.id])) == ["old"])
        #expect(TransactionFilter(states: ["Dead", "Empty", "x"]).unknownStates == ["x"])
    }
}
