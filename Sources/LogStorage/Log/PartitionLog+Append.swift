// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// Who flushes when `flush.messages` asks for it.
package enum FlushChoice: Hashable, Sendable {
    /// The append does, before it returns.
    case beforeReturning
    /// The caller does, with ``PartitionLog/flush(upTo:)`` once for all that it has gathered, before it acknowledges
    /// anything whose ``LogAppendInfo/flushIsDue`` is set.
    case byCaller
}

/// A batch that a leader may append: validated, and open to what only the log can tell. `ValidatedBatches` is one.
package protocol AppendableBatches {
    /// Nil when there is nothing to append.
    var header: RecordBatchHeader? { get }
    /// What a control batch says.
    var marker: EndTransactionMarker? { get }
    /// Gives the records their place; `logAppendTime`, where not nil, becomes the timestamp of all. Called under the
    /// log's lock: patches in place.
    mutating func assign(baseOffset: Offset, leaderEpoch: LeaderEpoch, logAppendTime: Timestamp?)
    /// Lends the batch in two parts, in the order in which they are written.
    func withRegions<Result, Failure: Error>(
        _ body: (_ header: UnsafeRawBufferPointer, _ records: UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result
}

extension PartitionLog {
    /// Appends as leader: gives the records the next offsets, the leader epoch, and the time if the topic has
    /// LogAppendTime, and checks producer, epoch and sequence numbers.
    ///
    /// A batch that is in the log already (same producer, epoch and sequence numbers as one of its last five) is a
    /// success: the answer has its offsets, and nothing is written.
    ///
    /// - Parameter proof: what there is to show for records of a transaction that is not open here yet.
    package func append(
        _ batches: inout some AppendableBatches, leaderEpoch: LeaderEpoch, origin: AppendOrigin = .client,
        proof: TransactionProof = .notRequired, now: Timestamp, flush: FlushChoice = .beforeReturning
    ) throws(LogError) -> LogAppendInfo {
        let info = try mutate { (state) throws(LogError) in
            let (configuration, end) = published.withLock { ($0.configuration, $0.offsets.logEnd) }
            batches.assign(
                baseOffset: end, leaderEpoch: leaderEpoch,
                logAppendTime: configuration.usesLogAppendTime ? now : nil)
            guard let header = batches.header else {
                return try write([], [], at: end, origin, proof, now, configuration, &state) { _, _ in }
            }
            let headers = [BatchHeader(position: 0, header: header)]
            let producers = header.hasProducerID ? [ProducerBatch(header, marker: batches.marker)] : []
            var info = try write(headers, producers, at: end, origin, proof, now, configuration, &state) {
                (file, position) throws(FileError) in
                try batches.withRegions { (head, records) throws(FileError) in
                    try file.write(head, records, at: position)
                }
            }
            // Of a duplicate, the time that it has in the log.
            if header.timestampType == .logAppendTime { info.logAppendTime = info.maxTimestamp }
            return info
        }
        return try flushIfDue(info, flush)
    }

    /// Appends what a leader has sent: offsets and epochs stay as they are. Batches must begin at the log's end or, in
    /// a compacted log, behind it. A batch that is cut off at the end of the buffer is left out.
    package func appendAsFollower(
        _ buffer: ByteBuffer, now: Timestamp, flush: FlushChoice = .beforeReturning
    ) throws(LogError) -> LogAppendInfo {
        let info = try mutate { (state) throws(LogError) in
            var (configuration, end) = published.withLock { ($0.configuration, $0.offsets.logEnd) }
            var buffer = buffer
            let headers = try BatchHeader.parseWhole(&buffer)
            try BatchHeader.validateChecksums(buffer, headers)
            end = try beginEarlier(than: end, for: headers.first, now: now, &state)
            var next = end
            for header in headers {
                // In old formats a header tells the last offset only.
                guard header.lastOffset >= next, header.header.magic < 2 || header.baseOffset >= next else {
                    throw .unexpectedAppendOffset(expected: next, found: header.baseOffset)
                }
                next = header.lastOffset + 1
            }
            let first = headers.first.map { $0.header.magic >= 2 ? $0.baseOffset : end } ?? end
            let producers = headers.filter(\.header.hasProducerID).map { ProducerBatch($0, in: buffer) }
            return try write(headers, producers, at: first, .replication, .notRequired, now, configuration, &state) {
                (file, position) throws(FileError) in try file.write(buffer, at: position)
            }
        }
        return try flushIfDue(info, flush)
    }

    /// A leader's log may start inside a batch (DeleteRecords, KIP-107). An empty log that was to start there has to begin
    /// with that batch; its start is raised again with the leader's. Returns where the log ends now.
    private func beginEarlier(
        than end: Offset, for first: BatchHeader?, now: Timestamp, _ state: inout Mutation
    ) throws(LogError) -> Offset {
        guard let first, first.header.magic >= 2, first.baseOffset < end, first.lastOffset >= end,
            published.withLock({ $0.offsets.logStart }) == end
        else { return end }
        try startOver(at: first.baseOffset, logStart: first.baseOffset, now: now, &state)
        return first.baseOffset
    }

    // MARK: The one way in

    /// - Parameters:
    ///   - headers: of the batches, with positions from 0.
    ///   - batches: those of them that have a producer.
    ///   - put: writes them at a position of a file.
    private func write(
        _ headers: [BatchHeader], _ batches: [ProducerBatch], at first: Offset, _ origin: AppendOrigin,
        _ proof: TransactionProof, _ now: Timestamp, _ configuration: LogConfiguration, _ state: inout Mutation,
        _ put: (any StorageFile, Int64) throws(FileError) -> Void
    ) throws(LogError) -> LogAppendInfo {
        let published = published.withLock { ($0.offsets, $0.segments.active) }
        let byteCount = Int(headers.last?.end ?? 0)
        var info = LogAppendInfo(
            firstOffset: first, lastOffset: headers.last?.lastOffset ?? first - 1,
            recordCount: headers.reduce(0) { $0 + Int(max($1.header.recordCount, 0)) },
            byteCount: byteCount, maxTimestamp: headers.map(\.maxTimestamp).max() ?? -1, logAppendTime: -1,
            logStart: published.0.logStart, logEnd: published.0.logEnd, isDuplicate: false, rolled: false,
            flushIsDue: false, epochChanged: false)
        guard !headers.isEmpty else { return info }
        guard byteCount <= configuration.segmentBytes else {
            throw .recordListTooLarge(bytes: byteCount, limit: configuration.segmentBytes)
        }

        // 1. Producers: refuse, or find that it is all here already.
        if origin == .client, let batch = batches.first, let known = state.producers.duplicate(of: batch) {
            info.firstOffset = known.firstOffset
            info.lastOffset = known.lastOffset
            info.maxTimestamp = known.maxTimestamp
            info.isDuplicate = true
            // What it repeats may be among what is not on disk yet.
            info.flushIsDue =
                configuration.flushRecords < .max && known.lastOffset >= published.0.recoveryPoint
            return info
        }
        try check(batches, origin, proof, state.producers)

        // 2. Leaderships that begin with these batches.
        var epochsChanged = false
        for header in headers where header.header.partitionLeaderEpoch > state.epochs.latestEpoch ?? -1 {
            epochsChanged =
                state.epochs.assign(header.header.partitionLeaderEpoch, startOffset: header.baseOffset)
                || epochsChanged
        }
        if epochsChanged || state.epochsOnDisk != .saved { try saveEpochs(&state) }
        info.epochChanged = epochsChanged

        // 3. A new segment, if this one is full or old.
        var segment = published.1
        if try segment.mustRoll(
            before: byteCount, lastOffset: info.lastOffset, maxTimestamp: info.maxTimestamp, now: now,
            configuration)
        {
            // Recovery takes a hole between segments for a lost end, so the new one begins where the old one ends, unless
            // the batches would be too far from there.
            let isFar = RelativeOffset.of(info.lastOffset, base: published.0.logEnd) == nil
            segment = try roll(to: isFar ? first : published.0.logEnd, now: now, &state)
            info.rolled = true
        }

        // 4. The write. After it nothing may fail but the disk, so what an abort needs is looked at before.
        if batches.contains(where: { $0.marker?.isCommit == false }) { _ = try segment.transactions.entries() }
        let position = try segment.size
        try segment.append(headers, indexInterval: configuration.indexIntervalBytes, put)

        // 5. What follows from it, and then for all to see.
        var completed: [CompletedTransaction] = []
        for batch in batches {
            guard let transaction = state.producers.apply(batch) else { continue }
            completed.append(transaction)
            guard transaction.isAborted else { continue }
            // The index's file may be made now.
            directoryChanged.store(true, ordering: .releasing)
            try segment.transactions.append(
                TransactionIndexEntry(
                    producerID: transaction.producerID, firstOffset: transaction.firstOffset,
                    lastOffset: transaction.lastOffset,
                    lastStable: state.producers.lastStable(after: transaction)))
        }
        let end = LogPosition(
            offset: info.lastOffset + 1, segmentBase: segment.base,
            position: position + Int64(byteCount))
        state.producers.advance(to: end.offset)
        let firstOpen = state.producers.firstOpen
        info.logEnd = end.offset
        let unflushed = self.published.withLock { published in
            published.end = end
            published.offsets.logEnd = end.offset
            published.recent.add(end)
            published.firstOpen = firstOpen
            published.ended += completed
            published.updateLastStable()
            return end.offset - published.offsets.recoveryPoint
        }
        info.flushIsDue = unflushed >= configuration.flushRecords
        return info
    }

    private func check(
        _ batches: [ProducerBatch], _ origin: AppendOrigin, _ proof: TransactionProof,
        _ producers: borrowing ProducerStateManager
    ) throws(LogError) {
        guard origin != .replication, let first = batches.first else { return }
        if batches.count == 1 { return try producers.check(first, origin: origin, proof: proof) }
        // Each is checked against what those before it leave behind.
        var trial = copy producers
        for batch in batches {
            try trial.check(batch, origin: origin, proof: proof)
            trial.apply(batch)
        }
    }

    private func flushIfDue(_ info: LogAppendInfo, _ choice: FlushChoice) throws(LogError) -> LogAppendInfo {
        guard info.flushIsDue, choice == .beforeReturning else { return info }
        try flush(upTo: info.lastOffset + 1)
        var info = info
        info.flushIsDue = false
        return info
    }

    // MARK: Rolling

    /// Ends the active segment and begins a new one at `base`. Returns the new one.
    func roll(to base: Offset, now: Timestamp, _ state: inout Mutation) throws(LogError) -> LogSegment {
        let (active, directory, offsets) = published.withLock {
            ($0.segments.active, $0.directory, $0.offsets)
        }
        let base = max(base, offsets.logEnd)
        // Nothing in it: it can be the new one.
        if active.base == base, try active.size == 0 { return active }
        try active.seal()
        // With the new one, a start no longer scans this segment if the recovery point is at its end already: then its
        // indexes must be on disk too, above all that of aborted transactions. And a leap of offsets must not be taken for
        // a lost end.
        if offsets.recoveryPoint >= offsets.logEnd || base > offsets.logEnd {
            try logErrors { () throws(FileError) in try active.sync() }
        }
        state.producers.advance(to: base)
        try takeSnapshot(&state, in: directory)
        let segment = try begin(at: base, now: now)
        active.closeIdle()
        return segment
    }

    /// Begins a new segment, which takes no more room than its files' names.
    func begin(at base: Offset, now: Timestamp) throws(LogError) -> LogSegment {
        let (directory, configuration, active) = published.withLock {
            ($0.directory, $0.configuration, $0.segments.active)
        }
        // Where a batch's first offset is wrong, which no checksum covers. The file of an old segment must not be begun anew.
        guard base > active.base else {
            throw active.damaged(0, "the log ends at \(base), below its last segment's base")
        }
        let segment = LogSegment(
            base: base, in: directory, isNew: true, hasTransactions: false, now: now,
            jitter: Self.jitter(configuration), pool: pool)
        try logErrors { () throws(FileError) in
            try segment.create(preallocating: configuration.preallocate ? configuration.segmentBytes : nil)
        }
        directoryChanged.store(true, ordering: .releasing)
        published.withLock { published in
            published.segments.append(segment)
            published.end = LogPosition(offset: base, segmentBase: base, position: 0)
            published.offsets.logEnd = max(published.offsets.logEnd, base)
            published.recent.add(published.end)
        }
        return segment
    }

    static func jitter(_ configuration: LogConfiguration) -> Int64 {
        let limit = min(configuration.segmentJitterMilliseconds, configuration.segmentMilliseconds)
        return limit > 0 ? Int64.random(in: 0..<limit) : 0
    }

    /// Begins a new segment now, if the active one holds anything.
    package func roll(now: Timestamp) throws(LogError) {
        _ = try mutate { (state) throws(LogError) in
            try roll(to: published.withLock { $0.offsets.logEnd }, now: now, &state)
        }
    }

    /// Writes the producers' state as of the log's end, unless it is on disk or there is nothing to tell: like Kafka's, a log
    /// without records has no snapshot, so that thousands of those are closed without a new file in each. Not synced: it
    /// carries a checksum, and ``flush(upTo:)`` syncs it with its segment.
    func takeSnapshot(_ state: inout Mutation, in directory: String) throws(LogError) {
        let offset = state.producers.mapEnd
        if let last = state.snapshots.last {
            guard last < offset else { return }
        } else if state.producers.isEmpty, offset <= published.withLock({ $0.offsets.logStart }) {
            return
        }
        let path = directory + "/" + SegmentFileName(base: offset, kind: .snapshot).name
        let content = ProducerSnapshot.encode(state.producers.snapshot)
        try logErrors { () throws(FileError) in
            try pool.fileSystem.open(path, .replace).write(ByteBuffer(bytes: content), at: 0)
        }
        state.snapshots.append(offset)
        directoryChanged.store(true, ordering: .releasing)
    }
}

extension BatchHeader {
    /// The headers of the whole batches, to which the buffer is cut.
    static func parseWhole(_ buffer: inout ByteBuffer) throws(LogError) -> [BatchHeader] {
        var headers: [BatchHeader] = []
        var problem: String?
        var end = 0
        buffer.withUnsafeReadableBytes { bytes in
            while end < bytes.count {
                switch parse(UnsafeRawBufferPointer(rebasing: bytes[end...]), at: Int64(end)) {
                case .header(let header):
                    guard header.end <= Int64(bytes.count) else { return }
                    headers.append(header)
                    end += header.size
                case .cutOff: return
                case .corrupt(let text):
                    problem = text
                    return
                }
            }
        }
        if let problem { throw .corruptBatch(problem) }
        buffer = buffer.getSlice(at: buffer.readerIndex, length: end) ?? ByteBuffer()
        return headers
    }

    /// Checks the batches as they came over the network, before they become part of the log.
    static func validateChecksums(_ buffer: ByteBuffer, _ headers: [BatchHeader]) throws(LogError) {
        let sound = buffer.withUnsafeReadableBytes { bytes in
            headers.first { !$0.hasValidChecksum(in: bytes) }
        }
        if let bad = sound {
            throw .corruptBatch("the checksum of the batch at offset \(bad.baseOffset) is wrong")
        }
    }

    /// - Parameter bytes: in which the batch lies at ``position``.
    func hasValidChecksum(in bytes: UnsafeRawBufferPointer, at start: Int64 = 0) -> Bool {
        let first = Int(position - start)
        guard first >= 0, first + size <= bytes.count else { return false }
        let batch = UnsafeRawBufferPointer(rebasing: bytes[first..<(first + size)])
        return checksum(UnsafeRawBufferPointer(rebasing: batch[checksummedFrom...]), continuing: 0) == header.crc
    }
}

extension ProducerBatch {
    /// - Parameter buffer: in whose readable bytes the batch lies at its position.
    init(_ batch: BatchHeader, in buffer: ByteBuffer) {
        let bytes = buffer.getSlice(at: buffer.readerIndex + Int(batch.position), length: batch.size)
        self.init(
            batch.header,
            marker: batch.header.isControl ? bytes.flatMap { EndTransactionMarker(controlBatch: $0) } : nil)
    }

    init(_ header: RecordBatchHeader, marker: EndTransactionMarker?) {
        self.init(
            producerID: header.producerID, epoch: header.producerEpoch, firstSequence: header.baseSequence,
            firstOffset: header.baseOffset, lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp,
            isTransactional: header.isTransactional, isControl: header.isControl, marker: marker)
    }
}

extension EndTransactionMarker {
    /// What the control batch in `bytes` says; nil if it says nothing about a transaction, as after compaction.
    init?(controlBatch bytes: ByteBuffer) {
        var batches = RecordBatches(bytes)
        guard let batch = try? batches.next(), let marker = try? batch.endTransactionMarker() else { return nil }
        self = marker
    }
}

extension ValidatedBatches: AppendableBatches {}
