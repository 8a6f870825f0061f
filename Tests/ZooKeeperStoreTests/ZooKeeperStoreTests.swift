// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import Testing
import ZooKeeperClient
import ZooKeeperTestKit

@testable import ZooKeeperStore

/// Kafka's sequences of requests, on a real server.
@Suite(.timeLimit(.minutes(1))) struct ZooKeeperStoreTests {
    static let node = BrokerRegistrationNode(
        endpoints: [
            Endpoint(listenerName: "PLAINTEXT", host: "127.0.0.1", port: 9092, securityProtocol: .plaintext)
        ], timestamp: 1_700_000_000_000)

    @Test func theFirstBrokerMakesItsPathsInKafkasOrderWithNullData() async throws {
        try await withStore { store, _ in
            try await store.ensurePaths()
            try await store.ensurePaths()
            var created: [(Int64, String)] = []
            for path in ZNodes.ensured + ["/brokers", "/config", "/admin"] {
                let read = try #require(try await store.read(path))
                #expect(read.data == nil)
                created.append((read.stat.creationTransaction, path))
            }
            #expect(
                created.sorted { $0.0 < $1.0 }.map(\.1) == [
                    "/consumers", "/brokers", "/brokers/ids", "/brokers/topics", "/config", "/config/changes",
                    "/admin", "/admin/delete_topics", "/brokers/seqid", "/isr_change_notification",
                    "/latest_producer_id_block", "/log_dir_event_notification", "/config/topics", "/config/clients",
                    "/config/users", "/config/brokers", "/config/ips",
                ])
        }
    }

    @Test func theClusterIdIsMadeOnce() async throws {
        try await withStore { store, _ in
            let first = try await store.clusterID(orCreate: .random())
            let second = try await store.clusterID(orCreate: .random())
            #expect(first == second)
        }
    }

    @Test func brokerIdsGrowAboveTheReservedOnes() async throws {
        try await withStore { store, _ in
            try await store.ensurePaths()
            #expect(try await store.generateBrokerID() == 1001)
            #expect(try await store.generateBrokerID() == 1002)
        }
    }

    @Test func aBrokerRegistersOnceAndItsEpochIsTheCreationTransaction() async throws {
        try await withStore { store, connection in
            try await store.ensurePaths()
            let registrar = BrokerRegistrar(store, id: 7, node: Self.node) { connection.identity?.id }
            let epoch = try await registrar.register(checkingEndpoints: true)
            // The reply was lost: the node is ours and stays.
            #expect(try await registrar.register() == epoch)
            let found = try #require(try await store.read(ZNodes.broker(7)))
            #expect(found.stat.creationTransaction == epoch)
            #expect(found.stat.version == 1)
            #expect(try await store.brokers().map(\.id) == [7])

            let other = BrokerRegistrar(store, id: 7, node: Self.node) { 1 }
            await #expect(throws: StoreError.brokerIDInUse(7, session: connection.identity?.id ?? 0)) {
                try await other.register()
            }
            let neighbour = BrokerRegistrar(store, id: 8, node: Self.node) { connection.identity?.id }
            await #expect(throws: StoreError.endpointInUse(host: "127.0.0.1", port: 9092, broker: 7)) {
                try await neighbour.register(checkingEndpoints: true)
            }
        }
    }

    @Test func producerIdBlocksFollowEachOther() async throws {
        try await withStore { store, _ in
            try await store.ensurePaths()
            #expect(try await store.allocateProducerIDs(1) == ProducerIDBlock(broker: 1, first: 0, last: 999))
            #expect(try await store.allocateProducerIDs(2) == ProducerIDBlock(broker: 2, first: 1000, last: 1999))
        }
    }

    @Test func theControllersBatchesAreExecutedAndFenced() async throws {
        try await withStore { store, connection in
            try await store.ensurePaths()
            let registrar = BrokerRegistrar(store, id: 1, node: Self.node) { connection.identity?.id }
            let executor = ControllerExecutor(store, brokerID: 1, registrar: registrar) { 1_700_000_000_000 }
            func run(_ operations: [ClusterControl.ZooKeeperOperation], version: Int32) async -> [ZooKeeperAnswer] {
                await executor.execute(
                    ZooKeeperBatch(id: 1, operations: operations, controllerEpochVersion: version))
            }
            #expect(
                await run([.readController, .readControllerEpoch, .createControllerEpoch], version: 0) == [
                    .failed(.noNode), .failed(.noNode), .written(version: 0),
                ])
            #expect(await run([.elect(epoch: 1, expectedVersion: 0)], version: 0) == [.written(version: 1)])
            #expect(await run([.elect(epoch: 2, expectedVersion: 1)], version: 0) == [.failed(.nodeExists)])
            #expect(await run([.readController], version: 1) == [.controller(1, kraftControllerEpoch: -1)])

            let topic = TopicAssignment(
                name: "t", id: KafkaUUID(high: 1, low: 2), partitions: [0: PartitionAssignment([1])])
            try await store.createTopic(topic, configuration: [(key: "a", value: "b")])
            let partition = TopicPartition("t", 0)
            var state = PartitionState(leader: 1, leaderEpoch: 0, inSyncReplicas: [1], controllerEpoch: 1)
            #expect(
                await run(
                    [
                        .readTopic("t", watch: true), .readTopicConfiguration("t"),
                        .createPartitionsNode(topic: "t"), .createPartitionNode(partition),
                        .createPartitionState(partition, state), .createPartitionsNode(topic: "t"),
                    ], version: 1) == [
                        .topic(topic), .configuration(["a": "b"]), .written(version: 0), .written(version: 0),
                        .written(version: 0), .failed(.nodeExists),
                    ])
            let written = try #require(try await store.read(ZNodes.partitionState(partition))?.stat)
            #expect(
                await run([.readPartitionState(partition, watch: false)], version: 1)
                    == [.partitionState(state, writtenAt: written.modificationTransaction)])
            state.leaderEpoch = 1
            #expect(
                await run(
                    [
                        .writePartitionState(partition, state, expectedVersion: 0),
                        .writePartitionState(partition, state, expectedVersion: 0),
                    ], version: 1) == [.written(version: 1), .failed(.badVersion)])
            // A zombie: the epoch's version has moved on.
            #expect(
                await run([.writePartitionState(partition, state, expectedVersion: 1)], version: 0) == [
                    .failed(.controllerMoved)
                ])
            #expect(
                await run([.deleteTopic("t"), .deleteTopicConfiguration("t"), .deleteTopicDeletion("t")], version: 1)
                    == [.deleted, .deleted, .deleted])
            #expect(try await store.topic("t") == nil)
        }
    }

    @Test func whatSomebodyHasRemovedTheControllerMakesAnew() async throws {
        try await withStore { store, connection in
            let registrar = BrokerRegistrar(store, id: 1, node: Self.node) { connection.identity?.id }
            let executor = ControllerExecutor(store, brokerID: 1, registrar: registrar) { 1_700_000_000_000 }
            for directory in [ZooKeeperDirectory.topicDeletions, .isrChanges, .logDirectoryEvents] {
                for _ in 1...2 {
                    let batch = ZooKeeperBatch(
                        id: 1, operations: [.createDirectory(directory)], controllerEpochVersion: 0)
                    #expect(await executor.execute(batch) == [.written(version: 0)])
                }
                let path = ZNodes.directory(directory)
                let made = try #require(try await store.read(path))
                #expect(made.data == nil)
                // It looks again when the directory goes as when something is put into it.
                let gone = ControllerExecutor.event(.watch(path: path, kind: .deleted))
                let changed = ControllerExecutor.event(.watch(path: path, kind: .childrenChanged))
                #expect(gone != nil)
                #expect("\(String(describing: gone))" == "\(String(describing: changed))")
            }
        }
    }

    @Test func manyWritesOfTheControllerTravelTogetherAndFailAlone() async throws {
        try await withStore { store, connection in
            try await store.ensurePaths()
            let registrar = BrokerRegistrar(store, id: 1, node: Self.node) { connection.identity?.id }
            let executor = ControllerExecutor(store, brokerID: 1, registrar: registrar) { 1_700_000_000_000 }
            func run(_ operations: [ClusterControl.ZooKeeperOperation], version: Int32 = 1) async -> [ZooKeeperAnswer] {
                await executor.execute(
                    ZooKeeperBatch(id: 1, operations: operations, controllerEpochVersion: version))
            }
            let partitions = (0..<Int32(3 * GatheredWrites.limit / 2)).map { TopicPartition("t", $0) }
            let state = PartitionState(leader: 1, leaderEpoch: 0, inSyncReplicas: [1], controllerEpoch: 1)
            _ = await run([.createControllerEpoch, .elect(epoch: 1, expectedVersion: 0)])
            try await store.createTopic(
                TopicAssignment(name: "t", id: KafkaUUID(high: 1, low: 2), partitions: [:]), configuration: [])
            // One of the nodes is there already, in the middle of a multi.
            _ = await run([.createPartitionsNode(topic: "t"), .createPartitionNode(partitions[5])])
            var answers = await run(partitions.map { .createPartitionNode($0) })
            #expect(answers.enumerated().filter { $0.element != .written(version: 0) }.map(\.offset) == [5])
            #expect(answers[5] == .failed(.nodeExists))

            answers = await run(partitions.map { .createPartitionState($0, state) })
            #expect(answers.allSatisfy { $0 == .written(version: 0) })
            func transaction(_ partition: TopicPartition) async throws -> Int64? {
                try await store.read(ZNodes.partitionState(partition))?.stat.modificationTransaction
            }
            #expect(try await transaction(partitions[0]) == transaction(partitions[1]))

            _ = await run([.writePartitionState(partitions[7], state, expectedVersion: 0)])
            answers = await run(partitions.map { .writePartitionState($0, state, expectedVersion: 0) })
            #expect(answers.enumerated().filter { $0.element != .written(version: 1) }.map(\.offset) == [7])
            #expect(answers[7] == .failed(.badVersion))

            // A zombie writes none of them.
            answers = await run(
                partitions.map { .writePartitionState($0, state, expectedVersion: 1) }, version: 9)
            #expect(answers.allSatisfy { $0 == .failed(.controllerMoved) })
            #expect(try await store.read(ZNodes.partitionState(partitions[0]))?.stat.version == 1)
        }
    }

    @Test func anEmptiedConfigurationGoesWithTheParentsItLeavesEmpty() async throws {
        try await withStore { store, _ in
            try await store.ensurePaths()
            func set(_ entity: String) async throws {
                try await store.writeConfiguration(
                    entity, [(key: "consumer_byte_rate", value: "1")], checksController: false, notifies: false)
            }
            func exists(_ entity: String) async throws -> Bool {
                try await store.read(ZNodes.configuration(entity)) != nil
            }
            _ = try await store.calls.create(
                ZNodes.controller, data: ZNodeCodec.encodeController(1, timestamp: 0), mode: .ephemeral)

            try await set("users/u/clients/a")
            try await set("users/u/clients/b")
            try await store.deleteConfiguration("users/u/clients/a")
            #expect(try await exists("users/u/clients/b"))
            try await store.deleteConfiguration("users/u/clients/b")
            #expect(try await !exists("users/u"))
            #expect(try await exists("users"))

            try await set("users/v")
            try await set("users/v/clients/a")
            try await store.deleteConfiguration("users/v/clients/a")
            #expect(try await !exists("users/v/clients"))
            #expect(try await store.configuration("users/v").count == 1)

            // A user with clients: emptied, and gone with the last client.
            try await set("users/v/clients/a")
            try await store.deleteConfiguration("users/v")
            #expect(try await store.configuration("users/v").isEmpty)
            #expect(try await exists("users/v/clients/a"))
            try await store.deleteConfiguration("users/v/clients/a")
            #expect(try await !exists("users/v"))

            try await store.deleteConfiguration("clients/never-configured")
            #expect(try await store.calls.getChildren(ZNodes.configurationChanges).names.count == 6)
        }
    }

    @Test func tenThousandPartitionStatesAreReadInOnePipeline() async throws {
        try await withStore { store, _ in
            try await store.ensurePaths()
            let partitions = (0..<10_000).map { TopicPartition("t", Int32($0)) }
            try await store.createRecursive(ZNodes.partitions("t"), data: nil)
            _ = await store.calls.submit(
                partitions.dropLast().flatMap { partition -> [ZooKeeperRequest] in
                    let state = PartitionState(
                        leader: 1, leaderEpoch: partition.partition, inSyncReplicas: [1, 2, 3], controllerEpoch: 1)
                    return [
                        .create(path: ZNodes.partition(partition), data: nil),
                        .create(
                            path: ZNodes.partitionState(partition), data: ZNodeCodec.encodePartitionState(state)),
                    ]
                })
            var states: [Result<PartitionState?, StoreError>] = []
            let time = await ContinuousClock().measure { states = await store.partitionStates(partitions) }
            for (partition, state) in zip(partitions, states.dropLast()) {
                #expect(try state.get()?.leaderEpoch == partition.partition)
            }
            #expect(try states.last?.get() == nil)
            // Far above what it takes even unoptimised, and far below what one round trip after the other would.
            #expect(time < .seconds(5))
            print("10,000 partition states read in \(time)")
        }
    }

    @Test func notificationsAreProcessedInOrderOnce() {
        var notifications = ChangeNotifications(directory: ZNodes.configurationChanges)
        let both = ["config_change_0000000000", "config_change_0000000001"]
        #expect(notifications.due([both[1], both[0], "other"]) == both)
        // Not before they were read.
        #expect(notifications.due(both) == both)
        notifications.took(both)
        #expect(notifications.due([both[1], "config_change_0000000002"]) == ["config_change_0000000002"])
        #expect(!ChangeNotifications.isOld(creationTime: 0, now: 900_000))
        #expect(ChangeNotifications.isOld(creationTime: 0, now: 900_001))
    }

    /// The session may end between the list of the entries and what they say.
    @Test func aNotificationThatCouldNotBeReadIsStillToCome() async throws {
        try await withStore { store, connection in
            try await store.ensurePaths()
            let path = "\(ZNodes.configurationChanges)/config_change_"
            let data = Array("{}".utf8)
            let entry = try await connection.create(path, data: data, mode: .persistentSequential).path
            let losing = LosingCalls(base: connection)
            var notifications = ChangeNotifications(directory: ZNodes.configurationChanges)
            let broken = ZooKeeperStore(losing)
            await #expect(throws: StoreError.zooKeeper(.sessionExpired, path: entry)) {
                try await broken.pendingNotifications(&notifications, now: 0)
            }
            let found = try await store.pendingNotifications(&notifications, now: 0)
            #expect(found.map(\.path) == [entry] && found.first?.data == data)
            #expect(try await store.pendingNotifications(&notifications, now: 0).isEmpty)
        }
    }

    /// Loses its session with each read of a node's data.
    private struct LosingCalls: ZooKeeperCalls {
        let base: ZooKeeperConnection

        func submit(_ requests: [ZooKeeperRequest]) async -> [ZooKeeperResult] {
            if let first = requests.first, case .getData = first {
                return requests.map { _ in .failure(.sessionExpired) }
            }
            return await base.submit(requests)
        }
    }

    @Test func malformedNodesAreErrorsThatNameThePath() {
        for text in ["", "{", "[]", "{\"version\":1}", "{\"isr\":[\"x\"],\"leader\":1,\"leader_epoch\":0}", "\u{0}"] {
            #expect(throws: ZNodeError.self) {
                try ZNodeCodec.decodePartitionState(TopicPartition("t", 0), Array(text.utf8), version: 0)
            }
        }
        #expect(throws: JSON.SyntaxError.self) { try JSON(Array(repeating: UInt8(ascii: "["), count: 100_000)) }
    }
}

/// Runs `body` with a store below a chroot of its own on the shared server.
func withStore(_ body: (ZooKeeperStore, ZooKeeperConnection) async throws -> Void) async throws {
    let server = try await SharedZooKeeper.server()
    let configuration = ZooKeeperConfiguration(
        connect: try ZooKeeperConnectString("\(server.connectString)/store/\(UInt64.random(in: 0 ... .max))"),
        sessionTimeout: .seconds(10), maxInFlightRequests: 100)
    try await ZooKeeperStore.createChroot(configuration)
    let connection = ZooKeeperConnection(configuration)
    try await connection.connect()
    do {
        try await body(ZooKeeperStore(connection), connection)
    } catch {
        await connection.close()
        throw error
    }
    await connection.close()
}
