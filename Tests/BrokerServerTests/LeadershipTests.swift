// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import Glibc
import KafkaModel
import LogStorage
import Replication
import Synchronization
import Testing

@testable import BrokerServer

/// What a change of leadership does to those who wait, and which changes are refused.
@Suite struct LeadershipTests {
    private let partition = TopicPartition("t", 0)

    @Test func anAppendIsAcknowledgedOnceItsReplicasHaveIt() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        let (last, epoch) = try await scene.append(3, to: partition)
        #expect(scene.replicas.acknowledgement(of: partition, through: last, epoch: epoch) == nil)
        let hosted = try #require(scene.replicas.partition(partition))
        hosted.fetched(
            PartitionRead(offset: last + 1, leaderEpoch: -1, lastFetchedEpoch: -1, logStart: 0, maxBytes: 0), by: 2)
        #expect(scene.replicas.acknowledgement(of: partition, through: last, epoch: epoch) == ErrorCode.none)
    }

    /// While it followed, the record may have been cut off and another may have taken its offset.
    @Test func anAppendIsNotAcknowledgedUnderALaterLeadership() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        let (last, epoch) = try await scene.append(1, to: partition)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 2, epoch: 1))
        #expect(
            scene.replicas.acknowledgement(of: partition, through: last, epoch: epoch) == .notLeaderOrFollower)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 2, inSync: [1]))
        #expect(
            scene.replicas.acknowledgement(of: partition, through: last, epoch: epoch) == .notLeaderOrFollower)
        // What is appended now is committed by the only replica in sync.
        let again = try await scene.append(1, to: partition)
        #expect(
            scene.replicas.acknowledgement(of: partition, through: again.last, epoch: again.epoch) == ErrorCode.none)
    }

    /// As after the death of a process that had written them. A leader would believe this follower that it has them.
    @Test func recordsThatTheTopicWantsOnDiskAreThereBeforeARoleBegins() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        try await scene.append(3, to: partition)
        let log = try #require(scene.replicas.partition(partition)?.log)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 1))
        #expect(log.offsets.recoveryPoint == 0)
        var configuration = log.configuration
        configuration.flushRecords = 1
        log.reconfigure(configuration)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 2, epoch: 2))
        #expect(log.offsets.recoveryPoint == 3)
    }

    /// Each departure from the in-sync set brings a new epoch, and must not make producers send again.
    @Test func anAppendIsAcknowledgedUnderANewEpochOfTheSameLeader() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        let (last, epoch) = try await scene.append(1, to: partition)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 1, inSync: [1]))
        #expect(scene.replicas.acknowledgement(of: partition, through: last, epoch: epoch) == ErrorCode.none)
    }

    @Test func staleLeadershipsAreRefused() async throws {
        let scene = try ReplicaScene()
        let id = KafkaUUID(high: 1, low: 2)
        func apply(_ change: LeaderAndIsrPartition) async -> ErrorCode? {
            await scene.leaderAndIsr(change)[partition]
        }
        #expect(await apply(ReplicaScene.change(partition, leader: 1, epoch: 5, topicID: id)) == ErrorCode.none)
        #expect(
            await apply(ReplicaScene.change(partition, leader: 2, epoch: 4, topicID: id)) == .staleControllerEpoch)
        #expect(
            await apply(ReplicaScene.change(partition, leader: 2, epoch: 5, topicID: id)) == .staleControllerEpoch)
        #expect(
            await apply(
                ReplicaScene.change(partition, leader: 2, epoch: 6, topicID: KafkaUUID(high: 3, low: 4)))
                == .inconsistentTopicID)
        #expect(
            await apply(ReplicaScene.change(partition, leader: 2, epoch: 6, replicas: [2, 3], topicID: id))
                == .unknownTopicOrPartition)
        #expect(scene.replicas.partition(partition)?.isLeader == true)
    }

    @Test func whoIsStoppedByAnEpochOfThePastGoesOnToFollow() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 2, epoch: 5))
        func stop(_ epoch: LeaderEpoch) async -> ErrorCode? {
            let stop = ControlRequest.StopReplica.Partition(partition: partition, leaderEpoch: epoch, delete: false)
            return await scene.replicas.onControlQueue { scene.replicas.apply([stop]) }[partition]
        }
        #expect(await stop(4) == .fencedLeaderEpoch)
        #expect(scene.followers.leaders.withLock { $0[partition] } == 2)
        #expect(await stop(5) == ErrorCode.none)
        #expect(scene.followers.leaders.withLock { $0[partition] } == nil)
    }

    /// The process has too many files open: the directory is as good as before, and the role can be had later.
    @Test func aRoleThatCannotBeHadForWantOfADescriptorCanBeHadLater() async throws {
        let files = HookedFileSystem()
        let scene = try ReplicaScene(fileSystem: files)
        files.onOpening { path throws(FileError) in throw FileError(.open, path, code: EMFILE) }
        let change = ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: [1], replicas: [1])
        #expect(await scene.leaderAndIsr(change) == [partition: .kafkaStorageError])
        #expect(scene.replicas.hasRoomAgain())
        files.onOpening(nil)
        #expect(await scene.leaderAndIsr(change) == [partition: .none])
        try await scene.append(1, to: partition)
    }

    /// A topic of a cluster below inter-broker protocol 2.8 gets its id when that is raised (KIP-516).
    @Test func aTopicIDMayComeLater() async throws {
        let scene = try ReplicaScene()
        let id = KafkaUUID(high: 1, low: 2)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 5))
        let errors = await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 5, topicID: id))
        #expect(errors[partition] == ErrorCode.none)
        #expect(scene.replicas.partition(partition)?.state.withLock { $0.replica.topicID } == id)
    }

    @Test func aFollowerWaitsForALeaderThatIsNotAlive() async throws {
        let scene = try ReplicaScene(brokers: ReplicaScene.brokers(1))
        let errors = await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 2, epoch: 0))
        #expect(errors[partition] == ErrorCode.none)
        #expect(scene.followers.leaders.withLock { $0[partition] } == nil)
    }
}

