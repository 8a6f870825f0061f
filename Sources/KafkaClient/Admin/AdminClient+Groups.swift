// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import NIOCore

/// A group as a list shows it.
public struct GroupListing: Sendable, Hashable {
    /// The group's id.
    public var id: String
    /// What kind of clients it has: `consumer` for consumers.
    public var protocolType: String
    /// `Stable`, `Empty`, …; empty if the broker does not say.
    public var state: String
    /// `Classic` or `Consumer`; empty if the broker does not say.
    public var type: String
}

/// A group with its members.
public struct GroupDescription: Sendable, Hashable {
    /// One of its members.
    public struct Member: Sendable, Hashable {
        /// The id that the coordinator gave.
        public var id: String
        /// The static member's own id.
        public var instanceID: String?
        /// The client's name.
        public var clientID: String
        /// The address that it connects from.
        public var host: String
        /// The partitions that it reads.
        public var partitions: Set<TopicPartition>
    }

    /// The group's id.
    public var id: String
    /// `Stable`, `Empty`, `Dead` (there is no such group), `PreparingRebalance` or `CompletingRebalance`.
    public var state: String
    /// The way in which partitions are given out.
    public var assignor: String
    /// By the order in which the coordinator keeps them.
    public var members: [Member]
    /// The broker that coordinates the group.
    public var coordinator: Int32
}

extension AdminClient {
    /// All groups of consumers, in no order.
    ///
    /// - Parameters:
    ///   - states: only groups in these states; none: all.
    ///   - types: only groups of these types; none: all.
    public func listGroups(states: [String] = [], types: [String] = []) async throws -> [GroupListing] {
        let brokers = try await metadata(topics: [], call: "findAllBrokers").brokers.keys
        var groups: [GroupListing] = []
        for broker in brokers.sorted() {
            let response = try await send(
                ListGroupsRequest(statesFilter: states, typesFilter: types), to: .broker(broker),
                call: "listConsumerGroups"
            ) { $0.errorCode }
            guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
            // A group that only commits offsets has no protocol.
            for group in response.groups where group.protocolType == ConsumerProtocol.type || group.protocolType == "" {
                groups.append(
                    GroupListing(
                        id: group.groupID, protocolType: group.protocolType, state: group.groupState,
                        type: group.groupType))
            }
        }
        return groups
    }

    /// Describes one group. One that does not exist is described as `Dead`.
    public func describeGroup(_ id: String) async throws -> GroupDescription {
        let response = try await send(
            DescribeGroupsRequest(groups: [id]), to: .coordinator(.group, id), call: "describeConsumerGroups"
        ) { $0.groups.first?.errorCode ?? .none }
        guard let group = response.groups.first else {
            throw KafkaError(.malformedResponse, "DescribeGroups was answered without the group.")
        }
        if group.errorCode != .groupIDNotFound, !group.errorCode.isNone { throw KafkaError(group.errorCode) }
        let members = group.members.map { member in
            GroupDescription.Member(
                id: member.memberID, instanceID: member.groupInstanceID, clientID: member.clientID,
                host: member.clientHost,
                partitions: Set(
                    ConsumerProtocol.Assignment(ByteBuffer(bytes: member.memberAssignment))?.partitions ?? []))
        }
        return GroupDescription(
            id: id, state: group.errorCode == .groupIDNotFound ? "Dead" : group.groupState,
            assignor: group.protocolData, members: members,
            coordinator: try await cluster.coordinator(.group, id))
    }

    /// All that a group has committed.
    public func committedOffsets(of group: String) async throws -> [TopicPartition: CommittedOffset] {
        // Version 8 is for several groups at once.
        let response = try await send(
            OffsetFetchRequest(groupID: group, topics: nil), to: .coordinator(.group, group),
            call: "listConsumerGroupOffsets", latest: 7
        ) { $0.errorCode }
        guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for topic in response.topics {
            for partition in topic.partitions where partition.errorCode.isNone && partition.committedOffset >= 0 {
                offsets[TopicPartition(topic.name, partition.partitionIndex)] = CommittedOffset(
                    partition.committedOffset,
                    leaderEpoch: partition.committedLeaderEpoch >= 0 ? partition.committedLeaderEpoch : nil,
                    metadata: partition.metadata ?? "")
            }
        }
        return offsets
    }

    /// Sets what a group without members has committed. Throws the first error that a partition has.
    public func commit(_ offsets: [TopicPartition: CommittedOffset], for group: String) async throws {
        guard !offsets.isEmpty else { return }
        let request = OffsetCommitRequest(
            groupID: group, generationIDOrMemberEpoch: -1, memberID: "", groupInstanceID: nil,
            topics: Dictionary(grouping: offsets, by: \.key.topic).map { name, partitions in
                .init(
                    name: name,
                    partitions: partitions.map { partition, offset in
                        .init(
                            partitionIndex: partition.partition, committedOffset: offset.offset,
                            committedLeaderEpoch: offset.leaderEpoch ?? -1, committedMetadata: offset.metadata)
                    })
            })
        let response = try await send(
            request, to: .coordinator(.group, group), call: "alterConsumerGroupOffsets"
        ) { $0.topics.lazy.flatMap(\.partitions).map(\.errorCode).first { !$0.isNone } ?? .none }
        for partition in response.topics.flatMap(\.partitions) where !partition.errorCode.isNone {
            throw KafkaError(partition.errorCode)
        }
    }

    /// Forgets what a group has committed for partitions that none of its members reads. Throws what concerns the whole
    /// group; each partition has a result of its own.
    public func deleteOffsets(
        of partitions: Set<TopicPartition>, for group: String
    ) async throws -> [TopicPartition: Result<Void, KafkaError>] {
        let request = OffsetDeleteRequest(
            groupID: group,
            topics: Dictionary(grouping: partitions, by: \.topic).map { name, partitions in
                .init(name: name, partitions: partitions.map { .init(partitionIndex: $0.partition) })
            })
        let response = try await send(
            request, to: .coordinator(.group, group), call: "deleteConsumerGroupOffsets"
        ) { $0.errorCode }
        guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
        var results: [TopicPartition: Result<Void, KafkaError>] = [:]
        for topic in response.topics {
            for partition in topic.partitions {
                results[TopicPartition(topic.name, partition.partitionIndex)] = Self.result(partition.errorCode, nil)
            }
        }
        return results
    }

    /// Deletes groups without members; each has a result of its own.
    public func deleteGroups(_ ids: [String]) async throws -> [String: Result<Void, KafkaError>] {
        var results: [String: Result<Void, KafkaError>] = [:]
        for id in ids {
            let response = try await send(
                DeleteGroupsRequest(groupsNames: [id]), to: .coordinator(.group, id), call: "deleteConsumerGroups"
            ) { $0.results.first?.errorCode ?? .none }
            results[id] = Self.result(response.results.first?.errorCode ?? .none, nil)
        }
        return results
    }
}
