// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords

/// A look at records that an earlier process has left, before they are handed to anyone for the first time.
///
/// After an orderly stop no recovery reads the log, so what the disk has done to it meanwhile would go out as it is. A
/// consumer finds wrong records by their checksum, if it looks; nobody finds a batch whose first offset or leader epoch is
/// wrong, since no checksum covers these: a follower would take the epoch for a leadership, a consumer would miss records.
/// Kafka serves all unseen. Here each stretch of a segment is read once: it costs the checksum, and is in the page cache
/// then.
///
/// What is held against what:
/// - the records, by the batch's checksum;
/// - the first offset, by the batches before and behind, and the segment's bounds;
/// - the leader epoch, by the leadership that the log knows for the offset, and the batches before and behind.
///
/// In a compacted log a first offset can be wrong within a hole that compaction has left, and nothing belies it.
package struct RecordInspection: Sendable {
    private let log: PartitionLog
    private let segment: LogSegment
    private let file: any StorageFile
    private let range: Range<Int64>
    /// The base of the next segment: no batch reaches it.
    private let bound: Offset
    private let epochs: LeaderEpochCache
    private let logStart: Offset
    /// How often the log had been cut when the range was found.
    private let truncations: Int

    /// Read at once.
    private static let blockBytes = 256 << 10

    /// - Parameters:
    ///   - file: the segment's, open.
    ///   - range: begins with a batch; its end may cut one off, which is looked at whole.
    ///   - bound: the base of the next segment, if there is one.
    init(
        _ log: PartitionLog, _ segment: LogSegment, _ file: any StorageFile, _ range: Range<Int64>,
        below bound: Offset?,
        _ epochs: LeaderEpochCache, logStart: Offset, truncations: Int
    ) {
        self.log = log
        self.segment = segment
        self.file = file
        self.range = range
        self.bound = bound ?? .max
        self.epochs = epochs
        self.logStart = logStart
        self.truncations = truncations
    }

    /// Reads and checks; waits for the disk. Damage is told to the operator, once.
    ///
    /// - Returns: how many bytes from the range's beginning may be handed on; all, or up to the first batch that is damaged.
    /// - Throws: ``LogError/damagedRecords(_:)`` when that is the first one.
    package func run() throws(LogError) -> Int {
        try log.health.watching { () throws(LogError) in
            var walk = Walk(at: range.lowerBound, next: segment.base)
            let known = segment.soundEnd(reaching: range.lowerBound)
            if let known { walk.position = known }
            try lookBack(&walk)
            if known != nil { walk.before = nil }
            let start = walk.position
            try logErrors { () throws(FileError) in try inspect(&walk) }
            segment.noteSound(start..<walk.position)
            guard let damage = walk.damage, !hasBeenCut else { return range.count }
            log.health.found(damage)
            guard walk.position > range.lowerBound else { throw .damagedRecords(damage) }
            return Int(min(walk.position, range.upperBound) - range.lowerBound)
        }
    }

    /// Whether the bytes may be other ones by now. Waits for a cut under way, since files are cut before the log tells of it.
    private var hasBeenCut: Bool {
        log.mutation.withLock { $0.isClosed } || log.published.withLock { $0.truncations != truncations }
    }

    /// How far the inspection has come.
    private struct Walk {
        /// All from the range's beginning to here is sound.
        var position: Int64
        /// What comes next begins here or behind it.
        var next: Offset
        /// The leader epoch of the batch before, if that is known.
        var epoch: LeaderEpoch?
        /// The two batches before the range, until its first one has been held against them.
        var before: Before?
        /// What is wrong with the batch at ``position``.
        var damage: MalformedFile?

        init(at position: Int64, next: Offset) {
            self.position = position
            self.next = next
        }
    }

    // MARK: What lies before

    /// The batch before the range, and where the one before that ends.
    private struct Before {
        var position: Int64
        var first: Offset
        var next: Offset
        var earliest: Offset
        var epoch: LeaderEpoch?
    }

    /// Finds the batches before the range. One whose first offset has become too small is passed over by whoever seeks it,
    /// and lies there.
    private func lookBack(_ walk: inout Walk) throws(LogError) {
        let beginning = walk.position
        guard beginning > 0 else { return }
        var start: Int64 = 0
        do throws(FileError) {
            // The last entry may lead to the very batch before the range; two back lies one before that.
            let last = try segment.offsetIndex.last { Int64($0.position) < beginning }
            if let last, let entry = try segment.offsetIndex.entry(last.number - 1),
                (0..<beginning).contains(Int64(entry.position))
            {
                start = Int64(entry.position)
            }
        } catch {
            // The segment may have been replaced meanwhile. Then only what lies in the range can tell.
            return
        }
        var position = start
        var next = segment.base
        var before: Before?
        let end = try? segment.scanHeaders(from: start) { header in
            guard header.position < beginning else { return false }
            before = Before(
                position: header.position, first: header.firstStated, next: header.header.nextOffset, earliest: next,
                epoch: header.leaderEpoch)
            next = header.header.nextOffset
            position = header.end
            return true
        }
        // An index that leads astray leads to no batches, or past the range's beginning.
        guard end != nil, position == beginning, let before else { return }
        walk.before = before
        walk.next = before.next
        walk.epoch = before.epoch
    }

    // MARK: What lies in the range

    private func inspect(_ walk: inout Walk) throws(FileError) {
        var failure: FileError?
        withUnsafeTemporaryAllocation(byteCount: Self.blockBytes, alignment: 16) { space in
            var window = Window(file, space)
            do throws(FileError) {
                while walk.damage == nil, walk.position < range.upperBound, try step(&walk, &window) {}
                // What has been read with it need not be read again for the next reader.
                while walk.damage == nil, window.hasBatch(at: walk.position), try step(&walk, &window) {}
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        // Whoever comes there will be told.
        if walk.position >= range.upperBound { walk.damage = nil }
    }

    /// Looks at one batch. False where none begins that an earlier process has left.
    private func step(_ walk: inout Walk, _ window: inout Window) throws(FileError) -> Bool {
        let parsed = try window.header(at: walk.position)
        guard case .header(let batch) = parsed else {
            guard case .corrupt(let problem) = parsed, segment.isInherited(walk.position) else { return false }
            walk.damage = segment.damage(walk.position, problem)
            return true
        }
        // Goes no further than the file does, whatever size the batch claims.
        let crc = try window.checksum(of: batch)
        var following: BatchHeader?
        if case .header(let header) = try window.header(at: batch.end) { following = header }
        // What an append is about to write, or has written since, is none of our business. Asked once all is read.
        guard segment.isInherited(walk.position) else { return false }
        if !segment.isInherited(batch.end) { following = nil }
        if let damage = damage(to: batch, crc, walk, following) {
            walk.damage = damage
            return true
        }
        walk.before = nil
        walk.position = batch.end
        walk.next = batch.header.nextOffset
        walk.epoch = batch.leaderEpoch
        return true
    }

    private func damage(
        to batch: BatchHeader, _ crc: UInt32?, _ walk: Walk, _ following: BatchHeader?
    ) -> MalformedFile? {
        if let before = walk.before, before.first < before.earliest, before.earliest <= batch.firstStated {
            return segment.damage(
                before.position, "the batch's offset \(before.first) lies before \(before.earliest)")
        }
        guard let problem = problem(of: batch, crc, walk, following) else { return nil }
        return segment.damage(batch.position, problem)
    }

    private func problem(
        of batch: BatchHeader, _ crc: UInt32?, _ walk: Walk, _ following: BatchHeader?
    ) -> String? {
        // If the batch behind denies the one before the range as well, then that one is wrong, and was not asked for.
        let isDenied = walk.before != nil && following.map { $0.firstStated < walk.next } == true
        if batch.firstStated < walk.next, !isDenied {
            return "the batch's offset \(batch.baseOffset) lies before \(walk.next)"
        }
        if batch.lastOffset >= bound { return "the batch's offset \(batch.lastOffset) lies in the next segment" }
        if let following, following.firstStated <= batch.lastOffset {
            return "the batch's offset \(batch.baseOffset) and that of the next one, \(following.baseOffset), "
                + "contradict one another"
        }
        guard let crc else {
            return "the batch at offset \(batch.baseOffset) claims \(batch.size) bytes, which the file has not"
        }
        if crc != batch.header.crc { return "the checksum of the batch at offset \(batch.baseOffset) is wrong" }
        return epochProblem(of: batch, walk.epoch, following)
    }

    /// A batch whose epoch is not that of its offset, and of no neighbour either, is damaged. If a neighbour bears it out,
    /// then rather the checkpoint is wrong: that is told, and the records are served.
    private func epochProblem(
        of batch: BatchHeader, _ previous: LeaderEpoch?, _ following: BatchHeader?
    ) -> String? {
        if batch.header.partitionLeaderEpoch < -1 {
            return "the leader epoch of the batch at offset \(batch.baseOffset) is negative"
        }
        guard !epochs.entries.isEmpty, let epoch = batch.leaderEpoch else { return nil }
        let known = epochs.epoch(at: max(batch.baseOffset, min(logStart, batch.lastOffset)))
        guard known != epoch else { return nil }
        let problem =
            "the batch at offset \(batch.baseOffset) has leader epoch \(epoch), and \(LeaderEpochCheckpoint.name) says "
            + (known.map { "\($0)" } ?? "nothing") + " there"
        let neighbours = [previous, following.flatMap(\.leaderEpoch)].compactMap { $0 }
        guard neighbours.isEmpty || neighbours.contains(epoch) else { return problem }
        log.health.found(
            MalformedFile(segment.path(.log), .position(batch.position), problem, advice: "the records are served"))
        return nil
    }
}

/// A part of a file in memory that moves along with who looks at it.
private struct Window {
    private let file: any StorageFile
    private let space: UnsafeMutableRawBufferPointer
    private var start: Int64 = 0
    private var count = 0

    init(_ file: any StorageFile, _ space: UnsafeMutableRawBufferPointer) {
        self.file = file
        self.space = space
    }

    /// What there is from `position` on: at least `wanted` bytes unless the file ends before.
    private mutating func bytes(at position: Int64, wanted: Int) throws(FileError) -> UnsafeRawBufferPointer {
        if position < start || position + Int64(wanted) > start + Int64(count) {
            // A failed read must not leave the old bytes under a new position.
            count = 0
            start = position
            count = try file.read(into: space, at: position)
        }
        return UnsafeRawBufferPointer(rebasing: space[..<count].dropFirst(Int(position - start)))
    }

    /// Whether a whole batch and the header behind it can be looked at without reading.
    func hasBatch(at position: Int64) -> Bool {
        guard position >= start, position < start + Int64(count) else { return false }
        let rest = UnsafeRawBufferPointer(rebasing: space[Int(position - start)..<count])
        guard case .header(let batch) = BatchHeader.parse(rest, at: position) else { return false }
        return batch.end + Int64(RecordBatchHeader.size) <= start + Int64(count)
    }

    mutating func header(at position: Int64) throws(FileError) -> BatchHeader.Parsed {
        BatchHeader.parse(try bytes(at: position, wanted: RecordBatchHeader.size), at: position)
    }

    /// The checksum of a batch as it should stand in its header. Nil if the file ends within the batch.
    mutating func checksum(of batch: BatchHeader) throws(FileError) -> UInt32? {
        var crc: UInt32 = 0
        var position = batch.position + Int64(batch.checksummedFrom)
        while position < batch.end {
            let part = try bytes(at: position, wanted: 1).prefix(Int(clamping: batch.end - position))
            guard !part.isEmpty else { return nil }
            crc = batch.checksum(UnsafeRawBufferPointer(rebasing: part), continuing: crc)
            position += Int64(part.count)
        }
        return crc
    }
}
