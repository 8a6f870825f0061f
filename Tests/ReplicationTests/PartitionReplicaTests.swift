// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

/// Broker 1's replica of a partition that brokers 1 to 3 hold.
private struct Scene {
    static let partition = TopicPartition("t", 0)
    var replica = PartitionReplica(localID: 1)
    var log = FollowerReplication.LocalLog(logStart: 0, highWatermark: 0, logEnd: 0, latestEpoch: nil)

    static func change(
        leader: BrokerID, epoch: LeaderEpoch, partitionEpoch: PartitionEpoch = 0, topicID: KafkaUUID? = nil,
        replicas: [BrokerID] = [1, 2, 3]
    ) -> LeaderAndIsrPartition {
        LeaderAndIsrPartition(
            partition: partition, topicID: topicID, controllerEpoch: 1, leader: leader, leaderEpoch: epoch,
            inSyncReplicas: [1, 2], partitionEpoch: partitionEpoch, replicas: replicas, isNew: false)
    }

    func verdict(_ change: LeaderAndIsrPartition, dead: Set<BrokerID> = []) -> PartitionReplica.Verdict {
        replica.verdict(on: change) { !dead.contains($0) }
    }

    mutating func lead(epoch: LeaderEpoch, partitionEpoch: PartitionEpoch = 0) {
        _ = replica.lead(
            Self.change(leader: 1, epoch: epoch, partitionEpoch: partitionEpoch), log: log,
            .init(minimumInSync: 1, maximumLag: 1000), now: 10_000, isAlive: { _ in true })
    }

    mutating func append(_ end: Offset) {
        log.logEnd = end
        _ = replica.withLeader { $0.appended(logEnd: end, now: 10_000, isAlive: { _ in true }) }
    }

    @discardableResult
    mutating func fetch(
        _ follower: BrokerID, from offset: Offset, logStart: Offset = 0, epoch: LeaderEpoch = -1,
        lastFetched: LeaderEpoch = -1, known: (epoch: LeaderEpoch, end: Offset)? = nil
    ) -> [LeaderReplication.Action] {
        replica.fetched(
            .init(
                follower: follower, offset: offset, logStart: logStart, leaderEpoch: epoch,
                lastFetchedEpoch: lastFetched),
            log: log, known: known, now: 10_000, isAlive: { _ in true })
    }
}

@Suite struct PartitionReplicaTests {
    @Test func onlyANewerLeaderEpochChangesAnything() {
        var scene = Scene()
        #expect(scene.verdict(Scene.change(leader: 1, epoch: 4)) == .lead)
        scene.lead(epoch: 4)
        #expect(scene.verdict(Scene.change(leader: 2, epoch: 4)) == .unchanged(.staleControllerEpoch))
        #expect(scene.verdict(Scene.change(leader: 2, epoch: 3)) == .unchanged(.staleControllerEpoch))
        #expect(scene.verdict(Scene.change(leader: 2, epoch: 5)) == .follow(2))
    }

    @Test func anOlderPartitionEpochIsPassedOver() {
        var scene = Scene()
        scene.lead(epoch: 4, partitionEpoch: 7)
        #expect(scene.verdict(Scene.change(leader: 2, epoch: 5, partitionEpoch: 6)) == .unchanged(.none))
        #expect(scene.verdict(Scene.change(leader: 2, epoch: 5, partitionEpoch: 7)) == .follow(2))
    }

