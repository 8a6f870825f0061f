// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel

/// What lies at each path, read and written as Kafka 3.9 does. Keys are written in the order in which its maps hand
/// them out; readers accept any order and ignore keys they do not know.
package enum ZNodeCodec {}

/// Reads the keys of one node, with errors that name its path.
struct NodeReader {
    let path: String
    let json: JSON

    init(_ path: String, _ data: [UInt8]?) throws(ZNodeError) {
        self.path = path
        guard let data else { throw ZNodeError(path: path, reason: "no data") }
        do throws(JSON.SyntaxError) {
            json = try JSON(data)
        } catch {
            throw ZNodeError(path: path, reason: "not JSON at byte \(error.offset): \(error.reason)")
        }
        guard json.members != nil else { throw ZNodeError(path: path, reason: "not a JSON object") }
    }

    func error(_ reason: String) -> ZNodeError { ZNodeError(path: path, reason: reason) }

    func int32(_ key: String) throws(ZNodeError) -> Int32 {
        guard let value = json[key]?.int32 else { throw error("\(key) is not a 32-bit integer") }
        return value
    }

    func string(_ key: String) throws(ZNodeError) -> String {
        guard let value = json[key]?.string else { throw error("\(key) is not a string") }
        return value
    }

    func members(_ key: String) throws(ZNodeError) -> [JSON.Member] {
        guard let value = json[key]?.members else { throw error("\(key) is not an object") }
        return value
    }

    func array(_ key: String) throws(ZNodeError) -> [JSON] {
        guard let value = json[key]?.array else { throw error("\(key) is not an array") }
        return value
    }

    func brokers(_ value: JSON?, _ key: String) throws(ZNodeError) -> [BrokerID] {
        guard let elements = value?.array else { throw error("\(key) is not an array") }
        var ids: [BrokerID] = []
        ids.reserveCapacity(elements.count)
        for element in elements {
            guard let id = element.int32 else { throw error("\(key) has an entry that is not a broker id") }
            ids.append(id)
        }
        return ids
    }

    /// The replicas of a partition. One that is named twice would count twice towards `min.insync.replicas`.
    func replicas(_ value: JSON?, _ key: String) throws(ZNodeError) -> [BrokerID] {
        let ids = try brokers(value, key)
        guard ids.allSatisfy({ $0 >= 0 }) else { throw error("\(key) has a negative broker id") }
        guard Set(ids).count == ids.count else { throw error("\(key) names a broker twice") }
        return ids
    }
}

// MARK: - Cluster and controller

extension ZNodeCodec {
    package static func encodeClusterID(_ id: String) -> [UInt8] {
        JSON.object(["version": .string("1"), "id": .string(id)]).bytes
    }

    package static func decodeClusterID(_ data: [UInt8]?) throws(ZNodeError) -> String {
        try NodeReader(ZNodes.clusterID, data).string("id")
    }

    package static func encodeController(
        _ broker: BrokerID, timestamp: Timestamp, kraftControllerEpoch: Int32 = -1
    ) -> [UInt8] {
        JSON.object([
            "version": .integer(2), "brokerid": .integer(Int64(broker)), "timestamp": .string(String(timestamp)),
            "kraftControllerEpoch": .integer(Int64(kraftControllerEpoch)),
        ]).bytes
    }

    package static func decodeController(
        _ data: [UInt8]?
    ) throws(ZNodeError) -> (broker: BrokerID, kraftControllerEpoch: Int32, timestamp: Timestamp) {
        let reader = try NodeReader(ZNodes.controller, data)
        return (
            try reader.int32("brokerid"), reader.json["kraftControllerEpoch"]?.int32 ?? -1,
            reader.json["timestamp"]?.integerOrText ?? -1
        )
    }

    package static func encodeControllerEpoch(_ epoch: ControllerEpoch) -> [UInt8] { Array(String(epoch).utf8) }

    package static func decodeControllerEpoch(_ data: [UInt8]?) throws(ZNodeError) -> ControllerEpoch {
        guard let data, let epoch = Int32(String(decoding: data, as: UTF8.self)) else {
            throw ZNodeError(path: ZNodes.controllerEpoch, reason: "not a 32-bit integer")
        }
        return epoch
    }

    package static func encodeFeature(_ node: FeatureNode) -> [UInt8] {
        let features = node.features.sorted { $0.key < $1.key }.map { name, range in
            var levels: [JSON.Member] = []
            if node.version < 2 {
                levels.append(.init(key: "min_version_level", value: .integer(Int64(range.minimum))))
            }
            levels.append(.init(key: "max_version_level", value: .integer(Int64(range.maximum))))
            return JSON.Member(key: name, value: .object(levels))
        }
        return JSON.object([
            "features": .object(features), "status": .integer(Int64(node.status.rawValue)),
            "version": .integer(Int64(node.version)),
        ]).bytes
    }

