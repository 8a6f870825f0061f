// SPDX-License-Identifier: Apache-2.0

/// The session's name and its key. Whoever holds both can resume the session, and close it.
package struct ZooKeeperSessionIdentity: Hashable, Sendable {
    package var id: Int64
    /// 16 bytes.
    package var password: [UInt8]

    package init(id: Int64, password: [UInt8]) {
        self.id = id
        self.password = password
    }
}

/// What a session tells of itself and of the nodes it watches, in the order in which it happened.
package enum ZooKeeperEvent: Hashable, Sendable {
    /// What happened to a watched node. A watch reports once; reading again arms it again.
    package enum WatchKind: Hashable, Sendable {
        case created
        case deleted
        case dataChanged
        case childrenChanged
    }

    /// Connected and authenticated, for the first time or again. Watches that were armed are still armed, and what they
    /// missed is reported after this.
    case connected(ZooKeeperSessionIdentity)
    /// The connection is gone; the session still lives, for a while.
    case disconnected
    /// The session is dead: its ephemeral nodes and watches are gone. The last event of a ``ZooKeeperSession`` but for
    /// ``closed``; a ``ZooKeeperConnection`` goes on with ``sessionReplaced(_:)``.
    case expired
    /// Only from a ``ZooKeeperConnection``: a new session took the place of one that had expired. No watch is armed.
    case sessionReplaced(ZooKeeperSessionIdentity)
    /// The credentials were refused; the session is dead.
    case authFailed
    /// Closed on this side. The last event.
    case closed
    /// A watch fired.
    case watch(path: String, kind: WatchKind)
}
