// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// One copy of a partition.
package struct Replica: Hashable, Sendable {
    package var partition: TopicPartition
    package var broker: BrokerID

    package init(_ partition: TopicPartition, on broker: BrokerID) {
        self.partition = partition
        self.broker = broker
    }
}

/// Where a partition stands, by the numbers of Kafka's metrics.
package enum PartitionLifeState: Int8, Hashable, Sendable {
    case new = 0
    case online = 1
    case offline = 2
    case nonExistent = 3

    func mayBecome(_ next: PartitionLifeState) -> Bool {
        switch next {
        case .new: self == .nonExistent
        case .online, .offline: self == .new || self == .online || self == .offline
        case .nonExistent: self == .offline
        }
    }
}

/// Where a replica stands.
package enum ReplicaLifeState: Int8, Hashable, Sendable {
    case new = 1
    case online = 2
    case offline = 3
    case deletionStarted = 4
    case deletionSuccessful = 5
    case deletionIneligible = 6
    case nonExistent = 7

    func mayBecome(_ next: ReplicaLifeState) -> Bool {
        switch next {
        case .new: self == .nonExistent
        case .online, .offline: self == .new || self == .online || self == .offline || self == .deletionIneligible
        case .deletionStarted: self == .offline
        case .deletionSuccessful: self == .deletionStarted
        case .deletionIneligible: self == .offline || self == .deletionStarted
        case .nonExistent: self == .deletionSuccessful
        }
    }
}
