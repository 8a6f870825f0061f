// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import ZooKeeperStore

/// The writes of one scenario, and the tree that they begin with.
struct RecordedFlow {
    var name: String
    var writes: [RecordedWrite]
    /// The tree when it begins, by path.
    var nodes: [String: TreeNode]
    /// How many transactions nobody recorded lie between the tree and the first write.
    var gap: Int64

    /// A few transactions that nobody recorded are clients that came and went; more of them make the tree unknown.
    static let tolerableGap: Int64 = 25

    /// The ids of all topics there are, or come to be.
    var topicIDs: [String: KafkaUUID] {
        let created = writes.flatMap(\.parts).map { ($0.path, $0.data) }
        var ids: [String: KafkaUUID] = [:]
        for (path, data) in nodes.map({ ($0.key, $0.value.data) }) + created where path.hasPrefix(ZNodes.topics + "/") {
            let name = String(path.dropFirst(ZNodes.topics.count + 1))
            if let id = (try? ZNodeCodec.decodeTopic(name, data))?.id { ids[name] = id }
        }
        return ids
    }

    /// The brokers whose sessions end.
    var leaving: Set<BrokerID> {
        let ended = Set(writes.filter { $0.parts.first?.kind == "closeSession" }.map(\.session))
        var brokers: Set<BrokerID> = []
        for (path, node) in nodes where ended.contains(node.owner) && path.hasPrefix(ZNodes.brokerIDs + "/") {
            if let id = BrokerID(path.dropFirst(ZNodes.brokerIDs.count + 1)) { brokers.insert(id) }
        }
        return brokers
    }

    /// All flows that begin with a tree that is known well enough: an empty one, or a recorded one with the writes of
    /// flows in between.
    static func all() throws -> [RecordedFlow] {
        var flows: [(name: String, writes: [RecordedWrite])] = []
        var trees: [(name: String, nodes: [String: TreeNode], last: Int64)] = []
        for file in try GoldenFixtures.files("zookeeper") where file.lastPathComponent.contains(".jsonl") {
            let name = String(file.lastPathComponent.prefix { $0 != "." })
            let lines = below(chroot: try GoldenFixtures.jsonLines(file))
            if name.hasPrefix("operations-") {
                flows.append((String(name.dropFirst("operations-".count)), lines.map(RecordedWrite.init)))
            } else {
                let nodes = Dictionary(
                    lines.map { ($0["path"] as? String ?? "", TreeNode($0)) }, uniquingKeysWith: { $1 })
                trees.append((name, nodes, nodes.values.map(\.lastTransaction).max() ?? 0))
            }
        }
        return flows.compactMap { flow in
            guard let first = flow.writes.first else { return nil }
            // A file's name begins with its run.
            let run = flow.name.prefix { $0 != "-" }
            let sameRun = flows.filter { $0.name.prefix { $0 != "-" } == run }.flatMap(\.writes).sorted {
                $0.zxid < $1.zxid
            }
            let base = trees.filter { $0.name.prefix { $0 != "-" } == run && $0.last < first.zxid }
                .max { ($0.last, $1.name) < ($1.last, $0.name) }
            let between = sameRun.filter { $0.zxid > base?.last ?? 0 && $0.zxid < first.zxid }
            var tree = Tree(base?.nodes ?? ["/": TreeNode()])
            tree.setOwners(sameRun)
            var last = base?.last ?? 0
            var gap: Int64 = 0
            for write in between + [first] {
                gap = max(gap, write.zxid - last - 1)
                last = write.zxid
            }
            for write in between { tree.replay(write) }
            if gap > 0 { tree.addUnseenElections(before: flow.writes) }
            return RecordedFlow(name: flow.name, writes: flow.writes, nodes: tree.nodes, gap: gap)
        }
    }

    /// The paths of a cluster with a chroot as its brokers see them.
    private static func below(chroot lines: [[String: Any]]) -> [[String: Any]] {
        func paths(_ entry: [String: Any]) -> [String] {
            ((entry["ops"] as? [[String: Any]]) ?? [entry]).compactMap { $0["path"] as? String }
        }
        let marks = ["/brokers/topics", "/brokers/ids"]
        let chroots = lines.lazy.flatMap(paths).compactMap { path in
            marks.lazy.compactMap { path.firstRange(of: $0) }.first.map { String(path[..<$0.lowerBound]) }
        }
        guard let chroot = chroots.first, !chroot.isEmpty else { return lines }
        func stripped(_ entry: [String: Any]) -> [String: Any] {
            var entry = entry
            if let path = entry["path"] as? String, path.hasPrefix(chroot) {
                entry["path"] = path == chroot ? "/" : String(path.dropFirst(chroot.count))
            }
            if let parts = entry["ops"] as? [[String: Any]] { entry["ops"] = parts.map(stripped) }
            return entry
        }
        return lines.map(stripped)
    }
}
