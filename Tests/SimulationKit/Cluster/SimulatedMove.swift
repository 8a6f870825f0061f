// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication

/// One replica on its way to another log directory, as `ReplicaMove` and `DirectoryMoves` take it: step by step, with their
/// machine; the last steps and the swap on the partition's log thread, where that log stands still.
final class SimulatedMove {
    private enum Step {
        case copied, caughtUp, waiting(until: Int64), failed, stopped
    }

    /// How many records one step copies, about; and how many steps are left to the log thread.
    private var chunk: Int { broker.world.isHealing ? 10_000 : 20 }
    private static let lastSteps = 4
    /// The pause after a failure that may pass.
    private static let patience: Int64 = 1000

    private unowned let broker: SimulatedBroker
    let replica: HostedReplica
    let future: StoredLog
    private var machine: DirectoryMove
    private var pendingCut: Offset?
    private var isStopped = false

    init(_ broker: SimulatedBroker, _ replica: HostedReplica, to future: StoredLog) {
        self.broker = broker
        self.replica = replica
        self.future = future
        machine = DirectoryMove(copy: future.log.local)
    }

    /// Nothing reaches the copy any more.
    func stop() { isStopped = true }

    /// The partition's log was cut; so shall be its copy, before it takes the log's place.
    func logWasCut(to end: Offset) { pendingCut = min(pendingCut ?? .max, end) }

    func begin() { goOn(after: 1) }

    private func goOn(after delay: Int64) {
        broker.after(delay) { [self] in go() }
    }

    private func go() {
        switch step() {
        case .copied: goOn(after: broker.world.draw(0...200))
        case .caughtUp: finish()
        case .waiting(let until): goOn(after: max(1, until - broker.clock))
        case .failed, .stopped: broker.forget(self)
        }
    }

    /// Most is on disk before the log thread has to wait for the rest.
    private func finish() {
        guard broker.flush(future) else { return broker.forget(self) }
        broker.thread(replica.partition).submit { [self] in
            for _ in 0..<Self.lastSteps {
                switch step() {
                case .copied: continue
                case .caughtUp:
                    if pendingCut == nil, broker.swap(self) { return broker.forget(self) }
                case .waiting: return goOn(after: Self.patience)
                case .failed, .stopped: return broker.forget(self)
                }
            }
            goOn(after: 1)
        }
    }

    // MARK: Steps

    private func step() -> Step {
        if isStopped { return .stopped }
        guard let stored = replica.stored, broker.isUsable(stored, for: .read), broker.isUsable(future, for: .write)
        else { return .failed }
        if let end = pendingCut {
            pendingCut = nil
            if let end = machine.logWasCut(to: end, copy: future.log.local) {
                future.log.truncate(to: end)
                machine.changed(future.log.local)
            }
        }
        let task = machine.next(
            log: stored.log.local, copy: future.log.local, now: broker.clock, logEnd: stored.end, copyEnd: future.end)
        switch task {
        case .copy(let offset): return copy(from: stored, offset)
        case .truncate(let offset): future.log.truncate(to: offset)
        case .startOver(let offset): future.log.startOver(at: offset)
        case .goOn: return .copied
        case .wait(let until): return .waiting(until: until)
        case .giveUp: return .failed
        }
        machine.changed(future.log.local)
        return .copied
    }

    private func copy(from stored: StoredLog, _ offset: Offset) -> Step {
        let log = stored.log
        guard offset >= log.logStart, offset <= log.logEnd else {
            machine.notFound(at: offset, copy: future.log.local, now: broker.clock, copyEnd: future.end)
            return .copied
        }
        guard machine.found(at: offset, copy: future.log.local, now: broker.clock, copyEnd: future.end) else {
            return .failed
        }
        let records = log.read(from: offset, upTo: log.logEnd, count: chunk)
        if !records.isEmpty {
            if broker.disks[future.directory].isFull { return .waiting(until: machine.appendFailed(now: broker.clock)) }
            future.log.appendAsFollower(records)
        }
        let marks = FollowerReplication.marks(
            leaderHighWatermark: log.highWatermark, leaderLogStart: log.logStart, log: future.log.local)
        future.log.setHighWatermark(marks.highWatermark)
        if marks.logStart > future.log.logStart { future.log.raiseLogStart(to: marks.logStart) }
        machine.appended(future.log.local)
        return future.log.logEnd == log.logEnd ? .caughtUp : .copied
    }
}

extension StoredLog {
    /// Where an epoch ended in this log.
    func end(of epoch: LeaderEpoch) -> FollowerReplication.EpochEnd {
        let end = log.endOffset(of: epoch)
        return .init(epoch: end.epoch, endOffset: end.endOffset)
    }
}
