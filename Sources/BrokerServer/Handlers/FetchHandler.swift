// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import KafkaRecords
import LogStorage
import NIOCore
import Replication
import Synchronization

/// Fetch, 0–17: record batches for consumers and followers, from the page cache to the socket.
///
/// v3 bounds the whole answer, v4 knows transactions, v5 the log's start, v7 sessions (KIP-227), v9 leader epochs
/// (KIP-320), v11 racks (KIP-392), v12 truncation on fetch (KIP-595), v13 topic ids, v15 the replica's state, v16 names
/// new leaders (KIP-951), v17 log directories. v0–3 are answered in the formats they know.
///
/// A fetch that finds too little waits in ``ReplicaManager/delayedFetch`` under its partitions, and reads again when it is
/// completed.
struct FetchHandler: ApiHandler {
    typealias Request = FetchRequest

    let replicas: ReplicaManager
    let metadata: MetadataCache
    let sessions: FetchSessions
    /// `fetch.max.bytes`.
    let maxBytes: Int
    let selectsReplicasByRack: Bool
    /// Of what followers are sent.
    let throttle: ReplicationThrottle

    func handle(_ request: FetchRequest, _ context: RequestContext<FetchResponse>) {
        do throws(FetchSessionError) {
            let session = try sessions.context(for: request, version: context.version, metadata.current)
            PendingFetch(request, context, session, self).begin()
        } catch {
            var response = FetchResponse()
            response.errorCode = error.code
            context.answer(response)
        }
    }
}

/// A fetch on its way: what it asks of each partition, until it is answered.
///
/// Immutable but for the session, which has its own lock, and for how much it waits. Reads happen on the connection's loop;
/// whether there is enough to read is looked at by whoever makes something happen.
final class PendingFetch: Sendable {
    private let context: RequestContext<FetchResponse>
    private let session: FetchSessions.Context
    private let handler: FetchHandler
    private let reader: Reader
    private let minBytes: Int
    private let maxBytes: Int
    private let maxWait: Int64
    private let rack: String?
    /// The partitions as they were when the fetch came; nil for those that are not here.
    private let hosted: [Partition?]
    /// Whether it may wait for more than `minBytes`: a follower's, for a moment.
    private let gathers = Atomic(false)
    /// When so many partitions that they are not looked at each time were looked at last, in nanoseconds.
    private let lastLook = Atomic<UInt64>(0)
    /// Ends the waiting for more; set and cancelled on the connection's loop.
    private let alarm = Mutex<Scheduled<Void>?>(nil)
    private static let fewPartitions = 16
    private static let lookInterval: UInt64 = 100_000
    /// The newest record format that this version of the request can carry.
    private let magic: Int8

    /// Of the follower that reads.
    private let brokerEpoch: BrokerEpoch
    private var version: Int16 { context.version }
    private var mayFollow: Bool { version >= 11 && !reader.isFollower }

    init(
        _ request: FetchRequest, _ context: RequestContext<FetchResponse>, _ session: FetchSessions.Context,
        _ handler: FetchHandler
    ) {
        self.context = context
        self.session = session
        self.handler = handler
        let replica = context.version >= 15 ? request.replicaState.replicaID : request.replicaID
        brokerEpoch = context.version >= 15 ? request.replicaState.replicaEpoch : -1
        reader =
            switch replica {
            case 0...: .follower(replica)
            // Also −2, by which tools call themselves: it may ask any replica, and sees no more than a consumer.
            default: .consumer(committed: request.isolationLevel == 1)
            }
        // Whoever asks, and in whatever version: what one request can make this broker hold is bounded.
        maxBytes = context.version >= 3 ? max(0, min(Int(request.maxBytes), handler.maxBytes)) : handler.maxBytes
        minBytes = min(Int(request.minBytes), maxBytes)
        hosted = session.partitions.map { $0.id.flatMap(handler.replicas.partition) }
        maxWait = Int64(request.maxWaitMs)
        magic = DownConversion.magic(fetchVersion: context.version)
        rack = handler.selectsReplicasByRack && !request.rackID.isEmpty ? request.rackID : nil
    }

