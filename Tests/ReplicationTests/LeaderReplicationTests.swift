// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

@Suite struct LeaderReplicationTests {
    private func leader(
        inSync: [BrokerID] = [1, 2, 3], replicas: [BrokerID] = [1, 2, 3], minInSync: Int = 1, logEnd: Offset = 10,
        highWatermark: Offset = 5
    ) -> LeaderReplication {
        LeaderReplication(
            localID: 1,
            leadership: .init(leaderEpoch: 4, partitionEpoch: 7, replicas: replicas, inSyncReplicas: inSync),
            logEnd: logEnd, highWatermark: highWatermark, minInSyncReplicas: minInSync, lagTimeMax: 30_000,
            alive: [1, 2, 3], now: 0)
    }

    @Test func theHighWatermarkIsWhatEveryInSyncReplicaHas() {
        var leader = leader()
        #expect(leader.fetched(by: 2, from: 9, logStart: 0, now: 1) == [])
        #expect(leader.fetched(by: 3, from: 8, logStart: 0, now: 1) == [.highWatermarkAdvanced(8)])
        #expect(leader.fetched(by: 3, from: 10, logStart: 0, now: 2) == [.highWatermarkAdvanced(9)])
        #expect(leader.highWatermark == 9)
    }

    @Test func anOnlyReplicaCommitsWhatItAppends() {
        var leader = leader(inSync: [1], replicas: [1])
        #expect(leader.appended(logEnd: 12, now: 1) == [.highWatermarkAdvanced(12)])
        #expect(leader.acknowledgement(below: 12) == ErrorCode.none)
        #expect(leader.acknowledgement(below: 13) == nil)
    }

    @Test func theMarkNeverMovesBack() {
        var leader = leader()
        _ = leader.fetched(by: 2, from: 10, logStart: 0, now: 1)
        _ = leader.fetched(by: 3, from: 10, logStart: 0, now: 1)
        #expect(leader.highWatermark == 10)
        // A follower that truncated fetches from below.
        #expect(leader.fetched(by: 3, from: 2, logStart: 0, now: 2) == [])
        #expect(leader.highWatermark == 10)
    }

    @Test func aFollowerThatHasNotFetchedHoldsTheMarkBack() {
        var leader = leader()
        #expect(leader.fetched(by: 2, from: 10, logStart: 0, now: 1) == [])
    }

