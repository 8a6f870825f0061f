// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaProtocol
import Logging
import NIOPosix
import Testing
import ZooKeeperStore

@testable import BrokerServer

/// What administrators are answered by the handlers of a broker, on an ensemble that the test has made.
@Suite struct AdministrationTests {
    /// A broker's administration.
    private struct Scene {
        let ensemble: TreeEnsemble
        let controller: ControllerService
        let wait: MetadataWait
        let topics: TopicAdministration
        let configurations: ConfigurationAdministration

        func create(_ names: String...) async -> [CreateTopicsResponse.CreatableTopicResult] {
            var request = CreateTopicsRequest()
            request.timeoutMs = 10
            request.topics = names.map { name in
                var topic = CreateTopicsRequest.CreatableTopic()
                topic.name = name
                topic.numPartitions = 1
                topic.replicationFactor = 1
                return topic
            }
            return await CreateTopicsHandler(administration: topics, controller: controller, wait: wait)
                .answer(request).topics
        }
    }

    private static let silent = Logger(label: "scene") { _ in SwiftLogNoOpLogHandler() }

    /// Broker 1, which knows of itself and of the topic `t`.
    private func scene(
        isController: Bool = true, _ extra: [String: String] = [:], _ body: (Scene) async throws -> Void
    ) async throws {
        var nodes: [String: TreeNode] = ["/": TreeNode()]
        func put(_ path: String, _ data: String?) {
            if path != "/", nodes[Tree.parent(path)] == nil { put(Tree.parent(path), nil) }
            var node = TreeNode()
            node.data = data.map { Array($0.utf8) }
            nodes[path] = node
        }
        for path in ZNodes.ensured { put(path, nil) }
        for (path, data) in extra { put(path, data) }
        let ensemble = TreeEnsemble(nodes)
        ensemble.begin(session: 1)
        let store = ZooKeeperStore(ensemble)
        let metadata = MetadataCache(clusterID: "c")
        let state = PartitionImage(
            leader: 1, leaderEpoch: 0, inSyncReplicas: [1], replicas: [1], offlineReplicas: [], partitionEpoch: 0,
            controllerEpoch: 1)
        _ = metadata.apply(
            MetadataUpdate(
                controllerID: 1,
                brokers: [
                    BrokerInfo(
                        id: 1, rack: nil,
                        endpoints: [
                            Endpoint(listenerName: "P", host: "h", port: 9092, securityProtocol: .plaintext)
                        ])
                ],
                topics: [
                    .init(
                        name: "t", id: .zero,
                        partitions: [.init(index: 0, state: state), .init(index: 1, state: state)])
                ]))
        let configuration = try BrokerConfiguration.parse(properties: [
            "broker.id": "1", "zookeeper.connect": "127.0.0.1:2181",
        ]).configuration
        let timer = TimerThread()
        let executor = ControllerExecutor(
            store, brokerID: 1,
            registrar: BrokerRegistrar(
                store, id: 1, node: BrokerRegistrationNode(endpoints: [], timestamp: 0), session: { 1 }), now: { 0 })
        let controller = ControllerService(
            settings: ControllerSettings(brokerID: 1, interBrokerListener: "P"),
            surroundings: .init(
                zooKeeper: executor, timer: timer,
                senders: .init(
                    controllerID: 1, listener: "P", interBrokerListener: "P", versions: ControlVersions(),
                    group: MultiThreadedEventLoopGroup.singleton, requestTimeout: .seconds(1), logger: Self.silent),
                controllerChanged: { _ in }, brokerEpochChanged: { _ in }),
            logger: Self.silent)
        let running = Task { await controller.run() }
        if isController { await controller.submitAndWait(.started(brokerEpoch: 1)) }
        let result: Result<Void, any Error>
        do {
            try await body(
                Scene(
                    ensemble: ensemble, controller: controller,
                    wait: MetadataWait(waiting: DelayedOperations(timer: timer), metadata: metadata),
                    topics: TopicAdministration(
                        store: store, metadata: metadata, configuration: { configuration }, givesTopicIDs: true,
                        logger: Self.silent),
                    configurations: ConfigurationAdministration(
                        store: store, metadata: metadata, configuration: { configuration }, brokerID: 1,
                        levels: LogLevels(root: .info), logger: Self.silent)))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        controller.stop()
        await running.value
        timer.stop()
        try result.get()
    }

    /// Its name is that of the log of KRaft's metadata, which a broker would take the topic's for one day.
    @Test func theTopicOfMetadataCannotBeCreated() async throws {
        try await scene { scene in
            let answers = await scene.create("__cluster_metadata", "good")
            #expect(answers.map(\.errorCode) == [.topicAuthorizationFailed, .requestTimedOut])
            #expect(answers.first?.errorMessage == "Authorization failed.")
            #expect(scene.ensemble.node(ZNodes.topic("__cluster_metadata")) == nil)
            #expect(scene.ensemble.node(ZNodes.topic("good")) != nil)
            #expect(
                await scene.create("__cluster_metadata", "__cluster_metadata").map(\.errorCode) == [.invalidRequest])
        }
        try await scene(isController: false) { scene in
            #expect(await scene.create("__cluster_metadata").map(\.errorCode) == [.notController])
        }
    }

