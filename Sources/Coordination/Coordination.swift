// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
package import KafkaRecords
package import NIOCore

// A coordinator is a machine per partition of its topic: a struct without clock, socket, task or random numbers. What
// runs it, the driver, lives in BrokerServer and owes it this:
//
//  1. One machine per partition that this broker leads, behind one lock or on one thread. Every call takes the time, and
//     returns actions, which the driver performs in their order after it has let go of the lock.
//  2. `.append`: build the batch (`CoordinatorBatch.encoded`), append it to the partition with acks=all and the
//     coordinator's timeout, and call `appended` once it is committed or has failed, with the error in Kafka's terms
//     (`.none`, `.notEnoughReplicas`, `.requestTimedOut`, …). Appends of one machine reach the log in the order of their
//     actions, and `appended` is called in that order.
//  3. `.reply`: send the answer for the token that came with the request. Each token is answered exactly once.
//  4. `.errand`: do it at other brokers, and tell the machine by the call that its kind of errand has.
//  5. Time: call `advance(to:)` no earlier than `nextDeadline`, and soon after it; ask for it after every call. The uptime
//     that is handed over never goes back.
//  6. Becoming leader: make a machine (it is loading), hand it every batch of the partition from the log's start to its
//     end with `load`, then, once every in-sync replica has all of that, call `finishLoading`. Requests may be handed over meanwhile: they get Kafka's answers for
//     that. Losing leadership: `unload`, perform what it returns, drop the machine; late `appended` calls go nowhere.
//     Who is no coordinator at all answers NOT_COORDINATOR without a machine.
//
// A machine acts on what is on the log only: an answer that promises something leaves after `appended`.

/// Names a request that waits for its answer. The driver chooses the number.
package struct RequestToken: Hashable, Sendable {
    package var rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// Names an append that the machine waits for.
package struct AppendID: Hashable, Sendable {
    package var rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What a coordinator wants done.
package enum CoordinatorAction<Reply: Sendable & Hashable, Errand: Sendable & Hashable>: Sendable, Hashable {
    case append(AppendID, CoordinatorBatch)
    case reply(RequestToken, Reply)
    case errand(Errand)
}

/// What all coordinators have in common: their life, the log, and time. Requests are each coordinator's own.
package protocol CoordinatorMachine: Sendable {
    associatedtype Reply: Sendable & Hashable
    /// What has to be done at other brokers; `Never` for a coordinator that keeps to itself.
    associatedtype Errand: Sendable & Hashable

    typealias Action = CoordinatorAction<Reply, Errand>

    /// The uptime at which `advance` is to be called next; nil if nothing waits for time.
    var nextDeadline: Int64? { get }

    mutating func advance(to now: CoordinatorTime) -> [Action]
    mutating func appended(_ id: AppendID, error: ErrorCode, baseOffset: Offset, now: CoordinatorTime) -> [Action]
    /// Takes the next batch of the partition; an error means that it cannot be coordinated.
    mutating func load(_ batch: RecordBatch, now: CoordinatorTime) throws
    mutating func finishLoading(now: CoordinatorTime) -> [Action]
    mutating func unload(now: CoordinatorTime) -> [Action]
}

/// Records for a coordinator's partition, to be appended as one batch.
package struct CoordinatorBatch: Sendable, Hashable {
    /// A key with its value; without one it is a tombstone.
    package struct Record: Sendable, Hashable {
        package var key: ByteBuffer
        package var value: ByteBuffer?

        package init(key: ByteBuffer, value: ByteBuffer?) {
            self.key = key
            self.value = value
        }
    }

    package var records: [Record]
    package var timestamp: Timestamp
    /// The producer of a transaction that the records belong to; −1 for the coordinator's own records.
    package var producerID: ProducerID = -1
    package var producerEpoch: ProducerEpoch = -1
    package var baseSequence: Int32 = -1
    package var isTransactional: Bool { producerID != -1 }
    /// What there is to show for records of a transaction; the machine passes on what its request came with.
    package var proof = TransactionProof.notRequired

    package init(records: [Record], timestamp: Timestamp) {
        self.records = records
        self.timestamp = timestamp
    }

    /// The batch as a `ProduceValidator` takes it, with origin `.coordinator`.
    package func encoded(compression: Compression = .none) -> ByteBuffer {
        var settings = RecordBatchBuilder.Settings()
        settings.compression = compression
        settings.producerID = producerID
        settings.producerEpoch = producerEpoch
        settings.baseSequence = baseSequence
        settings.isTransactional = isTransactional
        var builder = RecordBatchBuilder(settings)
        for record in records { builder.append(timestamp: timestamp, key: record.key, value: record.value) }
        return builder.finish()
    }
}

/// Which partition of a coordinator's topic an id belongs to.
package enum CoordinatorPartitioning {
    /// Kafka's rule: Java's hash of the id, made positive, modulo the count of partitions.
    package static func partition(of id: String, count: Int32) -> Int32 {
        guard count > 0 else { return 0 }
        var hash: Int32 = 0
        for unit in id.utf16 { hash = hash &* 31 &+ Int32(unit) }
        return (hash == .min ? 0 : abs(hash)) % count
    }
}
