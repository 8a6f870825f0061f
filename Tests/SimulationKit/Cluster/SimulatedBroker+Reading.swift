// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import LogStorage
import Replication

/// A partition's part of the answer to a fetch.
struct FetchPart {
    var key: FetchPartitionKey
    var error = ErrorCode.none
    var highWatermark: Offset = -1
    var logStart: Offset = -1
    var records: ArraySlice<ModelRecord> = []
    var diverging: FollowerReplication.EpochEnd?
}

struct FetchAnswer {
    var error = ErrorCode.none
    var sessionID: Int32 = 0
    var parts: [FetchPart] = []
}

/// A follower's fetch that waits for records.
final class WaitingFetch {
    let context: FetchSessionCache.Context
    let follower: BrokerID
    let answer: (FetchAnswer) -> Void
    var isDone = false

    init(_ context: FetchSessionCache.Context, by follower: BrokerID, _ answer: @escaping (FetchAnswer) -> Void) {
        self.context = context
        self.follower = follower
        self.answer = answer
    }
}

/// What a consumer or follower asks of one partition.
struct ReadRequest {
    var offset: Offset
    var leaderEpoch: LeaderEpoch = -1
    var lastFetchedEpoch: LeaderEpoch = -1
    var upToLogEnd = false
    /// Who reads as a replica.
    var follower: BrokerID?
    var leaderOnly = true
}

extension FetchPartitionKey {
    var topicPartition: TopicPartition { TopicPartition(topic, partition) }
}

// MARK: Followers' fetches, at the leader

extension SimulatedBroker {
    func fetch(
        _ outgoing: FetchSessionClient.Outgoing, by follower: BrokerID, _ brokerEpoch: BrokerEpoch,
        _ answer: @escaping (FetchAnswer) -> Void
    ) {
        let context: FetchSessionCache.Context
        do throws(FetchSessionError) {
            context = try sessions.begin(
                id: outgoing.sessionID, epoch: outgoing.epoch, partitions: outgoing.partitions,
                forgotten: outgoing.forgotten, isFollower: true, usesTopicIDs: false, now: clock)
        } catch {
            return answer(FetchAnswer(error: error.code))
        }
        for partition in context.partitions { noteProgress(partition, of: follower, brokerEpoch) }
        let parts = context.partitions.map { readForFollower($0, follower) }
        let mustNotWait =
            parts.isEmpty || parts.contains { !$0.records.isEmpty || !$0.error.isNone || $0.diverging != nil }
        let waiting = WaitingFetch(context, by: follower, answer)
        if mustNotWait { return finish(waiting, parts) }
        for partition in context.partitions {
            waitingFetches[partition.key.topicPartition, default: []].append(waiting)
        }
        after(world.plan.fetchWaitMax) { [self] in
            if !waiting.isDone { finish(waiting, context.partitions.map { readForFollower($0, follower) }) }
        }
    }

    func lookAgain(_ waiting: WaitingFetch) {
        let parts = waiting.context.partitions.map { readForFollower($0, waiting.follower) }
        if parts.contains(where: { !$0.records.isEmpty || !$0.error.isNone || $0.diverging != nil }) {
            finish(waiting, parts)
        }
    }

    private func finish(_ waiting: WaitingFetch, _ parts: [FetchPart]) {
        waiting.isDone = true
        let told = Set(
            sessions.finish(
                waiting.context,
                parts.map {
                    FetchedPartition(
                        key: $0.key, error: $0.error, highWatermark: $0.highWatermark, logStart: $0.logStart,
                        byteCount: $0.records.count, hasNews: $0.diverging != nil)
                }))
        waiting.answer(
            FetchAnswer(sessionID: waiting.context.sessionID, parts: parts.filter { told.contains($0.key) }))
    }

    private func noteProgress(_ request: FetchPartition, of follower: BrokerID, _ brokerEpoch: BrokerEpoch) {
        guard let replica = replicas[request.key.topicPartition], let log = replica.stored?.log else { return }
        let (now, image) = (clock, image)
        let actions = replica.machine.fetched(
            .init(
                follower: follower, offset: request.fetchOffset, logStart: request.logStart,
                leaderEpoch: request.currentLeaderEpoch, lastFetchedEpoch: request.lastFetchedEpoch,
                brokerEpoch: brokerEpoch),
            log: log.local, known: Self.knownEnd(of: request.lastFetchedEpoch, in: log), now: now,
            isAlive: image.isAlive)
        perform(actions, replica)
    }

