// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import ZooKeeperClient

/// Performs what the controller's machine asks of ZooKeeper, in order and pipelined, and says what watches mean to it.
package struct ControllerExecutor: Sendable {
    private let store: ZooKeeperStore
    private let brokerID: BrokerID
    private let registrar: BrokerRegistrar
    private let awaitFeatures: @Sendable (Int32) async -> Bool
    private let recall: @Sendable () -> [RecalledTopic]
    private let malformed: @Sendable (ZNodeError) -> Void
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - malformed: told of registrations that cannot be read. They count as absent, and the other brokers live on.
    ///   - awaitFeatures: waits until the broker itself has seen `/feature` at this data version; false when that takes
    ///     too long.
    ///   - recall: what the broker was told of partitions.
    package init(
        _ store: ZooKeeperStore, brokerID: BrokerID, registrar: BrokerRegistrar,
        malformed: @escaping @Sendable (ZNodeError) -> Void = { _ in },
        awaitFeatures: @escaping @Sendable (Int32) async -> Bool = { _ in true },
        recall: @escaping @Sendable () -> [RecalledTopic] = { [] },
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.store = store
        self.brokerID = brokerID
        self.registrar = registrar
        self.recall = recall
        self.malformed = malformed
        self.awaitFeatures = awaitFeatures
        self.now = now
    }

    /// One answer for each operation, in their order. Operations that are one request each travel together, many writes in
    /// few multis (``GatheredWrites``); those that are several wait for what is before them.
    package func execute(_ batch: ZooKeeperBatch) async -> [ZooKeeperAnswer] {
        var answers: [ZooKeeperAnswer] = []
        answers.reserveCapacity(batch.operations.count)
        var run: [(ZooKeeperOperation, ZooKeeperRequest)] = []
        for operation in batch.operations {
            if let request = request(operation, batch.controllerEpochVersion) {
                run.append((operation, request))
                continue
            }
            answers += await execute(run)
            run = []
            answers.append(await compound(operation, batch.controllerEpochVersion))
        }
        return answers + (await execute(run))
    }

    /// What a watch or a change of the session means to the controller; nil for what is not its matter.
    package static func event(_ event: ZooKeeperEvent) -> ControllerEvent? {
        switch event {
        case .expired, .authFailed: return .sessionExpired
        case .sessionReplaced: return .sessionEstablished
        case .connected, .disconnected, .closed: return nil
        case .watch(let path, let kind): return Self.event(path, kind)
        }
    }

    private static func event(_ path: String, _ kind: ZooKeeperEvent.WatchKind) -> ControllerEvent? {
        switch (path, kind) {
        case (ZNodes.controller, .deleted): return .controllerNodeDeleted
        case (ZNodes.controller, .created), (ZNodes.controller, .dataChanged): return .controllerNodeChanged
        case (ZNodes.brokerIDs, .childrenChanged): return .brokersChanged
        case (ZNodes.topics, .childrenChanged): return .topicsChanged
        // Also when the directory is gone: looking again makes it anew, and arms the watch.
        case (ZNodes.topicDeletions, .childrenChanged), (ZNodes.topicDeletions, .deleted):
            return .topicDeletionsRequested
        case (ZNodes.isrChanges, .childrenChanged), (ZNodes.isrChanges, .deleted): return .inSyncReplicasNotified
        case (ZNodes.logDirectoryEvents, .childrenChanged), (ZNodes.logDirectoryEvents, .deleted):
            return .logDirectoryNotified
        // Also when one goes that could not be read: looking again arms the watch for the next. Where one has gone and the next
        // has come while there was no connection, it is told as one that has changed.
        case (ZNodes.reassignments, .created), (ZNodes.reassignments, .deleted), (ZNodes.reassignments, .dataChanged):
            return .reassignmentNodeCreated
        case (ZNodes.preferredElections, .created), (ZNodes.preferredElections, .deleted),
            (ZNodes.preferredElections, .dataChanged):
            return .preferredElectionNodeCreated
        case (_, .dataChanged):
            if let partition = ZNodes.partition(ofState: path) { return .partitionStateChanged(partition) }
            let parts = path.split(separator: "/")
            guard parts.count == 3, parts[0] == "brokers" else { return nil }
            if parts[1] == "topics" { return .topicModified(String(parts[2])) }
            if parts[1] == "ids" { return BrokerID(parts[2]).map { .brokerModified($0) } }
            return nil
        default: return nil
        }
    }
}

