// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import LogStorage
import Replication

// Replicas between log directories (KIP-113). What is asked for is done on the control queue, one after the other with the
// controller's requests; swaps happen on log threads.

extension ReplicaManager {
    /// AlterReplicaLogDirs, of one replica: to be moved to a directory, or, where it is there, not to be moved any more.
    ///
    /// A replica that is not here yet will be made in that directory; the answer says that it is not here.
    func move(_ id: TopicPartition, to path: String) -> ErrorCode {
        let longest = PartitionDirectoryName(id, .future, mark: PartitionDirectoryName.randomMark())
        // The name of the copy must not be cut short, since it has to tell the partition.
        guard PartitionDirectoryName(longest.name) == longest else { return .invalidTopicException }
        let partition = partition(id)
        let log = partition?.log
        let wish = DirectoryWish(
            for: path, isOnline: logs.isOnline(path), log: log?.logDirectory,
            copy: logs.futureLog(for: id)?.logDirectory,
            isReplicaOffline: isOffline(id), isKnown: metadata.current.partition(id) != nil,
            hasOfflineDirectory: logs.hasOfflineDirectory)
        do throws(LogError) {
            if wish.endsAnotherMove { try endMove(of: id) }
            switch wish.outcome {
            case .refused(let error): return error
            case .remembered:
                logs.prefer(path, for: id)
                return .replicaNotAvailable
            case .stays: return .none
            case .moves: break
            }
            guard let partition, let log else { return .replicaNotAvailable }
            let future = try logs.getOrCreateFutureLog(
                id, topicID: log.topicID, configuration: log.configuration, in: path,
                startingAt: log.offsets.logStart, now: BrokerClock.now)
            moves.start(partition, future: future) { [self] in finish($0) }
            return .none
        } catch {
            logger.error(
                "A replica cannot be moved to another log directory",
                metadata: ["kafka.partition": "\(id)", "kafka.log.dir": "\(path)", "error": "\(error)"])
            return error.errorCode
        }
    }

    /// Ends a move and deletes what was copied.
    func endMove(of id: TopicPartition) throws(LogError) {
        moves.stop([id])
        try logs.deleteLog(id, future: true, now: BrokerClock.now)
    }

    /// A partition has taken its role: a copy of it that is here, from before a restart perhaps, is filled further.
    func resumeMove(of partition: Partition) {
        guard let future = logs.futureLog(for: partition.id), let log = partition.log else { return }
        if future.logDirectory == log.logDirectory {
            // The log was lost, and made anew where it was to go.
            try? endMove(of: partition.id)
        } else {
            moves.start(partition, future: future) { [self] in finish($0) }
        }
    }

    /// The copy is complete: it becomes the log. On the partition's log thread.
    func finish(_ move: ReplicaMove) -> Bool {
        let partition = move.partition
        // Who waits for a flush of the log as it was must get one.
        partition.thread.flushGathered()
        do throws(LogError) {
            guard let log = try logs.replaceCurrentWithFuture(partition.id, now: BrokerClock.now) else { return false }
            let following = partition.state.withLock { state -> (leader: BrokerID, epoch: LeaderEpoch)? in
                state.log = log
                // Followers may have moved the mark since the copy took over that of the log which it replaces.
                if let leader = state.replica.leader { _ = log.raiseHighWatermark(to: leader.highWatermark) }
                guard case .follower(let leader?) = state.replica.role else { return nil }
                return (leader, state.replica.leaderEpoch)
            }
            // Its fetcher writes to the log that it was started with.
            if let following { followers.start(partition, from: following.leader, epoch: following.epoch) }
            moved(partition.id)
            return true
        } catch {
            logger.error(
                "A replica could not take its place in another log directory",
                metadata: ["kafka.partition": "\(partition.id)", "error": "\(error)"])
            move.stop()
            return false
        }
    }

    /// A partition's log was cut at its end. On its log thread.
    ///
    /// A recovery point on disk that lies above the cut would vouch, after a crash, for records that are appended now.
    func logWasCut(_ log: PartitionLog, to offset: Offset) {
        moves.logWasCut(log.topicPartition, to: offset)
        logs.checkpointAfterCut(log)
    }

    /// A log directory has failed: copies in it are given up, and those of its logs too.
    func endMoves(around path: String) {
        for future in logs.futureLogs where future.logDirectory == path {
            moves.stop([future.topicPartition])
            logs.forgetFutureLog(future.topicPartition)
        }
    }
}
