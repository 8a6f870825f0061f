// SPDX-License-Identifier: Apache-2.0

internal import Coordination
package import KafkaModel
import KafkaProtocol
package import NIOCore

/// A record of `__consumer_offsets`.
package enum OffsetsRecord: Hashable, Sendable {
    /// A position; nil for a tombstone.
    case offset(group: String, TopicPartition, OffsetCommitValue?)
    /// A group's state and members; nil for a tombstone.
    case group(String, GroupMetadataValue?)

    /// Nil for kinds of records that this version does not know, which are skipped as Kafka skips them.
    package init?(key: ByteBuffer, value: ByteBuffer?) throws(WireError) {
        var key = key
        guard let version = key.readInteger(as: Int16.self) else { throw .truncated }
        switch version {
        case 0, 1:
            let key = try OffsetCommitKey(decoding: key, version: version)
            self = .offset(
                group: key.group, TopicPartition(key.topic, key.partition),
                try Self.value(value, OffsetCommitValue.self))
        case 2:
            self = .group(
                try GroupMetadataKey(decoding: key, version: version).group,
                try Self.value(value, GroupMetadataValue.self))
        default: return nil
        }
    }

    private static func value<Value: DataMessage>(_ bytes: ByteBuffer?, _: Value.Type) throws(WireError) -> Value? {
        guard var bytes else { return nil }
        guard let version = bytes.readInteger(as: Int16.self) else { throw .truncated }
        return try Value(decoding: bytes, version: version)
    }

    /// The key and value, the value in `valueVersion`.
    package func encoded(valueVersion: Int16) throws(WireError) -> (key: ByteBuffer, value: ByteBuffer?) {
        switch self {
        case .offset(let group, let partition, let value):
            let key = OffsetCommitKey(group: group, topic: partition.topic, partition: partition.partition)
            return (
                try Self.encoded(key, 1),
                try value.map { value throws(WireError) in try Self.encoded(value, valueVersion) }
            )
        case .group(let group, let value):
            return (
                try Self.encoded(GroupMetadataKey(group: group), 2),
                try value.map { value throws(WireError) in try Self.encoded(value, valueVersion) }
            )
        }
    }

    private static func encoded(_ message: some DataMessage, _ version: Int16) throws(WireError) -> ByteBuffer {
        let body = try message.encoded(version: version)
        var bytes = ByteBufferAllocator().buffer(capacity: body.readableBytes + 2)
        bytes.writeInteger(version)
        bytes.writeImmutableBuffer(body)
        return bytes
    }
}

extension CommittedOffset {
    init(_ value: OffsetCommitValue) {
        self.init(
            offset: value.offset, leaderEpoch: value.leaderEpoch, metadata: value.metadata,
            commitTimestamp: value.commitTimestamp,
            expireTimestamp: value.expireTimestamp == -1 ? nil : value.expireTimestamp)
    }

    /// The record's value, and its version: an expiry of its own exists in version 1 only.
    func value(_ configuration: GroupConfiguration) -> (OffsetCommitValue, version: Int16) {
        let value = OffsetCommitValue(
            offset: offset, leaderEpoch: leaderEpoch, metadata: metadata, commitTimestamp: commitTimestamp,
            expireTimestamp: expireTimestamp ?? -1)
        return (value, expireTimestamp == nil ? configuration.offsetValueVersion : 1)
    }
}

extension CoordinatorBatch.Record {
    /// Nil if a field does not fit into its type: names and metadata are limited to 32767 bytes there.
    init?(_ record: OffsetsRecord, valueVersion: Int16) {
        guard let (key, value) = try? record.encoded(valueVersion: valueVersion) else { return nil }
        self.init(key: key, value: value)
    }
}

extension Group {
    /// The group's record, with these assignments by member.
    func record(assignments: [String: [UInt8]], _ configuration: GroupConfiguration) -> CoordinatorBatch.Record? {
        let value = GroupMetadataValue(
            protocolType: protocolType ?? "", generation: generation, protocol: protocolName, leader: leader,
            currentStateTimestamp: stateSince ?? -1,
            members: members.values.map { member in
                GroupMetadataValue.MemberMetadata(
                    memberID: member.id, groupInstanceID: member.instanceID, clientID: member.clientID,
                    clientHost: member.clientHost, rebalanceTimeout: member.rebalanceTimeout,
                    sessionTimeout: member.sessionTimeout,
                    subscription: member.metadata(protocolName ?? ""), assignment: assignments[member.id] ?? [])
            })
        return CoordinatorBatch.Record(.group(id, value), valueVersion: configuration.groupValueVersion)
    }

    /// The group as a record describes it. Its sessions start at `uptime`.
    init(id: String, _ value: GroupMetadataValue, uptime: Int64) {
        self.init(id: id)
        state = value.members.isEmpty ? .empty : .stable
        stateSince = value.currentStateTimestamp == -1 ? nil : value.currentStateTimestamp
        generation = value.generation
        protocolType = value.protocolType.isEmpty ? nil : value.protocolType
        protocolName = value.protocol
        leader = value.leader
        for stored in value.members {
            var member = Member(
                id: stored.memberID, instanceID: stored.groupInstanceID, clientID: stored.clientID,
                clientHost: stored.clientHost,
                rebalanceTimeout: stored.rebalanceTimeout == -1 ? stored.sessionTimeout : stored.rebalanceTimeout,
                sessionTimeout: stored.sessionTimeout,
                protocols: [GroupProtocol(name: value.protocol ?? "", metadata: stored.subscription)],
                assignment: stored.assignment)
            member.heard(at: uptime)
            members[member.id] = member
            if let instanceID = member.instanceID { staticMembers[instanceID] = member.id }
        }
        subscribedTopics = computedSubscribedTopics()
    }
}
