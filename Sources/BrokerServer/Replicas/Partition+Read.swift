// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import LogStorage
import Replication

/// Who reads from a partition, and how far it may see.
enum Reader: Hashable, Sendable {
    /// A consumer; `committed` for `read_committed` (KIP-98).
    case consumer(committed: Bool)
    /// A replica, by its broker.
    case follower(BrokerID)

    var limit: ReadLimit {
        switch self {
        case .consumer(let committed): committed ? .lastStableOffset : .highWatermark
        case .follower: .logEnd
        }
    }

    /// The replica that reads, by its broker; nil for others.
    var follower: BrokerID? { if case .follower(let id) = self { id } else { nil } }

    var isFollower: Bool { follower != nil }
}

/// What a fetch asks of one partition.
struct PartitionRead: Hashable, Sendable {
    var offset: Offset
    /// −1: not to be checked (KIP-320).
    var leaderEpoch: LeaderEpoch
    /// The epoch of the last record that the reader has; −1 when it does not say (KIP-595).
    var lastFetchedEpoch: LeaderEpoch
    /// Where a follower's log starts.
    var logStart: Offset
    var maxBytes: Int
    /// The topic's id as the reader knows it (KIP-516); zero: not to be checked.
    var topicID = KafkaUUID.zero
}

/// What one partition had to say to a fetch.
struct PartitionReadResult: Sendable {
    var error = ErrorCode.none
    var records = LogData.empty
    var highWatermark: Offset = -1
    var lastStable: Offset = -1
    var logStart: Offset = -1
    var diverging: (epoch: LeaderEpoch, endOffset: Offset)?
    var aborted: [AbortedTransaction]?
    var preferredReplica: BrokerID?
    /// There are records, and more lie in a newer segment, from which this read could not take: nobody should wait for more
    /// here, whatever the reader would like to have.
    var endsSegment = false
    /// Where in its file the records lie that may have to come from the disk first.
    var distant: FileRange?
    /// The records have not been looked at since an earlier process left them: see ``inspected()``.
    var inspection: RecordInspection?
    /// Where the records are counted once they are sent; nil without records.
    var topic: TopicMetrics?

    init(error: ErrorCode) { self.error = error }

    init(offsets: LogOffsets) {
        highWatermark = offsets.highWatermark
        lastStable = offsets.lastStable
        logStart = offsets.logStart
    }
}

extension PartitionReadResult {
    /// What may be sent of records that were not looked at yet. Waits for the disk.
    func inspected() -> PartitionReadResult {
        guard let inspection else { return self }
        var result = self
        result.inspection = nil
        do throws(LogError) {
            result.records = records.prefix(try inspection.run())
        } catch {
            result.records = .empty
            result.aborted = nil
            result.error = error.errorCode
        }
        return result
    }
}

extension Partition {
    /// Reads for a consumer or a follower. Does not wait for a write, but may for the disk.
    ///
    /// - Parameters:
    ///   - mayFollow: whether a follower of the partition may serve this reader too (fetch v11+, KIP-392).
    ///   - maxBytes: what is left of the request's budget; at most the partition's own.
    ///   - rack: the consumer's, if it gave one and the broker selects replicas by rack.
    func read(
        _ request: PartitionRead, by reader: Reader, maxBytes: Int, atLeastOneBatch: Bool, mayFollow: Bool,
        rack: String? = nil, form: ReadForm = .regions
    ) -> PartitionReadResult {
        var result = readUncounted(
            request, by: reader, maxBytes: maxBytes, atLeastOneBatch: atLeastOneBatch, mayFollow: mayFollow, rack: rack,
            form: form)
        metrics.fetched(hasFailed: !result.error.isNone)
        if result.records.byteCount > 0 { result.topic = metrics }
        return result
    }

    private func readUncounted(
        _ request: PartitionRead, by reader: Reader, maxBytes: Int, atLeastOneBatch: Bool, mayFollow: Bool,
        rack: String?, form: ReadForm
    ) -> PartitionReadResult {
        let (log, error) = access(for: request, by: reader, mayFollow: mayFollow)
        guard let log, error.isNone else { return PartitionReadResult(error: error) }
        if let rack, case .consumer = reader, let preferred = preferredReplica(rack: rack, offset: request.offset) {
            var result = PartitionReadResult(offsets: log.offsets)
            result.preferredReplica = preferred
            return result
        }
        do throws(LogError) {
            if request.lastFetchedEpoch >= 0, let diverging = try divergence(of: request, in: log) {
                var result = PartitionReadResult(offsets: log.offsets)
                result.diverging = diverging
                return result
            }
            let read = try log.read(
                from: request.offset, maxBytes: min(maxBytes, request.maxBytes), upTo: reader.limit,
                atLeastOneBatch: atLeastOneBatch, as: form)
            var result = PartitionReadResult(offsets: read.offsets)
            result.records = read.records
            result.aborted = read.abortedTransactions
            result.endsSegment = read.endsSegment
            result.distant = read.distant
            result.inspection = read.inspection
            return result
        } catch {
            var result = PartitionReadResult(error: error.errorCode)
            if case .offsetOutOfRange = error {
                // The reader needs these to find its way back.
                let offsets = log.offsets
                result.highWatermark = -1
                result.lastStable = -1
                result.logStart = offsets.logStart
            }
            return result
        }
    }

