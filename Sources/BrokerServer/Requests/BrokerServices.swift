// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import KafkaNetworking
import Logging
import ZooKeeperStore

/// What handlers are made of: the parts of a running broker.
struct BrokerServices: Sendable {
    let live: LiveConfiguration
    let identity: BrokerIdentity
    let metadata: MetadataCache
    let settings: TopicSettingsRegistry
    let replicas: ReplicaManager
    let controller: ControllerService
    let channel: ControllerChannel
    let administration: TopicAdministration
    let autoCreation: AutoTopicCreation
    let throttles: ReplicationThrottles
    let topicWaits: DelayedOperations<String>
    let store: ZooKeeperStore
    let features: FeatureCache
    let timer: TimerThread
    let groups: GroupCoordinationService
    let transactions: TransactionCoordinationService
    let markerWriter: MarkerWriter
    let verifier: TransactionVerifier
    let cleaner: CleanerThreads
    let admission: ConnectionAdmission
    let requestMetrics: RequestMetrics?
    let levels: LogLevels
    let logger: Logger

    /// As it is now.
    var configuration: @Sendable () -> BrokerConfiguration { { [live] in live.current } }
}
