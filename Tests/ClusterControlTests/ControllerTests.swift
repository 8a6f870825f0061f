// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import SimulationKit
import Testing

/// A cluster on a model ensemble, with what the tests ask of it.
final class Cluster {
    let world = ControllerHarness.World()
    private(set) var brokers: [BrokerID: ControllerHarness] = [:]
    let admin: ModelZooKeeper.Session

    init(_ ids: BrokerID..., configure: (inout ControllerSettings) -> Void = { _ in }) {
        admin = world.zooKeeper.openSession()
        for id in ids { start(id, configure: configure) }
    }

    deinit {
        for broker in brokers.values { _ = broker.controller.handle(.stopped) }
    }

    func start(_ id: BrokerID, configure: (inout ControllerSettings) -> Void = { _ in }) {
        let harness = ControllerHarness(id, in: world, configure: configure)
        brokers[id] = harness
        harness.start()
    }

    /// Registers all of them before the first becomes controller.
    func startTogether(_ ids: BrokerID...) {
        let harnesses = ids.map { ControllerHarness($0, in: world) }
        for harness in harnesses { harness.register() }
        for (id, harness) in zip(ids, harnesses) {
            brokers[id] = harness
            harness.start(session: harness.session)
        }
    }

    func kill(_ id: BrokerID) { brokers.removeValue(forKey: id)?.kill() }

    var controller: ControllerHarness {
        guard let active = brokers.values.first(where: { $0.controller.isActive }) else {
            preconditionFailure("no controller: \(brokers.values.map(\.notices))")
        }
        return active
    }

    func write(_ changes: ModelZooKeeper.Change...) {
        for change in changes {
            do { try world.zooKeeper.commit([change], by: admin) } catch { Issue.record("\(change): \(error)") }
        }
        world.settle()
    }

    func topicNode(_ name: String, _ assignment: [[BrokerID]]) -> ModelZooKeeper.Content {
        var partitions: [Int32: PartitionAssignment] = [:]
        for (index, replicas) in assignment.enumerated() { partitions[Int32(index)] = PartitionAssignment(replicas) }
        return .topic(
            TopicAssignment(name: name, id: KafkaUUID(high: 7, low: UInt64(name.utf8.count)), partitions: partitions))
    }

    func createTopic(_ name: String, _ assignment: [[BrokerID]], configuration: [String: String] = [:]) {
        write(
            .create("/config/topics/\(name)", .configuration(configuration)),
            .create("/brokers/topics/\(name)", topicNode(name, assignment)))
    }

    func deleteTopic(_ name: String) { write(.create("/admin/delete_topics/\(name)", .null)) }

    func state(_ topic: String, _ partition: Int32) -> PartitionState? {
        guard let node = world.zooKeeper.node(ModelZooKeeper.statePath(TopicPartition(topic, partition))),
            case .state(var state) = node.content
        else { return nil }
        state.partitionEpoch = node.version
        return state
    }

    func assignment(_ topic: String, _ partition: Int32) -> PartitionAssignment? {
        guard case .topic(let topic) = world.zooKeeper.node("/brokers/topics/\(topic)")?.content else { return nil }
        return topic.partitions[partition]
    }

    /// The leader asks for an in-sync set, as it does when a follower has caught up or fallen behind.
    @discardableResult
    func alterPartition(_ topic: String, _ partition: Int32, to inSync: [BrokerID]) -> ControllerReply? {
        guard let state = state(topic, partition), let leader = brokers[state.leader] else { return nil }
        return controller.request(
            .alterPartition(
                .init(
                    broker: state.leader, brokerEpoch: leader.brokerEpoch,
                    partitions: [
                        .init(
                            partition: TopicPartition(topic, partition), leaderEpoch: state.leaderEpoch,
                            partitionEpoch: state.partitionEpoch, inSyncReplicas: inSync)
                    ], usesTopicIDs: true)))
    }
}

extension ControllerHarness {
    /// The partitions of LeaderAndIsr requests since the last ``forget()``, by receiver.
    func leaderAndIsr(to broker: BrokerID) -> [ControlRequest.LeaderAndIsr.Partition] {
        sent.filter { $0.broker == broker }.flatMap { entry -> [ControlRequest.LeaderAndIsr.Partition] in
            if case .leaderAndIsr(let request) = entry.request { request.partitions } else { [] }
        }
    }