    @Test func whoIsNoReplicaRefuses() {
        #expect(
            Scene().verdict(Scene.change(leader: 2, epoch: 0, replicas: [2, 3]))
                == .unchanged(.unknownTopicOrPartition))
    }

    @Test func anotherTopicIDIsRefusedAndAMissingOneLearned() {
        var scene = Scene()
        let id = KafkaUUID(high: 1, low: 2)
        scene.lead(epoch: 1)
        #expect(scene.verdict(Scene.change(leader: 1, epoch: 1, topicID: id)) == .learn(id))
        scene.replica.learn(id)
        let other = KafkaUUID(high: 3, low: 4)
        #expect(scene.verdict(Scene.change(leader: 1, epoch: 2, topicID: other)) == .unchanged(.inconsistentTopicID))
    }

    /// The controller knows no ids, so the leader may know none either; what is in the log stays as it is.
    @Test func aFollowerThatIsNotToldTheIDAsksByName() {
        var scene = Scene()
        let id = KafkaUUID(high: 1, low: 2)
        scene.replica.follow(Scene.change(leader: 2, epoch: 3, topicID: id), leader: 2)
        #expect(scene.replica.namedTopicID == id)
        #expect(scene.verdict(Scene.change(leader: 2, epoch: 3, topicID: id)) == .unchanged(.staleControllerEpoch))
        for leader in [2, nil] as [BrokerID?] {
            #expect(scene.verdict(Scene.change(leader: 2, epoch: 3)) == .followByName)
            #expect(scene.replica.followByName() == leader)
            #expect(scene.replica.namedTopicID == nil)
            #expect(scene.replica.topicID == id)
        }
        scene.replica.follow(Scene.change(leader: 2, epoch: 4, topicID: id), leader: 2)
        #expect(scene.replica.namedTopicID == id)
        scene.replica.follow(Scene.change(leader: 2, epoch: 5), leader: 2)
        #expect(scene.replica.namedTopicID == nil)
        #expect(scene.replica.topicID == id)
        // A leader has nobody to ask.
        scene.lead(epoch: 6)
        #expect(scene.verdict(Scene.change(leader: 1, epoch: 6)) == .unchanged(.staleControllerEpoch))
    }

    @Test func aDeadLeaderIsFollowedOnceItAppears() {
        var scene = Scene()
        let change = Scene.change(leader: 2, epoch: 3)
        #expect(scene.verdict(change, dead: [2]) == .follow(nil))
        scene.replica.follow(change, leader: nil)
        #expect(scene.replica.isWaitingForLeader)
        #expect(scene.replica.leaderAppeared(2, leaderEpoch: 2) == false)
        #expect(scene.replica.leaderAppeared(2, leaderEpoch: 3) == true)
        #expect(scene.replica.leaderAppeared(2, leaderEpoch: 3) == false)
    }

    @Test func stoppedItServesNobodyAndAnOldStopIsFenced() {
        var scene = Scene()
        scene.lead(epoch: 3)
        #expect(scene.replica.refusal(ofStopIn: 2) == .fencedLeaderEpoch)
        #expect(scene.replica.refusal(ofStopIn: -2).isNone)
        #expect(scene.replica.refusal(ofStopIn: -1).isNone)
        scene.replica.stop()
        #expect(scene.replica.refusal(ofReaderIn: 3, leaderOnly: true) == .notLeaderOrFollower)
        #expect(scene.replica.refusal(ofAppendWithAcksAll: false) == .notLeaderOrFollower)
    }

    @Test func epochsOfReadersAreChecked() {
        var scene = Scene()
        scene.lead(epoch: 3)
        #expect(scene.replica.refusal(ofReaderIn: 2, leaderOnly: true) == .fencedLeaderEpoch)
        #expect(scene.replica.refusal(ofReaderIn: 4, leaderOnly: true) == .unknownLeaderEpoch)
        #expect(scene.replica.refusal(ofReaderIn: -1, leaderOnly: true).isNone)
        scene.replica.follow(Scene.change(leader: 2, epoch: 4), leader: 2)
        #expect(scene.replica.refusal(ofReaderIn: 4, leaderOnly: true) == .notLeaderOrFollower)
        #expect(scene.replica.refusal(ofReaderIn: 4, leaderOnly: false).isNone)
    }

    /// It may have been added a moment ago, and come before the leader has heard of it.
    @Test func whoIsNoReplicaIsNotServedAsOne() {
        var scene = Scene()
        scene.lead(epoch: 3)
        #expect(scene.replica.refusal(ofReaderIn: 3, follower: 2, leaderOnly: true).isNone)
        #expect(scene.replica.refusal(ofReaderIn: 3, follower: 9, leaderOnly: true) == .unknownLeaderEpoch)
        #expect(scene.replica.refusal(ofReaderIn: -1, follower: 9, leaderOnly: true) == .notLeaderOrFollower)
        #expect(scene.replica.refusal(ofReaderIn: 2, follower: 9, leaderOnly: true) == .fencedLeaderEpoch)
    }

    @Test func whoMeansAnotherTopicOfTheSameNameIsRefused() {
        var scene = Scene()
        scene.lead(epoch: 3)
        let (id, other) = (KafkaUUID(high: 1, low: 2), KafkaUUID(high: 3, low: 4))
        // Without an id there is nothing to compare.
        #expect(scene.replica.refusal(ofReaderIn: 3, topicID: other, leaderOnly: true).isNone)
        scene.replica.learn(id)
        #expect(scene.replica.refusal(ofReaderIn: 3, topicID: id, leaderOnly: true).isNone)
        #expect(scene.replica.refusal(ofReaderIn: 3, leaderOnly: true).isNone)
        #expect(scene.replica.refusal(ofReaderIn: 2, topicID: other, leaderOnly: true) == .inconsistentTopicID)
        // Nor does such a fetch prove that a follower holds anything.
        scene.append(10)
        _ = scene.replica.fetched(
            .init(
                follower: 2, offset: 10, logStart: 0, leaderEpoch: 3, lastFetchedEpoch: -1, topicID: other),
            log: scene.log, known: nil, now: 10_000, isAlive: { _ in true })
        #expect(scene.replica.leader?.remotes[2]?.logEnd == -1)
    }

    /// It may have them from an earlier leader, and others may have been committed at their offsets before they were deleted.
    @Test func whoHasOnlyWhatWasDeletedJoinsOnceItHasLetGoOfThat() {
        var scene = Scene()
        scene.log = .init(logStart: 5, highWatermark: 5, logEnd: 5, latestEpoch: 2)
        scene.lead(epoch: 3)
        #expect(scene.fetch(3, from: 5, logStart: 0, epoch: 3, lastFetched: 1, known: (1, 5)).isEmpty)
        #expect(scene.replica.leader?.remotes[3]?.logEnd == -1)
        let proposal = LeaderReplication.Proposal(leaderEpoch: 3, partitionEpoch: 0, inSyncReplicas: [1, 2, 3])
        #expect(scene.fetch(3, from: 5, logStart: 5, epoch: 3).contains(.propose(proposal)))
        // Old versions of the request do not say where a follower begins.
        var old = Scene()
        old.log = scene.log
        old.lead(epoch: 3)
        #expect(old.fetch(3, from: 5, logStart: -1, epoch: 3).contains(.propose(proposal)))
    }

    /// What was appended in an earlier leadership of this broker may have been cut off since, and other records may lie
    /// at its offsets.
    @Test func whatAnEarlierLeadershipAppendedIsNotAcknowledged() {
        var scene = Scene()
        scene.lead(epoch: 1)
        scene.append(10)
        #expect(scene.replica.acknowledgement(through: 9, appendedIn: 1) == nil)
        // A new epoch of the same leadership changes nothing.
        scene.lead(epoch: 2)
        #expect(scene.replica.acknowledgement(through: 9, appendedIn: 1) == nil)
        scene.replica.follow(Scene.change(leader: 2, epoch: 3), leader: 2)
        #expect(scene.replica.acknowledgement(through: 9, appendedIn: 1) == .notLeaderOrFollower)
        scene.lead(epoch: 4)
        scene.fetch(2, from: 10, epoch: 4)
        #expect(scene.replica.leader?.highWatermark == 10)
        #expect(scene.replica.acknowledgement(through: 9, appendedIn: 1) == .notLeaderOrFollower)
        #expect(scene.replica.acknowledgement(through: 9, appendedIn: 4) == ErrorCode.none)
    }

    @Test func aFetchProvesNothingOutsideOfTheLogOrTheLeadershipOrTheHistory() {
        var scene = Scene()
        scene.lead(epoch: 3)
        scene.append(10)
        scene.fetch(2, from: 11, epoch: 3)
        scene.fetch(2, from: 10, epoch: 2)
        scene.fetch(2, from: 10, epoch: 3, lastFetched: 2, known: (epoch: 2, end: 8))
        scene.fetch(2, from: 10, epoch: 3, lastFetched: 2)
        #expect(scene.replica.leader?.remotes[2]?.logEnd == -1)
        #expect(scene.fetch(2, from: 10, epoch: 3, lastFetched: 3, known: (epoch: 3, end: 10)) != [])
        #expect(scene.replica.leader?.highWatermark == 10)
    }
}

