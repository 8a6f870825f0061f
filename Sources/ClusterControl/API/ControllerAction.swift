// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// What the controller wants done, in this order.
package enum ControllerAction: Sendable {
    /// Perform the batch and report ``ControllerEvent/zooKeeperCompleted(_:_:)``.
    case zooKeeper(ZooKeeperBatch)
    /// Begin to send control requests to a broker. An earlier sender to the same id has been stopped before.
    case startSender(BrokerInfo)
    /// Stop sending to a broker; what waits in its queue is lost.
    case stopSender(BrokerID)
    /// Queue a control request for the broker.
    case send(ControlRequest, to: BrokerID)
    case reply(ControllerRequest.ID, ControllerReply)
    case setTimer(ControllerTimer, after: Duration)
    case cancelTimer(ControllerTimer)
    /// Who is controller now, as far as this broker knows; nil when nobody.
    case controllerChanged(BrokerID?)
    /// The broker was registered anew and has another epoch.
    case brokerEpochChanged(BrokerEpoch)
    case notice(ControllerNotice)
}

/// What an operator may want to read about.
package enum ControllerNotice: Hashable, Sendable {
    case elected(epoch: ControllerEpoch)
    case lostElection(to: BrokerID)
    case resigned(epoch: ControllerEpoch)
    /// An event could not be processed to its end; the machine goes on with the next one.
    case eventFailed(event: String, reason: String)
    case partitionStateChangeFailed(TopicPartition, reason: String)
    case replicaStateChangeFailed(TopicPartition, BrokerID, reason: String)
    /// A leader was chosen outside the in-sync set: records may be lost.
    case uncleanElection(TopicPartition, leader: BrokerID)
    case malformedNode(path: String, reason: String)
    /// A node could not be deleted or written; it stays as it is, and the machine goes on.
    case writeFailed(path: String, reason: String)
    case brokerIgnored(BrokerID, reason: String)
    case topicDeletionCompleted(String)
    case topicDeletionHalted(String, reason: String)
    case reassignmentCompleted(TopicPartition)
    case brokersJoined([BrokerID])
    case brokersLeft([BrokerID])
}

/// What the controller needs to know of the broker's configuration.
package struct ControllerSettings: Hashable, Sendable {
    package var brokerID: BrokerID
    /// The listener over which control requests travel; leaders are named by it in LeaderAndIsr.
    package var interBrokerListener: String
    package var deleteTopicEnable: Bool = true
    package var uncleanLeaderElectionEnable: Bool = false
    package var autoLeaderRebalanceEnable: Bool = true
    /// `leader.imbalance.per.broker.percentage`.
    package var leaderImbalancePercentage: Int = 10
    /// `leader.imbalance.check.interval.seconds`.
    package var leaderImbalanceCheckInterval: Duration = .seconds(300)

    // What inter.broker.protocol.version allows; the defaults are those of 3.9.

    /// From 2.8-IV0: topics without an id get one.
    package var givesTopicIDs: Bool = true
    /// From 3.2-IV0: an unclean leader is marked as recovering.
    package var marksRecovery: Bool = true
    /// From 2.7-IV2: reassignments are followed by AlterPartition alone, not by watches on state znodes.
    package var usesAlterPartition: Bool = true
    /// From 2.7-IV0: `/feature` is enabled.
    package var usesFeatures: Bool = true
    /// 1 below 3.3-IV0, 2 from there on.
    package var featureNodeVersion: Int32 = 2

    package init(brokerID: BrokerID, interBrokerListener: String) {
        self.brokerID = brokerID
        self.interBrokerListener = interBrokerListener
    }
}
