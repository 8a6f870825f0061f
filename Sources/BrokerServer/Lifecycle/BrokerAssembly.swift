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
import NIOPosix
import Synchronization
import ZooKeeperClient
import ZooKeeperStore

/// Makes a broker out of its parts, in the order in which they depend on one another.
enum BrokerAssembly {
    struct Parts: Sendable {
        let identity: BrokerIdentity
        let zooKeeper: ZooKeeperConnection
        let logs: LogDirectories
        let threads: LogThreads
        let timer: TimerThread
        let jobs: PeriodicJobs
        let cleaner: CleanerThreads
        let controller: ControllerService
        let proposer: InSyncSetProposer
        let writer: InSyncSetWriter
        let directories: DirectoryFailureReport
        let channel: ControllerChannel
        let replicas: ReplicaManager
        let listeners: [Listener]
        let loops: EventLoops
        let configuration: BrokerConfiguration
        let tasks: [Task<Void, Never>]
        let failure: BrokerFailure
        let monitoring: Monitoring
        let logger: Logger
    }

    static func start(
        _ configuration: BrokerConfiguration, _ levels: LogLevels, _ notifier: ServiceNotifier?, logger: Logger
    ) async throws(StartError) -> Broker {
        // First, so that all that follows can be watched.
        let monitoring = Monitoring(configuration.monitoring, version: Broker.version)
        let reporter = notifier.map { StartReporter($0, monitoring.status) }
        defer { reporter?.stop() }
        try await monitoring.listen(configuration.monitoring, logger: logger.of(.monitoring))
        do throws(StartError) {
            let ensemble = try await Ensemble.connect(configuration, monitoring, logger: logger)
            do throws(StartError) {
                return try await start(configuration, ensemble, monitoring, levels, logger: logger)
            } catch {
                await ensemble.connection.close()
                throw error
            }
        } catch {
            await monitoring.close()
            throw error
        }
    }

    private static func start(
        _ fromFile: BrokerConfiguration, _ ensemble: Ensemble, _ monitoring: Monitoring, _ levels: LogLevels,
        logger: Logger
    ) async throws(StartError) -> Broker {
        let store = ensemble.store
        try await ensemble.prepare()
        let clusterID = try await ensemble.clusterID()
        let id = try await brokerID(fromFile, ensemble)
        var logger = logger
        logger[metadataKey: "kafka.broker"] = "\(id)"
        logger.info("Starting", metadata: ["kafka.cluster": "\(clusterID)"])
        let configuration = try await ensemble.dynamicConfiguration(of: id, over: fromFile, logger: logger)
        let sessionFile = SessionFiles(directories: configuration.logs.directories)
        // Before anything is touched: does another broker hold this id?
        try await ensemble.refuseIfRegistered(id, unlessSession: sessionFile.read())

        let identity = BrokerIdentity(id: id)
        let timer = TimerThread()
        let loops = EventLoops(configuration)
        do throws(StartError) {
            let ports = try await claimPorts(configuration)
            let settings = TopicSettingsRegistry(configuration)
            try await ensemble.loadTopicSettings(into: settings, logger: logger)
            monitoring.watch(timer, loops)
            monitoring.status.enter(.recovering)
            let logs = try openLogs(
                configuration, id: id, clusterID: clusterID, settings, ensemble.router, monitoring.status,
                logger: logger.of(.logs))
            monitoring.status.enter(.registering)
            // The locks are ours: whoever wrote the session file is dead, and so shall its session be.
            await ensemble.endSession(of: sessionFile, configuration, logger: logger)
            return try await assemble(
                configuration, ensemble, store, identity, clusterID, sessionFile, timer, loops, ports,
                settings, logs, monitoring, levels, logger)
        } catch {
            timer.stop()
            await loops.shutDown()
            throw error
        }
    }

    // MARK: Steps

    /// The id that is configured, that `meta.properties` names, or a new one.
    private static func brokerID(
        _ configuration: BrokerConfiguration, _ ensemble: Ensemble
    ) async throws(StartError) -> BrokerID {
        if configuration.brokerID >= 0 { return configuration.brokerID }
        for directory in configuration.logs.directories {
            if let known = (try? MetaProperties.read(in: directory, PosixFileSystem()))?.brokerID { return known }
        }
        guard configuration.generatesBrokerID else {
            throw StartError("broker.id is not set and broker.id.generation.enable is false")
        }
        return try await ensemble.generateBrokerID(above: configuration.reservedBrokerMaxID)
    }

