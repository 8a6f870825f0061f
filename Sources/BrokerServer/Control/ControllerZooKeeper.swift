// SPDX-License-Identifier: Apache-2.0

import ClusterControl

/// Performs what the controller asks of ZooKeeper, with its watches coming back as events.
protocol ControllerZooKeeper: Sendable {
    /// One answer for each operation, in order. Lost connections are waited out; an ended session is an answer.
    func perform(_ batch: ZooKeeperBatch) async -> [ZooKeeperAnswer]
}
