// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import LogStorage
import Replication

/// One record as it lies in a log: two replicas hold the same bytes where these are equal.
package struct ModelRecord: Hashable, Sendable {
    package var value: UInt64
    package var leaderEpoch: LeaderEpoch
    /// −1 without idempotence.
    package var producerID: ProducerID
    package var sequence: Int32
    /// The first offset of its batch, since logs are not cut within batches.
    package var batchStart: Offset

    /// Stands for one that nobody has any more.
    static let unknown = ModelRecord(value: 0, leaderEpoch: -1, producerID: -1, sequence: -1, batchStart: -1)
}

/// One replica's log in memory: records, leader epochs and producers by the rules of `LogStorage`, without files.
///
/// What a process wrote is there after its death. After a power failure what was not flushed may be gone, and what was cut
/// off, but not yet on disk, back.
package struct ModelLog: Sendable {
    package let topicID: KafkaUUID
    /// The first offset that is kept.
    package private(set) var logStart: Offset = 0
    package private(set) var highWatermark: Offset = 0
    package private(set) var epochs = LeaderEpochCache()
    private var records: [ModelRecord] = []
    private var base: Offset = 0
    private var producers = ProducerStateManager()
    /// What a power failure leaves.
    package private(set) var durableEnd: Offset = 0
    /// What lay at the end and was cut off since the last flush; nothing once something was written in its place.
    private var cutOff: [ModelRecord] = []
    package private(set) var checkpointedMark: Offset = 0

    package init(topicID: KafkaUUID) { self.topicID = topicID }

    package var logEnd: Offset { base + Offset(records.count) }

    package var local: FollowerReplication.LocalLog {
        .init(logStart: logStart, highWatermark: highWatermark, logEnd: logEnd, latestEpoch: epochs.latestEpoch)
    }

    package subscript(_ offset: Offset) -> ModelRecord? {
        offset >= base && offset < logEnd ? records[Int(offset - base)] : nil
    }

    /// The records from `offset` up to `limit`, at most about `count`, in whole batches.
    package func read(from offset: Offset, upTo limit: Offset, count: Int) -> ArraySlice<ModelRecord> {
        let end = min(limit, logEnd)
        guard offset >= base, offset < end else { return [] }
        var last = min(end, offset + Offset(count))
        while last < end, records[Int(last - base)].batchStart < last { last += 1 }
        return records[Int(offset - base)..<Int(last - base)]
    }

    package func endOffset(of epoch: LeaderEpoch) -> EpochEndOffset { epochs.endOffset(of: epoch, logEnd: logEnd) }
}

// MARK: Writing

extension ModelLog {
    package enum AppendResult: Hashable, Sendable {
        case appended(first: Offset, last: Offset)
        case duplicate(first: Offset, last: Offset)
        case refused(ErrorCode)
    }

    /// Appends a producer's batch as leader.
    package mutating func append(
        _ values: [UInt64], producerID: ProducerID, sequence: Int32, leaderEpoch: LeaderEpoch
    ) -> AppendResult {
        let first = logEnd
        defer { cutOff = [] }
        if producerID >= 0 {
            let batch = Self.batch(producerID, sequence: sequence, first: first, count: values.count)
            if let known = producers.duplicate(of: batch) {
                return .duplicate(first: known.firstOffset, last: known.lastOffset)
            }
            do throws(LogError) {
                try producers.check(batch, origin: .client)
            } catch {
                return .refused(error.errorCode)
            }
            producers.apply(batch)
        }
        if leaderEpoch > epochs.latestEpoch ?? -1 { epochs.assign(leaderEpoch, startOffset: first) }
        for (index, value) in values.enumerated() {
            records.append(
                ModelRecord(
                    value: value, leaderEpoch: leaderEpoch, producerID: producerID,
                    sequence: sequence + Int32(index), batchStart: first))
        }
        return .appended(first: first, last: logEnd - 1)
    }

    /// Appends what a leader sent, as it is.
    package mutating func appendAsFollower(_ sent: some Collection<ModelRecord>) {
        cutOff = []
        for record in sent {
            if record.leaderEpoch > epochs.latestEpoch ?? -1 {
                epochs.assign(record.leaderEpoch, startOffset: logEnd)
            }
            records.append(record)
        }
        replayProducers(from: logEnd - Offset(sent.count))
    }

