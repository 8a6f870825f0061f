// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// The records of one partition in one Fetch answer, decoded batch by batch as they are asked for.
///
/// Leaves out what the consumer did not ask for (the part of a batch before its position), control records, and with
/// `read_committed` the records of aborted transactions.
struct FetchedRecords {
    let partition: TopicPartition
    /// Where the next fetch goes on, as far as records were taken.
    private(set) var nextOffset: Offset
    private(set) var leaderEpoch: LeaderEpoch?
    /// The bytes that have come and are not decoded yet, roughly.
    let byteCount: Int
    private var batches: RecordBatches
    private var pending: [ConsumerRecord] = []
    private var position = 0
    private var pendingNext: Offset = 0
    private var aborted: [AbortedTransaction]
    private var openAborted: Set<ProducerID> = []
    private let readsCommitted: Bool
    private let checksCRCs: Bool

    struct AbortedTransaction: Hashable, Sendable {
        var producerID: ProducerID
        var firstOffset: Offset
    }

    init(
        partition: TopicPartition, from offset: Offset, bytes: ByteBuffer, aborted: [AbortedTransaction]?,
        checksCRCs: Bool
    ) {
        self.partition = partition
        nextOffset = offset
        byteCount = bytes.readableBytes
        batches = RecordBatches(bytes)
        self.aborted = (aborted ?? []).sorted { $0.firstOffset < $1.firstOffset }
        readsCommitted = aborted != nil
        self.checksCRCs = checksCRCs
    }

    /// Appends at most `count` records to `records`; returns how many. Zero means that there are no more.
    mutating func take(_ count: Int, into records: inout [ConsumerRecord]) throws(KafkaError) -> Int {
        var taken = 0
        while taken < count {
            if position == pending.count {
                guard try decodeBatch() else { break }
                continue
            }
            let end = min(pending.count, position + count - taken)
            records.append(contentsOf: pending[position..<end])
            taken += end - position
            nextOffset = pending[end - 1].offset + 1
            position = end
            if position == pending.count { finishBatch() }
        }
        return taken
    }

    private mutating func finishBatch() {
        pending = []
        position = 0
        nextOffset = max(nextOffset, pendingNext)
    }

    /// Decodes the next batch; false at the end.
    private mutating func decodeBatch() throws(KafkaError) -> Bool {
        do {
            guard let batch = try batches.next() else { return false }
            if checksCRCs { try batch.validateChecksum() }
            let header = batch.header
            guard header.lastOffset >= nextOffset else { return true }
            pendingNext = header.nextOffset
            if header.magic >= 2 { leaderEpoch = header.partitionLeaderEpoch >= 0 ? header.partitionLeaderEpoch : nil }
            if readsCommitted, header.hasProducerID {
                while let next = aborted.first, next.firstOffset <= header.lastOffset {
                    openAborted.insert(next.producerID)
                    aborted.removeFirst()
                }
                if header.isControl {
                    // An abort marker ends the aborted transaction; a commit marker has none to end.
                    if try RecordDecoding.isAbortMarker(batch) { openAborted.remove(header.producerID) }
                }
            }
            let isHidden =
                header.isControl || readsCommitted && header.isTransactional && openAborted.contains(header.producerID)
            if !isHidden {
                pending.reserveCapacity(Int(max(header.recordCount, 0)) &+ 1)
                try RecordDecoding.decode(batch, of: partition, from: nextOffset, into: &pending)
            }
            if pending.isEmpty { finishBatch() }
            return true
        } catch {
            throw KafkaError(
                .malformedResponse,
                "Received exception when fetching the next record from \(partition). If needed, please seek past the record to continue consumption. (\(error.message))"
            )
        }
    }
}
