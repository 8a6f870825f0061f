// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import ZooKeeperClient

// MARK: - Topics

extension ZooKeeperStore {
    /// Creates a topic as Kafka's CreateTopics does: first its configuration, always, then its node. Throws
    /// ``ZooKeeperError/nodeExists`` if there is such a topic.
    package func createTopic(
        _ topic: TopicAssignment, configuration: [(key: String, value: String)]
    ) async throws(StoreError) {
        let path = ZNodes.topic(topic.name)
        let found = try await request(path) { () async throws(ZooKeeperError) in try await calls.exists(path) }
        if found != nil { throw .zooKeeper(.nodeExists, path: path) }
        try await writeConfiguration(
            "topics/\(topic.name)", configuration, checksController: true, notifies: false)
        try await createRecursive(path, data: ZNodeCodec.encodeTopic(topic))
    }

    /// Replaces the assignment of a topic, as CreatePartitions does: at any version, not checked.
    package func writeTopic(_ topic: TopicAssignment) async throws(StoreError) {
        let path = ZNodes.topic(topic.name)
        try await request(path) { () async throws(ZooKeeperError) in
            _ = try await calls.setData(path, data: ZNodeCodec.encodeTopic(topic))
        }
    }

    /// One topic; nil if there is no such topic.
    package func topic(_ name: String) async throws(StoreError) -> TopicAssignment? {
        guard let node = try await read(ZNodes.topic(name)) else { return nil }
        return try decode { () throws(ZNodeError) in try ZNodeCodec.decodeTopic(name, node.data) }
    }

    /// The names of all topics.
    package func topicNames() async throws(StoreError) -> [String] {
        try await request(ZNodes.topics) { () async throws(ZooKeeperError) in
            try await calls.getChildren(ZNodes.topics).names
        }
    }

    /// Asks the controller to delete a topic; asking again changes nothing.
    package func requestTopicDeletion(_ name: String) async throws(StoreError) {
        do throws(StoreError) {
            try await createRecursive(ZNodes.topicDeletion(name), data: nil)
        } catch .zooKeeper(.nodeExists, _) {}
    }

    /// The states of many partitions, pipelined: a state, nil where there is none, or why it cannot be read.
    package func partitionStates(
        _ partitions: [TopicPartition]
    ) async -> [Result<PartitionState?, StoreError>] {
        let results = await calls.submit(partitions.map { .getData(path: ZNodes.partitionState($0)) })
        return zip(partitions, results).map { partition, result in
            switch result {
            case .success(.data(let data, let stat)):
                do throws(ZNodeError) {
                    return .success(
                        try ZNodeCodec.decodePartitionState(partition, data, version: stat.version))
                } catch {
                    return .failure(.malformed(error))
                }
            case .failure(.noNode): return .success(nil)
            case .failure(let error): return .failure(.zooKeeper(error, path: ZNodes.partitionState(partition)))
            case .success: return .failure(.zooKeeper(.marshallingError, path: ZNodes.partitionState(partition)))
            }
        }
    }

    /// A leader's own write of its in-sync set (inter-broker protocols below 2.7-IV2), at the version that the state
    /// names; answers the new version, or nil when another write came first. A reply lost after the write is noticed.
    package func writePartitionState(
        _ partition: TopicPartition, _ state: PartitionState
    ) async throws(StoreError) -> PartitionEpoch? {
        let path = ZNodes.partitionState(partition)
        do throws(ZooKeeperError) {
            let bytes = ZNodeCodec.encodePartitionState(state)
            return try await calls.setData(path, data: bytes, version: state.partitionEpoch).version
        } catch {
            guard error == .badVersion else { throw .zooKeeper(error, path: path) }
        }
        guard let node = try await read(path) else { return nil }
        var found = try decode { () throws(ZNodeError) in
            try ZNodeCodec.decodePartitionState(partition, node.data, version: node.stat.version)
        }
        found.partitionEpoch = state.partitionEpoch
        return found == state ? node.stat.version : nil
    }

