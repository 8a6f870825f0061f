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

    /// A connection that is being made. Who comes meanwhile waits for it.
    private struct Attempt: Sendable {
        let number: Int
        let id: BrokerID
        let endpoint: Endpoint
        let link: Task<Link, any Error>
    }

    private struct State {
        var link: Link?
        var attempt: Attempt?
        var attempts = 0

        /// Lets go of what there is; an attempt that runs ends with nothing.
        mutating func reset() -> Link? {
            defer { link = nil }
            attempt = nil
            return link
        }
    }

    private let metadata: MetadataCache
    private let listener: String
    private let clientID: String
    private let group: any EventLoopGroup
    private let state = Mutex(State())

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
    func reset() { state.withLock { $0.reset() }?.connection.closeSoon() }

    private func forget(_ used: Link) {
        let isCurrent = state.withLock { state in
            guard state.link?.connection === used.connection else { return false }
            state.link = nil
            return true
        }
        if isCurrent { used.connection.closeSoon() }
    }

    private func connected() async throws -> Link {
        guard let (id, endpoint) = metadata.current.controllerEndpoint(listener: listener) else { throw Unreachable() }
        let (found, attempt, old) = state.withLock { state -> (Link?, Attempt?, Link?) in
            if let link = state.link, link.id == id, link.endpoint == endpoint, link.connection.isOpen {
                return (link, nil, nil)
            }
            if let attempt = state.attempt, attempt.id == id, attempt.endpoint == endpoint {
                return (nil, attempt, nil)
            }
            let old = state.reset()
            state.attempts += 1
            let number = state.attempts
            // A bare task: it serves all who wait, so that none of them can cancel it.
            let attempt = Attempt(
                number: number, id: id, endpoint: endpoint,
                link: Task { try await self.connect(to: id, endpoint, attempt: number) })
            state.attempt = attempt
            return (nil, attempt, old)
        }
        old?.connection.closeSoon()
        if let found { return found }
        guard let attempt else { throw Unreachable() }
        return try await attempt.link.value
    }

    private func connect(to id: BrokerID, _ endpoint: Endpoint, attempt number: Int) async throws -> Link {
        do {
            let made = try await link(to: id, endpoint)
            let isWanted = state.withLock { state in
                guard state.attempt?.number == number else { return false }
                state.attempt = nil
                state.link = made
                return true
            }
            guard isWanted else {
                made.connection.closeSoon()
                throw Unreachable()
            }
            return made
        } catch {
            state.withLock { if $0.attempt?.number == number { $0.attempt = nil } }
            throw error
        }
    }

    private func link(to id: BrokerID, _ endpoint: Endpoint) async throws -> Link {
        let connection = try await BrokerConnection.connect(
            host: endpoint.host, port: Int(endpoint.port), options: .init(clientID: clientID), on: group)
        do {
            let answer = try await connection.send(ApiVersionsRequest(), version: 0)
            var versions: [ApiKey: ClosedRange<Int16>] = [:]
            for entry in answer.apiKeys where entry.minVersion <= entry.maxVersion {
                guard let key = ApiKey(rawValue: entry.apiKey) else { continue }
                versions[key] = entry.minVersion...entry.maxVersion
            }
            return Link(id: id, endpoint: endpoint, connection: connection, versions: versions)
        } catch {
            connection.closeSoon()
            throw error
        }
    }
}
