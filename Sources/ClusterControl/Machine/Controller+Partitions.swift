// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// The partition state machine: New, Online, Offline, gone.
extension Controller {
    typealias ElectionResults = [TopicPartition: Result<PartitionState, ControllerError>]

    /// Tries to find a leader for all partitions that are new or offline, those that nobody needs any more left out.
    func movePartitionsOnline(ofTopic topic: String? = nil) async throws(Interruption) -> ElectionResults {
        let partitions = context.partitions(in: [.new, .offline]).filter {
            !context.isAbandoned($0) && (topic == nil || $0.topic == topic)
        }
        return try await moveOnline(partitions, by: .offline(allowUnclean: false))
    }

    /// Moves where nothing is to be done but to remember it.
    func move(_ partitions: [TopicPartition], to life: PartitionLifeState) {
        for partition in valid(partitions, to: life) { context.setLife(life, of: partition) }
    }

    /// New partitions get their first state, others a new leader. Sends what follows from it.
    func moveOnline(
        _ partitions: [TopicPartition], by strategy: LeaderElection
    ) async throws(Interruption) -> ElectionResults {
        guard !partitions.isEmpty else { return [:] }
        // A partition that is named twice would be given two epochs.
        var seen: Set<TopicPartition> = []
        let valid = valid(partitions.filter { seen.insert($0).inserted }, to: .online)
        let new = valid.filter { context.partitions[$0]?.life == .new }
        let others = valid.filter { context.partitions[$0]?.life != .new }
        try await createStates(of: new)
        let results = try await elect(others, by: strategy)
        for case (let partition, .success) in results { context.setLife(.online, of: partition) }
        sendBatch()
        return results
    }

    private func valid(_ partitions: [TopicPartition], to life: PartitionLifeState) -> [TopicPartition] {
        partitions.filter { partition in
            guard let current = context.partitions[partition]?.life else { return false }
            let isAllowed = current.mayBecome(life)
            if !isAllowed {
                notice(.partitionStateChangeFailed(partition, reason: "\(current) cannot become \(life)"))
            }
            return isAllowed
        }
    }

    /// The first state: led by the first live replica, in sync with all live ones.
    private func createStates(of partitions: [TopicPartition]) async throws(Interruption) {
        var states: [(TopicPartition, PartitionState)] = []
        for partition in partitions {
            let live = context.assignment(partition).replicas.filter { context.isOnline($0, partition) }
            guard let leader = live.first else {
                notice(.partitionStateChangeFailed(partition, reason: "no assigned replica is alive"))
                continue
            }
            let state = PartitionState(
                leader: leader, leaderEpoch: 0, inSyncReplicas: live, controllerEpoch: context.epoch)
            states.append((partition, state))
        }
        guard !states.isEmpty else { return }
        // One after the other in one pipeline: parents first, as ZooKeeper keeps a session's order.
        var topics: [String] = []
        for (partition, _) in states where topics.last != partition.topic { topics.append(partition.topic) }
        let answers = try await zooKeeper(
            topics.map { .createPartitionsNode(topic: $0) } + states.map { .createPartitionNode($0.0) }
                + states.map { .createPartitionState($0.0, $0.1) })
        var existing: [(TopicPartition, PartitionState)] = []
        for ((partition, state), answer) in zip(states, answers.suffix(states.count)) {
            switch answer {
            case .written(let version): created(partition, state, version: version)
            case .failed(.nodeExists): existing.append((partition, state))
            default: failedToCreate(partition, "\(answer)")
            }
        }
        // Where the reply was lost and the request sent again, it is our own state that is in the way. Kafka leaves such a
        // partition without a leader until the next controller comes.
        let found = try await zooKeeper(existing.map { .readPartitionState($0.0, watch: false) })
        for ((partition, state), answer) in zip(existing, found) {
            var wanted = state
            if case .partitionState(let read, _) = answer { wanted.partitionEpoch = read.partitionEpoch }
            if case .partitionState(wanted, _) = answer {
                created(partition, state, version: wanted.partitionEpoch)
            } else {
                failedToCreate(partition, "\(ZooKeeperFailure.nodeExists)")
            }
        }
    }

    private func created(_ partition: TopicPartition, _ state: PartitionState, version: PartitionEpoch) {
        var state = state
        state.partitionEpoch = version
        context.setLeadership(state, for: partition)
        context.setLife(.online, of: partition)
        batch.addLeaderAndIsr(
            to: state.inSyncReplicas, partition, state, context.assignment(partition), isNew: true, context)
    }

    private func failedToCreate(_ partition: TopicPartition, _ reason: String) {
        notice(.partitionStateChangeFailed(partition, reason: "creating its state answered \(reason)"))
    }

    /// Decides on what the cache says first: a write meets the version that the decision was made on or is refused, so
    /// that a stale cache costs a second try and never a wrong state. What the cache leaves open is read.
    private func elect(
        _ partitions: [TopicPartition], by strategy: LeaderElection
    ) async throws(Interruption) -> ElectionResults {
        var results: ElectionResults = [:]
        let (known, unknown) = cachedStates(partitions)
        var remaining = try await elect(known, by: strategy, asCached: true, into: &results) + unknown
        while !remaining.isEmpty {
            let read = try await readStates(remaining, into: &results)
            remaining = try await elect(read, by: strategy, asCached: false, into: &results)
        }
        return results
    }