    @Test(arguments: ["{", #"{"version":3,"partitions":{"zero":[1]}}"#])
    func aTopicWhoseNodeCannotBeReadCanBeDeleted(data: String) async throws {
        try await scene(isController: false, [ZNodes.topic("bad"): data]) { scene in
            #expect(await scene.topics.delete("bad") == nil)
            #expect(scene.ensemble.node(ZNodes.topicDeletion("bad")) != nil)
            #expect(await scene.topics.delete("none")?.code == .unknownTopicOrPartition)
            #expect(scene.ensemble.node(ZNodes.topicDeletion("none")) == nil)
        }
    }

    /// Settings are written under the eyes of a controller that is none of KRaft's.
    @Test(arguments: [
        [:], [ZNodes.controller: #"{"version":2,"brokerid":3000,"timestamp":"0","kraftControllerEpoch":5}"#],
    ])
    func withoutAControllerNothingIsWritten(nodes: [String: String]) async throws {
        try await scene(isController: false, nodes) { scene in
            let created = await scene.topics.create(
                NewTopic(name: "n", partitions: 1, replicationFactor: 1), validateOnly: false)
            guard case .failure(let error) = created else {
                Issue.record("created")
                return
            }
            #expect(error.code == .notController)
            #expect(scene.ensemble.node(ZNodes.topic("n")) == nil)
            let change = ConfigurationAdministration.Change.replace(["retention.ms": "1000"])
            for resource in [ConfigResource.topic, .broker] {
                let refusal = await scene.configurations.alter(
                    .init(type: resource.rawValue, name: resource == .topic ? "t" : "1"),
                    resource == .topic ? change : .replace([:]), validateOnly: false)
                #expect(refusal?.code == .notController)
            }
            #expect(scene.ensemble.node(ZNodes.configuration("topics/t")) == nil)
        }
    }

    /// As recorded of Kafka at a broker that is not controller: nothing about the whole, and no message.
    @Test(arguments: ElectLeadersRequest.versions)
    func whoIsNotControllerSaysSoOfEachPartition(version: Int16) async throws {
        try await scene(isController: false) { scene in
            let handler = ElectLeadersHandler(controller: scene.controller, wait: scene.wait)
            var request = ElectLeadersRequest()
            for (topics, expected) in [
                (
                    [("raw-topic", [0, 1, 0]), ("no-such-topic", [0])],
                    [("no-such-topic", [0]), ("raw-topic", [0, 1])]
                ),
                (nil, [("t", [0, 1])]),
            ] as [([(String, [Int32])]?, [(String, [Int32])])] {
                request.topicPartitions = topics.map { topics in
                    topics.map { name, partitions in
                        var topic = ElectLeadersRequest.TopicPartitions()
                        topic.topic = name
                        topic.partitions = partitions
                        return topic
                    }
                }
                let answer = await handler.answer(request, version: version)
                #expect(answer.errorCode == .none)
                #expect(answer.replicaElectionResults.map(\.topic) == expected.map(\.0))
                #expect(
                    answer.replicaElectionResults.map { $0.partitionResult.map(\.partitionID) } == expected.map(\.1))
                for result in answer.replicaElectionResults.flatMap(\.partitionResult) {
                    #expect(result.errorCode == .notController)
                    #expect(result.errorMessage == nil)
                }
            }
        }
    }
}
