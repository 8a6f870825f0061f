// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// A port that answers GET and HEAD for a few paths, for whoever watches the process.
///
/// It has one thread of its own, so that it answers also when everything else stands still, and so that nobody who asks it
/// takes anything from the rest. Lives from ``bind(host:port:routes:limits:logger:)`` to ``close()``.
package final class HTTPListener: Sendable {
    /// The port that was bound: the one asked for, or what the kernel chose for 0.
    package let port: Int
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    private init(channel: any Channel, group: MultiThreadedEventLoopGroup) {
        self.channel = channel
        self.group = group
        port = channel.localAddress?.port ?? 0
    }

    /// Binds a port and answers.
    ///
    /// - Parameters:
    ///   - host: an address or a name; empty for all interfaces.
    ///   - routes: by path.
    package static func bind(
        host: String, port: Int, routes: [String: HTTPRoute], limits: HTTPLimits = HTTPLimits(), logger: Logger
    ) async throws(HTTPBindError) -> HTTPListener {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connections = HTTPConnections(limit: limits.connections, eventLoop: group.next())
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    let size = HTTPSizeLimit(bytes: limits.requestBytes)
                    try pipeline.addHandler(size)
                    try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                    try pipeline.addHandler(
                        HTTPConnectionHandler(
                            channel: channel, size: size, routes: routes, limits: limits, connections: connections,
                            logger: logger))
                }
            }
        do {
            return HTTPListener(channel: try await bind(bootstrap, host: host, port: port), group: group)
        } catch {
            try? await group.shutdownGracefully()
            let place = "\(host.isEmpty ? "*" : host):\(port)"
            let reason = (error as? IOError).map { Self.text(of: $0.errnoCode) } ?? "\(error)"
            throw HTTPBindError(
                description: "\(place) cannot be bound: \(reason)",
                isPermissionDenied: (error as? IOError)?.errnoCode == EACCES)
        }
    }

    /// All interfaces are one IPv6 socket that takes IPv4 too, or an IPv4 socket where there is no IPv6.
    private static func bind(_ bootstrap: ServerBootstrap, host: String, port: Int) async throws -> any Channel {
        guard host.isEmpty else { return try await bootstrap.bind(host: host, port: port).get() }
        do {
            return try await bootstrap.bind(to: SocketAddress(ipAddress: "::", port: port)).get()
        } catch let error as IOError where error.errnoCode == EAFNOSUPPORT || error.errnoCode == EADDRNOTAVAIL {
            return try await bootstrap.bind(to: SocketAddress(ipAddress: "0.0.0.0", port: port)).get()
        }
    }

    private static func text(of code: CInt) -> String {
        switch code {
        case EADDRINUSE: "the port is in use"
        case EADDRNOTAVAIL: "this machine does not have the address"
        case EACCES, EPERM: "permission denied"
        default: String(cString: strerror(code))
        }
    }

    /// Closes the port and all connections, and ends the thread.
    package func close() async {
        try? await channel.close()
        try? await group.shutdownGracefully()
    }
}

/// The open connections, by how long they have waited for their clients.
///
/// Owner: the event loop that all of them share.
// Confined to `eventLoop`: every stored `var` is touched on this loop only, by the handlers of channels, all of which live on it.
final class HTTPConnections: @unchecked Sendable {
    private let eventLoop: any EventLoop
    private let limit: Int
    private var waiting: [any Channel] = []
    private var count = 0

    init(limit: Int, eventLoop: any EventLoop) {
        self.limit = limit
        self.eventLoop = eventLoop
    }

    func opened(_ channel: any Channel) {
        eventLoop.assertInEventLoop()
        count += 1
        waiting.append(channel)
        if count > limit { waiting.first?.close(promise: nil) }
    }

    /// The client has asked, so now it waits.
    func asked(_ channel: any Channel) {
        eventLoop.assertInEventLoop()
        waiting.removeAll { $0 === channel }
    }

    /// The client has its answer, so now it is waited for.
    func answered(_ channel: any Channel) {
        eventLoop.assertInEventLoop()
        waiting.append(channel)
    }

    func closed(_ channel: any Channel) {
        eventLoop.assertInEventLoop()
        count -= 1
        waiting.removeAll { $0 === channel }
    }
}
