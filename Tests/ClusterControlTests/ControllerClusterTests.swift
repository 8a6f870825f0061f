// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import GoldenFixtures
import KafkaModel
import SimulationKit
import Testing

@Suite struct ControllerBrokerTests {
    @Test func aDeadLeaderIsReplacedByTheNextInSync() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[2, 3, 1]])
        cluster.controller.forget()
        cluster.kill(2)
        let state = cluster.state("t", 0)
        #expect(state?.leader == 3)
        #expect(state?.leaderEpoch == 1)
        #expect(state?.inSyncReplicas == [3, 1])
        #expect(cluster.controller.leaderAndIsr(to: 3).map(\.isNew) == [false, false])
        #expect(!cluster.controller.senders.contains(2))
    }

    @Test func aDeadFollowerLeavesTheInSyncSetUnderANewEpoch() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        cluster.kill(2)
        #expect(cluster.state("t", 0)?.leader == 1)
        #expect(cluster.state("t", 0)?.leaderEpoch == 1)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1])
    }

    @Test func theLastInSyncReplicaIsKeptWhenItDies() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2]])
        cluster.kill(2)
        #expect(cluster.state("t", 0)?.leader == -1)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [2])
        cluster.start(2)
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.state("t", 0)?.leaderEpoch == 2)
    }

    @Test func aReturningBrokerLearnsEverything() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2], [1]])
        cluster.kill(2)
        cluster.controller.forget()
        cluster.start(2)
        #expect(cluster.controller.kinds(to: 2).prefix(2) == ["UpdateMetadata", "LeaderAndIsr"])
        #expect(cluster.controller.updateMetadata(to: 2).first?.topics.first?.partitions.count == 2)
        #expect(cluster.controller.leaderAndIsr(to: 2).map(\.partition.partition) == [0])
        #expect(cluster.controller.updateMetadata(to: 1).first?.topics.isEmpty == true)
    }

    @Test func aBouncedBrokerFailsAndStarts() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2, 1]])
        let controller = cluster.controller
        // Re-registered between two looks at the list: the same id, a larger epoch.
        cluster.world.zooKeeper.remove("/brokers/ids/2")
        cluster.world.zooKeeper.put("/brokers/ids/2", .broker(ControllerHarness.registration(2)), version: 1)
        controller.forget()
        controller.feed(.brokersChanged)
        #expect(cluster.state("t", 0)?.leader == 1)
        #expect(controller.kinds(to: 2).contains("UpdateMetadata"))
        guard case .updateMetadata(let request)? = controller.sent.last(where: { $0.broker == 2 })?.request else {
            return
        }
        #expect(request.header.brokerEpoch == cluster.world.zooKeeper.node("/brokers/ids/2")?.czxid)
    }

    @Test func changedEndpointsAreTold() {
        let cluster = Cluster(1, 2)
        cluster.controller.forget()
        cluster.write(.set("/brokers/ids/2", .broker(ControllerHarness.registration(2, port: 9999))))
        #expect(cluster.controller.updateMetadata(to: 1).last?.brokers.last?.endpoints.first?.port == 9999)
        cluster.controller.forget()
        cluster.write(.set("/brokers/ids/2", .broker(ControllerHarness.registration(2, rack: "r", port: 9999))))
        #expect(cluster.controller.sent.isEmpty)
    }

    @Test func aFailedLogDirectoryMovesLeadership() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2, 1]])
        cluster.controller.answer = { broker, request in
            guard broker == 2, case .leaderAndIsr = request else { return ControlAnswer() }
            return ControlAnswer(partitions: [TopicPartition("t", 0): .kafkaStorageError])
        }
        cluster.notifyLogDirectoryEvent(of: 2)
        #expect(cluster.state("t", 0)?.leader == 1)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1])
        #expect(cluster.world.zooKeeper.children("/log_dir_event_notification").isEmpty)
        #expect(cluster.controller.updateMetadata(to: 1).last?.topics[0].partitions[0].state.offlineReplicas == [2])
    }

    /// A full disk had no room for its log.
    @Test func aReplicaThatCameBackLeadsAgain() {
        let cluster = Cluster(1, 2)
        var isFull = true
        cluster.controller.answer = { broker, request in
            guard broker == 2, isFull, case .leaderAndIsr = request else {
                return ControlAnswer(partitions: [TopicPartition("t", 0): .none])
            }
            return ControlAnswer(partitions: [TopicPartition("t", 0): .kafkaStorageError])
        }
        cluster.createTopic("t", [[2]])
        #expect(cluster.state("t", 0)?.leader == -1)
        isFull = false
        cluster.notifyLogDirectoryEvent(of: 2)
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.controller.updateMetadata(to: 1).last?.topics[0].partitions[0].state.offlineReplicas == [])
    }

    /// The disk has room again, and while the replica takes its role, another leader begins.
    @Test func aReplicaThatCameBackIsToldWhatWasDecidedMeanwhile() throws {
        let cluster = Cluster(1, 2, 3)
        let partition = TopicPartition("t", 0)
        var answer: ErrorCode? = .kafkaStorageError
        cluster.controller.answer = { broker, request in
            guard broker == 2, case .leaderAndIsr = request else { return ControlAnswer() }
            return answer.map { ControlAnswer(partitions: [partition: $0]) }
        }
        cluster.createTopic("t", [[3, 2]])
        cluster.kill(3)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [3])
        let controller = cluster.controller
        controller.forget()
        answer = nil
        cluster.notifyLogDirectoryEvent(of: 2)
        let request = try #require(controller.lastLeaderAndIsr(to: 2))
        cluster.start(3)
        #expect(cluster.state("t", 0)?.leader == 3)
        controller.forget()
        controller.feed(.leaderAndIsrAnswered(2, request, ControlAnswer(partitions: [partition: .none])))
        #expect(controller.leaderAndIsr(to: 2).map(\.state) == [cluster.state("t", 0)])
        // What it has carried out already it is not told again.
        controller.forget()
        controller.feed(.leaderAndIsrAnswered(2, request, ControlAnswer(partitions: [partition: .none])))
        #expect(controller.leaderAndIsr(to: 2).isEmpty)
    }

    /// A full disk had no room for its log, and has some again.
    @Test func aReplicaThatCameBackCanBeDeleted() {
        let cluster = Cluster(1, 2)
        var isFull = true
        cluster.controller.answer = { broker, request in
            let refuses = if case .leaderAndIsr = request { broker == 2 && isFull } else { false }
            return ControlAnswer(partitions: [TopicPartition("t", 0): refuses ? .kafkaStorageError : .none])
        }
        cluster.createTopic("t", [[1, 2]])
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") != nil)
        isFull = false
        cluster.notifyLogDirectoryEvent(of: 2)
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
    }

    /// The answer comes when the broker's next life, with its disk repaired, has been welcomed.
    @Test func aDirectoryThatHadFailedInAnEarlierLifeIsNotOffline() throws {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        let controller = cluster.controller
        let early = try #require(controller.lastLeaderAndIsr(to: 2))
        cluster.world.zooKeeper.remove("/brokers/ids/2")
        cluster.world.zooKeeper.put("/brokers/ids/2", .broker(ControllerHarness.registration(2)), version: 1)
        controller.feed(.brokersChanged)
        let before = cluster.state("t", 0)
        controller.feed(
            .leaderAndIsrAnswered(
                2, early, ControlAnswer(partitions: [TopicPartition("t", 0): .kafkaStorageError])))
        #expect(cluster.state("t", 0) == before)
        #expect(controller.updateMetadata(to: 1).last?.topics[0].partitions[0].state.offlineReplicas == [])
    }

    @Test func controlledShutdownMovesLeadersAndLeavesFollowersQuietly() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[2, 3, 1], [1, 2, 3], [2]])
        let epoch = cluster.brokers[2]!.brokerEpoch
        cluster.controller.forget()
        #expect(
            cluster.controller.request(.controlledShutdown(broker: 2, epoch: epoch))
                == .controlledShutdown(remaining: []))
        #expect(cluster.state("t", 0)?.leader == 3)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [3, 1])
        #expect(cluster.state("t", 1)?.inSyncReplicas == [1, 3])
        #expect(cluster.state("t", 2)?.leader == 2)
        #expect(cluster.controller.stopReplica(to: 2).allSatisfy { !$0.delete && $0.partition.partition == 1 })
        // It lives until its node is gone.
        #expect(cluster.controller.controller.counts.activeBrokers == 3)
        #expect(
            cluster.controller.request(.controlledShutdown(broker: 2, epoch: epoch - 1))
                == .refused(.init(.staleBrokerEpoch)))
        #expect(
            cluster.controller.request(.controlledShutdown(broker: 9, epoch: -1))
                == .refused(.init(.brokerNotAvailable)))
    }
}

