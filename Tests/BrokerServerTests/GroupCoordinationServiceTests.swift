// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import Coordination
import Dispatch
import GroupCoordination
import KafkaModel
import KafkaRecords
import Logging
import NIOCore
import Synchronization
import Testing

@testable import BrokerServer

/// A partition in memory, whose appends end when the test says so.
private final class MemoryLog: CoordinatedLog {
    typealias End = @Sendable (ErrorCode, Offset) -> Void

    struct State {
        var batches: [ByteBuffer] = []
        var end: Offset = 0
        var ends: [(end: End, base: Offset)] = []
        var endsAtOnce = true
        var isReadable = true
        /// Waits for replicas to have what was loaded.
        var whenCommitted: (@Sendable () -> Void)?
    }

    let state = Mutex(State())
    /// Held by a test that wants loading to last.
    let gate = Mutex(())

    func submit(_ work: @escaping @Sendable () -> Void) { work() }

    func append(_ batch: ByteBuffer, proof: TransactionProof, ended: @escaping End) {
        let base = state.withLock { state -> Offset? in
            var batch = batch
            let base = state.end
            batch.setInteger(base, at: batch.readerIndex)
            state.end += Int64((try? RecordBatches(batch).all())?.first?.header.recordCount ?? 0)
            state.batches.append(batch)
            if !state.endsAtOnce { state.ends.append((ended, base)) }
            return state.endsAtOnce ? base : nil
        }
        if let base { ended(.none, base) }
    }

    /// Ends the append at `index` of those that have not ended.
    func end(_ index: Int, _ error: ErrorCode = .none) {
        let (end, base) = state.withLock { $0.ends.remove(at: index) }
        end(error, base)
    }

    func readAll(_ body: (RecordBatch) throws -> Bool) throws -> Offset {
        gate.withLock { _ in }
        let (batches, end, isReadable) = state.withLock { ($0.batches, $0.end, $0.isReadable) }
        guard isReadable else { throw RecordError.corrupt("for the test") }
        for bytes in batches {
            for batch in try RecordBatches(bytes).all() { guard try body(batch) else { return end } }
        }
        return end
    }

    func whenCommitted(before end: Offset, _ done: @escaping @Sendable () -> Void) {
        let mustWait = state.withLock { state in
            if state.endsAtOnce { return false }
            #expect(end == state.end)
            state.whenCommitted = done
            return true
        }
        if !mustWait { done() }
    }
}

@Suite struct GroupCoordinationServiceTests {
    private let timer = TimerThread()
    private let log = MemoryLog()
    private let service: GroupCoordinationService

