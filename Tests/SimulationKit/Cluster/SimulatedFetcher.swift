// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication

/// One partition that follows, under one leader epoch.
final class FollowedReplica {
    let replica: HostedReplica
    let leaderEpoch: LeaderEpoch
    let key: FetchPartitionKey
    var machine: FollowerReplication
    var asked: Offset?
    var isStopped = false
    /// Its log thread has not finished with the last answer.
    var isBusy = false
    /// Whether the log had all that the leader's high watermark covers when it was fetched last.
    var hasCaughtUp = false

    init(_ replica: HostedReplica, _ machine: FollowerReplication) {
        self.replica = replica
        self.machine = machine
        leaderEpoch = replica.machine.leaderEpoch
        key = FetchPartitionKey(topic: replica.partition.topic, partition: replica.partition.partition)
    }
}

/// Fetches the partitions that one broker leads: all in one request, one request at a time, in turns as `ReplicaFetcher`
/// takes them.
final class SimulatedFetcher {
    private unowned let broker: SimulatedBroker
    private let leader: BrokerID
    private var entries: [TopicPartition: FollowedReplica] = [:]
    private var session = FetchSessionClient()
    /// Counts requests: an answer to an earlier one is for nobody.
    private var request = 0
    private var isAsking = false
    private var alarm = 0

    init(_ broker: SimulatedBroker, from leader: BrokerID) {
        self.broker = broker
        self.leader = leader
    }

    func add(_ followed: FollowedReplica) {
        remove(followed.replica.partition)
        entries[followed.replica.partition] = followed
        if let work = followed.machine.workAtStart { cut(work, followed) }
        // A fetch that waits at the leader knows nothing of this one.
        if isAsking {
            request += 1
            session.failed()
        }
        isAsking = false
        broker.after(1) { [self] in turn() }
    }

    func remove(_ partition: TopicPartition) {
        guard let entry = entries.removeValue(forKey: partition) else { return }
        entry.isStopped = true
        session.drop(entry.key)
    }

    func isFetching(_ partition: TopicPartition) -> Bool {
        guard let entry = entries[partition], case .fetching = entry.machine.state else { return false }
        return true
    }

    private var ordered: [FollowedReplica] { entries.keys.sorted().compactMap { entries[$0] } }

    // MARK: Turns

    private func turn() {
        guard !isAsking, !entries.isEmpty else { return }
        let now = broker.clock
        var questions: [(FollowedReplica, FollowerReplication.Need)] = []
        var patience: Int64?
        for entry in ordered {
            let need: FollowerReplication.Need = entry.isBusy ? .nothing : entry.machine.need(now: now)
            guard case .records(let offset, let epoch) = need else {
                session.drop(entry.key)
                switch need {
                case .patience(let until): patience = min(patience ?? .max, until)
                case .nothing, .records: break
                case .epochEnd, .leaderEnd, .leaderStart: questions.append((entry, need))
                }
                continue
            }
            if !entry.hasCaughtUp, broker.isThrottleExceeded {
                session.drop(entry.key)
                patience = min(patience ?? .max, now + 100)
                continue
            }
            entry.asked = offset
            session.want(
                FetchPartition(
                    key: entry.key, fetchOffset: offset, logStart: entry.replica.stored?.log.logStart ?? 0,
                    maximumBytes: 1, currentLeaderEpoch: entry.leaderEpoch, lastFetchedEpoch: epoch ?? -1))
        }
        if let (entry, need) = questions.first { return ask(entry, need) }
        if !session.isEmpty { return fetch() }
        guard let patience else { return }
        alarm += 1
        let set = alarm
        broker.after(max(1, patience - now)) { [self] in
            if alarm == set { turn() }
        }
    }