    /// A follower fetches, which may prove that it holds what lies below.
    func fetched(_ read: PartitionRead, by follower: BrokerID, brokerEpoch: BrokerEpoch = -1) {
        guard let log else { return }
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let isAlive = aliveness
        let local = FollowerReplication.LocalLog(log)
        let known = log.knownEnd(of: read.lastFetchedEpoch)
        let fetch = PartitionReplica.FollowerFetch(
            follower: follower, offset: read.offset, logStart: read.logStart, leaderEpoch: read.leaderEpoch,
            lastFetchedEpoch: read.lastFetchedEpoch, topicID: read.topicID, brokerEpoch: brokerEpoch)
        let (actions, hasDeleted) = state.withLock { state in
            let before = state.replica.leader?.remotes[follower]?.logStart
            let actions = state.replica.fetched(fetch, log: local, known: known, now: now, isAlive: isAlive)
            return (actions, before.map { read.logStart > $0 } ?? false)
        }
        perform(actions)
        // A deletion of records may have waited for it.
        if hasDeleted { surroundings.moved(id) }
    }

    /// The log, if this broker may serve a request that knows the leadership by `epoch`, or why not.
    func access(
        epoch: LeaderEpoch, topicID: KafkaUUID = .zero, follower: BrokerID? = nil, leaderOnly: Bool
    ) -> (log: PartitionLog?, error: ErrorCode) {
        state.withLock { state in
            let error = state.replica.refusal(
                ofReaderIn: epoch, topicID: topicID, follower: follower, leaderOnly: leaderOnly)
            guard error.isNone else { return (nil, error) }
            guard let log = state.log else { return (nil, .notLeaderOrFollower) }
            return log.isOffline ? (nil, .kafkaStorageError) : (log, .none)
        }
    }

    private func access(
        for request: PartitionRead, by reader: Reader, mayFollow: Bool
    ) -> (log: PartitionLog?, error: ErrorCode) {
        access(
            epoch: request.leaderEpoch, topicID: request.topicID, follower: reader.follower, leaderOnly: !mayFollow)
    }

    /// How many bytes a reader could have now, at most `limit`; used to decide whether a fetch may stop waiting. Nil when
    /// it must be answered whatever there is.
    /// - Parameter wanted: so many suffice; when any do, nobody looks where they lie.
    func bytesAvailable(
        for request: PartitionRead, by reader: Reader, mayFollow: Bool, wanted: Int, limit: Int
    ) -> Int? {
        let (log, error) = access(for: request, by: reader, mayFollow: mayFollow)
        guard let log, error.isNone else { return nil }
        let offsets = log.offsets
        let end =
            switch reader.limit {
            case .logEnd: offsets.logEnd
            case .highWatermark: offsets.highWatermark
            case .lastStableOffset: offsets.lastStable
            }
        // Nothing new is the common case, and costs no look into indexes.
        if request.offset == end { return 0 }
        if request.offset > offsets.logEnd || request.offset < offsets.logStart { return nil }
        if request.offset > end { return 0 }
        if wanted <= 1 { return 1 }
        let result = readUncounted(
            request, by: reader, maxBytes: limit, atLeastOneBatch: true, mayFollow: mayFollow, rack: nil, form: .regions
        )
        guard result.error.isNone, result.diverging == nil, !result.endsSegment else { return nil }
        return result.records.byteCount
    }

    /// KIP-595: where the reader's log and this one part ways, if they do.
    private func divergence(
        of request: PartitionRead, in log: PartitionLog
    ) throws(LogError) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        let offsets = log.offsets
        let known = log.knownEnd(of: request.lastFetchedEpoch)
        switch EpochCheck.divergence(
            lastFetched: request.lastFetchedEpoch, offset: request.offset, logStart: offsets.logStart, known: known)
        {
        case .none: return nil
        case .diverging(let epoch, let end): return (epoch, end)
        case .outOfRange:
            throw .offsetOutOfRange(
                requested: request.offset, logStart: offsets.logStart, logEnd: offsets.logEnd)
        }
    }

    private func preferredReplica(rack: String, offset: Offset) -> BrokerID? {
        let image = surroundings.metadata.current
        return state.withLock { state in
            state.replica.leader?.preferredReadReplica(rack: rack, offset: offset) { image.brokers[$0]?.rack }
        }
    }
}

extension Partition {
    /// Whether the high watermark may lie behind one that an earlier leader has told.
    var isMarkUncertain: Bool { state.withLock { $0.replica.isMarkUncertain } }

    /// `compression.type=zstd`.
    var compressesWithZstd: Bool { state.withLock { $0.settings.configuration.compression } == .zstd }
}

extension PartitionLog {
    /// Where an epoch, or the largest below it, ended here; nil when undefined.
    fileprivate func knownEnd(of epoch: LeaderEpoch) -> (epoch: LeaderEpoch, end: Offset)? {
        guard epoch >= 0 else { return nil }
        let end = endOffset(of: epoch)
        return end.epoch.flatMap { epoch in end.endOffset.map { (epoch: epoch, end: $0) } }
    }
}
