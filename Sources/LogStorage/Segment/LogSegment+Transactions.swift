// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension LogSegment {
    /// The aborted transactions whose markers lie here. What was read from the file is held against the batches once: no
    /// checksum covers it, and committed records would be hidden by it, or aborted ones shown.
    ///
    /// - Parameter earlier: the segments before this one, where transactions may have begun.
    func abortedTransactions(
        after earlier: ArraySlice<LogSegment>
    ) throws(LogError) -> [TransactionIndexEntry] {
        let entries = try transactions.entries()
        guard !transactions.isChecked else { return entries }
        let ends = try endsOfTransactions(among: entries)
        var previous: TransactionIndexEntry?
        for (number, entry) in entries.enumerated() {
            let marker = try find(entry.lastOffset)
            let isMarker =
                marker.map {
                    $0.lastOffset == entry.lastOffset && $0.header.isControl && $0.header.producerID == entry.producerID
                } ?? false
            let isInOrder = previous.map { $0.lastOffset < entry.lastOffset } ?? true
            let isOne = !(ends[entry.producerID] ?? []).contains {
                (entry.firstOffset..<max(entry.firstOffset, entry.lastOffset)).contains($0)
            }
            let isSound = try beginsSoundly(entry, after: earlier)
            guard isMarker, isInOrder, isOne, isSound else {
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

    /// Where the producers of entries have ended transactions in this segment, in the range of all entries: an entry that
    /// reaches over another end would hide what was committed by that.
    private func endsOfTransactions(
        among entries: [TransactionIndexEntry]
    ) throws(LogError) -> [ProducerID: [Offset]] {
        guard let first = entries.map(\.firstOffset).min(), let last = entries.last,
            let start = try find(max(first, base))
        else { return [:] }
        var ends = Dictionary(entries.map { ($0.producerID, [Offset]()) }) { known, _ in known }
        _ = try scanHeaders(from: start.position) { batch in
            if batch.header.isControl { ends[batch.header.producerID]?.append(batch.lastOffset) }
            return batch.lastOffset < last.lastOffset
        }
        return ends
    }

    /// Whether a transaction can begin where an entry says. Compaction may have taken the batch, never another one of the
    /// producer in its place.
    private func beginsSoundly(
        _ entry: TransactionIndexEntry, after earlier: ArraySlice<LogSegment>
    ) throws(LogError) -> Bool {
        guard entry.firstOffset < base else { return try holdsBeginning(of: entry) }
        guard let holder = earlier.lastIndex(where: { $0.base <= entry.firstOffset }) else { return true }
        guard try earlier[holder].holdsBeginning(of: entry) else { return false }
        // Nor has it ended before this segment.
        for segment in earlier[holder...] {
            var hasEnded = false
            guard let start = try segment.find(max(entry.firstOffset, segment.base)) else { continue }
            _ = try segment.scanHeaders(from: start.position) { batch in
                hasEnded = batch.header.isControl && batch.header.producerID == entry.producerID
                return !hasEnded
            }
            if hasEnded { return false }
        }
        return true
    }

    private func holdsBeginning(of entry: TransactionIndexEntry) throws(LogError) -> Bool {
        guard let batch = try find(entry.firstOffset), batch.baseOffset <= entry.firstOffset else { return true }
        return batch.baseOffset == entry.firstOffset && batch.header.producerID == entry.producerID
            && batch.header.isTransactional && !batch.header.isControl
    }

    /// What a `read_committed` reader of `[from, upTo)` has to know, and whether later segments have nothing to add.
    func aborted(
        from: Offset, upTo end: Offset, after earlier: ArraySlice<LogSegment>
    ) throws(LogError) -> (found: [AbortedTransaction], isComplete: Bool) {
        var found: [AbortedTransaction] = []
        for entry in try abortedTransactions(after: earlier) {
            if entry.lastOffset >= from, entry.firstOffset < end {
                found.append(AbortedTransaction(producerID: entry.producerID, firstOffset: entry.firstOffset))
            }
            if entry.lastStable >= end { return (found, true) }
        }
        return (found, false)
    }
}