@Suite struct ControllerElectionRequestTests {
    @Test func thePreferredLeaderIsElectedOnceItIsInSync() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2, 1]])
        let partition = TopicPartition("t", 0)
        #expect(
            cluster.controller.request(.electLeaders(.preferred, partitions: [partition]))
                == .electLeaders([partition: .failure(.init(.electionNotNeeded))]))
        cluster.kill(2)
        cluster.start(2)
        guard
            case .electLeaders(let refused)? = cluster.controller.request(
                .electLeaders(.preferred, partitions: [partition])), case .failure(let error)? = refused[partition]
        else {
            Issue.record("elected a leader that is not in sync")
            return
        }
        #expect(error.code == .preferredLeaderNotAvailable)
        cluster.alterPartition("t", 0, to: [1, 2])
        #expect(
            cluster.controller.request(.electLeaders(.preferred, partitions: nil))
                == .electLeaders([partition: .success(2)]))
    }

    @Test func aReplicaCountsOnceInAnInSyncSet() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        let answer = cluster.alterPartition("t", 0, to: [1, 1])
        #expect(answer == .alterPartition([TopicPartition("t", 0): .failure(ControllerError(.invalidRequest))]))
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1, 2])
    }

    @Test func imbalanceIsCorrectedByTheTimer() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2, 1]])
        cluster.kill(2)
        cluster.start(2)
        cluster.alterPartition("t", 0, to: [1, 2])
        cluster.controller.feed(.timerFired(.leaderBalance))
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.controller.timers[.leaderBalance] == .seconds(300))
    }

    @Test func anUncleanLeaderIsElectedOnlyWhenAllowed() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("safe", [[2, 1]])
        cluster.createTopic("available", [[2, 1]], configuration: ["unclean.leader.election.enable": "true"])
        cluster.alterPartition("safe", 0, to: [2])
        cluster.alterPartition("available", 0, to: [2])
        cluster.kill(2)
        #expect(cluster.state("safe", 0)?.leader == -1)
        #expect(cluster.state("available", 0)?.leader == 1)
        #expect(cluster.state("available", 0)?.inSyncReplicas == [1])
        #expect(cluster.state("available", 0)?.recoveryState == .recovering)
        #expect(cluster.controller.notices.contains(.uncleanElection(TopicPartition("available", 0), leader: 1)))
        let partition = TopicPartition("safe", 0)
        #expect(
            cluster.controller.request(.electLeaders(.unclean, partitions: [partition]))
                == .electLeaders([partition: .success(1)]))
    }

    @Test func anUncleanLeaderIsElectedOnceTheTopicAllowsIt() {
        let cluster = Cluster(1, 2)
        for topic in ["a", "b"] {
            cluster.createTopic(topic, [[2, 1]])
            cluster.alterPartition(topic, 0, to: [2])
        }
        cluster.kill(2)
        cluster.write(
            .set("/config/topics/a", .configuration(["unclean.leader.election.enable": "true"])),
            .set("/config/topics/b", .configuration(["unclean.leader.election.enable": "true"])))
        #expect(cluster.state("a", 0)?.leader == -1)
        cluster.controller.feed(.uncleanElectionEnabledForTopic("a"))
        #expect(cluster.state("a", 0)?.leader == 1)
        #expect(cluster.state("a", 0)?.recoveryState == .recovering)
        // Each topic for itself.
        #expect(cluster.state("b", 0)?.leader == -1)
    }

    @Test func uncleanLeadersAreElectedOnceTheBrokersAllowThem() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2, 1]])
        cluster.createTopic("never", [[2, 1]], configuration: ["unclean.leader.election.enable": "false"])
        for topic in ["t", "never"] { cluster.alterPartition(topic, 0, to: [2]) }
        cluster.kill(2)
        var settings = ControllerSettings(brokerID: 1, interBrokerListener: "PLAINTEXT")
        settings.uncleanLeaderElectionEnable = true
        cluster.controller.feed(.settingsChanged(settings))
        cluster.controller.feed(.uncleanElectionEnabled)
        #expect(cluster.state("t", 0)?.leader == 1)
        #expect(cluster.state("never", 0)?.leader == -1)
    }

    /// Balance is left alone where the preferred leader cannot lead, but not because replicas move elsewhere.
    @Test func imbalanceWaitsForTheInSyncSetAndForNoReassignment() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[2, 1]])
        cluster.createTopic("moving", [[1]])
        cluster.kill(2)
        cluster.start(2)
        cluster.controller.feed(.timerFired(.leaderBalance))
        #expect(cluster.state("t", 0)?.leader == 1)
        cluster.alterPartition("t", 0, to: [1, 2])
        _ = cluster.controller.request(.reassignPartitions([TopicPartition("moving", 0): [3]]))
        #expect(cluster.assignment("moving", 0)?.isBeingReassigned == true)
        cluster.controller.feed(.timerFired(.leaderBalance))
        #expect(cluster.state("t", 0)?.leader == 2)
    }

    @Test(arguments: [ControllerRequest.ElectionType.preferred, .unclean])
    func aPartitionThatIsNamedTwiceIsElectedOnce(type: ControllerRequest.ElectionType) throws {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2, 1]])
        if type == .unclean {
            cluster.alterPartition("t", 0, to: [2])
            cluster.kill(2)
        } else {
            cluster.kill(2)
            cluster.start(2)
            cluster.alterPartition("t", 0, to: [1, 2])
        }
        let before = try #require(cluster.state("t", 0))
        let partition = TopicPartition("t", 0)
        let leader: BrokerID = type == .preferred ? 2 : 1
        cluster.controller.forget()
        #expect(
            cluster.controller.request(.electLeaders(type, partitions: [partition, partition, partition]))
                == .electLeaders([partition: .success(leader)]))
        let after = try #require(cluster.state("t", 0))
        #expect(after.leader == leader)
        #expect(after.leaderEpoch == before.leaderEpoch + 1)
        #expect(after.partitionEpoch == before.partitionEpoch + 1)
        #expect(cluster.controller.leaderAndIsr(to: 1).count == 1)
    }

    @Test func theOldCommandsNodeIsServedAndDeleted() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2, 1]])
        cluster.kill(2)
        cluster.start(2)
        cluster.alterPartition("t", 0, to: [1, 2])
        cluster.write(.create("/admin/preferred_replica_election", .partitions([TopicPartition("t", 0)])))
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.world.zooKeeper.node("/admin/preferred_replica_election") == nil)
    }
}

