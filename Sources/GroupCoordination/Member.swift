// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel

/// A member of a group, as the coordinator knows it. Owned by its `Group`.
struct Member: Hashable, Sendable {
    var id: String
    var instanceID: String?
    var clientID: String
    var clientHost: String
    var rebalanceTimeout: Int32
    var sessionTimeout: Int32
    /// In the order of the member's preference.
    var protocols: [GroupProtocol]
    var assignment: [UInt8] = []

    /// The JoinGroup that is parked until the rebalance ends.
    var awaitingJoin: RequestToken?
    /// The SyncGroup that is parked until the leader's assignment is on the log.
    var awaitingSync: RequestToken?
    /// Whether the member has yet to learn its id, so that it cannot send heartbeats.
    var isNew = false
    /// The uptime at which the member's session ends, unless it is heard of again.
    var deadline: Int64 = .max

    /// The timer counts now: who waits for others is alive, except for new members, of which a client that gave up
    /// would leave many behind.
    var timerCounts: Bool { isNew || awaitingJoin == nil && awaitingSync == nil }

    func metadata(_ name: String) -> [UInt8] {
        protocols.first { $0.name == name }?.metadata ?? []
    }

    /// The member's first choice among `candidates`.
    func vote(_ candidates: Set<String>) -> String? {
        protocols.first { candidates.contains($0.name) }?.name
    }

    /// The session starts anew.
    mutating func heard(at uptime: Int64) {
        deadline = uptime &+ Int64(sessionTimeout)
    }
}