    /// Notes the leaderships that another log of the same partition knows.
    package mutating func adoptEpochs(of other: ModelLog) {
        for entry in other.epochs.entries { epochs.assign(entry.epoch, startOffset: entry.startOffset) }
    }

    package mutating func assignEpochStart(_ epoch: LeaderEpoch) { epochs.assign(epoch, startOffset: logEnd) }

    package mutating func setHighWatermark(_ offset: Offset) { highWatermark = min(max(offset, logStart), logEnd) }

    package mutating func raiseLogStart(to offset: Offset) {
        guard offset > logStart else { return }
        logStart = offset
        epochs.truncateStart(to: offset)
    }

    /// Cuts the log so that it ends at or below the offset.
    package mutating func truncate(to offset: Offset) {
        guard offset < logEnd else {
            epochs.truncateEnd(to: logEnd)
            return
        }
        guard offset >= base else { return startOver(at: offset) }
        let end = min(offset, records[Int(offset - base)].batchStart)
        guard end >= base else { return startOver(at: end) }
        cutOff = records[Int(end - base)...] + cutOff
        records.removeSubrange(Int(end - base)...)
        epochs.truncateEnd(to: end)
        logStart = min(logStart, end)
        highWatermark = min(highWatermark, end)
        durableEnd = min(durableEnd, end)
        reloadProducers()
    }

    package mutating func startOver(at offset: Offset) {
        records = []
        cutOff = []
        base = offset
        logStart = offset
        highWatermark = max(logStart, min(highWatermark, offset))
        durableEnd = offset
        epochs.removeAll()
        producers.reset(at: offset)
    }

    private mutating func reloadProducers() {
        producers.reset(at: base)
        replayProducers(from: base)
    }

    private mutating func replayProducers(from start: Offset) {
        var offset = start
        while offset < logEnd {
            let first = records[Int(offset - base)]
            var end = offset + 1
            while end < logEnd, records[Int(end - base)].batchStart == first.batchStart { end += 1 }
            if first.producerID >= 0 {
                producers.apply(
                    Self.batch(
                        first.producerID, sequence: first.sequence, first: offset, count: Int(end - offset)))
            }
            offset = end
        }
    }

    private static func batch(_ id: ProducerID, sequence: Int32, first: Offset, count: Int) -> ProducerBatch {
        ProducerBatch(
            producerID: id, epoch: 0, firstSequence: sequence, firstOffset: first,
            lastOffset: first + Offset(count) - 1, maxTimestamp: 0, isTransactional: false, isControl: false,
            marker: nil)
    }
}

// MARK: Disk

extension ModelLog {
    /// How much of a log a power failure leaves.
    package struct PowerFailure: Sendable {
        /// How many records that were not flushed are there nonetheless.
        package var survivingUnflushed: Int
        /// A cut at the end that was not on disk yet has not happened, if nothing was written behind it.
        package var undoesCut: Bool

        package init(survivingUnflushed: Int, undoesCut: Bool) {
            self.survivingUnflushed = survivingUnflushed
            self.undoesCut = undoesCut
        }
    }

    /// Makes durable what there is.
    package mutating func flush() {
        durableEnd = logEnd
        cutOff = []
    }

    package mutating func checkpoint() { checkpointedMark = highWatermark }

    /// Whether a record is on disk.
    package func isDurable(_ offset: Offset) -> Bool { offset < durableEnd }

    /// How many records are not on disk.
    package var unflushedCount: Int { Int(logEnd - durableEnd) }

    /// The log as the next process finds it. What only a process's death has left is not on disk more than before.
    package mutating func reopen(after failure: PowerFailure? = nil) {
        if let failure {
            if failure.undoesCut, !cutOff.isEmpty {
                records += cutOff
                epochs.removeAll()
            } else if durableEnd + Offset(failure.survivingUnflushed) < logEnd {
                truncate(to: durableEnd + Offset(failure.survivingUnflushed))
            }
            flush()
            relearnEpochs()
        }
        highWatermark = min(max(checkpointedMark, logStart), logEnd)
        epochs.truncateEnd(to: logEnd)
        reloadProducers()
    }

    /// As a start does that scans what was not flushed.
    private mutating func relearnEpochs() {
        for (index, record) in records.enumerated() where record.leaderEpoch > epochs.latestEpoch ?? -1 {
            epochs.assign(record.leaderEpoch, startOffset: base + Offset(index))
        }
    }
}
