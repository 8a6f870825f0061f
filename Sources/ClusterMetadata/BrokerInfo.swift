// SPDX-License-Identifier: Apache-2.0

import KafkaModel

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
}

/// Where one listener of a broker can be reached.
package struct Endpoint: Hashable, Sendable {
    package var listenerName: String
    package var host: String
    package var port: Int32
    package var securityProtocol: SecurityProtocol

    package init(listenerName: String, host: String, port: Int32, securityProtocol: SecurityProtocol) {
        self.listenerName = listenerName
        self.host = host
        self.port = port
        self.securityProtocol = securityProtocol
    }
}

/// A broker that is alive, as its registration or the controller describes it.
package struct BrokerInfo: Hashable, Sendable {
    package var id: BrokerID
    /// The czxid of the registration; −1 where it is unknown (UpdateMetadata does not carry the epochs of others).
    package var epoch: BrokerEpoch
    package var rack: String?
    package var endpoints: [Endpoint]

    package init(id: BrokerID, epoch: BrokerEpoch = -1, rack: String? = nil, endpoints: [Endpoint]) {
        self.id = id
        self.epoch = epoch
        self.rack = rack
        self.endpoints = endpoints
    }

    /// The endpoint under a listener's name; nil when this broker has no such listener.
    package func endpoint(_ listenerName: String) -> Endpoint? {
        endpoints.first { $0.listenerName == listenerName }
    }
}
