// SPDX-License-Identifier: Apache-2.0

/// One request of a session. Null data (nil) and empty data are different; a version of −1 matches any.
package enum ZooKeeperRequest: Hashable, Sendable {
    /// Answers ``ZooKeeperReply/created(path:stat:)``.
    case create(path: String, data: [UInt8]?, acl: [ZNodeACL] = .open, mode: CreateMode = .persistent)
    /// Answers ``ZooKeeperReply/done``.
    case delete(path: String, version: Int32 = -1)
    /// Answers ``ZooKeeperReply/stat(_:)`` or fails with ``ZooKeeperError/noNode``. With `watch`, in both cases the next
    /// creation, deletion or change of data is reported.
    case exists(path: String, watch: Bool = false)
    /// Answers ``ZooKeeperReply/data(_:stat:)``. With `watch`, the next deletion or change of data is reported.
    case getData(path: String, watch: Bool = false)
    /// Answers ``ZooKeeperReply/stat(_:)``.
    case setData(path: String, data: [UInt8]?, version: Int32 = -1)
    /// Answers ``ZooKeeperReply/children(_:stat:)``. With `watch`, the next change of the set of children, or the
    /// node's deletion, is reported.
    case getChildren(path: String, watch: Bool = false)
    /// Answers ``ZooKeeperReply/acl(_:stat:)``.
    case getACL(path: String)
    /// Answers ``ZooKeeperReply/done``. `version` is the version of the access control list.
    case setACL(path: String, acl: [ZNodeACL], version: Int32 = -1)
    /// Brings the server that the session is connected to up to the leader. Answers ``ZooKeeperReply/done``.
    case sync(path: String)
    /// All of the operations or none. Answers ``ZooKeeperReply/multi(_:)``, also when ZooKeeper refused them.
    case multi([ZooKeeperMultiOperation])
}

/// One operation of a multi.
package enum ZooKeeperMultiOperation: Hashable, Sendable {
    /// TTL modes cannot be part of a multi.
    case create(path: String, data: [UInt8]?, acl: [ZNodeACL] = .open, mode: CreateMode = .persistent)
    case delete(path: String, version: Int32 = -1)
    case setData(path: String, data: [UInt8]?, version: Int32 = -1)
    /// Fails the whole unless the node exists with this data version.
    case check(path: String, version: Int32)
}

/// What ZooKeeper answered to one request.
package enum ZooKeeperReply: Hashable, Sendable {
    /// The path is the one asked for, with its digits if the mode is sequential.
    case created(path: String, stat: ZNodeStat)
    case done
    case stat(ZNodeStat)
    case data([UInt8]?, stat: ZNodeStat)
    /// Names without path, in no order.
    case children([String], stat: ZNodeStat)
    case acl([ZNodeACL], stat: ZNodeStat)
    case multi(ZooKeeperMultiOutcome)
}

/// What became of one request.
package typealias ZooKeeperResult = Result<ZooKeeperReply, ZooKeeperError>

/// What became of a multi, operation by operation.
package struct ZooKeeperMultiOutcome: Hashable, Sendable {
    /// What one operation of a multi answered.
    package enum Reply: Hashable, Sendable {
        case created(path: String)
        case stat(ZNodeStat)
        case done
    }

    /// In the order of the operations. Of a refused multi, one result is the reason; those before it are
    /// ``Reply/done`` without having been applied, those after it fail with ``ZooKeeperError/runtimeInconsistency``.
    package var results: [Result<Reply, ZooKeeperError>]

    package init(results: [Result<Reply, ZooKeeperError>]) {
        self.results = results
    }

    /// The operation that ZooKeeper refused; nil if all were applied.
    package var failure: (index: Int, error: ZooKeeperError)? {
        var consequence: (index: Int, error: ZooKeeperError)?
        for (index, result) in results.enumerated() {
            guard case .failure(let error) = result else { continue }
            if error != .runtimeInconsistency { return (index, error) }
            if consequence == nil { consequence = (index, error) }
        }
        return consequence
    }

    /// The stat that the set of data at this position answered, if it was applied.
    package func stat(at index: Int) -> ZNodeStat? {
        guard results.indices.contains(index), case .success(.stat(let stat)) = results[index] else { return nil }
        return stat
    }
}
