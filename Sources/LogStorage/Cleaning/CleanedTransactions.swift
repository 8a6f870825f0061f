// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords

/// Follows the transactions of a log while its batches are read in order: which are aborted, and which markers have
/// nothing left to say because all of their transaction's data is gone.
struct CleanedTransactions {
    /// The aborted transactions of one producer.
    private struct Aborted {
        /// By first offset; one ends before the next begins.
        var entries: [TransactionIndexEntry] = []
        /// Those before it lie behind the reader.
        var current = 0
        /// Whether data of the current one was seen.
        var hasData = false
    }
    private var aborted: [ProducerID: Aborted] = [:]
    /// Producers of which data was seen that no marker has followed yet.
    private var withCommittedData: Set<ProducerID> = []
    /// Aborted transactions of which data was seen and whose marker has been reached since this was last taken: the new
    /// index has to name them, since readers may meet that data.
    private(set) var stillRelevant: [TransactionIndexEntry] = []

    init(_ entries: some Sequence<TransactionIndexEntry>) {
        for entry in Set(entries).sorted(by: { $0.firstOffset < $1.firstOffset }) {
            aborted[entry.producerID, default: Aborted()].entries.append(entry)
        }
    }

    /// Whether the records of a data batch belong to an aborted transaction: to one that began before it and whose
    /// marker follows it. That marker may have been compacted away already, so it is not waited for.
    mutating func isAborted(_ header: RecordBatchHeader) -> Bool {
        guard header.isTransactional else { return false }
        guard let transaction = current(of: header.producerID, at: header.lastOffset),
            transaction.firstOffset <= header.baseOffset
        else {
            withCommittedData.insert(header.producerID)
            return false
        }
        aborted[header.producerID]?.hasData = true
        return true
    }

    /// Whether nothing is left of the transaction that a control batch ends, in what was read before it.
    mutating func isObsolete(_ batch: RecordBatch) throws(RecordError) -> Bool {
        // Compaction has emptied it before.
        guard batch.header.recordCount > 0 else { return true }
        // Of other kinds of control records nothing is known, so they stay.
        guard let marker = try batch.endTransactionMarker() else { return false }
        let producer = batch.header.producerID
        let hadCommittedData = withCommittedData.remove(producer) != nil
        if marker.isCommit { return !hadCommittedData }
        guard let transaction = current(of: producer, at: batch.header.lastOffset),
            transaction.lastOffset == batch.header.lastOffset, aborted[producer]?.hasData == true
        else {
            // Data of an abort that the index does not name, as one that began below the log's start.
            return !hadCommittedData
        }
        stillRelevant.append(transaction)
        return false
    }

    /// The first aborted transaction of a producer that does not end below `offset`.
    private mutating func current(of producer: ProducerID, at offset: Offset) -> TransactionIndexEntry? {
        guard var known = aborted[producer] else { return nil }
        var hasMoved = false
        while known.current < known.entries.count, known.entries[known.current].lastOffset < offset {
            known.current += 1
            known.hasData = false
            hasMoved = true
        }
        if hasMoved { aborted[producer] = known }
        return known.current < known.entries.count ? known.entries[known.current] : nil
    }

    mutating func takeStillRelevant() -> [TransactionIndexEntry] {
        defer { stillRelevant = [] }
        return stillRelevant
    }
}
