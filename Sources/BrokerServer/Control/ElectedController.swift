// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import ZooKeeperStore

/// What ZooKeeper says about the controllership, for the moment at which somebody claims a newer one.
///
/// Kafka believes every epoch that a control request names. One frame with the largest of all would be obeyed, and the real
/// controller refused as stale until the broker starts anew.
struct ElectedController: Sendable {
    /// How long the ensemble may take. A broker that is cut off from it still obeys its controller, as in Kafka.
    private static let patience = 1000 as Int64

    let store: ZooKeeperStore
    let timer: TimerThread

    /// The epoch of the last election that was over when this was called, or of a later one; nil when no server answers in
    /// time.
    func epoch() async -> ControllerEpoch? {
        let (answers, answer) = AsyncStream<ControllerEpoch?>.makeStream()
        let timeout = timer.schedule(after: Self.patience) { answer.yield(nil) }
        defer { timer.cancel(timeout) }
        // A bare task: nobody waits for it any longer than for the timeout.
        Task { answer.yield(await read()) }
        for await first in answers { return first }
        return nil
    }

    private func read() async -> ControllerEpoch? {
        do {
            // The server at hand may not have heard of the election yet.
            try await store.calls.sync(ZNodes.controllerEpoch)
            return try ZNodeCodec.decodeControllerEpoch(try await store.read(ZNodes.controllerEpoch)?.data)
        } catch {
            return nil
        }
    }
}
