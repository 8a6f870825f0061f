// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Metrics
import Replication
import Synchronization

/// Shows topics and partitions: what was counted, and how the partitions stand in this moment.
final class ReplicaSource: Sendable {
    private let replicas: ReplicaManager
    private let fetchers: ReplicaFetchers

    init(_ replicas: ReplicaManager, _ fetchers: ReplicaFetchers) {
        self.replicas = replicas
        self.fetchers = fetchers
    }

    func write(_ text: inout MetricsText) {
        writeTopics(&text)
        writeRoles(&text)
        writeFollowers(&text)
        text.family(.purgatory) { samples in
            samples.add(replicas.delayedProduce.count, "Produce")
            samples.add(replicas.delayedFetch.count, "Fetch")
            samples.add(replicas.delayedDeleteRecords.count, "DeleteRecords")
        }
    }

    private func writeTopics(_ text: inout MetricsText) {
        let table = replicas.metrics.topics
        let topics = table.present
        func write(_ family: MetricFamily, byTopic: Bool = true, _ value: (TopicMetrics) -> Int) {
            text.family(family) { samples in
                samples.add(value(table.all))
                guard byTopic else { return }
                for (name, metrics) in topics { samples.add(value(metrics), name) }
            }
        }
        write(.messagesIn) { $0.messagesIn.value }
        write(.bytesIn) { $0.bytesIn.value }
        write(.bytesOut) { $0.bytesOut.value }
        write(.bytesRejected) { $0.bytesRejected.value }
        // Kafka tells of replication for all topics only, and so do its dashboards.
        write(.replicationBytesIn, byTopic: false) { $0.replicationBytesIn.value }
        write(.replicationBytesOut, byTopic: false) { $0.replicationBytesOut.value }
        write(.produceRequests) { $0.produceRequests.value }
        write(.fetchRequests) { $0.fetchRequests.value }
        write(.failedProduceRequests) { $0.failedProduceRequests.value }
        write(.failedFetchRequests) { $0.failedFetchRequests.value }
    }

    private func writeRoles(_ text: inout MetricsText) {
        let partitions = replicas.partitions
        var (leaders, underReplicated, underMinimum, atMinimum) = (0, 0, 0, 0)
        for partition in partitions {
            guard let leader = partition.state.withLock({ $0.replica.leader }) else { continue }
            leaders += 1
            if leader.isUnderReplicated { underReplicated += 1 }
            if leader.isUnderMinimumInSync { underMinimum += 1 }
            if leader.inSyncReplicas.count == leader.effectiveMinimumInSync { atMinimum += 1 }
        }
        let offline = replicas.offlineCount
        text.value(.partitions, partitions.count + offline)
        text.value(.leaders, leaders)
        text.value(.underReplicated, underReplicated)
        text.value(.underMinimumInSync, underMinimum)
        text.value(.atMinimumInSync, atMinimum)
        text.value(.offlineReplicas, offline)
        text.value(.inSyncShrinks, replicas.metrics.inSyncShrinks.value)
        text.value(.inSyncExpansions, replicas.metrics.inSyncExpansions.value)
        text.value(.failedInSyncChanges, replicas.metrics.failedInSyncChanges.value)
    }

    private func writeFollowers(_ text: inout MetricsText) {
        let followed = fetchers.followed
        let lags = followed.map { (id: $0.id, lag: $0.lag) }.sorted { $0.id < $1.id }
        text.family(.maximumLag) { $0.add(lags.map(\.lag).max() ?? 0, "Replica") }
        text.family(.failedPartitions) { $0.add(followed.count { $0.hasFailed }, "Replica") }
        text.family(.fetcherLag) { samples in
            for (id, lag) in lags { samples.add(lag, id.topic, "\(id.partition)") }
        }
    }
}
