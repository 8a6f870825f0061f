// SPDX-License-Identifier: Apache-2.0

import GroupCoordination
import Metrics
import ZooKeeperClient

/// What happens to the broker's ZooKeeper session.
final class SessionMetrics: Sendable {
    let connects = Counter()
    let disconnects = Counter()
    let expirations = Counter()
    let authFailures = Counter()
}

/// Shows the controller as far as this broker is it, the ZooKeeper session, and the groups coordinated here.
final class ControlSource: Sendable {
    private let controller: ControllerService
    private let zooKeeper: ZooKeeperConnection
    private let session: SessionMetrics
    private let groups: GroupCoordinationService
    private let latencies: RecentHistogram

    init(
        _ controller: ControllerService, _ zooKeeper: ZooKeeperConnection, _ session: SessionMetrics,
        _ groups: GroupCoordinationService
    ) {
        self.controller = controller
        self.zooKeeper = zooKeeper
        self.session = session
        self.groups = groups
        latencies = RecentHistogram(zooKeeper.latencies, now: Int64(BrokerClock.monotonicMilliseconds))
    }

    func write(_ text: inout MetricsText) {
        writeController(&text)
        writeZooKeeper(&text)
        writeGroups(&text)
    }

    private func writeController(_ text: inout MetricsText) {
        let counts = controller.counts
        text.value(.activeController, controller.isActive)
        text.value(.offlinePartitions, counts?.offlinePartitions ?? 0)
        text.value(.preferredImbalance, counts?.preferredReplicaImbalance ?? 0)
        text.value(.activeBrokers, counts?.activeBrokers ?? 0)
        text.value(.globalTopics, counts?.globalTopics ?? 0)
        text.value(.globalPartitions, counts?.globalPartitions ?? 0)
        text.value(.topicsToDelete, counts?.topicsToDelete ?? 0)
        text.value(.topicsIneligibleToDelete, counts?.topicsIneligibleToDelete ?? 0)
        text.value(.uncleanElections, controller.uncleanElections.value)
    }

    private func writeZooKeeper(_ text: inout MetricsText) {
        text.value(.zooKeeperConnected, zooKeeper.isConnected)
        text.value(.zooKeeperConnects, session.connects.value)
        text.value(.zooKeeperDisconnects, session.disconnects.value)
        text.value(.zooKeeperExpirations, session.expirations.value)
        text.value(.zooKeeperAuthFailures, session.authFailures.value)
        let (all, recent) = latencies.look(now: Int64(BrokerClock.monotonicMilliseconds))
        text.family(.zooKeeperLatency) { $0.add(all, recent: recent, milliseconds: nil) }
    }

    private func writeGroups(_ text: inout MetricsText) {
        let counts = groups.counts
        func count(_ state: GroupState) -> Int { counts.groups[state] ?? 0 }
        text.value(.groups, counts.groups.values.reduce(0, +))
        text.value(.groupsPreparing, count(.preparingRebalance))
        text.value(.groupsCompleting, count(.completingRebalance))
        text.value(.groupsStable, count(.stable))
        text.value(.groupsEmpty, count(.empty))
        text.value(.groupsDead, count(.dead))
        text.value(.groupOffsets, counts.offsets)
    }
}