    package static func decodeFeature(_ data: [UInt8]?) throws(ZNodeError) -> FeatureNode {
        let reader = try NodeReader(ZNodes.feature, data)
        guard let status = FeatureNode.Status(rawValue: try reader.int32("status")) else {
            throw reader.error("status is neither 0 nor 1")
        }
        var node = FeatureNode(version: try reader.int32("version"), status: status)
        for member in try reader.members("features") {
            let minimum = member.value["min_version_level"]?.integer ?? 1
            guard let maximum = member.value["max_version_level"]?.integer, let low = Int16(exactly: minimum),
                let high = Int16(exactly: maximum)
            else { throw reader.error("\(member.key) has no levels") }
            node.features[member.key] = .init(minimum: low, maximum: high)
        }
        return node
    }

    package static func encodeProducerIDBlock(_ block: ProducerIDBlock) -> [UInt8] {
        JSON.object([
            "version": .integer(1), "broker": .integer(Int64(block.broker)),
            "block_start": .string(String(block.first)), "block_end": .string(String(block.last)),
        ]).bytes
    }

    /// Nil for null data: no block was given away yet.
    package static func decodeProducerIDBlock(_ data: [UInt8]?) throws(ZNodeError) -> ProducerIDBlock? {
        guard data != nil else { return nil }
        let reader = try NodeReader(ZNodes.producerIDBlock, data)
        guard let first = reader.json["block_start"]?.integerOrText, let last = reader.json["block_end"]?.integerOrText
        else { throw reader.error("block_start or block_end is not a number") }
        return ProducerIDBlock(broker: try reader.int32("broker"), first: first, last: last)
    }
}

// MARK: - Topics and partitions

extension ZNodeCodec {
    package static func encodeTopic(_ topic: TopicAssignment) -> [UInt8] {
        let partitions = topic.partitions.sorted { $0.key < $1.key }
        func map(_ replicas: (PartitionAssignment) -> [BrokerID], always: Bool = false) -> JSON {
            .object(
                partitions.compactMap { number, assignment in
                    let ids = replicas(assignment)
                    if ids.isEmpty && !always { return nil }
                    return .init(key: String(number), value: .array(ids.map { .integer(Int64($0)) }))
                })
        }
        var members: [JSON.Member] = [
            .init(key: "removing_replicas", value: map { $0.removing }),
            .init(key: "partitions", value: map({ $0.replicas }, always: true)),
        ]
        if let id = topic.id { members.append(.init(key: "topic_id", value: .string(id.description))) }
        members.append(.init(key: "adding_replicas", value: map { $0.adding }))
        members.append(.init(key: "version", value: .integer(3)))
        return JSON.object(members).bytes
    }

    package static func decodeTopic(_ name: String, _ data: [UInt8]?) throws(ZNodeError) -> TopicAssignment {
        let reader = try NodeReader(ZNodes.topic(name), data)
        var topic = TopicAssignment(name: name, id: nil, partitions: [:])
        if let text = reader.json["topic_id"], text != .null {
            guard let id = text.string.flatMap(KafkaUUID.init) else { throw reader.error("topic_id is not a UUID") }
            topic.id = id
        }
        func map(_ key: String) throws(ZNodeError) -> [Int32: [BrokerID]] {
            var map: [Int32: [BrokerID]] = [:]
            for member in reader.json[key]?.members ?? [] {
                guard let number = Int32(member.key), number >= 0 else {
                    throw reader.error("\(key) has a key that is not a partition")
                }
                map[number] = try reader.replicas(member.value, "\(key).\(number)")
            }
            return map
        }
        _ = try reader.members("partitions")
        let adding = try map("adding_replicas")
        let removing = try map("removing_replicas")
        for (number, replicas) in try map("partitions") {
            topic.partitions[number] = PartitionAssignment(
                replicas, adding: adding[number] ?? [], removing: removing[number] ?? [])
        }
        return topic
    }

    package static func encodePartitionState(_ state: PartitionState) -> [UInt8] {
        var members: [JSON.Member] = [
            .init(key: "controller_epoch", value: .integer(Int64(state.controllerEpoch))),
            .init(key: "leader", value: .integer(Int64(state.leader))),
            .init(key: "version", value: .integer(1)),
        ]
        if state.recoveryState == .recovering {
            members.append(.init(key: "leader_recovery_state", value: .integer(1)))
        }
        members.append(.init(key: "leader_epoch", value: .integer(Int64(state.leaderEpoch))))
        members.append(.init(key: "isr", value: .array(state.inSyncReplicas.map { .integer(Int64($0)) })))
        return JSON.object(members).bytes
    }

