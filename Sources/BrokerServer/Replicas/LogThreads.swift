// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore
import NIOPosix

/// The threads that write to logs. A partition belongs to one of them for the life of the process, so everything that
/// changes it (appends, changes of role, truncation) happens in the order in which it was asked for, and a stalled disk
/// stalls neither connections nor the partitions of other threads.
///
/// Each is an event loop without sockets: its queue and its wake-up are just what is needed.
final class LogThreads: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let loops: [any EventLoop]

    /// - Parameter count: `num.io.threads`; at least one.
    init(count: Int) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, count))
        loops = Array(group.makeIterator())
    }

    /// The loop that owns a partition.
    func loop(for partition: TopicPartition) -> any EventLoop {
        loops[Int(UInt(bitPattern: partition.hashValue) % UInt(loops.count))]
    }

    /// Ends the threads after what is queued.
    func shutDown() async throws {
        try await group.shutdownGracefully()
    }
}