    private func readForFollower(_ request: FetchPartition, _ follower: BrokerID) -> FetchPart {
        read(
            request.key,
            ReadRequest(
                offset: request.fetchOffset, leaderEpoch: request.currentLeaderEpoch,
                lastFetchedEpoch: request.lastFetchedEpoch, upToLogEnd: true, follower: follower),
            count: 20)
    }

    static func knownEnd(of epoch: LeaderEpoch, in log: ModelLog) -> (epoch: LeaderEpoch, end: Offset)? {
        guard epoch >= 0 else { return nil }
        let end = log.endOffset(of: epoch)
        return end.epoch.flatMap { epoch in end.endOffset.map { (epoch: epoch, end: $0) } }
    }
}

// MARK: Reading

extension SimulatedBroker {
    func read(_ key: FetchPartitionKey, _ request: ReadRequest, count: Int) -> FetchPart {
        var part = FetchPart(key: key)
        guard let replica = replicas[key.topicPartition] else {
            part.error =
                offline.contains(key.topicPartition)
                ? .kafkaStorageError
                : image.partition(key.topicPartition) == nil ? .unknownTopicOrPartition : .notLeaderOrFollower
            return part
        }
        part.error = replica.machine.refusal(
            ofReaderIn: request.leaderEpoch, follower: request.follower, leaderOnly: request.leaderOnly)
        guard part.error.isNone, let stored = replica.stored else {
            if part.error.isNone { part.error = .notLeaderOrFollower }
            return part
        }
        guard isUsable(stored, for: .read) else {
            part.error = .kafkaStorageError
            return part
        }
        let log = stored.log
        part.highWatermark = log.highWatermark
        part.logStart = log.logStart
        switch EpochCheck.divergence(
            lastFetched: request.lastFetchedEpoch, offset: request.offset, logStart: log.logStart,
            known: Self.knownEnd(of: request.lastFetchedEpoch, in: log))
        {
        case .none: break
        case .diverging(let epoch, let end):
            part.diverging = .init(epoch: epoch, endOffset: end)
            return part
        case .outOfRange:
            part.error = .offsetOutOfRange
            return part
        }
        guard request.offset >= log.logStart, request.offset <= log.logEnd else {
            part.error = .offsetOutOfRange
            return part
        }
        part.records = log.read(
            from: request.offset, upTo: request.upToLogEnd ? log.logEnd : log.highWatermark, count: count)
        return part
    }

    /// ListOffsets: where the log starts, or ends for who asks.
    func listOffset(
        _ partition: TopicPartition, isLatest: Bool, leaderEpoch: LeaderEpoch, forReplica: Bool
    ) -> (error: ErrorCode, offset: Offset) {
        guard let replica = replicas[partition] else { return (.notLeaderOrFollower, -1) }
        let refusal = replica.machine.refusal(ofReaderIn: leaderEpoch, leaderOnly: true)
        guard refusal.isNone, let log = replica.stored?.log else {
            return (refusal.isNone ? .notLeaderOrFollower : refusal, -1)
        }
        guard isLatest else { return (.none, log.logStart) }
        if forReplica { return (.none, log.logEnd) }
        return replica.machine.isMarkUncertain ? (.offsetNotAvailable, -1) : (.none, log.highWatermark)
    }

    /// OffsetForLeaderEpoch.
    func epochEnd(
        _ partition: TopicPartition, of epoch: LeaderEpoch, leaderEpoch: LeaderEpoch
    ) -> (error: ErrorCode, end: FollowerReplication.EpochEnd) {
        let undefined = FollowerReplication.EpochEnd(epoch: nil, endOffset: nil)
        guard let replica = replicas[partition] else { return (.notLeaderOrFollower, undefined) }
        let refusal = replica.machine.refusal(ofReaderIn: leaderEpoch, leaderOnly: true)
        guard refusal.isNone, let log = replica.stored?.log else {
            return (refusal.isNone ? .notLeaderOrFollower : refusal, undefined)
        }
        let end = log.endOffset(of: epoch)
        return (.none, .init(epoch: end.epoch, endOffset: end.endOffset))
    }
}
