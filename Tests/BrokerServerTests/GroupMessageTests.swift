// SPDX-License-Identifier: Apache-2.0

import GroupCoordination
import KafkaModel
import KafkaProtocol
import Testing

@testable import BrokerServer

/// What the versions of group requests mean, and what their answers can say.
@Suite struct GroupMessageTests {
    @Test func theFirstVersionOfJoinGroupHasOneTimeout() {
        var request = JoinGroupRequest()
        request.sessionTimeoutMs = 30
        #expect(join(request, version: 0).rebalanceTimeout == 30)
        request.rebalanceTimeoutMs = 70
        #expect(join(request, version: 1).rebalanceTimeout == 70)
    }

    @Test func dynamicMembersOfVersion4MustBringTheirID() {
        var request = JoinGroupRequest()
        #expect(!join(request, version: 3).requiresKnownMemberID)
        #expect(join(request, version: 4).requiresKnownMemberID)
        request.groupInstanceID = "i"
        #expect(!join(request, version: 5).requiresKnownMemberID)
        #expect(!join(request, version: 8).supportsSkippingAssignment)
        #expect(join(request, version: 9).supportsSkippingAssignment)
    }

    private func join(_ request: JoinGroupRequest, version: Int16) -> JoinGroup {
        JoinGroup(request, version: version, clientID: "c", clientHost: "/h", freshUUID: "u")
    }

    @Test(arguments: JoinGroupRequest.versions)
    func everyVersionCanSayWhatJoinGroupAnswers(version: Int16) throws {
        let refused = JoinGroupResponse(JoinAnswer(error: .unknownMemberID, memberID: "m"), version: version)
        #expect(refused.protocolName == (version < 7 ? "" : nil))
        _ = try refused.encoded(version: version)
        let member = JoinAnswer.Member(memberID: "m", instanceID: "i", metadata: [1])
        let answer = JoinAnswer(
            generation: 1, protocolType: "consumer", protocolName: "range", leader: "m", skipAssignment: true,
            memberID: "m", members: [member])
        _ = try JoinGroupResponse(answer, version: version).encoded(version: version)
    }

    @Test(arguments: SyncGroupRequest.versions)
    func everyVersionCanSayWhatSyncGroupAnswers(version: Int16) throws {
        let answer = SyncAnswer(protocolType: "consumer", protocolName: "range", assignment: [1])
        _ = try SyncGroupResponse(answer, version: version).encoded(version: version)
    }

    @Test(arguments: LeaveGroupRequest.versions)
    func leaveGroupHasOneMemberOrSeveral(version: Int16) throws {
        var request = LeaveGroupRequest()
        request.memberID = "one"
        request.members = [.init(memberID: "a"), .init(memberID: "b")]
        #expect(LeaveGroup(request, version: version).members.count == (version < 3 ? 1 : 2))
        let answer = LeaveAnswer(members: [.init(memberID: "one", instanceID: nil, error: .unknownMemberID)])
        let response = LeaveGroupResponse(answer, version: version)
        #expect(response.errorCode == (version < 3 ? .unknownMemberID : .none))
        _ = try response.encoded(version: version)
    }

    @Test(arguments: OffsetFetchRequest.versions)
    func anErrorOfOffsetFetchStandsWhereTheVersionHasItsPlace(version: Int16) throws {
        let fetch = OffsetFetch(group: "g", partitions: [TopicPartition("t", 3)])
        let response = OffsetFetchResponse([(fetch, OffsetFetchAnswer(error: .notCoordinator))], version: version)
        switch version {
        case ..<2: #expect(response.topics.first?.partitions.first?.errorCode == .notCoordinator)
        case ..<8: #expect(response.errorCode == .notCoordinator && response.topics.isEmpty)
        default: #expect(response.groups.first?.errorCode == .notCoordinator)
        }
        _ = try response.encoded(version: version)
        let found = OffsetFetchAnswer(
            partitions: [.init(partition: TopicPartition("t", 3), offset: 9, leaderEpoch: 2, metadata: "m")])
        _ = try OffsetFetchResponse([(fetch, found)], version: version).encoded(version: version)
    }

