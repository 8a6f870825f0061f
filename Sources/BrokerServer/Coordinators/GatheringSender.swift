// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import NIOCore
import Synchronization

/// How this broker reaches the others for its coordinators.
struct Neighbours: Sendable {
    let localID: BrokerID
    let listener: String
    let metadata: MetadataCache
    let requestTimeout: Duration
    let group: any EventLoopGroup

    fileprivate func connect(to endpoint: Endpoint) async throws -> BrokerConnection {
        try await BrokerConnection.connect(
            host: endpoint.host, port: Int(endpoint.port),
            options: .init(clientID: "\(localID)", requestTimeout: requestTimeout), on: group)
    }
}

/// Brings items to brokers: one request at a time to each, with all that has gathered meanwhile. An item is told once
/// what became of it, when the broker has answered, has left, or its time is up; nothing is tried twice, since that is for
/// the items' owners to decide.
///
/// Owner of the queues: the lock.
final class GatheringSender<Item: Sendable>: Sendable {
    /// What one request can take of what waits; the rest stays in line.
    typealias Gather = @Sendable (inout [Item]) -> [Item]
    /// Sends a request and tells the items of its outcome; throws if there is none.
    typealias Deliver = @Sendable ([Item], BrokerLink) async throws -> Void
    /// Tells items that they were not delivered.
    typealias Fail = @Sendable ([Item], BrokerID, any Error) -> Void

    /// A connection, and which version of the one API both sides know.
    struct BrokerLink: Sendable {
        let connection: BrokerConnection
        /// Nil if the broker does not know any.
        let version: Int16?
    }

    private struct Destination {
        var queue: [Item] = []
        var isSending = false
        var link: BrokerLink?
    }

    private struct MissingListener: Error {}

    private let neighbours: Neighbours
    private let negotiate: @Sendable (BrokerConnection) async throws -> Int16?
    private let gather: Gather
    private let deliver: Deliver
    private let fail: Fail
    private let destinations = Mutex<[BrokerID: Destination]>([:])

    init(
        _ neighbours: Neighbours, negotiate: @escaping @Sendable (BrokerConnection) async throws -> Int16?,
        gather: @escaping Gather, deliver: @escaping Deliver, fail: @escaping Fail
    ) {
        self.neighbours = neighbours
        self.negotiate = negotiate
        self.gather = gather
        self.deliver = deliver
        self.fail = fail
    }

    func send(_ item: Item, to broker: BrokerID) {
        let mustStart = destinations.withLock { destinations in
            destinations[broker, default: Destination()].queue.append(item)
            defer { destinations[broker]?.isSending = true }
            return destinations[broker]?.isSending == false
        }
        // A bare task: it ends when the queue is empty.
        if mustStart { Task { await drain(broker) } }
    }

    private func drain(_ broker: BrokerID) async {
        while let batch = next(for: broker) {
            do {
                try await deliver(batch, try await connected(broker))
            } catch {
                disconnect(broker)
                // Who waits behind is told too: else a broker that does not answer would be waited for twice.
                fail(batch + waiting(for: broker), broker, error)
            }
        }
    }

    private func next(for broker: BrokerID) -> [Item]? {
        destinations.withLock { destinations in
            guard var destination = destinations[broker] else { return nil }
            let batch = destination.queue.isEmpty ? nil : gather(&destination.queue)
            destination.isSending = batch != nil
            destinations[broker] = destination
            return batch
        }
    }

    private func waiting(for broker: BrokerID) -> [Item] {
        destinations.withLock { destinations in
            guard let waiting = destinations[broker]?.queue else { return [] }
            destinations[broker]?.queue = []
            return waiting
        }
    }

    /// Breaks off with brokers that have left the cluster: whoever waits for one of them is told now, not when patience
    /// ends, and finds who has taken over.
    func brokersChanged() {
        let image = neighbours.metadata.current
        let left = destinations.withLock { destinations in
            let left = destinations.filter { !image.isAlive($0.key) }
            for broker in left.keys { destinations[broker]?.link = nil }
            return left.values.compactMap(\.link)
        }
        for link in left { link.connection.closeSoon() }
    }

    private func connected(_ broker: BrokerID) async throws -> BrokerLink {
        guard let endpoint = neighbours.metadata.current.endpoint(of: broker, listener: neighbours.listener) else {
            throw MissingListener()
        }
        if let open = destinations.withLock({ $0[broker]?.link }), open.connection.isOpen,
            open.connection.host == endpoint.host, open.connection.port == Int(endpoint.port)
        {
            return open
        }
        disconnect(broker)
        let connection = try await neighbours.connect(to: endpoint)
        let link: BrokerLink
        do {
            link = BrokerLink(connection: connection, version: try await negotiate(connection))
        } catch {
            connection.closeSoon()
            throw error
        }
        destinations.withLock { $0[broker, default: Destination()].link = link }
        return link
    }

    private func disconnect(_ broker: BrokerID) {
        let old = destinations.withLock { destinations in
            let old = destinations[broker]?.link
            destinations[broker]?.link = nil
            return old
        }
        old?.connection.closeSoon()
    }
}
