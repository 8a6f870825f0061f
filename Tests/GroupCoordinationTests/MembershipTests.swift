// SPDX-License-Identifier: Apache-2.0

import Coordination
import GroupCoordination
import KafkaModel
import Testing

@Suite struct MembershipTests {
    @Test func aStaticMemberThatComesBackAndIsRemovedMeanwhileIsTold() throws {
        let scene = GroupScene()
        let tokens = (0..<2).map { index in
            scene.join { request in
                request.instanceID = "instance\(index)"
                request.sessionTimeout = 300_000
            }
        }
        while scene.joined(tokens[0]) == nil { scene.wait(1000) }
        let leader = try #require(scene.joined(tokens[0])).leader
        _ = scene.sync(leader, 1, [leader: [1]])
        scene.commit()
        // The other one never asks for its part, but comes back just before it is removed for that.
        scene.wait(59_999)
        let back = scene.join { request in
            request.instanceID = "instance1"
            request.sessionTimeout = 300_000
        }
        #expect(scene.appends.count == 1)
        scene.wait(1)
        #expect(scene.joined(back)?.error == .unknownMemberID)
    }

    @Test func aGroupFormsAfterItsInitialDelayAndLearnsItsAssignment() throws {
        let scene = GroupScene()
        let first = scene.join()
        let second = scene.join()
        scene.wait(2999)
        #expect(scene.joined(first) == nil)
        // The second member came during the delay, which therefore starts once more.
        scene.wait(3001)
        let leader = try #require(scene.joined(first))
        let follower = try #require(scene.joined(second))
        #expect(leader.error == .none && leader.generation == 1 && leader.leader == leader.memberID)
        #expect(leader.memberID == "client-uuid1")
        #expect(leader.protocolName == "range" && leader.protocolType == "consumer")
        #expect(Set(leader.members.map(\.memberID)) == [leader.memberID, follower.memberID])
        #expect(follower.members.isEmpty && follower.leader == leader.memberID)

        let followerSync = scene.sync(follower.memberID, 1)
        let leaderSync = scene.sync(leader.memberID, 1, [leader.memberID: [1], follower.memberID: [2]])
        #expect(scene.synced(followerSync) == nil && scene.synced(leaderSync) == nil)
        scene.commit()
        #expect(scene.synced(followerSync)?.assignment == [2])
        #expect(scene.synced(leaderSync)?.assignment == [1])
        #expect(scene.heartbeat(follower.memberID, 1) == ErrorCode.none)
        let description = scene.coordinator.describe("g")
        #expect(description.state == "Stable" && description.protocolName == "range")
        #expect(description.members.map(\.clientHost) == ["/127.0.0.1", "/127.0.0.1"])
    }

    @Test func withoutADelayTheFirstMemberIsServedAtOnce() throws {
        let scene = GroupScene { $0.initialRebalanceDelay = 0 }
        #expect(scene.joined(scene.join())?.generation == 1)
    }

    @Test func anAssignmentThatIsNotStoredMakesEveryoneJoinAgain() throws {
        let scene = GroupScene { $0.initialRebalanceDelay = 0 }
        let member = try #require(scene.joined(scene.join())).memberID
        let sync = scene.sync(member, 1, [member: [1]])
        scene.commit(.notEnoughReplicas)
        #expect(scene.synced(sync)?.error == .coordinatorNotAvailable)
        #expect(scene.coordinator.describe("g").state == "PreparingRebalance")
        #expect(scene.heartbeat(member, 1) == .rebalanceInProgress)
        #expect(scene.joined(scene.join(member))?.generation == 2)
    }

    @Test func newClientsGetAnIDFirst() throws {
        let scene = GroupScene { $0.initialRebalanceDelay = 0 }
        let refused = try #require(scene.joined(scene.join { $0.requiresKnownMemberID = true }))
        #expect(refused.error == .memberIDRequired && refused.memberID == "client-uuid1")
        #expect(scene.coordinator.describe("g").state == "Empty")
        let again = scene.join(refused.memberID) { $0.requiresKnownMemberID = true }
        #expect(scene.joined(again)?.generation == 1)
    }

    @Test func anUnusedIDExpires() throws {
        let scene = GroupScene { $0.initialRebalanceDelay = 0 }
        let refused = try #require(scene.joined(scene.join { $0.requiresKnownMemberID = true }))
        scene.wait(10_001)
        #expect(scene.joined(scene.join(refused.memberID))?.error == .unknownMemberID)
    }