    @Test func aCaughtUpFollowerIsProposedAndHoldsTheMarkBackAtOnce() {
        var leader = leader(inSync: [1, 2])
        _ = leader.fetched(by: 2, from: 10, logStart: 0, now: 1)
        // Out of the set, but it may be about to join: it counts for now.
        #expect(leader.highWatermark == 5)
        #expect(
            leader.fetched(by: 3, from: 10, logStart: 0, now: 100_000)?.contains(.proposeInSyncReplicas([1, 2, 3]))
                == true)
        #expect(leader.inSyncReplicas == [1, 2])
        #expect(leader.maximalInSyncReplicas == [1, 2, 3])
        _ = leader.appended(logEnd: 20, now: 100_001)
        #expect(leader.fetched(by: 2, from: 20, logStart: 0, now: 100_002) == [])
        #expect(leader.fetched(by: 3, from: 20, logStart: 0, now: 100_003) == [.highWatermarkAdvanced(20)])
    }

    @Test func aFollowerBelowTheEpochsStartIsNotProposed() {
        var leader = leader(inSync: [1, 2], logEnd: 10, highWatermark: 5)
        #expect(leader.fetched(by: 3, from: 9, logStart: 0, now: 1) == [])
        #expect(leader.fetched(by: 3, from: 10, logStart: 0, now: 1) == [.proposeInSyncReplicas([1, 2, 3])])
    }

    @Test func aDeadBrokerIsNotProposed() {
        var leader = leader(inSync: [1, 2])
        leader.aliveBrokersChanged([1, 2])
        #expect(leader.fetched(by: 3, from: 10, logStart: 0, now: 1) == [])
    }

    @Test func whoLagsForTooLongIsRemovedButHoldsTheMarkUntilConfirmed() {
        var leader = leader()
        _ = leader.fetched(by: 2, from: 10, logStart: 0, now: 30_000)
        #expect(leader.checkLag(now: 30_000) == [])
        #expect(leader.checkLag(now: 30_001) == [.proposeInSyncReplicas([1, 2])])
        #expect(leader.checkLag(now: 30_002) == [])
        #expect(leader.highWatermark == 5)
        #expect(
            leader.proposalAccepted(leaderEpoch: 4, partitionEpoch: 8, inSyncReplicas: [1, 2], now: 30_003)
                == [.highWatermarkAdvanced(10)])
        #expect(leader.inSyncReplicas == [1, 2])
        #expect(leader.isUnderReplicated)
    }

    @Test func whoHasEverythingIsInSyncHoweverLongAgo() {
        var leader = leader()
        _ = leader.fetched(by: 2, from: 10, logStart: 0, now: 1)
        _ = leader.fetched(by: 3, from: 10, logStart: 0, now: 1)
        #expect(leader.checkLag(now: 1_000_000) == [])
    }

    @Test func readingAtTheEndOfThePreviousFetchCountsFromThen() {
        var leader = leader()
        _ = leader.fetched(by: 3, from: 10, logStart: 0, now: 1)
        _ = leader.fetched(by: 2, from: 5, logStart: 0, now: 20_000)
        _ = leader.appended(logEnd: 15, now: 20_001)
        // It has what the leader had at 20 000, so it was caught up then.
        _ = leader.fetched(by: 2, from: 10, logStart: 0, now: 40_000)
        #expect(leader.checkLag(now: 49_999) == [.proposeInSyncReplicas([1, 2])])
    }

    @Test func belowTheMinimumNothingIsCommitted() {
        var leader = leader(inSync: [1], minInSync: 2)
        #expect(!leader.admitsAcksAll)
        #expect(leader.appended(logEnd: 11, now: 1) == [])
        #expect(leader.highWatermark == 5)
        #expect(leader.minInSyncReplicasChanged(1, now: 2) == [])
        leader.aliveBrokersChanged([1])
        #expect(leader.appended(logEnd: 12, now: 100_000) == [.highWatermarkAdvanced(12)])
    }

    @Test func theMinimumIsBoundByTheNumberOfReplicas() {
        var leader = leader(inSync: [1], replicas: [1], minInSync: 2)
        #expect(leader.admitsAcksAll)
        #expect(leader.appended(logEnd: 11, now: 1) == [.highWatermarkAdvanced(11)])
    }

    @Test func tooFewReplicasAfterTheAppendAreTold() {
        var leader = leader(inSync: [1, 2], minInSync: 2)
        leader.aliveBrokersChanged([1, 2])
        _ = leader.fetched(by: 2, from: 10, logStart: 0, now: 1)
        #expect(leader.acknowledgement(below: 10) == ErrorCode.none)
        _ = leader.proposalAccepted(leaderEpoch: 4, partitionEpoch: 8, inSyncReplicas: [1], now: 2)
        #expect(leader.acknowledgement(below: 10) == .notEnoughReplicasAfterAppend)
    }

    @Test(arguments: [ErrorCode.operationNotAttempted, .ineligibleReplica])
    func aRefusalForNowAllowsAnotherProposal(error: ErrorCode) {
        var leader = leader(inSync: [1, 2])
        #expect(leader.fetched(by: 3, from: 10, logStart: 0, now: 1) == [.proposeInSyncReplicas([1, 2, 3])])
        _ = leader.proposalRefused(error, leaderEpoch: 4, now: 2)
        #expect(leader.maximalInSyncReplicas == [1, 2])
        #expect(leader.fetched(by: 3, from: 10, logStart: 0, now: 3) == [.proposeInSyncReplicas([1, 2, 3])])
    }

    @Test(arguments: [ErrorCode.fencedLeaderEpoch, .invalidUpdateVersion, .unknownTopicID])
    func aRefusalForGoodWaitsForTheController(error: ErrorCode) {
        var leader = leader(inSync: [1, 2])
        _ = leader.fetched(by: 3, from: 10, logStart: 0, now: 1)
        #expect(leader.proposalRefused(error, leaderEpoch: 4, now: 2) == [])
        #expect(leader.maximalInSyncReplicas == [1, 2, 3])
        #expect(leader.checkLag(now: 1_000_000) == [])
    }

    @Test func anyOtherErrorRepeatsTheProposal() {
        var leader = leader(inSync: [1, 2])
        _ = leader.fetched(by: 3, from: 10, logStart: 0, now: 1)
        #expect(
            leader.proposalRefused(.unknownServerError, leaderEpoch: 4, now: 2) == [.proposeInSyncReplicas([1, 2, 3])])
    }

    @Test func answersOfAnEarlierLeadershipAreIgnored() {
        var leader = leader(inSync: [1, 2])
        _ = leader.fetched(by: 3, from: 10, logStart: 0, now: 1)
        #expect(leader.proposalAccepted(leaderEpoch: 3, partitionEpoch: 9, inSyncReplicas: [1, 2, 3], now: 2) == [])
        #expect(leader.proposalAccepted(leaderEpoch: 4, partitionEpoch: 6, inSyncReplicas: [1, 2, 3], now: 2) == [])
        #expect(leader.inSyncReplicas == [1, 2])
    }

    @Test func aStrangerIsNoFollower() {
        var leader = leader()
        #expect(leader.fetched(by: 9, from: 10, logStart: 0, now: 1) == nil)
    }

    @Test func aConsumerReadsFromItsRackWhereThatHasTheOffset() {
        var leader = leader()
        _ = leader.fetched(by: 2, from: 8, logStart: 0, now: 1)
        _ = leader.fetched(by: 3, from: 10, logStart: 4, now: 1)
        let racks: [BrokerID: String] = [1: "a", 2: "b", 3: "b"]
        #expect(leader.preferredReadReplica(rack: "b", racks: racks, offset: 7, now: 2) == 3)
        #expect(leader.preferredReadReplica(rack: "b", racks: racks, offset: 2, now: 2) == 2)
        #expect(leader.preferredReadReplica(rack: "a", racks: racks, offset: 7, now: 2) == nil)
        #expect(leader.preferredReadReplica(rack: "c", racks: racks, offset: 7, now: 2) == nil)
    }

    @Test func theLowWatermarkIsThatOfLivingReplicas() {
        var leader = leader()
        _ = leader.fetched(by: 2, from: 8, logStart: 3, now: 1)
        _ = leader.fetched(by: 3, from: 8, logStart: 5, now: 1)
        #expect(leader.lowWatermark(localLogStart: 6) == 3)
        leader.aliveBrokersChanged([1, 3])
        #expect(leader.lowWatermark(localLogStart: 6) == 5)
    }
}
