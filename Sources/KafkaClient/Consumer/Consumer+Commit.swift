// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

extension Consumer {
    /// Commits the positions that ``poll(for:)`` has reached.
    public func commit() async throws {
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for (partition, position) in positions {
            if let offset = position.offset {
                offsets[partition] = CommittedOffset(offset, leaderEpoch: position.leaderEpoch)
            }
        }
        try await commit(offsets)
    }

    /// Commits the given offsets for this consumer's group: of each partition the next one to read.
    public func commit(_ offsets: [TopicPartition: CommittedOffset]) async throws {
        guard !offsets.isEmpty else { return }
        let groupID = try requireGroup()
        try group?.requireNotFenced()
        let request = OffsetCommitRequest(
            groupID: groupID, generationIDOrMemberEpoch: group?.generation ?? -1, memberID: group?.memberID ?? "",
            groupInstanceID: configuration.groupInstanceID,
            topics: Dictionary(grouping: offsets, by: \.key.topic).map { name, partitions in
                .init(
                    name: name,
                    partitions: partitions.map { partition, offset in
                        .init(
                            partitionIndex: partition.partition, committedOffset: offset.offset,
                            committedLeaderEpoch: offset.leaderEpoch ?? -1, committedMetadata: offset.metadata)
                    })
            })
        let response = try await cluster.sendToCoordinator(
            request, group: groupID, before: .now + configuration.apiTimeout
        ) { response in
            response.topics.lazy.flatMap(\.partitions).map(\.errorCode).first { !$0.isNone } ?? .none
        }
        for partition in response.topics.flatMap(\.partitions) where !partition.errorCode.isNone {
            switch partition.errorCode {
            case .illegalGeneration, .unknownMemberID, .rebalanceInProgress, .fencedInstanceID:
                // A join that goes on, or has ended meanwhile, knows better.
                if group?.joining == nil, group?.generation == request.generationIDOrMemberEpoch {
                    if partition.errorCode != .rebalanceInProgress { group?.refused(partition.errorCode) }
                    group?.mustJoin = true
                    try group?.requireNotFenced()
                }
                throw KafkaError(
                    .commitFailed,
                    "Offset commit cannot be completed since the consumer is not part of an active group for auto partition assignment; it is likely that the consumer was kicked out of the group."
                )
            default: throw KafkaError(partition.errorCode)
            }
        }
    }

    /// What the group has committed for partitions; those without an offset are left out.
    public func committed(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: CommittedOffset] {
        let groupID = try requireGroup()
        let request = OffsetFetchRequest(
            groupID: groupID,
            topics: Dictionary(grouping: partitions, by: \.topic).map { name, partitions in
                .init(name: name, partitionIndexes: partitions.map(\.partition))
            }, requireStable: true)
        let deadline = ContinuousClock.now + configuration.apiTimeout
        var backoff = Backoff(configuration)
        while true {
            // Version 8 is for several groups at once.
            let response = try await cluster.sendToCoordinator(request, group: groupID, latest: 7, before: deadline) {
                $0.errorCode
            }
            guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
            var committed: [TopicPartition: CommittedOffset] = [:]
            var failure = ErrorCode.none
            for topic in response.topics {
                for partition in topic.partitions {
                    if !partition.errorCode.isNone { failure = partition.errorCode }
                    guard partition.committedOffset >= 0 else { continue }
                    committed[TopicPartition(topic.name, partition.partitionIndex)] = CommittedOffset(
                        partition.committedOffset,
                        leaderEpoch: partition.committedLeaderEpoch >= 0 ? partition.committedLeaderEpoch : nil,
                        metadata: partition.metadata ?? "")
                }
            }
            if failure.isNone { return committed }
            // Offsets of an open transaction are not settled yet.
            guard failure == .unstableOffsetCommit, ContinuousClock.now < deadline else { throw KafkaError(failure) }
            try await backoff.wait(until: deadline)
        }
    }

    private func requireGroup() throws -> String {
        guard let id = configuration.groupID, !id.isEmpty else {
            throw KafkaError(
                .configuration,
                "To use the group management or offset commit APIs, you must provide a valid group.id in the consumer configuration."
            )
        }
        return id
    }
}
