// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// What a new controller does before it reacts to anything, in Kafka's order.
extension Controller {
    func takeOver() async throws(Interruption) {
        try await setUpFeatures()
        try await dropNotifications()
        try await readCluster()
        try await readTopicDeletions()
        let elected = try await electFromMemory()
        try await refreshLeadership(context.allPartitions.filter { !elected.contains($0) })
        tellWhoLives()
        try await start(context.allPartitions)
        try await resumeReassignmentsAtFailover()
        try await resumeDeletions()
        try await electPreferredAtFailover()
        if settings.autoLeaderRebalanceEnable { perform(.setTimer(.leaderBalance, after: .seconds(5))) }
    }

    /// Makes `/feature` what this inter-broker protocol wants; what is finalized stays. Goes on once this broker itself
    /// has seen the features that were enabled, so that it never tells clients of older ones as controller (KIP-584).
    private func setUpFeatures() async throws(Interruption) {
        let status: FeatureNode.Status = settings.usesFeatures ? .enabled : .disabled
        var wanted = FeatureNode(version: settings.featureNodeVersion, status: status)
        switch try await zooKeeper(.readFeatures) {
        case .features(let existing, _):
            if settings.usesFeatures, existing.status == .enabled { wanted.features = existing.features }
            if existing != wanted { try await settleFeatures(.writeFeatures(wanted)) }
        case .failed(.noNode): try await settleFeatures(.createFeatures(wanted))
        case let answer: throw .failed("/feature answered \(answer)")
        }
        context.finalizedFeatures = wanted.features
    }

    private func settleFeatures(_ operation: ZooKeeperOperation) async throws(Interruption) {
        switch try await zooKeeper(operation) {
        case .written(let version):
            if settings.usesFeatures { try await requireSuccess([.awaitFeatures(version: version)]) }
        // Another broker was faster.
        case .failed(.nodeExists): break
        case let answer: throw .failed("/feature answered \(answer)")
        }
    }

    /// What was notified before is read anyway.
    private func dropNotifications() async throws(Interruption) {
        let directories = try await entries(of: .logDirectoryEvents)
        try await clearAway(directories.map { .deleteLogDirectoryEvent($0) })
        let changes = try await entries(of: .isrChanges)
        try await clearAway(changes.map { .deleteIsrChange($0) })
    }

    private func readCluster() async throws(Interruption) {
        guard case .brokers(let registered) = try await zooKeeper(.readBrokers) else {
            throw .failed("/brokers/ids could not be read")
        }
        context.add(compatible(registered))
        let topics = try await names(.listTopics(watch: true)).sorted()
        context.topics = Set(topics)
        for (partition, assignment) in try await readTopics(topics).flatMap(\.assignments) {
            context.set(assignment, for: partition)
            if assignment.isBeingReassigned { context.partitionsBeingReassigned.insert(partition) }
        }
        context.shuttingDownBrokers = []
        _ = try await zooKeeper(context.liveOrShuttingDownBrokerIDs.map { .readBroker($0, watch: true) })
        for broker in context.liveOrShuttingDownBrokers { perform(.startSender(broker)) }
    }

    /// The brokers that support what is finalized; the others are noticed and left alone.
    func compatible(_ brokers: [RegisteredBroker]) -> [RegisteredBroker] {
        brokers.filter { broker in
            let fits = context.supportsFinalizedFeatures(broker)
            if !fits { notice(.brokerIgnored(broker.id, reason: "it does not support all finalized features")) }
            return fits
        }
    }

    /// Reads topics and watches them; gives ids to those without one, where the inter-broker protocol knows ids. Ids that are
    /// there are kept under any protocol, or whoever writes the node next would lose them. A topic that cannot be read is left
    /// out, and so is one with a name that no broker could make a directory of.
    func readTopics(_ names: [String]) async throws(Interruption) -> [TopicAssignment] {
        let names = names.filter { name in
            guard let problem = TopicName.problem(with: name) else { return true }
            notice(.malformedNode(path: "/brokers/topics/\(name)", reason: problem))
            return false
        }
        watchedTopics.formUnion(names)
        var found: [TopicAssignment] = []
        var named: [TopicAssignment] = []
        for case .topic(var topic) in try await zooKeeper(names.map { .readTopic($0, watch: true) }) {
            found.append(topic)
            if let id = topic.id {
                context.setID(id, of: topic.name)
            } else if settings.givesTopicIDs {
                topic.id = newTopicID()
                named.append(topic)
            }
        }
        for (topic, answer) in zip(named, try await zooKeeper(named.map { .writeTopic($0) })) {
            switch answer {
            case .failed(let failure) where failure != .noNode:
                // It goes on without one: the next controller would give it another.
                notice(.writeFailed(path: ZooKeeperOperation.writeTopic(topic).writtenPath, reason: failure.reason))
            default: if let id = topic.id { context.setID(id, of: topic.name) }
            }
        }
        return found
    }

    /// Reads the states of partitions into the cache; those without a state are left as they are.
    func refreshLeadership(_ partitions: [TopicPartition]) async throws(Interruption) {
        let answers = try await zooKeeper(partitions.map { .readPartitionState($0, watch: false) })
        for (partition, answer) in zip(partitions, answers) {
            guard case .partitionState(let state, let zxid) = answer else { continue }
            let replicas = context.assignment(partition).replicas
            // An only replica has nobody to part from.
            let returned =
                replicas.count > 1 ? replicas.filter { context.brokers[$0].map { $0.epoch > zxid } ?? false } : []
            context.setLeadership(state, for: partition, returned: Set(returned))
        }
    }