    /// Reads, and answers or waits.
    func begin() {
        if case .follower(let id) = reader { noteProgress(of: id) }
        let results = readAll()
        let bytes = results.reduce(0) { $0 + $1.records.byteCount }
        // A follower's answer may wait for more, for a moment.
        gathers.store(reader.isFollower && bytes < AnswerGathering.enough, ordering: .relaxed)
        let mustNotWait =
            maxWait <= 0 || results.isEmpty || bytes >= minBytes && !isGathering
            || results.contains {
                !$0.error.isNone || $0.diverging != nil || $0.preferredReplica != nil || $0.endsSegment
            }
        if mustNotWait { return answer(results) }
        let operation = DelayedOperation(
            isSatisfied: { [self] in hasEnough() },
            finish: { [self] _ in
                context.onConnection { [self] in
                    alarm.withLock { $0 }?.cancel()
                    answer(readAll())
                }
            })
        let waiting = handler.replicas.delayedFetch
        let isDone = waiting.wait(operation, keys: session.partitions.compactMap(\.id), timeout: maxWait)
        guard !isDone, reader.isFollower else { return }
        let look = AnswerGathering.firstLook(lastAnswer: session.lastByteCount)
        gather(for: look, operation, since: BrokerClock.monotonicNanoseconds)
    }

    /// Looks after so many nanoseconds whether the answer has waited long enough for what there is by then.
    private func gather(for time: Int64, _ operation: DelayedOperation, since begin: UInt64) {
        let scheduled = context.onConnection(afterNanoseconds: time) { [self] in
            guard !operation.isDone else { return }
            let waited = Int64(clamping: BrokerClock.monotonicNanoseconds &- begin)
            let left = AnswerGathering.patience(bytes: bytesThere) - waited
            if left > 0 { return gather(for: left, operation, since: begin) }
            gathers.store(false, ordering: .relaxed)
            handler.replicas.delayedFetch.retry(operation)
        }
        alarm.withLock { $0 = scheduled }
    }

    /// How much the answer would carry by now; not above ``AnswerGathering/enough`` but for its last partition. 0 where so
    /// many partitions are asked for that counting would cost more than a round: they have a moment, and no more.
    private var bytesThere: Int {
        guard session.partitions.count <= Self.fewPartitions else { return 0 }
        var bytes = 0
        for (partition, hosted) in zip(session.partitions, hosted) where bytes < AnswerGathering.enough {
            let available = hosted?.bytesAvailable(
                for: partition.read, by: reader, mayFollow: false, wanted: .max, limit: AnswerGathering.enough)
            bytes += min(available ?? 0, Int(partition.read.maxBytes))
        }
        return bytes
    }

    /// Whether the answer waits for more although there may be records already.
    private var isGathering: Bool {
        guard gathers.load(ordering: .relaxed) else { return false }
        if session.partitions.count > Self.fewPartitions, hasLookedLately() { return true }
        return !zip(session.partitions, hosted).contains { $1?.hasGathered(for: $0.read.offset) ?? true }
    }

    private func hasEnough() -> Bool {
        if isGathering { return false }
        var bytes = 0
        for partition in session.partitions {
            guard let id = partition.id, let hosted = handler.replicas.partition(id) else { return true }
            let isHeldBack = isHeldBack(hosted)
            guard
                let available = hosted.bytesAvailable(
                    for: partition.read, by: reader, mayFollow: mayFollow, wanted: isHeldBack ? 1 : minBytes - bytes,
                    limit: maxBytes)
            else { return true }
            if isHeldBack { continue }
            bytes += min(available, Int(partition.read.maxBytes))
            if bytes >= minBytes { return true }
        }
        return false
    }

    /// A look at hundreds of partitions for each record that is appended to one of them would cost more than it saves.
    private func hasLookedLately() -> Bool {
        let now = BrokerClock.monotonicNanoseconds
        guard now &- lastLook.load(ordering: .relaxed) >= Self.lookInterval else { return true }
        lastLook.store(now, ordering: .relaxed)
        return false
    }