    /// The newest LeaderAndIsr request since the last ``forget()``.
    func lastLeaderAndIsr(to broker: BrokerID) -> ControlRequest.LeaderAndIsr? {
        for entry in sent.reversed() where entry.broker == broker {
            if case .leaderAndIsr(let request) = entry.request { return request }
        }
        return nil
    }

    func stopReplica(to broker: BrokerID) -> [ControlRequest.StopReplica.Partition] {
        sent.filter { $0.broker == broker }.flatMap { entry -> [ControlRequest.StopReplica.Partition] in
            if case .stopReplica(let request) = entry.request { request.partitions } else { [] }
        }
    }

    func updateMetadata(to broker: BrokerID) -> [MetadataUpdate] {
        sent.filter { $0.broker == broker }.compactMap { entry in
            if case .updateMetadata(let request) = entry.request { request.update } else { nil }
        }
    }

    /// The kinds of requests to a broker, in order.
    func kinds(to broker: BrokerID) -> [String] {
        sent.filter { $0.broker == broker }.map { entry in
            switch entry.request {
            case .leaderAndIsr: "LeaderAndIsr"
            case .updateMetadata: "UpdateMetadata"
            case .stopReplica: "StopReplica"
            }
        }
    }
}

@Suite struct ControllerElectionTests {
    @Test func theFirstBrokerBecomesControllerWithEpochOne() {
        let cluster = Cluster(1)
        let broker = cluster.controller
        #expect(broker.id == 1)
        #expect(broker.controller.epoch == 1)
        #expect(cluster.world.zooKeeper.node("/controller")?.content == .controller(1))
        #expect(cluster.world.zooKeeper.node("/controller_epoch")?.content == .epoch(1))
        #expect(broker.timers[.leaderBalance] == .seconds(5))
        #expect(
            cluster.world.zooKeeper.node("/feature")?.content == .features(FeatureNode(version: 2, status: .enabled)))
    }

    @Test func aNewControllerTellsTheLivingBeforeAnythingElse() {
        let cluster = Cluster(1)
        #expect(cluster.controller.kinds(to: 1) == ["UpdateMetadata"])
        #expect(cluster.controller.updateMetadata(to: 1).first?.brokers.map(\.id) == [1])
        #expect(cluster.controller.updateMetadata(to: 1).first?.topics.isEmpty == true)
    }

    @Test func theSecondBrokerFollows() {
        let cluster = Cluster(1, 2)
        #expect(cluster.controller.id == 1)
        #expect(cluster.brokers[2]?.controller.isActive == false)
        #expect(cluster.controller.senders == [1, 2])
        #expect(cluster.controller.updateMetadata(to: 2).last?.brokers.map(\.id) == [1, 2])
    }

    @Test func anotherTakesOverWhenTheControllerDies() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2, 3]])
        cluster.kill(1)
        #expect(cluster.controller.id != 1)
        #expect(cluster.controller.controller.epoch == 2)
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [2, 3])
        #expect(cluster.state("t", 0)?.controllerEpoch == 2)
    }

    /// Broker 1 leads partition 0 and dies as controller; broker 2 follows it and remembers something. Returns what 2 asked
    /// of ZooKeeper about the topic after its election.
    private func takeOver(
        _ cluster: Cluster, id: KafkaUUID? = nil, remembering change: (inout PartitionState) -> Void = { _ in }
    ) -> [ZooKeeperOperation] {
        guard var state = cluster.state("t", 0), let second = cluster.brokers[2] else { return [] }
        change(&state)
        second.memory = [RecalledTopic(name: "t", id: id ?? KafkaUUID(high: 7, low: 1), states: [0: state])]
        var asked: [ZooKeeperOperation] = []
        second.beforeBatch = { asked += $0.operations }
        second.forget()
        cluster.kill(1)
        return asked.filter {
            switch $0 {
            case .readPartitionState, .writePartitionState: true
            default: false
            }
        }
    }

    @Test func whatIsRememberedElectsBeforeStatesAreRead() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2, 3], [2, 1, 3]])
        let asked = takeOver(cluster)
        let next = PartitionState(leader: 2, leaderEpoch: 1, inSyncReplicas: [2, 3], controllerEpoch: 2)
        let (led, followed) = (TopicPartition("t", 0), TopicPartition("t", 1))
        #expect(
            asked == [
                .writePartitionState(led, next, expectedVersion: 0),
                .readPartitionState(followed, watch: false),
                .writePartitionState(followed, next, expectedVersion: 0),
                // That broker 1 is out of the in-sync set already is not believed before ZooKeeper says so.
                .readPartitionState(led, watch: false),
            ])
        #expect(cluster.state("t", 0)?.partitionEpoch == 1)
        let told = cluster.controller.leaderAndIsr(to: 3)
        #expect(told.first?.partition == TopicPartition("t", 0))
        #expect(told.first?.state.leader == 2)
    }

    @Test func whatIsRememberedWronglyIsReadAndToldToNobody() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 3, 2]])
        cluster.alterPartition("t", 0, to: [1, 2])
        // Before that change, broker 3 was in sync and would lead now.
        let asked = takeOver(cluster) {
            $0.inSyncReplicas = [1, 2, 3]
            $0.partitionEpoch = 0
        }
        #expect(asked.dropFirst().first == .readPartitionState(TopicPartition("t", 0), watch: false))
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.controller.leaderAndIsr(to: 3).allSatisfy { $0.state.leader != 3 })
    }

    @Test func onlyOfThisVeryTopicIsAnythingRemembered() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2, 3]])
        let asked = takeOver(cluster, id: KafkaUUID(high: 7, low: 2))
        #expect(asked.first == .readPartitionState(TopicPartition("t", 0), watch: false))
    }

    /// UpdateMetadata does not tell of a leader that recovers (KIP-704).
    @Test func aLeaderThatMayRecoverIsNotWhatIsRemembered() {
        let cluster = Cluster(1, 2, 3)
        cluster.createTopic("t", [[1, 2, 3]])
        let asked = takeOver(cluster) { $0.inSyncReplicas = [2] }
        #expect(asked.first == .readPartitionState(TopicPartition("t", 0), watch: false))
    }

    @Test func aZombieControllersWriteFailsAndItResigns() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        let old = cluster.brokers[1]!
        // Broker 1 does not hear that its controllership was taken away.
        cluster.world.zooKeeper.remove("/controller")
        let epoch = cluster.world.zooKeeper.node("/controller_epoch")!
        cluster.world.zooKeeper.put("/controller_epoch", .epoch(9), version: epoch.version + 1)
        cluster.world.zooKeeper.put("/controller", .controller(2))
        let before = cluster.state("t", 0)
        let reply = cluster.alterPartitionThrough(old, "t", 0, to: [1])
        #expect(reply == .refused(.init(.notController)))
        #expect(cluster.state("t", 0) == before)
        #expect(!old.controller.isActive)
    }

    @Test func anExpiredSessionRegistersAnewAndElects() {
        let cluster = Cluster(1)
        let before = cluster.brokers[1]!.brokerEpoch
        cluster.brokers[1]!.expireSession()
        #expect(cluster.brokers[1]!.brokerEpoch > before)
        #expect(cluster.controller.controller.epoch == 2)
    }

    @Test func requestsThatWaitAreRefusedWhenTheSessionExpires() {
        let controller = Controller(settings: ControllerSettings(brokerID: 1, interBrokerListener: "PLAINTEXT"))
        _ = controller.handle(.started(brokerEpoch: 1))
        #expect(controller.handle(.request(7, .listReassignments(partitions: nil))).isEmpty)
        let actions = controller.handle(.sessionExpired)
        guard case .reply(7, .refused(let error))? = actions.first else {
            Issue.record("the request was not refused: \(actions)")
            return
        }
        #expect(error.code == .notController)
        _ = controller.handle(.stopped)
    }

    @Test func aLostElectionReplyIsRecognised() {
        let cluster = Cluster()
        let harness = ControllerHarness(1, in: cluster.world)
        // The first multi is applied, its reply lost; the driver sends it again and meets its own node.
        harness.beforeBatch = { batch in
            guard case .elect? = batch.operations.first,
                cluster.world.zooKeeper.node("/controller") == nil
            else { return }
            _ = cluster.world.zooKeeper.perform(
                batch, by: harness.session, registration: ControllerHarness.registration(1))
        }
        harness.start()
        #expect(harness.controller.isActive)
        #expect(harness.controller.epoch == 1)
        _ = harness.controller.handle(.stopped)
    }
}