    @Test func aLaterIDExpiresEvenIfAnEarlierWasUsed() throws {
        let scene = GroupScene { $0.initialRebalanceDelay = 0 }
        let first = try #require(scene.joined(scene.join { $0.requiresKnownMemberID = true })).memberID
        let second = try #require(
            scene.joined(
                scene.join {
                    $0.requiresKnownMemberID = true
                    $0.sessionTimeout = 20_000
                })
        ).memberID
        #expect(scene.joined(scene.join(first) { $0.sessionTimeout = 60_000 })?.generation == 1)
        scene.wait(20_000)
        #expect(scene.joined(scene.join(second))?.error == .unknownMemberID)
        #expect(scene.heartbeat(first, 1) == ErrorCode.none)
    }

    /// Anybody can ask for ids and not use them.
    @Test func idsThatNobodyUsesAreBounded() throws {
        let scene = GroupScene { $0.initialRebalanceDelay = 0 }
        func given(_ session: Int32) throws -> String {
            let token = scene.join {
                $0.requiresKnownMemberID = true
                $0.sessionTimeout = session
            }
            return try #require(scene.joined(token)).memberID
        }
        let (last, next) = (try given(1_800_000), try given(6000))
        for _ in 1..<GroupConfiguration.maxPendingMembers { _ = try given(10_000) }
        #expect(scene.joined(scene.join(next))?.error == .unknownMemberID)
        #expect(scene.joined(scene.join(last))?.generation == 1)
    }

    @Test(arguments: [true, false]) func anIDThatWasGivenOutHoldsARebalanceBack(_ isUsed: Bool) throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(1)
        let given = try #require(scene.joined(scene.join { $0.requiresKnownMemberID = true })).memberID
        let newcomer = scene.join()
        let back = scene.join(members[0])
        scene.wait(9999)
        #expect(scene.joined(back) == nil)
        if isUsed { _ = scene.join(given) } else { scene.wait(1) }
        #expect(scene.joined(newcomer)?.generation == 2)
        #expect(scene.joined(back)?.members.count == (isUsed ? 3 : 2))
    }

    @Test func aNewMemberThatWaitsForFiveMinutesIsGivenUp() throws {
        let scene = GroupScene { $0.initialRebalanceDelay = 0 }
        let first = scene.join {
            $0.sessionTimeout = 1_800_000
            $0.rebalanceTimeout = 600_000
        }
        let member = try #require(scene.joined(first)).memberID
        _ = scene.sync(member, 1, [member: [1]])
        scene.commit()
        let newcomer = scene.join()
        scene.wait(299_999)
        #expect(scene.joined(newcomer) == nil)
        scene.wait(1)
        #expect(scene.joined(newcomer)?.error == .unknownMemberID)
        #expect(scene.coordinator.describe("g").members.map(\.memberID) == [member])
    }

    @Test func ifNobodyComesBackStaticMembersAreWaitedForOnceMore() throws {
        let scene = GroupScene()
        let tokens = (0..<3).map { index in
            scene.join {
                $0.instanceID = "instance\(index)"
                $0.sessionTimeout = 600_000
            }
        }
        while scene.joined(tokens[0]) == nil { scene.wait(1000) }
        let members = try tokens.map { try #require(scene.joined($0)).memberID }
        for member in members { _ = scene.sync(member, 1, [members[0]: [1]]) }
        scene.commit()
        _ = scene.leave([LeaveGroup.Member(memberID: "", instanceID: "instance0")])
        scene.wait(60_000)
        #expect(scene.coordinator.describe("g").state == "PreparingRebalance")
        let back = scene.join(members[2]) {
            $0.instanceID = "instance2"
            $0.sessionTimeout = 600_000
        }
        scene.wait(59_999)
        #expect(scene.joined(back) == nil)
        scene.wait(1)
        let answer = try #require(scene.joined(back))
        #expect(answer.generation == 2 && answer.leader == members[2])
        #expect(Set(answer.members.map(\.memberID)) == [members[1], members[2]])
    }

    @Test func badJoinsAreRefused() throws {
        let scene = GroupScene()
        #expect(scene.joined(scene.join { $0.group = "" })?.error == .invalidGroupID)
        #expect(scene.joined(scene.join { $0.sessionTimeout = 5999 })?.error == .invalidSessionTimeout)
        #expect(scene.joined(scene.join { $0.sessionTimeout = 1_800_001 })?.error == .invalidSessionTimeout)
        #expect(scene.joined(scene.join("nobody"))?.error == .unknownMemberID)
        #expect(scene.joined(scene.join { $0.protocols = [] })?.error == .inconsistentGroupProtocol)
        #expect(scene.joined(scene.join { $0.protocolType = "" })?.error == .inconsistentGroupProtocol)
        let members = try scene.stableGroup(1)
        #expect(scene.joined(scene.join { $0.protocolType = "connect" })?.error == .inconsistentGroupProtocol)
        let other = GroupProtocol(name: "sticky", metadata: [])
        #expect(scene.joined(scene.join { $0.protocols = [other] })?.error == .inconsistentGroupProtocol)
        #expect(scene.joined(scene.join("nobody"))?.error == .unknownMemberID)
        #expect(scene.heartbeat(members[0], 1) == ErrorCode.none)
    }

    /// In seconds, where each with each would be minutes.
    @Test func manyProtocolsDoNotCostTheirSquare() {
        let scene = GroupScene()
        func protocols(from first: Int) -> [GroupProtocol] {
            (first..<first + 20_000).map { GroupProtocol(name: "p\($0)", metadata: []) }
        }
        let begin = ContinuousClock.now
        _ = scene.join { $0.protocols = protocols(from: 0) }
        let other = scene.join { $0.protocols = protocols(from: 20_000) }
        #expect(scene.joined(other)?.error == .inconsistentGroupProtocol)
        // The last of the first is the first of these.
        let fitting = scene.join { $0.protocols = protocols(from: 19_999) }
        #expect(scene.joined(fitting)?.error != .inconsistentGroupProtocol)
        #expect(ContinuousClock.now - begin < .seconds(10))
    }

    @Test func aFullGroupTakesNobody() throws {
        let scene = GroupScene { $0.maxSize = 2 }
        let members = try scene.stableGroup(2)
        #expect(scene.joined(scene.join())?.error == .groupMaxSizeReached)
        #expect(scene.heartbeat(members[1], 1) == ErrorCode.none)
    }

    @Test func aLimitThatWasLoweredCountsFromTheNextCoordinatorOn() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(3)
        scene.coordinator.configuration.maxSize = 2
        #expect(scene.heartbeat(members[2], 1) == ErrorCode.none)
        try scene.failOver()
        #expect(scene.heartbeat(members[0], 1) == .rebalanceInProgress)
        let back = members.map { scene.join($0) }
        // It is nobody any more, so it is not told its id.
        #expect(scene.joined(back[2]) == JoinAnswer(error: .groupMaxSizeReached))
        #expect(scene.joined(back[0])?.generation == 2)
        #expect(scene.joined(back[0])?.members.map(\.memberID) == [members[0], members[1]])
    }

    @Test func aMemberThatComesMakesTheOthersJoinAgain() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(1)
        let newcomer = scene.join()
        #expect(scene.heartbeat(members[0], 1) == .rebalanceInProgress)
        #expect(scene.synced(scene.sync(members[0], 1))?.error == .rebalanceInProgress)
        let again = scene.join(members[0])
        #expect(scene.joined(again)?.generation == 2 && scene.joined(newcomer)?.generation == 2)
        #expect(scene.joined(again)?.leader == members[0])
    }

    @Test func whoDoesNotComeBackIsRemovedAndAnotherLeads() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2)
        let newcomer = scene.join()
        let back = scene.join(members[1])
        scene.wait(60_000)
        #expect(scene.joined(back)?.generation == 2)
        #expect(scene.joined(back)?.leader == members[1])
        #expect(scene.joined(back)?.members.count == 2)
        #expect(scene.joined(newcomer)?.error == ErrorCode.none)
        #expect(scene.heartbeat(members[0], 1) == .unknownMemberID)
    }

    @Test func aSilentMemberLosesItsSession() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2)
        for _ in 0..<5 {
            scene.wait(3000)
            _ = scene.heartbeat(members[0], 1)
        }
        #expect(scene.heartbeat(members[1], 1) == .unknownMemberID)
        #expect(scene.heartbeat(members[0], 1) == .rebalanceInProgress)
        #expect(scene.joined(scene.join(members[0]))?.members.map(\.memberID) == [members[0]])
    }

    @Test func whoDoesNotSyncIsRemoved() throws {
        let scene = GroupScene { $0.initialRebalanceDelay = 0 }
        let member = try #require(scene.joined(scene.join { $0.sessionTimeout = 1_000_000 })).memberID
        scene.wait(59_999)
        #expect(scene.heartbeat(member, 1) == ErrorCode.none)
        scene.wait(1)
        #expect(scene.heartbeat(member, 1) == .unknownMemberID)
        scene.commit()
        #expect(scene.coordinator.describe("g").state == "Empty")
    }

    @Test func theLastMemberLeavesAnEmptyGroupOnTheLog() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(1)
        #expect(scene.leave([LeaveGroup.Member(memberID: members[0])])?.members.map(\.error) == [ErrorCode.none])
        scene.commit()
        #expect(scene.coordinator.describe("g").state == "Empty")
        try scene.failOver()
        #expect(scene.coordinator.describe("g").state == "Empty")
        #expect(scene.coordinator.describe("g").protocolType == "consumer")
    }

    @Test func leavingHasAnErrorPerMember() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2, static: true)
        let answer = scene.leave([
            LeaveGroup.Member(memberID: "nobody"),
            LeaveGroup.Member(memberID: "other", instanceID: "instance0"),
            LeaveGroup.Member(memberID: "", instanceID: "instance9"),
            LeaveGroup.Member(memberID: "", instanceID: "instance0"),
            LeaveGroup.Member(memberID: members[1], instanceID: "instance1"),
        ])
        #expect(
            answer?.members.map(\.error) == [
                .unknownMemberID, .fencedInstanceID, .unknownMemberID, ErrorCode.none, ErrorCode.none,
            ])
    }

    @Test func requestsOfTheWrongGenerationOrMemberAreRefused() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(1)
        #expect(scene.heartbeat(members[0], 2) == .illegalGeneration)
        #expect(scene.heartbeat("nobody", 1) == .unknownMemberID)
        #expect(scene.heartbeat(members[0], 1, instance: "x") == .unknownMemberID)
        #expect(scene.synced(scene.sync(members[0], 0))?.error == .illegalGeneration)
        #expect(scene.synced(scene.sync("nobody", 1))?.error == .unknownMemberID)
        var wrong = SyncGroup(group: "g", memberID: members[0], generation: 1)
        wrong.protocolName = "sticky"
        #expect(scene.synced(scene.sync(wrong))?.error == .inconsistentGroupProtocol)
        wrong.protocolName = nil
        wrong.protocolType = "connect"
        #expect(scene.synced(scene.sync(wrong))?.error == .inconsistentGroupProtocol)
    }

    @Test func aStaticMemberComesBackWithoutARebalance() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2, static: true)
        let back = scene.join { $0.instanceID = "instance1" }
        scene.commit()
        let answer = try #require(scene.joined(back))
        #expect(answer.error == .none && answer.generation == 1 && answer.memberID != members[1])
        #expect(scene.coordinator.describe("g").state == "Stable")
        #expect(scene.synced(scene.sync(answer.memberID, 1))?.assignment == Array(members[1].utf8))
        #expect(scene.heartbeat(members[1], 1, instance: "instance1") == .fencedInstanceID)
        #expect(scene.heartbeat(members[1], 1) == .unknownMemberID)
        try scene.failOver()
        #expect(scene.heartbeat(answer.memberID, 1, instance: "instance1") == ErrorCode.none)
    }

    @Test func aStaticLeaderThatComesBackDoesNotAssignAgain() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2, static: true)
        let old = scene.join { $0.instanceID = "instance0" }
        scene.commit()
        #expect(scene.joined(old)?.leader == members[0] && scene.joined(old)?.members == [])
        let new = scene.join {
            $0.instanceID = "instance0"
            $0.supportsSkippingAssignment = true
        }
        scene.commit()
        let answer = try #require(scene.joined(new))
        #expect(answer.leader == answer.memberID && answer.skipAssignment && answer.members.count == 2)
    }

    @Test func losingThePartitionTellsEveryoneWhoWaits() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2)
        let newcomer = scene.join()
        let back = scene.join(members[0])
        let commit = scene.commitOffset(1) {
            $0.memberID = members[1]
            $0.generation = 1
        }
        scene.perform(scene.coordinator.unload(now: scene.time))
        #expect(scene.joined(newcomer)?.error == .notCoordinator)
        #expect(scene.joined(back)?.error == .notCoordinator)
        #expect(scene.committed(commit) == [.notCoordinator])
        #expect(scene.heartbeat(members[0], 1) == .notCoordinator)
    }

    @Test func membersLiveOnWithTheNextCoordinator() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(3)
        try scene.failOver()
        for member in members { #expect(scene.heartbeat(member, 1) == ErrorCode.none) }
        #expect(scene.synced(scene.sync(members[2], 1))?.assignment == Array(members[2].utf8))
    }

    @Test func whileLoadingMembersAreKeptCalm() throws {
        let scene = GroupScene()
        scene.coordinator = GroupCoordinator(configuration: GroupConfiguration())
        #expect(scene.heartbeat("member", 1) == ErrorCode.none)
        #expect(scene.synced(scene.sync("member", 1))?.error == .rebalanceInProgress)
        #expect(scene.joined(scene.join())?.error == .coordinatorLoadInProgress)
        #expect(scene.committed(scene.commitOffset(1)) == [.coordinatorLoadInProgress])
        #expect(scene.coordinator.list().error == .coordinatorLoadInProgress)
        #expect(
            scene.coordinator.fetchOffsets(OffsetFetch(group: "g", partitions: nil)).error
                == .coordinatorLoadInProgress)
    }

    @Test func thePartitionOfAGroupIsThatOfJavasHash() {
        #expect(CoordinatorPartitioning.partition(of: "", count: 50) == 0)
        #expect(CoordinatorPartitioning.partition(of: "a", count: 50) == 47)
        // Its hash is the smallest integer.
        #expect(CoordinatorPartitioning.partition(of: "polygenelubricants", count: 50) == 0)
    }
}