    private func fetch() {
        let outgoing = session.next()
        let (follower, epoch, current) = (broker.id, broker.brokerEpoch, begin())
        broker.ask(leader, timeout: broker.world.plan.fetchWaitMax + broker.world.plan.requestTimeout) {
            $0.fetch(outgoing, by: follower, epoch, $1)
        } _: { [self] (answer: FetchAnswer?) in
            guard end(current) else { return }
            guard let answer else { return failed() }
            guard session.answered(error: answer.error, sessionID: answer.sessionID) else {
                return broker.after(1) { [self] in turn() }
            }
            for part in answer.parts {
                if let entry = entries[part.key.topicPartition], let asked = entry.asked {
                    deliver(to: entry) { [self] done in take(part, entry, askedFrom: asked, done) }
                }
            }
            turn()
        }
    }

    private func ask(_ entry: FollowedReplica, _ need: FollowerReplication.Need) {
        let (partition, leaderEpoch, current) = (entry.replica.partition, entry.leaderEpoch, begin())
        let timeout = broker.world.plan.requestTimeout
        if case .epochEnd(let epoch) = need {
            broker.ask(leader, timeout: timeout) { leader, answer in
                answer(leader.epochEnd(partition, of: epoch, leaderEpoch: leaderEpoch))
            } _: { [self] (answer: (error: ErrorCode, end: FollowerReplication.EpochEnd)?) in
                guard end(current) else { return }
                guard let answer else { return failed() }
                deliverChange(to: entry) { machine, log, now, localEnd in
                    machine.epochEndAnswered(
                        error: answer.error, answer.end, log: log, now: now, localEnd: localEnd)
                }
                turn()
            }
            return
        }
        broker.ask(leader, timeout: timeout) { leader, answer in
            answer(
                leader.listOffset(partition, isLatest: need == .leaderEnd, leaderEpoch: leaderEpoch, forReplica: true))
        } _: { [self] (answer: (error: ErrorCode, offset: Offset)?) in
            guard end(current) else { return }
            guard let answer else { return failed() }
            deliverChange(to: entry) { machine, log, now, _ in
                need == .leaderEnd
                    ? machine.leaderEndAnswered(error: answer.error, answer.offset, log: log, now: now)
                    : machine.leaderStartAnswered(error: answer.error, answer.offset, log: log, now: now)
            }
            turn()
        }
    }

    private func begin() -> Int {
        isAsking = true
        request += 1
        return request
    }

    private func end(_ answered: Int) -> Bool {
        guard answered == request, isAsking else { return false }
        isAsking = false
        return true
    }

    private func failed() {
        session.failed()
        for entry in ordered { entry.machine.requestFailed(now: broker.clock) }
        turn()
    }

    // MARK: What answers do to logs

    /// Hands something to the partition's log thread, and leaves the partition alone until that is done with it.
    private func deliver(to entry: FollowedReplica, _ work: @escaping (_ done: @escaping () -> Void) -> Void) {
        entry.isBusy = true
        var isLater = false
        broker.thread(entry.replica.partition).submit { [self] in
            work { [self] in
                entry.isBusy = false
                if isLater { turn() }
            }
        }
        isLater = true
    }

    private func take(
        _ part: FetchPart, _ entry: FollowedReplica, askedFrom offset: Offset, _ done: @escaping () -> Void
    ) {
        guard !entry.isStopped, let stored = entry.replica.stored else { return done() }
        let work = entry.machine.fetched(
            .init(error: part.error, offset: offset, diverging: part.diverging), log: stored.log.local,
            now: broker.clock, localEnd: { Self.localEnd(of: $0, in: stored.log) })
        guard work == .append else {
            cut(work, entry)
            return done()
        }
        let before = stored.log.local
        guard !part.records.isEmpty else {
            takeMarks(part, entry, stored, before)
            return done()
        }
        if let refusal = broker.refusal(ofWriteTo: stored) {
            entry.machine.appendFailed(refusal == .full ? .transient : .permanent, now: broker.clock)
            return done()
        }
        stored.log.appendAsFollower(part.records)
        broker.throttle.record(part.records.count, now: broker.clock)
        guard broker.world.plan.flushes(entry.replica.partition.topic) else {
            takeMarks(part, entry, stored, before)
            return done()
        }
        // Who stops the fetching waits for that.
        broker.thread(entry.replica.partition).wait { [self] in
            if broker.flush(stored) {
                takeMarks(part, entry, stored, before)
            } else {
                entry.machine.appendFailed(.permanent, now: broker.clock)
            }
            done()
        }
    }

