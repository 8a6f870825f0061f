// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension LogSegment {
    /// The aborted transactions whose markers lie here. What was read from the file is held against the batches once: no
    /// checksum covers it, and committed records would be hidden by it, or aborted ones shown.
    func abortedTransactions() throws(LogError) -> [TransactionIndexEntry] {
        let entries = try transactions.entries()
        guard !transactions.isChecked else { return entries }
        var previous: TransactionIndexEntry?
        for (number, entry) in entries.enumerated() {
            let marker = try find(entry.lastOffset)
            let isMarker =
                marker.map {
                    $0.lastOffset == entry.lastOffset && $0.header.isControl && $0.header.producerID == entry.producerID
                } ?? false
            let isInOrder = previous.map { $0.lastOffset < entry.lastOffset } ?? true
            let isSound = try beginsSoundly(entry)
            guard isMarker, isInOrder, isSound else {
                throw .malformed(
                    TransactionIndex.malformed(
                        path(.txnindex), entry: number,
                        "no transaction of producer \(entry.producerID) from offset \(entry.firstOffset) was aborted at "
                            + "\(entry.lastOffset)"))
            }
            previous = entry
        }
        try checkLastStable(entries)
        transactions.markChecked()
        return entries
    }

    /// A transaction that ended after another one had, and began before, held the last stable offset back. A reader that
    /// believed in a larger one would stop looking too early.
    func checkLastStable(_ entries: [TransactionIndexEntry]) throws(LogError) {
        var firstOfLater = Offset.max
        for (number, entry) in entries.enumerated().reversed() {
            guard entry.lastStable <= min(entry.lastOffset + 1, firstOfLater) else {
                throw .malformed(
                    TransactionIndex.malformed(
                        path(.txnindex), entry: number, "the last stable offset cannot be \(entry.lastStable)"))
            }
            firstOfLater = min(firstOfLater, entry.firstOffset)
        }
    }

    /// Whether a transaction can begin where an entry says, as far as this segment tells. Compaction may have taken the
    /// batch, never another one of the producer in its place.
    func beginsSoundly(_ entry: TransactionIndexEntry) throws(LogError) -> Bool {
        guard entry.firstOffset >= base, let batch = try find(entry.firstOffset) else { return true }
        if batch.baseOffset > entry.firstOffset { return true }
        return batch.baseOffset == entry.firstOffset && batch.header.producerID == entry.producerID
            && batch.header.isTransactional && !batch.header.isControl
    }

    /// What a `read_committed` reader of `[from, upTo)` has to know, and whether later segments have nothing to add.
    func aborted(from: Offset, upTo end: Offset) throws(LogError) -> (found: [AbortedTransaction], isComplete: Bool) {
        var found: [AbortedTransaction] = []
        for entry in try abortedTransactions() {
            if entry.lastOffset >= from, entry.firstOffset < end {
                found.append(AbortedTransaction(producerID: entry.producerID, firstOffset: entry.firstOffset))
            }
            if entry.lastStable >= end { return (found, true) }
        }
        return (found, false)
    }
}
