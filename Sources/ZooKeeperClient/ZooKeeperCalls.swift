// SPDX-License-Identifier: Apache-2.0

/// Whatever executes requests against ZooKeeper: one session (``ZooKeeperSession``) or a client that outlives sessions
/// (``ZooKeeperConnection``).
package protocol ZooKeeperCalls: Sendable {
    /// Executes the requests in order, pipelined, and answers when all have a result; results are in the order of the
    /// requests. Each request succeeds or fails for itself.
    func submit(_ requests: [ZooKeeperRequest]) async -> [ZooKeeperResult]
}

extension ZooKeeperCalls {
    /// Creates a node and answers its path (which differs from the one given if the mode is sequential) and its stat.
    @discardableResult
    package func create(
        _ path: String, data: [UInt8]?, acl: [ZNodeACL] = .open, mode: CreateMode = .persistent
    ) async throws(ZooKeeperError) -> (path: String, stat: ZNodeStat) {
        guard case .created(let path, let stat) = try await one(.create(path: path, data: data, acl: acl, mode: mode))
        else { throw .marshallingError }
        return (path, stat)
    }

    /// Deletes a node that has no children.
    package func delete(_ path: String, version: Int32 = -1) async throws(ZooKeeperError) {
        _ = try await one(.delete(path: path, version: version))
    }

    /// The node's stat, or nil if there is no such node. A watch is armed in both cases.
    package func exists(_ path: String, watch: Bool = false) async throws(ZooKeeperError) -> ZNodeStat? {
        let answer = await submit([.exists(path: path, watch: watch)]).first ?? .failure(.marshallingError)
        if answer == .failure(.noNode) { return nil }
        guard case .stat(let stat) = try answer.get() else { throw .marshallingError }
        return stat
    }

    /// The node's data, nil where it is null.
    package func getData(
        _ path: String, watch: Bool = false
    ) async throws(ZooKeeperError) -> (data: [UInt8]?, stat: ZNodeStat) {
        guard case .data(let data, let stat) = try await one(.getData(path: path, watch: watch)) else {
            throw .marshallingError
        }
        return (data, stat)
    }

    /// Sets the node's data and answers its new stat.
    @discardableResult
    package func setData(
        _ path: String, data: [UInt8]?, version: Int32 = -1
    ) async throws(ZooKeeperError) -> ZNodeStat {
        guard case .stat(let stat) = try await one(.setData(path: path, data: data, version: version)) else {
            throw .marshallingError
        }
        return stat
    }

    /// The names of the node's children, in no order.
    package func getChildren(
        _ path: String, watch: Bool = false
    ) async throws(ZooKeeperError) -> (names: [String], stat: ZNodeStat) {
        guard case .children(let names, let stat) = try await one(.getChildren(path: path, watch: watch)) else {
            throw .marshallingError
        }
        return (names, stat)
    }

    /// The node's access control list.
    package func getACL(_ path: String) async throws(ZooKeeperError) -> (acl: [ZNodeACL], stat: ZNodeStat) {
        guard case .acl(let acl, let stat) = try await one(.getACL(path: path)) else { throw .marshallingError }
        return (acl, stat)
    }

    /// Replaces the node's access control list; `version` is the list's.
    package func setACL(_ path: String, acl: [ZNodeACL], version: Int32 = -1) async throws(ZooKeeperError) {
        _ = try await one(.setACL(path: path, acl: acl, version: version))
    }

    /// After this, reads see every write that was committed before it.
    package func sync(_ path: String = "/") async throws(ZooKeeperError) {
        _ = try await one(.sync(path: path))
    }

    /// Applies all operations or none. Throws when ZooKeeper's decision is not known; a refusal is in the outcome.
    package func multi(
        _ operations: [ZooKeeperMultiOperation]
    ) async throws(ZooKeeperError) -> ZooKeeperMultiOutcome {
        guard case .multi(let outcome) = try await one(.multi(operations)) else { throw .marshallingError }
        return outcome
    }

    private func one(_ request: ZooKeeperRequest) async throws(ZooKeeperError) -> ZooKeeperReply {
        guard let result = await submit([request]).first else { throw .marshallingError }
        return try result.get()
    }
}
