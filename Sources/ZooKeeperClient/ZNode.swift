// SPDX-License-Identifier: Apache-2.0

/// What ZooKeeper keeps about a node beside its data.
package struct ZNodeStat: Hashable, Sendable {
    /// The transaction that created the node.
    package var creationTransaction: Int64
    /// The transaction that last changed its data.
    package var modificationTransaction: Int64
    /// When it was created, in milliseconds since 1970 by the ensemble's clock.
    package var creationTime: Int64
    /// When its data last changed, in milliseconds since 1970 by the ensemble's clock.
    package var modificationTime: Int64
    /// Counts the changes of its data, from 0.
    package var version: Int32
    /// Counts the changes of its set of children.
    package var childVersion: Int32
    /// Counts the changes of its access control list.
    package var aclVersion: Int32
    /// The session that owns an ephemeral node; 0 for others.
    package var ephemeralOwner: Int64
    /// The length of its data in bytes; 0 for null data too.
    package var dataLength: Int32
    /// How many children it has.
    package var childCount: Int32
    /// The transaction that last changed its set of children.
    package var childTransaction: Int64

    package init(
        creationTransaction: Int64 = 0, modificationTransaction: Int64 = 0, creationTime: Int64 = 0,
        modificationTime: Int64 = 0, version: Int32 = 0, childVersion: Int32 = 0, aclVersion: Int32 = 0,
        ephemeralOwner: Int64 = 0, dataLength: Int32 = 0, childCount: Int32 = 0, childTransaction: Int64 = 0
    ) {
        self.creationTransaction = creationTransaction
        self.modificationTransaction = modificationTransaction
        self.creationTime = creationTime
        self.modificationTime = modificationTime
        self.version = version
        self.childVersion = childVersion
        self.aclVersion = aclVersion
        self.ephemeralOwner = ephemeralOwner
        self.dataLength = dataLength
        self.childCount = childCount
        self.childTransaction = childTransaction
    }
}

/// How long a node lives and whether ZooKeeper completes its name.
package enum CreateMode: Hashable, Sendable {
    /// Lives until it is deleted.
    case persistent
    /// As ``persistent``; ten digits that grow with each child are appended to the name.
    case persistentSequential
    /// Goes with the session that created it.
    case ephemeral
    /// As ``ephemeral``; ten digits that grow with each child are appended to the name.
    case ephemeralSequential
    /// The server deletes it some time after its last child is gone.
    case container
    /// The server deletes it when it has had no children and no change for so many milliseconds (above 0). The server
    /// must allow extended types.
    case persistentWithTTL(milliseconds: Int64)
    /// As ``persistentWithTTL(milliseconds:)`` with a sequential name.
    case persistentSequentialWithTTL(milliseconds: Int64)
}

/// One line of a node's access control list.
package struct ZNodeACL: Hashable, Sendable {
    /// What may be done with the node.
    package struct Permissions: OptionSet, Hashable, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }

        /// Read its data and list its children.
        package static let read = Permissions(rawValue: 1)
        /// Set its data.
        package static let write = Permissions(rawValue: 2)
        /// Create children.
        package static let create = Permissions(rawValue: 4)
        /// Delete children.
        package static let delete = Permissions(rawValue: 8)
        /// Set its access control list.
        package static let admin = Permissions(rawValue: 16)
        /// All of the above.
        package static let all: Permissions = [.read, .write, .create, .delete, .admin]
    }

    package var permissions: Permissions
    /// `world`, `digest`, `auth`, `sasl`, `x509`, `ip`…
    package var scheme: String
    /// Who, in the terms of the scheme.
    package var id: String

    package init(_ permissions: Permissions, scheme: String, id: String) {
        self.permissions = permissions
        self.scheme = scheme
        self.id = id
    }
}

extension [ZNodeACL] {
    /// Everybody may do everything: `world:anyone` with all permissions.
    package static let open = [ZNodeACL(.all, scheme: "world", id: "anyone")]
    /// Whoever creates the node, by the credentials of its session, may do everything: `auth::` with all permissions.
    package static let creatorAll = [ZNodeACL(.all, scheme: "auth", id: "")]
    /// Everybody may read: `world:anyone` with read.
    package static let anyoneRead = [ZNodeACL(.read, scheme: "world", id: "anyone")]
}