extension Cluster {
    /// Something has happened to a broker's log directories, and it says so.
    func notifyLogDirectoryEvent(of broker: BrokerID) {
        #expect(throws: Never.self) {
            _ = try world.zooKeeper.createSequential(
                "/log_dir_event_notification/log_dir_event_", .logDirectoryEvent(broker), by: admin)
        }
        world.settle()
    }

    func alterPartitionThrough(
        _ harness: ControllerHarness, _ topic: String, _ partition: Int32, to inSync: [BrokerID]
    ) -> ControllerReply? {
        guard let state = state(topic, partition), let leader = brokers[state.leader] else { return nil }
        return harness.request(
            .alterPartition(
                .init(
                    broker: state.leader, brokerEpoch: leader.brokerEpoch,
                    partitions: [
                        .init(
                            partition: TopicPartition(topic, partition), leaderEpoch: state.leaderEpoch,
                            partitionEpoch: state.partitionEpoch, inSyncReplicas: inSync)
                    ], usesTopicIDs: true)))
    }
}

@Suite struct ControllerTopicTests {
    @Test func aNewTopicGetsStatesAndLeaders() {
        let cluster = Cluster(1, 2, 3)
        cluster.controller.forget()
        cluster.createTopic("t", [[1, 2, 3], [2, 3, 1]])
        #expect(
            cluster.state("t", 1)
                == PartitionState(leader: 2, leaderEpoch: 0, inSyncReplicas: [2, 3, 1], controllerEpoch: 1))
        let toSecond = cluster.controller.leaderAndIsr(to: 2)
        #expect(toSecond.map(\.partition.partition) == [0, 1])
        #expect(toSecond.map(\.isNew) == [true, true])
        #expect(cluster.controller.kinds(to: 2) == ["LeaderAndIsr", "UpdateMetadata"])
        #expect(cluster.controller.updateMetadata(to: 3).last?.topics.first?.partitions.count == 2)
    }

    @Test func aDeadReplicaIsNotInTheFirstInSyncSet() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[9, 2, 1]])
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.state("t", 0)?.inSyncReplicas == [2, 1])
        #expect(cluster.controller.updateMetadata(to: 1).last?.topics[0].partitions[0].state.offlineReplicas == [9])
    }

    @Test func aTopicWithoutLiveReplicasWaitsForOne() {
        let cluster = Cluster(1)
        cluster.createTopic("t", [[2]])
        #expect(cluster.state("t", 0) == nil)
        #expect(cluster.controller.controller.counts.offlinePartitions == 1)
        cluster.start(2)
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.controller.controller.counts.offlinePartitions == 0)
    }

    /// The reply to the creation was lost, and the creation sent again: it meets its own node.
    @Test func aStateWhoseReplyWasLostIsCreated() {
        let cluster = Cluster(1, 2)
        let controller = cluster.controller
        controller.beforeBatch = { batch in
            guard batch.operations.contains(where: { if case .createPartitionState = $0 { true } else { false } })
            else { return }
            controller.beforeBatch = { _ in }
            _ = cluster.world.zooKeeper.perform(
                batch, by: controller.session, registration: ControllerHarness.registration(1))
        }
        cluster.createTopic("t", [[2, 1]])
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(controller.leaderAndIsr(to: 2).map(\.isNew) == [true])
        #expect(controller.controller.counts.offlinePartitions == 0)
    }

    @Test func aStateThatSomebodyElseHasMadeIsLeftAlone() {
        let cluster = Cluster(1, 2)
        let foreign = PartitionState(leader: 1, leaderEpoch: 7, inSyncReplicas: [1], controllerEpoch: 1)
        cluster.controller.beforeBatch = { batch in
            guard batch.operations.contains(where: { if case .createPartitionState = $0 { true } else { false } })
            else { return }
            cluster.world.zooKeeper.put("/brokers/topics/t/partitions", .null)
            cluster.world.zooKeeper.put("/brokers/topics/t/partitions/0", .null)
            cluster.world.zooKeeper.put("/brokers/topics/t/partitions/0/state", .state(foreign))
        }
        cluster.createTopic("t", [[2, 1]])
        #expect(cluster.state("t", 0) == foreign)
        #expect(cluster.controller.leaderAndIsr(to: 2).isEmpty)
    }

    @Test func aTopicGrows() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1]])
        cluster.controller.forget()
        cluster.write(.set("/brokers/topics/t", cluster.topicNode("t", [[1], [2]])))
        #expect(cluster.state("t", 1)?.leader == 2)
        #expect(cluster.controller.leaderAndIsr(to: 2).map(\.isNew) == [true])
        #expect(cluster.controller.leaderAndIsr(to: 1).isEmpty)
    }

    @Test func aTopicWithoutIDGetsOne() {
        let cluster = Cluster(1)
        cluster.write(
            .create(
                "/brokers/topics/t",
                .topic(TopicAssignment(name: "t", id: nil, partitions: [0: PartitionAssignment([1])]))))
        guard case .topic(let topic) = cluster.world.zooKeeper.node("/brokers/topics/t")?.content else {
            Issue.record("the topic is gone")
            return
        }
        #expect(topic.id != nil)
        #expect(cluster.controller.controller.topicName(id: topic.id ?? .zero) == "t")
    }

    @Test func aDeletedTopicLeavesNothing() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2], [2, 1]])
        cluster.controller.forget()
        cluster.world.zooKeeper.log.removeAll()
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
        #expect(cluster.world.zooKeeper.node("/config/topics/t") == nil)
        #expect(cluster.world.zooKeeper.node("/admin/delete_topics/t") == nil)
        let stops = cluster.controller.stopReplica(to: 1)
        #expect(stops.map(\.delete) == [false, false, true, true])
        #expect(stops.allSatisfy { $0.leaderEpoch == -2 })
        let update = cluster.controller.updateMetadata(to: 2).first
        #expect(update?.topics.first?.partitions.map(\.state.leader) == [-2, -2])
        #expect(cluster.controller.leaderAndIsr(to: 1).isEmpty)
        let deletes = cluster.world.zooKeeper.log.compactMap { entry -> String? in
            if case .delete(let path, _)? = entry.changes.last { path } else { nil }
        }
        #expect(deletes.suffix(3) == ["/brokers/topics/t", "/config/topics/t", "/admin/delete_topics/t"])
    }

    @Test func deletionWaitsForADeadBrokerAndResumesWhenItReturns() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        cluster.kill(2)
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") != nil)
        #expect(cluster.controller.controller.counts.topicsIneligibleToDelete == 1)
        cluster.start(2)
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
        #expect(cluster.controller.controller.counts.topicsToDelete == 0)
    }

    @Test func deletionContinuesUnderTheNextController() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2]])
        let old = cluster.controller
        old.answer = { _, request in if case .stopReplica = request { nil } else { ControlAnswer() } }
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") != nil)
        cluster.kill(1)
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
    }

    @Test func aReplicaThatCannotBeDeletedHaltsDeletion() {
        let cluster = Cluster(1)
        cluster.createTopic("t", [[1]])
        cluster.controller.answer = { _, request in
            guard case .stopReplica(let stop) = request, stop.partitions[0].delete else { return ControlAnswer() }
            return ControlAnswer(partitions: [TopicPartition("t", 0): .kafkaStorageError])
        }
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") != nil)
        #expect(cluster.controller.controller.counts.topicsIneligibleToDelete == 1)
    }

    /// The refusal comes when the broker's next life has been welcomed, and nobody else would ask again.
    @Test func whatAnEarlierLifeRefusedDoesNotHaltDeletion() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[2, 1]])
        let controller = cluster.controller
        controller.answer = { broker, request in
            if broker == 2, case .stopReplica = request { nil } else { ControlAnswer() }
        }
        cluster.deleteTopic("t")
        guard case .stopReplica(let unanswered)? = controller.sent.last(where: { $0.broker == 2 })?.request else {
            Issue.record("broker 2 was not asked to delete")
            return
        }
        cluster.world.zooKeeper.remove("/brokers/ids/2")
        cluster.world.zooKeeper.put("/brokers/ids/2", .broker(ControllerHarness.registration(2)), version: 1)
        controller.forget()
        controller.feed(.brokersChanged)
        guard case .stopReplica(let again)? = controller.sent.last(where: { $0.broker == 2 })?.request else {
            Issue.record("broker 2 was not asked again")
            return
        }
        controller.feed(.stopReplicaAnswered(2, unanswered, ControlAnswer(error: .staleBrokerEpoch)))
        #expect(controller.controller.counts.topicsIneligibleToDelete == 0)
        controller.feed(.stopReplicaAnswered(2, again, ControlAnswer()))
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
    }

    @Test func deletionOfAnUnknownTopicIsForgotten() {
        let cluster = Cluster(1)
        cluster.deleteTopic("nothing")
        #expect(cluster.world.zooKeeper.children("/admin/delete_topics").isEmpty)
    }

    @Test func deletionIsRefusedWhereItIsDisabled() {
        let cluster = Cluster(1) { $0.deleteTopicEnable = false }
        cluster.createTopic("t", [[1]])
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") != nil)
        #expect(cluster.world.zooKeeper.children("/admin/delete_topics").isEmpty)
    }

    @Test func aTopicUnderDeletionDoesNotGrow() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        cluster.kill(2)
        cluster.deleteTopic("t")
        cluster.write(.set("/brokers/topics/t", cluster.topicNode("t", [[1, 2], [1]])))
        #expect(cluster.assignment("t", 1) == nil)
        #expect(cluster.assignment("t", 0) == PartitionAssignment([1, 2]))
    }

    @Test func oneBadTopicDoesNotStopTheOthers() {
        let cluster = Cluster(1)
        cluster.write(.create("/brokers/topics/bad", .garbage))
        cluster.createTopic("good", [[1]])
        #expect(cluster.state("good", 0)?.leader == 1)
        cluster.kill(1)
        cluster.start(1)
        #expect(cluster.state("good", 0)?.leader == 1)
        #expect(
            cluster.controller.notices.contains(
                .malformedNode(path: "/brokers/topics/bad", reason: "not what is expected")))
    }

    @Test func partitionsAreCountedOnceTheyHaveAState() {
        let cluster = Cluster(1)
        cluster.createTopic("t", [[1], [9]])
        #expect(cluster.controller.controller.counts.globalPartitions == 1)
        #expect(cluster.controller.controller.counts.offlinePartitions == 1)
    }

    @Test func aNameThatNoDirectoryCanHaveIsLeftOut() {
        let cluster = Cluster(1)
        let long = String(repeating: "n", count: 300)
        cluster.createTopic(long, [[1]])
        cluster.createTopic("good", [[1]])
        #expect(cluster.state("good", 0)?.leader == 1)
        #expect(cluster.state(long, 0) == nil)
        #expect(cluster.controller.leaderAndIsr(to: 1).map(\.partition) == [TopicPartition("good", 0)])
        #expect(
            cluster.controller.notices.contains {
                if case .malformedNode("/brokers/topics/\(long)", _) = $0 { true } else { false }
            })
        cluster.deleteTopic(long)
        #expect(cluster.world.zooKeeper.node("/brokers/topics/\(long)") == nil)
    }

    /// With its node unreadable nobody can be elected; the old leader, back again, may have lost what it led with.
    @Test func aLeaderThatCameBackIsNotToldItsOldEpochWhileTheStateCannotBeRead() throws {
        let cluster = Cluster(2, 1)
        cluster.createTopic("t", [[1, 2]])
        #expect(cluster.controller.id == 2 && cluster.state("t", 0)?.leader == 1)
        let path = "/brokers/topics/t/partitions/0/state"
        let content = try #require(cluster.world.zooKeeper.node(path)).content
        cluster.write(.set(path, .garbage))
        cluster.controller.forget()
        cluster.kill(1)
        cluster.start(1)
        #expect(cluster.controller.leaderAndIsr(to: 1).isEmpty)
        // What it said was true of the leader's life before.
        cluster.write(.set(path, content))
        cluster.kill(1)
        cluster.start(1)
        #expect((cluster.state("t", 0)?.leaderEpoch ?? 0) > 0)
        #expect(cluster.controller.leaderAndIsr(to: 1).contains { $0.partition == TopicPartition("t", 0) })
    }

    @Test func aTopicThatIsMendedIsLedAgainByWhatItsStatesSay() {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2], [2, 1]])
        cluster.write(.set("/brokers/topics/t", .garbage))
        cluster.kill(1)
        cluster.start(1)
        #expect(cluster.controller.id == 2)
        cluster.controller.forget()
        cluster.write(.set("/brokers/topics/t", cluster.topicNode("t", [[1, 2], [2, 1]])))
        // In its state broker 1 still leads the first; but it has been away since.
        #expect(cluster.state("t", 0)?.leader == 2)
        #expect(cluster.state("t", 0)?.leaderEpoch == 1)
        // Nor is it in sync with the leader of the other any more.
        #expect(cluster.state("t", 1)?.leader == 2)
        #expect(cluster.state("t", 1)?.inSyncReplicas == [2])
        let told = cluster.controller.leaderAndIsr(to: 1)
        #expect(Set(told.map(\.partition)) == [TopicPartition("t", 0), TopicPartition("t", 1)])
        #expect(Set(told.map(\.state.leader)) == [2])
        #expect(cluster.controller.controller.topicName(id: KafkaUUID(high: 7, low: 1)) == "t")
    }
}