    /// `version` is the node's data version.
    package static func decodePartitionState(
        _ partition: TopicPartition, _ data: [UInt8]?, version: Int32
    ) throws(ZNodeError) -> PartitionState {
        let reader = try NodeReader(ZNodes.partitionState(partition), data)
        var recovery = LeaderRecoveryState.recovered
        if let value = reader.json["leader_recovery_state"]?.int32 {
            guard let state = Int8(exactly: value).flatMap(LeaderRecoveryState.init) else {
                throw reader.error("leader_recovery_state is neither 0 nor 1")
            }
            recovery = state
        }
        return PartitionState(
            leader: try reader.int32("leader"), leaderEpoch: try reader.int32("leader_epoch"),
            inSyncReplicas: try reader.brokers(reader.json["isr"], "isr"), recoveryState: recovery,
            controllerEpoch: try reader.int32("controller_epoch"), partitionEpoch: version)
    }

    /// The JSON of `/isr_change_notification/…` and `/admin/preferred_replica_election`.
    package static func encodePartitions(_ partitions: [TopicPartition]) -> [UInt8] {
        let list = partitions.map {
            JSON.object(["topic": .string($0.topic), "partition": .integer(Int64($0.partition))])
        }
        return JSON.object(["version": .integer(1), "partitions": .array(list)]).bytes
    }

    package static func decodePartitions(_ path: String, _ data: [UInt8]?) throws(ZNodeError) -> [TopicPartition] {
        let reader = try NodeReader(path, data)
        var partitions: [TopicPartition] = []
        for entry in try reader.array("partitions") {
            guard let topic = entry["topic"]?.string, let number = entry["partition"]?.int32 else {
                throw reader.error("an entry has no topic and partition")
            }
            partitions.append(TopicPartition(topic, number))
        }
        return partitions
    }

    package static func encodeReassignments(_ targets: [TopicPartition: [BrokerID]]) -> [UInt8] {
        let list = targets.sorted { $0.key < $1.key }.map { partition, replicas in
            JSON.object([
                "topic": .string(partition.topic), "partition": .integer(Int64(partition.partition)),
                "replicas": .array(replicas.map { .integer(Int64($0)) }),
            ])
        }
        return JSON.object(["version": .integer(1), "partitions": .array(list)]).bytes
    }

    package static func decodeReassignments(
        _ data: [UInt8]?
    ) throws(ZNodeError) -> [TopicPartition: [BrokerID]] {
        let reader = try NodeReader(ZNodes.reassignments, data)
        var targets: [TopicPartition: [BrokerID]] = [:]
        for entry in try reader.array("partitions") {
            guard let topic = entry["topic"]?.string, let number = entry["partition"]?.int32 else {
                throw reader.error("an entry has no topic and partition")
            }
            targets[TopicPartition(topic, number)] = try reader.brokers(entry["replicas"], "replicas")
        }
        return targets
    }

    /// `event` 1 is the failure of a log directory.
    package static func encodeLogDirectoryEvent(_ broker: BrokerID) -> [UInt8] {
        JSON.object(["version": .integer(1), "broker": .integer(Int64(broker)), "event": .integer(1)]).bytes
    }

    package static func decodeLogDirectoryEvent(_ path: String, _ data: [UInt8]?) throws(ZNodeError) -> BrokerID {
        try NodeReader(path, data).int32("broker")
    }
}

// MARK: - Configuration

extension ZNodeCodec {
    /// `path` says whose. Keys are written in the order of the array.
    package static func encodeConfiguration(_ entries: [(key: String, value: String)]) -> [UInt8] {
        JSON.object([
            "version": .integer(1),
            "config": .object(entries.map { .init(key: $0.key, value: .string($0.value)) }),
        ]).bytes
    }

    /// Null data, as of a node made as a parent, is an empty configuration.
    package static func decodeConfiguration(
        _ path: String, _ data: [UInt8]?
    ) throws(ZNodeError) -> [(key: String, value: String)] {
        guard data != nil else { return [] }
        let reader = try NodeReader(path, data)
        guard try reader.int32("version") == 1 else { throw reader.error("version is not 1") }
        var entries: [(key: String, value: String)] = []
        for member in try reader.members("config") {
            guard let value = member.value.string else { throw reader.error("\(member.key) is not a string") }
            entries.append((member.key, value))
        }
        return entries
    }

    /// `entity` as in ``ZNodes/configuration(_:)``.
    package static func encodeConfigurationChange(_ entity: String) -> [UInt8] {
        JSON.object(["version": .integer(2), "entity_path": .string(entity)]).bytes
    }

    /// The entity, also of a version 1 notification.
    package static func decodeConfigurationChange(_ path: String, _ data: [UInt8]?) throws(ZNodeError) -> String {
        let reader = try NodeReader(path, data)
        switch try reader.int32("version") {
        case 1:
            let type = try reader.string("entity_type")
            guard type == "topics" || type == "clients" else { throw reader.error("unknown entity_type") }
            return "\(type)/\(try reader.string("entity_name"))"
        case 2: return try reader.string("entity_path")
        default: throw reader.error("version is neither 1 nor 2")
        }
    }
}
