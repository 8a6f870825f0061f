// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// Topics that appear, grow and go.
extension Controller {
    func topicsChanged() async throws(Interruption) {
        let now = Set(try await names(.listTopics(watch: true)))
        let new = now.subtracting(context.topics).sorted()
        let gone = context.topics.subtracting(now)
        context.topics = now
        let added = try await readTopics(new)
        for topic in gone {
            context.removeTopic(topic)
            watchedTopics.remove(topic)
        }
        let partitions = added.flatMap(\.assignments)
        for (partition, assignment) in partitions { context.set(assignment, for: partition) }
        try await createPartitions(partitions.map(\.0))
    }

    func topicModified(_ name: String) async throws(Interruption) {
        guard watchedTopics.contains(name) else { return }
        guard case .topic(let topic) = try await zooKeeper(.readTopic(name, watch: true)) else { return }
        let added = topic.assignments.filter { context.assignment($0.0).replicas.isEmpty }
        guard !added.isEmpty else { return }
        if context.isQueuedForDeletion(name) {
            // Undo it: a topic that is being deleted does not grow.
            try await requireSuccess([.writeTopic(context.topicAssignment(name))], except: [.noNode])
            return
        }
        let isFirstReading = context.partitions(of: name).isEmpty
        for (partition, assignment) in added { context.set(assignment, for: partition) }
        guard isFirstReading else { return try await createPartitions(added.map(\.0)) }
        // A node that could not be read before, and was mended: its partitions may have states already.
        if let id = topic.id { context.setID(id, of: name) }
        for (partition, assignment) in added where assignment.isBeingReassigned {
            context.partitionsBeingReassigned.insert(partition)
        }
        try await refreshLeadership(added.map(\.0))
        try await start(added.map(\.0))
    }

    private func createPartitions(_ partitions: [TopicPartition]) async throws(Interruption) {
        move(partitions, to: .new)
        try await move(context.replicas(of: partitions), to: .new)
        _ = try await moveOnline(partitions, by: .offline(allowUnclean: false))
        try await move(context.replicas(of: partitions), to: .online)
    }
}

// MARK: Deletion

extension Controller {
    func topicDeletionsRequested() async throws(Interruption) {
        let requested = try await entries(of: .topicDeletions).sorted()
        let unknown = requested.filter { !context.topics.contains($0) }
        try await clearAway(unknown.map { .deleteTopicDeletion($0) })
        let known = requested.filter(context.topics.contains)
        guard settings.deleteTopicEnable else {
            try await clearAway(known.map { .deleteTopicDeletion($0) })
            return
        }
        guard !known.isEmpty else { return }
        for topic in known where context.partitionsBeingReassigned.contains(where: { $0.topic == topic }) {
            context.topicsIneligibleForDeletion.insert(topic)
            notice(.topicDeletionHalted(topic, reason: "a reassignment runs"))
        }
        context.topicsToBeDeleted.formUnion(known)
        try await resumeDeletions()
    }

    /// Tries again what could not be deleted before, since a broker came back or a reassignment ended.
    func resumeDeletion(of topics: Set<String>) async throws(Interruption) {
        let queued = topics.intersection(context.topicsToBeDeleted)
        guard !queued.isEmpty else { return }
        context.topicsIneligibleForDeletion.subtract(queued)
        try await resumeDeletions()
    }

    func failDeletion(of replicas: [Replica]) async throws(Interruption) {
        let queued = replicas.filter { context.isQueuedForDeletion($0.partition.topic) }
        guard !queued.isEmpty else { return }
        try await move(queued, to: .deletionIneligible)
        halt(Set(queued.map(\.partition.topic)), reason: "a replica could not be deleted")
        try await resumeDeletions()
    }

    func halt(_ topics: Set<String>, reason: String) {
        for topic in topics.intersection(context.topicsToBeDeleted).sorted() {
            context.topicsIneligibleForDeletion.insert(topic)
            notice(.topicDeletionHalted(topic, reason: reason))
        }
    }

