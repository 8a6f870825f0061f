// SPDX-License-Identifier: Apache-2.0

import Coordination
import GroupCoordination
import KafkaModel
import Testing

@Suite struct OffsetTests {
    @Test func aPositionCountsOnceItIsOnTheLog() throws {
        let scene = GroupScene()
        let commit = scene.commitOffset(5)
        #expect(scene.committed(commit) == nil)
        #expect(scene.fetched()?.offset == -1)
        #expect(scene.fetched(stable: true)?.error == .unstableOffsetCommit)
        scene.commit()
        #expect(scene.committed(commit) == [ErrorCode.none])
        #expect(scene.fetched(stable: true)?.offset == 5)
        try scene.failOver()
        #expect(scene.fetched()?.offset == 5)
    }

    @Test(arguments: [
        (ErrorCode.notEnoughReplicas, ErrorCode.coordinatorNotAvailable),
        (.requestTimedOut, .coordinatorNotAvailable), (.notLeaderOrFollower, .notCoordinator),
        (.messageTooLarge, .invalidCommitOffsetSize), (.unknownServerError, .unknownServerError),
    ]) func aFailedAppendLeavesThePositionAsItWas(_ failure: ErrorCode, _ answer: ErrorCode) {
        let scene = GroupScene()
        let commit = scene.commitOffset(5)
        scene.commit(failure)
        #expect(scene.committed(commit) == [answer])
        #expect(scene.fetched(stable: true)?.error == ErrorCode.none)
        #expect(scene.fetched()?.offset == -1)
    }

