// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Copies leaders' logs into the partitions that follow. A cluster of one broker follows nobody.
final class ReplicaFetchers: FollowerFetching {
    func start(_ partition: Partition, from leader: BrokerID, epoch: LeaderEpoch) {}

    func stop(_ partitions: [TopicPartition]) {}
}
