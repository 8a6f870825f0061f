// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

extension ReplicaManager {
    /// Leaders have come to life that partitions here were to follow already: begins to. Called on the control queue,
    /// after the metadata was replaced.
    func followLeadersThatAppeared(_ candidates: [Partition], _ image: MetadataImage) {
        for partition in candidates {
            let isWaiting = partition.state.withLock { state in
                if case .follower(leader: nil) = state.role { true } else { false }
            }
            guard isWaiting, let known = image.partition(partition.id), known.leader != localID,
                image.isAlive(known.leader)
            else { continue }
            partition.submit { [self] partition in
                let epoch = partition.state.withLock { state -> LeaderEpoch? in
                    // What the controller has said since then holds.
                    guard case .follower(leader: nil) = state.role, state.leaderEpoch == known.leaderEpoch else {
                        return nil
                    }
                    state.role = .follower(leader: known.leader)
                    return state.leaderEpoch
                }
                if let epoch { followers.start(partition, from: known.leader, epoch: epoch) }
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