    init() {
        let (timer, log) = (timer, log)
        var configuration = GroupConfiguration()
        configuration.sessionTimeouts = 1...60_000
        configuration.initialRebalanceDelay = 0
        service = GroupCoordinationService(
            localID: 1, partitionCount: 1, configuration: configuration,
            surroundings: CoordinatorSurroundings(
                timer: timer, queue: DispatchQueue(label: "test"), compression: .none, now: { .now }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, openLog: { _ in log })
    }

    /// Collects answers.
    private final class Answers: Sendable {
        let all = Mutex<[GroupReply]>([])
        var deliver: GroupShard.Deliver { { reply in self.all.withLock { $0.append(reply) } } }
        var last: GroupReply? { all.withLock { $0.last } }
        var count: Int { all.withLock { $0.count } }
    }

    private func eventually(_ condition: () -> Bool) async throws {
        for _ in 0..<2000 where !condition() { try await Task.sleep(for: .milliseconds(2)) }
        #expect(condition())
    }

    private func lead(_ epoch: LeaderEpoch = 1) async throws {
        service.lead(0, epoch: epoch)
        try await eventually { service.list().error.isNone }
    }

    private func commit(_ offset: Offset, group: String = "g", _ answers: Answers) {
        let request = OffsetCommit(
            group: group,
            partitions: [
                .init(TopicPartition("t", 0), CommittedOffset(offset: offset, commitTimestamp: BrokerClock.now))
            ])
        service.request(group, answers.deliver) { $0.commit(request, token: $1, now: $2) }
    }

    private func committed(_ group: String = "g") -> OffsetFetchAnswer {
        service.fetchOffsets(OffsetFetch(group: group, partitions: [TopicPartition("t", 0)]))
    }

    private func join(_ answers: Answers, session: Int32 = 10_000) {
        let request = JoinGroup(
            group: "g", sessionTimeout: session, rebalanceTimeout: 10_000, protocolType: "consumer",
            protocols: [GroupProtocol(name: "range", metadata: [])], freshUUID: KafkaUUID.random().hyphenated)
        service.request("g", answers.deliver) { $0.join(request, token: $1, now: $2) }
    }

    private static func error(_ reply: GroupReply?) -> ErrorCode? {
        switch reply {
        case .commit(let errors): errors.first?.error
        case .join(let answer): answer.error
        default: nil
        }
    }

    @Test func whoLeadsNoPartitionIsNoCoordinator() {
        let answers = Answers()
        commit(1, answers)
        #expect(Self.error(answers.last) == .notCoordinator)
        commit(1, group: "", answers)
        #expect(Self.error(answers.last) == .notCoordinator)
        join(answers)
        #expect(Self.error(answers.last) == .notCoordinator)
        #expect(committed().error == .notCoordinator)
        #expect(service.describe("g").error == .notCoordinator)
        #expect(service.list().groups.isEmpty)
    }

    @Test func aCommitIsAnsweredAndSeenWhenReplicasHaveIt() async throws {
        try await lead()
        log.state.withLock { $0.endsAtOnce = false }
        let answers = Answers()
        commit(7, answers)
        #expect(answers.count == 0)
        #expect(committed().partitions.first?.offset == -1)
        log.end(0)
        #expect(answers.last == .commit([PartitionError(TopicPartition("t", 0), .none)]))
        #expect(committed().partitions.first?.offset == 7)
    }

    @Test func endsOfAppendsAreHeardOfInTheOrderOfTheAppends() async throws {
        try await lead()
        log.state.withLock { $0.endsAtOnce = false }
        let answers = Answers()
        commit(1, answers)
        commit(2, answers)
        log.end(1)
        #expect(answers.count == 0)
        log.end(0)
        #expect(answers.count == 2)
        #expect(committed().partitions.first?.offset == 2)
    }

    @Test func aFailedAppendIsToldInTheWordsOfCommits() async throws {
        try await lead()
        log.state.withLock { $0.endsAtOnce = false }
        let answers = Answers()
        commit(1, answers)
        log.end(0, .requestTimedOut)
        #expect(Self.error(answers.last) == .coordinatorNotAvailable)
        #expect(committed().partitions.first?.offset == -1)
    }

    @Test func aNewLeaderLoadsWhatIsOnTheLogAndSaysSoMeanwhile() async throws {
        try await lead()
        let answers = Answers()
        commit(7, answers)
        commit(9, answers)
        service.resign(0, epoch: 2)
        #expect(committed().error == .notCoordinator)
        let hold = DispatchSemaphore(value: 0)
        let held = DispatchSemaphore(value: 0)
        BackgroundThread.start { [log] in
            log.gate.withLock { _ in
                held.signal()
                hold.wait()
            }
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                held.wait()
                continuation.resume()
            }
        }
        service.lead(0, epoch: 3)
        #expect(committed().error == .coordinatorLoadInProgress)
        #expect(service.list().error == .coordinatorLoadInProgress)
        commit(1, answers)
        #expect(Self.error(answers.last) == .coordinatorLoadInProgress)
        hold.signal()
        try await eventually { service.list().error.isNone }
        #expect(committed().partitions.first?.offset == 9)
        #expect(service.list().groups.map(\.group) == ["g"])
    }

