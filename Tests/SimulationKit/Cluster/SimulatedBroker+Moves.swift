// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import LogStorage
import Replication

// MARK: Replicas between log directories (KIP-113), as `ReplicaManager` and `LogDirectories` move them

extension SimulatedBroker {
    /// AlterReplicaLogDirs, of one replica: to be moved, or, where it is there, not to be moved any more.
    func move(_ partition: TopicPartition, to directory: Int) {
        controlQueue.submit { [self] done in
            defer { done() }
            let wish = DirectoryWish(
                for: directory, isOnline: !failedDirectories.contains(directory),
                log: replicas[partition]?.stored?.directory, copy: futures[partition]?.directory,
                isReplicaOffline: offline.contains(partition), isKnown: true,
                hasOfflineDirectory: !failedDirectories.isEmpty)
            if wish.endsAnotherMove { endMove(of: partition) }
            guard wish.outcome == .moves, let replica = replicas[partition], let stored = replica.stored else { return }
            let future: StoredLog
            if let known = futures[partition] {
                future = known
            } else {
                guard !disks[directory].isFull else { return }
                var copy = ModelLog(topicID: stored.log.topicID)
                if stored.log.logStart > 0 { copy.startOver(at: stored.log.logStart) }
                future = StoredLog(copy, in: directory)
                futures[partition] = future
            }
            begin(replica, future)
        }
    }

    /// A partition has taken its role: a copy of it that is here is filled further.
    func resumeMove(of replica: HostedReplica) {
        guard let future = futures[replica.partition], let stored = replica.stored else { return }
        if future.directory == stored.directory { endMove(of: replica.partition) } else { begin(replica, future) }
    }

    private func begin(_ replica: HostedReplica, _ future: StoredLog) {
        guard moves[replica.partition]?.future !== future else { return }
        world.trace("broker \(id): moves \(replica.partition) to log directory \(future.directory)")
        let move = SimulatedMove(self, replica, to: future)
        moves[replica.partition]?.stop()
        moves[replica.partition] = move
        move.begin()
    }

    private func endMove(of partition: TopicPartition) {
        stopMove(of: partition)
        futures[partition] = nil
    }

    /// Ends a move; its copy stays as it is.
    func stopMove(of partition: TopicPartition) { moves.removeValue(forKey: partition)?.stop() }

    func forget(_ move: SimulatedMove) {
        move.stop()
        if moves[move.replica.partition] === move { moves[move.replica.partition] = nil }
    }

    /// The copy ends where the log ends: it becomes the log. On the partition's log thread.
    func swap(_ move: SimulatedMove) -> Bool {
        let partition = move.replica.partition
        // Who waits for a flush of the log as it was must get one.
        thread(partition).flushGathered()
        guard let old = disk[partition], futures[partition] === move.future, isUsable(old, for: .read),
            move.future.log.logEnd == old.log.logEnd
        else { return false }
        move.future.log.adopt(from: old.log)
        if move.future.log.durableEnd < old.log.durableEnd, !flush(move.future) { return false }
        // The worst moments to die: before the copy has the log's name, and before the log has lost it.
        switch world.draw(0...40) {
        case 0:
            world.kill(self)
            return false
        case 1:
            superseded[partition] = old
            fallthrough
        case 2:
            disk[partition] = move.future
            futures[partition] = nil
            world.kill(self)
            return false
        default: break
        }
        disk[partition] = move.future
        futures[partition] = nil
        move.replica.stored = move.future
        world.trace("broker \(id): has moved \(partition) to log directory \(move.future.directory)")
        // Its fetcher writes to the log that it was started with.
        if case .follower(let leader?) = move.replica.machine.role { startFetching(move.replica, from: leader) }
        moved(partition)
        return true
    }

    /// A log directory has failed: copies in it are given up.
    func endMoves(around directory: Int) {
        for (partition, future) in futures.sorted(by: { $0.key < $1.key }) where future.directory == directory {
            stopMove(of: partition)
            unusable[partition] = future
            futures[partition] = nil
        }
    }

    /// At the start: what a death in the middle of a swap has left in two directories is settled, and copies that were in a
    /// failed directory are there again.
    func settleMoves() {
        for (partition, old) in superseded.sorted(by: { $0.key < $1.key }) {
            superseded[partition] = nil
            guard let moved = disk[partition], moved.log.topicID == old.log.topicID else { continue }
            if !moved.log.span.covers(old.log.span) { disk[partition] = old }
        }
        for (partition, future) in unusable where futures[partition] == nil { futures[partition] = future }
        unusable = [:]
        for partition in futures.keys where disk[partition] == nil { futures[partition] = nil }
    }
}

extension ModelLog {
    /// Takes over what the records do not tell.
    mutating func adopt(from other: ModelLog) {
        setHighWatermark(other.highWatermark)
        raiseLogStart(to: min(other.logStart, other.highWatermark))
        adoptEpochs(of: other)
    }

    var span: LogSpan { LogSpan(logStart: logStart, logEnd: logEnd, epochs: epochs) }
}
