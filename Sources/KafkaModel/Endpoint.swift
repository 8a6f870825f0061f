// SPDX-License-Identifier: Apache-2.0

/// How a listener protects its connections, by the number that control requests carry.
package enum SecurityProtocol: Int16, CaseIterable, Hashable, Sendable {
    case plaintext = 0
    case ssl = 1
    case saslPlaintext = 2
    case saslSSL = 3

    /// The name in `listener.security.protocol.map` and in broker registrations, such as `SASL_PLAINTEXT`.
    package var name: String {
        switch self {
        case .plaintext: "PLAINTEXT"
        case .ssl: "SSL"
        case .saslPlaintext: "SASL_PLAINTEXT"
        case .saslSSL: "SASL_SSL"
        }
    }

    /// The protocol of that name; case does not matter, as in Kafka.
    package init?(name: String) {
        let upper = name.uppercased()
        guard let match = Self.allCases.first(where: { $0.name == upper }) else { return nil }
        self = match
    }

    package var usesTLS: Bool { self == .ssl || self == .saslSSL }
    package var usesSASL: Bool { self == .saslPlaintext || self == .saslSSL }
}

/// One listener of a broker: its name, where it is, and what it speaks. An element of `listeners` and
/// `advertised.listeners`, of a broker's registration and of UpdateMetadata.
package struct Endpoint: Hashable, Sendable {
    /// In capitals.
    package var listenerName: String
    /// Without the brackets of an IPv6 address. Empty means all interfaces in `listeners`, and this machine's own
    /// full name in `advertised.listeners`.
    package var host: String
    /// 0 means any free port in `listeners`.
    package var port: Int32
    package var securityProtocol: SecurityProtocol

    package init(listenerName: String, host: String, port: Int32, securityProtocol: SecurityProtocol) {
        self.listenerName = listenerName
        self.host = host
        self.port = port
        self.securityProtocol = securityProtocol
    }

    /// `NAME://host:port`, as the setting and the broker's znode have it.
    package var connectionString: String {
        host.contains(":") ? "\(listenerName)://[\(host)]:\(port)" : "\(listenerName)://\(host):\(port)"
    }
}