    /// Until then another leader may lack some of what this one has read.
    @Test func aNewLeaderServesOnceReplicasHaveWhatItLoaded() async throws {
        try await lead()
        let answers = Answers()
        commit(7, answers)
        service.resign(0, epoch: 2)
        log.state.withLock { $0.endsAtOnce = false }
        service.lead(0, epoch: 3)
        try await eventually { log.state.withLock { $0.whenCommitted != nil } }
        #expect(committed().error == .coordinatorLoadInProgress)
        commit(8, answers)
        #expect(Self.error(answers.last) == .coordinatorLoadInProgress)
        log.state.withLock { $0.whenCommitted }?()
        #expect(committed().partitions.first?.offset == 7)
        // Of a leadership that has gone nothing comes any more.
        service.resign(0, epoch: 4)
        log.state.withLock { $0.whenCommitted }?()
        #expect(committed().error == .notCoordinator)
    }

    @Test func losingLeadershipTellsWhoWaits() async throws {
        try await lead()
        log.state.withLock { $0.endsAtOnce = false }
        let commits = Answers()
        commit(1, commits)
        service.resign(0, epoch: 2)
        #expect(Self.error(commits.last) == .notCoordinator)
        // The replicas' word comes late and goes nowhere.
        log.end(0)
        #expect(commits.count == 1)
    }

    @Test func newsOfAnEarlierLeadershipIsVoid() async throws {
        try await lead(5)
        commit(1, Answers())
        service.resign(0, epoch: 4)
        #expect(committed().partitions.first?.offset == 1)
        service.resign(0, epoch: 6)
        service.lead(0, epoch: 5)
        #expect(committed().error == .notCoordinator)
        // Deleted and made anew, the topic's epochs begin again.
        service.resign(0, epoch: nil)
        try await lead(0)
        #expect(committed().error == .none)
    }

    @Test func whoLeadsAgainKeepsItsGroups() async throws {
        try await lead(1)
        log.state.withLock { $0.endsAtOnce = false }
        let answers = Answers()
        commit(1, answers)
        service.lead(0, epoch: 2)
        log.end(0)
        #expect(Self.error(answers.last) == ErrorCode.none)
    }

    @Test func aLogThatCannotBeReadIsNotCoordinated() async throws {
        log.state.withLock { $0.isReadable = false }
        service.lead(0, epoch: 1)
        try await eventually { committed().error == .notCoordinator }
    }

    @Test func timeEndsSessions() async throws {
        try await lead()
        let answers = Answers()
        join(answers, session: 40)
        guard case .join(let joined) = answers.last else { return #expect(Bool(false)) }
        #expect(joined.error == .none)
        #expect(joined.generation == 1)
        #expect(service.describe("g").state == GroupState.completingRebalance.rawValue)
        try await eventually { service.describe("g").state == GroupState.empty.rawValue }
    }

    @Test func positionsGoWithTheirTopic() async throws {
        try await lead()
        commit(1, Answers())
        let deleted = PartitionImage(
            leader: PartitionImage.leaderDuringDeletion, leaderEpoch: 1, inSyncReplicas: [], replicas: [],
            offlineReplicas: [], partitionEpoch: 0)
        service.metadataChanged(
            MetadataUpdate(
                controllerID: 1, brokers: [],
                topics: [.init(name: "t", id: .zero, partitions: [.init(index: 0, state: deleted)])]))
        #expect(committed().partitions.first?.offset == -1)
        service.resign(0, epoch: 2)
        try await lead(3)
        #expect(committed().partitions.first?.offset == -1)
        #expect(service.list().groups.isEmpty)
    }

    @Test func aPartitionThatTheClusterSeesElsewhereIsNotCoordinatedHere() async throws {
        try await lead(5)
        func tell(leader: BrokerID, epoch: LeaderEpoch) {
            let state = PartitionImage(
                leader: leader, leaderEpoch: epoch, inSyncReplicas: [], replicas: [1, 2], offlineReplicas: [1],
                partitionEpoch: 0)
            service.metadataChanged(
                MetadataUpdate(
                    controllerID: 1, brokers: [],
                    topics: [
                        .init(
                            name: InternalTopic.consumerOffsets, id: .zero, partitions: [.init(index: 0, state: state)])
                    ]))
        }
        tell(leader: 2, epoch: 4)
        tell(leader: 1, epoch: 6)
        #expect(committed().error == .none)
        tell(leader: 2, epoch: 6)
        #expect(committed().error == .notCoordinator)
    }
}
