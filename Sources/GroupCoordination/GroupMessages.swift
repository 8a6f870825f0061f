// SPDX-License-Identifier: Apache-2.0

package import Coordination
package import KafkaModel

// What is asked of a group coordinator and what it answers, without the versions of the wire: these are resolved where
// requests come in.

/// A way of assigning partitions that a member supports, with what it says about itself in it.
package struct GroupProtocol: Hashable, Sendable {
    package var name: String
    package var metadata: [UInt8]

    package init(name: String, metadata: [UInt8]) {
        self.name = name
        self.metadata = metadata
    }
}

package struct JoinGroup: Hashable, Sendable {
    package var group: String
    /// Empty for who has none yet.
    package var memberID = ""
    /// Of a static member (KIP-345).
    package var instanceID: String?
    package var clientID = ""
    /// As `/10.0.0.1`.
    package var clientHost = ""
    /// Milliseconds. Version 0 has no rebalance timeout: the session's counts.
    package var sessionTimeout: Int32
    package var rebalanceTimeout: Int32
    package var protocolType: String
    package var protocols: [GroupProtocol]
    /// Versions 4 and later without an instance id: who comes without a member id gets one and must come again (KIP-394).
    package var requiresKnownMemberID = false
    /// Versions 9 and later: a leader may be told to keep the assignment (KIP-814).
    package var supportsSkippingAssignment = false
    /// A fresh UUID, of which a new member's id is made.
    package var freshUUID: String

    package init(
        group: String, sessionTimeout: Int32, rebalanceTimeout: Int32, protocolType: String,
        protocols: [GroupProtocol], freshUUID: String
    ) {
        self.group = group
        self.sessionTimeout = sessionTimeout
        self.rebalanceTimeout = rebalanceTimeout
        self.protocolType = protocolType
        self.protocols = protocols
        self.freshUUID = freshUUID
    }
}

package struct JoinAnswer: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var memberID: String
        package var instanceID: String?
        package var metadata: [UInt8]

        package init(memberID: String, instanceID: String?, metadata: [UInt8]) {
            self.memberID = memberID
            self.instanceID = instanceID
            self.metadata = metadata
        }
    }

    package var error: ErrorCode = .none
    package var generation: Int32 = -1
    package var protocolType: String?
    package var protocolName: String?
    package var leader = ""
    package var skipAssignment = false
    package var memberID = ""
    /// Everyone, for the leader; nobody for the others.
    package var members: [Member] = []

    package init(
        error: ErrorCode = .none, generation: Int32 = -1, protocolType: String? = nil, protocolName: String? = nil,
        leader: String = "", skipAssignment: Bool = false, memberID: String = "", members: [Member] = []
    ) {
        self.error = error
        self.generation = generation
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.leader = leader
        self.skipAssignment = skipAssignment
        self.memberID = memberID
        self.members = members
    }
}

package struct SyncGroup: Hashable, Sendable {
    package var group: String
    package var memberID: String
    package var instanceID: String?
    package var generation: Int32
    /// Versions 5 and later: what the member believes, else nil.
    package var protocolType: String?
    package var protocolName: String?
    /// By member id; of the leader.
    package var assignments: [String: [UInt8]] = [:]

    package init(group: String, memberID: String, generation: Int32) {
        self.group = group
        self.memberID = memberID
        self.generation = generation
    }
}

package struct SyncAnswer: Hashable, Sendable {
    package var error: ErrorCode = .none
    package var protocolType: String?
    package var protocolName: String?
    package var assignment: [UInt8] = []

    package init(
        error: ErrorCode = .none, protocolType: String? = nil, protocolName: String? = nil, assignment: [UInt8] = []
    ) {
        self.error = error
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.assignment = assignment
    }
}

package struct Heartbeat: Hashable, Sendable {
    package var group: String
    package var memberID: String
    package var instanceID: String?
    package var generation: Int32

    package init(group: String, memberID: String, instanceID: String? = nil, generation: Int32) {
        self.group = group
        self.memberID = memberID
        self.instanceID = instanceID
        self.generation = generation
    }
}

/// Versions 0 to 2 have one member, whose error is then the whole answer's.
package struct LeaveGroup: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        /// Empty to name a static member by its instance id alone.
        package var memberID: String
        package var instanceID: String?

        package init(memberID: String, instanceID: String? = nil) {
            self.memberID = memberID
            self.instanceID = instanceID
        }
    }

    package var group: String
    package var members: [Member]

    package init(group: String, members: [Member]) {
        self.group = group
        self.members = members
    }
}

package struct LeaveAnswer: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var memberID: String
        package var instanceID: String?
        package var error: ErrorCode

        package init(memberID: String, instanceID: String?, error: ErrorCode) {
            self.memberID = memberID
            self.instanceID = instanceID
            self.error = error
        }
    }

    package var error: ErrorCode = .none
    package var members: [Member] = []

    package init(error: ErrorCode = .none, members: [Member] = []) {
        self.error = error
        self.members = members
    }
}