    private func takeMarks(
        _ part: FetchPart, _ entry: FollowedReplica, _ stored: StoredLog, _ before: FollowerReplication.LocalLog
    ) {
        let marks = FollowerReplication.marks(
            leaderHighWatermark: part.highWatermark, leaderLogStart: part.logStart, log: stored.log.local)
        stored.log.setHighWatermark(marks.highWatermark)
        if marks.logStart > stored.log.logStart { stored.log.raiseLogStart(to: marks.logStart) }
        entry.machine.appended(stored.log.local)
        entry.hasCaughtUp = stored.log.logEnd >= part.highWatermark
        broker.world.judge.followed(entry.replica.partition, from: before, broker)
        if stored.log.local != before { broker.moved(entry.replica.partition) }
    }

    private func deliverChange(
        to entry: FollowedReplica,
        _ decide:
            @escaping (
                inout FollowerReplication, FollowerReplication.LocalLog, Int64,
                (LeaderEpoch) -> FollowerReplication.EpochEnd
            ) -> FollowerReplication.Work?
    ) {
        deliver(to: entry) { [self] done in
            defer { done() }
            guard !entry.isStopped, let stored = entry.replica.stored else { return }
            let localEnd: (LeaderEpoch) -> FollowerReplication.EpochEnd = { Self.localEnd(of: $0, in: stored.log) }
            cut(decide(&entry.machine, stored.log.local, broker.clock, localEnd), entry)
        }
    }

    private func cut(_ work: FollowerReplication.Work?, _ entry: FollowedReplica) {
        guard let work, work != .append, let stored = entry.replica.stored else { return }
        guard broker.isUsable(stored, for: .write) else { return entry.machine.cutFailed() }
        let before = stored.log
        switch work {
        case .truncate(let offset): stored.log.truncate(to: offset)
        case .startOver(let offset): stored.log.startOver(at: offset)
        case .append: return
        }
        let (partition, end) = (entry.replica.partition, stored.log.logEnd)
        broker.world.trace("broker \(broker.id): cuts \(partition) from \(before.logEnd) to \(end)")
        broker.checkpointAfterCut(stored)
        entry.machine.logChanged(stored.log.local)
        broker.moves[entry.replica.partition]?.logWasCut(to: stored.log.logEnd)
        broker.world.judge.cut(entry.replica.partition, from: before, broker)
    }

    private static func localEnd(of epoch: LeaderEpoch, in log: ModelLog) -> FollowerReplication.EpochEnd {
        let end = log.endOffset(of: epoch)
        return .init(epoch: end.epoch, endOffset: end.endOffset)
    }
}

extension SimulatedBroker {
    func startFetching(_ replica: HostedReplica, from leader: BrokerID) {
        guard let stored = replica.stored else { return }
        let machine = FollowerReplication(
            leaderEpoch: replica.machine.leaderEpoch, log: stored.log.local,
            abilities: .init(truncatesOnFetch: world.plan.truncatesOnFetch, asksForEpochs: true),
            backoff: world.plan.fetchBackoff)
        let fetcher = fetchers[leader] ?? SimulatedFetcher(self, from: leader)
        fetchers[leader] = fetcher
        fetcher.add(FollowedReplica(replica, machine))
    }

    func stopFetching(_ partition: TopicPartition) {
        for leader in fetchers.keys.sorted() { fetchers[leader]?.remove(partition) }
    }
}
