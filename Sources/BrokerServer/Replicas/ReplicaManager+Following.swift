// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

extension ReplicaManager {
    /// Leaders have come to life that partitions here were to follow already: begins to. Called on the control queue,
    /// after the metadata was replaced.
    func followLeadersThatAppeared(_ candidates: [Partition], _ image: MetadataImage) {
        for partition in candidates {
            guard partition.state.withLock({ $0.replica.isWaitingForLeader }),
                let known = image.partition(partition.id), known.leader != localID,
                image.isAlive(known.leader)
            else { continue }
            partition.submit { [self] partition in
                let follows = partition.state.withLock {
                    $0.replica.leaderAppeared(known.leader, leaderEpoch: known.leaderEpoch)
                }
                if follows { followers.start(partition, from: known.leader, epoch: known.leaderEpoch) }
            }
        }
    }

    /// A high watermark may have waited for a replica that was caught up and about to join, and is dead now. Neither a
    /// producer that waits for that mark nor the followers, which have everything, would move it again.
    func reconsiderHighWatermarks() {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        for partition in partitions {
            let isAlive = partition.aliveness
            _ = partition.withLeader { leader in ((), leader.begin(now: now, isAlive: isAlive)) }
        }
    }
}
