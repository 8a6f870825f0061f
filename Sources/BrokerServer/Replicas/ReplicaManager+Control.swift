// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import Dispatch
import KafkaModel
import LogStorage
import NIOCore
import Replication
import Synchronization

// What the controller asks of this broker's replicas. Each function runs on the control queue, one at a time.

extension ReplicaManager {
    /// LeaderAndIsr: leads, follows or refuses each partition, and answers with an error for each.
    ///
    /// - Returns: the errors, and what became leader and follower, for the coordinators.
    func apply(_ changes: [LeaderAndIsrPartition]) -> LeaderAndIsrOutcome {
        let outcome = Mutex(LeaderAndIsrOutcome())
        let group = DispatchGroup()
        for change in changes {
            guard change.partition.isNameable else {
                outcome.withLock { $0.errors[change.partition] = .invalidTopicException }
                continue
            }
            if isOffline(change.partition) {
                outcome.withLock { $0.errors[change.partition] = .kafkaStorageError }
                continue
            }
            guard change.replicas.contains(localID) else {
                outcome.withLock { $0.errors[change.partition] = .unknownTopicOrPartition }
                continue
            }
            let partition = obtain(change.partition, settings.settings(of: change.partition.topic))
            group.enter()
            partition.submit { [self] partition in
                defer { group.leave() }
                let (error, role) = apply(change, to: partition)
                outcome.withLock { outcome in
                    outcome.errors[change.partition] = error
                    switch role {
                    case .leads: outcome.leading.append(change)
                    case .follows: outcome.following.append(change)
                    case .unchanged: break
                    }
                }
            }
        }
        group.wait()
        return outcome.withLock { $0 }
    }

    struct LeaderAndIsrOutcome: Sendable {
        var errors: [TopicPartition: ErrorCode] = [:]
        var leading: [LeaderAndIsrPartition] = []
        var following: [LeaderAndIsrPartition] = []
    }

    private enum NewRole {
        case leads
        case follows
        case unchanged
    }

    /// On the partition's log thread.
    private func apply(_ change: LeaderAndIsrPartition, to partition: Partition) -> (ErrorCode, NewRole) {
        let isAlive = partition.aliveness
        let verdict = partition.state.withLock { $0.replica.verdict(on: change, isAlive: isAlive) }
        switch verdict {
        case .unchanged(let error): return (error, .unchanged)
        case .learn(let id): return (assign(id, to: partition), .unchanged)
        case .followByName:
            let leader = partition.state.withLock { $0.replica.followByName() }
            if let leader {
                followers.stop([change.partition])
                followers.start(partition, from: leader, epoch: change.leaderEpoch)
            }
            return (.none, .unchanged)
        case .lead, .follow: break
        }
        do throws(LogError) {
            if logs.log(for: change.partition) == nil, !change.isNew, logs.hasOfflineDirectory {
                // It may lie in the directory that has failed: an empty one elsewhere would lose its records.
                throw .directoryOffline(path: logs.offlinePaths.joined(separator: ","))
            }
            let log = try logs.getOrCreateLog(
                change.partition, topicID: change.topicID,
                configuration: settings.settings(of: change.partition.topic).log, now: BrokerClock.now)
            followers.stop([change.partition])
            try log.flushIfOwed()
            guard case .follow(let leader) = verdict else {
                try partition.makeLeader(change, log: log)
                resumeMove(of: partition)
                return (.none, .leads)
            }
            if leader == nil, change.leader >= 0 {
                logger.error(
                    "The leader of a partition is not among the living; not following it yet",
                    metadata: ["kafka.partition": "\(change.partition)", "kafka.broker": "\(change.leader)"])
            }
            partition.makeFollower(change, log: log, leader: leader)
            if let leader { followers.start(partition, from: leader, epoch: change.leaderEpoch) }
            resumeMove(of: partition)
            return (.none, .follows)
        } catch {
            logger.error(
                "A replica could not take its role",
                metadata: ["kafka.partition": "\(change.partition)", "error": "\(error)"])
            if error.isDiskFull || error.isOutOfHandles {
                // No room for a new log, or no file, which may return: nothing is known of the partition yet.
                if partition.log == nil { _ = remove(change.partition) }
                lacksRoom.store(true, ordering: .releasing)
            } else if error.errorCode == .kafkaStorageError {
                takeOffline(change.partition)
            }
            return (error.errorCode, .unchanged)
        }
    }

