// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Whether a leader was elected uncleanly and has not yet confirmed that it recovered (KIP-704).
package enum LeaderRecoveryState: Int8, Hashable, Sendable {
    case recovered = 0
    case recovering = 1
}

/// What the controller decided about one partition.
package struct PartitionImage: Hashable, Sendable {
    /// In place of a leader: the partition has none.
    package static let noLeader: BrokerID = -1
    /// In place of a leader: the topic is being deleted, forget the partition.
    package static let leaderDuringDeletion: BrokerID = -2

    package var leader: BrokerID
    package var leaderEpoch: LeaderEpoch
    package var inSyncReplicas: [BrokerID]
    package var replicas: [BrokerID]
    /// Replicas that are not running: their broker is down or their log directory failed.
    package var offlineReplicas: [BrokerID]
    package var partitionEpoch: PartitionEpoch
    /// The controllership that chose the leader.
    package var controllerEpoch: ControllerEpoch
    /// UpdateMetadata does not carry this; it is known where the image was made by the controller.
    package var recoveryState: LeaderRecoveryState

    package init(
        leader: BrokerID, leaderEpoch: LeaderEpoch, inSyncReplicas: [BrokerID], replicas: [BrokerID],
        offlineReplicas: [BrokerID] = [], partitionEpoch: PartitionEpoch = 0, controllerEpoch: ControllerEpoch = 0,
        recoveryState: LeaderRecoveryState = .recovered
    ) {
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.inSyncReplicas = inSyncReplicas
        self.replicas = replicas
        self.offlineReplicas = offlineReplicas
        self.partitionEpoch = partitionEpoch
        self.controllerEpoch = controllerEpoch
        self.recoveryState = recoveryState
    }

    package var hasLeader: Bool { leader >= 0 }
}

/// One topic with the partitions that are known, in order of their numbers.
///
/// Partitions arrive piecemeal, and a number may come from a broken peer, so that they are kept in a sorted array
/// rather than at the index of their number. In practice both are the same, and look-up tries that first.
package struct TopicImage: Hashable, Sendable {
    package struct Partition: Hashable, Sendable {
        package var index: Int32
        package var state: PartitionImage

        package init(index: Int32, state: PartitionImage) {
            self.index = index
            self.state = state
        }
    }

    package let name: String
    /// Zero when the topic has no id (a cluster below inter-broker protocol 2.8).
    package internal(set) var id: KafkaUUID
    /// Sorted by index, without gaps once the controller has told everything.
    package private(set) var partitions: [Partition]

    package init(name: String, id: KafkaUUID, partitions: [Partition] = []) {
        self.name = name
        self.id = id
        self.partitions = []
        for partition in partitions { set(partition.index, partition.state) }
    }

    package subscript(_ index: Int32) -> PartitionImage? {
        guard let position = position(of: index).found else { return nil }
        return partitions[position].state
    }

    mutating func set(_ index: Int32, _ state: PartitionImage) {
        switch position(of: index) {
        case (let found?, _): partitions[found].state = state
        case (nil, let insertion): partitions.insert(Partition(index: index, state: state), at: insertion)
        }
    }

    mutating func remove(_ index: Int32) {
        guard let found = position(of: index).found else { return }
        partitions.remove(at: found)
    }

    private func position(of index: Int32) -> (found: Int?, insertion: Int) {
        let direct = Int(index)
        if partitions.indices.contains(direct), partitions[direct].index == index { return (direct, direct) }
        var low = 0
        var high = partitions.count
        while low < high {
            let middle = (low + high) / 2
            if partitions[middle].index < index { low = middle + 1 } else { high = middle }
        }
        let found = low < partitions.count && partitions[low].index == index
        return (found ? low : nil, low)
    }
}
