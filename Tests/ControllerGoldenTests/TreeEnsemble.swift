// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Synchronization
import ZooKeeperClient

/// A recorded tree that answers requests as an ensemble does, and keeps what is written as ZooKeeper's log would.
///
/// One session asks; its watches fire when others or itself change the tree, and wait until they are taken.
final class TreeEnsemble: ZooKeeperCalls {
    fileprivate struct State {
        var tree: Tree
        var zxid: Int64 = 0
        var session: Int64 = 0
        var written: [RecordedWrite] = []
        var nodeWatches: Set<String> = []
        var childWatches: Set<String> = []
        var events: [ZooKeeperEvent] = []
        /// Nodes that the session may read only.
        var readOnly: Set<String> = []
    }

    private let state: Mutex<State>

    init(_ nodes: [String: TreeNode]) { state = Mutex(State(tree: Tree(nodes))) }

    var tree: Tree { state.withLock { $0.tree } }
    func node(_ path: String) -> TreeNode? { state.withLock { $0.tree.nodes[path] } }

    /// Takes the right to set or delete a node away from the session, or gives it back.
    func setReadOnly(_ path: String, _ isReadOnly: Bool = true) {
        state.withLock { state in
            if isReadOnly { state.readOnly.insert(path) } else { state.readOnly.remove(path) }
        }
    }

    /// Puts another tree there, without firing a watch.
    func put(_ tree: Tree) { state.withLock { $0.tree = tree } }

    /// From now on this session asks, which has no watches yet.
    func begin(session: Int64) {
        state.withLock { state in
            state.session = session
            state.nodeWatches = []
            state.childWatches = []
            state.events = []
        }
    }

    func takeEvents() -> [ZooKeeperEvent] {
        state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }

    /// What the session has written since the last call.
    func takeWritten() -> [RecordedWrite] {
        state.withLock { state in
            defer { state.written = [] }
            return state.written
        }
    }

    /// Somebody else does what was recorded, in the transaction that was recorded.
    func replay(_ write: RecordedWrite) {
        state.withLock { state in
            state.zxid = write.zxid
            let before = state.tree
            state.tree.replay(write)
            for path in Set(write.parts.map(\.path)).union(before.nodes.filter { $0.value.owner == write.session }.keys)
            {
                let (old, new) = (before.nodes[path], state.tree.nodes[path])
                if old != new { state.changed(path, existed: old != nil, exists: new != nil) }
            }
        }
    }

    func submit(_ requests: [ZooKeeperRequest]) async -> [ZooKeeperResult] {
        state.withLock { state in requests.map { state.perform($0) } }
    }
}

extension TreeEnsemble.State {
    mutating func changed(_ path: String, existed: Bool, exists: Bool) {
        if nodeWatches.remove(path) != nil {
            events.append(.watch(path: path, kind: !existed ? .created : exists ? .dataChanged : .deleted))
        }
        let parent = Tree.parent(path)
        if existed != exists, childWatches.remove(parent) != nil {
            events.append(.watch(path: parent, kind: .childrenChanged))
        }
    }

    mutating func perform(_ request: ZooKeeperRequest) -> ZooKeeperResult {
        switch request {
        case .exists(let path, let watch):
            if watch { nodeWatches.insert(path) }
            guard let node = tree.nodes[path] else { return .failure(.noNode) }
            return .success(.stat(ZNodeStat(node)))
        case .getData(let path, let watch):
            guard let node = tree.nodes[path] else { return .failure(.noNode) }
            if watch { nodeWatches.insert(path) }
            return .success(.data(node.data, stat: ZNodeStat(node)))
        case .getChildren(let path, let watch):
            guard let node = tree.nodes[path] else { return .failure(.noNode) }
            if watch { childWatches.insert(path) }
            return .success(.children(tree.children(path), stat: ZNodeStat(node)))
        case .create(let path, let data, let acl, let mode):
            return write([.create(path: path, data: data, acl: acl, mode: mode)], isMulti: false)
        case .setData(let path, let data, let version):
            return write([.setData(path: path, data: data, version: version)], isMulti: false)
        case .delete(let path, let version): return write([.delete(path: path, version: version)], isMulti: false)
        case .multi(let operations): return write(operations, isMulti: true)
        case .sync, .setACL: return .success(.done)
        case .getACL: return .failure(.marshallingError)
        }
    }

