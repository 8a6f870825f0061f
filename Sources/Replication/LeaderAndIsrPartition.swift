// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What a LeaderAndIsr request says about one partition.
package struct LeaderAndIsrPartition: Hashable, Sendable {
    package var partition: TopicPartition
    /// Nil when the request carries none (inter-broker protocol below 2.8).
    package var topicID: KafkaUUID?
    /// The controllership that chose the leader, which may be older than the request's.
    package var controllerEpoch: ControllerEpoch
    /// −1 when the partition has no leader.
    package var leader: BrokerID
    package var leaderEpoch: LeaderEpoch
    package var inSyncReplicas: [BrokerID]
    package var partitionEpoch: PartitionEpoch
    package var replicas: [BrokerID]
    /// Whether the log may be made while a log directory is offline.
    package var isNew: Bool

    package init(
        partition: TopicPartition, topicID: KafkaUUID?, controllerEpoch: ControllerEpoch, leader: BrokerID,
        leaderEpoch: LeaderEpoch, inSyncReplicas: [BrokerID], partitionEpoch: PartitionEpoch, replicas: [BrokerID],
        isNew: Bool
    ) {
        self.partition = partition
        self.topicID = topicID
        self.controllerEpoch = controllerEpoch
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.inSyncReplicas = inSyncReplicas
        self.partitionEpoch = partitionEpoch
        self.replicas = replicas
        self.isNew = isNew
    }
}