    @Test func onlyMembersOfTheGenerationCommit() throws {
        let scene = GroupScene()
        #expect(scene.committed(scene.commitOffset(1) { $0.generation = 3 }) == [.illegalGeneration])
        let members = try scene.stableGroup(1)
        #expect(scene.committed(scene.commitOffset(1)) == [.unknownMemberID])
        #expect(
            scene.committed(
                scene.commitOffset(1) {
                    $0.memberID = members[0]
                    $0.generation = 2
                }) == [.illegalGeneration])
        #expect(
            scene.committed(
                scene.commitOffset(1) {
                    $0.memberID = "nobody"
                    $0.generation = 1
                }) == [.unknownMemberID])
        let commit = scene.commitOffset(1) {
            $0.memberID = members[0]
            $0.generation = 1
        }
        scene.commit()
        #expect(scene.committed(commit) == [ErrorCode.none])
        // During a rebalance there is still time to commit, after it there is not.
        let newcomer = scene.join()
        let late = scene.commitOffset(2) {
            $0.memberID = members[0]
            $0.generation = 1
        }
        scene.commit()
        #expect(scene.committed(late) == [ErrorCode.none])
        let back = try #require(scene.joined(scene.join(members[0])))
        #expect(back.generation == 2)
        #expect(scene.joined(newcomer) != nil)
        #expect(
            scene.committed(
                scene.commitOffset(3) {
                    $0.memberID = members[0]
                    $0.generation = 2
                }) == [.rebalanceInProgress])
        #expect(scene.fetched()?.offset == 2)
    }

    @Test func tooMuchMetadataIsRefusedPerPartition() {
        let scene = GroupScene { $0.maxMetadataBytes = 4 }
        let commit = scene.commitOffset(1) {
            var other = $0.partitions[0]
            other.partition.partition = 1
            other.offset.metadata = "12345"
            $0.partitions.append(other)
        }
        scene.commit()
        #expect(scene.committed(commit) == [ErrorCode.none, .offsetMetadataTooLarge])
        #expect(scene.fetched(0)?.offset == 1 && scene.fetched(1)?.offset == -1)
        let only = scene.commitOffset(1) { $0.partitions[0].offset.metadata = "12345" }
        #expect(scene.committed(only) == [.offsetMetadataTooLarge])
    }

    @Test(arguments: [true, false]) func positionsOfATransactionCountWithItsCommit(_ isCommit: Bool) throws {
        let scene = GroupScene()
        _ = scene.commitOffset(3)
        scene.commit()
        let commit = scene.commitOffset(9) { $0.producer = OffsetCommit.Producer(id: 77, epoch: 0) }
        scene.commit()
        #expect(scene.committed(commit) == [ErrorCode.none])
        #expect(scene.fetched()?.offset == 3)
        #expect(scene.fetched(stable: true)?.error == .unstableOffsetCommit)
        try scene.failOver()
        #expect(scene.fetched(stable: true)?.error == .unstableOffsetCommit)
        scene.endTransaction(77, isCommit: isCommit)
        #expect(scene.fetched(stable: true)?.offset == (isCommit ? 9 : 3))
        try scene.failOver()
        #expect(scene.fetched(stable: true)?.offset == (isCommit ? 9 : 3))
    }

    /// A client that loses a connection sends its request again.
    @Test(arguments: [true, false]) func aPositionOfATransactionStaysWhenItsCopyFails(_ isCopyLate: Bool) throws {
        let scene = GroupScene()
        let producer = OffsetCommit.Producer(id: 77, epoch: 0)
        _ = scene.commitOffset(9) { $0.producer = producer }
        scene.commit()
        scene.now += 1
        let copy = scene.commitOffset(9) { $0.producer = producer }
        if !isCopyLate { scene.commit(.notEnoughReplicas) }
        #expect(scene.fetched(stable: true)?.error == .unstableOffsetCommit)
        scene.endTransaction(77, isCommit: true)
        if isCopyLate {
            // What is on its way may be of the next transaction.
            #expect(scene.fetched(stable: true)?.error == .unstableOffsetCommit)
            scene.commit(.invalidTxnState)
        }
        #expect(scene.committed(copy) == [isCopyLate ? .invalidTxnState : .coordinatorNotAvailable])
        #expect(scene.fetched(stable: true)?.offset == 9)
        try scene.failOver()
        #expect(scene.fetched(stable: true)?.offset == 9)
    }

    /// Replicas have a record and the marker behind it at the same moment; which of both is told first is nobody's promise.
    @Test(arguments: [true, false]) func aMarkerMayBeHeardOfBeforeTheRecordsInFrontOfIt(_ isCommit: Bool) {
        let scene = GroupScene()
        _ = scene.commitOffset(9) { $0.producer = OffsetCommit.Producer(id: 77, epoch: 0) }
        scene.perform(
            scene.coordinator.transactionEnded(producerID: 77, isCommit: isCommit, markerOffset: 1, now: scene.time))
        scene.commit()
        #expect(scene.fetched(stable: true)?.offset == (isCommit ? 9 : -1))
        #expect(scene.fetched(stable: true)?.error == ErrorCode.none)
    }

    /// A marker that is written again ends nothing of the next transaction.
    @Test func aPositionBehindTheMarkerBelongsToTheNextTransaction() {
        let scene = GroupScene()
        _ = scene.commitOffset(9) { $0.producer = OffsetCommit.Producer(id: 77, epoch: 0) }
        scene.endTransaction(77, isCommit: false)
        scene.commit()
        #expect(scene.fetched(stable: true)?.error == .unstableOffsetCommit)
        scene.endTransaction(77, isCommit: true)
        #expect(scene.fetched(stable: true)?.offset == 9)
    }

    @Test func aLaterPositionIsNotUndoneByAnOlderTransaction() {
        let scene = GroupScene()
        _ = scene.commitOffset(9) { $0.producer = OffsetCommit.Producer(id: 77, epoch: 0) }
        scene.commit()
        _ = scene.commitOffset(12)
        scene.commit()
        scene.endTransaction(77, isCommit: true)
        #expect(scene.fetched()?.offset == 12)
    }

    @Test func unusedPositionsExpireAndTakeTheGroupWithThem() throws {
        let scene = GroupScene { $0.offsetRetention = 100_000 }
        _ = scene.commitOffset(4)
        scene.commit()
        scene.wait(99_999)
        scene.perform(scene.coordinator.expireOffsets(now: scene.time))
        #expect(scene.appends.isEmpty)
        scene.wait(1)
        scene.perform(scene.coordinator.expireOffsets(now: scene.time))
        scene.commit()
        #expect(scene.coordinator.describe("g").state == "Dead")
        try scene.failOver()
        #expect(scene.coordinator.list().groups.isEmpty)
    }

    @Test func whatMembersUseDoesNotExpire() throws {
        let scene = GroupScene { $0.offsetRetention = 100_000 }
        let members = try scene.stableGroup(1)
        _ = scene.commitOffset(4) {
            $0.memberID = members[0]
            $0.generation = 1
            var other = $0.partitions[0]
            other.partition.topic = "payments"
            $0.partitions.append(other)
        }
        scene.commit()
        scene.now += 200_000
        scene.perform(scene.coordinator.expireOffsets(now: scene.time))
        scene.commit()
        let left = scene.coordinator.fetchOffsets(OffsetFetch(group: "g", partitions: nil)).partitions
        #expect(left.map(\.partition.topic) == ["orders"])
    }

    @Test func anExplicitExpiryWins() {
        let scene = GroupScene()
        let now = scene.now
        _ = scene.commitOffset(4) { $0.partitions[0].offset.expireTimestamp = now + 10 }
        scene.commit()
        scene.now = now + 9
        scene.perform(scene.coordinator.expireOffsets(now: scene.time))
        #expect(scene.fetched()?.offset == 4)
        scene.now = now + 10
        scene.perform(scene.coordinator.expireOffsets(now: scene.time))
        #expect(scene.fetched()?.offset == -1)
    }

    private func deleteGroup(_ scene: GroupScene) -> ErrorCode? {
        let token = scene.token()
        scene.perform(scene.coordinator.deleteGroup("g", token: token, now: scene.time))
        scene.commit()
        guard case .deleteGroup(let error) = scene.answers[token.rawValue] else { return nil }
        return error
    }

    @Test func onlyEmptyGroupsAreDeleted() throws {
        let scene = GroupScene()
        #expect(deleteGroup(scene) == .groupIDNotFound)
        let members = try scene.stableGroup(1)
        #expect(deleteGroup(scene) == .nonEmptyGroup)
        _ = scene.leave([LeaveGroup.Member(memberID: members[0])])
        _ = scene.commitOffset(5)
        scene.commit()
        #expect(deleteGroup(scene) == ErrorCode.none)
        try scene.failOver()
        #expect(scene.coordinator.list().groups.isEmpty)
    }

    private func deleteOffsets(_ scene: GroupScene, _ topics: [String]) -> OffsetDeleteAnswer? {
        let token = scene.token()
        scene.perform(
            scene.coordinator.deleteOffsets(
                group: "g", partitions: topics.map { TopicPartition($0, 0) }, token: token, now: scene.time))
        scene.commit()
        guard case .deleteOffsets(let answer) = scene.answers[token.rawValue] else { return nil }
        return answer
    }

    @Test func positionsOfSubscribedTopicsStay() throws {
        let scene = GroupScene()
        #expect(deleteOffsets(scene, ["orders"])?.error == .groupIDNotFound)
        let members = try scene.stableGroup(1)
        _ = scene.commitOffset(5) {
            $0.memberID = members[0]
            $0.generation = 1
        }
        scene.commit()
        let answer = deleteOffsets(scene, ["orders", "payments"])
        #expect(answer?.partitions.map(\.error) == [.groupSubscribedToTopic, ErrorCode.none])
        #expect(scene.fetched()?.offset == 5)
    }

    @Test func positionsOfDeletedPartitionsGo() {
        let scene = GroupScene()
        _ = scene.commitOffset(5)
        _ = scene.commitOffset(6, partition: 1)
        scene.commit()
        scene.perform(scene.coordinator.partitionsDeleted([TopicPartition("orders", 0)], now: scene.time))
        scene.commit()
        #expect(scene.fetched(0)?.offset == -1 && scene.fetched(1)?.offset == 6)
    }
}
