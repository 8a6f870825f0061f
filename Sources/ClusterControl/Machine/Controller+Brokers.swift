// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// Brokers that come, go, or come back under a new epoch, and replicas that go with their log directory.
extension Controller {
    func brokersChanged() async throws(Interruption) {
        guard case .brokers(let unordered) = try await zooKeeper(.readBrokers) else {
            throw .failed("/brokers/ids could not be read")
        }
        let registered = unordered.sorted { $0.id < $1.id }
        let ids = Set(registered.map(\.id))
        let new = registered.filter { context.brokers[$0.id] == nil }
        let bounced = registered.filter { broker in
            context.brokers[broker.id].map { broker.epoch > $0.epoch } ?? false
        }
        let dead = context.liveOrShuttingDownBrokerIDs.filter { !ids.contains($0) }

        for broker in new { perform(.startSender(broker.info)) }
        for broker in bounced { perform(.stopSender(broker.id)) }
        for broker in bounced { perform(.startSender(broker.info)) }
        for broker in dead { perform(.stopSender(broker)) }
        if !new.isEmpty {
            notice(.brokersJoined(new.map(\.id)))
            context.add(compatible(new))
            try await brokersStarted(new.map(\.id))
        }
        if !bounced.isEmpty {
            let bouncedIDs = bounced.map(\.id)
            context.removeBrokers(bouncedIDs)
            try await brokersFailed(bouncedIDs)
            context.add(compatible(bounced))
            try await brokersStarted(bouncedIDs)
        }
        if !dead.isEmpty {
            notice(.brokersLeft(dead))
            context.removeBrokers(dead)
            try await brokersFailed(dead)
        }
    }

    private func brokersStarted(_ brokers: [BrokerID]) async throws(Interruption) {
        for broker in brokers { context.offlineDirectories[broker] = nil }
        // The others only need to know that it lives; it needs to know everything.
        sendUpdateMetadata(to: context.liveOrShuttingDownBrokerIDs.filter { !brokers.contains($0) })
        sendUpdateMetadata(to: brokers, context.partitionsWithLeadership)
        let replicas = context.replicas(on: brokers)
        try await move(replicas, to: .online)
        _ = try await movePartitionsOnline()
        try await resumeReassignments { _, assignment in assignment.target.contains(where: brokers.contains) }
        try await resumeDeletion(of: Set(replicas.map(\.partition.topic)))
        _ = try await zooKeeper(brokers.map { .readBroker($0, watch: true) })
    }

    private func brokersFailed(_ brokers: [BrokerID]) async throws(Interruption) {
        for broker in brokers {
            context.offlineDirectories[broker] = nil
            context.shuttingDownBrokers.remove(broker)
        }
        try await replicasWentOffline(context.replicas(on: brokers))
    }

    private func replicasWentOffline(_ replicas: [Replica]) async throws(Interruption) {
        let deleting = replicas.filter { context.isAbandoned($0.partition) }
        let others = replicas.filter { !context.isAbandoned($0.partition) }
        move(context.partitionsWithOfflineLeader, to: .offline)
        let results = try await movePartitionsOnline()
        try await move(others, to: .offline)
        try await failDeletion(of: deleting)
        let hasElected = results.values.contains { if case .success = $0 { true } else { false } }
        // Otherwise nobody would have been told yet who lives.
        if others.isEmpty, !hasElected { sendUpdateMetadata(to: context.liveOrShuttingDownBrokerIDs) }
    }

    /// Endpoints or features of a running broker changed; a changed rack alone does not matter.
    func brokerModified(_ id: BrokerID) async throws(Interruption) {
        guard let known = context.brokers[id] else { return }
        guard case .brokers(let read) = try await zooKeeper(.readBroker(id, watch: true)), let now = read.first,
            now.info.endpoints != known.info.endpoints || now.features != known.features
        else { return }
        var updated = now
        updated.info.epoch = known.epoch
        context.add([updated])
        sendUpdateMetadata(to: context.liveOrShuttingDownBrokerIDs)
    }

    func leaderAndIsrAnswered(
        _ broker: BrokerID, _ request: ControlRequest.LeaderAndIsr, _ answer: ControlAnswer
    ) async throws(Interruption) {
        // A directory that had failed in the broker's earlier life may be back. To believe that answer now (Kafka does) would
        // keep its replicas out of the in-sync sets for ever.
        guard request.header.brokerEpoch == context.brokers[broker]?.epoch else { return }
        guard answer.error == .none else {
            notice(.eventFailed(event: "LeaderAndIsr to \(broker)", reason: "error \(answer.error.rawValue)"))
            return
        }
        let before = context.offlineDirectories[broker] ?? []
        var offline = before
        for (partition, error) in answer.partitions {
            if error == .none { offline.remove(partition) }
            if error == .kafkaStorageError { offline.insert(partition) }
        }
        context.offlineDirectories[broker] = offline
        let new = offline.subtracting(before).sorted()
        if !new.isEmpty { try await replicasWentOffline(new.map { Replica($0, on: broker) }) }
        // Kafka leaves partitions that nobody led meanwhile, and topics that could not be deleted, to the next event. A broker
        // whose full disk has room again would wait long for one.
        let returned = before.subtracting(offline)
        if !returned.isEmpty {
            // What was decided since the request was sent, they were not told, as they were taken for offline.
            let overtaken = request.partitions.filter {
                returned.contains($0.partition) && !context.isAbandoned($0.partition)
                    && context.leadership($0.partition)?.leaderEpoch != $0.state.leaderEpoch
            }
            try await move(overtaken.map { Replica($0.partition, on: broker) }, to: .online)
            _ = try await movePartitionsOnline()
            try await resumeDeletion(of: Set(returned.map(\.topic)))
        }
    }

    func updateMetadataAnswered(_ broker: BrokerID, _ answer: ControlAnswer) {
        guard answer.error != .none else { return }
        notice(.eventFailed(event: "UpdateMetadata to \(broker)", reason: "error \(answer.error.rawValue)"))
    }

    /// A broker lost a log directory. Which partitions, its answers to LeaderAndIsr will tell.
    func logDirectoryNotified() async throws(Interruption) {
        let events = try await entries(of: .logDirectoryEvents)
        var brokers: Set<BrokerID> = []
        for case .brokerIDs(let ids) in try await zooKeeper(events.map { .readLogDirectoryEvent($0) }) {
            brokers.formUnion(ids)
        }
        if !brokers.isEmpty { try await move(context.replicas(on: brokers.sorted()), to: .online) }
        try await clearAway(events.map { .deleteLogDirectoryEvent($0) })
    }
}
