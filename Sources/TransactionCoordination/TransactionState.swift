// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
package import OrderedCollections

/// The states of a transactional id that can be on the log, with Kafka's numbers. (Kafka's `Dead` and `PrepareEpochFence`
/// are never written: here they are transitions on their way.)
package enum TransactionState: Int8, Hashable, Sendable, CaseIterable {
    /// A producer has its id and epoch and no transaction yet. → ongoing, empty
    case empty = 0
    /// Partitions are being written to. → ongoing, prepareCommit, prepareAbort
    case ongoing = 1
    /// Decided: markers are being written. → completeCommit
    case prepareCommit = 2
    /// Decided: markers are being written. → completeAbort
    case prepareAbort = 3
    /// All markers are written. → ongoing, empty
    case completeCommit = 4
    /// All markers are written. → ongoing, empty
    case completeAbort = 5

    /// As DescribeTransactions and ListTransactions call it.
    package var name: String {
        switch self {
        case .empty: "Empty"
        case .ongoing: "Ongoing"
        case .prepareCommit: "PrepareCommit"
        case .prepareAbort: "PrepareAbort"
        case .completeCommit: "CompleteCommit"
        case .completeAbort: "CompleteAbort"
        }
    }

    /// States that a filter may name though nothing is ever listed in them.
    package static let namesOfPassingStates: Set<String> = ["Dead", "PrepareEpochFence"]

    /// The decision is on the log and its markers are not all written.
    var isPrepared: Bool { self == .prepareCommit || self == .prepareAbort }
}

/// A producer in one of its lives.
package struct ProducerIdentity: Hashable, Sendable {
    package var id: ProducerID
    package var epoch: ProducerEpoch

    package init(id: ProducerID, epoch: ProducerEpoch) {
        self.id = id
        self.epoch = epoch
    }

    /// No further producer may get this id: an epoch is kept back with which the last can be fenced.
    var isExhausted: Bool { epoch >= .max - 1 }
}

/// What is on the log about a transactional id.
package struct TransactionSnapshot: Hashable, Sendable {
    package var producer: ProducerIdentity
    /// Milliseconds from the transaction's start after which the coordinator aborts it.
    package var timeout: Int32
    package var state: TransactionState
    /// The partitions whose markers are yet to be written; empty before and after a transaction.
    package var partitions: OrderedSet<TopicPartition>
    package var lastUpdate: Timestamp
    /// When the current or last transaction began; −1 if there was none.
    package var start: Timestamp

    package init(
        producer: ProducerIdentity, timeout: Int32, state: TransactionState,
        partitions: OrderedSet<TopicPartition> = [], lastUpdate: Timestamp, start: Timestamp = -1
    ) {
        self.producer = producer
        self.timeout = timeout
        self.state = state
        self.partitions = partitions
        self.lastUpdate = lastUpdate
        self.start = start
    }
}
