// SPDX-License-Identifier: Apache-2.0

import KafkaModel

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
    private var wanted: [FetchPartitionKey: FetchPartition] = [:]
    /// In which order partitions came, which is that of a full fetch.
    private var order = Arrivals()
    /// What the leader has been told and has not confirmed to have forgotten, in this session.
    private var told: Set<FetchPartitionKey> = []
    private var changed = Arrivals()
    private var forgotten = Arrivals()

    /// Keys in the order in which they came, each once. A leader that dies has thousands of partitions dropped one by one,
    /// so that removing must not depend on how many there are; they are sorted when a fetch is made.
    private struct Arrivals {
        private var numbers: [FetchPartitionKey: UInt64] = [:]
        private var next: UInt64 = 0

        var keys: [FetchPartitionKey] { numbers.sorted { $0.value < $1.value }.map(\.key) }

        mutating func append(_ key: FetchPartitionKey) {
            guard numbers[key] == nil else { return }
            numbers[key] = next
            next += 1
        }

        mutating func remove(_ key: FetchPartitionKey) { numbers[key] = nil }

        mutating func removeAll() { numbers.removeAll(keepingCapacity: true) }
    }

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
        order.append(key)
        changed.append(key)
        forgotten.remove(key)
    }

    /// Asks no longer for a partition.
    package mutating func drop(_ key: FetchPartitionKey) {
        guard wanted.removeValue(forKey: key) != nil else { return }
        order.remove(key)
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
            changed.removeAll()
            forgotten.removeAll()
            // A full fetch that names a session ends it.
            return Outgoing(
                sessionID: isSupported ? sessionID : 0, epoch: isSupported ? 0 : Self.sessionless,
                partitions: order.keys.compactMap { wanted[$0] }, forgotten: [])
        }
        let (new, gone) = (changed.keys, forgotten.keys)
        let outgoing = Outgoing(
            sessionID: sessionID, epoch: epoch, partitions: new.compactMap { wanted[$0] }, forgotten: gone)
        told.formUnion(new)
        told.subtract(gone)
        changed.removeAll()
        forgotten.removeAll()
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
