// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import LogStorage
import Logging
import NIOCore
import Replication
import Synchronization

/// One partition that follows a leader under one epoch: what it asks (any thread) and what the answers do to its log (on
/// the partition's log thread).
///
/// Life: from ``ReplicaFetchers/start(_:from:epoch:)`` to ``stop()``, after which nothing reaches the log any more,
/// whatever is still on its way. Locks nest as gate → machine → log.
final class FollowedPartition: Sendable {
    let partition: Partition
    let leader: BrokerID
    let leaderEpoch: LeaderEpoch
    let thread: LogThread
    private let log: PartitionLog
    private let machine: Mutex<FollowerReplication>
    /// True once stopped. Held while the log is changed, so that who stops waits for a write under way.
    private let gate = Mutex(false)
    private let abilities: FollowerReplication.Abilities
    private let throttle: ReplicationThrottle
    /// Whether the log had all that the leader's high watermark covers when it was fetched last.
    private let hasCaughtUp = Atomic(false)
    /// The leader's high watermark as it was told last; −1 before.
    private let leaderMark = Atomic<Offset>(-1)
    private let logger: Logger

    init(
        _ partition: Partition, log: PartitionLog, leader: BrokerID, leaderEpoch: LeaderEpoch,
        abilities: FollowerReplication.Abilities, backoff: Duration, throttle: ReplicationThrottle, logger: Logger
    ) {
        self.partition = partition
        self.log = log
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.abilities = abilities
        self.throttle = throttle
        thread = partition.thread
        var logger = logger
        logger[metadataKey: "kafka.partition"] = "\(partition.id)"
        self.logger = logger
        machine = Mutex(
            FollowerReplication(
                leaderEpoch: leaderEpoch, log: .init(log), abilities: abilities, backoff: backoff.wholeMilliseconds))
    }

    var id: TopicPartition { partition.id }

    /// By which the leader is asked; nil: by the topic's name.
    var topicID: KafkaUUID? { partition.state.withLock { $0.replica.namedTopicID } }

    /// Ends it. Nothing is appended any more when this returns.
    func stop() { gate.withLock { $0 = true } }

    /// What the leader must be asked next.
    func need(now: Int64) -> FollowerReplication.Need { machine.withLock { $0.need(now: now) } }

    /// Whether it is left out of fetches for the moment: a throttled replica that lags behind, once the quota is used up.
    var isHeldBack: Bool {
        !hasCaughtUp.load(ordering: .relaxed) && partition.isThrottledAsFollower && throttle.isExceeded
    }

    /// How many records that the leader has committed are missing here, as far as is known.
    var lag: Int64 { max(0, leaderMark.load(ordering: .relaxed) - log.offsets.logEnd) }

    /// Whether it is given up until the controller speaks of it again: its log cannot be continued.
    var hasFailed: Bool { machine.withLock { $0.state == .standing(because: .failed) } }

    /// What a fetch from `offset` says of this partition.
    func request(
        _ key: FetchPartitionKey, from offset: Offset, lastFetchedEpoch: LeaderEpoch?, maximumBytes: Int32
    ) -> FetchPartition {
        FetchPartition(
            key: key, fetchOffset: offset, logStart: log.offsets.logStart, maximumBytes: maximumBytes,
            currentLeaderEpoch: leaderEpoch,
            lastFetchedEpoch: abilities.truncatesOnFetch ? lastFetchedEpoch ?? -1 : -1)
    }

    func requestFailed(now: Int64) { machine.withLock { $0.requestFailed(now: now) } }
}

// MARK: On the partition's log thread

extension FollowedPartition {
    /// Makes the cut that a log without epochs needs at first.
    func begin() {
        unlessStopped { cut(machine.withLock { $0.workAtStart }) }
    }

    /// Takes the partition's part of a fetch that asked from `offset`.
    func take(_ data: FetchResponse.PartitionData, askedFrom offset: Offset) {
        let diverging = data.divergingEpoch
        let answer = FollowerReplication.FetchAnswer(
            error: data.errorCode, offset: offset,
            diverging: diverging.epoch < 0
                ? nil : .init(epoch: diverging.epoch, endOffset: diverging.endOffset < 0 ? nil : diverging.endOffset))
        var hasMoved = false
        unlessStopped {
            let work = decide { $0.fetched(answer, log: .init(log), now: $1, localEnd: localEnd) }
            if work == .append {
                hasMoved = append(data)
            } else {
                note(data.errorCode)
                cut(work)
            }
        }
        // Who waits for records here, or for the mark, looks again.
        if hasMoved { partition.surroundings.moved(id) }
    }