@Suite struct ControllerReassignmentTests {
    @Test func aReassignmentFinishesWhenTheTargetIsInSync() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2]])
        let partition = TopicPartition("t", 0)
        cluster.controller.forget()
        #expect(
            cluster.controller.request(.reassignPartitions([partition: [3, 2]]))
                == .reassignPartitions([partition: nil])
        )
        #expect(cluster.assignment("t", 0) == PartitionAssignment([3, 2, 1], adding: [3], removing: [1]))
        #expect(cluster.state("t", 0)?.leaderEpoch == 1)
        #expect(cluster.controller.leaderAndIsr(to: 3).map(\.isNew) == [true, true])
        #expect(
            cluster.controller.request(.listReassignments(partitions: nil))
                == .listReassignments([partition: PartitionAssignment([3, 2, 1], adding: [3], removing: [1])]))
        cluster.alterPartition("t", 0, to: [1, 2, 3])
        #expect(cluster.assignment("t", 0) == PartitionAssignment([3, 2]))
        #expect(cluster.state("t", 0)?.leader == 3)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [2, 3])
        #expect(cluster.controller.stopReplica(to: 1).map(\.delete) == [false, true])
        #expect(cluster.controller.request(.listReassignments(partitions: nil)) == .listReassignments([:]))
    }

    @Test func aCancelledReassignmentRestoresTheOrigin() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2]])
        let partition = TopicPartition("t", 0)
        #expect(
            cluster.controller.request(.reassignPartitions([partition: [BrokerID]?.none]))
                == .reassignPartitions([partition: ControllerError(.noReassignmentInProgress)]))
        _ = cluster.controller.request(.reassignPartitions([partition: [3, 2]]))
        _ = cluster.controller.request(.reassignPartitions([partition: [BrokerID]?.none]))
        #expect(cluster.assignment("t", 0)?.replicas.sorted() == [1, 2])
        #expect(cluster.assignment("t", 0)?.isBeingReassigned == false)
        #expect(cluster.controller.stopReplica(to: 3).map(\.delete) == [false, true])
    }

    @Test func theLastReplicaInSyncIsNotGivenUp() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[2]])
        let partition = TopicPartition("t", 0)
        _ = cluster.controller.request(.reassignPartitions([partition: [3, 1]]))
        cluster.alterPartition("t", 0, to: [2, 3])
        cluster.kill(2)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [3])
        cluster.controller.forget()
        for target: [BrokerID]? in [nil, [1]] {
            guard
                case .reassignPartitions(let results)? = cluster.controller.request(
                    .reassignPartitions([partition: target]))
            else {
                Issue.record("no answer")
                continue
            }
            #expect(results[partition]??.code == .invalidReplicaAssignment)
        }
        #expect(cluster.state("t", 0)?.leader == 3)
        #expect(cluster.controller.stopReplica(to: 3).isEmpty)
        // Back to where the origin is, once it is in sync again.
        cluster.start(2)
        cluster.alterPartition("t", 0, to: [2, 3])
        #expect(
            cluster.controller.request(.reassignPartitions([partition: [BrokerID]?.none]))
                == .reassignPartitions([partition: ControllerError?.none]))
        #expect(cluster.assignment("t", 0)?.replicas == [2])
        #expect(cluster.state("t", 0)?.leader == 2)
    }

    /// Where leaders write in-sync sets themselves.
    @Test func whoIsLeftOutIsNotTakenInAfterItIsDeleted() throws {
        let cluster = Cluster(1, 2, 3) { $0.usesAlterPartition = false }
        cluster.createTopic("t", [[1, 2]])
        let partition = TopicPartition("t", 0)
        _ = cluster.controller.request(.reassignPartitions([partition: [3, 2]]))
        var wish = try #require(cluster.state("t", 0))
        let (version, controller) = (wish.partitionEpoch, cluster.controller)
        wish.inSyncReplicas = [1, 2, 3]
        var isRefused = false
        controller.beforeBatch = { _ in
            guard controller.stopReplica(to: 3).contains(where: \.delete), !isRefused else { return }
            let write = ModelZooKeeper.Change.set(
                ModelZooKeeper.statePath(partition), .state(wish.forZNode), expected: version)
            isRefused = (try? cluster.world.zooKeeper.commit([write], by: cluster.brokers[1]?.session ?? 0)) == nil
        }
        controller.forget()
        _ = controller.request(.reassignPartitions([partition: [BrokerID]?.none]))
        #expect(isRefused)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1, 2])
        // Before it is deleted, the leader hears that it is no replica any more.
        let news = controller.leaderAndIsr(to: 1).first { !$0.assignment.replicas.contains(3) }
        #expect((news?.state.partitionEpoch ?? 0) > version)
    }

    @Test func whoIsLeftOutAndLedHasASuccessor() {
        let cluster = Cluster(1, 2, 3, 4)
        cluster.createTopic("t", [[1, 2]])
        let partition = TopicPartition("t", 0)
        _ = cluster.controller.request(.reassignPartitions([partition: [3, 4]]))
        cluster.alterPartition("t", 0, to: [1, 2, 3])
        _ = cluster.controller.request(.electLeaders(.preferred, partitions: [partition]))
        #expect(cluster.state("t", 0)?.leader == 3)
        #expect(
            cluster.controller.request(.reassignPartitions([partition: [4, 2]]))
                == .reassignPartitions([partition: nil]))
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1, 2])
        #expect(cluster.state("t", 0)?.leader == 2)
    }

    @Test func badTargetsAreRefused() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        for target: [BrokerID] in [[], [1, 1], [-1, 2], [9, 1]] {
            guard
                case .reassignPartitions(let results)? = cluster.controller.request(
                    .reassignPartitions([TopicPartition("t", 0): target]))
            else { continue }
            #expect(results[TopicPartition("t", 0)]??.code == .invalidReplicaAssignment)
        }
    }

    @Test func aReassignmentContinuesUnderTheNextController() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[2, 1]])
        _ = cluster.controller.request(.reassignPartitions([TopicPartition("t", 0): [2, 3]]))
        cluster.kill(1)
        cluster.alterPartition("t", 0, to: [2, 3])
        #expect(cluster.assignment("t", 0) == PartitionAssignment([2, 3]))
    }

    /// Both wait for each other otherwise: the deletion for the reassignment, and that for a leader.
    @Test func aPartitionOfATopicToBeDeletedIsLedUntilItsReassignmentIsDone() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[2, 1]])
        _ = cluster.controller.request(.reassignPartitions([TopicPartition("t", 0): [1, 3]]))
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") != nil)
        cluster.controller.forget()
        cluster.kill(2)
        #expect(cluster.state("t", 0)?.leader == 1)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1])
        #expect(cluster.controller.leaderAndIsr(to: 1).last?.state.leaderEpoch == cluster.state("t", 0)?.leaderEpoch)
        cluster.alterPartition("t", 0, to: [1, 3])
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
    }

    @Test func aPartitionOfATopicToBeDeletedIsLedUnderTheNextController() {
        let cluster = Cluster(1, 2, 3, 4)
        cluster.createTopic("t", [[2, 3]])
        _ = cluster.controller.request(.reassignPartitions([TopicPartition("t", 0): [3, 4]]))
        cluster.deleteTopic("t")
        guard var state = cluster.state("t", 0) else { return }
        state.leader = -1
        cluster.write(.set(ModelZooKeeper.statePath(TopicPartition("t", 0)), .state(state)))
        cluster.kill(1)
        #expect(cluster.state("t", 0)?.leader == 3)
        cluster.alterPartition("t", 0, to: [2, 3, 4])
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
    }

    @Test func aDeletionThatHasBegunEndsTheReassignment() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2]])
        _ = cluster.controller.request(.reassignPartitions([TopicPartition("t", 0): [2, 3]]))
        cluster.deleteTopic("t")
        cluster.controller.answer = { _, request in if case .stopReplica = request { nil } else { ControlAnswer() } }
        // A broker that comes back has the deletion go on, though the reassignment runs.
        cluster.kill(3)
        cluster.start(3)
        cluster.controller.forget()
        cluster.kill(2)
        cluster.start(2)
        #expect(cluster.controller.leaderAndIsr(to: 1).isEmpty)
        #expect(cluster.controller.request(.listReassignments(partitions: nil)) == .listReassignments([:]))
    }
}