    /// Makes sure of the ports. Whoever connects is refused until the broker is whole, as with Kafka.
    private static func claimPorts(_ configuration: BrokerConfiguration) async throws(StartError) -> [ClaimedPort] {
        let network = configuration.network
        var ports: [ClaimedPort] = []
        for endpoint in network.listeners {
            let listener = ListenerConfiguration(
                endpoint: endpoint, isPrivileged: endpoint.listenerName == network.controlPlaneListener,
                sockets: SocketOptions(
                    sendBufferBytes: network.sendBufferBytes.flatMap(chosen),
                    receiveBufferBytes: network.receiveBufferBytes.flatMap(chosen), backlog: network.backlog),
                limits: ConnectionLimits(requestBytes: network.maxRequestBytes, idleTime: network.maxIdle))
            do throws(BindError) {
                ports.append(try await Listener.claim(listener))
            } catch {
                throw StartError(error)
            }
        }
        return ports
    }

    private static func serve(
        _ ports: [ClaimedPort], _ configuration: BrokerConfiguration, _ dispatcher: RequestDispatcher,
        on group: MultiThreadedEventLoopGroup, _ admission: ConnectionAdmission, _ requests: RequestMetrics?,
        logger: Logger
    ) async throws(StartError) -> [Listener] {
        let memory = configuration.network.queuedMaxRequestBytes.map { MemoryBudget(bytes: $0) }
        var listeners: [Listener] = []
        for port in ports {
            do throws(BindError) {
                listeners.append(
                    try await Listener.serve(
                        port, handler: dispatcher, on: group, admission: admission, requestMemory: memory,
                        observer: requests, logger: logger))
            } catch {
                for listener in listeners { await listener.close() }
                throw StartError(error)
            }
        }
        return listeners
    }

    /// Kafka's default of 100 KiB, which most files repeat, is not what an operator has chosen: the kernel, left alone,
    /// adapts the buffers to the connection and needs less than half the CPU for a large request.
    private static func chosen(_ bytes: Int) -> Int? { bytes == 102_400 ? nil : bytes }

    private static func openLogs(
        _ configuration: BrokerConfiguration, id: BrokerID, clusterID: String, _ settings: TopicSettingsRegistry,
        _ router: EventRouter, _ status: BrokerStatus, logger: Logger
    ) throws(StartError) -> LogDirectories {
        var directories = LogDirectoriesConfiguration(
            paths: configuration.logs.directories, brokerID: id, clusterID: clusterID)
        directories.recoveryThreads = configuration.logs.recoveryThreadsPerDirectory
        directories.openFiles = DescriptorLimit.forLogs
        directories.producerExpiration = configuration.transactions.producerIDExpiration.wholeMilliseconds
        directories.defaults = LogConfiguration(configuration.topicDefaults)
        directories.topics = settings.all.mapValues(\.log)
        do throws(LogDirectoriesError) {
            return try LogDirectories.open(
                directories, now: BrokerClock.now, logger: logger, opening: { status.opening($0) },
                onEvent: { router.logDirectory($0) })
        } catch {
            throw StartError(error)
        }
    }

    // MARK: Putting it together