// MARK: - Operations that are one request

extension ControllerExecutor {
    private func execute(_ run: [(ZooKeeperOperation, ZooKeeperRequest)]) async -> [ZooKeeperAnswer] {
        if run.isEmpty { return [] }
        let gathered = GatheredWrites(run.map(\.1))
        var (results, again) = gathered.spread(await store.calls.submit(gathered.requests))
        for (position, result) in zip(again, await store.calls.submit(again.map { run[$0].1 })) {
            results[position] = result
        }
        return zip(run, results).map { answer($0.0, $1) }
    }

    /// The request that the operation is; nil if it takes several.
    private func request(_ operation: ZooKeeperOperation, _ epochVersion: Int32) -> ZooKeeperRequest? {
        func checked(_ operation: ZooKeeperMultiOperation) -> ZooKeeperRequest {
            .multi([.check(path: ZNodes.controllerEpoch, version: epochVersion), operation])
        }
        func create(_ path: String, _ data: [UInt8]?) -> ZooKeeperMultiOperation {
            .create(path: path, data: data, acl: store.acl(path))
        }
        switch operation {
        case .readController, .registerBroker, .awaitFeatures, .readBrokers, .deleteTopic, .recallPartitionStates,
            .readReassignments, .writeReassignments, .readPreferredElections, .createDirectory:
            return nil
        case .readControllerEpoch: return .getData(path: ZNodes.controllerEpoch)
        case .createControllerEpoch:
            return .create(
                path: ZNodes.controllerEpoch, data: ZNodeCodec.encodeControllerEpoch(0),
                acl: store.acl(ZNodes.controllerEpoch))
        case .elect(let epoch, let version):
            return .multi([
                .create(
                    path: ZNodes.controller, data: ZNodeCodec.encodeController(brokerID, timestamp: now()),
                    acl: store.acl(ZNodes.controller), mode: .ephemeral),
                .setData(
                    path: ZNodes.controllerEpoch, data: ZNodeCodec.encodeControllerEpoch(epoch), version: version),
            ])
        case .deleteController: return checked(.delete(path: ZNodes.controller))
        case .readFeatures: return .getData(path: ZNodes.feature)
        case .createFeatures(let node):
            return .create(
                path: ZNodes.feature, data: ZNodeCodec.encodeFeature(node), acl: store.acl(ZNodes.feature))
        case .writeFeatures(let node):
            return .setData(path: ZNodes.feature, data: ZNodeCodec.encodeFeature(node))
        case .readBroker(let id, let watch): return .getData(path: ZNodes.broker(id), watch: watch)
        case .listTopics(let watch): return .getChildren(path: ZNodes.topics, watch: watch)
        case .readTopic(let name, let watch): return .getData(path: ZNodes.topic(name), watch: watch)
        case .writeTopic(let topic):
            return checked(.setData(path: ZNodes.topic(topic.name), data: ZNodeCodec.encodeTopic(topic)))
        case .deleteTopicConfiguration(let name): return checked(.delete(path: ZNodes.topicConfiguration(name)))
        case .readTopicConfiguration(let name): return .getData(path: ZNodes.topicConfiguration(name))
        case .readPartitionState(let partition, let watch):
            return .getData(path: ZNodes.partitionState(partition), watch: watch)
        case .createPartitionsNode(let topic): return checked(create(ZNodes.partitions(topic), nil))
        case .createPartitionNode(let partition): return checked(create(ZNodes.partition(partition), nil))
        case .createPartitionState(let partition, let state):
            return checked(create(ZNodes.partitionState(partition), ZNodeCodec.encodePartitionState(state)))
        case .writePartitionState(let partition, let state, let version):
            return checked(
                .setData(
                    path: ZNodes.partitionState(partition), data: ZNodeCodec.encodePartitionState(state),
                    version: version))
        case .listTopicDeletions: return .getChildren(path: ZNodes.topicDeletions, watch: true)
        case .deleteTopicDeletion(let name): return checked(.delete(path: ZNodes.topicDeletion(name)))
        case .listIsrChanges: return .getChildren(path: ZNodes.isrChanges, watch: true)
        case .readIsrChange(let name): return .getData(path: "\(ZNodes.isrChanges)/\(name)")
        case .deleteIsrChange(let name): return checked(.delete(path: "\(ZNodes.isrChanges)/\(name)"))
        case .listLogDirectoryEvents: return .getChildren(path: ZNodes.logDirectoryEvents, watch: true)
        case .readLogDirectoryEvent(let name): return .getData(path: "\(ZNodes.logDirectoryEvents)/\(name)")
        case .deleteLogDirectoryEvent(let name):
            return checked(.delete(path: "\(ZNodes.logDirectoryEvents)/\(name)"))
        case .deleteReassignments: return checked(.delete(path: ZNodes.reassignments))
        case .deletePreferredElections: return checked(.delete(path: ZNodes.preferredElections))
        case .readProducerIDBlock: return .getData(path: ZNodes.producerIDBlock)
        case .writeProducerIDBlock(let block, let version):
            return .setData(
                path: ZNodes.producerIDBlock, data: ZNodeCodec.encodeProducerIDBlock(block), version: version)
        }
    }