@Suite struct ControllerRequestTests {
    private func alter(
        _ cluster: Cluster, leaderEpoch: LeaderEpoch = 0, partitionEpoch: PartitionEpoch = 0, to inSync: [BrokerID],
        brokerEpoch: BrokerEpoch? = nil, usesTopicIDs: Bool = true
    ) -> ErrorCode? {
        let partition = TopicPartition("t", 0)
        let reply = cluster.controller.request(
            .alterPartition(
                .init(
                    broker: 1, brokerEpoch: brokerEpoch ?? cluster.brokers[1]!.brokerEpoch,
                    partitions: [
                        .init(
                            partition: partition, leaderEpoch: leaderEpoch, partitionEpoch: partitionEpoch,
                            inSyncReplicas: inSync)
                    ], usesTopicIDs: usesTopicIDs)))
        switch reply {
        case .refused(let error): return error.code
        case .alterPartition(let results):
            if case .failure(let error)? = results[partition] { return error.code }
            return ErrorCode.none
        default: return nil
        }
    }

    @Test func inSyncChangesKeepTheLeaderEpoch() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        #expect(alter(cluster, to: [1]) == ErrorCode.none)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1])
        #expect(cluster.state("t", 0)?.leaderEpoch == 0)
        #expect(cluster.state("t", 0)?.partitionEpoch == 1)
        // The same again is no write.
        #expect(alter(cluster, to: [1]) == ErrorCode.none)
        #expect(cluster.state("t", 0)?.partitionEpoch == 1)
    }

    /// The connection broke after the write and before its answer, and the write was sent again.
    @Test func anInSyncChangeWhoseReplyWasLostIsASuccess() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        let controller = cluster.controller
        controller.beforeBatch = { batch in
            let writes = batch.operations.contains { if case .writePartitionState = $0 { true } else { false } }
            guard writes else { return }
            _ = cluster.world.zooKeeper.perform(
                batch, by: controller.session, registration: ControllerHarness.registration(1))
        }
        #expect(alter(cluster, to: [1]) == ErrorCode.none)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [1])
        #expect(cluster.state("t", 0)?.partitionEpoch == 1)
    }

    @Test func inSyncChangesAreCheckedInOrder() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2, 3]])
        #expect(alter(cluster, to: [1], brokerEpoch: 1) == .staleBrokerEpoch)
        #expect(alter(cluster, leaderEpoch: 1, to: [1]) == .notController)
        #expect(alter(cluster, partitionEpoch: 1, to: [1]) == .notController)
        #expect(alter(cluster, to: [1, 2]) == ErrorCode.none)
        #expect(alter(cluster, to: [1]) == .invalidUpdateVersion)
        #expect(alter(cluster, partitionEpoch: 1, to: [1, 2, 9]) == .ineligibleReplica)
        #expect(alter(cluster, partitionEpoch: 1, to: [1, 9], usesTopicIDs: false) == .operationNotAttempted)
        cluster.kill(3)
        #expect(alter(cluster, leaderEpoch: -1, partitionEpoch: 1, to: [1]) == .fencedLeaderEpoch)
    }

    @Test func producerIDsAreGivenInBlocks() {
        let cluster = Cluster(1)
        let epoch = cluster.brokers[1]!.brokerEpoch
        #expect(
            cluster.controller.request(.allocateProducerIDs(broker: 1, epoch: epoch))
                == .producerIDs(ProducerIDBlock(broker: 1, first: 0, last: 999)))
        #expect(
            cluster.controller.request(.allocateProducerIDs(broker: 1, epoch: epoch))
                == .producerIDs(ProducerIDBlock(broker: 1, first: 1000, last: 1999)))
        #expect(
            cluster.controller.request(.allocateProducerIDs(broker: 1, epoch: 0))
                == .refused(.init(.staleBrokerEpoch)))
    }

    @Test func whoIsNotControllerRefuses() {
        let cluster = Cluster(1, 2)
        #expect(cluster.brokers[2]!.request(.listReassignments(partitions: nil)) == .refused(.init(.notController)))
    }
}

