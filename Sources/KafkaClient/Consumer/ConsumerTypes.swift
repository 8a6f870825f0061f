// SPDX-License-Identifier: Apache-2.0

/// A consumer's place in its group, for ``Producer/sendOffsets(_:group:)``.
public struct ConsumerGroupMetadata: Sendable, Hashable {
    /// `group.id`
    public var groupID: String
    /// The group's generation that the consumer belongs to; −1 outside of one.
    public var generation: Int32
    /// The name that the coordinator gave the consumer; empty outside of a generation.
    public var memberID: String
    /// `group.instance.id`
    public var instanceID: String?

    /// The place of a consumer that is no member of its group.
    public init(groupID: String, generation: Int32 = -1, memberID: String = "", instanceID: String? = nil) {
        self.groupID = groupID
        self.generation = generation
        self.memberID = memberID
        self.instanceID = instanceID
    }
}

/// An offset as a group has committed it.
public struct CommittedOffset: Sendable, Hashable {
    /// The next offset to read.
    public var offset: Int64
    /// The leadership under which the record before it was read, if known.
    public var leaderEpoch: Int32?
    /// What whoever committed it wrote beside it.
    public var metadata: String

    /// An offset to commit.
    public init(_ offset: Int64, leaderEpoch: Int32? = nil, metadata: String = "") {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
    }
}

/// What a time stands for in a partition.
public struct OffsetAndTimestamp: Sendable, Hashable {
    /// The first offset at or after the time.
    public var offset: Int64
    /// That record's timestamp.
    public var timestamp: Int64
    /// The leadership under which it was written, if known.
    public var leaderEpoch: Int32?
}

/// Where to look in a partition.
public enum OffsetSpecification: Sendable, Hashable {
    /// The first offset that is kept.
    case earliest
    /// The offset that the next record will get, as consumers may see it.
    case latest
    /// The record with the largest timestamp.
    case maxTimestamp
    /// The first offset on the broker's own disks.
    case earliestLocal
    /// The last offset in tiered storage.
    case latestTiered
    /// The first record at or after a time in milliseconds since 1970.
    case timestamp(Int64)

    var wireValue: Int64 {
        switch self {
        case .latest: -1
        case .earliest: -2
        case .maxTimestamp: -3
        case .earliestLocal: -4
        case .latestTiered: -5
        case .timestamp(let time): time
        }
    }

    /// The first version of ListOffsets that knows it.
    var firstVersion: Int16 {
        switch self {
        case .maxTimestamp: 7
        case .earliestLocal: 8
        case .latestTiered: 9
        default: 0
        }
    }
}