    private func answer(_ operation: ZooKeeperOperation, _ result: ZooKeeperResult) -> ZooKeeperAnswer {
        switch result {
        case .failure(let error):
            if error == .noNode, let absent = whenAbsent(operation) { return absent }
            return .failed(ZooKeeperFailure(error))
        case .success(.created): return .written(version: 0)
        case .success(.stat(let stat)): return .written(version: stat.version)
        case .success(.children(let names, _)): return .names(names.sorted())
        case .success(.data(let data, let stat)):
            do throws(ZNodeError) {
                return try decode(operation, data, stat)
            } catch {
                return .failed(.malformed(path: error.path, reason: error.reason))
            }
        case .success(.multi(let outcome)): return answer(operation, outcome)
        case .success(.done), .success(.acl): return .deleted
        }
    }

    private func answer(_ operation: ZooKeeperOperation, _ outcome: ZooKeeperMultiOutcome) -> ZooKeeperAnswer {
        if let failure = outcome.failure {
            if case .elect = operation { return .failed(ZooKeeperFailure(failure.error)) }
            if failure.index == 0 { return .failed(.controllerMoved) }
            if failure.error == .noNode, let absent = whenAbsent(operation) { return absent }
            return .failed(ZooKeeperFailure(failure.error))
        }
        if let stat = outcome.stat(at: 1) { return .written(version: stat.version) }
        if case .success(.created) = outcome.results.last { return .written(version: 0) }
        return .deleted
    }

    /// The answer when the node is not there, where that is not a failure.
    private func whenAbsent(_ operation: ZooKeeperOperation) -> ZooKeeperAnswer? {
        switch operation {
        case .readBroker: .brokers([])
        case .readTopicConfiguration: .configuration([:])
        case .deleteController, .deleteTopicConfiguration, .deleteTopicDeletion, .deleteIsrChange,
            .deleteLogDirectoryEvent, .deleteReassignments, .deletePreferredElections:
            .deleted
        default: nil
        }
    }