@Suite struct ReplicaPlacementTests {
    private func brokers(_ ids: BrokerID..., racks: [String?] = []) -> [ReplicaPlacement.Broker] {
        ids.enumerated().map { .init(id: $1, rack: $0 < racks.count ? racks[$0] : nil) }
    }

    private func assign(
        _ partitions: Int, _ factor: Int, _ brokers: [ReplicaPlacement.Broker], start: Int? = 0
    ) -> [[BrokerID]]? {
        var random = SeededRandom(seed: 1)
        return try? ReplicaPlacement.assign(
            partitions: partitions, replicationFactor: factor, brokers: brokers, start: start, using: &random)
    }

    @Test func followersShiftWithEachRound() {
        // The example in the comment of Kafka's AdminUtils, with start and shift 0.
        #expect(
            assign(10, 3, brokers(0, 1, 2, 3, 4)) == [
                [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 1], [0, 2, 3], [1, 3, 4], [2, 4, 0], [3, 0, 1],
                [4, 1, 2],
            ])
    }

    @Test func racksTakeTurns() {
        let six = brokers(
            0, 1, 2, 3, 4, 5, racks: ["rack1", "rack3", "rack3", "rack2", "rack2", "rack1"])
        // Kafka's example: the alternated list is 0, 3, 1, 5, 4, 2.
        #expect(
            assign(7, 3, six) == [
                [0, 3, 1], [3, 1, 5], [1, 5, 4], [5, 4, 2], [4, 2, 0], [2, 0, 3], [0, 4, 2],
            ])
    }

    @Test func aSingleBrokerHoldsAll() {
        #expect(assign(3, 1, brokers(7)) == [[7], [7], [7]])
        #expect(assign(1, 2, brokers(7)) == nil)
        #expect(assign(0, 1, brokers(7)) == nil)
        #expect(assign(1, 1, brokers(1, 2, racks: ["a"])) == nil)
    }

    @Test func addedPartitionsFollowOn() throws {
        let all = brokers(1, 2, 3)
        #expect(
            try ReplicaPlacement.extend(existing: [2, 3], partitionCount: 2, adding: 2, brokers: all)
                == [[1, 3], [2, 3]])
    }
}
