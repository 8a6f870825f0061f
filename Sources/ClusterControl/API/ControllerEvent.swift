// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// What happens to the controller. Events are processed one after the other; those that arrive while one is being
/// processed wait inside the machine. Only ``zooKeeperCompleted(_:_:)`` is consumed at once.
package enum ControllerEvent: Sendable {
    // MARK: Life
    /// The broker has registered itself at the epoch; begin to watch and to elect.
    case started(brokerEpoch: BrokerEpoch)
    /// The broker stops: resign and do nothing more. (The node goes with the session.)
    case stopped
    /// The ZooKeeper session is gone: whatever waits is refused, and the controllership is over.
    case sessionExpired
    /// There is a new session: register anew and elect.
    case sessionEstablished

    // MARK: ZooKeeper
    /// The answers to a batch, one for each of its operations.
    case zooKeeperCompleted(ZooKeeperBatch.ID, [ZooKeeperAnswer])
    /// `/controller` was created or its data changed.
    case controllerNodeChanged
    /// `/controller` was deleted.
    case controllerNodeDeleted
    case brokersChanged
    case brokerModified(BrokerID)
    case topicsChanged
    case topicModified(String)
    // The next three also when somebody has removed the directory itself.
    case topicDeletionsRequested
    case inSyncReplicasNotified
    case logDirectoryNotified
    case reassignmentNodeCreated
    case preferredElectionNodeCreated
    case partitionStateChanged(TopicPartition)

    // MARK: Brokers
    case leaderAndIsrAnswered(BrokerID, ControlRequest.LeaderAndIsr, ControlAnswer)
    case updateMetadataAnswered(BrokerID, ControlAnswer)
    case stopReplicaAnswered(BrokerID, ControlRequest.StopReplica, ControlAnswer)

    // MARK: Requests, timers, settings
    /// A request that only the controller can serve. It is answered by one `.reply` with the same id.
    case request(ControllerRequest.ID, ControllerRequest)
    case timerFired(ControllerTimer)
    /// `unclean.leader.election.enable` of the broker was switched on while running.
    case uncleanElectionEnabled
    /// `unclean.leader.election.enable` of the topic was switched on while running.
    case uncleanElectionEnabledForTopic(String)
    /// Settings that can change while running did so.
    case settingsChanged(ControllerSettings)
}

/// Timers are one-shot; setting one that is set moves it.
package enum ControllerTimer: Hashable, Sendable {
    /// Auto leader rebalance.
    case leaderBalance
    /// The broker could not be registered, since another process has its id: try again.
    case registration
    /// This broker was elected, but could not take over: it may be elected again.
    case election
}

/// What a request asks of the controller.
package enum ControllerRequest: Hashable, Sendable {
    /// Chosen by the driver; tells one request from the next.
    package typealias ID = UInt64

    package enum ElectionType: Int8, Hashable, Sendable {
        case preferred = 0
        case unclean = 1
    }

    /// ElectLeaders; nil means all partitions.
    case electLeaders(ElectionType, partitions: [TopicPartition]?)
    /// AlterPartitionReassignments; nil as target cancels.
    case reassignPartitions([TopicPartition: [BrokerID]?])
    /// ListPartitionReassignments; nil means all partitions.
    case listReassignments(partitions: [TopicPartition]?)
    case alterPartition(AlterPartition)
    case allocateProducerIDs(broker: BrokerID, epoch: BrokerEpoch)
    /// ControlledShutdown; the epoch is −1 below version 2 of the request.
    case controlledShutdown(broker: BrokerID, epoch: BrokerEpoch)
    case updateFeatures([FeatureUpdate])

    /// A leader's wish to change in-sync sets (KIP-497).
    package struct AlterPartition: Hashable, Sendable {
        package struct Partition: Hashable, Sendable {
            package var partition: TopicPartition
            package var leaderEpoch: LeaderEpoch
            package var partitionEpoch: PartitionEpoch
            package var inSyncReplicas: [BrokerID]
            package var recoveryState: LeaderRecoveryState

            package init(
                partition: TopicPartition, leaderEpoch: LeaderEpoch, partitionEpoch: PartitionEpoch,
                inSyncReplicas: [BrokerID], recoveryState: LeaderRecoveryState = .recovered
            ) {
                self.partition = partition
                self.leaderEpoch = leaderEpoch
                self.partitionEpoch = partitionEpoch
                self.inSyncReplicas = inSyncReplicas
                self.recoveryState = recoveryState
            }
        }

        package var broker: BrokerID
        package var brokerEpoch: BrokerEpoch
        /// Topic ids are resolved by the driver with ``Controller/topicName(id:)``; unknown ones it answers itself.
        package var partitions: [Partition]
        /// Whether the request names topics by id (version 2 and later), which decides the error for an ineligible member.
        package var usesTopicIDs: Bool

        package init(broker: BrokerID, brokerEpoch: BrokerEpoch, partitions: [Partition], usesTopicIDs: Bool) {
            self.broker = broker
            self.brokerEpoch = brokerEpoch
            self.partitions = partitions
            self.usesTopicIDs = usesTopicIDs
        }
    }

    package struct FeatureUpdate: Hashable, Sendable {
        package var name: String
        /// Below 1 asks for the feature's removal.
        package var maximumLevel: Int16
        package var allowsDowngrade: Bool

        package init(name: String, maximumLevel: Int16, allowsDowngrade: Bool) {
            self.name = name
            self.maximumLevel = maximumLevel
            self.allowsDowngrade = allowsDowngrade
        }
    }
}

/// An error with the text that the client is shown, when there is one.
package struct ControllerError: Error, Hashable, Sendable {
    package var code: ErrorCode
    package var message: String?

    package init(_ code: ErrorCode, _ message: String? = nil) {
        self.code = code
        self.message = message
    }
}

/// The answer to a ``ControllerRequest``.
package enum ControllerReply: Hashable, Sendable {
    /// By partition: the leader that was elected (the answer may wait until the metadata cache shows it), or why not.
    case electLeaders([TopicPartition: Result<BrokerID, ControllerError>])
    /// By partition; nil means that it has begun.
    case reassignPartitions([TopicPartition: ControllerError?])
    case listReassignments([TopicPartition: PartitionAssignment])
    /// By partition, its state now or why it was refused.
    case alterPartition([TopicPartition: Result<PartitionState, ControllerError>])
    case producerIDs(ProducerIDBlock)
    /// The partitions which the broker still leads and which others could lead.
    case controlledShutdown(remaining: [TopicPartition])
    case updateFeatures([String: ControllerError?])
    /// The whole request was refused.
    case refused(ControllerError)
}
