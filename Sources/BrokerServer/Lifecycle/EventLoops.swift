// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import NIOCore
import NIOPosix

/// The event loops of a broker, by whether anything on them may wait.
struct EventLoops: Sendable {
    /// Of connections (`num.network.threads`, at most one for each processor). Nothing on them waits.
    let network: MultiThreadedEventLoopGroup
    /// Of replica fetchers, which append there and may wait for a disk.
    let fetchers: MultiThreadedEventLoopGroup

    init(_ configuration: BrokerConfiguration) {
        // Since nothing waits, more loops than processors only wake one another: a heartbeat on a connection of its own costs
        // a third more with three loops on two processors than with one (`coordinators.py`).
        network = MultiThreadedEventLoopGroup(
            numberOfThreads: min(configuration.network.networkThreads, max(System.coreCount, 1)))
        fetchers = MultiThreadedEventLoopGroup(numberOfThreads: max(2, configuration.replication.fetchersPerBroker))
    }

    /// Ends the threads. What is still on a loop goes no further.
    func shutDown() async {
        try? await network.shutdownGracefully()
        try? await fetchers.shutdownGracefully()
    }
}
