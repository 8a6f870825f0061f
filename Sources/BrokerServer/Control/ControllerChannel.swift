// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import NIOCore
import Synchronization

/// How this broker reaches the controller, whichever broker that is: one connection, remade when the controller moves.
///
/// Versions are negotiated, since a controller of another build may know fewer. Owner of the connection: the lock.
final class ControllerChannel: Sendable {
    struct Unreachable: Error, CustomStringConvertible {
        var description: String { "no controller is known, or it has no address on the inter-broker listener" }
    }

    private struct Link: Sendable {
        let id: BrokerID
        let endpoint: Endpoint
        let connection: BrokerConnection
        let versions: [ApiKey: ClosedRange<Int16>]
    }

    private let metadata: MetadataCache
    private let listener: String
    private let clientID: String
    private let group: any EventLoopGroup
    private let link = Mutex<Link?>(nil)

    init(metadata: MetadataCache, listener: String, clientID: String, group: any EventLoopGroup) {
        self.metadata = metadata
        self.listener = listener
        self.clientID = clientID
        self.group = group
    }

    /// Sends a request to the current controller in the newest version that both know, at most `highest`.
    ///
    /// - Parameter make: makes the request for the version that was agreed on.
    /// - Returns: the answer and its version.
    func send<Request: RequestMessage>(
        highest: Int16 = .max, _ make: (Int16) -> Request
    ) async throws -> (response: Request.Response, version: Int16) {
        let link = try await connected()
        guard let served = link.versions[Request.apiKey] else {
            throw ConnectionError.wire("the controller does not serve \(Request.apiKey)")
        }
        let version = min(served.upperBound, Request.versions.upperBound, highest)
        do {
            return (try await link.connection.send(make(version), version: version), version)
        } catch {
            forget(link)
            throw error
        }
    }

    /// Lets go of the connection, for instance when the controller says that it is none any more.
    func reset() {
        let old = link.withLock { link in
            defer { link = nil }
            return link
        }
        old?.connection.closeSoon()
    }

    private func forget(_ used: Link) {
        let isCurrent = link.withLock { link in
            guard link?.connection === used.connection else { return false }
            link = nil
            return true
        }
        if isCurrent { used.connection.closeSoon() }
    }

    private func connected() async throws -> Link {
        guard let (id, endpoint) = metadata.current.controllerEndpoint(listener: listener) else { throw Unreachable() }
        if let link = link.withLock({ $0 }), link.id == id, link.endpoint == endpoint, link.connection.isOpen {
            return link
        }
        reset()
        let connection = try await BrokerConnection.connect(
            host: endpoint.host, port: Int(endpoint.port), options: .init(clientID: clientID), on: group)
        let answer = try await connection.send(ApiVersionsRequest(), version: 0)
        var versions: [ApiKey: ClosedRange<Int16>] = [:]
        for entry in answer.apiKeys where entry.minVersion <= entry.maxVersion {
            guard let key = ApiKey(rawValue: entry.apiKey) else { continue }
            versions[key] = entry.minVersion...entry.maxVersion
        }
        let made = Link(id: id, endpoint: endpoint, connection: connection, versions: versions)
        link.withLock { $0 = made }
        return made
    }
}