    /// One round of an election on states that may be outdated. Returns whose states were written; the others stay as they
    /// are.
    func electFirst(
        _ states: [(TopicPartition, PartitionState)], by strategy: LeaderElection
    ) async throws(Interruption) -> Set<TopicPartition> {
        var results: ElectionResults = [:]
        _ = try await elect(states, by: strategy, asCached: true, into: &results)
        return Set(results.lazy.filter { if case .success = $0.value { true } else { false } }.map(\.key))
    }

    /// The states that the cache holds, and the partitions without one that this controller may build upon.
    func cachedStates(
        _ partitions: [TopicPartition]
    ) -> (known: [(TopicPartition, PartitionState)], unknown: [TopicPartition]) {
        var known: [(TopicPartition, PartitionState)] = []
        known.reserveCapacity(partitions.count)
        var unknown: [TopicPartition] = []
        for partition in partitions {
            if let state = context.leadership(partition), state.controllerEpoch <= context.epoch {
                known.append((partition, state))
            } else {
                unknown.append(partition)
            }
        }
        return (known, unknown)
    }

    /// One round of an election. Returns the partitions whose state is to be read and decided on anew.
    private func elect(
        _ states: [(TopicPartition, PartitionState)], by strategy: LeaderElection, asCached isCached: Bool,
        into results: inout ElectionResults
    ) async throws(Interruption) -> [TopicPartition] {
        // The cache is not what an unclean election is to be decided on.
        let unclean = isCached ? [] : try await topicsAllowingUnclean(states, strategy)
        var undecided: [TopicPartition] = []
        var changes: [(TopicPartition, PartitionState)] = []
        var outcomes: [TopicPartition: LeaderElection.Outcome] = [:]
        for (partition, state) in states {
            let outcome = strategy.elect(
                partition, state, context, allowsUnclean: unclean.contains(partition.topic),
                marksRecovery: settings.marksRecovery)
            if let next = outcome.state {
                outcomes[partition] = outcome
                changes.append((partition, next))
            } else if isCached {
                undecided.append(partition)
            } else {
                fail(partition, "no replica can lead", into: &results)
            }
        }
        let (written, retry) = try await write(changes) { [self] partition, reason in
            fail(partition, reason, into: &results)
        }
        for (partition, state) in written {
            results[partition] = .success(state)
            if outcomes[partition]?.isUnclean == true { notice(.uncleanElection(partition, leader: state.leader)) }
            batch.addLeaderAndIsr(
                to: outcomes[partition]?.recipients ?? [], partition, state, context.assignment(partition),
                isNew: false, context)
        }
        return undecided + retry
    }

    private func fail(_ partition: TopicPartition, _ reason: String, into results: inout ElectionResults) {
        notice(.partitionStateChangeFailed(partition, reason: reason))
        results[partition] = .failure(ControllerError(.unknownServerError, reason))
    }

    private func readStates(
        _ partitions: [TopicPartition], into results: inout ElectionResults
    ) async throws(Interruption) -> [(TopicPartition, PartitionState)] {
        var states: [(TopicPartition, PartitionState)] = []
        let answers = try await zooKeeper(partitions.map { .readPartitionState($0, watch: false) })
        for (partition, answer) in zip(partitions, answers) {
            switch answer {
            case .partitionState(let state, _) where state.controllerEpoch > context.epoch:
                fail(partition, "a newer controller wrote its state", into: &results)
            case .partitionState(let state, _): states.append((partition, state))
            case .failed(.noNode): fail(partition, "it has no state in ZooKeeper", into: &results)
            default: fail(partition, "reading its state answered \(answer)", into: &results)
            }
        }
        return states
    }

    /// Topics where an unclean leader is allowed; asked only for partitions that need one.
    private func topicsAllowingUnclean(
        _ states: [(TopicPartition, PartitionState)], _ strategy: LeaderElection
    ) async throws(Interruption) -> Set<String> {
        guard case .offline(let isForced) = strategy else { return [] }
        let stranded = states.filter { partition, state in
            !state.inSyncReplicas.contains { context.isOnline($0, partition) }
        }
        let topics = Set(stranded.map(\.0.topic)).sorted()
        if isForced { return Set(topics) }
        var allowed: Set<String> = []
        for (topic, answer) in zip(topics, try await zooKeeper(topics.map { .readTopicConfiguration($0) })) {
            guard case .configuration(let overrides) = answer else { continue }
            let override = overrides["unclean.leader.election.enable"]?.lowercased()
            if override.map({ $0 == "true" }) ?? settings.uncleanLeaderElectionEnable { allowed.insert(topic) }
        }
        return allowed
    }

    /// Writes states at the version that was read. What succeeded is in the cache; what had changed meanwhile is to be
    /// decided anew by the caller.
    func write(
        _ changes: [(TopicPartition, PartitionState)], failed: (TopicPartition, String) -> Void
    ) async throws(Interruption) -> (written: [(TopicPartition, PartitionState)], retry: [TopicPartition]) {
        var written: [(TopicPartition, PartitionState)] = []
        var retry: [TopicPartition] = []
        let epoch = context.epoch
        let changes = changes.map { partition, state in
            var state = state
            state.controllerEpoch = epoch
            return (partition, state)
        }
        let answers = try await zooKeeper(
            changes.map { .writePartitionState($0.0, $0.1, expectedVersion: $0.1.partitionEpoch) })
        for ((partition, state), answer) in zip(changes, answers) {
            switch answer {
            case .written(let version):
                var state = state
                state.partitionEpoch = version
                context.setLeadership(state, for: partition)
                written.append((partition, state))
            case .failed(.badVersion): retry.append(partition)
            default: failed(partition, "writing its state answered \(answer)")
            }
        }
        return (written, retry)
    }
}