    /// Tells the controller of changed in-sync sets (inter-broker protocols below 2.7-IV2).
    package func notifyIsrChanges(_ partitions: [TopicPartition]) async throws(StoreError) {
        let path = ZNodes.isrChanges + "/isr_change_"
        try await request(path) { () async throws(ZooKeeperError) in
            _ = try await calls.create(
                path, data: ZNodeCodec.encodePartitions(partitions), acl: acl(path), mode: .persistentSequential)
        }
    }

    /// Tells the controller that a log directory of the broker has failed.
    package func notifyLogDirectoryFailure(_ broker: BrokerID) async throws(StoreError) {
        let path = ZNodes.logDirectoryEvents + "/log_dir_event_"
        try await request(path) { () async throws(ZooKeeperError) in
            _ = try await calls.create(
                path, data: ZNodeCodec.encodeLogDirectoryEvent(broker), acl: acl(path), mode: .persistentSequential)
        }
    }

    /// Takes the next block of producer ids for the broker (inter-broker protocols below 3.0-IV0).
    package func allocateProducerIDs(_ broker: BrokerID) async throws(StoreError) -> ProducerIDBlock {
        let path = ZNodes.producerIDBlock
        while true {
            guard let node = try await read(path) else {
                try await ensure(path)
                continue
            }
            let last = try decode { () throws(ZNodeError) in try ZNodeCodec.decodeProducerIDBlock(node.data) }
            let (first, overflow) = (last?.last ?? -1).addingReportingOverflow(1)
            guard !overflow, first >= 0, first <= Int64.max - ProducerIDBlock.size else {
                throw .malformed(ZNodeError(path: path, reason: "the producer ids are used up"))
            }
            let block = ProducerIDBlock(broker: broker, first: first, last: first + ProducerIDBlock.size - 1)
            do throws(ZooKeeperError) {
                let bytes = ZNodeCodec.encodeProducerIDBlock(block)
                try await calls.setData(path, data: bytes, version: node.stat.version)
                return block
            } catch {
                // Someone else was first, or our own reply was lost: a block given up does no harm.
                guard error == .badVersion else { throw .zooKeeper(error, path: path) }
            }
        }
    }
}

// MARK: - Configurations

extension ZooKeeperStore {
    /// The configurations of many entities, pipelined; empty where there is none.
    package func configurations(
        _ entities: [String]
    ) async -> [Result<[(key: String, value: String)], StoreError>] {
        let paths = entities.map(ZNodes.configuration)
        return zip(paths, await calls.submit(paths.map { .getData(path: $0) })).map { path, result in
            switch result {
            case .success(.data(let data, _)):
                do throws(ZNodeError) {
                    return .success(try ZNodeCodec.decodeConfiguration(path, data))
                } catch {
                    return .failure(.malformed(error))
                }
            case .failure(.noNode): return .success([])
            case .failure(let error): return .failure(.zooKeeper(error, path: path))
            case .success: return .failure(.zooKeeper(.marshallingError, path: path))
            }
        }
    }

    /// The configuration of an entity such as `topics/t` or `brokers/<default>`; empty if there is none.
    package func configuration(_ entity: String) async throws(StoreError) -> [(key: String, value: String)] {
        let path = ZNodes.configuration(entity)
        guard let node = try await read(path) else { return [] }
        return try decode { () throws(ZNodeError) in try ZNodeCodec.decodeConfiguration(path, node.data) }
    }

    /// The entities that have a node below `/config/<type>`, sanitised as they are.
    package func configuredEntities(_ type: String) async throws(StoreError) -> [String] {
        let path = ZNodes.configuration(type)
        do throws(ZooKeeperError) {
            return try await calls.getChildren(path).names
        } catch {
            if error == .noNode { return [] }
            throw .zooKeeper(error, path: path)
        }
    }

