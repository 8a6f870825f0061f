// SPDX-License-Identifier: Apache-2.0

import Metrics

/// What happens to the partitions of this broker.
final class ReplicaMetrics: Sendable {
    let topics = TopicMetricsTable()
    let inSyncShrinks = Counter()
    let inSyncExpansions = Counter()
    /// Proposals that the controller, or another's write, has turned down.
    let failedInSyncChanges = Counter()
    /// How long it took to make logs durable.
    let flushes = Histogram()
}