    private func decode(
        _ operation: ZooKeeperOperation, _ data: [UInt8]?, _ stat: ZNodeStat
    ) throws(ZNodeError) -> ZooKeeperAnswer {
        switch operation {
        case .readControllerEpoch:
            return .controllerEpoch(try ZNodeCodec.decodeControllerEpoch(data), version: stat.version)
        case .readFeatures: return .features(try ZNodeCodec.decodeFeature(data), version: stat.version)
        case .readBroker(let id, _):
            return .brokers([
                try BrokerRegistrationNode(id, data).registered(id, epoch: stat.creationTransaction)
            ])
        case .readTopic(let name, _): return .topic(try ZNodeCodec.decodeTopic(name, data))
        case .readTopicConfiguration(let name):
            let entries = try ZNodeCodec.decodeConfiguration(ZNodes.topicConfiguration(name), data)
            return .configuration(Dictionary(entries.map { ($0.key, $0.value) }) { $1 })
        case .readPartitionState(let partition, _):
            return .partitionState(
                try ZNodeCodec.decodePartitionState(partition, data, version: stat.version),
                writtenAt: stat.modificationTransaction)
        case .readIsrChange(let name):
            return .partitions(try ZNodeCodec.decodePartitions("\(ZNodes.isrChanges)/\(name)", data))
        case .readLogDirectoryEvent(let name):
            return .brokerIDs([
                try ZNodeCodec.decodeLogDirectoryEvent("\(ZNodes.logDirectoryEvents)/\(name)", data)
            ])
        case .readProducerIDBlock:
            return .producerIDBlock(try ZNodeCodec.decodeProducerIDBlock(data), version: stat.version)
        default: return .failed(.other(code: -5))
        }
    }
}

// MARK: - Operations that are several requests

extension ControllerExecutor {
    private func compound(_ operation: ZooKeeperOperation, _ epochVersion: Int32) async -> ZooKeeperAnswer {
        do throws(StoreError) {
            switch operation {
            case .readController: return try await readController()
            case .registerBroker: return .registered(try await registrar.register())
            case .awaitFeatures(let version):
                return await awaitFeatures(version) ? .written(version: version) : .failed(.other(code: -7))
            case .createDirectory(let directory):
                try await store.ensure(ZNodes.directory(directory))
                return .written(version: 0)
            case .recallPartitionStates: return .recalled(recall())
            case .readBrokers: return .brokers(try await store.brokers(watch: true, malformed: malformed))
            case .deleteTopic(let name):
                return await deleteRecursive(ZNodes.topic(name), epochVersion)
            case .readReassignments:
                guard let node = try await readWatchingCreation(ZNodes.reassignments) else { return .failed(.noNode) }
                return .reassignments(
                    try store.decode { () throws(ZNodeError) in try ZNodeCodec.decodeReassignments(node.data) })
            case .readPreferredElections:
                guard let node = try await readWatchingCreation(ZNodes.preferredElections) else {
                    return .failed(.noNode)
                }
                return .partitions(
                    try store.decode { () throws(ZNodeError) in
                        try ZNodeCodec.decodePartitions(ZNodes.preferredElections, node.data)
                    })
            case .writeReassignments(let targets): return await writeReassignments(targets, epochVersion)
            default: return .failed(.other(code: -6))
            }
        } catch {
            return .failed(ZooKeeperFailure(error))
        }
    }

    private func readController() async throws(StoreError) -> ZooKeeperAnswer {
        let results = await store.calls.submit([
            .exists(path: ZNodes.controller, watch: true), .getData(path: ZNodes.controller, watch: true),
        ])
        switch results.last {
        case .success(.data(let data, _)):
            let node = try store.decode { () throws(ZNodeError) in try ZNodeCodec.decodeController(data) }
            return .controller(node.broker, kraftControllerEpoch: node.kraftControllerEpoch)
        case .failure(let error): return .failed(ZooKeeperFailure(error))
        default: return .failed(.other(code: -5))
        }
    }

