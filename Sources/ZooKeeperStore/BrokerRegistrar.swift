// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import Synchronization
import ZooKeeperClient

/// Registers one broker at `/brokers/ids/N`, again after each expired session. It remembers under which session it did
/// so last: the node that an expired session of this process left behind may be removed, that of another may not.
package final class BrokerRegistrar: Sendable {
    private let store: ZooKeeperStore
    private let id: BrokerID
    private let node: Mutex<BrokerRegistrationNode>
    private let session: @Sendable () -> Int64?
    private let lastSession = Mutex<Int64?>(nil)

    /// `session` tells the id of the present session.
    package init(
        _ store: ZooKeeperStore, id: BrokerID, node: BrokerRegistrationNode, session: @escaping @Sendable () -> Int64?
    ) {
        self.store = store
        self.id = id
        self.node = Mutex(node)
        self.session = session
    }

    /// Creates the node and answers its czxid, the broker's epoch. Throws ``StoreError/brokerIDInUse(_:session:)`` when
    /// another session holds it, and ``StoreError/endpointInUse(host:port:broker:)`` with `checkingEndpoints`.
    package func register(checkingEndpoints: Bool = false) async throws(StoreError) -> BrokerEpoch {
        let path = ZNodes.broker(id)
        let node = node.withLock { $0 }
        if checkingEndpoints { try await checkEndpoints(node) }
        while true {
            let outcome = try await store.request(path) { () async throws(ZooKeeperError) in
                try await store.calls.multi([
                    .create(path: path, data: nil, acl: store.acl(path), mode: .ephemeral),
                    .setData(path: path, data: node.bytes, version: 0),
                ])
            }
            guard let failure = outcome.failure else {
                lastSession.withLock { $0 = session() }
                return outcome.stat(at: 1)?.creationTransaction ?? -1
            }
            guard failure.error == .nodeExists else { throw .zooKeeper(failure.error, path: path) }
            // Gone meanwhile: start over.
            guard let found = try await store.read(path) else { continue }
            let owner = found.stat.ephemeralOwner
            if owner == session() {
                // A reply was lost: the node is ours.
                lastSession.withLock { $0 = owner }
                return found.stat.creationTransaction
            }
            guard owner == lastSession.withLock({ $0 }) else { throw .brokerIDInUse(id, session: owner) }
            do throws(ZooKeeperError) {
                try await store.calls.delete(path)
            } catch {
                guard error == .noNode else { throw .zooKeeper(error, path: path) }
            }
        }
    }

    /// Changes what the live registration says; its epoch stays.
    package func update(_ node: BrokerRegistrationNode) async throws(StoreError) {
        self.node.withLock { $0 = node }
        let path = ZNodes.broker(id)
        try await store.request(path) { () async throws(ZooKeeperError) in
            _ = try await store.calls.setData(path, data: node.bytes)
        }
    }

    private func checkEndpoints(_ node: BrokerRegistrationNode) async throws(StoreError) {
        for broker in try await store.brokers() where broker.id != id {
            for theirs in broker.info.endpoints {
                if node.endpoints.contains(where: { $0.host == theirs.host && $0.port == theirs.port }) {
                    throw .endpointInUse(host: theirs.host, port: theirs.port, broker: broker.id)
                }
            }
        }
    }
}

extension ZooKeeperStore {
    /// All registered brokers by id; those that go in between, and those whose node cannot be read, are left out.
    /// - Parameter malformed: told of the latter.
    package func brokers(
        watch: Bool = false, malformed: (ZNodeError) -> Void = { _ in }
    ) async throws(StoreError) -> [RegisteredBroker] {
        let names = try await request(ZNodes.brokerIDs) { () async throws(ZooKeeperError) in
            try await calls.getChildren(ZNodes.brokerIDs, watch: watch).names
        }
        let ids = names.compactMap { BrokerID($0) }.sorted()
        let results = await calls.submit(ids.map { .getData(path: ZNodes.broker($0)) })
        var brokers: [RegisteredBroker] = []
        for (id, result) in zip(ids, results) {
            switch result {
            case .success(.data(let data, let stat)):
                do throws(ZNodeError) {
                    let node = try BrokerRegistrationNode(id, data)
                    brokers.append(node.registered(id, epoch: stat.creationTransaction))
                } catch {
                    malformed(error)
                }
            case .failure(.noNode), .success: continue
            case .failure(let error): throw .zooKeeper(error, path: ZNodes.broker(id))
            }
        }
        return brokers
    }
}

extension BrokerRegistrationNode {
    func registered(_ id: BrokerID, epoch: BrokerEpoch) -> RegisteredBroker {
        RegisteredBroker(BrokerInfo(id: id, epoch: epoch, rack: rack, endpoints: endpoints), features: features)
    }
}
