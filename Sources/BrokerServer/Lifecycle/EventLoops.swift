// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import NIOPosix

/// The event loops of a broker, by whether anything on them may wait.
struct EventLoops: Sendable {
    /// Of connections (`num.network.threads`). Nothing on them waits.
    let network: MultiThreadedEventLoopGroup
    /// Of replica fetchers, which append there and may wait for a disk.
    let fetchers: MultiThreadedEventLoopGroup

    init(_ configuration: BrokerConfiguration) {
        network = MultiThreadedEventLoopGroup(numberOfThreads: configuration.network.networkThreads)
        fetchers = MultiThreadedEventLoopGroup(numberOfThreads: max(2, configuration.replication.fetchersPerBroker))
    }

    /// Ends the threads. What is still on a loop goes no further.
    func shutDown() async {
        try? await network.shutdownGracefully()
        try? await fetchers.shutdownGracefully()
    }
}
