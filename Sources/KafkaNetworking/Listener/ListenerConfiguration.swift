// SPDX-License-Identifier: Apache-2.0

import KafkaModel

import KafkaModel

/// What a listener is called, where it listens and what it allows. The defaults are Kafka's.
package struct ListenerConfiguration: Sendable {
    /// Name, security protocol, and the address to bind: host empty for all interfaces (IPv6 and IPv4 where the kernel
    /// has both), port 0 for any that is free (see `Listener.port`).
    package var endpoint: Endpoint
    /// Whether this is the control plane listener (`control.plane.listener.name`, KIP-291).
    package var isPrivileged: Bool
    package var sockets: SocketOptions
    package var limits: ConnectionLimits

    package init(
        endpoint: Endpoint, isPrivileged: Bool = false, sockets: SocketOptions = SocketOptions(),
        limits: ConnectionLimits = ConnectionLimits()
    ) {
        self.endpoint = endpoint
        self.isPrivileged = isPrivileged
        self.sockets = sockets
        self.limits = limits
    }
}

/// The sizes that the kernel is asked for.
///
/// By default none: a fixed receive buffer of Kafka's 100 KiB more than doubles the CPU time of receiving large requests
/// (`Tests/Benchmarks`: 0.34 against 0.14 CPU s/GB), since each read finds little. Pass a size where the operator has
/// set one.
package struct SocketOptions: Hashable, Sendable {
    /// `socket.send.buffer.bytes`; nil (Kafka's −1) leaves it to the kernel, which then adapts it to the path.
    package var sendBufferBytes: Int?
    /// `socket.receive.buffer.bytes`; nil (Kafka's −1) leaves it to the kernel, which then adapts it to the path.
    package var receiveBufferBytes: Int?
    /// `socket.listen.backlog.size`: connections that the kernel keeps while they wait to be accepted.
    package var backlog: Int

    package init(sendBufferBytes: Int? = nil, receiveBufferBytes: Int? = nil, backlog: Int = 50) {
        self.sendBufferBytes = sendBufferBytes
        self.receiveBufferBytes = receiveBufferBytes
        self.backlog = backlog
    }
}

/// What one connection may claim, before and after it has shown that it speaks Kafka.
package struct ConnectionLimits: Hashable, Sendable {
    /// `socket.request.max.bytes`: a frame announced longer closes its connection.
    package var requestBytes: Int
    /// `connections.max.idle.ms`: without a byte in either direction, and no request in work, for so long, a connection
    /// is closed; nil for never.
    package var idleTime: Duration?
    /// How many bytes of requests one connection may have in work or waiting before it is no longer read from. The
    /// request that crosses the bound is still taken, so each request of a legal size is served.
    package var bytesInFlight: Int
    /// How many requests one connection may have in work or waiting before it is no longer read from.
    package var requestsInFlight: Int
    /// How many bytes of unfinished frames *all* connections together may announce that have not had a request
    /// answered yet. A newcomer's frame beyond 16 KiB is paid from here: it waits while nothing is left, and closes its
    /// connection if it is longer than that.
    package var newcomerBytes: Int
    /// How long a newcomer may take to complete its first frame.
    package var newcomerTime: Duration

    package init(
        requestBytes: Int = 104_857_600, idleTime: Duration? = .seconds(600), bytesInFlight: Int = 1 << 20,
        requestsInFlight: Int = 100, newcomerBytes: Int = 16 << 20, newcomerTime: Duration = .seconds(30)
    ) {
        self.requestBytes = requestBytes
        self.idleTime = idleTime
        self.bytesInFlight = bytesInFlight
        self.requestsInFlight = requestsInFlight
        self.newcomerBytes = newcomerBytes
        self.newcomerTime = newcomerTime
    }
}
