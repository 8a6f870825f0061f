// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import ZooKeeperStore

/// The data version of `/feature`, which ApiVersions tells as the epoch of the finalized features (KIP-584).
final class FeatureCache: Sendable {
    private let store: ZooKeeperStore
    private let logger: Logger
    private let currentEpoch = Atomic<Int64>(-1)

    init(store: ZooKeeperStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// −1 while the node is absent, disabled or unreadable.
    var epoch: Int64 { currentEpoch.load(ordering: .relaxed) }

    /// The node may have changed.
    func wake() {
        // A bare task: it reads one node, started by a watch.
        Task { await refresh() }
    }

    /// Reads the node and arms the watch, also for its creation.
    func refresh() async {
        do {
            _ = try await store.calls.exists(ZNodes.feature, watch: true)
            guard let node = try await store.read(ZNodes.feature, watch: false) else {
                return currentEpoch.store(-1, ordering: .relaxed)
            }
            let features = try ZNodeCodec.decodeFeature(node.data)
            currentEpoch.store(features.status == .enabled ? Int64(node.stat.version) : -1, ordering: .relaxed)
        } catch {
            logger.warning("The features could not be read", metadata: ["error": "\(error)"])
            currentEpoch.store(-1, ordering: .relaxed)
        }
    }
}