    func resumeDeletions() async throws(Interruption) {
        var retry: [String] = []
        var eligible: [String] = []
        for topic in context.topicsToBeDeleted.sorted() {
            if context.allReplicas(ofTopic: topic, in: .deletionSuccessful) {
                try await completeDeletion(of: topic)
            } else if !context.hasReplica(ofTopic: topic, in: .deletionStarted),
                context.hasReplica(ofTopic: topic, in: .deletionIneligible)
            {
                retry.append(topic)
            }
            if context.isQueuedForDeletion(topic), !context.hasReplica(ofTopic: topic, in: .deletionStarted),
                !context.topicsIneligibleForDeletion.contains(topic)
            {
                eligible.append(topic)
            }
        }
        try await move(retry.flatMap { context.replicas(ofTopic: $0, in: .deletionIneligible) }, to: .offline)
        if !eligible.isEmpty { try await delete(eligible) }
    }

    private func delete(_ topics: [String]) async throws(Interruption) {
        let unseen = topics.filter { !context.topicsWithDeletionStarted.contains($0) }
        let partitions = unseen.flatMap(context.partitions(of:))
        // One that still runs, since a broker that came back has resumed the deletion, would have the replicas made anew.
        let ended = context.partitionsBeingReassigned.intersection(partitions)
        context.partitionsBeingReassigned.subtract(ended)
        // The command that asked for it is done with, or the next one would never be noticed.
        if !ended.isEmpty { try await removeFromReassignmentNode { partition, _ in ended.contains(partition) } }
        move(partitions, to: .offline)
        move(partitions, to: .nonExistent)
        context.topicsWithDeletionStarted.formUnion(unseen)
        // Brokers forget the partitions, so that clients are no longer sent to them.
        sendUpdateMetadata(to: context.liveOrShuttingDownBrokerIDs, topics.flatMap(context.partitions(of:)))

        let replicas = topics.flatMap(context.replicas(ofTopic:))
        let dead = replicas.filter { !context.isOnline($0.broker, $0.partition) }
        let alive = replicas.filter {
            context.isOnline($0.broker, $0.partition) && context.life(of: $0) != .deletionSuccessful
        }
        try await move(dead, to: .deletionIneligible)
        try await move(alive, to: .offline)
        try await move(alive, to: .deletionStarted)
        halt(Set(dead.map(\.partition.topic)), reason: "a replica is offline")
    }

    private func completeDeletion(of topic: String) async throws(Interruption) {
        // The watch must not fire for a topic of the same name that is made right afterwards.
        watchedTopics.remove(topic)
        try await move(context.replicas(ofTopic: topic, in: .deletionSuccessful), to: .nonExistent)
        guard try await clearAway([.deleteTopic(topic)]) else {
            return halt([topic], reason: "its node could not be deleted")
        }
        try await clearAway([.deleteTopicConfiguration(topic), .deleteTopicDeletion(topic)])
        context.removeTopic(topic)
        notice(.topicDeletionCompleted(topic))
    }

    func stopReplicaAnswered(
        _ broker: BrokerID, _ request: ControlRequest.StopReplica, _ answer: ControlAnswer
    ) async throws(Interruption) {
        // What the broker's earlier life was asked is over: its replicas have been dealt with when it came back. To believe
        // a refusal now (Kafka does) would halt the deletion until the next broker starts.
        guard request.header.brokerEpoch == context.brokers[broker]?.epoch else { return }
        let deleted = request.partitions.filter {
            $0.delete && context.topicsWithDeletionStarted.contains($0.partition.topic)
        }.map(\.partition)
        func isDone(_ partition: TopicPartition) -> Bool {
            answer.error == .none && answer.partitions[partition, default: .none] == .none
        }
        try await failDeletion(of: deleted.filter { !isDone($0) }.map { Replica($0, on: broker) })
        let done = deleted.filter { isDone($0) && context.isQueuedForDeletion($0.topic) }
        guard !done.isEmpty else { return }
        try await move(done.map { Replica($0, on: broker) }, to: .deletionSuccessful)
        try await resumeDeletions()
    }
}
