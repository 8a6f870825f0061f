// SPDX-License-Identifier: Apache-2.0

/// Where the ensemble is: `host:port,host:port[/chroot]`.
package struct ZooKeeperConnectString: Hashable, Sendable, CustomStringConvertible {
    /// The servers, separated by commas, as given.
    package let servers: String
    /// Every path is below this one; empty when there is no chroot.
    package let chroot: String

    /// Throws ``ZooKeeperError/badConnectString(_:)``. A server without a port gets 2181, as in Kafka.
    package init(_ text: String) throws(ZooKeeperError) {
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        let path = String(text[slash...])
        let chroot = path == "/" ? "" : path
        guard chroot.isEmpty || ZNodePath.isValid(chroot, mode: .persistent) else {
            throw .badConnectString("\(text): the chroot is not a valid path")
        }
        var servers: [String] = []
        for part in text[..<slash].split(separator: ",", omittingEmptySubsequences: false) {
            let server = part.filter { $0 != " " }
            guard !server.isEmpty else { throw .badConnectString("\(text): a server's name is empty") }
            guard let address = Self.withPort(server) else {
                throw .badConnectString("\(text): \(server) is not host:port")
            }
            servers.append(address)
        }
        self.servers = servers.joined(separator: ",")
        self.chroot = chroot
    }

    private init(servers: String, chroot: String) {
        self.servers = servers
        self.chroot = chroot
    }

    /// The same servers with another chroot, or with none.
    package func with(chroot: String) -> ZooKeeperConnectString {
        ZooKeeperConnectString(servers: servers, chroot: chroot)
    }

    package var description: String { servers + chroot }

    private static func withPort(_ server: String) -> String? {
        if server.hasPrefix("[") {
            guard let bracket = server.firstIndex(of: "]") else { return nil }
            let rest = server[server.index(after: bracket)...]
            if rest.isEmpty { return server + ":2181" }
            guard rest.first == ":", let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
            return server
        }
        let colons = server.filter { $0 == ":" }.count
        if colons == 0 { return server + ":2181" }
        guard let colon = server.lastIndex(of: ":"), colon != server.startIndex,
            let port = UInt16(server[server.index(after: colon)...]), port > 0
        else { return nil }
        return server
    }
}

/// Credentials that a session presents each time it connects.
package struct ZooKeeperCredentials: Hashable, Sendable {
    package var scheme: String
    package var secret: [UInt8]

    package init(scheme: String, secret: [UInt8]) {
        self.scheme = scheme
        self.secret = secret
    }

    /// The `digest` scheme: a user and a password.
    package static func digest(user: String, password: String) -> ZooKeeperCredentials {
        ZooKeeperCredentials(scheme: "digest", secret: Array("\(user):\(password)".utf8))
    }
}

/// The files for TLS, all PEM. The C client of Debian has no TLS: see ``ZooKeeperError/tlsNotSupported``.
package struct ZooKeeperTLS: Hashable, Sendable {
    package var certificateAuthorities: String
    package var clientCertificate: String
    package var clientKey: String
    package var keyPassword: String

    package init(certificateAuthorities: String, clientCertificate: String, clientKey: String, keyPassword: String) {
        self.certificateAuthorities = certificateAuthorities
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.keyPassword = keyPassword
    }

    /// Whether the ZooKeeper library at hand can do TLS.
    package static var isSupported: Bool { CHandle.tlsFunction != nil }
}

/// How a session is made and kept.
package struct ZooKeeperConfiguration: Hashable, Sendable {
    package var connect: ZooKeeperConnectString
    /// `zookeeper.session.timeout.ms`: what is asked for; the server may grant more or less.
    package var sessionTimeout: Duration
    /// `zookeeper.connection.timeout.ms`: how long the first connection may take. Kafka's default is the session timeout.
    package var connectionTimeout: Duration
    /// `zookeeper.max.in.flight.requests`: how many requests are under way at once; others wait in order.
    /// From 1 to 10,000 (beyond that, the C client's wake-up pipe could fill).
    package var maxInFlightRequests: Int
    /// `jute.maxbuffer` of this side; larger requests are refused here. Kafka's default of 4 MiB; the server has its own,
    /// 1 MiB unless set, and closes the connection on what exceeds it.
    package var maxRequestBytes: Int
    package var credentials: [ZooKeeperCredentials]
    package var tls: ZooKeeperTLS?

    package init(
        connect: ZooKeeperConnectString, sessionTimeout: Duration = .seconds(18), connectionTimeout: Duration? = nil,
        maxInFlightRequests: Int = 10, maxRequestBytes: Int = 4096 * 1024, credentials: [ZooKeeperCredentials] = [],
        tls: ZooKeeperTLS? = nil
    ) {
        self.connect = connect
        self.sessionTimeout = sessionTimeout
        self.connectionTimeout = connectionTimeout ?? sessionTimeout
        self.maxInFlightRequests = maxInFlightRequests
        self.maxRequestBytes = maxRequestBytes
        self.credentials = credentials
        self.tls = tls
    }
}

extension Duration {
    /// Whole milliseconds, within what a 32-bit number holds.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let bounded = min(max(seconds, 0), Int64(Int32.max) / 1000)
        return min(bounded * 1000 + attoseconds / 1_000_000_000_000_000, Int64(Int32.max))
    }
}
