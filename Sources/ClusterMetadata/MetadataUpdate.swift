// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What an UpdateMetadata request says: all brokers, and the partitions that changed.
package struct MetadataUpdate: Hashable, Sendable {
    package struct Topic: Hashable, Sendable {
        package var name: String
        /// Zero when the controller knows none, which also makes the receiver forget one it knew.
        package var id: KafkaUUID
        /// A partition whose leader is ``PartitionImage/leaderDuringDeletion`` is to be forgotten.
        package var partitions: [TopicImage.Partition]

        package init(name: String, id: KafkaUUID, partitions: [TopicImage.Partition]) {
            self.name = name
            self.id = id
            self.partitions = partitions
        }
    }

    /// Negative when there is none.
    package var controllerID: BrokerID
    /// Every broker that is alive or shutting down; replaces what was known.
    package var brokers: [BrokerInfo]
    /// Only what changed; merged into what was known.
    package var topics: [Topic]

    package init(controllerID: BrokerID, brokers: [BrokerInfo], topics: [Topic] = []) {
        self.controllerID = controllerID
        self.brokers = brokers
        self.topics = topics
    }
}
