// SPDX-License-Identifier: Apache-2.0

import Dispatch
import KafkaModel
import LogStorage
import Logging
import Synchronization

/// Copies replicas into other log directories, some at a time (`num.replica.alter.log.dirs.threads`), and swaps each in
/// once it has caught up.
///
/// A queue takes one step of one move after the other, so that a small replica does not wait for a large one. The swap
/// happens on the partition's log thread, where the log stands still: the little that has come meanwhile is copied there.
///
/// Owner of the table: the lock. Life: the broker's, until ``stop()``.
final class DirectoryMoves: Sendable {
    /// How much one step copies, unless a batch is larger.
    private static let chunk = 1 << 20
    /// How much may be left for the log thread, in steps.
    private static let lastSteps = 4
    /// How long a broker waits for room under the limit before it looks at the limit again.
    private static let patience: Int64 = 1000

    private struct State {
        var moves: [TopicPartition: ReplicaMove] = [:]
        var next = 0
        var isStopped = false
    }
    private let state = Mutex(State())
    private let queues: [DispatchQueue]
    private let timer: TimerThread
    private let throttle: MoveThrottle
    private let logger: Logger

    init(threads: Int, timer: TimerThread, throttle: MoveThrottle, logger: Logger) {
        queues = (0..<max(1, threads)).map { DispatchQueue(label: "martlet.directory-moves-\($0)", qos: .utility) }
        self.timer = timer
        self.throttle = throttle
        self.logger = logger
    }

    /// Begins, or goes on, to fill a copy. Nothing happens when that is under way.
    ///
    /// - Parameter swap: puts the copy in the place of the log, on the partition's log thread, and tells whether it has.
    func start(_ partition: Partition, future: PartitionLog, swap: @escaping @Sendable (ReplicaMove) -> Bool) {
        let begun = state.withLock { state -> (ReplicaMove, DispatchQueue)? in
            if state.isStopped || state.moves[partition.id]?.future === future { return nil }
            let move = ReplicaMove(partition, future: future, swap: swap, logger: logger)
            state.moves[partition.id]?.stop()
            state.moves[partition.id] = move
            state.next += 1
            return (move, queues[state.next % queues.count])
        }
        guard let (move, queue) = begun else { return }
        logger.info(
            "Moving a replica to another log directory",
            metadata: ["kafka.partition": "\(partition.id)", "kafka.log.dir": "\(future.logDirectory)"])
        queue.async { [self] in go(on: move, queue) }
    }

    /// Ends moves; their copies stay as they are. Nothing is written to these any more when this returns.
    func stop(_ partitions: [TopicPartition]) {
        let stopping = state.withLock { state in partitions.compactMap { state.moves.removeValue(forKey: $0) } }
        for move in stopping { move.stop() }
    }

    /// Ends all moves for good.
    func stop() {
        let stopping = state.withLock { state in
            state.isStopped = true
            defer { state.moves = [:] }
            return Array(state.moves.values)
        }
        for move in stopping { move.stop() }
    }

    /// The log of a partition was cut at its end: so shall be its copy.
    func logWasCut(_ partition: TopicPartition, to offset: Offset) {
        state.withLock { $0.moves[partition] }?.logWasCut(to: offset)
    }

    /// How many replicas are on their way.
    var count: Int { state.withLock { $0.moves.count } }
}

// MARK: Steps, on a queue

extension DirectoryMoves {
    private func go(on move: ReplicaMove, _ queue: DispatchQueue) {
        let delay = throttle.delay(now: Int64(BrokerClock.monotonicMilliseconds))
        if delay > 0 { return goOn(move, queue, after: min(delay, Self.patience)) }
        switch move.step(maxBytes: throttle.limit(Self.chunk)) {
        case .copied(let bytes):
            throttle.took(bytes)
            queue.async { [self] in go(on: move, queue) }
        case .caughtUp: finish(move, queue)
        case .waiting(let until):
            goOn(move, queue, after: until - Int64(BrokerClock.monotonicMilliseconds))
        case .failed, .stopped: forget(move)
        }
    }

    private func goOn(_ move: ReplicaMove, _ queue: DispatchQueue, after delay: Int64) {
        _ = timer.schedule(after: max(1, delay)) { [self] in
            queue.async { [self] in go(on: move, queue) }
        }
    }

    /// What the log has on disk the copy must have there too. Most of that is done before the log thread has to wait.
    private func finish(_ move: ReplicaMove, _ queue: DispatchQueue) {
        do throws(LogError) {
            try move.future.flush()
        } catch {
            return error.isDiskFull ? goOn(move, queue, after: Self.patience) : forget(move)
        }
        move.partition.submit { [self] _ in
            for _ in 0..<Self.lastSteps {
                switch move.step(maxBytes: Self.chunk) {
                case .copied(let bytes): throttle.took(bytes)
                case .caughtUp:
                    if move.hasFollowedCuts, move.swap(move) {
                        logger.info(
                            "A replica has moved to another log directory",
                            metadata: [
                                "kafka.partition": "\(move.partition.id)",
                                "kafka.log.dir": "\(move.future.logDirectory)",
                            ])
                        return forget(move)
                    }
                case .waiting: return goOn(move, queue, after: Self.patience)
                case .failed, .stopped: return forget(move)
                }
            }
            queue.async { [self] in go(on: move, queue) }
        }
    }

    private func forget(_ move: ReplicaMove) {
        move.stop()
        state.withLock { state in
            if state.moves[move.partition.id] === move { state.moves[move.partition.id] = nil }
        }
    }
}

/// Keeps the copying within `replica.alter.log.dirs.io.max.bytes.per.second`: what was copied must be paid for in time,
/// with a second's worth of credit.
final class MoveThrottle: Sendable {
    private struct Account {
        var credit: Double = 0
        var paidUntil: Int64?
    }
    private let account = Mutex(Account())
    /// Bytes per second; `Int.max` for no limit.
    private let rate: @Sendable () -> Int

    init(rate: @escaping @Sendable () -> Int) { self.rate = rate }

    /// How long to wait before the next step, in milliseconds; nothing may be copied at a rate of zero.
    func delay(now: Int64) -> Int64 {
        let rate = rate()
        guard rate < .max else { return 0 }
        return account.withLock { account in
            let passed = Double(now - (account.paidUntil ?? now)) / 1000
            account.paidUntil = now
            account.credit = min(Double(rate), account.credit + passed * Double(rate))
            if account.credit >= 0, rate > 0 { return 0 }
            return rate > 0 ? Int64((-account.credit / Double(rate) * 1000).rounded(.up)) : .max
        }
    }

    /// How much a step may copy at once, so that small limits are kept within a second too.
    func limit(_ bytes: Int) -> Int { min(bytes, max(1, rate())) }

    func took(_ bytes: Int) {
        guard rate() < .max else { return }
        account.withLock { $0.credit -= Double(bytes) }
    }
}
