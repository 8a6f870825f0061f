// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import LogStorage
import Logging
import NIOCore
import Synchronization
import ZooKeeperClient
import ZooKeeperStore

/// One broker: its parts, how they hang together, and their life from start to stop.
///
/// The start goes from what can be refused without a trace (ports, another broker's id, locks) to what others see (the
/// registration). Each step that fails ends the start with one line. The stop goes the other way round: leaderships are
/// moved away while the broker still serves, then it stops to accept, writes its checkpoints and closes its session.
package final class Broker: Sendable {
    private let identity: BrokerIdentity
    private let zooKeeper: ZooKeeperConnection
    private let logs: LogDirectories
    private let threads: LogThreads
    private let timer: TimerThread
    private let jobs: PeriodicJobs
    private let cleaner: CleanerThreads
    private let controller: ControllerService
    private let proposer: InSyncSetProposer
    private let writer: InSyncSetWriter
    private let directories: DirectoryFailureReport
    private let channel: ControllerChannel
    private let replicas: ReplicaManager
    private let listeners: [Listener]
    private let loops: EventLoops
    private let configuration: BrokerConfiguration
    private let tasks: [Task<Void, Never>]
    private let failure: BrokerFailure
    private let monitoring: Monitoring
    private let logger: Logger

    // The parts are many and made in order; `BrokerAssembly` is the place where that happens.
    init(_ parts: BrokerAssembly.Parts) {
        identity = parts.identity
        zooKeeper = parts.zooKeeper
        logs = parts.logs
        threads = parts.threads
        timer = parts.timer
        jobs = parts.jobs
        cleaner = parts.cleaner
        controller = parts.controller
        proposer = parts.proposer
        writer = parts.writer
        directories = parts.directories
        channel = parts.channel
        replicas = parts.replicas
        listeners = parts.listeners
        loops = parts.loops
        configuration = parts.configuration
        tasks = parts.tasks
        failure = parts.failure
        monitoring = parts.monitoring
        logger = parts.logger
    }

    /// The program's own version; Kafka's is the protocol's.
    package static let version = "0.1.0"

    package var id: BrokerID { identity.id }

    /// The port of `monitoring.http.listener`; nil where there is none.
    package var monitoringPort: Int? { monitoring.port }

    /// The port that a listener has bound; nil for a name that is none.
    package func port(of listener: String) -> Int? {
        listeners.first { $0.configuration.endpoint.listenerName == listener }?.port
    }

    /// Settles what concerns the whole process. To be called once by a program that is a broker, before it has threads.
    package static func tuneProcess() {
        AllocatorTuning.keepFreedMemory(bytes: 32 << 20)
        DescriptorLimit.raise()
    }

    /// Starts a broker and returns it once it serves.
    ///
    /// - Parameters:
    ///   - levels: what the loggers of this process go by.
    ///   - notifier: hears meanwhile how far the start is.
    package static func start(
        _ configuration: BrokerConfiguration, levels: LogLevels, notifier: ServiceNotifier? = nil, logger: Logger
    ) async throws(StartError) -> Broker {
        try await BrokerAssembly.start(configuration, levels, notifier, logger: logger)
    }

    /// Waits until the broker cannot go on, and returns why; nil when the waiting task is cancelled.
    package func waitForFailure() async -> String? { await failure.first }

    /// Whether the parts that must never stand still have moved lately, for a watchdog.
    package var makesProgress: Bool { monitoring.standstill == nil }

    /// Stops in order; at most as long as the controlled shutdown and the disks take.
    package func shutDown() async {
        logger.info("Shutting down")
        monitoring.status.enter(.handingOver)
        if configuration.shutdown.isEnabled { await handOverLeaderships() }
        monitoring.status.enter(.stopping)
        for listener in listeners { await listener.stopAccepting() }
        jobs.stop()
        proposer.stop()
        writer.stop()
        directories.stop()
        controller.stop()
        for listener in listeners { await listener.close() }
        channel.reset()
        for task in tasks { task.cancel() }
        replicas.followers.stop()
        replicas.moves.stop()
        cleaner.stop()
        // What is queued on log threads is written before the logs are closed.
        threads.shutDown()
        logs.close(now: BrokerClock.now)
        // The session's file stays: the server may not have heard of the close, and whoever looks into the file next finds out.
        await zooKeeper.close()
        timer.stop()
        await loops.shutDown()
        await monitoring.close()
        logger.info("Shut down completed")
    }

    /// Controlled shutdown: asks the controller to move what this broker leads, until nothing remains or the patience
    /// (`controlled.shutdown.max.retries`) is at its end.
    private func handOverLeaderships() async {
        let version = ControlVersions(configuration.interBrokerProtocol).controlledShutdown
        for attempt in 1...max(1, configuration.shutdown.maxRetries) {
            do {
                let (response, _) = try await channel.send(highest: version) { [identity] _ in
                    var request = ControlledShutdownRequest()
                    request.brokerID = identity.id
                    request.brokerEpoch = identity.epoch
                    return request
                }
                if response.errorCode.isNone, response.remainingPartitions.isEmpty {
                    logger.info("Controlled shutdown succeeded")
                    return
                }
                logger.info(
                    "Controlled shutdown is incomplete",
                    metadata: [
                        "error": "\(response.errorCode)", "remaining": "\(response.remainingPartitions.count)",
                    ])
            } catch {
                logger.info("The controller could not be asked to move leaderships", metadata: ["error": "\(error)"])
            }
            if attempt < configuration.shutdown.maxRetries {
                try? await Task.sleep(for: configuration.shutdown.retryBackoff)
            }
        }
        logger.warning("Going down without a complete controlled shutdown")
    }
}

/// Tells once why a broker cannot go on.
final class BrokerFailure: Sendable {
    private let stream: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() {
        (stream, continuation) = AsyncStream<String>.makeStream()
    }

    /// May be called from any thread, under any lock.
    func report(_ reason: String) {
        continuation.yield(reason)
    }

    /// For one waiting task.
    var first: String? {
        get async {
            for await reason in stream { return reason }
            return nil
        }
    }
}

/// Who a broker is: its id for good, its epoch for as long as its session lasts.
final class BrokerIdentity: Sendable {
    let id: BrokerID
    private let currentEpoch = Atomic<BrokerEpoch>(-1)

    init(id: BrokerID) { self.id = id }

    /// The czxid of the registration; −1 before there is one.
    var epoch: BrokerEpoch {
        get { currentEpoch.load(ordering: .acquiring) }
        set { currentEpoch.store(newValue, ordering: .releasing) }
    }
}
