// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// The replica state machine: New, Online, Offline, and the steps of deletion.
extension Controller {
    /// Moves replicas, broker by broker, and sends what follows from it in one batch.
    func move(_ replicas: [Replica], to life: ReplicaLifeState) async throws(Interruption) {
        guard !replicas.isEmpty else { return }
        for (broker, ofBroker) in Dictionary(grouping: replicas, by: \.broker).sorted(by: { $0.key < $1.key }) {
            let valid = valid(ofBroker, to: life)
            switch life {
            case .new: startNew(valid)
            case .online: startOnline(valid)
            case .offline: try await stop(valid, on: broker)
            case .deletionStarted:
                for replica in valid {
                    context.setLife(.deletionStarted, of: replica)
                    batch.addStopReplica(to: broker, replica.partition, delete: true, context)
                }
            case .deletionSuccessful, .deletionIneligible:
                for replica in valid { context.setLife(life, of: replica) }
            case .nonExistent: forget(valid)
            }
        }
        sendBatch()
    }

    private func valid(_ replicas: [Replica], to life: ReplicaLifeState) -> [Replica] {
        replicas.filter { replica in
            let current = context.life(of: replica) ?? .nonExistent
            let isAllowed = current.mayBecome(life)
            if !isAllowed {
                notice(
                    .replicaStateChangeFailed(
                        replica.partition, replica.broker, reason: "\(current) cannot become \(life)"))
            }
            return isAllowed
        }
    }

    private func startNew(_ replicas: [Replica]) {
        for replica in replicas {
            if let state = context.leadership(replica.partition) {
                guard state.leader != replica.broker else {
                    notice(
                        .replicaStateChangeFailed(replica.partition, replica.broker, reason: "a new replica leads"))
                    continue
                }
                batch.addLeaderAndIsr(
                    to: [replica.broker], replica.partition, state, context.assignment(replica.partition), isNew: true,
                    context)
            }
            context.setLife(.new, of: replica)
        }
    }

    private func startOnline(_ replicas: [Replica]) {
        for replica in replicas {
            let assignment = context.assignment(replica.partition)
            if context.life(of: replica) == .new {
                if !assignment.replicas.contains(replica.broker) {
                    var extended = assignment
                    extended.replicas.append(replica.broker)
                    context.set(extended, for: replica.partition)
                }
            } else if let state = context.leadership(replica.partition), !isOutdated(state, of: replica.partition) {
                batch.addLeaderAndIsr(
                    to: [replica.broker], replica.partition, state, assignment, isNew: false, context)
            }
            context.setLife(.online, of: replica)
        }
    }

    /// Whether a partition's leader went, and nobody could be elected nor that be written, since its state cannot be read. What
    /// is remembered of it is told to nobody: the leader, back again, would lead on under its old epoch and with an old in-sync
    /// set, whatever it has lost. (In Kafka it does.)
    private func isOutdated(_ state: PartitionState, of partition: TopicPartition) -> Bool {
        context.partitions[partition]?.life == .offline && state.leader >= 0
    }

    private func stop(_ replicas: [Replica], on broker: BrokerID) async throws(Interruption) {
        for replica in replicas { batch.addStopReplica(to: broker, replica.partition, delete: false, context) }
        let led = replicas.filter { context.leadership($0.partition) != nil }
        for (partition, state) in try await removeFromInSyncReplicas(led.map(\.partition), broker) {
            if !context.isAbandoned(partition) {
                let assignment = context.assignment(partition)
                batch.addLeaderAndIsr(
                    to: assignment.replicas.filter { $0 != broker }, partition, state, assignment, isNew: false,
                    context)
            }
            context.setLife(.offline, of: Replica(partition, on: broker))
        }
        for replica in replicas where context.leadership(replica.partition) == nil {
            batch.addUpdateMetadata(to: context.brokers.keys, [replica.partition], context)
            context.setLife(.offline, of: replica)
        }
    }

    /// Takes a broker out of in-sync sets; the last member stays, so that the data is not forgotten. A partition that it
    /// led has no leader afterwards. Returns the state of each, changed or not.
    ///
    /// As with elections, what the cache says is tried first; where the cache says that there is nothing to do, ZooKeeper
    /// is asked, since leaders below inter-broker protocol 2.7 write in-sync sets themselves.
    private func removeFromInSyncReplicas(
        _ partitions: [TopicPartition], _ broker: BrokerID
    ) async throws(Interruption) -> [(TopicPartition, PartitionState)] {
        let (known, unknown) = cachedStates(partitions)
        let members = known.filter { $0.1.inSyncReplicas.contains(broker) }
        let others = known.lazy.filter { !$0.1.inSyncReplicas.contains(broker) }.map(\.0)
        var (finished, remaining) = try await write(members.map { ($0.0, $0.1.without(broker)) }) {
            [self] in failed($0, broker, $1)
        }
        remaining += unknown + others
        while !remaining.isEmpty {
            var changes: [(TopicPartition, PartitionState)] = []
            let answers = try await zooKeeper(remaining.map { .readPartitionState($0, watch: false) })
            for (partition, answer) in zip(remaining, answers) {
                switch answer {
                case .partitionState(let state, _) where state.controllerEpoch > context.epoch:
                    failed(partition, broker, "a newer controller wrote its state")
                case .partitionState(let state, _) where state.inSyncReplicas.contains(broker):
                    changes.append((partition, state.without(broker)))
                case .partitionState(var state, _):
                    state.controllerEpoch = context.epoch
                    context.setLeadership(state, for: partition)
                    finished.append((partition, state))
                case .failed(.noNode):
                    if !context.isQueuedForDeletion(partition.topic) {
                        failed(partition, broker, "it has no state in ZooKeeper")
                    }
                default: failed(partition, broker, "reading its state answered \(answer)")
                }
            }
            let (written, retry) = try await write(changes) { [self] in failed($0, broker, $1) }
            finished += written
            remaining = retry
        }
        return finished
    }

    private func failed(_ partition: TopicPartition, _ broker: BrokerID, _ reason: String) {
        notice(.replicaStateChangeFailed(partition, broker, reason: reason))
    }

    private func forget(_ replicas: [Replica]) {
        for replica in replicas {
            var assignment = context.assignment(replica.partition)
            assignment.replicas.removeAll { $0 == replica.broker }
            assignment.adding.removeAll { $0 == replica.broker }
            assignment.removing.removeAll { $0 == replica.broker }
            context.set(assignment, for: replica.partition)
            context.setLife(nil, of: replica)
        }
    }
}

extension PartitionState {
    /// The next state, once the broker is offline.
    fileprivate func without(_ broker: BrokerID) -> PartitionState {
        var next = self
        if next.leader == broker { next.leader = PartitionImage.noLeader }
        if next.inSyncReplicas.count > 1 { next.inSyncReplicas.removeAll { $0 == broker } }
        next.leaderEpoch &+= 1
        return next
    }
}
