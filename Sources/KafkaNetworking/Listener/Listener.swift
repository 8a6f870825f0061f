// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A bound port whose connections are served by one handler.
///
/// Connections are spread over the event loops of the group given to `bind`, which it does not own. Lives from `serve`
/// to `close`.
package final class Listener: Sendable {
    package let configuration: ListenerConfiguration
    /// The port that was bound: the configured one, or what the kernel chose for 0.
    package let port: Int
    private let channel: any Channel
    private let resources: ListenerResources
    private let connections: ConnectionRegistry

    package var statistics: ListenerStatistics { resources.statistics }

    private init(
        configuration: ListenerConfiguration, channel: any Channel, resources: ListenerResources,
        connections: ConnectionRegistry
    ) {
        self.configuration = configuration
        self.channel = channel
        self.resources = resources
        self.connections = connections
        port = channel.localAddress?.port ?? Int(configuration.endpoint.port)
    }

    /// Binds the port, so that nobody else gets it, and refuses who connects.
    package static func claim(_ configuration: ListenerConfiguration) async throws(BindError) -> ClaimedPort {
        let endpoint = configuration.endpoint
        // TLS and SASL have their place between socket and frames; until they are there, nothing is served unprotected.
        guard endpoint.securityProtocol == .plaintext else {
            throw .securityProtocolNotServed(endpoint.securityProtocol, listener: endpoint.listenerName)
        }
        return try await ClaimedPort.bind(configuration)
    }

    /// Starts to accept at a port.
    ///
    /// - Parameters:
    ///   - port: one that is not served yet.
    ///   - admission: counts connections; share one among all listeners of a broker.
    ///   - requestMemory: `queued.max.request.bytes`, shared by all listeners; nil for no limit.
    ///   - observer: hears of every request that is done.
    package static func serve(
        _ port: ClaimedPort, handler: any RequestHandler, on group: any EventLoopGroup,
        admission: ConnectionAdmission = ConnectionAdmission(), requestMemory: MemoryBudget? = nil,
        observer: (any RequestObserver)? = nil, logger: Logger
    ) async throws(BindError) -> Listener {
        let configuration = port.configuration
        let endpoint = configuration.endpoint
        var logger = logger
        logger[metadataKey: "kafka.listener"] = "\(endpoint.listenerName)"
        let resources = ListenerResources(
            limits: configuration.limits, requestMemory: requestMemory, observer: observer)
        let connections = ConnectionRegistry()
        let bootstrap = bootstrap(
            configuration, handler: handler, on: group, admission: admission, resources: resources,
            connections: connections, logger: logger)
        try port.listen()
        do {
            let channel = try await bootstrap.withBoundSocket(port.takeSocket()).get()
            return Listener(
                configuration: configuration, channel: channel, resources: resources, connections: connections)
        } catch {
            throw BindError.other(host: endpoint.host, port: port.port, reason: "\(error)")
        }
    }

    /// Claims the port of a listener and serves it.
    package static func bind(
        _ configuration: ListenerConfiguration, handler: any RequestHandler, on group: any EventLoopGroup,
        admission: ConnectionAdmission = ConnectionAdmission(), requestMemory: MemoryBudget? = nil,
        observer: (any RequestObserver)? = nil, logger: Logger
    ) async throws(BindError) -> Listener {
        try await serve(
            try await claim(configuration), handler: handler, on: group, admission: admission,
            requestMemory: requestMemory, observer: observer, logger: logger)
    }

    /// Stops to accept; the port is free when this returns. Connections stay.
    package func stopAccepting() async {
        try? await channel.close()
    }

    /// Stops to accept and closes all connections, whatever they are doing.
    package func close() async {
        await stopAccepting()
        await connections.closeAll()
    }
}

extension Listener {
    private static func bootstrap(
        _ configuration: ListenerConfiguration, handler: any RequestHandler, on group: any EventLoopGroup,
        admission: ConnectionAdmission, resources: ListenerResources, connections: ConnectionRegistry, logger: Logger
    ) -> ServerBootstrap {
        let sockets = configuration.sockets
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AdmissionHandler(
                            listener: configuration.endpoint.listenerName, admission: admission,
                            statistics: resources.statistics,
                            logger: logger))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            // One read at a time, which `FrameReceiver` depends on.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try initialize(
                        channel, configuration, handler: handler, resources: resources, connections: connections,
                        logger: logger)
                }
            }
        if let bytes = sockets.sendBufferBytes {
            bootstrap = bootstrap.childChannelOption(.socketOption(.so_sndbuf), value: .init(clamping: bytes))
        }
        return bootstrap
    }

    private static func initialize(
        _ channel: any Channel, _ configuration: ListenerConfiguration, handler: any RequestHandler,
        resources: ListenerResources, connections: ConnectionRegistry, logger: Logger
    ) throws {
        let info = ConnectionInfo(channel, configuration, index: connections.add(channel))
        var logger = logger
        logger[metadataKey: "kafka.connection"] = "\(info.id)"
        let limits = configuration.limits
        let receiver = FrameReceiver(limit: min(limits.requestBytes, limits.newcomerBytes), growth: .newcomer)
        try channel.syncOptions?.setOption(.recvAllocator, value: FrameAllocator(receiver))
        try channel.pipeline.syncOperations.addHandler(
            ConnectionHandler(
                eventLoop: channel.eventLoop, info: info, handler: handler, shared: resources, receiver: receiver,
                logger: logger))
    }
}

/// The open connections of a listener. Thread-safe.
final class ConnectionRegistry: Sendable {
    private struct State {
        var channels: [Int: any Channel] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    /// Keeps the channel until it is closed. Returns its index, which is unique in this registry.
    func add(_ channel: any Channel) -> Int {
        let index = state.withLock { state in
            defer { state.next += 1 }
            state.channels[state.next] = channel
            return state.next
        }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { _ = $0.channels.removeValue(forKey: index) }
        }
        return index
    }

    func closeAll() async {
        for channel in state.withLock({ Array($0.channels.values) }) { try? await channel.close() }
    }
}

extension ConnectionInfo {
    fileprivate convenience init(_ channel: any Channel, _ configuration: ListenerConfiguration, index: Int) {
        let local = channel.localAddress
        let remote = channel.remoteAddress
        let remoteHost = remote?.textualHost ?? ""
        let remotePort = remote?.port ?? 0
        self.init(
            id: "\(local?.textualHost ?? ""):\(local?.port ?? 0)-\(remoteHost):\(remotePort)-\(index)",
            number: index,
            remoteHost: remoteHost, remotePort: remotePort,
            listenerName: configuration.endpoint.listenerName,
            securityProtocol: configuration.endpoint.securityProtocol, isPrivileged: configuration.isPrivileged)
    }
}

extension SocketAddress {
    /// The IP address as text; that of an IPv4 peer on an IPv6 socket in dotted form, as ACLs and quotas name it.
    var textualHost: String? {
        guard let text = ipAddress else { return nil }
        let mapped = "::ffff:"
        return text.hasPrefix(mapped) && text.contains(".") ? String(text.dropFirst(mapped.count)) : text
    }
}
