// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Elections that somebody asked for, and the balance of leaders.
extension Controller {
    typealias RequestedElectionResults = [TopicPartition: Result<BrokerID, ControllerError>]

    func electOnRequest(
        _ type: ControllerRequest.ElectionType, _ wanted: [TopicPartition]?
    ) async throws(Interruption) -> RequestedElectionResults {
        let partitions = wanted.map { Set($0).sorted() } ?? context.allPartitions
        var (results, electable) = sort(partitions, type)
        let strategy: LeaderElection = type == .preferred ? .preferred : .offline(allowUnclean: true)
        let elected = try await moveOnline(electable, by: strategy)
        for partition in electable {
            switch elected[partition] {
            case .success(let state): results[partition] = .success(state.leader)
            case .failure(let error):
                let code: ErrorCode =
                    type == .preferred ? .preferredLeaderNotAvailable : .eligibleLeadersNotAvailable
                results[partition] = .failure(
                    ControllerError(code, "Failed to elect leader for partition \(partition): \(error.message ?? "")"))
            case nil:
                results[partition] = .failure(ControllerError(.unknownServerError))
            }
        }
        // Who asked for all of them does not want to hear of those that are fine.
        guard wanted == nil else { return results }
        return results.filter { $0.value != .failure(ControllerError(.electionNotNeeded)) }
    }

    /// Sorts out those that need no election or cannot have one.
    private func sort(
        _ partitions: [TopicPartition], _ type: ControllerRequest.ElectionType
    ) -> (RequestedElectionResults, electable: [TopicPartition]) {
        var results: RequestedElectionResults = [:]
        var electable: [TopicPartition] = []
        for partition in partitions {
            guard context.partitions[partition] != nil else {
                results[partition] = .failure(
                    ControllerError(.unknownTopicOrPartition, "The partition does not exist."))
                continue
            }
            if context.isQueuedForDeletion(partition.topic) {
                results[partition] = .failure(ControllerError(.invalidTopicException, "The topic is being deleted"))
                continue
            }
            let leader = context.leadership(partition)?.leader ?? -1
            let isNeeded =
                type == .preferred
                ? leader != context.assignment(partition).replicas.first : leader < 0 || !context.isLive(leader)
            if isNeeded {
                electable.append(partition)
            } else {
                results[partition] = .failure(ControllerError(.electionNotNeeded))
            }
        }
        return (results, electable)
    }

    /// At failover the znode is deleted whether it was there or not, as Kafka does.
    func electPreferredAtFailover() async throws(Interruption) {
        let pending = try await readPreferredElectionNode() ?? []
        _ = try await moveOnline(sort(pending, .preferred).electable, by: .preferred)
        try await finishPreferredElectionNode()
    }

    /// The command of old tools, `/admin/preferred_replica_election`.
    func electPreferredOfNode() async throws(Interruption) {
        guard let wanted = try await readPreferredElectionNode() else { return }
        _ = try await moveOnline(sort(wanted, .preferred).electable, by: .preferred)
        try await finishPreferredElectionNode()
    }

    /// Nil when there is none. One that cannot be read asks for nothing, and goes all the same.
    private func readPreferredElectionNode() async throws(Interruption) -> [TopicPartition]? {
        switch try await zooKeeper(.readPreferredElections) {
        case .partitions(let partitions): return Set(partitions).sorted()
        case .failed(.malformed): return []
        default: return nil
        }
    }

    private func finishPreferredElectionNode() async throws(Interruption) {
        // Look again, so that the next command is noticed. One that cannot be deleted would be found for ever.
        if try await clearAway([.deletePreferredElections]) { enqueue(.preferredElectionNodeCreated) }
    }

    /// Gives leadership back to brokers that lead too few of those they should.
    func balanceLeaders() async throws(Interruption) {
        guard settings.autoLeaderRebalanceEnable else { return }
        perform(.setTimer(.leaderBalance, after: settings.leaderImbalanceCheckInterval))
        let partitions = context.allPartitions.filter {
            !context.isQueuedForDeletion($0.topic) && !context.assignment($0).replicas.isEmpty
        }
        let byPreferred = Dictionary(grouping: partitions) { context.assignment($0).replicas[0] }
        for (broker, shouldLead) in byPreferred.sorted(by: { $0.key < $1.key }) {
            let astray = shouldLead.filter { partition in
                context.leadership(partition).map { $0.leader != broker } ?? false
            }
            let isImbalanced = astray.count * 100 > settings.leaderImbalancePercentage * shouldLead.count
            guard isImbalanced else { continue }
            let movable = astray.filter {
                context.isOnline(broker, $0) && context.leadership($0)?.inSyncReplicas.contains(broker) == true
            }
            _ = try await moveOnline(movable, by: .preferred)
        }
    }
}
