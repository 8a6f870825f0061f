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
        let belied = try transactionsBelied(among: entries)
        var previous: TransactionIndexEntry?
        for (number, entry) in entries.enumerated() {
            let marker = try find(entry.lastOffset)
            let isMarker =
                marker.map {
                    $0.lastOffset == entry.lastOffset && $0.header.isControl && $0.header.producerID == entry.producerID
                } ?? false
            let isInOrder = previous.map { $0.lastOffset < entry.lastOffset } ?? true
            let isSound = try beginsSoundly(entry, after: earlier)
            guard isMarker, isInOrder, isSound, !belied.contains(entry.lastOffset) else {
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

    /// How much of the file, in bytes, is looked at for what lies between the ends of transactions, and before them.
    private static let lookedThrough: Int64 = 4 << 20
    private static let lookedBack: Int64 = 256 << 10

    /// The entries, by their markers, that begin before the producer's transaction before has ended, and would hide what was
    /// committed by that; or behind the first batch of their own, and would show it.
    ///
    /// Only what lies near is looked at, so that no reader waits for long.
    private func transactionsBelied(among entries: [TransactionIndexEntry]) throws(LogError) -> Set<Offset> {
        guard let first = entries.map(\.firstOffset).min(), let last = entries.last,
            let beginning = try find(max(first, base))
        else { return [] }
        let before = try logErrors { () throws(FileError) in
            try offsetIndex.last { Int64($0.position) <= beginning.position - Self.lookedBack }
        }
        let start = before.map { max(0, min(Int64($0.entry.position), beginning.position)) } ?? 0
        let producers = Set(entries.map(\.producerID))
        let beginnings = Dictionary(entries.map { ($0.lastOffset, $0.firstOffset) }) { _, last in last }
        var open: [ProducerID: Offset] = [:]
        var ended: [ProducerID: Offset] = [:]
        var belied: Set<Offset> = []
        _ = try scanHeaders(from: start) { batch in
            let producer = batch.header.producerID
            guard batch.lastOffset <= last.lastOffset, batch.position - start < Self.lookedThrough else { return false }
            guard producers.contains(producer) else { return true }
            guard batch.header.isControl else {
                if batch.header.isTransactional, open[producer] == nil { open[producer] = batch.baseOffset }
                return true
            }
            if let told = beginnings[batch.lastOffset],
                told > open[producer] ?? .max || told < ended[producer] ?? .min
            {
                belied.insert(batch.lastOffset)
            }
            open[producer] = nil
            ended[producer] = batch.lastOffset
            return true
        }
        return belied
    }

    /// Whether a transaction can begin where an entry says. Compaction may have taken the batch, never another one of the
    /// producer in its place.
    private func beginsSoundly(
        _ entry: TransactionIndexEntry, after earlier: ArraySlice<LogSegment>
    ) throws(LogError) -> Bool {
        guard entry.firstOffset < base else { return try holdsBeginning(of: entry) }
        guard let holder = earlier.lastIndex(where: { $0.base <= entry.firstOffset }) else { return true }
        guard try earlier[holder].holdsBeginning(of: entry) else { return false }
        // Nor has it ended before this segment, as far as is looked.
        var left = Self.lookedThrough
        for segment in earlier[holder...] where left > 0 {
            var hasEnded = false
            guard let start = try segment.find(max(entry.firstOffset, segment.base)) else { continue }
            _ = try segment.scanHeaders(from: start.position) { batch in
                hasEnded = batch.header.isControl && batch.header.producerID == entry.producerID
                left -= Int64(batch.size)
                return !hasEnded && left > 0
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
