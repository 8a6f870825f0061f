// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel

/// One call of the coordinator: what it may know, and what comes out of it.
struct Turn {
    let now: CoordinatorTime
    let configuration: GroupConfiguration
    /// For timers.
    var uptime: Int64 { now.uptime }
    /// For what is written down.
    var wallClock: Timestamp { now.wallClock }
    private(set) var actions: [GroupAction] = []
    /// Appends, each with what follows when it has ended.
    private(set) var appends: [(batch: CoordinatorBatch, next: Continuation)] = []

    init(now: CoordinatorTime, configuration: GroupConfiguration) {
        self.now = now
        self.configuration = configuration
    }

    mutating func reply(_ token: RequestToken, _ reply: GroupReply) {
        actions.append(.reply(token, reply))
    }

    mutating func append(_ records: [CoordinatorBatch.Record], then next: Continuation) {
        appends.append((CoordinatorBatch(records: records, timestamp: wallClock), next))
    }

    mutating func append(_ batch: CoordinatorBatch, then next: Continuation) {
        appends.append((batch, next))
    }
}

/// What is to be done when an append has ended.
enum Continuation: Sendable {
    /// The group became empty, or something was removed from it: nothing depends on it.
    case nothing
    /// The leader's assignment of a generation, by member.
    case assignment(group: String, generation: Int32, [String: [UInt8]])
    /// A static member came back with a new id, in a stable group.
    case staticMember(StaticRejoin)
    case commit(PendingCommit)
    /// An answer that is right whatever became of the append.
    case reply(RequestToken, GroupReply)
}

/// A static member that came back; `previous` is what it was, should the append fail.
struct StaticRejoin: Sendable {
    var group: String
    var memberID: String
    var previous: Member
    var previousLeader: String?
    var supportsSkippingAssignment: Bool
}

/// Positions on their way to the log.
struct PendingCommit: Sendable {
    var group: String
    var token: RequestToken
    var producer: OffsetCommit.Producer?
    var partitions: [OffsetCommit.Partition]
    /// The answer, should the append succeed: some partitions may have been refused before.
    var answer: [PartitionError]
}

extension ErrorCode {
    /// What a client learns of a failed append of positions.
    var asCommitError: ErrorCode {
        switch self {
        case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut:
            .coordinatorNotAvailable
        case .notLeaderOrFollower, .kafkaStorageError: .notCoordinator
        case .messageTooLarge, .recordListTooLarge, .invalidFetchSize: .invalidCommitOffsetSize
        default: self
        }
    }

    /// What a client learns of a failed append of a group's state.
    var asGroupStoreError: ErrorCode {
        switch self {
        case .unknownTopicOrPartition, .notEnoughReplicas, .notEnoughReplicasAfterAppend: .coordinatorNotAvailable
        case .requestTimedOut: .rebalanceInProgress
        case .notLeaderOrFollower, .kafkaStorageError: .notCoordinator
        case .messageTooLarge, .recordListTooLarge, .invalidFetchSize: .unknownServerError
        default: self
        }
    }
}