    /// Nil where there is no such node, which is not the same as one without data.
    private func readWatchingCreation(_ path: String) async throws(StoreError) -> (data: [UInt8]?, stat: ZNodeStat)? {
        let results = await store.calls.submit([.exists(path: path, watch: true), .getData(path: path)])
        switch results.last {
        case .success(.data(let data, let stat)): return (data, stat)
        case .failure(.noNode): return nil
        case .failure(let error): throw .zooKeeper(error, path: path)
        default: throw .zooKeeper(.marshallingError, path: path)
        }
    }

    private func writeReassignments(
        _ targets: [TopicPartition: [BrokerID]], _ epochVersion: Int32
    ) async -> ZooKeeperAnswer {
        let path = ZNodes.reassignments
        let data = ZNodeCodec.encodeReassignments(targets)
        let check = ZooKeeperMultiOperation.check(path: ZNodes.controllerEpoch, version: epochVersion)
        for write in [
            ZooKeeperMultiOperation.setData(path: path, data: data),
            .create(path: path, data: data, acl: store.acl(path)),
        ] {
            let result = await store.calls.submit([.multi([check, write])]).first ?? .failure(.marshallingError)
            if case .success(.multi(let outcome)) = result, let failure = outcome.failure, failure.index == 1,
                failure.error == .noNode
            {
                continue
            }
            return answer(.writeReassignments(targets), result)
        }
        return .failed(.noNode)
    }

    /// Deletes a node and all below it, each delete checked, in Kafka's order: the children of a node by name, each with
    /// all that is below it, then the node. What is absent does not matter. The tree is read level by level, and the
    /// deletes travel together.
    private func deleteRecursive(_ root: String, _ epochVersion: Int32) async -> ZooKeeperAnswer {
        var children: [String: [String]] = [:]
        var level = [root]
        while !level.isEmpty {
            var next: [String] = []
            for (parent, result) in zip(level, await store.calls.submit(level.map { .getChildren(path: $0) })) {
                switch result {
                case .success(.children(let names, _)):
                    let paths = names.sorted().map { "\(parent)/\($0)" }
                    children[parent] = paths
                    next += paths
                case .failure(.noNode), .success: continue
                case .failure(let error): return .failed(ZooKeeperFailure(error))
                }
            }
            level = next
        }
        var paths: [String] = []
        func visit(_ path: String) {
            for child in children[path] ?? [] { visit(child) }
            paths.append(path)
        }
        visit(root)
        let check = ZooKeeperMultiOperation.check(path: ZNodes.controllerEpoch, version: epochVersion)
        for result in await store.calls.submit(paths.map { .multi([check, .delete(path: $0)]) }) {
            switch result {
            case .failure(let error): return .failed(ZooKeeperFailure(error))
            case .success(.multi(let outcome)):
                guard let failure = outcome.failure else { continue }
                if failure.index == 0 { return .failed(.controllerMoved) }
                if failure.error != .noNode { return .failed(ZooKeeperFailure(failure.error)) }
            case .success: continue
            }
        }
        return .deleted
    }
}

extension ZooKeeperFailure {
    init(_ error: ZooKeeperError) {
        switch error {
        case .noNode: self = .noNode
        case .nodeExists: self = .nodeExists
        case .badVersion: self = .badVersion
        case .sessionExpired, .closing: self = .sessionExpired
        default: self = .other(code: error.code ?? -1)
        }
    }

    init(_ error: StoreError) {
        switch error {
        case .zooKeeper(let error, _): self.init(error)
        case .malformed(let error): self = .malformed(path: error.path, reason: error.reason)
        case .brokerIDInUse: self = .nodeExists
        case .endpointInUse: self = .nodeExists
        case .notController, .controllerIsKRaft: self = .controllerMoved
        }
    }
}
