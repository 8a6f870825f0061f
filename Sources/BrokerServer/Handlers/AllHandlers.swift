// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import Synchronization
import ZooKeeperStore

/// The one list of what this broker serves. It yields the dispatch table and the answer to ApiVersions.
enum AllHandlers {
    static func dispatcher(_ services: BrokerServices) -> RequestDispatcher {
        let served = ServedVersions()
        let dispatcher = RequestDispatcher(
            clientHandlers(services, served) + groupHandlers(services)
                + transactionHandlers(services) + administrationHandlers(services)
                + clusterHandlers(services),
            metrics: services.requestMetrics, logger: services.logger)
        served.versions.withLock { $0 = dispatcher.servedVersions }
        return dispatcher
    }

    /// Filled once the list is complete: ApiVersions is in the list that it tells.
    private final class ServedVersions: Sendable {
        let versions = Mutex<[(key: ApiKey, versions: ClosedRange<Int16>)]>([])
    }

    /// What producers and consumers ask.
    private static func clientHandlers(_ services: BrokerServices, _ served: ServedVersions) -> [any ApiHandler] {
        let configuration = services.configuration()
        let producerIDs = ProducerIDs(allocate: ProducerIDs.source(services))
        return [
            ApiVersionsHandler(
                servedVersions: { served.versions.withLock { $0 } },
                finalizedFeaturesEpoch: { [features = services.features] in features.epoch }),
            MetadataHandler(metadata: services.metadata, autoCreation: services.autoCreation),
            ProduceHandler(replicas: services.replicas, metadata: services.metadata, verifier: services.verifier),
            FetchHandler(
                replicas: services.replicas, metadata: services.metadata,
                sessions: FetchSessions(slots: configuration.fetch.sessionSlots),
                maxBytes: configuration.fetch.maxBytes,
                selectsReplicasByRack: configuration.replication.selectsReplicasByRack,
                throttle: services.throttles.leader),
            ListOffsetsHandler(replicas: services.replicas),
            OffsetForLeaderEpochHandler(replicas: services.replicas),
            FindCoordinatorHandler(
                metadata: services.metadata, autoCreation: services.autoCreation,
                groups: services.groups, transactions: services.transactions),
            InitProducerIdHandler(producerIDs: producerIDs, transactions: services.transactions),
        ]
    }

    /// What consumer groups ask, and who looks after them.
    private static func groupHandlers(_ services: BrokerServices) -> [any ApiHandler] {
        let (groups, metadata) = (services.groups, services.metadata)
        let legacy = LegacyOffsets(
            store: services.store, maxMetadataBytes: services.configuration().offsets.metadataMaxBytes)
        return [
            JoinGroupHandler(groups: groups),
            SyncGroupHandler(groups: groups),
            HeartbeatHandler(groups: groups),
            LeaveGroupHandler(groups: groups),
            OffsetCommitHandler(groups: groups, metadata: metadata, legacy: legacy),
            OffsetFetchHandler(groups: groups, metadata: metadata, legacy: legacy),
            DescribeGroupsHandler(groups: groups),
            ListGroupsHandler(groups: groups),
            DeleteGroupsHandler(groups: groups),
            OffsetDeleteHandler(groups: groups, metadata: metadata),
            ConsumerGroupHeartbeatHandler(),
            ConsumerGroupDescribeHandler(),
        ]
    }

    /// What transactional producers ask, and who looks after them.
    private static func transactionHandlers(_ services: BrokerServices) -> [any ApiHandler] {
        let (transactions, metadata) = (services.transactions, services.metadata)
        return [
            AddPartitionsToTxnHandler(transactions: transactions, metadata: metadata),
            AddOffsetsToTxnHandler(transactions: transactions, groups: services.groups),
            EndTxnHandler(transactions: transactions),
            TxnOffsetCommitHandler(
                groups: services.groups, metadata: metadata, replicas: services.replicas,
                verifier: services.verifier),
            WriteTxnMarkersHandler(writer: services.markerWriter),
            DescribeTransactionsHandler(transactions: transactions),
            ListTransactionsHandler(transactions: transactions),
            DescribeProducersHandler(replicas: services.replicas),
        ]
    }

    /// What operators ask.
    private static func administrationHandlers(_ services: BrokerServices) -> [any ApiHandler] {
        let wait = MetadataWait(waiting: services.topicWaits, metadata: services.metadata)
        let configurations = ConfigurationAdministration(
            store: services.store, metadata: services.metadata, configuration: services.configuration,
            brokerID: services.identity.id, levels: services.levels, logger: services.logger)
        return [
            CreateTopicsHandler(administration: services.administration, controller: services.controller, wait: wait),
            DeleteTopicsHandler(administration: services.administration, controller: services.controller, wait: wait),
            CreatePartitionsHandler(
                administration: services.administration, controller: services.controller, wait: wait),
            DeleteRecordsHandler(replicas: services.replicas, metadata: services.metadata),
            DescribeClusterHandler(metadata: services.metadata),
            DescribeConfigsHandler(
                configuration: services.configuration, brokerID: services.identity.id, store: services.store,
                metadata: services.metadata, levels: services.levels),
            AlterConfigsHandler(administration: configurations),
            IncrementalAlterConfigsHandler(administration: configurations),
            DescribeLogDirsHandler(replicas: services.replicas),
            AlterReplicaLogDirsHandler(replicas: services.replicas),
            ElectLeadersHandler(controller: services.controller, wait: wait),
            AlterPartitionReassignmentsHandler(controller: services.controller),
            ListPartitionReassignmentsHandler(controller: services.controller),
            UpdateFeaturesHandler(
                controller: services.controller,
                hasFeatures: services.configuration().interBrokerProtocol >= .v2_7_IV0),
        ]
    }

    /// What brokers and the controller ask of one another.
    private static func clusterHandlers(_ services: BrokerServices) -> [any ApiHandler] {
        let gate = ControlGate(
            replicas: services.replicas, brokerEpoch: { [identity = services.identity] in identity.epoch },
            electedEpoch: { [elected = ElectedController(store: services.store, timer: services.timer)] in
                await elected.epoch()
            })
        return [
            LeaderAndIsrHandler(
                gate: gate, replicas: services.replicas,
                settings: TopicSettingsLoader(
                    services.settings, logger: services.logger, read: { await services.store.configurations($0) },
                    late: { services.replicas.reconfigure($0, $1) }),
                rolesChanged: {
                    services.groups.rolesChanged($0)
                    services.transactions.rolesChanged($0)
                }),
            StopReplicaHandler(
                gate: gate, replicas: services.replicas,
                stopped: {
                    services.groups.stopped($0)
                    services.transactions.stopped($0)
                }),
            UpdateMetadataHandler(
                gate: gate, replicas: services.replicas,
                interBrokerListener: services.configuration().network.interBrokerListener,
                changed: { update, _, after in
                    // Another topic of the same name must not inherit what this one was set to.
                    for topic in update.topics where after.topic(topic.name) == nil {
                        services.settings.forget(topic.name)
                    }
                    for topic in update.topics { services.topicWaits.check(topic.name) }
                    services.groups.metadataChanged(update)
                    services.transactions.metadataChanged(update)
                    services.verifier.brokersChanged()
                }),
            ControlledShutdownHandler(controller: services.controller),
            AlterPartitionHandler(controller: services.controller, metadata: services.metadata),
            AllocateProducerIdsHandler(controller: services.controller),
        ]
    }
}