/// Who may send control requests.
@Suite struct ControlGateTests {
    @Test func whoWasReplacedAndWhoMeansAnEarlierLifeAreRefused() async throws {
        let scene = try ReplicaScene()
        let gate = ControlGate(replicas: scene.replicas, brokerEpoch: { 100 }, electedEpoch: { nil })
        func refusal(_ controller: ControllerEpoch, _ broker: BrokerEpoch) -> ControlFence.Refusal? {
            gate.refusal(controllerEpoch: controller, brokerEpoch: broker, connection: 1)
        }
        #expect(refusal(3, 100) == nil)
        #expect(refusal(2, 100) == .error(.staleControllerEpoch))
        #expect(refusal(3, 99) == .error(.staleBrokerEpoch))
        // A request for an earlier life does not teach this one an epoch.
        #expect(refusal(9, 99) == .error(.staleBrokerEpoch))
        #expect(refusal(3, 100) == nil)
        // The controller may know of a registration before the broker does; old versions name no epoch.
        #expect(refusal(4, 101) == nil)
        #expect(refusal(4, -1) == nil)
        #expect(refusal(3, -1) == .error(.staleControllerEpoch))
    }

    @Test func anEpochThatNobodyWasElectedAtIsNotBelieved() async throws {
        let scene = try ReplicaScene()
        let asked = Mutex(0)
        let gate = ControlGate(
            replicas: scene.replicas, brokerEpoch: { 100 },
            electedEpoch: {
                asked.withLock { $0 += 1 }
                return 7
            })
        #expect(await gate.isElected(7))
        #expect(await !gate.isElected(.max))
        #expect(gate.refusal(controllerEpoch: 7, brokerEpoch: 100, connection: 1) == nil)
        // Known by now; and who is cut off from ZooKeeper obeys.
        #expect(asked.withLock { $0 } == 2)
        #expect(await gate.isElected(7))
        #expect(asked.withLock { $0 } == 2)
        let alone = ControlGate(replicas: scene.replicas, brokerEpoch: { 100 }, electedEpoch: { nil })
        #expect(await alone.isElected(8))
    }

    @Test func whatCannotBeADirectoryIsRefusedAndHarmsNone() async throws {
        let scene = try ReplicaScene()
        for name in ["../x", "a/b", "", String(repeating: "n", count: 300)] {
            let stranger = TopicPartition(name, 0)
            let errors = await scene.leaderAndIsr(ReplicaScene.change(stranger, leader: 1, epoch: 0))
            #expect(errors[stranger] == .invalidTopicException, "\(name)")
        }
        let errors = await scene.leaderAndIsr(ReplicaScene.change(TopicPartition("t", 0), leader: 1, epoch: 0))
        #expect(errors[TopicPartition("t", 0)] == ErrorCode.none)
    }

    @Test func aBlockOfProducerIDsIsCheckedBeforeItIsUsed() {
        #expect(ProducerIDs.block(from: 1000, count: 1000) == 1000..<2000)
        #expect(ProducerIDs.block(from: .max - 5, count: 1000) == nil)
        #expect(ProducerIDs.block(from: -1, count: 1000) == nil)
        #expect(ProducerIDs.block(from: 0, count: 0) == nil)
    }
}
