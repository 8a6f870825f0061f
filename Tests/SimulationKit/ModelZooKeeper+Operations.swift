// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import ZooKeeperStore

/// What the controller asks, done on the model as the real driver does it on an ensemble.
extension ModelZooKeeper {
    package static func statePath(_ partition: TopicPartition) -> String {
        "/brokers/topics/\(partition.topic)/partitions/\(partition.partition)/state"
    }

    package mutating func perform(
        _ batch: ZooKeeperBatch, by session: Session, registration: RegisteredBroker
    ) -> [ZooKeeperAnswer] {
        batch.operations.map { operation in
            guard sessions.contains(session) else { return .failed(.sessionExpired) }
            return perform(
                operation, by: session, registration: registration, epochVersion: batch.controllerEpochVersion)
        }
    }

    package mutating func perform(
        _ operation: ZooKeeperOperation, by session: Session, registration: RegisteredBroker, epochVersion: Int32
    ) -> ZooKeeperAnswer {
        func checked(_ change: Change) -> [Change] { [.check("/controller_epoch", epochVersion), change] }
        switch operation {
        case .readController:
            watch("/controller", by: session)
            switch nodes["/controller"]?.content {
            case .controller(let id): return .controller(id, kraftControllerEpoch: -1)
            case nil: return .failed(.noNode)
            default: return malformed("/controller")
            }
        case .readControllerEpoch:
            guard let node = nodes["/controller_epoch"] else { return .failed(.noNode) }
            guard case .epoch(let epoch) = node.content else { return malformed("/controller_epoch") }
            return .controllerEpoch(epoch, version: node.version)
        case .createControllerEpoch: return write([.create("/controller_epoch", .epoch(0))], session)
        case .elect(let epoch, let expected):
            return write(
                [
                    .create("/controller", .controller(registration.id), ephemeral: true),
                    .set("/controller_epoch", .epoch(epoch), expected: expected),
                ], session)
        case .deleteController: return write(checked(.delete("/controller")), session)
        case .registerBroker: return register(registration, session)
        case .readFeatures:
            guard let node = nodes["/feature"] else { return .failed(.noNode) }
            guard case .features(let features) = node.content else { return malformed("/feature") }
            return .features(features, version: node.version)
        case .createFeatures(let features): return write([.create("/feature", .features(features))], session)
        case .writeFeatures(let features): return write([.set("/feature", .features(features))], session)
        case .awaitFeatures(let version): return .written(version: version)
        // What a broker remembers is not the ensemble's to say.
        case .recallPartitionStates: return .recalled([])
        case .readBrokers:
            watchChildren("/brokers/ids", by: session)
            return .brokers(children("/brokers/ids").compactMap { broker("/brokers/ids/\($0)") })
        case .readBroker(let id, let shouldWatch):
            if shouldWatch { watch("/brokers/ids/\(id)", by: session) }
            return .brokers([broker("/brokers/ids/\(id)")].compactMap { $0 })
        case .listTopics(let shouldWatch):
            if shouldWatch { watchChildren("/brokers/topics", by: session) }
            return .names(children("/brokers/topics"))
        case .readTopic(let name, let shouldWatch):
            let path = "/brokers/topics/\(name)"
            guard let node = nodes[path] else { return .failed(.noNode) }
            if shouldWatch { watch(path, by: session) }
            guard case .topic(let topic) = node.content else { return malformed(path) }
            return .topic(topic)
        case .writeTopic(let topic):
            return write(checked(.set("/brokers/topics/\(topic.name)", .topic(topic))), session)
        case .deleteTopic(let name): return deleteTree("/brokers/topics/\(name)", session, epochVersion)
        case .deleteTopicConfiguration(let name): return write(checked(.delete("/config/topics/\(name)")), session)
        case .readTopicConfiguration(let name):
            guard case .configuration(let values) = nodes["/config/topics/\(name)"]?.content else {
                return .configuration([:])
            }
            return .configuration(values)
        case .readPartitionState(let partition, let shouldWatch):
            let path = Self.statePath(partition)
            guard let node = nodes[path] else { return .failed(.noNode) }
            if shouldWatch { watch(path, by: session) }
            guard case .state(var state) = node.content else { return malformed(path) }
            state.partitionEpoch = node.version
            return .partitionState(state, writtenAt: node.mzxid)
        case .createPartitionsNode(let topic):
            return write(checked(.create("/brokers/topics/\(topic)/partitions", .null)), session)
        case .createPartitionNode(let partition):
            return write(checked(.create(Self.parent(Self.statePath(partition)), .null)), session)
        case .createPartitionState(let partition, let state):
            return write(checked(.create(Self.statePath(partition), .state(state.forZNode))), session)
        case .writePartitionState(let partition, let state, let expected):
            return write(
                checked(.set(Self.statePath(partition), .state(state.forZNode), expected: expected)), session)
        default: return performAdministration(operation, session, epochVersion)
        }
    }

