// SPDX-License-Identifier: Apache-2.0

/// Why ZooKeeper, or the client on its way there, refused a request: one case per code of the C client, and the few
/// failures that are this target's own.
package enum ZooKeeperError: Error, Hashable, Sendable {
    // MARK: The client and the connection

    /// A system call failed, or memory ran out in the C client.
    case systemError
    /// An operation of a failed multi that was not the cause of its failure, or an answer out of order.
    case runtimeInconsistency
    /// The server found data that contradicts itself.
    case dataInconsistency
    /// The connection went away. A write may or may not have been applied.
    case connectionLoss
    /// The request could not be serialised.
    case marshallingError
    /// The server, or the C client, does not know the operation.
    case unimplemented
    /// An operation took too long.
    case operationTimeout
    /// A path, mode or other argument is not allowed.
    case badArguments
    /// The handle can no longer be used.
    case invalidState
    /// The new configuration has no quorum that is connected and up to date.
    case newConfigNoQuorum
    /// Another reconfiguration runs.
    case reconfigInProgress
    /// TLS to the server failed.
    case sslConnectionError

    // MARK: The server's answer

    /// The node does not exist, or for a create its parent does not.
    case noNode
    /// The session's credentials do not allow the operation.
    case notAuthorised
    /// The version given is not the version found.
    case badVersion
    /// An ephemeral node cannot have children.
    case noChildrenForEphemerals
    /// The node exists already.
    case nodeExists
    /// The node has children.
    case notEmpty
    /// The server has ended the session; its ephemeral nodes are gone.
    case sessionExpired
    /// The callback given is not valid.
    case invalidCallback
    /// The access control list is not valid.
    case invalidACL
    /// The credentials were refused.
    case authFailed
    /// The session was closed on this side. A write that was under way may or may not have been applied.
    case closing
    /// Nothing to process.
    case nothing
    /// The session moved to another server.
    case sessionMoved
    /// A write reached a read-only server.
    case notReadOnly
    /// An ephemeral node in a session that only one server knows.
    case ephemeralOnLocalSession
    /// There is no such watch.
    case noWatcher
    /// Reconfiguration is switched off on the server.
    case reconfigDisabled
    /// The server insists on SASL, which this session has not done.
    case saslRequired
    /// The server is overloaded and did not execute the operation.
    case throttled
    /// A code that this version does not know.
    case unknown(Int32)

    // MARK: This client

    /// No server of the connect string could be reached in time.
    case connectionTimeout(servers: String, milliseconds: Int64)
    /// The connect string is not `host:port,…[/chroot]`.
    case badConnectString(String)
    /// The ZooKeeper library at hand is built without TLS.
    case tlsNotSupported
    /// The request is larger than `jute.maxbuffer`; a server would close the connection on it, again and again.
    case requestTooLarge(bytes: Int, limit: Int)
}

extension ZooKeeperError {
    /// The number that ZooKeeper gives the error; nil for the failures that are this client's own.
    package var code: Int32? {
        if case .unknown(let code) = self { return code }
        return Self.codes.first { $0.error == self }?.code
    }

    /// The error with ZooKeeper's number `code`; nil for 0, which is success.
    package init?(code: Int32) {
        if code == 0 { return nil }
        self = Self.codes.first { $0.code == code }?.error ?? .unknown(code)
    }

    private static let codes: [(code: Int32, error: ZooKeeperError)] = [
        (-1, .systemError), (-2, .runtimeInconsistency), (-3, .dataInconsistency), (-4, .connectionLoss),
        (-5, .marshallingError), (-6, .unimplemented), (-7, .operationTimeout), (-8, .badArguments),
        (-9, .invalidState), (-13, .newConfigNoQuorum), (-14, .reconfigInProgress), (-15, .sslConnectionError),
        (-101, .noNode), (-102, .notAuthorised), (-103, .badVersion), (-108, .noChildrenForEphemerals),
        (-110, .nodeExists), (-111, .notEmpty), (-112, .sessionExpired), (-113, .invalidCallback),
        (-114, .invalidACL), (-115, .authFailed), (-116, .closing), (-117, .nothing), (-118, .sessionMoved),
        (-119, .notReadOnly), (-120, .ephemeralOnLocalSession), (-121, .noWatcher), (-123, .reconfigDisabled),
        (-124, .saslRequired), (-127, .throttled),
    ]
}

extension ZooKeeperError {
    /// Whether it was the connection or the session that failed, and not the request: in another the same may succeed.
    package var isOfSession: Bool {
        switch self {
        case .connectionLoss, .operationTimeout, .connectionTimeout, .sessionExpired, .sessionMoved, .authFailed,
            .closing,
            .invalidState:
            true
        default: false
        }
    }
}

extension ZooKeeperError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .systemError: "system error"
        case .runtimeInconsistency: "runtime inconsistency"
        case .dataInconsistency: "data inconsistency"
        case .connectionLoss: "connection to ZooKeeper lost"
        case .marshallingError: "the request could not be serialised"
        case .unimplemented: "operation not implemented"
        case .operationTimeout: "operation timed out"
        case .badArguments: "bad arguments"
        case .invalidState: "the session can no longer be used"
        case .newConfigNoQuorum: "the new configuration has no quorum"
        case .reconfigInProgress: "another reconfiguration is in progress"
        case .sslConnectionError: "TLS connection failed"
        case .noNode: "node does not exist"
        case .notAuthorised: "not authorised"
        case .badVersion: "version conflict"
        case .noChildrenForEphemerals: "ephemeral nodes may not have children"
        case .nodeExists: "node exists"
        case .notEmpty: "node has children"
        case .sessionExpired: "session expired"
        case .invalidCallback: "invalid callback"
        case .invalidACL: "invalid access control list"
        case .authFailed: "authentication failed"
        case .closing: "session is closing"
        case .nothing: "nothing to process"
        case .sessionMoved: "session moved to another server"
        case .notReadOnly: "write sent to a read-only server"
        case .ephemeralOnLocalSession: "ephemeral node on a local session"
        case .noWatcher: "no such watch"
        case .reconfigDisabled: "reconfiguration is disabled"
        case .saslRequired: "the server requires SASL"
        case .throttled: "the server is overloaded"
        case .unknown(let code): "unknown error \(code)"
        case .connectionTimeout(let servers, let milliseconds):
            "no connection to ZooKeeper at \(servers) within \(milliseconds) ms"
        case .badConnectString(let text): "bad ZooKeeper connect string: \(text)"
        case .tlsNotSupported:
            "the ZooKeeper client library on this machine is built without TLS (it has no zookeeper_init_ssl)"
        case .requestTooLarge(let bytes, let limit):
            "a request of \(bytes) bytes exceeds the limit of \(limit) (jute.maxbuffer)"
        }
    }
}