    private mutating func write(_ operations: [ZooKeeperMultiOperation], isMulti: Bool) -> ZooKeeperResult {
        zxid += 1
        let before = tree
        var parts: [RecordedWrite.Part] = []
        var replies: [Result<ZooKeeperMultiOutcome.Reply, ZooKeeperError>] = []
        for operation in operations {
            do throws(ZooKeeperError) {
                let (part, reply) = try apply(operation)
                parts.append(part)
                replies.append(.success(reply))
            } catch {
                tree = before
                parts.append(RecordedWrite.Part(kind: "error", path: "", code: error.code))
                replies.append(.failure(error))
                replies += Array(
                    repeating: .failure(.runtimeInconsistency), count: operations.count - replies.count)
                break
            }
        }
        written.append(RecordedWrite(zxid: zxid, session: session, parts: parts, isMulti: isMulti))
        for operation in operations {
            let path = operation.path
            let (old, new) = (before.nodes[path], tree.nodes[path])
            if old != new { changed(path, existed: old != nil, exists: new != nil) }
        }
        if isMulti { return .success(.multi(ZooKeeperMultiOutcome(results: replies))) }
        switch replies[0] {
        case .failure(let error): return .failure(error)
        case .success(.created(let path)):
            return .success(.created(path: path, stat: ZNodeStat(tree.nodes[path] ?? .init())))
        case .success(.stat(let stat)): return .success(.stat(stat))
        case .success(.done): return .success(.done)
        }
    }

    private mutating func apply(
        _ operation: ZooKeeperMultiOperation
    ) throws(ZooKeeperError) -> (RecordedWrite.Part, ZooKeeperMultiOutcome.Reply) {
        switch operation {
        case .check(let path, let version):
            guard let node = tree.nodes[path] else { throw .noNode }
            guard node.version == version else { throw .badVersion }
            return (.init(kind: "check", path: path, version: version + 1), .done)
        case .create(let path, let data, let acl, let mode):
            guard tree.nodes[path] == nil else { throw .nodeExists }
            guard tree.nodes[Tree.parent(path)] != nil else { throw .noNode }
            var node = TreeNode()
            node.data = data
            node.creation = zxid
            node.lastTransaction = zxid
            node.owner = mode == .ephemeral ? session : 0
            tree.create(path, node)
            let part = RecordedWrite.Part(
                kind: "create", path: path, data: data, isEphemeral: mode == .ephemeral,
                acl: Set(acl.map { "\($0.scheme):\($0.id):\($0.permissions.rawValue)" }))
            return (part, .created(path: path))
        case .setData(let path, let data, let version):
            guard var node = tree.nodes[path] else { throw .noNode }
            guard version == -1 || node.version == version else { throw .badVersion }
            guard !readOnly.contains(path) else { throw .notAuthorised }
            node.data = data
            node.version += 1
            node.lastTransaction = zxid
            tree.nodes[path] = node
            return (.init(kind: "setData", path: path, data: data, version: node.version), .stat(ZNodeStat(node)))
        case .delete(let path, let version):
            guard let node = tree.nodes[path] else { throw .noNode }
            guard version == -1 || node.version == version else { throw .badVersion }
            guard !readOnly.contains(path) else { throw .notAuthorised }
            guard tree.children(path).isEmpty else { throw .notEmpty }
            tree.remove(path)
            return (.init(kind: "delete", path: path), .done)
        }
    }
}

extension ZooKeeperMultiOperation {
    fileprivate var path: String {
        switch self {
        case .create(let path, _, _, _), .delete(let path, _), .setData(let path, _, _), .check(let path, _): path
        }
    }
}

extension ZNodeStat {
    init(_ node: TreeNode) {
        self.init(
            creationTransaction: node.creation, modificationTransaction: node.lastTransaction, version: node.version,
            ephemeralOwner: node.owner, dataLength: Int32(node.data?.count ?? 0))
    }
}
