// SPDX-License-Identifier: Apache-2.0

import Foundation
import KafkaModel
import ZooKeeperStore

/// One node of a recorded tree.
struct TreeNode: Hashable {
    var data: [UInt8]?
    var version: Int32 = 0
    var creation: Int64 = 0
    var lastTransaction: Int64 = 0
    /// The session of an ephemeral node; 0 for others.
    var owner: Int64 = 0
    var nextSequence: Int32 = 0

    init() {}

    init(_ json: [String: Any]) {
        if let base64 = json["data_base64"] as? String {
            data = Data(base64Encoded: base64).map { Array($0) }
        } else {
            data = (json["data"] as? String).map { Array($0.utf8) }
        }
        version = (json["version"] as? NSNumber)?.int32Value ?? 0
        creation = (json["czxid"] as? NSNumber)?.int64Value ?? 0
        lastTransaction = max(creation, (json["mzxid"] as? NSNumber)?.int64Value ?? 0)
        // Whose it is, the writes tell.
        owner = (json["ephemeral"] as? NSNumber)?.boolValue == true ? -1 : 0
        nextSequence = (json["cversion"] as? NSNumber)?.int32Value ?? 0
    }
}

/// Nodes by path, and how recorded writes change them.
struct Tree {
    var nodes: [String: TreeNode]
    private(set) var names: [String: Set<String>] = [:]

    init(_ nodes: [String: TreeNode]) {
        self.nodes = nodes
        for path in nodes.keys where path != "/" { names[Self.parent(path), default: []].insert(path) }
    }

    func children(_ path: String) -> [String] {
        (names[path] ?? []).map { String($0[$0.index(after: $0.lastIndex(of: "/") ?? $0.startIndex)...]) }.sorted()
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    mutating func create(_ path: String, _ node: TreeNode) {
        nodes[path] = node
        names[Self.parent(path), default: []].insert(path)
    }

    mutating func remove(_ path: String) {
        nodes[path] = nil
        names[Self.parent(path)]?.remove(path)
    }

    /// Ephemeral nodes belong to who created them, in the transaction that they name.
    mutating func setOwners(_ writes: [RecordedWrite]) {
        let sessions = Dictionary(writes.map { ($0.zxid, $0.session) }, uniquingKeysWith: { $1 })
        for (path, node) in nodes where node.owner != 0 { nodes[path]?.owner = sessions[node.creation] ?? -1 }
        // Of those whose start was not recorded it is enough to tell them apart.
        for (path, node) in nodes where node.owner == -1 {
            if let id = Int64(path.drop { !$0.isNumber }) { nodes[path]?.owner = -1 - id }
        }
        if let node = nodes[ZNodes.controller], node.owner == -1,
            let id = try? ZNodeCodec.decodeController(node.data).broker
        {
            let owner = nodes[ZNodes.broker(id)]?.owner ?? -1
            nodes[ZNodes.controller]?.owner = owner
        }
    }

    /// Applies a write that is known to have succeeded.
    mutating func replay(_ write: RecordedWrite) {
        if write.parts.contains(where: { $0.kind == "error" }) { return }
        for part in write.parts {
            switch part.kind {
            case "create":
                var node = TreeNode()
                node.data = part.data
                node.creation = write.zxid
                node.lastTransaction = write.zxid
                node.owner = part.isEphemeral ? write.session : 0
                create(part.path, node)
            case "setData":
                nodes[part.path]?.data = part.data
                nodes[part.path]?.version = part.version ?? 0
                nodes[part.path]?.lastTransaction = write.zxid
            case "delete": remove(part.path)
            case "closeSession": close(write.session)
            default: break
            }
        }
    }

    /// Between a recorded tree and a scenario, leaders may have been elected anew, which the first writes of the scenario
    /// tell by their versions: the preferred ones, since that is what happens by itself.
    mutating func addUnseenElections(before writes: [RecordedWrite]) {
        var seen: Set<String> = []
        for part in writes.compactMap(\.parts.last) where part.kind == "setData" && seen.insert(part.path).inserted {
            guard let partition = ZNodes.partition(ofState: part.path), let node = nodes[part.path],
                let version = part.version, version == node.version + 2,
                var state = try? ZNodeCodec.decodePartitionState(partition, node.data, version: node.version),
                let topic = try? ZNodeCodec.decodeTopic(partition.topic, nodes[ZNodes.topic(partition.topic)]?.data),
                let preferred = topic.partitions[partition.partition]?.replicas.first
            else { continue }
            state.leader = preferred
            state.leaderEpoch += 1
            nodes[part.path]?.data = ZNodeCodec.encodePartitionState(state)
            nodes[part.path]?.version = version - 1
        }
    }

    @discardableResult
    mutating func close(_ session: Int64) -> [String] {
        let paths = nodes.filter { $0.value.owner == session }.keys.sorted()
        for path in paths { remove(path) }
        return paths
    }
}