    private func assign(_ id: KafkaUUID, to partition: Partition) -> ErrorCode {
        do throws(LogError) {
            try partition.log?.assignTopicID(id)
            partition.state.withLock { $0.replica.learn(id) }
            return .none
        } catch {
            return error.errorCode
        }
    }

    /// StopReplica: stops fetching; deletes what is to be deleted.
    func apply(_ stops: [ControlRequest.StopReplica.Partition]) -> [TopicPartition: ErrorCode] {
        let errors = Mutex<[TopicPartition: ErrorCode]>([:])
        let group = DispatchGroup()
        // Whoever is told by an epoch of the past goes on as before. No role changes meanwhile: this is the control queue.
        let meant = stops.filter { stop in
            let refusal = refusal(of: stop)
            if !refusal.isNone { errors.withLock { $0[stop.partition] = refusal } }
            return refusal.isNone
        }
        followers.stop(meant.map(\.partition))
        moves.stop(meant.map(\.partition))
        for stop in meant {
            let id = stop.partition
            if isOffline(id) {
                errors.withLock { $0[id] = .kafkaStorageError }
                continue
            }
            group.enter()
            threads.thread(for: id).submit { [self] in
                defer { group.leave() }
                let error = apply(stop)
                errors.withLock { $0[id] = error }
            }
        }
        group.wait()
        return errors.withLock { $0 }
    }

    private func refusal(of stop: ControlRequest.StopReplica.Partition) -> ErrorCode {
        partition(stop.partition)?.state.withLock { $0.replica.refusal(ofStopIn: stop.leaderEpoch) } ?? .none
    }

    /// On the partition's log thread.
    private func apply(_ stop: ControlRequest.StopReplica.Partition) -> ErrorCode {
        let partition = partition(stop.partition)
        guard stop.delete else {
            if let partition {
                partition.state.withLock { $0.replica.stop() }
                moved(stop.partition)
            }
            return .none
        }
        remove(stop.partition)?.retire()
        moved(stop.partition)
        do throws(LogError) {
            // Also when the partition was not known: its log may lie here from an earlier life.
            try logs.deleteLog(stop.partition, now: BrokerClock.now)
            try logs.deleteLog(stop.partition, future: true, now: BrokerClock.now)
            return .none
        } catch {
            logger.error(
                "A replica could not be deleted",
                metadata: ["kafka.partition": "\(stop.partition)", "error": "\(error)"])
            return error.errorCode
        }
    }

    /// UpdateMetadata: replaces the image, and tells partitions whose leader or whose followers came or went.
    func apply(_ update: MetadataUpdate) -> (before: MetadataImage, after: MetadataImage) {
        let images = metadata.apply(update)
        if Set(images.before.brokers.keys) != Set(images.after.brokers.keys) {
            followLeadersThatAppeared(partitions, images.after)
            reconsiderHighWatermarks()
        } else {
            let told = update.topics.flatMap { topic in
                topic.partitions.compactMap { partition(TopicPartition(topic.name, $0.index)) }
            }
            followLeadersThatAppeared(told, images.after)
        }
        return images
    }
}

extension ReplicaManager {
    /// Runs a control request on the control queue, behind those before it.
    func onControlQueue<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            control.async { continuation.resume(returning: body()) }
        }
    }
}

extension ReplicaManager {
    /// A log directory has failed: the partitions in it are served no more.
    func takeDirectoryOffline(_ path: String) {
        let lost = partitions.filter { $0.log?.logDirectory == path }.map(\.id)
        followers.stop(lost)
        moves.stop(lost)
        for id in lost { takeOffline(id) }
        endMoves(around: path)
    }
}
