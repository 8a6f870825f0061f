// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterMetadata
import GroupCoordination
import KafkaModel
import KafkaProtocol

/// OffsetCommit, 0–9: writes down how far a group has come.
///
/// v0 writes to ZooKeeper. v1 names the member and a time, v2 a retention time (until v4), v5 leaves it to the broker, v6
/// adds leader epochs (KIP-320), v7 instance ids (KIP-345), v8 is flexible, v9 belongs to KIP-848.
struct OffsetCommitHandler: ApiHandler {
    typealias Request = OffsetCommitRequest

    let groups: GroupCoordinationService
    let metadata: MetadataCache
    let legacy: LegacyOffsets

    func handle(_ request: OffsetCommitRequest, _ context: RequestContext<OffsetCommitResponse>) {
        let image = metadata.current
        var refused: [PartitionError] = []
        var known: [OffsetCommit.Partition] = []
        let isStatic = request.groupInstanceID != nil && !groups.allowsStaticMembers
        let now = BrokerClock.now
        for topic in request.topics {
            for wire in topic.partitions {
                let partition = TopicPartition(topic.name, wire.partitionIndex)
                if isStatic {
                    refused.append(PartitionError(partition, .unsupportedVersion))
                } else if image.partition(partition) == nil {
                    refused.append(PartitionError(partition, .unknownTopicOrPartition))
                } else {
                    known.append(.init(partition, CommittedOffset(wire, request, now: now)))
                }
            }
        }
        guard !known.isEmpty else { return context.answer(OffsetCommitResponse(refused)) }
        let errors = refused
        guard context.version > 0 else {
            let (legacy, group, offsets) = (legacy, request.groupID, known)
            // A bare task: as long as the request.
            Task { context.answer(OffsetCommitResponse(errors + (await legacy.commit(group, offsets)))) }
            return
        }
        let commit = OffsetCommit(request, known)
        groups.request(commit.group) { reply in
            guard case .commit(let answer) = reply else {
                return context.answer(
                    OffsetCommitResponse(
                        errors + commit.partitions.map { PartitionError($0.partition, .unknownServerError) }))
            }
            context.answer(OffsetCommitResponse(errors + answer))
        } _: {
            $0.commit(commit, token: $1, now: $2)
        }
        // The machine has seen it: what follows on this connection comes after it.
        context.started()
    }
}

extension OffsetCommit {
    init(_ request: OffsetCommitRequest, _ partitions: [Partition]) {
        self.init(group: request.groupID, partitions: partitions)
        memberID = request.memberID
        instanceID = request.groupInstanceID
        generation = request.generationIDOrMemberEpoch
    }
}

extension CommittedOffset {
    init(
        _ wire: OffsetCommitRequest.OffsetCommitRequestPartition, _ request: OffsetCommitRequest, now: Timestamp
    ) {
        self.init(
            offset: wire.committedOffset, leaderEpoch: wire.committedLeaderEpoch,
            metadata: wire.committedMetadata ?? "",
            commitTimestamp: wire.commitTimestamp == -1 ? now : wire.commitTimestamp,
            // A retention beyond all time is none that ends.
            expireTimestamp: request.retentionTimeMs == -1
                ? nil
                : now.addingReportingOverflow(request.retentionTimeMs).overflow
                    ? .max : now &+ request.retentionTimeMs)
    }
}

extension OffsetCommitResponse {
    init(_ errors: [PartitionError]) {
        self.init()
        topics = errors.grouped(by: \.partition.topic).map { topic, errors in
            var wire = OffsetCommitResponseTopic()
            wire.name = topic
            wire.partitions = errors.map { error in
                var wire = OffsetCommitResponsePartition()
                wire.partitionIndex = error.partition.partition
                wire.errorCode = error.error
                return wire
            }
            return wire
        }
    }
}

extension Sequence {
    /// The elements by key, keys in the order in which they first come.
    func grouped<Key: Hashable>(by key: (Element) -> Key) -> [(key: Key, elements: [Element])] {
        var groups: [(key: Key, elements: [Element])] = []
        var places: [Key: Int] = [:]
        for element in self {
            let key = key(element)
            if let last = groups.indices.last, groups[last].key == key {
                groups[last].elements.append(element)
            } else if let place = places[key] {
                groups[place].elements.append(element)
            } else {
                places[key] = groups.count
                groups.append((key, [element]))
            }
        }
        return groups
    }
}
