// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// Decides what compaction leaves of each batch. The rules:
///
/// | Record | Stays |
/// |---|---|
/// | behind the end of the map | always |
/// | of an aborted transaction | never |
/// | without a key | never |
/// | with a newer one of the same key in the map | never |
/// | without a value (tombstone) | until the delete horizon of its batch |
/// | transaction marker | while data of its transaction was there, then until the delete horizon |
///
/// The horizon, `delete.retention.ms` from then, is written into a batch when compaction first finds in it a tombstone
/// that is the newest of its key, or a marker with no data left (KIP-534). Offsets never change; a batch that loses records
/// keeps its first and last offset. Of the last batch of an active producer the header stays: it holds the sequence
/// number that the next batch must follow.
struct BatchFilter {
    enum Outcome {
        case drop
        case keep
        case replace(ByteBuffer)
    }

    /// What must be found again of a producer after a restart.
    struct LastOfProducer: Hashable {
        /// Of its last data; −1 if only markers are known.
        var lastOffset: Offset
        var epoch: ProducerEpoch
    }

    let map: OffsetMap
    /// The first offset that the map does not know of.
    let mapEnd: Offset
    let producers: [ProducerID: LastOfProducer]
    let now: Timestamp
    let deleteRetention: Int64
    var transactions: CleanedTransactions

    /// - Parameter keepsOldTombstones: those in batches before version 2, which have no horizon.
    mutating func filter(_ batch: RecordBatch, keepsOldTombstones: Bool) throws(RecordError) -> Outcome {
        let header = batch.header
        let isObsoleteMarker = header.isControl ? try transactions.isObsolete(batch) : false
        let dropsAll =
            header.isControl
            ? isObsoleteMarker && header.deleteHorizon.map { $0 <= now } ?? (header.recordCount == 0)
            : transactions.isAborted(header)
        let isLast = isLastOfProducer(header)
        if dropsAll { return isLast ? emptied(batch) : .drop }
        if header.isControl, !isObsoleteMarker { return .keep }

        var kept: [Record] = []
        var hasTombstone = false
        var total = 0
        var records = try batch.records()
        while let record = try records.next() {
            total += 1
            guard header.isControl || keeps(record, header, keepsOldTombstones) else { continue }
            if record.value == nil { hasTombstone = true }
            kept.append(record)
        }
        if kept.isEmpty { return isLast ? emptied(batch) : .drop }
        let setsHorizon = header.magic >= 2 && (hasTombstone || isObsoleteMarker) && header.deleteHorizon == nil
        if kept.count == total, !setsHorizon { return .keep }
        return .replace(rebuilt(header, kept, setsHorizon))
    }

    private func keeps(_ record: Record, _ header: RecordBatchHeader, _ keepsOldTombstones: Bool) -> Bool {
        if record.offset >= mapEnd { return true }
        guard let key = record.key else { return false }
        if let newest = map.offset(of: key), newest > record.offset { return false }
        if record.value != nil { return true }
        if header.magic < 2 { return keepsOldTombstones }
        return header.deleteHorizon.map { now < $0 } ?? true
    }

    private func isLastOfProducer(_ header: RecordBatchHeader) -> Bool {
        guard header.hasProducerID, let last = producers[header.producerID] else { return false }
        return last.lastOffset >= 0
            ? header.lastOffset == last.lastOffset : header.isControl && header.producerEpoch == last.epoch
    }

    private func emptied(_ batch: RecordBatch) -> Outcome {
        batch.header.recordCount == 0 ? .keep : .replace(RecordBatchBuilder.emptied(batch.header))
    }

    private func rebuilt(_ header: RecordBatchHeader, _ records: [Record], _ setsHorizon: Bool) -> ByteBuffer {
        var settings = RecordBatchBuilder.Settings(header)
        settings.magic = header.magic
        if header.magic < 2, let first = records.first { settings.baseOffset = first.offset }
        if setsHorizon { settings.deleteHorizon = now.addingReportingOverflow(deleteRetention).partialValue }
        if setsHorizon, settings.deleteHorizon ?? 0 < now { settings.deleteHorizon = .max }
        var builder = RecordBatchBuilder(settings, capacity: header.sizeInBytes + 64)
        for record in records { builder.append(record) }
        return header.magic < 2 ? builder.finish() : builder.finish(lastOffset: header.lastOffset)
    }
}
