// SPDX-License-Identifier: Apache-2.0

internal import KafkaModel
internal import KafkaRecords
internal import LogStorage

/// A record of a partition that is read and transformed.
struct Input: Hashable {
    var partition: UInt8
    var offset: Offset
}

/// A partition that transactions write to: what the log's own rules for producers make of the batches and markers that
/// reach it. It leads all the time, or says that it does not.
final class DataPartition {
    /// A record of a transaction, with the outcome once a marker has come.
    struct Record {
        let transaction: Int
        /// What it was made from.
        let inputs: [Input]
        let producer: ProducerID
        let offset: Offset
        var isCommitted: Bool?
    }

    let id: TopicPartition
    private var producers = ProducerStateManager()
    private(set) var records: [Record] = []
    private var end: Offset = 0
    /// Nobody leads for the moment.
    var isAway = false
    /// Hears of records that are new, and of those whose outcome has come.
    var watch: (Record) -> Void = { _ in }

    init(_ id: TopicPartition) { self.id = id }

    /// Where the earliest open transaction began.
    var firstOpen: Offset? { producers.firstOpen }

    /// The coordinator whose marker came last, by its epoch.
    func coordinatorEpoch(of producer: ProducerID) -> Int32 { producers.coordinatorEpoch(of: producer) }

    /// Begins a question to the coordinator, as KIP-890 wants; nil if none is needed.
    func question(_ producer: ProducerID, _ epoch: ProducerEpoch, sequence: Int32) -> VerificationGuard? {
        producers.beginVerification(of: producer, epoch: epoch, firstSequence: sequence, now: 0)
    }

    /// Another broker leads, and knows nothing of the questions that are on their way.
    func move() {
        producers = ProducerStateManager(producers.snapshot, at: end, now: 0, expiration: .max)
    }

    func append(
        transaction: Int, _ inputs: [Input] = [], _ producer: ProducerID, _ epoch: ProducerEpoch, sequence: Int32,
        proof: TransactionProof
    ) -> ErrorCode {
        if isAway { return .notLeaderOrFollower }
        let batch = ProducerBatch(
            producerID: producer, epoch: epoch, firstSequence: sequence, firstOffset: end, lastOffset: end,
            maxTimestamp: 0, isTransactional: true, isControl: false, marker: nil)
        if producers.duplicate(of: batch) != nil { return .none }
        do throws(LogError) {
            try producers.check(batch, origin: .client, proof: proof)
        } catch {
            return error.errorCode
        }
        producers.apply(batch)
        let record = Record(transaction: transaction, inputs: inputs, producer: producer, offset: end)
        records.append(record)
        end += 1
        watch(record)
        return .none
    }

    func mark(_ producer: ProducerID, _ epoch: ProducerEpoch, isCommit: Bool, coordinatorEpoch: Int32) -> ErrorCode {
        if isAway { return .notLeaderOrFollower }
        let batch = ProducerBatch(
            producerID: producer, epoch: epoch, firstSequence: -1, firstOffset: end, lastOffset: end, maxTimestamp: 0,
            isTransactional: true, isControl: true,
            marker: EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: coordinatorEpoch))
        do throws(LogError) {
            try producers.check(batch, origin: .coordinator, proof: .notRequired)
        } catch {
            return error.errorCode
        }
        producers.apply(batch)
        end += 1
        for index in records.indices where records[index].producer == producer && records[index].isCommitted == nil {
            records[index].isCommitted = isCommit
            watch(records[index])
        }
        return .none
    }
}
