// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore
import Synchronization

/// One partition on disk: its batches in segments, their indexes, its producers and its leaderships.
///
/// The contract:
/// - A finished ``append(_:leaderEpoch:origin:now:flush:)`` has written the batches to the active segment's file in
///   one call; they are readable up to ``ReadLimit/logEnd``. They survive the end of the process, and that of the
///   machine once ``flush(upTo:)`` has returned or `flush.messages` has asked for it.
/// - What was flushed is there after any crash; what is there is a prefix of what was appended.
/// - All calls are synchronous, may block on the disk unless said, and are safe from any thread. Mutations wait for one
///   another; reads wait for none of them.
/// - After a failure of the disk all calls throw ``LogError/directoryOffline(path:)``.
///
/// Owner: ``LogDirectories``, from opening to ``close(now:)`` or deletion.
///
/// Locks, in the order in which they nest: `flushing`, `mutation`, `published`, then those of segments, indexes and
/// the file pool. `published` is held for a few instructions only.
package final class PartitionLog: Sendable {
    package let topicPartition: TopicPartition
    let health: DirectoryHealth
    let pool: FilePool
    let producerExpiration: ProducerExpiration

    /// What only one thread at a time may change. Held during writes.
    struct Mutation: Sendable {
        var producers: ProducerStateManager
        var epochs: LeaderEpochCache
        /// Offsets of the producer snapshots in the directory, ascending.
        var snapshots: [Offset]
        /// Segments that are no longer part of the log, and when their files may go.
        var removed: [(segment: LogSegment, at: Timestamp)] = []
        var isClosed = false
        var topicID: KafkaUUID?
        /// How the checkpoint of leader epochs stands to ``epochs``. Nothing is appended before it is `saved`, so that no
        /// record is on disk whose leadership is not.
        var epochsOnDisk = EpochsOnDisk.saved
    }
    enum EpochsOnDisk: Sendable {
        /// The same.
        case saved
        /// It differs by leaderships without a record, which the next start cuts off in any case: a stop leaves it so.
        case differsByEmptyEpochs
        /// Older: the disk was full. A stop writes it.
        case outdated
    }
    let mutation: Mutex<Mutation>

    /// What readers see.
    struct Published: Sendable {
        var directory: String
        var segments: SegmentList
        var offsets: LogOffsets
        /// Where the next batch will lie.
        var end: LogPosition
        /// Where the earliest open transaction began.
        var firstOpen: Offset?
        /// Ended transactions whose markers are not below the high watermark yet. They hold the last stable offset
        /// back too: a reader must not learn of an end that a new leader may not have.
        var ended: [CompletedTransaction] = []
        /// Up to where the log is compacted, as far as it has not been cut since; nil if it never was.
        var cleanedTo: Offset?
        /// A cut has lowered it since it was written.
        var cleanedIsUnsaved = false
        /// Counts the cuts at the end, so that a sync that began before one does not vouch for what came after.
        var truncations = 0
        /// Ends of the newest appends, to place high watermarks without looking into files.
        var recent = RecentPositions()
        var configuration: LogConfiguration
        var epochs: LeaderEpochCache
    }
    let published: Mutex<Published>

    /// Held during a sync, so that those who wait for one another's share it.
    let flushing = Mutex(LastFlush())

    struct LastFlush: Sendable {
        var time: Timestamp = 0
    }

    /// Files were made or removed: the directory needs a sync before the recovery point may rise.
    let directoryChanged = Atomic(false)

    /// Nothing of the log has been made durable yet, not even that it is there. A crash takes it whole then, as if it had not
    /// been made; so its small files need no sync of their own before the first flush. Thousands of logs are made at once.
    let isUnsynced: Atomic<Bool>

    init(
        _ topicPartition: TopicPartition, health: DirectoryHealth, pool: FilePool,
        producerExpiration: ProducerExpiration, isUnsynced: Bool, mutation: Mutation, published: Published
    ) {
        self.topicPartition = topicPartition
        self.health = health
        self.pool = pool
        self.producerExpiration = producerExpiration
        self.isUnsynced = Atomic(isUnsynced)
        self.mutation = Mutex(mutation)
        self.published = Mutex(published)
    }

    // MARK: Looking, without waiting for the disk

    package var offsets: LogOffsets { published.withLock { $0.offsets } }
    package var configuration: LogConfiguration { published.withLock { $0.configuration } }

    /// The partition's directory.
    package var path: String { published.withLock { $0.directory } }

    /// The log directory that holds it.
    package var logDirectory: String { health.path }

    package var isOffline: Bool { health.isOffline }

    /// Where the next batch will lie.
    package var end: LogPosition { published.withLock { $0.end } }

    package var segmentCount: Int { published.withLock { $0.segments.count } }

    /// The id of the topic, once known. Waits for a write under way.
    package var topicID: KafkaUUID? { mutation.withLock { $0.topicID } }

    /// The producers that are known here, by id. Waits for a write under way.
    package var activeProducers: [ProducerState] {
        mutation.withLock { $0.producers.producers.values.sorted { $0.producerID < $1.producerID } }
    }

    /// Bytes of all segments. May look at files.
    package func byteCount() throws(LogError) -> Int64 {
        try looking(at: \.segments) { (segments) throws(LogError) in
            var sum: Int64 = 0
            for segment in segments.all { sum += try segment.size }
            return sum
        }
    }

    /// Settings take effect with the next operation.
    package func reconfigure(_ configuration: LogConfiguration) {
        published.withLock { $0.configuration = configuration }
    }

    // MARK: High watermark

    /// Moves the high watermark to `offset`, clamped to the log; it may move back (a follower's leader says so).
    /// Returns where it is now. Never waits for the disk.
    @discardableResult
    package func updateHighWatermark(_ offset: Offset) -> Offset {
        published.withLock { state in
            state.offsets.highWatermark = min(max(offset, state.offsets.logStart), state.offsets.logEnd)
            state.updateLastStable()
            return state.offsets.highWatermark
        }
    }

    /// As ``updateHighWatermark(_:)``, but never back. Nil when it stays where it is.
    package func raiseHighWatermark(to offset: Offset) -> Offset? {
        published.withLock { state in
            let target = min(offset, state.offsets.logEnd)
            guard target > state.offsets.highWatermark else { return nil }
            state.offsets.highWatermark = target
            state.updateLastStable()
            return target
        }
    }

    // MARK: Leader epochs

    /// The newest leadership known here.
    package var latestEpoch: LeaderEpoch? { published.withLock { $0.epochs.latestEpoch } }

    /// Where an epoch ended (OffsetForLeaderEpoch, KIP-101).
    package func endOffset(of epoch: LeaderEpoch) -> EpochEndOffset {
        published.withLock { $0.epochs.endOffset(of: epoch, logEnd: $0.offsets.logEnd) }
    }

    /// All leaderships in the range of the log.
    package var epochs: LeaderEpochCache { published.withLock { $0.epochs } }

    /// This broker has become leader with `epoch`: it begins at the log's end, even if nothing is ever appended.
    ///
    /// The file is written before the first record of the epoch, and never if none comes: a start that does not know of an
    /// epoch without records has forgotten nothing, since no log can part there. A failover makes a broker leader of
    /// thousands of partitions at once, which would otherwise wait for as many syncs (Kafka's do).
    package func assignEpochStart(_ epoch: LeaderEpoch) throws(LogError) {
        try mutate { (state) throws(LogError) in
            let end = published.withLock { $0.offsets.logEnd }
            guard state.epochs.assign(epoch, startOffset: end) else { return }
            let epochs = state.epochs
            published.withLock { $0.epochs = epochs }
            if state.epochsOnDisk == .saved { state.epochsOnDisk = .differsByEmptyEpochs }
        }
    }

    /// Notes a leadership that another log of the same partition knows.
    func assignEpoch(_ entry: EpochEntry) throws(LogError) {
        try mutate { (state) throws(LogError) in
            if state.epochs.assign(entry.epoch, startOffset: entry.startOffset) { try saveEpochsUnlessFull(&state) }
        }
    }

    // MARK: Topic id

    /// Writes `partition.metadata` if the topic's id is not known yet; throws when the directory is another topic's.
    package func assignTopicID(_ id: KafkaUUID) throws(LogError) {
        try mutate { (state) throws(LogError) in
            if let known = state.topicID {
                guard known == id else {
                    throw .inconsistentTopicID(path: path, found: known, expected: id)
                }
                return
            }
            try logErrors { () throws(FileError) in
                try PartitionMetadataFile(in: path, pool.fileSystem).write(id, isDurable: !mayBeLost)
            }
            state.topicID = id
        }
    }

    // MARK: Producers

    /// Whether a producer has an open transaction here. Waits for a write under way.
    package func hasOpenTransaction(_ producerID: ProducerID) -> Bool {
        mutation.withLock { $0.producers.hasOpenTransaction(producerID) }
    }

    /// A coordinator is about to be asked whether a producer's transaction includes this partition (KIP-890). Waits for a
    /// write under way.
    ///
    /// - Returns: what to show with the records (``TransactionProof``); nil if they need not wait.
    package func beginVerification(
        of producerID: ProducerID, epoch: ProducerEpoch, firstSequence: Int32, now: Timestamp
    ) -> VerificationGuard? {
        mutation.withLock {
            $0.producers.beginVerification(of: producerID, epoch: epoch, firstSequence: firstSequence, now: now)
        }
    }

    /// The leader epoch of the coordinator that ended the producer's last transaction here; −1 if none has.
    package func coordinatorEpoch(of producerID: ProducerID) -> LeaderEpoch {
        mutation.withLock { $0.producers.coordinatorEpoch(of: producerID) }
    }

    /// What is known of the producers (DescribeProducers, KIP-664). Waits for a write under way.
    package var producers: [ProducerState] { mutation.withLock { $0.producers.snapshot } }

    /// Forgets producers that have been silent for `producer.id.expiration.ms`; returns how many.
    @discardableResult
    package func removeExpiredProducers(now: Timestamp) -> Int {
        mutation.withLock { $0.producers.removeExpired(now: now, expiration: producerExpiration.milliseconds) }
    }

    // MARK: Helpers for all mutations

    private var mayBeLost: Bool { isUnsynced.load(ordering: .acquiring) }

    /// Runs a change under the mutation lock, unless the log is closed or its directory offline.
    func mutate<Result>(
        _ body: (inout Mutation) throws(LogError) -> Result
    ) throws(LogError) -> Result {
        try health.watching { () throws(LogError) in
            try mutation.withLock { (state) throws(LogError) in
                if state.isClosed { throw .closed }
                return try body(&state)
            }
        }
    }

    /// Writes the leader epoch checkpoint and shows the epochs to readers.
    func saveEpochs(_ state: inout Mutation) throws(LogError) {
        let epochs = state.epochs
        let directory = published.withLock { published in
            published.epochs = epochs
            return published.directory
        }
        state.epochsOnDisk = .outdated
        try logErrors { () throws(FileError) in
            try LeaderEpochCheckpoint(in: directory, pool.fileSystem).write(epochs.entries, isDurable: !mayBeLost)
        }
        state.epochsOnDisk = .saved
    }

    /// As ``saveEpochs(_:)``, for changes that a start would find out by itself as long as no record follows.
    func saveEpochsUnlessFull(_ state: inout Mutation) throws(LogError) {
        try unlessFull { () throws(LogError) in try saveEpochs(&state) }
    }
}