    /// Gives partitions whose leader is gone a new one by what this broker was told of them, before ten thousand states are
    /// read. Kafka reads first, and meanwhile nobody leads.
    ///
    /// Each write names the version that was remembered, so that only what still holds is built upon; nobody is told
    /// anything that such a write has not confirmed. All others are read, as if nothing had been remembered. So are those
    /// with one replica in sync: it may have been elected uncleanly, which UpdateMetadata does not tell.
    private func electFromMemory() async throws(Interruption) -> Set<TopicPartition> {
        guard case .recalled(let topics) = try await zooKeeper(.recallPartitionStates) else { return [] }
        var leaderless: [(TopicPartition, PartitionState)] = []
        for topic in topics where topic.id == context.topicIDs[topic.name] {
            for (number, state) in topic.states {
                let partition = TopicPartition(topic.name, number)
                guard state.inSyncReplicas.count > 1, state.controllerEpoch <= context.epoch,
                    context.partitions[partition] != nil, !context.isOnline(state.leader, partition),
                    !context.isAbandoned(partition)
                else { continue }
                leaderless.append((partition, state))
            }
        }
        guard !leaderless.isEmpty else { return [] }
        tellWhoLives()
        let elected = try await electFirst(leaderless.sorted { $0.0 < $1.0 }, by: .offline(allowUnclean: false))
        sendBatch()
        return elected
    }

    /// Before any LeaderAndIsr: a follower refuses a leader that it does not know to be alive.
    private func tellWhoLives() { sendUpdateMetadata(to: context.liveOrShuttingDownBrokerIDs) }

    private func readTopicDeletions() async throws(Interruption) {
        let requested = Set(try await entries(of: .topicDeletions))
        guard settings.deleteTopicEnable else {
            try await clearAway(requested.sorted().map { .deleteTopicDeletion($0) })
            return
        }
        context.topicsToBeDeleted = requested
        context.topicsIneligibleForDeletion = requested.filter { topic in
            context.replicas(ofTopic: topic).contains { !context.isOnline($0.broker, $0.partition) }
                || context.partitionsBeingReassigned.contains { $0.topic == topic }
        }
    }

    /// Takes up partitions as they are found: tells every replica its role, and elects leaders for those without one.
    func start(_ partitions: [TopicPartition]) async throws(Interruption) {
        try await electWhereBrokersReturned(partitions)
        try await startReplicas(of: partitions)
        for partition in partitions {
            if let leader = context.leadership(partition)?.leader {
                context.setLife(context.isOnline(leader, partition) ? .online : .offline, of: partition)
            } else {
                context.setLife(.new, of: partition)
            }
        }
        _ = try await movePartitionsOnline()
    }

    /// Where a member of the in-sync set has registered since that was written, the controller that was in charge then would
    /// have seen it go and come back, elected, and taken it out; so does this one, before it tells anybody of that state.
    ///
    /// With the power a broker may have lost the end of its log, and with its disk all of it. Were it to lead on under the
    /// same epoch (in Kafka it does), it would put other records at offsets where a follower has some of that epoch, and no
    /// truncation would ever tell them apart; were it to stay in sync, it might be elected without what is committed.
    private func electWhereBrokersReturned(_ partitions: [TopicPartition]) async throws(Interruption) {
        let concerned = partitions.filter { partition in
            guard let state = context.leadership(partition), !context.isAbandoned(partition) else { return false }
            if context.hasReturned(state.leader, partition) { return true }
            // Where nobody else can take over, its coming back changes nothing.
            let (returned, steady) = state.inSyncReplicas.split { context.hasReturned($0, partition) }
            return !returned.isEmpty && steady.contains { context.isOnline($0, partition) }
        }
        guard !concerned.isEmpty else { return }
        for partition in concerned { context.setLife(.offline, of: partition) }
        _ = try await moveOnline(concerned, by: .offline(allowUnclean: false))
    }

    private func startReplicas(of partitions: [TopicPartition]) async throws(Interruption) {
        var online: [Replica] = []
        var offline: [Replica] = []
        for replica in context.replicas(of: partitions) {
            if context.isOnline(replica.broker, replica.partition) {
                context.setLife(.online, of: replica)
                online.append(replica)
            } else {
                // For a topic under deletion this says that deleting has failed here; the others move on at once.
                context.setLife(.deletionIneligible, of: replica)
                offline.append(replica)
            }
        }
        try await move(online, to: .online)
        try await move(offline, to: .offline)
    }
}

extension [BrokerID] {
    fileprivate func split(_ isFirst: (BrokerID) -> Bool) -> (first: [BrokerID], second: [BrokerID]) {
        (filter(isFirst), filter { !isFirst($0) })
    }
}

extension TopicAssignment {
    /// The partitions in order of their numbers.
    var assignments: [(TopicPartition, PartitionAssignment)] {
        partitions.sorted { $0.key < $1.key }.map { (TopicPartition(name, $0.key), $0.value) }
    }
}
