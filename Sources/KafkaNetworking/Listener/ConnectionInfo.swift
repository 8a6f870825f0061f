// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Synchronization

/// Who is at the other end of a connection, and through which door it came.
///
/// One object per connection, shared by all its requests. Fixed but for what the client tells about itself.
package final class ConnectionInfo: Sendable {
    /// What a client says of itself in ApiVersions v3+ (KIP-511).
    package struct ClientSoftware: Hashable, Sendable {
        package var name: String
        package var version: String

        package init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    /// Unique in this process, as Kafka writes it: `localHost:localPort-remoteHost:remotePort-index`.
    package let id: String
    /// Larger for each connection that a listener accepts.
    package let number: Int
    /// The client's address in text form, without port; IPv4 clients of an IPv6 socket in dotted form.
    package let remoteHost: String
    package let remotePort: Int
    package let listenerName: String
    package let securityProtocol: SecurityProtocol
    /// Whether it came through the control plane listener.
    package let isPrivileged: Bool
    /// `User:ANONYMOUS` unless an exchange of the security protocol has said otherwise.
    package let principal: String
    private let software = Mutex<ClientSoftware?>(nil)

    package init(
        id: String, number: Int = 0, remoteHost: String, remotePort: Int, listenerName: String,
        securityProtocol: SecurityProtocol = .plaintext, isPrivileged: Bool = false,
        principal: String = "User:ANONYMOUS"
    ) {
        self.id = id
        self.number = number
        self.remoteHost = remoteHost
        self.remotePort = remotePort
        self.listenerName = listenerName
        self.securityProtocol = securityProtocol
        self.isPrivileged = isPrivileged
        self.principal = principal
    }

    /// Set by the handler of ApiVersions; nil for clients older than KIP-511.
    package var clientSoftware: ClientSoftware? {
        get { software.withLock { $0 } }
        set { software.withLock { $0 = newValue } }
    }
}
