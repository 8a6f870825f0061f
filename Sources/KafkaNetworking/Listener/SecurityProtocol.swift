// SPDX-License-Identifier: Apache-2.0

/// How a listener protects its connections, by the name that `listener.security.protocol.map` uses.
package enum SecurityProtocol: String, CaseIterable, Hashable, Sendable {
    case plaintext = "PLAINTEXT"
    case ssl = "SSL"
    case saslPlaintext = "SASL_PLAINTEXT"
    case saslSSL = "SASL_SSL"

    /// Whether this build can serve it. `Listener.bind` refuses the others rather than serve them unprotected.
    package var isServed: Bool { self == .plaintext }
}
