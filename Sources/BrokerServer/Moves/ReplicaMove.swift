// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import LogStorage
import Logging
import NIOCore
import Replication
import Synchronization

/// One replica on its way to another log directory (KIP-113): does what a ``DirectoryMove`` says to the copy.
///
/// Steps run one at a time: on a queue of ``DirectoryMoves``, and the last ones on the partition's log thread, where the
/// log stands still. ``stop()`` may be called from anywhere; after it nothing reaches the copy any more.
final class ReplicaMove: Sendable {
    /// What a step has done.
    enum Step: Hashable, Sendable {
        /// Copied so many bytes, or found out where to go on.
        case copied(Int)
        /// The copy ends where the log ends.
        case caughtUp
        /// Nothing can be done before this time (`BrokerClock.monotonicMilliseconds`).
        case waiting(until: Int64)
        /// The copy, or the log, can be used no more.
        case failed
        case stopped
    }

    let partition: Partition
    let future: PartitionLog
    let swap: @Sendable (ReplicaMove) -> Bool

    private struct State {
        var machine: DirectoryMove
        var isStopped = false
    }
    /// Held during a step, so that who stops waits for a write under way.
    private let state: Mutex<State>
    /// The lowest end to which the log was cut since the copy last looked; a cut comes while a step may be under way.
    private let pendingCut = Mutex<Offset?>(nil)
    private let logger: Logger

    init(
        _ partition: Partition, future: PartitionLog, swap: @escaping @Sendable (ReplicaMove) -> Bool, logger: Logger
    ) {
        self.partition = partition
        self.future = future
        self.swap = swap
        self.logger = logger
        state = Mutex(State(machine: DirectoryMove(copy: .init(future))))
    }

    /// Ends it. Nothing is written to the copy any more when this returns.
    func stop() { state.withLock { $0.isStopped = true } }

    /// The partition's log was cut: on its log thread. The copy follows before it is swapped in.
    func logWasCut(to offset: Offset) {
        pendingCut.withLock { $0 = min($0 ?? .max, offset) }
    }

    /// Does the next thing, copying at most `maxBytes` and one batch.
    func step(maxBytes: Int) -> Step {
        state.withLock { state in
            if state.isStopped { return .stopped }
            guard let log = partition.log, !log.isOffline, !future.isOffline else { return .failed }
            do throws(LogError) {
                if let offset = pendingCut.withLock({ $0.take() }) { try followCut(to: offset, &state) }
                return try step(from: log, maxBytes, &state.machine)
            } catch {
                return failure(error, &state.machine)
            }
        }
    }

    /// Whether all that the copy needs has been done; for the log thread, on which no cut can come in between.
    var hasFollowedCuts: Bool { pendingCut.withLock { $0 == nil } }
}

// MARK: Steps

extension ReplicaMove {
    private func followCut(to offset: Offset, _ state: inout State) throws(LogError) {
        guard let end = state.machine.logWasCut(to: offset, copy: .init(future)) else { return }
        try future.truncate(to: end, now: BrokerClock.now)
        state.machine.changed(.init(future))
    }

    private func step(from log: PartitionLog, _ maxBytes: Int, _ machine: inout DirectoryMove) throws(LogError) -> Step
    {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let task = machine.next(
            log: .init(log), copy: .init(future), now: now, logEnd: { Self.end(of: $0, in: log) }, copyEnd: copyEnd)
        switch task {
        case .copy(let offset): return try copy(from: log, offset, maxBytes, now, &machine)
        case .truncate(let offset): try future.truncate(to: offset, now: BrokerClock.now)
        case .startOver(let offset): try future.truncateFullyAndStart(at: offset, now: BrokerClock.now)
        case .goOn: return .copied(0)
        case .wait(let until): return .waiting(until: until)
        case .giveUp: return .failed
        }
        machine.changed(.init(future))
        return .copied(0)
    }

    private func copy(
        from log: PartitionLog, _ offset: Offset, _ maxBytes: Int, _ now: Int64, _ machine: inout DirectoryMove
    ) throws(LogError) -> Step {
        let read: LogRead
        do throws(LogError) {
            read = try log.read(from: offset, maxBytes: maxBytes, upTo: .logEnd, atLeastOneBatch: true, as: .bytes)
        } catch {
            guard case .offsetOutOfRange = error else { throw error }
            machine.notFound(at: offset, copy: .init(future), now: now, copyEnd: copyEnd)
            return .copied(0)
        }
        guard machine.found(at: offset, copy: .init(future), now: now, copyEnd: copyEnd),
            case .bytes(let bytes) = read.records
        else { return .failed }
        if bytes.readableBytes > 0 {
            let info = try future.appendAsFollower(bytes, now: BrokerClock.now)
            if info.rolled { partition.surroundings.rolled(future) }
        }
        let marks = FollowerReplication.marks(
            leaderHighWatermark: read.offsets.highWatermark, leaderLogStart: read.offsets.logStart, log: .init(future))
        future.updateHighWatermark(marks.highWatermark)
        if marks.logStart > future.offsets.logStart { try future.raiseLogStart(to: marks.logStart) }
        machine.appended(.init(future))
        return future.offsets.logEnd == log.offsets.logEnd ? .caughtUp : .copied(bytes.readableBytes)
    }

    private func copyEnd(of epoch: LeaderEpoch) -> FollowerReplication.EpochEnd { Self.end(of: epoch, in: future) }

    private static func end(of epoch: LeaderEpoch, in log: PartitionLog) -> FollowerReplication.EpochEnd {
        let end = log.endOffset(of: epoch)
        return .init(epoch: end.epoch, endOffset: end.endOffset)
    }

    private func failure(_ error: LogError, _ machine: inout DirectoryMove) -> Step {
        logger.error(
            "A replica cannot be copied to another log directory",
            metadata: [
                "kafka.partition": "\(partition.id)", "kafka.log.dir": "\(future.logDirectory)", "error": "\(error)",
            ])
        switch error {
        case .diskFull, .corruptBatch:
            return .waiting(until: machine.appendFailed(now: Int64(BrokerClock.monotonicMilliseconds)))
        default: return .failed
        }
    }
}