    /// What a follower asks for tells what it has.
    private func noteProgress(of follower: BrokerID) {
        for (partition, hosted) in zip(session.partitions, hosted) {
            hosted?.fetched(partition.read, by: follower, brokerEpoch: brokerEpoch)
        }
    }

    private func readAll() -> [PartitionReadResult] {
        var left = maxBytes
        // Before version 3 each partition has a bound of its own, and a batch that exceeds it is never seen.
        var needsBatch = version >= 3
        return session.partitions.map { partition in
            guard let id = partition.id else { return PartitionReadResult(error: .unknownTopicID) }
            guard let hosted = handler.replicas.partition(id) else {
                return PartitionReadResult(error: handler.replicas.absence(of: id))
            }
            // Before version 10 clients do not know zstd, and Kafka looks at the topic's codec, not at each batch (KIP-110).
            if version < 10, hosted.compressesWithZstd {
                return PartitionReadResult(error: .unsupportedCompressionType)
            }
            let isHeldBack = isHeldBack(hosted)
            var result = hosted.read(
                partition.read, by: reader, maxBytes: isHeldBack ? 0 : left,
                atLeastOneBatch: needsBatch && !isHeldBack, mayFollow: mayFollow,
                rack: rack, form: magic < 2 ? .bytes : .regions)
            let read = result.records.byteCount
            if magic < 2 { convert(&result, min(partition.read.maxBytes, left), partition.read, hosted) }
            let bytes = result.records.byteCount
            if bytes > 0 { needsBatch = false }
            // Conversion may leave nothing of what was read, and costs all the same.
            left = max(0, left - max(read, bytes))
            return result
        }
    }

    /// Whether a follower gets no records of the partition for the moment: it is throttled, the quota is used up, and no
    /// in-sync set depends on it.
    private func isHeldBack(_ hosted: Partition) -> Bool {
        guard case .follower(let id) = reader, hosted.isThrottledAsLeader else { return false }
        return handler.throttle.isExceeded && !hosted.isInSync(id)
    }

    /// Counts what of an answer goes out, and what of that to throttled replicas, in sync or not.
    private func count(_ results: [PartitionReadResult]) {
        var throttled = 0
        for (hosted, result) in zip(hosted, results) {
            let bytes = result.records.byteCount
            guard bytes > 0 else { continue }
            result.topic?.sent(bytes: bytes, toFollower: reader.isFollower)
            if reader.isFollower, hosted?.isThrottledAsLeader == true { throttled += bytes }
        }
        if reader.isFollower { handler.throttle.record(throttled) }
    }

    /// Brings the records into the format that an old client knows, up to so many bytes but at least one batch.
    private func convert(
        _ result: inout PartitionReadResult, _ limit: Int, _ read: PartitionRead, _ partition: Partition
    ) {
        guard case .bytes(let bytes) = result.records, bytes.readableBytes > 0 else { return }
        guard partition.log?.configuration.allowsDownConversion != false else {
            result = PartitionReadResult(error: .unsupportedVersion)
            return
        }
        do throws(RecordError) {
            result.records = .bytes(
                try DownConversion.convert(bytes, to: magic, from: read.offset, limit: max(limit, 1)))
        } catch {
            result = PartitionReadResult(error: error.errorCode)
        }
    }

    /// Sends what was read. What is likely not in the page cache is brought there on a log thread first, since sendfile
    /// would make all of the connection's loop wait for the disk; what an earlier process has left is looked at there.
    private func answer(_ results: [PartitionReadResult]) {
        let unready = results.indices.filter { results[$0].needsLogThread && session.partitions[$0].id != nil }
        guard !unready.isEmpty else { return send(results) }
        let gathered = Mutex((results: results, missing: unready.count))
        for index in unready {
            guard let id = session.partitions[index].id else { continue }
            handler.replicas.threads.thread(for: id).submit { [self] in
                let result = results[index].madeReady()
                let whole: [PartitionReadResult]? = gathered.withLock { state in
                    state.results[index] = result
                    state.missing -= 1
                    return state.missing == 0 ? state.results : nil
                }
                if let whole { context.onConnection { [self] in send(whole) } }
            }
        }
    }