    private static func assemble(
        _ configuration: BrokerConfiguration, _ ensemble: Ensemble, _ store: ZooKeeperStore, _ identity: BrokerIdentity,
        _ clusterID: String, _ sessionFile: SessionFiles, _ timer: TimerThread,
        _ loops: EventLoops, _ ports: [ClaimedPort],
        _ settings: TopicSettingsRegistry, _ logs: LogDirectories, _ monitoring: Monitoring,
        _ levels: LogLevels, _ logger: Logger
    ) async throws(StartError) -> Broker {
        let live = LiveConfiguration(configuration)
        let throttles = ReplicationThrottles { live.current }
        let metadata = MetadataCache(clusterID: clusterID)
        let threads = LogThreads(count: configuration.network.ioThreads, flushes: monitoring.replicas.flushes)
        let interBroker = configuration.network.interBrokerListener
        let versions = ControlVersions(configuration.interBrokerProtocol)
        let channel = ControllerChannel(
            metadata: metadata, listener: interBroker, clientID: "\(identity.id)", group: loops.network)
        let asksController = configuration.interBrokerProtocol >= .v2_7_IV2
        let writer = InSyncSetWriter(localID: identity.id, store: store, logger: logger.of(.replicas))
        let proposer = InSyncSetProposer(
            brokerID: identity.id, brokerEpoch: { identity.epoch }, channel: channel,
            usesTopicIDs: configuration.interBrokerProtocol >= .v2_8_IV0, logger: logger.of(.replicas))
        let fetchers = ReplicaFetchers(
            .init(
                localID: identity.id, brokerEpoch: { identity.epoch }, listener: interBroker, metadata: metadata,
                versions: FollowerVersions(configuration.interBrokerProtocol), settings: configuration.replication,
                throttle: throttles.follower, logger: logger.of(.fetchers)),
            group: loops.fetchers)
        let replicas = ReplicaManager(
            localID: identity.id, logs: logs, threads: threads, metadata: metadata, settings: settings, timer: timer,
            lagTimeMax: configuration.replication.lagTimeMax, followers: fetchers,
            moves: DirectoryMoves(
                threads: configuration.logs.moveThreads, timer: timer,
                throttle: MoveThrottle { live.current.quotas.moveBytesPerSecond }, logger: logger.of(.replicas)),
            metrics: monitoring.replicas,
            propose: { partition, topicID, proposal in
                if asksController {
                    proposer.propose(partition, topicID: topicID, proposal)
                } else {
                    writer.propose(partition, proposal)
                }
            }, logger: logger.of(.replicas))
        let registrar = BrokerRegistrar(
            store, id: identity.id, node: registration(configuration, ports),
            session: { [connection = ensemble.connection] in connection.identity?.id })
        let failure = BrokerFailure()
        let features = FeatureCache(
            store: store, timer: timer, onIncompatible: { failure.report($0) }, logger: logger)
        let executor = ControllerExecutor(
            store, brokerID: identity.id, registrar: registrar,
            malformed: { [logger = logger.of(.controller)] error in
                ControllerLog.write(.malformedNode(path: error.path, reason: error.reason), to: logger)
            },
            awaitFeatures: { [patience = configuration.zooKeeper.connectionTimeout] version in
                await features.wait(for: version, atMost: patience)
            }, recall: { RecalledTopic.all(in: metadata.current) }, now: { BrokerClock.now })
        let controller = ControllerService(
            settings: ControllerSettings(configuration, id: identity.id),
            surroundings: .init(
                zooKeeper: executor, timer: timer,
                senders: .init(
                    controllerID: identity.id,
                    listener: configuration.network.controlPlaneListener ?? interBroker,
                    interBrokerListener: interBroker, versions: versions, group: loops.network,
                    requestTimeout: configuration.network.requestTimeout, logger: logger.of(.controller)),
                controllerChanged: { _ in },
                brokerEpochChanged: {
                    identity.epoch = $0
                    monitoring.status.registered()
                }),
            logger: logger.of(.controller))
        let topicWaits = DelayedOperations<String>(timer: timer)
        let current: @Sendable () -> BrokerConfiguration = { live.current }
        let administration = TopicAdministration(
            store: store, metadata: metadata, configuration: current,
            givesTopicIDs: configuration.interBrokerProtocol >= .v2_8_IV0, logger: logger)
        let coordinatorTopics = try await ensemble.coordinatorPartitions(configuration)
        let groups = GroupCoordinationService(
            configuration, partitionCount: coordinatorTopics.groups, replicas: replicas, timer: timer,
            logger: logger.of(.groups))
        let markerWriter = MarkerWriter(
            replicas: replicas, groups: groups, timeout: configuration.network.requestTimeout.wholeMilliseconds)
        let neighbours = Neighbours(
            localID: identity.id, listener: interBroker, metadata: metadata,
            requestTimeout: configuration.network.requestTimeout, group: loops.network)
        let transactions = TransactionCoordinationService(
            configuration, partitionCount: coordinatorTopics.transactions, replicas: replicas, timer: timer,
            markers: MarkerSender(
                neighbours, version: configuration.interBrokerProtocol >= .v2_8_IV0 ? 1 : 0, writer: markerWriter,
                logger: logger.of(.transactions)),
            logger: logger.of(.transactions))
        let verifier = TransactionVerifier(
            neighbours, transactions: transactions, isEnabled: { live.current.transactions.verifiesPartitions },
            logger: logger.of(.transactions))
        let cleaner = CleanerThreads(configuration.cleaner, logs: logs, logger: logger.of(.cleaner))
        let services = BrokerServices(
            live: live, identity: identity, metadata: metadata, settings: settings, replicas: replicas,
            controller: controller, channel: channel, administration: administration,
            autoCreation: AutoTopicCreation(administration: administration, configuration: current),
            throttles: throttles, topicWaits: topicWaits, store: store, features: features, timer: timer,
            groups: groups, transactions: transactions, markerWriter: markerWriter, verifier: verifier,
            cleaner: cleaner, admission: ConnectionAdmission(limits: .init(configuration.network)),
            requestMetrics: monitoring.requests, levels: levels, logger: logger)
        let dispatcher = AllHandlers.dispatcher(services)

        let changes = ConfigurationChanges(services)
        let directories = DirectoryFailureReport(logger: logger) { () async throws(StoreError) in
            try await store.notifyLogDirectoryFailure(identity.id)
        }
        ensemble.router.connect(
            store: store, controller: controller, replicas: replicas, changes: changes, directories: directories,
            features: features, sessionFile: sessionFile, connect: configuration.zooKeeper.connect,
            onLastDirectoryLost: { failure.report("all log directories have failed") })
        await features.refresh()
        if let problem = features.problem { throw StartError(problem) }
        try await ensemble.router.replayConfigurationChanges()
        if let session = ensemble.connection.identity {
            sessionFile.write(
                .init(sessionID: session.id, password: session.password, connect: configuration.zooKeeper.connect))
        }
        // The controller's first request may come before the registration has returned; it waits in the kernel.
        do throws(BindError) {
            for port in ports { try port.listen() }
        } catch {
            throw StartError(error)
        }
        do throws(StoreError) {
            identity.epoch = try await registrar.register(checkingEndpoints: true)
        } catch {
            throw StartError("the broker could not be registered", error)
        }
        monitoring.status.registered()
        let listeners = try await serve(
            ports, configuration, dispatcher, on: loops.network, services.admission, monitoring.requests,
            logger: logger.of(.network))
        let controllerTask = Task { await controller.run() }
        controller.submit(.started(brokerEpoch: identity.epoch))
        let jobs = PeriodicJobs(timer: timer)
        if !asksController { jobs.schedule(every: InSyncSetWriter.checkInterval) { writer.notifyIfDue() } }
        schedule(jobs, configuration, replicas, logs)
        jobs.schedule(every: configuration.offsets.retentionCheckInterval) { groups.expireOffsets() }
        jobs.schedule(every: configuration.transactions.abortTimedOutInterval) { transactions.abortTimedOut() }
        jobs.schedule(every: configuration.transactions.removeExpiredInterval) {
            transactions.expireTransactionalIDs()
        }
        jobs.schedule(every: .seconds(5)) {
            // Partitions that had found no room for their logs may have it now. The controller learns what the log directories
            // hold by asking for all replicas, and asks when it is told that something happened to them.
            guard replicas.hasRoomAgain() else { return }
            logger.info("There is room again for logs that could not be made")
            directories.begin()
        }
        cleaner.start()
        show(
            monitoring, jobs, listeners, ThreadSource(LoopUse(Array(loops.network.makeIterator())), threads),
            ReplicaSource(replicas, fetchers), LogSource(logs, cleaner, flushes: monitoring.replicas.flushes),
            ControlSource(controller, ensemble.connection, monitoring.session, groups))
        monitoring.watch(threads)
        monitoring.status.serve { metadata.current.brokers[identity.id] != nil }
        logger.info("[KafkaServer id=\(identity.id)] started")
        return Broker(
            Parts(
                identity: identity, zooKeeper: ensemble.connection, logs: logs,
                threads: threads, timer: timer, jobs: jobs, cleaner: cleaner, controller: controller,
                proposer: proposer, writer: writer, directories: directories, channel: channel, replicas: replicas,
                listeners: listeners, loops: loops, configuration: configuration, tasks: [controllerTask],
                failure: failure, monitoring: monitoring, logger: logger))
    }

