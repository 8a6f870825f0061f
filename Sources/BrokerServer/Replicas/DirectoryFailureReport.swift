// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import ZooKeeperStore

/// Tells the controller, through a node in ZooKeeper, that something has happened to this broker's log directories: again
/// until the node is there, or the broker stops.
///
/// A session that ends, or a directory of notifications that somebody has removed, must not keep the controller from hearing
/// of it: nobody else tells it, and the partitions there would have no leader until a broker starts. (Kafka's broker tries
/// once.)
///
/// Owner: its lock.
final class DirectoryFailureReport: Sendable {
    private struct State {
        var isWanted = false
        var isRunning = false
        var isStopped = false
    }

    private let write: @Sendable () async throws(StoreError) -> Void
    private let retryInterval: Duration
    private let logger: Logger
    private let state = Mutex(State())

    init(
        retryInterval: Duration = .milliseconds(500), logger: Logger,
        write: @escaping @Sendable () async throws(StoreError) -> Void
    ) {
        self.write = write
        self.retryInterval = retryInterval
        self.logger = logger
    }

    /// The controller is to ask what the log directories hold. While it is being told, it is told once more: the node that is
    /// being made may have been read already.
    func begin() {
        let mustStart = state.withLock { state in
            state.isWanted = true
            guard !state.isRunning, !state.isStopped else { return false }
            state.isRunning = true
            return true
        }
        // A bare task: the failure was met on a thread that must not wait. It lives until the node is made.
        if mustStart { Task { await run() } }
    }

    func stop() { state.withLock { $0.isStopped = true } }

    private func run() async {
        while take() {
            do throws(StoreError) {
                try await write()
            } catch {
                logger.error(
                    "The controller could not be told of the log directories; trying again",
                    metadata: ["error": "\(error)"])
                state.withLock { $0.isWanted = true }
                try? await Task.sleep(for: retryInterval)
            }
        }
    }

    /// Whether there is something to tell; when not, this ends.
    private func take() -> Bool {
        state.withLock { state in
            state.isRunning = state.isWanted && !state.isStopped
            state.isWanted = false
            return state.isRunning
        }
    }
}
