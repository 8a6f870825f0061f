// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// What the controller tells a broker. The driver chooses the version by `inter.broker.protocol.version`, sends one at a
/// time to each broker in the order given, retries for ever until the broker answers or its sender is stopped, and
/// reports the answer as an event.
package enum ControlRequest: Hashable, Sendable {
    case leaderAndIsr(LeaderAndIsr)
    case updateMetadata(UpdateMetadata)
    case stopReplica(StopReplica)

    /// Who sends, and to which life of the receiver.
    package struct Header: Hashable, Sendable {
        package var controllerID: BrokerID
        package var controllerEpoch: ControllerEpoch
        /// The epoch of the broker that the request goes to.
        package var brokerEpoch: BrokerEpoch

        package init(controllerID: BrokerID, controllerEpoch: ControllerEpoch, brokerEpoch: BrokerEpoch) {
            self.controllerID = controllerID
            self.controllerEpoch = controllerEpoch
            self.brokerEpoch = brokerEpoch
        }
    }

    /// Makes the receiver leader or follower of partitions.
    package struct LeaderAndIsr: Hashable, Sendable {
        package struct Partition: Hashable, Sendable {
            package var partition: TopicPartition
            /// `controllerEpoch` is that of the last write of leadership; `partitionEpoch` that of the znode.
            package var state: PartitionState
            package var assignment: PartitionAssignment
            /// Whether the replica may be created even while a log directory is offline.
            package var isNew: Bool

            package init(
                partition: TopicPartition, state: PartitionState, assignment: PartitionAssignment, isNew: Bool
            ) {
                self.partition = partition
                self.state = state
                self.assignment = assignment
                self.isNew = isNew
            }
        }

        package var header: Header
        /// In the order in which they were decided.
        package var partitions: [Partition]
        /// The id of each topic in `partitions` that has one.
        package var topicIDs: [String: KafkaUUID]
        /// The leaders of `partitions` that live, on the inter-broker listener.
        package var liveLeaders: [BrokerInfo]

        package init(
            header: Header, partitions: [Partition], topicIDs: [String: KafkaUUID], liveLeaders: [BrokerInfo]
        ) {
            self.header = header
            self.partitions = partitions
            self.topicIDs = topicIDs
            self.liveLeaders = liveLeaders
        }
    }

    /// Tells the receiver who lives and which partitions changed.
    package struct UpdateMetadata: Hashable, Sendable {
        package var header: Header
        package var update: MetadataUpdate

        package init(header: Header, update: MetadataUpdate) {
            self.header = header
            self.update = update
        }
    }

    /// Makes the receiver stop fetching, and delete where it says so.
    package struct StopReplica: Hashable, Sendable {
        package struct Partition: Hashable, Sendable {
            /// In place of an epoch: the topic is queued for deletion.
            package static let epochDuringDeletion: LeaderEpoch = -2
            /// In place of an epoch: nothing is known about the leader.
            package static let noEpoch: LeaderEpoch = -1

            package var partition: TopicPartition
            package var leaderEpoch: LeaderEpoch
            package var delete: Bool

            package init(partition: TopicPartition, leaderEpoch: LeaderEpoch, delete: Bool) {
                self.partition = partition
                self.leaderEpoch = leaderEpoch
                self.delete = delete
            }
        }

        package var header: Header
        package var partitions: [Partition]

        package init(header: Header, partitions: [Partition]) {
            self.header = header
            self.partitions = partitions
        }
    }
}

/// What a broker answered to a control request.
package struct ControlAnswer: Hashable, Sendable {
    package var error: ErrorCode
    /// By partition; topic ids are resolved by the driver, unknown ones left out.
    package var partitions: [TopicPartition: ErrorCode]

    package init(error: ErrorCode = .none, partitions: [TopicPartition: ErrorCode] = [:]) {
        self.error = error
        self.partitions = partitions
    }
}
