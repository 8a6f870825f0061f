// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

private func everyone(_ id: BrokerID) -> Bool { true }

@Suite struct LeaderReplicationTests {
    private func leader(
        replicas: [BrokerID] = [1, 2, 3], inSync: [BrokerID] = [1, 2, 3], minimum: Int = 1, logEnd: Offset = 0,
        highWatermark: Offset = 0, now: Timestamp = 0
    ) -> LeaderReplication {
        LeaderReplication(
            localID: 1,
            Leadership(leaderEpoch: 5, partitionEpoch: 7, replicas: replicas, inSyncReplicas: inSync),
            epochStart: logEnd, logEnd: logEnd, highWatermark: highWatermark, minimumInSync: minimum,
            maximumLag: 30_000, now: now)
    }

    private func proposal(_ members: [BrokerID], partitionEpoch: PartitionEpoch = 7) -> LeaderReplication.Proposal {
        LeaderReplication.Proposal(leaderEpoch: 5, partitionEpoch: partitionEpoch, inSyncReplicas: members)
    }

    // MARK: High watermark

    @Test func aSingleReplicaCommitsWhatItAppends() {
        var leader = self.leader(replicas: [1], inSync: [1])
        #expect(leader.appended(logEnd: 10, now: 0, isAlive: everyone) == [.highWatermarkAdvanced(10)])
        #expect(leader.outcome(ofProduceUpTo: 10) == .done(.none))
        #expect(leader.outcome(ofProduceUpTo: 11) == .waiting)
    }