    /// Replaces the configuration of an entity, the last writer wins, and tells all brokers unless told not to.
    ///
    /// With `checksController`, the write succeeds only while the controller stays the same one; throws
    /// ``StoreError/notController`` if there is none and ``StoreError/controllerIsKRaft`` during a migration.
    package func writeConfiguration(
        _ entity: String, _ entries: [(key: String, value: String)], checksController: Bool = true,
        notifies: Bool = true
    ) async throws(StoreError) {
        let path = ZNodes.configuration(entity)
        let data = ZNodeCodec.encodeConfiguration(entries)
        if !(try await setConfiguration(path, data, checksController)) {
            do throws(StoreError) {
                try await createRecursive(path, data: data)
            } catch .zooKeeper(.nodeExists, _) {
                guard try await setConfiguration(path, data, checksController) else {
                    throw .zooKeeper(.noNode, path: path)
                }
            }
        }
        if notifies { try await notifyConfigurationChange(entity) }
    }

    /// Empties the configuration of a user, client or address: deletes its node, and then what this leaves without
    /// children and configuration of `users/<u>/clients` and `users/<u>`. A user who has clients keeps the node, with an
    /// empty configuration.
    package func deleteConfiguration(_ entity: String, notifies: Bool = true) async throws(StoreError) {
        let path = ZNodes.configuration(entity)
        if try await deleteUnlessParent(path) {
            try await deleteEmptiedParents(entity)
        } else {
            _ = try await setConfiguration(path, ZNodeCodec.encodeConfiguration([]), true)
        }
        if notifies { try await notifyConfigurationChange(entity) }
    }

    private func deleteEmptiedParents(_ entity: String) async throws(StoreError) {
        let parts = entity.split(separator: "/")
        guard parts.count == 4, parts[0] == "users", parts[2] == "clients" else { return }
        let user = "users/\(parts[1])"
        guard try await deleteUnlessParent(ZNodes.configuration("\(user)/clients")),
            let node = try await read(ZNodes.configuration(user))
        else { return }
        let path = ZNodes.configuration(user)
        // What cannot be read is not ours to delete.
        guard let entries = try? ZNodeCodec.decodeConfiguration(path, node.data), entries.isEmpty else { return }
        _ = try await deleteUnlessParent(path, version: node.stat.version)
    }

    /// Deletes a node, if it is there and at that version; false when it has children or has changed.
    private func deleteUnlessParent(_ path: String, version: Int32 = -1) async throws(StoreError) -> Bool {
        do throws(ZooKeeperError) {
            try await calls.delete(path, version: version)
            return true
        } catch {
            switch error {
            case .noNode: return true
            case .notEmpty, .badVersion: return false
            default: throw .zooKeeper(error, path: path)
            }
        }
    }

    /// Tells all brokers to read the entity's configuration again.
    package func notifyConfigurationChange(_ entity: String) async throws(StoreError) {
        let path = ZNodes.configurationChanges + "/config_change_"
        try await request(path) { () async throws(ZooKeeperError) in
            _ = try await calls.create(
                path, data: ZNodeCodec.encodeConfigurationChange(entity), acl: acl(path), mode: .persistentSequential)
        }
    }

    /// Whether the node was there to be set.
    private func setConfiguration(
        _ path: String, _ data: [UInt8], _ checksController: Bool
    ) async throws(StoreError) -> Bool {
        guard checksController else {
            do throws(ZooKeeperError) {
                try await calls.setData(path, data: data)
                return true
            } catch {
                if error == .noNode { return false }
                throw .zooKeeper(error, path: path)
            }
        }
        guard let controller = try await read(ZNodes.controller) else { throw .notController }
        let kraft = try decode { () throws(ZNodeError) in
            try ZNodeCodec.decodeController(controller.data).kraftControllerEpoch
        }
        if kraft > 0 { throw .controllerIsKRaft }
        let outcome = try await request(path) { () async throws(ZooKeeperError) in
            try await calls.multi([
                .check(path: ZNodes.controller, version: controller.stat.version), .setData(path: path, data: data),
            ])
        }
        guard let failure = outcome.failure else { return true }
        if failure.index == 0 { throw .notController }
        if failure.error == .noNode { return false }
        throw .zooKeeper(failure.error, path: path)
    }
}