    private mutating func performAdministration(
        _ operation: ZooKeeperOperation, _ session: Session, _ epochVersion: Int32
    ) -> ZooKeeperAnswer {
        func checked(_ change: Change) -> [Change] { [.check("/controller_epoch", epochVersion), change] }
        switch operation {
        case .listTopicDeletions: return list("/admin/delete_topics", session)
        case .createDirectory(let directory): return create(directory, session)
        case .deleteTopicDeletion(let name): return write(checked(.delete("/admin/delete_topics/\(name)")), session)
        case .listIsrChanges: return list("/isr_change_notification", session)
        case .readIsrChange(let name): return partitions("/isr_change_notification/\(name)")
        case .deleteIsrChange(let name):
            return write(checked(.delete("/isr_change_notification/\(name)")), session)
        case .listLogDirectoryEvents: return list("/log_dir_event_notification", session)
        case .readLogDirectoryEvent(let name):
            guard case .logDirectoryEvent(let id) = nodes["/log_dir_event_notification/\(name)"]?.content else {
                return .brokerIDs([])
            }
            return .brokerIDs([id])
        case .deleteLogDirectoryEvent(let name):
            return write(checked(.delete("/log_dir_event_notification/\(name)")), session)
        case .readReassignments:
            watch("/admin/reassign_partitions", by: session)
            switch nodes["/admin/reassign_partitions"]?.content {
            case .reassignments(let wishes): return .reassignments(wishes)
            case nil: return .failed(.noNode)
            default: return malformed("/admin/reassign_partitions")
            }
        case .writeReassignments(let wishes):
            let answer = write(checked(.set("/admin/reassign_partitions", .reassignments(wishes))), session)
            guard answer == .failed(.noNode) else { return answer }
            return write(checked(.create("/admin/reassign_partitions", .reassignments(wishes))), session)
        case .deleteReassignments: return write(checked(.delete("/admin/reassign_partitions")), session)
        case .readPreferredElections:
            watch("/admin/preferred_replica_election", by: session)
            switch nodes["/admin/preferred_replica_election"]?.content {
            case .partitions(let partitions): return .partitions(partitions)
            case nil: return .failed(.noNode)
            default: return malformed("/admin/preferred_replica_election")
            }
        case .deletePreferredElections: return write(checked(.delete("/admin/preferred_replica_election")), session)
        case .readProducerIDBlock:
            guard let node = nodes["/latest_producer_id_block"] else { return .failed(.noNode) }
            guard case .producerIDs(let block) = node.content else {
                return .producerIDBlock(nil, version: node.version)
            }
            return .producerIDBlock(block, version: node.version)
        case .writeProducerIDBlock(let block, let expected):
            return write([.set("/latest_producer_id_block", .producerIDs(block), expected: expected)], session)
        default: preconditionFailure("not modelled: \(operation)")
        }
    }

    // MARK: Parts

    private func malformed(_ path: String) -> ZooKeeperAnswer {
        .failed(.malformed(path: path, reason: "not what is expected"))
    }

    private func broker(_ path: String) -> RegisteredBroker? {
        guard let node = nodes[path], case .broker(var broker) = node.content else { return nil }
        broker.info.epoch = node.czxid
        return broker
    }

    private func partitions(_ path: String) -> ZooKeeperAnswer {
        guard case .partitions(let partitions) = nodes[path]?.content else { return .partitions([]) }
        return .partitions(partitions)
    }

    private mutating func create(_ directory: ZooKeeperDirectory, _ session: Session) -> ZooKeeperAnswer {
        let path = ZNodes.directory(directory)
        if Self.parent(path) != "", nodes[Self.parent(path)] == nil {
            _ = write([.create(Self.parent(path), .null)], session)
        }
        let answer = write([.create(path, .null)], session)
        return answer == .failed(.nodeExists) ? .written(version: 0) : answer
    }

    private mutating func list(_ path: String, _ session: Session) -> ZooKeeperAnswer {
        // Of a node that is not there nothing can be listed, nor watched in this way.
        guard nodes[path] != nil else { return .failed(.noNode) }
        watchChildren(path, by: session)
        return .names(children(path))
    }

    private mutating func write(_ changes: [Change], _ session: Session) -> ZooKeeperAnswer {
        do throws(Failure) {
            let versions = try commit(changes, by: session)
            if case .delete = changes[changes.count - 1] { return .deleted }
            return .written(version: versions[versions.count - 1])
        } catch {
            if case .check(let path, let expected) = changes[0], nodes[path]?.version != expected {
                return .failed(.controllerMoved)
            }
            switch error {
            case .noNode: return .failed(.noNode)
            case .nodeExists: return .failed(.nodeExists)
            case .badVersion: return .failed(.badVersion)
            case .noSession: return .failed(.sessionExpired)
            case .notEmpty: return .failed(.other(code: -111))
            }
        }
    }

    private mutating func deleteTree(_ path: String, _ session: Session, _ epochVersion: Int32) -> ZooKeeperAnswer {
        for child in children(path) {
            let answer = deleteTree("\(path)/\(child)", session, epochVersion)
            if case .failed(let failure) = answer, failure != .noNode { return answer }
        }
        return write([.check("/controller_epoch", epochVersion), .delete(path)], session)
    }

    /// Registers a broker as it does itself at start.
    package mutating func register(_ broker: RegisteredBroker, _ session: Session) -> ZooKeeperAnswer {
        let path = "/brokers/ids/\(broker.id)"
        if let node = nodes[path], let owner = node.owner {
            // A reply was lost, or another process has the id.
            return owner == session ? .registered(node.czxid) : .failed(.nodeExists)
        }
        let answer = write([.create(path, .null, ephemeral: true), .set(path, .broker(broker))], session)
        guard case .written = answer, let node = nodes[path] else { return answer }
        return .registered(node.czxid)
    }
}

extension PartitionState {
    /// Without what is not part of the JSON.
    package var forZNode: PartitionState {
        var copy = self
        copy.partitionEpoch = 0
        return copy
    }
}