    @Test func theMarkWaitsForEveryInSyncReplica() {
        var leader = self.leader()
        #expect(leader.appended(logEnd: 10, now: 0, isAlive: everyone) == [])
        #expect(leader.follower(2, fetchedFrom: 10, logStart: 0, now: 1, isAlive: everyone) == [])
        #expect(
            leader.follower(3, fetchedFrom: 8, logStart: 0, now: 2, isAlive: everyone) == [.highWatermarkAdvanced(8)])
        #expect(
            leader.follower(3, fetchedFrom: 10, logStart: 0, now: 3, isAlive: everyone) == [.highWatermarkAdvanced(10)])
    }

    /// It may have waited on a connection for as long as the broker was down.
    @Test func whatAFollowersEarlierLifeHadProvesNothing() {
        var leader = self.leader(inSync: [1, 2], logEnd: 10, highWatermark: 10)
        func fetch(from offset: Offset, _ epoch: BrokerEpoch) -> [LeaderReplication.Action] {
            leader.follower(3, fetchedFrom: offset, logStart: 0, brokerEpoch: epoch, now: 1, isAlive: everyone)
        }
        #expect(fetch(from: 4, 101) == [])
        #expect(fetch(from: 10, 100) == [])
        #expect(leader.remotes[3]?.logEnd == 4)
        #expect(fetch(from: 10, 101) == [.propose(proposal([1, 2, 3]))])
        // Who does not say is believed, and in another leadership epochs are told anew.
        #expect(fetch(from: 9, -1) == [])
        #expect(leader.remotes[3]?.logEnd == 9)
        let next = Leadership(leaderEpoch: 6, partitionEpoch: 8, replicas: [1, 2, 3], inSyncReplicas: [1, 2])
        _ = leader.lead(next, epochStart: 10, logEnd: 10, now: 2)
        _ = fetch(from: 8, 100)
        #expect(leader.remotes[3]?.logEnd == 8)
    }

    // MARK: What an answer to a follower waits for

    /// A producer that has at most five records on the way, and two followers.
    @Test func aRoundCarriesWhatProducersHadOnTheWay() {
        var leader = self.leader()
        func append(to end: Offset) { _ = leader.appended(logEnd: end, now: 0, isAlive: everyone) }
        func fetch(_ id: BrokerID, from offset: Offset) {
            _ = leader.follower(id, fetchedFrom: offset, logStart: 0, now: 0, isAlive: everyone)
        }
        // The first record travels alone: nothing is known yet.
        append(to: 1)
        #expect(leader.hasGathered(for: 0))
        append(to: 5)
        fetch(2, from: 1)
        fetch(3, from: 1)
        #expect(leader.highWatermark == 1)
        // Five were on the way when it was committed; four are there, and one more is to come.
        #expect(!leader.hasGathered(for: 1))
        append(to: 6)
        #expect(leader.hasGathered(for: 1))
        // A follower that has them waits for the others as well, not for the next record.
        fetch(2, from: 6)
        fetch(3, from: 6)
        append(to: 7)
        #expect(!leader.hasGathered(for: 6))
        append(to: 11)
        #expect(leader.hasGathered(for: 6))
    }

    @Test func lessThanTheTimeBeforeIsTheNextMeasure() {
        var leader = self.leader(inSync: [1, 2])
        for (end, isEnough) in [(5, true), (7, false), (9, true), (10, false), (11, true)] as [(Offset, Bool)] {
            let before = leader.highWatermark
            _ = leader.appended(logEnd: end, now: 0, isAlive: everyone)
            #expect(leader.hasGathered(for: before) == isEnough)
            if end != 10 { _ = leader.follower(2, fetchedFrom: end, logStart: 0, now: 0, isAlive: everyone) }
        }
    }

    @Test func manyBytesMayWaitLongerThanFewAndEnoughNotAtAll() {
        #expect(AnswerGathering.patience(bytes: 0) == 1_000_000)
        #expect(AnswerGathering.patience(bytes: 100) < 1_001_000)
        #expect(AnswerGathering.patience(bytes: 512 << 10) == 5_000_000)
        #expect(AnswerGathering.patience(bytes: AnswerGathering.enough) == 0)
        #expect(AnswerGathering.patience(bytes: .max) == 0)
        // Looked at first when half of what the last answer carried may wait no longer.
        #expect(AnswerGathering.firstLook(lastAnswer: 0) == 1_000_000)
        #expect(AnswerGathering.firstLook(lastAnswer: 512 << 10) == 3_000_000)
        #expect(AnswerGathering.firstLook(lastAnswer: AnswerGathering.enough) == 1_000_000)
    }

    @Test func whoLacksCommittedRecordsWaitsForNothing() {
        var leader = self.leader(inSync: [1, 2])
        _ = leader.appended(logEnd: 10, now: 0, isAlive: everyone)
        _ = leader.follower(2, fetchedFrom: 10, logStart: 0, now: 0, isAlive: everyone)
        _ = leader.appended(logEnd: 11, now: 0, isAlive: everyone)
        #expect(!leader.hasGathered(for: 10))
        #expect(leader.hasGathered(for: 9))
    }

    @Test func theMarkLetsGoOfADeadReplicaThatWasAboutToJoin() {
        var leader = self.leader(inSync: [1, 2])
        #expect(
            leader.follower(3, fetchedFrom: 0, logStart: 0, now: 1, isAlive: everyone)
                == [.propose(proposal([1, 2, 3]))])
        #expect(leader.appended(logEnd: 10, now: 2, isAlive: everyone) == [])
        #expect(leader.follower(2, fetchedFrom: 10, logStart: 0, now: 3, isAlive: everyone) == [])
        #expect(leader.refused(proposal([1, 2, 3]), .ineligibleReplica) == [])
        // It may come back as long as it is known to live; nobody's fetch will say that it does not.
        #expect(leader.begin(now: 4, isAlive: everyone) == [])
        #expect(leader.begin(now: 5, isAlive: { $0 != 3 }) == [.highWatermarkAdvanced(10)])
    }

    @Test func aReplicaThatLeavesHoldsTheMarkBackWhileItIsInSync() {
        var leader = self.leader()
        _ = leader.appended(logEnd: 10, now: 0, isAlive: everyone)
        _ = leader.follower(2, fetchedFrom: 10, logStart: 0, now: 1, isAlive: everyone)
        // A reassignment ends: the new replicas are told while the one that leaves could still be elected.
        let ending = Leadership(leaderEpoch: 6, partitionEpoch: 8, replicas: [1, 2], inSyncReplicas: [1, 2, 3])
        #expect(leader.lead(ending, epochStart: 10, logEnd: 10, now: 2) == [])
        #expect(leader.highWatermark == 0)
        let ended = Leadership(leaderEpoch: 7, partitionEpoch: 9, replicas: [1, 2], inSyncReplicas: [1, 2])
        #expect(leader.lead(ended, epochStart: 10, logEnd: 10, now: 3) == [.highWatermarkAdvanced(10)])
    }

    @Test func theMarkNeverMovesBack() {
        var leader = self.leader(logEnd: 20, highWatermark: 15)
        #expect(leader.follower(2, fetchedFrom: 3, logStart: 0, now: 1, isAlive: everyone) == [])
        #expect(leader.follower(3, fetchedFrom: 3, logStart: 0, now: 1, isAlive: everyone) == [])
        #expect(leader.highWatermark == 15)
    }

    @Test func theMarkStaysWhileTooFewAreInSync() {
        var leader = self.leader(inSync: [1], minimum: 2)
        #expect(leader.appended(logEnd: 10, now: 40_000, isAlive: everyone) == [])
        #expect(leader.highWatermark == 0)
        #expect(leader.admitsAcksAll() == .notEnoughReplicas)
        #expect(leader.isUnderMinimumInSync)
    }

    @Test func theMinimumIsNeverMoreThanThereAreReplicas() {
        var leader = self.leader(replicas: [1], inSync: [1], minimum: 3)
        #expect(leader.admitsAcksAll() == .none)
        #expect(leader.appended(logEnd: 1, now: 0, isAlive: everyone) == [.highWatermarkAdvanced(1)])
    }

    @Test func aReplicaThatIsAboutToJoinHoldsTheMarkBack() {
        var leader = self.leader(replicas: [1, 2], inSync: [1], logEnd: 10, now: 100_000)
        #expect(leader.begin(now: 100_000, isAlive: everyone) == [.highWatermarkAdvanced(10)])
        #expect(
            leader.follower(2, fetchedFrom: 10, logStart: 0, now: 100_000, isAlive: { _ in false }) == [])
        // Dead in the metadata, it holds nothing back; alive, it does.
        var other = leader
        #expect(other.appended(logEnd: 12, now: 100_001, isAlive: { _ in false }) == [.highWatermarkAdvanced(12)])
        #expect(leader.appended(logEnd: 12, now: 100_001, isAlive: everyone) == [])
    }

    /// The clock may start when the host does: shortly after, "never" must not look like a moment ago.
    @Test func aReplicaThatNeverCaughtUpHoldsNothingBackEvenWhenTheClockIsYoung() {
        var leader = self.leader(replicas: [1, 2], inSync: [1], now: 5)
        #expect(leader.appended(logEnd: 10, now: 6, isAlive: everyone) == [.highWatermarkAdvanced(10)])
        #expect(leader.follower(2, fetchedFrom: 3, logStart: 0, now: 7, isAlive: everyone) == [])
        #expect(leader.appended(logEnd: 12, now: 8, isAlive: everyone) == [.highWatermarkAdvanced(12)])
    }

    // MARK: In-sync set

    @Test func aCaughtUpFollowerIsProposedAndCountsAtOnce() {
        var leader = self.leader(replicas: [1, 2], inSync: [1], logEnd: 10, highWatermark: 10, now: 100_000)
        #expect(
            leader.follower(2, fetchedFrom: 10, logStart: 0, now: 100_000, isAlive: everyone)
                == [.propose(proposal([1, 2]))])
        #expect(leader.inSyncReplicas == [1])
        #expect(leader.maximalInSyncReplicas == [1, 2])
        #expect(leader.appended(logEnd: 11, now: 200_000, isAlive: everyone) == [])
        // While it is in flight there is no other.
        #expect(leader.removeLaggards(now: 999_000) == [])
        #expect(
            leader.accepted(
                proposal([1, 2]), leaderEpoch: 5, partitionEpoch: 8, inSyncReplicas: [1, 2], now: 200_000,
                isAlive: everyone) == [])
        #expect(leader.inSyncReplicas == [1, 2])
        #expect(
            leader.follower(2, fetchedFrom: 11, logStart: 0, now: 200_001, isAlive: everyone)
                == [.highWatermarkAdvanced(11)])
    }

    @Test(
        arguments: [
            (offset: 9, highWatermark: 10, epochStart: 0, alive: true, "behind the mark"),
            (offset: 10, highWatermark: 10, epochStart: 11, alive: true, "behind the start of this epoch"),
            (offset: 12, highWatermark: 10, epochStart: 0, alive: false, "dead"),
        ] as [(Offset, Offset, Offset, Bool, String)])
    func aFollowerIsNotProposedWhile(_ test: (Offset, Offset, Offset, Bool, String)) {
        var leader = LeaderReplication(
            localID: 1, Leadership(leaderEpoch: 5, partitionEpoch: 7, replicas: [1, 2], inSyncReplicas: [1]),
            epochStart: test.2, logEnd: 12, highWatermark: test.1, minimumInSync: 2, maximumLag: 30_000, now: 0)
        let actions = leader.follower(2, fetchedFrom: test.0, logStart: 0, now: 1, isAlive: { _ in test.3 })
        #expect(actions == [], "\(test.4)")
    }

    @Test func aLaggardIsProposedForRemovalAndCountsUntilItIsConfirmed() {
        var leader = self.leader(replicas: [1, 2], inSync: [1, 2], now: 1000)
        _ = leader.appended(logEnd: 5, now: 1000, isAlive: everyone)
        #expect(leader.removeLaggards(now: 31_000) == [])
        #expect(leader.removeLaggards(now: 31_001) == [.propose(proposal([1]))])
        #expect(leader.appended(logEnd: 6, now: 31_002, isAlive: everyone) == [])
        #expect(
            leader.accepted(
                proposal([1]), leaderEpoch: 5, partitionEpoch: 8, inSyncReplicas: [1], now: 31_003, isAlive: everyone)
                == [.highWatermarkAdvanced(6)])
        #expect(leader.isUnderReplicated)
    }

    @Test func anIdleFollowerAtTheEndIsNoLaggard() {
        var leader = self.leader(replicas: [1, 2], inSync: [1, 2], logEnd: 5)
        _ = leader.follower(2, fetchedFrom: 5, logStart: 0, now: 1, isAlive: everyone)
        #expect(leader.removeLaggards(now: 9_000_000) == [])
    }

    @Test func aFollowerThatKeepsPaceIsCaughtUpAtItsLastFetch() {
        var leader = self.leader(replicas: [1, 2], inSync: [1, 2], logEnd: 0)
        // It always asks for what was the end at its fetch before, never for the end now.
        var time: Timestamp = 0
        for end in stride(from: Offset(10), through: 100, by: 10) {
            _ = leader.appended(logEnd: end, now: time, isAlive: everyone)
            _ = leader.follower(2, fetchedFrom: end - 10, logStart: 0, now: time, isAlive: everyone)
            time += 20_000
        }
        #expect(leader.remotes[2]?.lastCaughtUp == time - 40_000)
        #expect(leader.removeLaggards(now: time - 20_000) == [])
        #expect(leader.removeLaggards(now: time - 20_000 + 10_001) == [.propose(proposal([1]))])
    }

    @Test func refusalsAreReactedToByTheirKind() {
        func expanding() -> LeaderReplication {
            var leader = self.leader(replicas: [1, 2], inSync: [1])
            _ = leader.follower(2, fetchedFrom: 0, logStart: 0, now: 1, isAlive: everyone)
            return leader
        }
        for error in [ErrorCode.operationNotAttempted, .ineligibleReplica] {
            var leader = expanding()
            #expect(leader.refused(proposal([1, 2]), error) == [])
            #expect(!leader.isProposalInFlight)
        }
        for error in [
            ErrorCode.unknownTopicID, .fencedLeaderEpoch, .invalidUpdateVersion, .invalidRequest,
        ] {
            var leader = expanding()
            #expect(leader.refused(proposal([1, 2]), error) == [])
            #expect(leader.isProposalInFlight)
        }
        var leader = expanding()
        #expect(leader.refused(proposal([1, 2]), .notController) == [.propose(proposal([1, 2]))])
        // It may be in ZooKeeper already: whoever could not read the topic has not looked.
        #expect(leader.refused(proposal([1, 2]), .unknownTopicOrPartition) == [.propose(proposal([1, 2]))])
        #expect(leader.refused(proposal([1]), .notController) == [])
    }

    @Test func anAnswerToAnOlderLeadershipIsIgnored() {
        var leader = self.leader(replicas: [1, 2], inSync: [1])
        _ = leader.follower(2, fetchedFrom: 0, logStart: 0, now: 1, isAlive: everyone)
        let new = Leadership(leaderEpoch: 6, partitionEpoch: 9, replicas: [1, 2], inSyncReplicas: [1])
        _ = leader.lead(new, epochStart: 0, logEnd: 0, now: 2)
        #expect(!leader.isProposalInFlight)
        _ = leader.accepted(
            proposal([1, 2]), leaderEpoch: 5, partitionEpoch: 8, inSyncReplicas: [1, 2], now: 3, isAlive: everyone)
        #expect(leader.inSyncReplicas == [1])
        #expect(leader.leadership == new)
    }

    @Test func aSetThatTheLeaderWroteItselfHoldsAndAnotherWriteIsWaitedFor() {
        var leader = self.leader(replicas: [1, 2], inSync: [1])
        _ = leader.follower(2, fetchedFrom: 0, logStart: 0, now: 1, isAlive: everyone)
        var refused = leader
        #expect(leader.wrote(proposal([1, 2]), version: 8, now: 2, isAlive: everyone) == [])
        #expect(leader.inSyncReplicas == [1, 2])
        #expect(leader.leadership.partitionEpoch == 8)
        #expect(!leader.isProposalInFlight)
        #expect(refused.wrote(proposal([1, 2]), version: nil, now: 2, isAlive: everyone) == [])
        #expect(refused.inSyncReplicas == [1])
        #expect(refused.isProposalInFlight)
    }

    @Test func anOlderPartitionEpochIsIgnored() {
        var leader = self.leader(replicas: [1, 2], inSync: [1])
        _ = leader.follower(2, fetchedFrom: 0, logStart: 0, now: 1, isAlive: everyone)
        _ = leader.accepted(
            proposal([1, 2]), leaderEpoch: 5, partitionEpoch: 6, inSyncReplicas: [1, 2], now: 2, isAlive: everyone)
        #expect(leader.inSyncReplicas == [1])
        #expect(leader.isProposalInFlight)
    }

    @Test func aNewEpochGivesInSyncFollowersTimeAndForgetsTheirEndsOnlyForANewLeader() {
        var leader = self.leader(replicas: [1, 2], inSync: [1, 2], logEnd: 5)
        _ = leader.follower(2, fetchedFrom: 5, logStart: 0, now: 1, isAlive: everyone)
        let new = Leadership(leaderEpoch: 6, partitionEpoch: 9, replicas: [1, 2, 4], inSyncReplicas: [1, 2])
        _ = leader.lead(new, epochStart: 5, logEnd: 5, now: 100_000)
        #expect(leader.remotes[2]?.logEnd == 5)
        #expect(leader.remotes[2]?.lastCaughtUp == 100_000)
        #expect(leader.remotes[4]?.logEnd == -1)
        #expect(leader.remotes[4]?.lastCaughtUp == nil)
    }

    /// Followers may have cut off meanwhile what they had from this leader.
    @Test func whatFollowersHadBeforeAnotherLedIsForgotten() {
        var leader = self.leader(inSync: [1, 2, 3], minimum: 2, logEnd: 10, highWatermark: 10)
        _ = leader.appended(logEnd: 15, now: 0, isAlive: everyone)
        _ = leader.follower(3, fetchedFrom: 15, logStart: 0, now: 1, isAlive: everyone)
        #expect(leader.highWatermark == 10)
        // Broker 2 has led in epoch 6, and has died.
        let new = Leadership(leaderEpoch: 7, partitionEpoch: 9, replicas: [1, 2, 3], inSyncReplicas: [1, 3])
        #expect(leader.lead(new, epochStart: 15, logEnd: 15, now: 2) == [])
        #expect(leader.remotes[3]?.logEnd == -1)
        #expect(
            leader.follower(3, fetchedFrom: 13, logStart: 0, now: 3, isAlive: everyone) == [.highWatermarkAdvanced(13)])
    }

    @Test func aStrangersFetchChangesNothing() {
        var leader = self.leader()
        #expect(leader.follower(9, fetchedFrom: 0, logStart: 0, now: 0, isAlive: everyone) == [])
        #expect(leader.remotes[9] == nil)
    }

    // MARK: acks, deletion, readers

    @Test func acksAllFailsAfterAppendWhenTooFewAreLeft() {
        var leader = self.leader(replicas: [1, 2], inSync: [1, 2], minimum: 2)
        _ = leader.appended(logEnd: 5, now: 0, isAlive: everyone)
        _ = leader.follower(2, fetchedFrom: 5, logStart: 0, now: 0, isAlive: everyone)
        #expect(leader.outcome(ofProduceUpTo: 5) == .done(.none))
        let shrunk = Leadership(leaderEpoch: 6, partitionEpoch: 9, replicas: [1, 2], inSyncReplicas: [1])
        _ = leader.lead(shrunk, epochStart: 5, logEnd: 5, now: 1)
        #expect(leader.outcome(ofProduceUpTo: 5) == .done(.notEnoughReplicasAfterAppend))
        #expect(leader.outcome(ofProduceUpTo: 6) == .waiting)
    }

    @Test func theLowWatermarkIsTheSmallestLogStartOfTheLiving() {
        var leader = self.leader(logEnd: 9)
        _ = leader.follower(2, fetchedFrom: 9, logStart: 4, now: 0, isAlive: everyone)
        #expect(leader.lowWatermark(logStart: 6, isAlive: everyone) == -1)
        #expect(leader.lowWatermark(logStart: 6, isAlive: { $0 != 3 }) == 4)
        #expect(leader.lowWatermark(logStart: 6, isAlive: { _ in false }) == 6)
    }

    @Test func aConsumerReadsFromTheMostCaughtUpReplicaOfItsRack() {
        var leader = self.leader(logEnd: 9)
        let racks: [BrokerID: String] = [1: "a", 2: "b", 3: "b"]
        _ = leader.follower(2, fetchedFrom: 7, logStart: 0, now: 0, isAlive: everyone)
        _ = leader.follower(3, fetchedFrom: 9, logStart: 8, now: 0, isAlive: everyone)
        #expect(leader.preferredReadReplica(rack: "a", offset: 5) { racks[$0] } == nil)
        #expect(leader.preferredReadReplica(rack: "b", offset: 5) { racks[$0] } == 2)
        #expect(leader.preferredReadReplica(rack: "b", offset: 8) { racks[$0] } == 3)
        #expect(leader.preferredReadReplica(rack: "c", offset: 8) { racks[$0] } == nil)
    }
}
