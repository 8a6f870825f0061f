// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// A leadership and the offset at which it began.
package struct EpochEntry: Hashable, Sendable {
    package var epoch: LeaderEpoch
    package var startOffset: Offset

    package init(epoch: LeaderEpoch, startOffset: Offset) {
        self.epoch = epoch
        self.startOffset = startOffset
    }
}

/// Where an epoch ended: what OffsetForLeaderEpoch answers (KIP-101, KIP-279).
package struct EpochEndOffset: Hashable, Sendable {
    /// The largest epoch known that is not above the one asked for; nil when undefined.
    package var epoch: LeaderEpoch?
    /// The first offset after it; nil when undefined.
    package var endOffset: Offset?

    package init(epoch: LeaderEpoch?, endOffset: Offset?) {
        self.epoch = epoch
        self.endOffset = endOffset
    }

    package static let undefined = EpochEndOffset(epoch: nil, endOffset: nil)
}

/// The leaderships of a partition in the range of its log: epochs and start offsets both strictly grow.
///
/// A value, owned by the log's mutation lock. Each mutating method says whether it changed anything, so that the owner
/// writes the checkpoint.
package struct LeaderEpochCache: Hashable, Sendable {
    package private(set) var entries: [EpochEntry] = []

    package init() {}

    /// Takes a checkpoint's entries, dropping those that break the order.
    package init(_ entries: [EpochEntry]) {
        for entry in entries { assign(entry.epoch, startOffset: entry.startOffset) }
    }

    package var latestEpoch: LeaderEpoch? { entries.last?.epoch }

    /// A leadership begins at an offset. Entries that contradict it, with a larger epoch or a later start, were
    /// of leaders that this one has replaced, and go.
    @discardableResult
    package mutating func assign(_ epoch: LeaderEpoch, startOffset: Offset) -> Bool {
        guard epoch >= 0, startOffset >= 0 else { return false }
        if let last = entries.last, last.epoch == epoch, last.startOffset <= startOffset { return false }
        if let same = entries.first(where: { $0.epoch == epoch }), same.startOffset <= startOffset {
            // Known already, under younger ones: nothing new about it.
            return false
        }
        entries.removeAll { $0.epoch >= epoch || $0.startOffset >= startOffset }
        entries.append(EpochEntry(epoch: epoch, startOffset: startOffset))
        return true
    }

    /// Where `epoch` ended, if the log ends at `logEnd`.
    package func endOffset(of epoch: LeaderEpoch, logEnd: Offset) -> EpochEndOffset {
        guard let latest = entries.last, epoch >= 0 else { return .undefined }
        if epoch == latest.epoch { return EpochEndOffset(epoch: epoch, endOffset: logEnd) }
        guard let next = entries.firstIndex(where: { $0.epoch > epoch }) else { return .undefined }
        // Without an epoch at or below, all of the log is younger: it ended where the next one began.
        return EpochEndOffset(
            epoch: next > 0 ? entries[next - 1].epoch : epoch, endOffset: entries[next].startOffset)
    }

    /// The epoch in which a record at `offset` was written; nil when unknown.
    package func epoch(at offset: Offset) -> LeaderEpoch? {
        entries.last { $0.startOffset <= offset }?.epoch
    }

    /// How a batch of the log belies what is known here; nil if it does not.
    func contradiction(of batch: BatchHeader) -> String? {
        let found = batch.header.partitionLeaderEpoch
        guard batch.header.magic >= 2, found >= 0 else { return nil }
        let known = epoch(at: batch.baseOffset)
        guard known != found else { return nil }
        return
            "names \(known.map { "leader epoch \($0)" } ?? "no leader epoch") at offset \(batch.baseOffset), where a batch of "
            + "epoch \(found) lies"
    }

    /// That a batch lies before its own epoch began, by what is known here; nil if it does not.
    func lateStart(of batch: BatchHeader) -> String? {
        guard let epoch = batch.leaderEpoch, let entry = entries.first(where: { $0.epoch == epoch }),
            entry.startOffset > batch.baseOffset
        else { return nil }
        return
            "lets leader epoch \(epoch) begin at offset \(entry.startOffset), and a batch of it lies at \(batch.baseOffset)"
    }

    /// The largest epoch below `epoch`.
    package func epoch(before epoch: LeaderEpoch) -> LeaderEpoch? {
        entries.last { $0.epoch < epoch }?.epoch
    }

    /// The log was cut at its end: leaderships that began at or after the cut never happened here.
    @discardableResult
    package mutating func truncateEnd(to offset: Offset) -> Bool {
        guard let last = entries.last, last.startOffset >= offset else { return false }
        entries.removeAll { $0.startOffset >= offset }
        return true
    }

    /// The log was cut at its start: the leadership that covers the new start is kept, as if begun there.
    @discardableResult
    package mutating func truncateStart(to offset: Offset) -> Bool {
        guard let covering = entries.lastIndex(where: { $0.startOffset <= offset }),
            covering > 0 || entries[covering].startOffset < offset
        else { return false }
        entries.removeFirst(covering)
        entries[0].startOffset = offset
        return true
    }

    @discardableResult
    package mutating func removeAll() -> Bool {
        defer { entries = [] }
        return !entries.isEmpty
    }
}
