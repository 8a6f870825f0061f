// SPDX-License-Identifier: Apache-2.0

internal import KafkaModel

/// The broker's settings for groups. Times are in milliseconds.
package struct GroupConfiguration: Hashable, Sendable {
    /// `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.
    package var sessionTimeouts: ClosedRange<Int32> = 6000...1_800_000
    /// `group.initial.rebalance.delay.ms`.
    package var initialRebalanceDelay: Int64 = 3000
    /// `group.max.size`.
    package var maxSize = Int(Int32.max)
    /// `offset.metadata.max.bytes`.
    package var maxMetadataBytes = 4096
    /// `offsets.retention.minutes`, in milliseconds.
    package var offsetRetention: Int64 = 10080 * 60_000
    /// Versions of the values in `__consumer_offsets`, which inter.broker.protocol.version decides.
    package var offsetValueVersion: Int16 = 3
    package var groupValueVersion: Int16 = 3

    package init() {}

    /// A member that waits in a rebalance and whose id is new is given up after this.
    static let newMemberJoinTimeout: Int64 = 5 * 60_000

    /// How many ids of one group may be given out and not used yet.
    package static let maxPendingMembers = 1000
}

/// The states of a group, by the names that Kafka gives them.
package enum GroupState: String, Hashable, Sendable, CaseIterable {
    /// No members; may have offsets. → preparingRebalance, dead
    case empty = "Empty"
    /// Members are joining. → completingRebalance, empty
    case preparingRebalance = "PreparingRebalance"
    /// Everyone knows the generation, the leader's assignment is awaited. → stable, preparingRebalance
    case completingRebalance = "CompletingRebalance"
    /// Everyone has an assignment. → preparingRebalance
    case stable = "Stable"
    /// On its way out; nothing follows.
    case dead = "Dead"
}