extension PartitionLog.Published {
    /// What is appended from `offset` on is not compacted, even where something else was before.
    mutating func cutCleaned(to offset: Offset) {
        guard let cleaned = cleanedTo, cleaned > offset else { return }
        cleanedTo = offset
        cleanedIsUnsaved = true
    }

    /// Where the last stable offset is, after a change of the high watermark or of the open transactions.
    mutating func updateLastStable() {
        let highWatermark = offsets.highWatermark
        if !ended.isEmpty { ended.removeAll { $0.lastOffset < highWatermark } }
        var firstUnstable = firstOpen ?? .max
        for transaction in ended { firstUnstable = min(firstUnstable, transaction.firstOffset) }
        offsets.lastStable = max(min(firstUnstable, highWatermark), offsets.logStart)
        offsets.check()
    }
}

/// The ends of the newest appends: the high watermark nearly always is one of them.
struct RecentPositions: Sendable {
    private static let capacity = 64
    private var positions: [LogPosition] = []
    private var next = 0

    mutating func add(_ position: LogPosition) {
        if positions.count < Self.capacity {
            positions.append(position)
        } else {
            positions[next] = position
        }
        next = (next + 1) % Self.capacity
    }

    func find(_ offset: Offset) -> LogPosition? {
        // Where a segment ended and the next began at the same offset, the beginning.
        positions.last { $0.offset == offset }
    }

    mutating func removeAll() {
        positions.removeAll(keepingCapacity: true)
        next = 0
    }
}
