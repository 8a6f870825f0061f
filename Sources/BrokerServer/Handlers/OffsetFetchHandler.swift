// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import GroupCoordination
import KafkaModel
import KafkaProtocol
import OrderedCollections

/// OffsetFetch, 0–9: tells how far groups have come.
///
/// v0 reads from ZooKeeper. v2 can ask for all partitions and has an error for all, v5 adds leader epochs (KIP-320), v6 is
/// flexible, v7 can ask for stable positions only (KIP-447), v8 asks for several groups (KIP-709), v9 belongs to KIP-848.
struct OffsetFetchHandler: ApiHandler {
    typealias Request = OffsetFetchRequest

    let groups: GroupCoordinationService
    let metadata: MetadataCache
    let legacy: LegacyOffsets

    func handle(_ request: OffsetFetchRequest, _ context: RequestContext<OffsetFetchResponse>) {
        let fetches = OffsetFetch.requests(request, version: context.version)
        if context.version == 0, let fetch = fetches.first {
            let image = metadata.current
            let partitions = (fetch.partitions ?? []).map { ($0, image.partition($0) != nil) }
            // A bare task: as long as the request.
            Task { [legacy] in
                let answer = await legacy.fetch(fetch.group, partitions)
                context.answer(OffsetFetchResponse([(fetch, answer)], version: 0))
            }
            return
        }
        context.answer(
            OffsetFetchResponse(fetches.map { ($0, groups.fetchOffsets($0)) }, version: context.version))
    }
}

extension OffsetFetch {
    /// What is asked of each group, which is named once, as is each of its partitions: positions are longer than their
    /// names.
    static func requests(_ request: OffsetFetchRequest, version: Int16) -> [OffsetFetch] {
        guard version < 8 else {
            return request.groups.grouped(by: \.groupID).map { group, mentions in
                // No list is all partitions.
                let wantsAll = mentions.contains { $0.topics == nil }
                let partitions = mentions.lazy.flatMap { $0.topics ?? [] }.flatMap { topic in
                    topic.partitionIndexes.lazy.map { TopicPartition(topic.name, $0) }
                }
                return OffsetFetch(
                    group: group, partitions: wantsAll ? nil : Array(OrderedSet(partitions)),
                    requireStable: request.requireStable)
            }
        }
        let partitions = request.topics.map { topics in
            OrderedSet(topics.lazy.flatMap { topic in topic.partitionIndexes.map { TopicPartition(topic.name, $0) } })
        }
        return [
            OffsetFetch(
                group: request.groupID, partitions: partitions.map(Array.init), requireStable: request.requireStable)
        ]
    }
}

extension OffsetFetchResponse {
    init(_ answers: [(request: OffsetFetch, answer: OffsetFetchAnswer)], version: Int16) {
        self.init()
        guard version < 8 else {
            groups = answers.map { request, answer in
                var wire = OffsetFetchResponseGroup()
                wire.groupID = request.group
                wire.errorCode = answer.error
                wire.topics = answer.partitions.grouped(by: \.partition.topic).map { topic, partitions in
                    var wire = OffsetFetchResponseTopics()
                    wire.name = topic
                    wire.partitions = partitions.map { partition in
                        var wire = OffsetFetchResponsePartitions()
                        wire.partitionIndex = partition.partition.partition
                        wire.committedOffset = partition.offset
                        wire.committedLeaderEpoch = partition.leaderEpoch
                        wire.metadata = partition.metadata
                        wire.errorCode = partition.error
                        return wire
                    }
                    return wire
                }
                return wire
            }
            return
        }
        guard let (request, answer) = answers.first else { return }
        var partitions = answer.partitions
        if version >= 2 {
            errorCode = answer.error
        } else if !answer.error.isNone {
            // There is no place for an error but beside each partition.
            partitions = (request.partitions ?? []).map { partition in
                OffsetFetchAnswer.Partition(partition: partition, error: answer.error)
            }
        }
        topics = partitions.grouped(by: \.partition.topic).map { topic, partitions in
            var wire = OffsetFetchResponseTopic()
            wire.name = topic
            wire.partitions = partitions.map { partition in
                var wire = OffsetFetchResponsePartition()
                wire.partitionIndex = partition.partition.partition
                wire.committedOffset = partition.offset
                if version >= 5 { wire.committedLeaderEpoch = partition.leaderEpoch }
                wire.metadata = partition.metadata
                wire.errorCode = partition.error
                return wire
            }
            return wire
        }
    }
}
