// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import LogStorage

/// OffsetForLeaderEpoch, 0–4: where the leader's log left an epoch, so that followers (KIP-101) and consumers (KIP-320) find
/// out where their log, or their position, parts from it.
///
/// v1 answers with the epoch too (KIP-279), v2 knows the current leader epoch, v3 tells brokers from clients.
struct OffsetForLeaderEpochHandler: ApiHandler {
    typealias Request = OffsetForLeaderEpochRequest

    let replicas: ReplicaManager

    func handle(_ request: OffsetForLeaderEpochRequest, _ context: RequestContext<OffsetForLeaderEpochResponse>) {
        var response = OffsetForLeaderEpochResponse()
        response.topics = request.topics.map { topic in
            var wire = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult()
            wire.topic = topic.topic
            wire.partitions = topic.partitions.map { answer($0, in: topic.topic) }
            return wire
        }
        context.answer(response)
    }

    private func answer(
        _ asked: OffsetForLeaderEpochRequest.OffsetForLeaderPartition, in topic: String
    ) -> OffsetForLeaderEpochResponse.EpochEndOffset {
        var wire = OffsetForLeaderEpochResponse.EpochEndOffset()
        wire.partition = asked.partition
        let id = TopicPartition(topic, asked.partition)
        guard let partition = replicas.partition(id) else {
            wire.errorCode = replicas.absence(of: id)
            return wire
        }
        let (log, error) = partition.access(epoch: asked.currentLeaderEpoch, leaderOnly: true)
        guard let log, error.isNone else {
            wire.errorCode = error
            return wire
        }
        let end = log.endOffset(of: asked.leaderEpoch)
        wire.leaderEpoch = end.epoch ?? -1
        wire.endOffset = end.endOffset ?? -1
        return wire
    }
}
