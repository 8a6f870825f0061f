// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// The settings of one log: the topic's, or the broker's defaults. A value; ``PartitionLog/reconfigure(_:)`` swaps it.
///
/// Sizes are bytes and times milliseconds, as in `server.properties`; the setting's name stands at each. −1 means
/// "no limit" where said.
package struct LogConfiguration: Hashable, Sendable {
    /// `segment.bytes`
    package var segmentBytes = 1 << 30
    /// `segment.ms`
    package var segmentMilliseconds: Int64 = 7 * 24 * 3_600_000
    /// `segment.jitter.ms`: at most this much earlier, drawn per segment, so that logs do not roll all at once.
    package var segmentJitterMilliseconds: Int64 = 0
    /// `segment.index.bytes`
    package var indexBytes = 10 << 20
    /// `index.interval.bytes`
    package var indexIntervalBytes = 4096
    /// `retention.bytes`; −1: no limit.
    package var retentionBytes: Int64 = -1
    /// `retention.ms`; −1: no limit.
    package var retentionMilliseconds: Int64 = 7 * 24 * 3_600_000
    /// `cleanup.policy` contains `delete`.
    package var isDeleted = true
    /// `cleanup.policy` contains `compact`.
    package var isCompacted = false
    /// `delete.retention.ms`: how long tombstones and transaction markers stay readable after compaction.
    package var deleteRetentionMilliseconds: Int64 = 24 * 3_600_000
    /// `min.compaction.lag.ms`
    package var minimumCompactionLagMilliseconds: Int64 = 0
    /// `max.compaction.lag.ms`
    package var maximumCompactionLagMilliseconds: Int64 = .max
    /// `min.cleanable.dirty.ratio`
    package var minimumCleanableDirtyRatio = 0.5
    /// `file.delete.delay.ms`
    package var fileDeleteDelayMilliseconds: Int64 = 60_000
    /// `max.message.bytes`
    package var maximumBatchBytes = 1_048_588
    /// `flush.messages`: an append that leaves this many records unflushed is flushed before it returns.
    package var flushRecords: Int64 = .max
    /// `flush.ms`: ``PartitionLog/flushIfDue(now:)`` flushes what is older.
    package var flushMilliseconds: Int64 = .max
    /// `preallocate`: the active segment's file is made at its full size.
    package var preallocate = false
    /// `message.timestamp.type` is `LogAppendTime`.
    package var usesLogAppendTime = false
    /// `message.timestamp.before.max.ms`
    package var timestampBeforeMaximumMilliseconds: Int64 = .max
    /// `message.timestamp.after.max.ms`
    package var timestampAfterMaximumMilliseconds: Int64 = .max
    /// `message.downconversion.enable`
    package var allowsDownConversion = true

    /// A compacted log rolls in time for `max.compaction.lag.ms`, since the active segment is never compacted (KIP-354).
    var maximumSegmentAge: Int64 {
        isCompacted ? min(segmentMilliseconds, max(maximumCompactionLagMilliseconds, 1)) : segmentMilliseconds
    }

    package init() {}
}
