// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import KafkaProtocol
import NIOCore
import NIOPosix
import Synchronization

/// A client's view of one cluster: a connection to each broker it talks to, and what it knows of leaders and coordinators.
///
/// Connections are made when first needed and again when lost. The actor owns them; the snapshot may be read from
/// anywhere at any time.
package actor Cluster {
    /// What happened that an operator may want to see.
    package enum Event: Sendable {
        case connectionFailed(ClusterSnapshot.Broker)
        /// A topic could not be looked up.
        case metadataError(topic: String, ErrorCode)
    }

    package enum CoordinatorKind: Int8, Sendable {
        case group = 0
        case transaction = 1
    }

    /// What a connection is for. Many brokers answer the requests of one connection strictly one after the other, so what
    /// waits there must not hold up the rest.
    package enum Purpose: Sendable {
        /// Records and metadata. A fetch waits for records.
        case data
        /// Heartbeats and commits, which do not wait.
        case coordination
        /// Joining a group, which waits for its other members.
        case rebalance
    }

    private struct LinkKey: Hashable {
        var broker: BrokerID
        var purpose: Purpose
    }

    package nonisolated let configuration: ClientConfiguration
    package nonisolated let eventLoopGroup: any EventLoopGroup
    private nonisolated let current = Mutex(ClusterSnapshot())
    private let observer: @Sendable (Event) -> Void
    private var links: [LinkKey: BrokerLink] = [:]
    private var connecting: [LinkKey: Task<BrokerLink, any Error>] = [:]
    private var refreshing: [Set<String>?: Task<ClusterSnapshot, any Error>] = [:]
    private var coordinators: [String: BrokerID] = [:]
    private var bootstrap: [ClusterSnapshot.Broker] = []
    private var lastBootstrap = 0
    private var isClosed = false

    /// - Parameter configuration: must name bootstrap servers.
    package init(
        _ configuration: ClientConfiguration,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        observer: @escaping @Sendable (Event) -> Void = { _ in }
    ) throws(KafkaError) {
        guard !configuration.bootstrapServers.isEmpty else {
            throw KafkaError(.configuration, "No bootstrap urls given in bootstrap.servers")
        }
        guard configuration.securityProtocol == "PLAINTEXT" else {
            throw KafkaError(
                .configuration,
                "Invalid value \(configuration.securityProtocol) for configuration security.protocol: only PLAINTEXT is supported"
            )
        }
        var id: BrokerID = -1
        for server in configuration.bootstrapServers {
            guard let broker = Self.parse(server, id: id) else {
                throw KafkaError(.configuration, "Invalid url in bootstrap.servers: \(server)")
            }
            bootstrap.append(broker)
            id -= 1
        }
        self.configuration = configuration
        self.eventLoopGroup = eventLoopGroup
        self.observer = observer
    }

    private static func parse(_ server: String, id: BrokerID) -> ClusterSnapshot.Broker? {
        var text = Substring(server)
        if let scheme = text.range(of: "://") { text = text[scheme.upperBound...] }
        guard let colon = text.lastIndex(of: ":"), let port = Int32(text[text.index(after: colon)...]),
            (1...65535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty ? nil : ClusterSnapshot.Broker(id: id, host: String(host), port: port)
    }

    /// What is known now.
    package nonisolated var snapshot: ClusterSnapshot { current.withLock { $0 } }

    /// Reads what is known now without copying it.
    package nonisolated func withSnapshot<Value: Sendable>(_ body: (ClusterSnapshot) -> Value) -> Value {
        current.withLock { body($0) }
    }

    /// Ends all connections.
    package func close() async {
        isClosed = true
        for task in connecting.values { task.cancel() }
        for link in links.values { await link.connection.close() }
        links = [:]
    }

    // MARK: Connections

    /// The connection to a broker, made if need be.
    package func link(to id: BrokerID, for purpose: Purpose = .data) async throws -> BrokerLink {
        let key = LinkKey(broker: id, purpose: purpose)
        if let link = links[key] {
            if link.connection.isOpen { return link }
            links[key] = nil
        }
        guard !isClosed else { throw KafkaError(.closed, "The client is closed.") }
        if let task = connecting[key] { return try await task.value }
        let known = current.withLock { $0.brokers[id] } ?? bootstrap.first { $0.id == id }
        guard let broker = known else { throw KafkaError(.disconnected, "Broker \(id) is not known.") }
        // Several callers may wait for one connection, so none of them owns the attempt.
        let task = Task { try await self.connect(broker) }
        connecting[key] = task
        defer { connecting[key] = nil }
        let link = try await task.value
        links[key] = link
        return link
    }

    private func connect(_ broker: ClusterSnapshot.Broker) async throws -> BrokerLink {
        let options = BrokerConnection.Options(
            clientID: configuration.clientID, connectTimeout: configuration.connectionTimeout,
            requestTimeout: configuration.requestTimeout, requestsInFlight: 100,
            sendBufferBytes: configuration.sendBufferBytes, receiveBufferBytes: configuration.receiveBufferBytes)
        let connection: BrokerConnection
        do {
            connection = try await BrokerConnection.connect(
                host: broker.host, port: Int(broker.port), options: options, on: eventLoopGroup)
        } catch {
            observer(.connectionFailed(broker))
            throw KafkaError(error)
        }
        do {
            let versions = try await negotiate(connection)
            return BrokerLink(broker: broker, connection: connection, brokerVersions: versions)
        } catch {
            connection.closeSoon()
            throw error
        }
    }

    /// Asks for the broker's versions; an older broker refuses the latest ApiVersions, so once more with what it knows.
    private func negotiate(_ connection: BrokerConnection) async throws -> [Int16: ClosedRange<Int16>] {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "martlet"
        request.clientSoftwareVersion = "3.9.0"
        do {
            var response = try await connection.send(request, version: ApiVersionsRequest.versions.upperBound)
            if response.errorCode == .unsupportedVersion {
                let latest = response.apiKeys.first { $0.apiKey == ApiKey.apiVersions.rawValue }?.maxVersion ?? 0
                response = try await connection.send(
                    request, version: min(max(latest, 0), ApiVersionsRequest.versions.upperBound))
            }
            guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
            return Dictionary(
                response.apiKeys.filter { $0.minVersion <= $0.maxVersion }.map {
                    ($0.apiKey, $0.minVersion...$0.maxVersion)
                }, uniquingKeysWith: { first, _ in first })
        } catch let error as ConnectionError {
            throw KafkaError(error)
        }
    }

    /// A connection to any broker: one that stands, else to a known broker, else to a bootstrap server.
    package func anyLink() async throws -> BrokerLink {
        let open = links.lazy.filter { $0.key.purpose == .data && $0.value.connection.isOpen }.map(\.value)
        if let link = open.first(where: { $0.broker.id >= 0 }) ?? open.first {
            return link
        }
        var failure: any Error = KafkaError(.disconnected, "No broker is known.")
        let known = current.withLock { $0.brokers.keys.shuffled() }
        for id in known {
            do { return try await link(to: id) } catch { failure = error }
        }
        for _ in bootstrap {
            lastBootstrap = (lastBootstrap + 1) % bootstrap.count
            let id = bootstrap[(lastBootstrap + bootstrap.count - 1) % bootstrap.count].id
            do { return try await link(to: id) } catch { failure = error }
        }
        throw failure
    }

    // MARK: Metadata

    /// Asks a broker for the given topics (nil: all), and keeps the answer.
    @discardableResult
    package func refresh(topics: Set<String>?, allowAutoCreation: Bool = false) async throws -> ClusterSnapshot {
        if let task = refreshing[topics] { return try await task.value }
        // Shared by all who want the same at the same time.
        let task = Task { try await self.fetchMetadata(topics, allowAutoCreation) }
        refreshing[topics] = task
        defer { refreshing[topics] = nil }
        return try await task.value
    }

    private func fetchMetadata(_ topics: Set<String>?, _ allowAutoCreation: Bool) async throws -> ClusterSnapshot {
        var request = MetadataRequest()
        request.topics = topics.map { names in
            names.sorted().map { name in
                var topic = MetadataRequest.MetadataRequestTopic()
                topic.name = name
                return topic
            }
        }
        request.allowAutoTopicCreation = allowAutoCreation
        let link = try await anyLink()
        let response = try await link.send(request)
        let update = ClusterSnapshot(response)
        for topic in update.topics.values where !topic.error.isNone {
            observer(.metadataError(topic: topic.name, topic.error))
        }
        return current.withLock { snapshot in
            snapshot.clusterID = update.clusterID
            snapshot.controller = update.controller
            snapshot.brokers = update.brokers
            if topics == nil {
                snapshot.topics = update.topics
            } else {
                for (name, topic) in update.topics { snapshot.topics[name] = topic }
            }
            return snapshot
        }
    }

    /// A topic with all that is needed to use it; asks until it is there or `deadline` passes.
    package func topic(
        _ name: String, before deadline: ContinuousClock.Instant, allowAutoCreation: Bool
    ) async throws -> ClusterSnapshot.Topic {
        var backoff = Backoff(configuration)
        while true {
            if let topic = current.withLock({ $0.topics[name] }) {
                if topic.error.isNone, !topic.partitions.isEmpty { return topic }
                if !topic.error.isNone, !topic.error.isRetriable { throw KafkaError(topic.error) }
            }
            do {
                try await refresh(topics: [name], allowAutoCreation: allowAutoCreation)
                if let topic = current.withLock({ $0.topics[name] }), topic.error.isNone, !topic.partitions.isEmpty {
                    return topic
                }
            } catch let error as KafkaError where error.isRetriable {}
            guard ContinuousClock.now < deadline else {
                throw KafkaError(
                    .timeout, "Topic \(name) not present in metadata after \(configuration.maxBlock.milliseconds) ms.")
            }
            try await backoff.wait(until: deadline)
        }
    }

    // MARK: Coordinators

    /// The broker that coordinates a group or a transactional id; asked for again after ``forgetCoordinator(_:_:)``.
    package func coordinator(_ kind: CoordinatorKind, _ key: String) async throws -> BrokerID {
        if let id = coordinators["\(kind.rawValue)/\(key)"] { return id }
        var request = FindCoordinatorRequest()
        request.keyType = kind.rawValue
        let link = try await anyLink()
        let version = try link.requireVersion(of: FindCoordinatorRequest.self, latest: 5)
        if version >= 4 { request.coordinatorKeys = [key] } else { request.key = key }
        let response = try await link.send(request, latest: 5)
        let broker: ClusterSnapshot.Broker
        if version >= 4 {
            guard let found = response.coordinators.first else {
                throw KafkaError(.malformedResponse, "FindCoordinator was answered without a coordinator.")
            }
            guard found.errorCode.isNone else { throw KafkaError(found.errorCode, found.errorMessage) }
            broker = .init(id: found.nodeID, host: found.host, port: found.port)
        } else {
            guard response.errorCode.isNone else { throw KafkaError(response.errorCode, response.errorMessage) }
            broker = .init(id: response.nodeID, host: response.host, port: response.port)
        }
        current.withLock { if $0.brokers[broker.id] == nil { $0.brokers[broker.id] = broker } }
        coordinators["\(kind.rawValue)/\(key)"] = broker.id
        return broker.id
    }

    package func forgetCoordinator(_ kind: CoordinatorKind, _ key: String) {
        coordinators["\(kind.rawValue)/\(key)"] = nil
    }

    /// The controller, from fresh metadata if it is not known.
    package func controller() async throws -> BrokerID {
        if let id = current.withLock({ $0.controller }) { return id }
        guard let id = try await refresh(topics: []).controller else {
            throw KafkaError(ErrorCode.coordinatorNotAvailable, "The cluster has no controller.")
        }
        return id
    }

    package func forgetController() { current.withLock { $0.controller = nil } }
}

extension ClusterSnapshot {
    init(_ response: MetadataResponse) {
        self.init()
        clusterID = response.clusterID
        controller = response.controllerID >= 0 ? response.controllerID : nil
        for broker in response.brokers {
            brokers[broker.nodeID] = Broker(id: broker.nodeID, host: broker.host, port: broker.port, rack: broker.rack)
        }
        for topic in response.topics {
            guard let name = topic.name else { continue }
            topics[name] = Topic(
                name: name, id: topic.topicID, isInternal: topic.isInternal, error: topic.errorCode,
                partitions: topic.partitions.map { partition in
                    Partition(
                        index: partition.partitionIndex, leader: partition.leaderID >= 0 ? partition.leaderID : nil,
                        leaderEpoch: partition.leaderEpoch, replicas: partition.replicaNodes,
                        inSync: partition.isrNodes, offline: partition.offlineReplicas, error: partition.errorCode)
                }.sorted { $0.index < $1.index },
                authorizedOperations: topic.topicAuthorizedOperations)
        }
    }
}

/// Waits that grow: `retry.backoff.ms`, doubled each time up to `retry.backoff.max.ms`, give or take a fifth (KIP-580).
package struct Backoff {
    private var next: Duration
    private let maximum: Duration

    package init(_ configuration: ClientConfiguration) {
        next = configuration.retryBackoff
        maximum = max(configuration.retryBackoffMaximum, configuration.retryBackoff)
    }

    /// Waits once more, but not past `deadline`.
    package mutating func wait(until deadline: ContinuousClock.Instant) async throws {
        let jittered = next * Double.random(in: 0.8...1.2)
        next = min(next * 2, maximum)
        try await Task.sleep(until: min(ContinuousClock.now + jittered, deadline), clock: .continuous)
    }
}

extension Substring {
    /// The first place where `part` stands. (Foundation's own is not imported here.)
    fileprivate func range(of part: String) -> Range<Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(part) { return index..<self.index(index, offsetBy: part.count) }
            index = self.index(after: index)
        }
        return nil
    }
}