    /// What is to be seen of a broker that is whole.
    private static func show(
        _ monitoring: Monitoring, _ jobs: PeriodicJobs, _ listeners: [Listener], _ threads: ThreadSource,
        _ replicas: ReplicaSource, _ logs: LogSource, _ control: ControlSource
    ) {
        let registry = monitoring.registry
        registry.add { ListenerSource.write(listeners, &$0) }
        registry.add { threads.write(&$0) }
        registry.add { replicas.write(&$0) }
        registry.add { logs.write(&$0) }
        registry.add { control.write(&$0) }
        jobs.schedule(every: .seconds(5)) { monitoring.progress.ask() }
    }

    /// What the broker does again and again, with Kafka's intervals.
    private static func schedule(
        _ jobs: PeriodicJobs, _ configuration: BrokerConfiguration, _ replicas: ReplicaManager, _ logs: LogDirectories
    ) {
        let settings = configuration.logs
        jobs.schedule(after: .seconds(30), every: settings.retentionCheckInterval) {
            logs.deleteOldSegments(now: BrokerClock.now)
        }
        jobs.schedule(every: .seconds(5)) { logs.removeDoomed(now: BrokerClock.now) }
        jobs.schedule(after: .seconds(30), every: settings.flushCheckInterval) {
            logs.flushDueLogs(now: BrokerClock.now)
        }
        jobs.schedule(every: settings.recoveryPointCheckpointInterval) { logs.checkpointRecoveryPoints() }
        jobs.schedule(every: settings.startOffsetCheckpointInterval) { logs.checkpointLogStarts() }
        jobs.schedule(every: .seconds(600)) { logs.removeExpiredProducers(now: BrokerClock.now) }
        jobs.schedule(every: configuration.replication.highWatermarkCheckpointInterval) {
            replicas.checkpointHighWatermarks()
        }
        jobs.schedule(every: configuration.replication.lagTimeMax / 2) { replicas.checkLag() }
    }

