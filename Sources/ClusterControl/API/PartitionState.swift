// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// The content of a partition's state znode, `/brokers/topics/T/partitions/P/state`.
package struct PartitionState: Hashable, Sendable {
    /// −1 when the partition has none.
    package var leader: BrokerID
    package var leaderEpoch: LeaderEpoch
    package var inSyncReplicas: [BrokerID]
    package var recoveryState: LeaderRecoveryState
    /// The controllership that chose this leader; part of the JSON.
    package var controllerEpoch: ControllerEpoch
    /// The znode's data version, not part of the JSON. Ignored where a state is to be written.
    package var partitionEpoch: PartitionEpoch

    package init(
        leader: BrokerID, leaderEpoch: LeaderEpoch, inSyncReplicas: [BrokerID],
        recoveryState: LeaderRecoveryState = .recovered, controllerEpoch: ControllerEpoch,
        partitionEpoch: PartitionEpoch = 0
    ) {
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.inSyncReplicas = inSyncReplicas
        self.recoveryState = recoveryState
        self.controllerEpoch = controllerEpoch
        self.partitionEpoch = partitionEpoch
    }
}

/// The states of a topic's partitions as its broker was told of them by UpdateMetadata.
package struct RecalledTopic: Hashable, Sendable {
    package var name: String
    package var id: KafkaUUID
    package var states: [Int32: PartitionState]

    package init(name: String, id: KafkaUUID, states: [Int32: PartitionState]) {
        self.name = name
        self.id = id
        self.states = states
    }

    /// What a broker's image says of its topics; those without an id could be earlier ones of the same name, and are left
    /// out.
    package static func all(in image: MetadataImage) -> [RecalledTopic] {
        image.topics.compactMap { topic in
            guard !topic.id.isZero else { return nil }
            let states = topic.partitions.map { partition in
                (
                    partition.index,
                    PartitionState(
                        leader: partition.state.leader, leaderEpoch: partition.state.leaderEpoch,
                        inSyncReplicas: partition.state.inSyncReplicas,
                        controllerEpoch: partition.state.controllerEpoch,
                        partitionEpoch: partition.state.partitionEpoch)
                )
            }
            return RecalledTopic(
                name: topic.name, id: topic.id, states: Dictionary(states, uniquingKeysWith: { $1 }))
        }
    }
}

/// Which brokers hold a partition, and which of them come and go (KIP-455).
package struct PartitionAssignment: Hashable, Sendable {
    /// All that hold it now: during a reassignment the target, then those of the origin that are not in it.
    package var replicas: [BrokerID]
    package var adding: [BrokerID]
    package var removing: [BrokerID]

    package init(_ replicas: [BrokerID], adding: [BrokerID] = [], removing: [BrokerID] = []) {
        self.replicas = replicas
        self.adding = adding
        self.removing = removing
    }

    /// Where the reassignment leads to; the replicas themselves when none runs.
    package var target: [BrokerID] { replicas.filter { !removing.contains($0) } }
    /// Where the reassignment came from.
    package var origin: [BrokerID] { replicas.filter { !adding.contains($0) } }
    package var isBeingReassigned: Bool { !adding.isEmpty || !removing.isEmpty }

    /// The assignment on the way from here to `target`; keeps the origin of a reassignment that already runs.
    package func reassigned(to target: [BrokerID]) -> PartitionAssignment {
        let origin = origin
        return PartitionAssignment(
            target + origin.filter { !target.contains($0) },
            adding: target.filter { !origin.contains($0) },
            removing: origin.filter { !target.contains($0) })
    }
}

/// The content of a topic's znode, `/brokers/topics/T`.
package struct TopicAssignment: Hashable, Sendable {
    package var name: String
    /// Nil in the znode of a cluster below inter-broker protocol 2.8.
    package var id: KafkaUUID?
    package var partitions: [Int32: PartitionAssignment]

    package init(name: String, id: KafkaUUID?, partitions: [Int32: PartitionAssignment]) {
        self.name = name
        self.id = id
        self.partitions = partitions
    }
}

/// The content of a broker's registration, `/brokers/ids/N`, with the czxid as its epoch.
package struct RegisteredBroker: Hashable, Sendable {
    package struct FeatureRange: Hashable, Sendable {
        package var minimum: Int16
        package var maximum: Int16

        package init(minimum: Int16, maximum: Int16) {
            self.minimum = minimum
            self.maximum = maximum
        }
    }

    package var info: BrokerInfo
    package var features: [String: FeatureRange]

    package init(_ info: BrokerInfo, features: [String: FeatureRange] = [:]) {
        self.info = info
        self.features = features
    }

    package var id: BrokerID { info.id }
    package var epoch: BrokerEpoch { info.epoch }
}

/// The content of `/feature`.
package struct FeatureNode: Hashable, Sendable {
    package enum Status: Int32, Hashable, Sendable {
        case disabled = 0
        case enabled = 1
    }

    /// 1 below inter-broker protocol 3.3-IV0, 2 from there on.
    package var version: Int32
    package var status: Status
    /// Name to the highest finalized level; version 1 nodes also have a minimum, which is 1 when absent.
    package var features: [String: RegisteredBroker.FeatureRange]

    package init(version: Int32, status: Status, features: [String: RegisteredBroker.FeatureRange] = [:]) {
        self.version = version
        self.status = status
        self.features = features
    }
}

/// The content of `/latest_producer_id_block`: the newest block given away, both ends included.
package struct ProducerIDBlock: Hashable, Sendable {
    /// How many ids a block holds.
    package static let size: Int64 = 1000

    package var broker: BrokerID
    package var first: ProducerID
    package var last: ProducerID

    package init(broker: BrokerID, first: ProducerID, last: ProducerID) {
        self.broker = broker
        self.first = first
        self.last = last
    }
}
