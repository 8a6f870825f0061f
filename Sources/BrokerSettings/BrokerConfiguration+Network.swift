// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension BrokerConfiguration {
    /// Listeners, and what bounds their connections.
    package struct Network: Hashable, Sendable {
        package let listeners: [Endpoint]
        /// What clients and brokers are told. A port of 0 or an empty host is to be filled in from the bound socket
        /// and this machine's name.
        package let advertised: [Endpoint]
        package let interBrokerListener: String
        package let interBrokerSecurity: SecurityProtocol
        package let controlPlaneListener: String?
        package let securityProtocols: [String: SecurityProtocol]
        /// Event loops.
        package let networkThreads: Int
        package let ioThreads: Int
        package let backgroundThreads: Int
        /// nil: the system's choice.
        package let sendBufferBytes: Int?
        package let receiveBufferBytes: Int?
        /// The largest frame.
        package let maxRequestBytes: Int
        package let backlog: Int
        package let maxConnections: Int
        package let maxConnectionsByListener: [String: Int]
        package let maxConnectionsPerIP: Int
        package let maxConnectionsPerIPOverrides: [String: Int]
        /// Connections per second.
        package let maxConnectionRate: Int
        package let maxConnectionRateByListener: [String: Int]
        /// nil: connections may idle for ever.
        package let maxIdle: Duration?
        package let failedAuthenticationDelay: Duration
        package let queuedMaxRequests: Int
        /// nil: no bound.
        package let queuedMaxRequestBytes: Int?
        /// For this broker's own requests.
        package let requestTimeout: Duration
        package let connectionSetupTimeout: Duration
        package let connectionSetupTimeoutMax: Duration

        init(_ values: SettingValues, texts: [String: String]) throws(SettingsError) {
            let protocols = try Self.protocols(values.string("listener.security.protocol.map") ?? "")
            securityProtocols = protocols
            listeners = try Endpoint.list(
                values.string("listeners") ?? "", protocols: protocols, distinctPorts: true)
            if let written = values.string("advertised.listeners"), !written.isEmpty {
                advertised = try Endpoint.list(written, protocols: protocols, distinctPorts: false)
            } else {
                advertised = listeners
            }
            (interBrokerListener, interBrokerSecurity) = try Self.interBroker(values, texts, protocols)
            controlPlaneListener = values.string("control.plane.listener.name")?.uppercased()
            networkThreads = values.integer("num.network.threads")
            ioThreads = values.integer("num.io.threads")
            backgroundThreads = values.integer("background.threads")
            sendBufferBytes = Self.buffer(values.integer("socket.send.buffer.bytes"))
            receiveBufferBytes = Self.buffer(values.integer("socket.receive.buffer.bytes"))
            maxRequestBytes = values.integer("socket.request.max.bytes")
            backlog = values.integer("socket.listen.backlog.size")
            maxConnections = values.integer("max.connections")
            maxConnectionsByListener = Self.byListener("max.connections", values, listeners)
            maxConnectionsPerIP = values.integer("max.connections.per.ip")
            maxConnectionsPerIPOverrides = try Self.counts(values.string("max.connections.per.ip.overrides") ?? "")
            maxConnectionRate = values.integer("max.connection.creation.rate")
            maxConnectionRateByListener = Self.byListener("max.connection.creation.rate", values, listeners)
            maxIdle = values.boundedMilliseconds("connections.max.idle.ms")
            failedAuthenticationDelay = values.milliseconds("connection.failed.authentication.delay.ms")
            queuedMaxRequests = values.integer("queued.max.requests")
            let queued = values.integer("queued.max.request.bytes")
            queuedMaxRequestBytes = queued > 0 ? queued : nil
            requestTimeout = values.milliseconds("request.timeout.ms")
            connectionSetupTimeout = values.milliseconds("socket.connection.setup.timeout.ms")
            connectionSetupTimeoutMax = values.milliseconds("socket.connection.setup.timeout.max.ms")
        }

        private static func buffer(_ bytes: Int) -> Int? { bytes == -1 ? nil : bytes }

        private static func byListener(
            _ name: String, _ values: SettingValues, _ listeners: [Endpoint]
        ) -> [String: Int] {
            var limits: [String: Int] = [:]
            for listener in listeners {
                let own = "listener.name.\(listener.listenerName.lowercased()).\(name)"
                limits[listener.listenerName] = values.optionalInteger(own)
            }
            return limits
        }

        private static func protocols(_ text: String) throws(SettingsError) -> [String: SecurityProtocol] {
            var protocols: [String: SecurityProtocol] = [:]
            for element in text.splittingList where !element.isEmpty {
                guard let mark = element.lastIndex(of: ":") else {
                    throw .contradiction(
                        """
                        Error parsing configuration property 'listener.security.protocol.map': '\(element)' is not \
                        NAME:PROTOCOL
                        """
                    )
                }
                let security = element[element.index(after: mark)...].trimmingBlanks.uppercased()
                guard let value = SecurityProtocol(name: security) else {
                    throw .contradiction(
                        "Invalid security protocol `\(security)` defined in listener.security.protocol.map")
                }
                protocols[element[..<mark].trimmingBlanks.uppercased()] = value
            }
            return protocols
        }

        private static func interBroker(
            _ values: SettingValues, _ texts: [String: String], _ protocols: [String: SecurityProtocol]
        ) throws(SettingsError) -> (String, SecurityProtocol) {
            guard let name = values.string("inter.broker.listener.name")?.uppercased() else {
                let text = values.string("security.inter.broker.protocol") ?? ""
                guard let security = SecurityProtocol(name: text) else {
                    throw .invalidValue(
                        name: "security.inter.broker.protocol", value: text, reason: "Unknown security protocol")
                }
                return (security.name, security)
            }
            guard texts["security.inter.broker.protocol"] == nil else {
                throw .contradiction(
                    "Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.")
            }
            guard let security = protocols[name] else {
                throw .contradiction(
                    """
                    Listener with name \(name) defined in inter.broker.listener.name not found in \
                    listener.security.protocol.map.
                    """
                )
            }
            return (name, security)
        }

        private static func counts(_ text: String) throws(SettingsError) -> [String: Int] {
            var counts: [String: Int] = [:]
            for element in text.splittingList where !element.isEmpty {
                guard let mark = element.lastIndex(of: ":"),
                    let count = Int(element[element.index(after: mark)...].trimmingBlanks), count >= 0
                else {
                    throw .contradiction(
                        """
                        Error parsing configuration property 'max.connections.per.ip.overrides': '\(element)' is not \
                        address:count
                        """
                    )
                }
                counts[element[..<mark].trimmingBlanks] = count
            }
            return counts
        }
    }
}
