// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension PartitionLog {
    /// Up to where the log is compacted; nil if it never was.
    package var cleanedTo: Offset? { published.withLock { $0.cleanedTo } }

    /// - Parameter cuts: how many cuts the log had when the compaction looked at it; one that came since has taken what was
    ///   compacted, as far as anybody can tell.
    func noteCleaned(to offset: Offset?, cuts: Int? = nil) {
        published.withLock { published in
            if let cuts, cuts != published.truncations { return }
            published.cleanedTo = offset
        }
    }

    /// The state by which compaction is planned. Looks into files only where the log has a compaction lag.
    func cleaningFacts() throws(LogError) -> (view: Published, segments: [CleanerPlan.Segment]) {
        try looking(at: { $0 }) { (view) throws(LogError) in
            let settings = view.configuration
            var facts: [CleanerPlan.Segment] = []
            for (index, segment) in view.segments.all.enumerated() {
                guard let next = view.segments.nextBase(after: index) else { break }
                var fact = CleanerPlan.Segment(base: segment.base, next: next, size: try segment.size)
                if settings.minimumCompactionLagMilliseconds > 0 {
                    fact.largestTimestamp = try segment.retentionTimestamp()
                }
                if settings.maximumCompactionLagMilliseconds < .max, fact.size > 0 {
                    fact.firstTimestamp = try segment.firstTimestamp()
                }
                facts.append(fact)
            }
            return (view, facts)
        }
    }

    /// Compacts a range: builds the map of its keys, as far as it has room, and writes all segments from the log's
    /// beginning to the map's end anew, group by group. Appends and reads go on meanwhile.
    ///
    /// Crash safety. First all that is to be compacted is flushed, and the recovery point recorded. Then, per group: the
    /// new segment is written under `.cleaned` and synced; its files are renamed to `.swap` and the directory synced,
    /// which is the moment from which a start completes the swap; the old files are renamed to `.deleted` and the
    /// directory synced; the new ones get their names. Groups go from the old end to the new one, so that whatever a
    /// crash leaves of old segments is newer than what it has lost.
    func clean(
        _ range: CleanerPlan.Range, _ settings: CleaningSettings, now: Timestamp
    ) throws(CleaningFailure) -> CleaningResult {
        let view = published.withLock { $0 }
        var compaction = LogCompaction(self, view, range, settings, now: now)
        do throws(CleaningFailure) {
            try compaction.run()
            return compaction.result
        } catch {
            guard case .log(let failure) = error else { throw error }
            if case .file(let file) = failure, file.isNotFound, isOutdated(view) { throw .interrupted }
            if case .closed = failure { throw .interrupted }
            health.report(failure)
            throw error
        }
    }

    /// Whether what a compaction works on is no longer what the log is.
    func isOutdated(_ view: Published) -> Bool {
        let (truncations, segments) = published.withLock { ($0.truncations, $0.segments) }
        guard truncations == view.truncations, !isOffline else { return true }
        return mutation.withLock { $0.isClosed } || segments.first.base > view.segments.first.base
    }

    /// What compaction must leave of each producer, so that the next start knows it.
    var lastOfProducers: [ProducerID: BatchFilter.LastOfProducer] {
        mutation.withLock { state in
            state.producers.producers.mapValues {
                BatchFilter.LastOfProducer(lastOffset: $0.lastOffset, epoch: $0.epoch)
            }
        }
    }

    /// Puts a segment that compaction has written in the place of those that it was made of. False when these are no
    /// longer what the log consists of; then nothing has changed.
    ///
    /// All of it under the mutation lock: a swap that a start would complete must not be there for a moment after a cut.
    func swap(
        _ old: [LogSegment], _ new: LogSegment, _ view: Published, _ now: Timestamp
    ) throws(LogError) -> Bool {
        let isSwapped = try mutate { (state) throws(LogError) -> Bool in
            let isCurrent = published.withLock { published in
                published.truncations == view.truncations
                    && old.allSatisfy { segment in published.segments.all.contains { $0 === segment } }
            }
            guard isCurrent else { return false }
            try logErrors { () throws(FileError) in
                try new.rename(to: .swap)
                try pool.fileSystem.syncDirectory(path)
            }
            let delay = published.withLock { published in
                published.segments.replace(old, with: [new])
                // Positions in the old files mean nothing any more.
                published.recent.removeAll()
                published.recent.add(published.end)
                return published.configuration.fileDeleteDelayMilliseconds
            }
            directoryChanged.store(true, ordering: .releasing)
            try logErrors { () throws(FileError) in
                for segment in old {
                    try segment.rename(to: .deleted)
                    segment.closeIdle()
                    state.removed.append((segment, now &+ delay))
                }
                // Before the new one gets its name: an old segment that came back would overlap it.
                try pool.fileSystem.syncDirectory(path)
                try new.renameDataLast(to: .none)
            }
            // Snapshots at bases that no longer are any. The newest always stays.
            let bases = Set(old.dropFirst().map(\.base))
            let newest = state.snapshots.last
            try removeSnapshots(&state) { bases.contains($0) && $0 != newest }
            return true
        }
        if isSwapped { new.closeIdle() }
        return isSwapped
    }
}