/// A position that a group has reached.
package struct CommittedOffset: Hashable, Sendable {
    package var offset: Offset
    package var leaderEpoch: LeaderEpoch
    package var metadata: String
    package var commitTimestamp: Timestamp
    /// When the position expires, where the commit said so (versions 2 to 4); nil for the broker's retention.
    package var expireTimestamp: Timestamp?

    package init(
        offset: Offset, leaderEpoch: LeaderEpoch = -1, metadata: String = "", commitTimestamp: Timestamp,
        expireTimestamp: Timestamp? = nil
    ) {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
        self.commitTimestamp = commitTimestamp
        self.expireTimestamp = expireTimestamp
    }
}

package struct OffsetCommit: Hashable, Sendable {
    package struct Partition: Hashable, Sendable {
        package var partition: TopicPartition
        package var offset: CommittedOffset

        package init(_ partition: TopicPartition, _ offset: CommittedOffset) {
            self.partition = partition
            self.offset = offset
        }
    }

    /// The transaction that the commit is a part of.
    package struct Producer: Hashable, Sendable {
        package var id: ProducerID
        package var epoch: ProducerEpoch
        /// What the log is to be shown, that the group's partition belongs to the transaction (KIP-890).
        package var proof: TransactionProof

        package init(id: ProducerID, epoch: ProducerEpoch, proof: TransactionProof = .notRequired) {
            self.id = id
            self.epoch = epoch
            self.proof = proof
        }
    }

    package var group: String
    package var memberID = ""
    package var instanceID: String?
    /// −1 for who manages its partitions itself.
    package var generation: Int32 = -1
    package var partitions: [Partition]
    /// Of TxnOffsetCommit; nil for OffsetCommit.
    package var producer: Producer?

    package init(group: String, partitions: [Partition]) {
        self.group = group
        self.partitions = partitions
    }
}

/// An error per partition, in the order of the request.
package struct PartitionError: Hashable, Sendable {
    package var partition: TopicPartition
    package var error: ErrorCode

    package init(_ partition: TopicPartition, _ error: ErrorCode) {
        self.partition = partition
        self.error = error
    }
}

package struct OffsetFetch: Hashable, Sendable {
    package var group: String
    /// Nil for all that the group has.
    package var partitions: [TopicPartition]?
    /// Versions 7 and later: positions that a transaction or a commit is about to change are not given (KIP-447).
    package var requireStable = false

    package init(group: String, partitions: [TopicPartition]?, requireStable: Bool = false) {
        self.group = group
        self.partitions = partitions
        self.requireStable = requireStable
    }
}

package struct OffsetFetchAnswer: Hashable, Sendable {
    package struct Partition: Hashable, Sendable {
        package var partition: TopicPartition
        /// −1 if there is none.
        package var offset: Offset = -1
        package var leaderEpoch: LeaderEpoch = -1
        package var metadata = ""
        package var error: ErrorCode = .none

        package init(
            partition: TopicPartition, offset: Offset = -1, leaderEpoch: LeaderEpoch = -1, metadata: String = "",
            error: ErrorCode = .none
        ) {
            self.partition = partition
            self.offset = offset
            self.leaderEpoch = leaderEpoch
            self.metadata = metadata
            self.error = error
        }
    }

    package var error: ErrorCode = .none
    package var partitions: [Partition] = []

    package init(error: ErrorCode = .none, partitions: [Partition] = []) {
        self.error = error
        self.partitions = partitions
    }
}

package struct OffsetDeleteAnswer: Hashable, Sendable {
    package var error: ErrorCode = .none
    /// Empty if there is an error for all.
    package var partitions: [PartitionError] = []

    package init(error: ErrorCode = .none, partitions: [PartitionError] = []) {
        self.error = error
        self.partitions = partitions
    }
}

package struct GroupDescription: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var memberID: String
        package var instanceID: String?
        package var clientID: String
        package var clientHost: String
        package var metadata: [UInt8]
        package var assignment: [UInt8]
    }

    package var error: ErrorCode = .none
    package var group: String
    /// By the name of `GroupState`; empty with an error.
    package var state = ""
    package var protocolType = ""
    package var protocolName = ""
    package var members: [Member] = []
}

package struct GroupListing: Hashable, Sendable {
    package var group: String
    package var protocolType: String
    package var state: GroupState

    package init(group: String, protocolType: String, state: GroupState) {
        self.group = group
        self.protocolType = protocolType
        self.state = state
    }
}

/// The answer to a request, of the request's kind.
package enum GroupReply: Hashable, Sendable {
    case join(JoinAnswer)
    case sync(SyncAnswer)
    case heartbeat(ErrorCode)
    case leave(LeaveAnswer)
    case commit([PartitionError])
    case deleteOffsets(OffsetDeleteAnswer)
    case deleteGroup(ErrorCode)
}

package typealias GroupAction = CoordinatorAction<GroupReply, Never>
