// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import ZooKeeperClient

/// Why the store could not do what was asked.
package enum StoreError: Error, Hashable, Sendable {
    /// ZooKeeper refused, or the session ended.
    case zooKeeper(ZooKeeperError, path: String)
    case malformed(ZNodeError)
    /// Another session holds the registration of this broker id.
    case brokerIDInUse(BrokerID, session: Int64)
    /// Another broker advertises the same address.
    case endpointInUse(host: String, port: Int32, broker: BrokerID)
    /// There is no controller, or it is another one now.
    case notController
    /// A KRaft controller rules: configurations are not to be written here.
    case controllerIsKRaft
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .zooKeeper(let error, let path): "\(path): \(error)"
        case .malformed(let error): "\(error)"
        case .brokerIDInUse(let id, let session):
            "broker id \(id) is registered by another session (0x\(String(UInt64(bitPattern: session), radix: 16)))"
        case .endpointInUse(let host, let port, let broker):
            "broker \(broker) already advertises \(host):\(port)"
        case .notController: "this broker is not the controller"
        case .controllerIsKRaft: "a KRaft controller is active"
        }
    }
}

/// Kafka's data in ZooKeeper: each function is one of Kafka's own sequences of requests, with its checks.
///
/// It holds no state. All functions may be called from anywhere; order among concurrent calls is the caller's matter.
package struct ZooKeeperStore: Sendable {
    package let calls: any ZooKeeperCalls
    /// `zookeeper.set.acl`: nodes are protected by the credentials of the session that creates them.
    package let protectsNodes: Bool

    package init(_ calls: any ZooKeeperCalls, protectsNodes: Bool = false) {
        self.calls = calls
        self.protectsNodes = protectsNodes
    }

    /// The access control list that Kafka gives the node.
    package func acl(_ path: String) -> [ZNodeACL] {
        if !protectsNodes || path == ZNodes.consumers { return .open }
        let sensitive = ["/config/users", "/config/brokers", ZNodes.tokens].contains { path.hasPrefix($0) }
        return sensitive ? .creatorAll : .creatorAll + .anyoneRead
    }

    func request<Value>(
        _ path: String, _ body: () async throws(ZooKeeperError) -> Value
    ) async throws(StoreError) -> Value {
        do throws(ZooKeeperError) {
            return try await body()
        } catch {
            throw .zooKeeper(error, path: path)
        }
    }

    func decode<Value>(_ body: () throws(ZNodeError) -> Value) throws(StoreError) -> Value {
        do throws(ZNodeError) {
            return try body()
        } catch {
            throw .malformed(error)
        }
    }
}

// MARK: - Making nodes

extension ZooKeeperStore {
    /// Creates the chroot of a connect string, with its parents, if it does not exist; over a session of its own that
    /// knows no chroot. Does nothing without a chroot.
    package static func createChroot(
        _ configuration: ZooKeeperConfiguration, protectsNodes: Bool = false
    ) async throws(StoreError) {
        let chroot = configuration.connect.chroot
        guard !chroot.isEmpty else { return }
        var rootless = configuration
        rootless.connect = configuration.connect.with(chroot: "")
        let client = ZooKeeperConnection(rootless)
        do throws(ZooKeeperError) {
            try await client.connect()
        } catch {
            await client.close()
            throw .zooKeeper(error, path: chroot)
        }
        do throws(StoreError) {
            try await ZooKeeperStore(client, protectsNodes: protectsNodes).ensure(chroot)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    /// Makes sure that the paths that every broker needs exist, with null data.
    package func ensurePaths() async throws(StoreError) {
        for path in ZNodes.ensured { try await ensure(path) }
    }

    /// Creates a persistent node with null data, and its parents, unless it exists.
    package func ensure(_ path: String) async throws(StoreError) {
        do throws(StoreError) {
            try await createRecursive(path, data: nil)
        } catch .zooKeeper(.nodeExists, _) {}
    }

    /// Creates a persistent node, and where they are missing its parents with null data. Throws
    /// ``ZooKeeperError/nodeExists`` if the node itself exists.
    package func createRecursive(_ path: String, data: [UInt8]?) async throws(StoreError) {
        do throws(ZooKeeperError) {
            try await calls.create(path, data: data, acl: acl(path))
            return
        } catch {
            guard error == .noNode else { throw .zooKeeper(error, path: path) }
        }
        var parent = ""
        for element in path.split(separator: "/").dropLast() {
            parent += "/" + element
            do throws(ZooKeeperError) {
                try await calls.create(parent, data: nil, acl: acl(parent))
            } catch {
                guard error == .nodeExists else { throw .zooKeeper(error, path: parent) }
            }
        }
        try await request(path) { () async throws(ZooKeeperError) in
            _ = try await calls.create(path, data: data, acl: acl(path))
        }
    }

    /// The data of a node, or nil if there is no such node.
    package func read(
        _ path: String, watch: Bool = false
    ) async throws(StoreError) -> (data: [UInt8]?, stat: ZNodeStat)? {
        do throws(ZooKeeperError) {
            return try await calls.getData(path, watch: watch)
        } catch {
            if error == .noNode { return nil }
            throw .zooKeeper(error, path: path)
        }
    }
}

// MARK: - Cluster and broker ids

extension ZooKeeperStore {
    /// The cluster's id; nil before the first broker has started.
    package func clusterID() async throws(StoreError) -> String? {
        guard let node = try await read(ZNodes.clusterID) else { return nil }
        return try decode { () throws(ZNodeError) in try ZNodeCodec.decodeClusterID(node.data) }
    }

    /// The cluster's id, made now if there is none; of several brokers that try, one decides.
    package func clusterID(orCreate proposal: KafkaUUID) async throws(StoreError) -> String {
        if let id = try await clusterID() { return id }
        do throws(StoreError) {
            try await createRecursive(
                ZNodes.clusterID, data: ZNodeCodec.encodeClusterID(proposal.description))
            return proposal.description
        } catch .zooKeeper(.nodeExists, _) {
            guard let id = try await clusterID() else {
                throw .zooKeeper(.noNode, path: ZNodes.clusterID)
            }
            return id
        }
    }

    /// A broker id that no broker had: above `reserved` (`reserved.broker.max.id`).
    package func generateBrokerID(reserved: BrokerID = 1000) async throws(StoreError) -> BrokerID {
        let stat: ZNodeStat
        do throws(ZooKeeperError) {
            stat = try await calls.setData(ZNodes.brokerSequence, data: [])
        } catch {
            guard error == .noNode else { throw .zooKeeper(error, path: ZNodes.brokerSequence) }
            try await ensure(ZNodes.brokerSequence)
            stat = try await request(ZNodes.brokerSequence) { () async throws(ZooKeeperError) in
                try await calls.setData(ZNodes.brokerSequence, data: [])
            }
        }
        return reserved &+ stat.version
    }
}
