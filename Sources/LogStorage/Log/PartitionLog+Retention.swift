// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Why a segment is removed.
package enum RetentionReason: String, Hashable, Sendable {
    case time, size, logStart
}

/// What a round of retention removed.
package struct RetentionResult: Hashable, Sendable {
    package var removed: [(base: Offset, reason: RetentionReason)] = []
    package var logStart: Offset

    package static func == (left: RetentionResult, right: RetentionResult) -> Bool {
        left.logStart == right.logStart && left.removed.map(\.base) == right.removed.map(\.base)
            && left.removed.map(\.reason) == right.removed.map(\.reason)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(logStart) }
}

extension PartitionLog {
    /// Moves the log's start up to `offset` (DeleteRecords, KIP-107, or a leader's start). Segments below it go with the
    /// next round of retention. Returns whether it moved.
    /// - Throws: ``LogError/deleteBeyondHighWatermark(requested:highWatermark:)``.
    @discardableResult
    package func raiseLogStart(to offset: Offset) throws(LogError) -> Bool {
        try mutate { (state) throws(LogError) in try raiseLogStart(to: offset, &state) }
    }

    private func raiseLogStart(to offset: Offset, _ state: inout Mutation) throws(LogError) -> Bool {
        // In one step: a follower's mark may be lowered meanwhile, and must not come to lie below the start.
        let (hasMoved, mark) = published.withLock { published -> (Bool, Offset) in
            let offsets = published.offsets
            guard offset <= offsets.highWatermark, offset > offsets.logStart else {
                return (false, offsets.highWatermark)
            }
            published.offsets.logStart = offset
            // A transaction that began below it still holds the last stable offset back, and may still be aborted.
            published.ended.removeAll { $0.lastOffset < offset }
            published.updateLastStable()
            return (true, offsets.highWatermark)
        }
        guard offset <= mark else { throw .deleteBeyondHighWatermark(requested: offset, highWatermark: mark) }
        guard hasMoved else { return false }
        if state.epochs.truncateStart(to: offset) { try saveEpochsUnlessFull(&state) }
        return true
    }

    /// Removes the oldest segments that retention by time or size, or the log's start, lets go (KIP-107).
    ///
    /// Only what lies below the high watermark goes. The log's start moves first, then files are renamed to
    /// `.deleted`, so that a crash in between leaves nothing readable that is half gone; ``removeDeletedFiles(now:)``
    /// removes them once `file.delete.delay.ms` has passed.
    ///
    /// Works on a full disk too, where it is needed most: if not even the files of a new segment can be completed, those
    /// of the old ones are removed at once.
    @discardableResult
    package func deleteOldSegments(now: Timestamp) throws(LogError) -> RetentionResult {
        let (view, decisions) = try looking(at: { $0 }) { (view) throws(LogError) in (view, try expired(view, now)) }
        // What has been read in it since the last round need not be held on to.
        for segment in view.segments.all.dropLast() { segment.closeIdle() }
        guard !decisions.isEmpty else { return RetentionResult(logStart: view.offsets.logStart) }
        return try mutate { (state) throws(LogError) in
            var removed: [(base: Offset, reason: RetentionReason)] = []
            var segments: [LogSegment] = []
            // If all may go, a new segment becomes the active one first.
            let (active, offsets) = published.withLock { ($0.segments.active, $0.offsets) }
            var hasRoom = true
            if decisions.last?.0 === active, offsets.logEnd == view.offsets.logEnd {
                hasRoom = try unlessFull { () throws(LogError) in
                    _ = try roll(to: offsets.logEnd, now: now, &state)
                }
                // What goes need not be sealed.
                if !hasRoom { _ = try begin(at: offsets.logEnd, now: now) }
            }
            // The log may have changed since it was looked at: only what still stands first goes.
            var current = published.withLock { $0.segments }
            for (segment, reason) in decisions {
                guard current.count > 1, current.first === segment, current.all[1].base <= offsets.highWatermark
                else { break }
                current.removeFirst(1)
                segments.append(segment)
                removed.append((segment.base, reason))
            }
            guard let start = current.all.first?.base, !segments.isEmpty else {
                return RetentionResult(logStart: published.withLock { $0.offsets.logStart })
            }
            _ = try raiseLogStart(to: start, &state)
            try retire(segments, now: now, &state)
            if !hasRoom {
                try removeDeletedFiles(dueBy: .max, &state)
                try takeSnapshot(&state, in: published.withLock { $0.directory })
            }
            return RetentionResult(removed: removed, logStart: published.withLock { $0.offsets.logStart })
        }
    }

    /// The oldest segments that may go, in order, and why. A table of cases:
    ///
    /// | | time | size | log start |
    /// |---|---|---|---|
    /// | asked of | policy delete | policy delete | all |
    /// | goes if | now − largest timestamp > retention.ms | log without it ≥ retention.bytes | next base ≤ log start |
    private func expired(
        _ view: Published, _ now: Timestamp
    ) throws(LogError) -> [(LogSegment, RetentionReason)] {
        let settings = view.configuration
        var excess: Int64 = .min
        if settings.isDeleted, settings.retentionBytes >= 0 {
            excess = -settings.retentionBytes
            for segment in view.segments.all { excess += try segment.size }
        }
        var found: [(LogSegment, RetentionReason)] = []
        for (index, segment) in view.segments.all.enumerated() {
            let next = view.segments.nextBase(after: index)
            guard next ?? view.offsets.logEnd <= view.offsets.highWatermark else { break }
            let size = try segment.size
            if next == nil, size == 0 { break }
            if let next, next <= view.offsets.logStart {
                found.append((segment, .logStart))
            } else if settings.isDeleted, settings.retentionMilliseconds >= 0,
                now &- (try segment.retentionTimestamp()) > settings.retentionMilliseconds
            {
                found.append((segment, .time))
            } else if excess >= size {
                found.append((segment, .size))
            } else {
                break
            }
            if excess > .min { excess -= size }
        }
        return found
    }

    /// Takes segments out of the log: out of the readers' list, then to `.deleted`, for removal later.
    func retire(_ segments: [LogSegment], now: Timestamp, _ state: inout Mutation) throws(LogError) {
        let delay = published.withLock { published in
            published.segments.removeAll { segment in segments.contains { $0 === segment } }
            return published.configuration.fileDeleteDelayMilliseconds
        }
        try logErrors { () throws(FileError) in
            for segment in segments {
                try segment.rename(to: .deleted)
                segment.closeIdle()
                state.removed.append((segment, now &+ delay))
            }
        }
        let bases = Set(segments.map(\.base))
        // The newest always stays: it may be all that is known of a producer.
        let newest = state.snapshots.last
        try removeSnapshots(&state) { bases.contains($0) && $0 != newest }
    }

    /// Removes the files of segments that were retired `file.delete.delay.ms` ago. Returns how many segments.
    @discardableResult
    package func removeDeletedFiles(now: Timestamp) throws(LogError) -> Int {
        try mutate { (state) throws(LogError) in try removeDeletedFiles(dueBy: now, &state) }
    }

    @discardableResult
    private func removeDeletedFiles(dueBy now: Timestamp, _ state: inout Mutation) throws(LogError) -> Int {
        let due = state.removed.filter { $0.at <= now }
        guard !due.isEmpty else { return 0 }
        state.removed.removeAll { $0.at <= now }
        try logErrors { () throws(FileError) in
            for (segment, _) in due { try segment.remove() }
        }
        return due.count
    }

    /// When the next removal is due; nil when none waits.
    package var nextRemoval: Timestamp? { mutation.withLock { $0.removed.map(\.at).min() } }
}
