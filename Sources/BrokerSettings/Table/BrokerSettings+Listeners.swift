// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Listeners, connections, sockets.
    static let listeners: [Setting] = [
        Setting(
            "listeners", .string, "PLAINTEXT://:9092", .any, .perBroker,
            documentation:
                "Where to listen, as `NAME://host:port,…`; an empty host means all interfaces, port 0 any free port."),
        Setting(
            "advertised.listeners", .string, nil, .any, .perBroker,
            documentation: "The addresses told to clients and other brokers; those of `listeners` where unset."),
        Setting(
            "listener.security.protocol.map", .string,
            "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", .any, .perBroker,
            documentation: "Which of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL each listener name speaks."),
        Setting(
            "control.plane.listener.name", .string, nil,
            documentation: "The listener that carries nothing but the controller's requests."),
        Setting(
            "socket.send.buffer.bytes", .int, "102400",
            documentation: "Send buffer of a client's socket; -1 leaves it to the system."),
        Setting(
            "socket.receive.buffer.bytes", .int, "102400",
            documentation: "Receive buffer of a client's socket; -1 leaves it to the system."),
        Setting(
            "socket.request.max.bytes", .int, "104857600", .atLeast(1),
            documentation: "The largest request; a connection that announces a larger one is closed."),
        Setting(
            "socket.listen.backlog.size", .int, "50", .atLeast(1),
            documentation: "How many connections may wait to be accepted."),
        Setting(
            "max.connections.per.ip", .int, "2147483647", .atLeast(0), .clusterWide,
            documentation: "The most connections from one address."),
        Setting(
            "max.connections.per.ip.overrides", .string, "", .any, .clusterWide,
            documentation: "Exceptions to `max.connections.per.ip`, as `address:count,…`."),
        Setting(
            "max.connections", .int, "2147483647", .atLeast(0), .clusterWide,
            documentation: "The most connections in all."),
        Setting(
            "max.connection.creation.rate", .int, "2147483647", .atLeast(0), .clusterWide, relevance: .idle,
            documentation: "The most connections accepted per second."),
        Setting(
            "connections.max.idle.ms", .long, "600000",
            documentation: "A connection without a request for this long is closed."),
        Setting(
            "connection.failed.authentication.delay.ms", .int, "100", .atLeast(0), relevance: .idle,
            documentation: "How long the answer to a failed authentication is held back."),
        Setting(
            "queued.max.requests", .int, "500", .atLeast(1), relevance: .idle,
            documentation: "The most requests that wait for a thread."),
        Setting(
            "queued.max.request.bytes", .long, "-1",
            documentation: "The most bytes of requests held in memory before reading stops; no bound where negative."),
        Setting(
            "num.network.threads", .int, "3", .atLeast(1), .clusterWide,
            documentation:
                "Event loops that serve the sockets, at most one for each processor. A change takes effect with the next start."
        ),
    ]
}
