// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords

/// A batch that a producer has written, as far as needed to recognise it when it is sent again.
package struct ProducedBatch: Hashable, Sendable {
    package var lastSequence: Int32
    package var lastOffset: Offset
    /// Last offset minus first.
    package var offsetDelta: Int32
    package var maxTimestamp: Timestamp

    package var firstOffset: Offset { lastOffset &- Offset(offsetDelta) }
    package var firstSequence: Int32 { Sequence32.subtracting(offsetDelta, from: lastSequence) }
}

/// Sequence numbers: from 0 to 2147483647 and round again (KIP-98).
package enum Sequence32 {
    package static func adding(_ count: Int32, to sequence: Int32) -> Int32 {
        Int32((Int64(sequence) + Int64(count)) & 0x7fff_ffff)
    }

    package static func subtracting(_ count: Int32, from sequence: Int32) -> Int32 {
        sequence >= count ? sequence - count : Int32((Int64(sequence) - Int64(count) + 0x8000_0000) & 0x7fff_ffff)
    }
}

/// What a log knows about one producer.
package struct ProducerState: Hashable, Sendable {
    /// How many batches are remembered: clients keep at most five in flight.
    static let window = 5

    package internal(set) var producerID: ProducerID
    /// −1 when nothing is known yet.
    package internal(set) var epoch: ProducerEpoch
    /// The newest last; all of `epoch`.
    package internal(set) var batches: [ProducedBatch]
    /// Of the coordinator that wrote the last marker; −1 when there was none.
    package internal(set) var coordinatorEpoch: Int32
    package internal(set) var lastTimestamp: Timestamp
    /// Where the open transaction began; nil when none is open.
    package internal(set) var transactionStart: Offset?

    package init(_ producerID: ProducerID) {
        self.producerID = producerID
        epoch = -1
        batches = []
        coordinatorEpoch = -1
        lastTimestamp = -1
        transactionStart = nil
    }

    /// −1 when no batch is known.
    package var lastSequence: Int32 { batches.last?.lastSequence ?? -1 }
    package var lastOffset: Offset { batches.last?.lastOffset ?? -1 }

    /// The batch with exactly these sequence numbers, if it is still remembered.
    func duplicate(epoch: ProducerEpoch, firstSequence: Int32, lastSequence: Int32) -> ProducedBatch? {
        guard epoch == self.epoch else { return nil }
        return batches.last { $0.firstSequence == firstSequence && $0.lastSequence == lastSequence }
    }

    mutating func raiseEpoch(to epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.epoch = epoch
            batches = []
        }
    }

    mutating func add(_ batch: ProducedBatch, epoch: ProducerEpoch) {
        raiseEpoch(to: epoch)
        if batches.count == Self.window { batches.removeFirst() }
        batches.append(batch)
        lastTimestamp = batch.maxTimestamp
    }
}

/// A batch of a producer that is about to be appended, or is replayed from the log.
package struct ProducerBatch: Hashable, Sendable {
    package var producerID: ProducerID
    package var epoch: ProducerEpoch
    /// −1 in control batches.
    package var firstSequence: Int32
    package var firstOffset: Offset
    package var lastOffset: Offset
    package var maxTimestamp: Timestamp
    package var isTransactional: Bool
    /// Set in a control batch: the transaction's end. A control batch that compaction has emptied has none.
    package var marker: EndTransactionMarker?
    package var isControl: Bool

    package init(
        producerID: ProducerID, epoch: ProducerEpoch, firstSequence: Int32, firstOffset: Offset, lastOffset: Offset,
        maxTimestamp: Timestamp, isTransactional: Bool, isControl: Bool, marker: EndTransactionMarker?
    ) {
        self.producerID = producerID
        self.epoch = epoch
        self.firstSequence = firstSequence
        self.firstOffset = firstOffset
        self.lastOffset = lastOffset
        self.maxTimestamp = maxTimestamp
        self.isTransactional = isTransactional
        self.isControl = isControl
        self.marker = marker
    }

    var offsetDelta: Int32 { Int32(truncatingIfNeeded: lastOffset &- firstOffset) }
    var lastSequence: Int32 {
        firstSequence < 0 ? -1 : Sequence32.adding(max(offsetDelta, 0), to: firstSequence)
    }
}

/// A transaction that a marker has ended.
package struct CompletedTransaction: Hashable, Sendable {
    package var producerID: ProducerID
    package var firstOffset: Offset
    /// The marker's offset.
    package var lastOffset: Offset
    package var isAborted: Bool
}
