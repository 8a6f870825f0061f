// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import LogStorage
import NIOCore

/// The partition under a coordinator, as far as the coordinator needs it.
protocol CoordinatedLog: Sendable {
    /// Runs work behind earlier work of the partition, on the thread that may append.
    func submit(_ work: @escaping @Sendable () -> Void)

    /// Appends a batch as leader; called on the thread of ``submit(_:)``.
    ///
    /// - Parameters:
    ///   - proof: what there is to show for records of a transaction.
    ///   - ended: called once, when every in-sync replica has the batch or it has failed, on any thread, with the
    ///     offset of the batch's first record.
    func append(
        _ batch: ByteBuffer, proof: TransactionProof, ended: @escaping @Sendable (ErrorCode, Offset) -> Void)

    /// Hands over all batches from the log's start to where it ends now, in order; may block. Ends early when `body`
    /// returns false. Returns where it has ended.
    func readAll(_ body: (RecordBatch) throws -> Bool) throws -> Offset

    /// Calls `done`, on any thread, once every in-sync replica has what lies before `end`; never if the partition is led
    /// elsewhere by then.
    func whenCommitted(before end: Offset, _ done: @escaping @Sendable () -> Void)
}

/// A partition that this broker leads.
struct LedPartition: CoordinatedLog {
    let partition: Partition
    let replicas: ReplicaManager
    /// For how long an append waits for replicas, in milliseconds (`offsets.commit.timeout.ms`).
    let timeout: Int64
    /// How much is read at once (`offsets.load.buffer.size`).
    let chunkBytes: Int

    func submit(_ work: @escaping @Sendable () -> Void) {
        partition.submit { _ in work() }
    }

    func append(
        _ batch: ByteBuffer, proof: TransactionProof, ended: @escaping @Sendable (ErrorCode, Offset) -> Void
    ) {
        let batches: ValidatedBatches
        do throws(RecordError) {
            batches = try partition.validateCoordinated(batch)
        } catch {
            return ended(error.errorCode, -1)
        }
        partition.append(batches, acks: .all, origin: .coordinator, proof: proof) { [self] in settle($0, ended) }
    }

    /// Tells the coordinator once every in-sync replica has what was appended.
    private func settle(_ outcome: ProduceOutcome, _ ended: @escaping @Sendable (ErrorCode, Offset) -> Void) {
        switch outcome {
        case .refused(let refusal): ended(refusal.code, -1)
        case .appended(let base, let last, _, _, let epoch):
            // An only replica has it already.
            if let error = replicas.acknowledgement(of: partition.id, through: last, epoch: epoch) {
                return ended(error, base)
            }
            let operation = DelayedOperation(
                isSatisfied: { [replicas, id = partition.id] in
                    replicas.acknowledgement(of: id, through: last, epoch: epoch) != nil
                },
                finish: { [replicas, id = partition.id] timedOut in
                    let error = replicas.acknowledgement(of: id, through: last, epoch: epoch)
                    ended(timedOut ? .requestTimedOut : error ?? .requestTimedOut, base)
                })
            replicas.delayedProduce.completeElseWait(
                operation, keys: CollectionOfOne(partition.id), timeout: timeout)
        }
    }

    func readAll(_ body: (RecordBatch) throws -> Bool) throws -> Offset {
        guard let log = partition.log else { throw LoadError.notHere }
        var offset = log.offsets.logStart
        // Of markers that arrive meanwhile the coordinator hears once every replica has them, not before.
        let end = log.offsets.logEnd
        while offset < end {
            let read = try log.read(
                from: offset, maxBytes: chunkBytes, upTo: .logEnd, atLeastOneBatch: true, as: .bytes)
            guard case .bytes(let bytes) = read.records else { throw LoadError.notHere }
            // Compaction has removed what was last, and nothing was appended since.
            if bytes.readableBytes == 0 { return end }
            let start = offset
            var batches = RecordBatches(bytes)
            while let batch = try batches.next() {
                guard try body(batch) else { return offset }
                offset = batch.header.nextOffset
            }
            guard offset > start else { throw LoadError.noProgress(at: start) }
        }
        return offset
    }

    func whenCommitted(before end: Offset, _ done: @escaping @Sendable () -> Void) {
        let id = partition.id
        let epoch = partition.state.withLock { $0.replica.leaderEpoch }
        let outcome: @Sendable () -> ErrorCode? = { [replicas] in
            replicas.acknowledgement(of: id, through: end - 1, epoch: epoch)
        }
        let operation = DelayedOperation(isSatisfied: { outcome() != nil }) { _ in
            switch outcome() {
            // Too few replicas are in sync for further appends; all that are have these.
            case ErrorCode.none?, .notEnoughReplicasAfterAppend?: done()
            // A replica that lags leaves the in-sync set in time.
            case nil: whenCommitted(before: end, done)
            default: break
            }
        }
        replicas.delayedProduce.completeElseWait(operation, keys: CollectionOfOne(id), timeout: timeout)
    }

    private enum LoadError: Error {
        /// The partition is led elsewhere by now.
        case notHere
        case noProgress(at: Offset)
    }
}

extension Partition {
    /// Checks what a coordinator of this broker wants to append.
    fileprivate func validateCoordinated(_ records: ByteBuffer) throws(RecordError) -> ValidatedBatches {
        let settings = state.withLock { $0.settings }
        return try settings.validator(for: id).validate(
            records, produceVersion: nil, origin: .coordinator, now: BrokerClock.now)
    }
}
