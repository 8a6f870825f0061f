// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import OrderedCollections

/// A follower's half of a fetch session (KIP-227): tells the leader only what has changed since the last fetch.
///
/// A machine without clock or lock; the leader's half is ``FetchSessionCache``. One fetch at a time: ``next()``, then exactly one
/// of ``answered(error:sessionID:)`` and ``failed()``.
package struct FetchSessionClient: Sendable {
    /// What the next fetch must carry.
    package struct Outgoing: Sendable {
        package var sessionID: Int32
        package var epoch: Int32
        package var partitions: [FetchPartition]
        package var forgotten: [FetchPartitionKey]
    }

    private static var sessionless: Int32 { -1 }

    /// Before version 7 there are no sessions: every fetch names everything.
    private let isSupported: Bool
    private var sessionID: Int32 = 0
    private var epoch: Int32 = 0
    private var wanted: OrderedDictionary<FetchPartitionKey, FetchPartition> = [:]
    /// What the leader has been told and has not confirmed to have forgotten, in this session.
    private var told: Set<FetchPartitionKey> = []
    private var changed: OrderedSet<FetchPartitionKey> = []
    private var forgotten: OrderedSet<FetchPartitionKey> = []

    package init(isSupported: Bool = true) {
        self.isSupported = isSupported
    }

    /// No partition is asked for.
    package var isEmpty: Bool { wanted.isEmpty }

    /// What is asked of a partition; nil when nothing is.
    package func request(for key: FetchPartitionKey) -> FetchPartition? { wanted[key] }

    /// Asks for a partition, or asks otherwise than before.
    package mutating func want(_ partition: FetchPartition) {
        let key = partition.key
        guard wanted.updateValue(partition, forKey: key) != partition else { return }
        changed.append(key)
        forgotten.remove(key)
    }

    /// Asks no longer for a partition.
    package mutating func drop(_ key: FetchPartitionKey) {
        guard wanted.removeValue(forKey: key) != nil else { return }
        changed.remove(key)
        if told.contains(key) { forgotten.append(key) }
    }

    /// Begins anew with the next fetch: what topics are called has changed, or the connection is another.
    package mutating func restart() {
        epoch = 0
    }

    /// The next fetch: a full one that asks for a session, or what has changed in it.
    package mutating func next() -> Outgoing {
        guard isSupported, epoch > 0 else {
            told = Set(wanted.keys)
            changed = []
            forgotten = []
            // A full fetch that names a session ends it.
            return Outgoing(
                sessionID: isSupported ? sessionID : 0, epoch: isSupported ? 0 : Self.sessionless,
                partitions: Array(wanted.values), forgotten: [])
        }
        let outgoing = Outgoing(
            sessionID: sessionID, epoch: epoch,
            partitions: changed.compactMap { wanted[$0] }, forgotten: Array(forgotten))
        told.formUnion(changed)
        told.subtract(forgotten)
        changed = []
        forgotten = []
        return outgoing
    }

    /// The leader has answered.
    ///
    /// - Returns: whether the answer's partitions may be used; else the same must be asked again, with a full fetch.
    package mutating func answered(error: ErrorCode, sessionID answered: Int32) -> Bool {
        guard isSupported else { return error.isNone }
        guard error.isNone else {
            if error == .fetchSessionIDNotFound { sessionID = 0 }
            epoch = 0
            return false
        }
        if answered == 0 {
            // It has no room for a session, or has just ended ours.
            sessionID = 0
            epoch = 0
        } else {
            sessionID = answered
            epoch = epoch == .max ? 1 : epoch + 1
        }
        return true
    }

    /// No answer came. Whether the leader has seen the fetch is not known, so that the session cannot go on.
    package mutating func failed() { epoch = 0 }
}
