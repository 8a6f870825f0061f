// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// Looks after a cluster: its topics, settings, offsets and groups.
///
/// ```swift
/// let admin = try AdminClient(ClientConfiguration(bootstrapServers: "127.0.0.1:9092"))
/// try await admin.createTopic("orders", partitions: 6, replicationFactor: 3)
/// let topics = try await admin.listTopics()
/// await admin.close()
/// ```
///
/// Thread-safe. Each call tries again after errors that pass, at most for `default.api.timeout.ms`, then throws
/// ``KafkaError``.
public final class AdminClient: Sendable {
    /// Who answers a request.
    package enum Destination: Sendable {
        case anyBroker
        case controller
        case broker(BrokerID)
        case coordinator(Cluster.CoordinatorKind, String)
    }

    let configuration: ClientConfiguration
    package let cluster: Cluster

    /// A client with the given settings. Connects when it is first used.
    public convenience init(_ configuration: ClientConfiguration) throws {
        try self.init(configuration, observer: { _ in })
    }

    package init(_ configuration: ClientConfiguration, observer: @escaping @Sendable (Cluster.Event) -> Void) throws {
        var configuration = configuration
        if configuration.clientID.isEmpty { configuration.clientID = "adminclient-1" }
        self.configuration = configuration
        cluster = try Cluster(configuration, observer: observer)
    }

    /// Ends all connections.
    public func close() async { await cluster.close() }

    /// Sends any request, and tries again while it gets no answer or `error` finds one in it that passes.
    ///
    /// - Parameters:
    ///   - call: what a time-out's message names the call, as Java's admin client does.
    ///   - error: the error that decides over another try; `.none` if there is none.
    package func send<Request: RequestMessage>(
        _ request: Request, to destination: Destination, call: String, latest: Int16 = .max,
        error code: (Request.Response) -> ErrorCode = { _ in .none }
    ) async throws -> Request.Response {
        let deadline = ContinuousClock.now + configuration.apiTimeout
        var backoff = Backoff(configuration)
        while true {
            var hasNode = false
            do {
                let link = try await link(to: destination)
                hasNode = true
                let response = try await link.send(request, latest: latest)
                let found = code(response)
                if found.isNone || !found.isRetriable || ContinuousClock.now >= deadline { return response }
                await forget(destination)
            } catch let error as KafkaError where error.isRetriable {
                await forget(destination)
                guard ContinuousClock.now < deadline else {
                    throw KafkaError(
                        .timeout,
                        hasNode
                            ? "Call(callName=\(call)) timed out."
                            : "Timed out waiting for a node assignment. Call: \(call)")
                }
            }
            try await backoff.wait(until: deadline)
        }
    }

    private func link(to destination: Destination) async throws -> BrokerLink {
        switch destination {
        case .anyBroker: return try await cluster.anyLink()
        case .controller: return try await cluster.link(to: try await cluster.controller())
        case .broker(let id):
            if cluster.withSnapshot({ $0.brokers[id] == nil }) { try await cluster.refresh(topics: []) }
            return try await cluster.link(to: id)
        case .coordinator(let kind, let key):
            return try await cluster.link(to: try await cluster.coordinator(kind, key))
        }
    }

    private func forget(_ destination: Destination) async {
        switch destination {
        case .controller: await cluster.forgetController()
        case .coordinator(let kind, let key): await cluster.forgetCoordinator(kind, key)
        case .anyBroker, .broker: break
        }
    }

    var requestTimeout: Int32 { configuration.requestTimeout.milliseconds32 }

    /// Metadata of topics (nil: of all), tried again like every call.
    package func metadata(topics: Set<String>?, call: String) async throws -> ClusterSnapshot {
        let deadline = ContinuousClock.now + configuration.apiTimeout
        var backoff = Backoff(configuration)
        while true {
            do {
                return try await cluster.refresh(topics: topics)
            } catch let error as KafkaError where error.isRetriable {
                guard ContinuousClock.now < deadline else {
                    throw KafkaError(.timeout, "Timed out waiting for a node assignment. Call: \(call)")
                }
            }
            try await backoff.wait(until: deadline)
        }
    }
}