    /// Takes where the leader's log left the epoch that was asked for.
    func take(epochEnd answer: OffsetForLeaderEpochResponse.EpochEndOffset) {
        let end = FollowerReplication.EpochEnd(
            epoch: answer.leaderEpoch < 0 ? nil : answer.leaderEpoch,
            endOffset: answer.endOffset < 0 ? nil : answer.endOffset)
        unlessStopped {
            note(answer.errorCode)
            cut(
                decide {
                    $0.epochEndAnswered(
                        error: answer.errorCode, end, log: .init(log), now: $1, localEnd: localEnd)
                })
        }
    }

    /// Takes where the leader's log ends.
    func take(leaderEnd offset: Offset, error: ErrorCode) {
        unlessStopped {
            note(error)
            cut(decide { $0.leaderEndAnswered(error: error, offset, log: .init(log), now: $1) })
        }
    }

    /// Takes where the leader's log begins.
    func take(leaderStart offset: Offset, error: ErrorCode) {
        unlessStopped {
            note(error)
            cut(decide { $0.leaderStartAnswered(error: error, offset, log: .init(log), now: $1) })
        }
    }

    private func unlessStopped(_ body: () -> Void) {
        gate.withLock { isStopped in
            if !isStopped { body() }
        }
    }

    private func decide<Result>(_ body: (inout FollowerReplication, _ now: Int64) -> Result) -> Result {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        return machine.withLock { body(&$0, now) }
    }

    private func localEnd(of epoch: LeaderEpoch) -> FollowerReplication.EpochEnd {
        let end = log.endOffset(of: epoch)
        return .init(epoch: end.epoch, endOffset: end.endOffset)
    }

    /// Appends what the leader sent, byte for byte, and takes over its marks. True when anything moved.
    private func append(_ data: FetchResponse.PartitionData) -> Bool {
        let before = log.offsets
        do throws(LogError) {
            if case .bytes(let records)? = data.records, records.readableBytes > 0 {
                let info = try log.appendAsFollower(records, now: BrokerClock.now)
                partition.metrics.replicated(bytes: records.readableBytes)
                if partition.isThrottledAsFollower { throttle.record(records.readableBytes) }
                if info.rolled { partition.surroundings.rolled(log) }
            }
            let marks = FollowerReplication.marks(
                leaderHighWatermark: data.highWatermark, leaderLogStart: data.logStartOffset, log: .init(log))
            log.updateHighWatermark(marks.highWatermark)
            if marks.logStart > log.offsets.logStart { try log.raiseLogStart(to: marks.logStart) }
            machine.withLock { $0.appended(.init(log)) }
            leaderMark.store(max(-1, data.highWatermark), ordering: .relaxed)
            hasCaughtUp.store(log.offsets.logEnd >= data.highWatermark, ordering: .relaxed)
        } catch {
            logger.error("What the leader sent could not be appended", metadata: ["error": "\(error)"])
            decide { $0.appendFailed(error.isTransient ? .transient : .permanent, now: $1) }
        }
        let after = log.offsets
        return after.logEnd != before.logEnd || after.highWatermark != before.highWatermark
    }

    private func cut(_ work: FollowerReplication.Work?) {
        do throws(LogError) {
            switch work {
            case .truncate(let offset):
                let before = log.offsets
                if offset < before.highWatermark {
                    logger.warning(
                        "Truncating below the high watermark",
                        metadata: ["offset": "\(offset)", "high.watermark": "\(before.highWatermark)"])
                } else if offset < before.logEnd {
                    logger.info("Truncating", metadata: ["offset": "\(offset)", "end": "\(before.logEnd)"])
                }
                let end = try log.truncate(to: offset, now: BrokerClock.now)
                partition.surroundings.cut(log, end)
            case .startOver(let offset):
                logger.warning(
                    "The leader has deleted what would have joined both logs: starting over",
                    metadata: ["offset": "\(offset)", "end": "\(log.offsets.logEnd)"])
                try log.truncateFullyAndStart(at: offset, now: BrokerClock.now)
                partition.surroundings.cut(log, offset)
            case .append, nil: return
            }
            machine.withLock { $0.logChanged(.init(log)) }
        } catch {
            logger.error("The log could not be cut; not following any more", metadata: ["error": "\(error)"])
            machine.withLock { $0.cutFailed() }
        }
    }

    private func note(_ error: ErrorCode) {
        guard !error.isNone else { return }
        logger.debug("The leader answers with an error", metadata: ["error": "\(error)"])
    }
}

extension FollowerReplication.LocalLog {
    init(_ log: PartitionLog) {
        let offsets = log.offsets
        self.init(
            logStart: offsets.logStart, highWatermark: offsets.highWatermark, logEnd: offsets.logEnd,
            latestEpoch: log.latestEpoch)
    }
}

extension LogError {
    /// Whether the same records may be appended another time: damaged on the way, or no space or no file at the moment.
    fileprivate var isTransient: Bool {
        switch self {
        case .corruptBatch, .diskFull: true
        default: isOutOfHandles
        }
    }
}