@Suite struct ControlFenceTests {
    private func refusal(
        _ fence: inout ControlFence, _ controller: ControllerEpoch, broker: BrokerEpoch = 5, over connection: Int = 1
    ) -> ControlFence.Refusal? {
        fence.refusal(controllerEpoch: controller, brokerEpoch: broker, own: 5, connection: connection)
    }

    @Test func anOlderControllerIsRefusedAndANewerRemembered() {
        var fence = ControlFence()
        #expect(refusal(&fence, 2) == nil)
        #expect(refusal(&fence, 1) == .error(.staleControllerEpoch))
        #expect(refusal(&fence, 3, broker: -1) == nil)
        #expect(refusal(&fence, 2) == .error(.staleControllerEpoch))
    }

    @Test func aRequestForAnEarlierLifeIsRefusedAndForALaterOneNot() {
        var fence = ControlFence()
        #expect(refusal(&fence, 9, broker: 4) == .error(.staleBrokerEpoch))
        #expect(fence.controllerEpoch == 0)
        #expect(refusal(&fence, 9, broker: 6) == nil)
    }

    /// It lay in some buffer while the controller sent it again over a new connection, and went on.
    @Test func whatItsControllerHasGivenUpIsNotCarriedOut() {
        var fence = ControlFence()
        #expect(refusal(&fence, 2, over: 7) == nil)
        #expect(refusal(&fence, 2, over: 8) == nil)
        #expect(refusal(&fence, 2, over: 7) == .hangUp)
        #expect(refusal(&fence, 2, over: 8) == nil)
        // Another controller has connections of its own.
        #expect(refusal(&fence, 3, over: 6) == nil)
    }
}