    /// What the broker says of itself in ZooKeeper: its advertised endpoints, with what the bound sockets know.
    private static func registration(
        _ configuration: BrokerConfiguration, _ ports: [ClaimedPort]
    ) -> BrokerRegistrationNode {
        let endpoints = configuration.network.advertised.map { endpoint in
            var endpoint = endpoint
            if endpoint.host.isEmpty { endpoint.host = LocalHost.name }
            if endpoint.port == 0 {
                let bound = ports.first { $0.configuration.endpoint.listenerName == endpoint.listenerName }
                endpoint.port = Int32(clamping: bound?.port ?? 0)
            }
            return endpoint
        }
        return BrokerRegistrationNode(
            endpoints: endpoints, rack: configuration.rack, timestamp: BrokerClock.now,
            version: BrokerRegistrationNode.version(configuration.interBrokerProtocol))
    }
}

extension ControllerSettings {
    init(_ configuration: BrokerConfiguration, id: BrokerID) {
        self.init(brokerID: id, interBrokerListener: configuration.network.interBrokerListener)
        let version = configuration.interBrokerProtocol
        deleteTopicEnable = configuration.topics.allowsDeletion
        uncleanLeaderElectionEnable = configuration.controller.uncleanLeaderElection
        autoLeaderRebalanceEnable = configuration.controller.rebalancesLeaders
        leaderImbalancePercentage = configuration.controller.imbalancePerBroker
        leaderImbalanceCheckInterval = configuration.controller.imbalanceCheckInterval
        givesTopicIDs = version >= .v2_8_IV0
        marksRecovery = version >= .v3_2_IV0
        usesAlterPartition = version >= .v2_7_IV2
        usesFeatures = version >= .v2_7_IV0
        featureNodeVersion = version >= .v3_3_IV0 ? 2 : 1
    }
}

extension BrokerRegistrationNode {
    /// 5 knows features, 4 the protocols of listeners, 2 neither.
    static func version(_ version: ProtocolVersion) -> Int32 {
        if version >= .v2_7_IV0 { return 5 }
        return version >= .v0_10_0_IV1 ? 4 : 2
    }
}

extension ControllerExecutor: ControllerZooKeeper {
    package func perform(_ batch: ZooKeeperBatch) async -> [ZooKeeperAnswer] { await execute(batch) }
}

extension ControlVersions {
    /// The versions of the control requests by inter-broker protocol (Kafka's table).
    init(_ version: ProtocolVersion) {
        leaderAndIsr =
            switch version {
            case .v3_4_IV0...: 7
            case .v3_2_IV0...: 6
            case .v2_8_IV1...: 5
            case .v2_4_IV1...: 4
            case .v2_4_IV0...: 3
            case .v2_2_IV0...: 2
            case .v1_0_IV0...: 1
            default: 0
            }
        updateMetadata =
            switch version {
            case .v3_4_IV0...: 8
            case .v2_8_IV1...: 7
            case .v2_4_IV1...: 6
            case .v2_2_IV0...: 5
            case .v1_0_IV0...: 4
            case .v0_10_2_IV0...: 3
            case .v0_10_0_IV1...: 2
            case .v0_9_0...: 1
            default: 0
            }
        stopReplica =
            switch version {
            case .v3_4_IV0...: 4
            case .v2_6_IV0...: 3
            case .v2_4_IV1...: 2
            case .v2_2_IV0...: 1
            default: 0
            }
        controlledShutdown =
            switch version {
            case .v2_4_IV1...: 3
            case .v2_2_IV0...: 2
            case .v0_9_0...: 1
            default: 0
            }
    }
}

extension ConnectionAdmission.Limits {
    /// Connections between brokers are counted, and never kept waiting for those of clients.
    init(_ network: BrokerConfiguration.Network) {
        self.init(
            total: network.maxConnections, perListener: network.maxConnectionsByListener,
            perAddress: network.maxConnectionsPerIP, perAddressOverrides: network.maxConnectionsPerIPOverrides,
            protectedListeners: [network.interBrokerListener])
    }
}