    @Test(arguments: OffsetFetchRequest.versions)
    func whatOffsetFetchNamesAgainIsFetchedOnce(version: Int16) throws {
        var request = OffsetFetchRequest()
        request.groupID = "g"
        request.topics = [.init(name: "t", partitionIndexes: [1, 0, 1]), .init(name: "t", partitionIndexes: [0, 2])]
        func group(_ name: String, _ partitions: [Int32]?) -> OffsetFetchRequest.OffsetFetchRequestGroup {
            var group = OffsetFetchRequest.OffsetFetchRequestGroup()
            group.groupID = name
            group.topics = partitions.map { [.init(name: "t", partitionIndexes: $0)] }
            return group
        }
        request.groups = [
            group("g", [1, 0, 1]), group("all", [1]), group("all", nil), group("g", [0, 2]), group("all", nil),
        ]
        let fetches = OffsetFetch.requests(request, version: version)
        #expect(fetches.map(\.group) == (version < 8 ? ["g"] : ["g", "all"]))
        #expect(fetches.first?.partitions == [1, 0, 2].map { TopicPartition("t", $0) })
        #expect(version < 8 || fetches.last?.partitions == nil)
    }

    @Test func aRetentionOfTheRequestCountsFromNow() {
        var request = OffsetCommitRequest()
        var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
        partition.committedMetadata = nil
        #expect(CommittedOffset(partition, request, now: 1000).expireTimestamp == nil)
        #expect(CommittedOffset(partition, request, now: 1000).commitTimestamp == 1000)
        #expect(CommittedOffset(partition, request, now: 1000).metadata == "")
        request.retentionTimeMs = 50
        #expect(CommittedOffset(partition, request, now: 1000).expireTimestamp == 1050)
        request.retentionTimeMs = .max
        #expect(CommittedOffset(partition, request, now: 1000).expireTimestamp == .max)
        partition.commitTimestamp = 7
        #expect(CommittedOffset(partition, request, now: 1000).commitTimestamp == 7)
    }

    @Test(
        arguments: [
            ([], [], ["e", "s"]), (["Empty"], [], ["e"]), (["sTABLE", "dead"], [], ["s"]),
            ([], ["Classic"], ["e", "s"]),
            ([], ["consumer"], []), (["nonsense"], ["classic"], []),
        ] as [([String], [String], [String])])
    func listGroupsFiltersWhateverTheCase(states: [String], types: [String], expected: [String]) {
        var request = ListGroupsRequest()
        request.statesFilter = states
        request.typesFilter = types
        let groups = [
            GroupListing(group: "e", protocolType: "", state: .empty),
            GroupListing(group: "s", protocolType: "consumer", state: .stable),
        ]
        let response = ListGroupsResponse(.none, groups, request, version: 5)
        #expect(response.groups.map(\.groupID) == expected)
        #expect(response.groups.allSatisfy { $0.groupType == "classic" })
    }

    @Test func anErrorForAllOfOffsetDeleteLeavesNoOthers() {
        let refused = [PartitionError(TopicPartition("gone", 0), .unknownTopicOrPartition)]
        #expect(OffsetDeleteResponse(OffsetDeleteAnswer(error: .groupIDNotFound), refused: refused).topics.isEmpty)
        let answer = OffsetDeleteAnswer(partitions: [PartitionError(TopicPartition("t", 0), .none)])
        #expect(OffsetDeleteResponse(answer, refused: refused).topics.map(\.name) == ["gone", "t"])
    }

    @Test func uuidsAreWrittenAsInJava() {
        let id = KafkaUUID(high: 0x0123_4567_89ab_4def, low: 0x8123_4567_89ab_cdef)
        #expect(id.hyphenated == "01234567-89ab-4def-8123-456789abcdef")
    }
}
