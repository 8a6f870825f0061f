// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// How a leader is chosen. Each strategy gives the next state and who is to be told; nil when nobody can lead.
enum LeaderElection: Hashable {
    /// The leader is gone: the first assigned replica that is live and in sync, or, unclean, the first that is live.
    case offline(allowUnclean: Bool)
    /// The leader leaves the assignment: the first of the target that is live and in sync.
    case reassignment
    /// The first assigned replica, if it is live and in sync.
    case preferred
    /// The leader is about to stop: the first assigned replica that is in sync and stays.
    case controlledShutdown

    struct Outcome: Equatable {
        /// Nil when nobody can lead.
        var state: PartitionState?
        var recipients: [BrokerID]
        var isUnclean = false
    }

    /// - Parameter allowsUnclean: what topic and broker say, for partitions without a live in-sync replica.
    func elect(
        _ partition: TopicPartition, _ current: PartitionState, _ context: ControllerContext, allowsUnclean: Bool,
        marksRecovery: Bool
    ) -> Outcome {
        let assignment = context.assignment(partition)
        let inSync = current.inSyncReplicas
        var next = current
        next.leaderEpoch &+= 1
        switch self {
        case .offline:
            let live = assignment.replicas.filter { context.isOnline($0, partition) }
            // Who was here all the time comes first, and alone stays in sync.
            let steady = live.filter { !context.hasReturned($0, partition) }
            let trusted = steady.contains(where: inSync.contains) ? steady : live
            if let leader = trusted.first(where: inSync.contains) {
                // One that has been there all the time goes on.
                next.leader = steady.contains(current.leader) ? current.leader : leader
                next.inSyncReplicas = inSync.filter(trusted.contains)
                return Outcome(state: next, recipients: live)
            }
            guard allowsUnclean, let leader = live.first else { return Outcome(state: nil, recipients: live) }
            next.leader = leader
            next.inSyncReplicas = [leader]
            if marksRecovery { next.recoveryState = .recovering }
            return Outcome(state: next, recipients: live, isUnclean: true)
        case .reassignment:
            let target = assignment.target
            guard let leader = target.first(where: { context.isOnline($0, partition) && inSync.contains($0) }) else {
                return Outcome(state: nil, recipients: target)
            }
            next.leader = leader
            return Outcome(state: next, recipients: target)
        case .preferred:
            guard let leader = assignment.replicas.first, context.isOnline(leader, partition), inSync.contains(leader)
            else { return Outcome(state: nil, recipients: assignment.replicas) }
            next.leader = leader
            return Outcome(state: next, recipients: assignment.replicas)
        case .controlledShutdown:
            let running = assignment.replicas.filter { context.isOnline($0, partition, includingShuttingDown: true) }
            let leaving = context.shuttingDownBrokers
            guard let leader = running.first(where: { inSync.contains($0) && !leaving.contains($0) }) else {
                return Outcome(state: nil, recipients: running)
            }
            next.leader = leader
            next.inSyncReplicas = inSync.filter { !leaving.contains($0) }
            return Outcome(state: next, recipients: running)
        }
    }
}