@Suite struct InSyncProposalsTests {
    private let first = TopicPartition("t", 0)
    private let second = TopicPartition("t", 1)

    @Test func whatGathersGoesTogetherOneRequestAtATime() {
        var proposals = InSyncProposals<Int>()
        #expect(proposals.add(1, for: first) == true)
        #expect(proposals.add(2, for: second) == false)
        #expect(proposals.take() == [first: 1, second: 2])
        #expect(proposals.add(3, for: first) == false)
        #expect(proposals.answered() == true)
        #expect(proposals.take() == [first: 3])
        #expect(proposals.answered() == false)
        #expect(proposals.take() == [:])
        #expect(proposals.add(4, for: first) == true)
    }

    @Test func whatFailedIsSentAgainUnlessThereIsNewer() {
        var proposals = InSyncProposals<Int>()
        _ = proposals.add(1, for: first)
        _ = proposals.add(2, for: second)
        _ = proposals.take()
        _ = proposals.add(3, for: first)
        proposals.failed()
        #expect(proposals.take() == [first: 3, second: 2])
    }

    @Test func stoppedItSendsNothing() {
        var proposals = InSyncProposals<Int>()
        _ = proposals.add(1, for: first)
        proposals.stop()
        #expect(proposals.take() == [:])
        #expect(proposals.add(1, for: first) == false)
    }
}
