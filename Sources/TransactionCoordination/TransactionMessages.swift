// SPDX-License-Identifier: Apache-2.0

package import Coordination
package import KafkaModel
internal import OrderedCollections

// What is asked of a transaction coordinator and what it answers, without the versions of the wire: these are resolved
// where requests come in.

package struct InitProducerID: Hashable, Sendable {
    package var transactionalID: String
    /// Milliseconds.
    package var timeout: Int32
    /// Who the producer takes itself for, when it goes on after an error (KIP-360).
    package var expected: ProducerIdentity?
    /// A fresh id, if the coordinator said that it needs one and the broker has one.
    package var freshProducerID: ProducerID?

    package init(
        transactionalID: String, timeout: Int32, expected: ProducerIdentity? = nil, freshProducerID: ProducerID? = nil
    ) {
        self.transactionalID = transactionalID
        self.timeout = timeout
        self.expected = expected
        self.freshProducerID = freshProducerID
    }
}

package struct InitProducerIDAnswer: Hashable, Sendable {
    package var error: ErrorCode = .none
    package var producer = ProducerIdentity(id: -1, epoch: -1)

    package init(error: ErrorCode = .none, producer: ProducerIdentity = ProducerIdentity(id: -1, epoch: -1)) {
        self.error = error
        self.producer = producer
    }
}

/// AddPartitionsToTxn, and AddOffsetsToTxn with the group's partition of `__consumer_offsets`.
package struct AddPartitions: Hashable, Sendable {
    package var transactionalID: String
    package var producer: ProducerIdentity
    package var partitions: [TopicPartition]

    package init(transactionalID: String, producer: ProducerIdentity, partitions: [TopicPartition]) {
        self.transactionalID = transactionalID
        self.producer = producer
        self.partitions = partitions
    }
}

package struct EndTransaction: Hashable, Sendable {
    package var transactionalID: String
    package var producer: ProducerIdentity
    /// Else it is aborted.
    package var isCommit: Bool

    package init(transactionalID: String, producer: ProducerIdentity, isCommit: Bool) {
        self.transactionalID = transactionalID
        self.producer = producer
        self.isCommit = isCommit
    }
}

/// What a transaction's partitions are to be told: the errand of a coordinator.
package struct TransactionMarkers: Hashable, Sendable {
    package var transactionalID: String
    package var producer: ProducerIdentity
    package var isCommit: Bool
    /// The leader epoch of the coordinator's partition, by which partitions fence coordinators that have been replaced.
    package var coordinatorEpoch: Int32
    package var partitions: [TopicPartition]

    package init(
        transactionalID: String, producer: ProducerIdentity, isCommit: Bool, coordinatorEpoch: Int32,
        partitions: [TopicPartition]
    ) {
        self.transactionalID = transactionalID
        self.producer = producer
        self.isCommit = isCommit
        self.coordinatorEpoch = coordinatorEpoch
        self.partitions = partitions
    }
}

package struct TransactionDescription: Hashable, Sendable {
    package var error: ErrorCode = .none
    package var transactionalID: String
    /// Nil with an error.
    package var snapshot: TransactionSnapshot?
}

package struct TransactionFilter: Hashable, Sendable {
    /// Names of states; empty for all.
    package var states: Set<String> = []
    /// Empty for all.
    package var producerIDs: Set<ProducerID> = []
    /// Milliseconds that a transaction must have lasted; negative for any.
    package var duration: Int64 = -1

    package init(states: Set<String> = [], producerIDs: Set<ProducerID> = [], duration: Int64 = -1) {
        self.states = states
        self.producerIDs = producerIDs
        self.duration = duration
    }

    /// The names among `states` that no state has.
    package var unknownStates: [String] {
        let known = Set(TransactionState.allCases.map(\.name)).union(TransactionState.namesOfPassingStates)
        return states.filter { !known.contains($0) }.sorted()
    }
}

package struct TransactionListing: Hashable, Sendable {
    package var transactionalID: String
    package var producerID: ProducerID
    package var state: TransactionState
}

/// The answer to a request, of the request's kind.
package enum TransactionReply: Hashable, Sendable {
    case initialized(InitProducerIDAnswer)
    case partitionsAdded(ErrorCode)
    case ended(ErrorCode)
}

package typealias TransactionAction = CoordinatorAction<TransactionReply, TransactionMarkers>

/// The broker's settings for transactions. Times are in milliseconds.
package struct TransactionConfiguration: Hashable, Sendable {
    /// `transaction.max.timeout.ms`.
    package var maxTimeout: Int32 = 900_000
    /// `transactional.id.expiration.ms`.
    package var idExpiration: Int64 = 604_800_000
    /// How long markers, and the record that they are all written, wait before another attempt.
    package var retryBackoff: Int64 = 100

    package init() {}

    /// How many bytes of tombstones go into one batch, far below any `max.message.bytes` that makes sense.
    static let maxTombstoneBytes = 256 << 10
}
