// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Work on a log as of one moment, beside cuts, compaction, retention and renames, which take files away.
extension PartitionLog {
    /// Runs `body` on a part of the log as of one moment, and again on the log as it is now if a file was gone because the
    /// segments have changed since.
    ///
    /// - Throws: ``LogError/closed`` when the log is no longer in use. Other failures take the directory offline, where they
    ///   are such.
    func looking<View: Sendable, Result>(
        at part: (Published) -> View, _ body: (View) throws(LogError) -> Result
    ) throws(LogError) -> Result {
        while true {
            let (segments, view) = published.withLock { ($0.segments, part($0)) }
            do throws(LogError) {
                try health.check()
                return try body(view)
            } catch {
                if try excuses(error, since: segments) { continue }
                health.report(error)
                throw error
            }
        }
    }

    /// Whether a file is missing because the log has changed: that is no failure of the disk. Waits for a change under way,
    /// since files go before, or after, the log tells of it.
    ///
    /// - Parameters:
    ///   - segments: those that were worked on.
    ///   - directory: where, if files were sought by their names in it.
    /// - Throws: ``LogError/closed`` when the log is no longer in use.
    func excuses(
        _ error: LogError, since segments: SegmentList, in directory: String? = nil
    ) throws(LogError) -> Bool {
        guard case .file(let failure) = error, failure.isNotFound else { return false }
        if mutation.withLock({ $0.isClosed }) { throw .closed }
        return published.withLock { now in
            !now.segments.isSame(as: segments) || now.directory != directory ?? now.directory
        }
    }
}