    private func send(_ results: [PartitionReadResult]) {
        count(results)
        var response = FetchResponse()
        var leaders: Set<BrokerID> = []
        var told = session.settle(zip(session.partitions, results).map { $1.outcome($0.key) })?[...]
        response.sessionID = session.sessionID
        for (index, partition) in session.partitions.enumerated() {
            let key = partition.key
            if told != nil {
                guard told?.first == key else { continue }
                told?.removeFirst()
            }
            if response.responses.last?.topic != key.topic || response.responses.last?.topicID != key.topicID {
                var group = FetchResponse.FetchableTopicResponse()
                group.topic = key.topic
                group.topicID = key.topicID
                response.responses.append(group)
            }
            let wire = describe(results[index], partition, &leaders)
            response.responses[response.responses.count - 1].partitions.append(wire)
        }
        if version >= 16, !leaders.isEmpty {
            let image = handler.metadata.current
            response.nodeEndpoints = leaders.sorted().compactMap { id in
                guard let endpoint = image.endpoint(of: id, listener: context.connection.listenerName) else {
                    return nil
                }
                var wire = FetchResponse.NodeEndpoint()
                wire.nodeID = id
                wire.host = endpoint.host
                wire.port = endpoint.port
                wire.rack = image.brokers[id]?.rack
                return wire
            }
        }
        context.answer(response, AnswerNotes(isFromFollower: reader.isFollower))
    }

    private func describe(
        _ result: PartitionReadResult, _ partition: FetchSessions.Context.Partition, _ leaders: inout Set<BrokerID>
    ) -> FetchResponse.PartitionData {
        var wire = FetchResponse.PartitionData()
        wire.partitionIndex = partition.key.partition
        wire.errorCode = result.error
        // Clients before version 6 do not know this error, and look for the leader elsewhere for the next best one.
        if result.error == .kafkaStorageError, version <= 5 { wire.errorCode = .notLeaderOrFollower }
        wire.highWatermark = result.highWatermark
        wire.lastStableOffset = result.lastStable
        wire.logStartOffset = result.logStart
        wire.records = RecordsPayload(result.records)
        wire.abortedTransactions = result.aborted.map { transactions in
            transactions.map { transaction in
                var aborted = FetchResponse.AbortedTransaction()
                aborted.producerID = transaction.producerID
                aborted.firstOffset = transaction.firstOffset
                return aborted
            }
        }
        if let replica = result.preferredReplica { wire.preferredReadReplica = replica }
        if let diverging = result.diverging {
            wire.divergingEpoch.epoch = diverging.epoch
            wire.divergingEpoch.endOffset = diverging.endOffset
        }
        let concernsLeader = result.error == .notLeaderOrFollower || result.error == .fencedLeaderEpoch
        if concernsLeader, version >= 16, let id = partition.id, let known = handler.replicas.knownLeader(of: id) {
            wire.currentLeader.leaderID = known.leader
            wire.currentLeader.leaderEpoch = known.epoch
            leaders.insert(known.leader)
        }
        return wire
    }
}

extension PartitionReadResult {
    fileprivate var needsLogThread: Bool { inspection != nil || distant?.isLikelyCached == false }

    /// Waits for the disk.
    fileprivate func madeReady() -> PartitionReadResult {
        if let distant, !distant.isLikelyCached { distant.bringIn() }
        return inspected()
    }

    fileprivate func outcome(_ key: FetchPartitionKey) -> FetchedPartition {
        FetchedPartition(
            key: key, error: error, highWatermark: highWatermark, logStart: logStart,
            byteCount: records.byteCount, hasNews: preferredReplica != nil || diverging != nil)
    }
}

extension RecordsPayload {
    init(_ data: LogData) {
        switch data {
        case .bytes(let bytes): self = .bytes(bytes)
        case .region(let region): self = .regions([region])
        }
    }
}
