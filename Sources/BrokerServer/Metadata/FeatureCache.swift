// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import Logging
import Synchronization
import ZooKeeperStore

/// The data version of `/feature`, which ApiVersions tells as the epoch of the finalized features (KIP-584).
///
/// A broker in ZooKeeper mode supports no feature, as Kafka's does. Where one is finalized all the same, what the cluster
/// does may be beyond this broker, and it ends.
///
/// Owner: its lock. One look at the node at a time; what changes during a look is looked at again.
final class FeatureCache: Sendable {
    private struct State {
        var epoch: Int64 = -1
        /// The newest data version seen, whatever the node said.
        var seen: Int32 = -1
        var isLooking = false
        var mustLookAgain = false
        var waiting: [UInt64: (version: Int32, CheckedContinuation<Bool, Never>)] = [:]
        var nextWait: UInt64 = 0
        var problem: String?
    }

    private let store: ZooKeeperStore
    private let timer: TimerThread
    private let onIncompatible: @Sendable (String) -> Void
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter onIncompatible: told why the broker must end.
    init(
        store: ZooKeeperStore, timer: TimerThread, onIncompatible: @escaping @Sendable (String) -> Void, logger: Logger
    ) {
        self.store = store
        self.timer = timer
        self.onIncompatible = onIncompatible
        self.logger = logger
    }

    /// Why this broker must not serve; nil where nothing is finalized that it does not support.
    var problem: String? { state.withLock { $0.problem } }

    /// −1 while the node is absent, disabled or unreadable.
    var epoch: Int64 { state.withLock { $0.epoch } }

    /// The node may have changed.
    func wake() {
        // A bare task: it reads one node, started by a watch.
        Task { await refresh() }
    }

    /// Reads the node and arms the watch, also for its creation.
    func refresh() async {
        let isFirst = state.withLock { state in
            state.mustLookAgain = state.isLooking
            defer { state.isLooking = true }
            return !state.isLooking
        }
        guard isFirst else { return }
        repeat {
            await look()
        } while state.withLock { state in
            defer { state.mustLookAgain = false }
            state.isLooking = state.mustLookAgain
            return state.mustLookAgain
        }
    }

    private func look() async {
        do {
            _ = try await store.calls.exists(ZNodes.feature, watch: true)
            guard let node = try await store.read(ZNodes.feature, watch: false) else { return saw(-1, epoch: -1) }
            let features = try ZNodeCodec.decodeFeature(node.data)
            if features.status == .enabled { check(features, version: node.stat.version) }
            saw(node.stat.version, epoch: features.status == .enabled ? Int64(node.stat.version) : -1)
        } catch {
            logger.warning("The features could not be read", metadata: ["error": "\(error)"])
            state.withLock { $0.epoch = -1 }
        }
    }

    /// As Kafka: a feature that is unknown here, or a node that has gone back, which only happens where somebody has made
    /// it anew.
    private func check(_ features: FeatureNode, version: Int32) {
        let known = epoch
        if !features.features.isEmpty {
            let names = features.features.keys.sorted().joined(separator: ", ")
            refuse("\(ZNodes.feature) finalizes \(names), which this broker does not support")
        } else if Int64(version) < known {
            refuse("\(ZNodes.feature) has gone back from data version \(known) to \(version)")
        }
    }

    private func refuse(_ reason: String) {
        state.withLock { $0.problem = reason }
        onIncompatible(reason)
    }

    private func saw(_ version: Int32, epoch: Int64) {
        let content = state.withLock { state in
            state.epoch = epoch
            state.seen = version
            let ready = state.waiting.filter { $0.value.version <= version }
            for id in ready.keys { state.waiting[id] = nil }
            return ready.values.map(\.1)
        }
        for continuation in content { continuation.resume(returning: true) }
    }

    /// Waits until the node was seen at this data version or a later one; false when that takes too long. A controller
    /// leads only once its own broker knows the features that it has set.
    func wait(for version: Int32, atMost patience: Duration) async -> Bool {
        await withCheckedContinuation { continuation in
            let id = state.withLock { state -> UInt64? in
                guard state.seen < version else { return nil }
                state.nextWait += 1
                state.waiting[state.nextWait] = (version, continuation)
                return state.nextWait
            }
            guard let id else { return continuation.resume(returning: true) }
            _ = timer.schedule(after: patience.wholeMilliseconds) { [self] in
                state.withLock { $0.waiting.removeValue(forKey: id) }?.1.resume(returning: false)
            }
        }
    }
}
