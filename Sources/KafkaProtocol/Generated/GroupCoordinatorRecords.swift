// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/GroupCoordinatorRecords.schema by ProtocolGenerator.

import KafkaModel

/// Key of a committed position in __consumer_offsets, after an int16 version (0 or 1).
///
/// Versions 0 to 1; data.
package struct OffsetCommitKey: DataMessage {
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 8 }

    package var group: String = ""
    package var topic: String = ""
    package var partition: Int32 = 0

    package init() {}

    package init(group: String = "", topic: String = "", partition: Int32 = 0) {
        self.group = group
        self.topic = topic
        self.partition = partition
    }

    package init(from reader: inout WireReader) throws(WireError) {
        group = try reader.read()
        topic = try reader.read()
        partition = try reader.read()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(group)
        try writer.write(topic)
        try writer.write(partition)
    }
}

/// A committed position in __consumer_offsets, after an int16 version.
///
/// Versions 0 to 4, flexible from 4; data.
package struct OffsetCommitValue: DataMessage {
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 18 }

    package var offset: Int64 = 0
    /// Since version 3.
    package var leaderEpoch: Int32 = -1
    package var metadata: String = ""
    package var commitTimestamp: Int64 = 0
    /// Only in version 1.
    package var expireTimestamp: Int64 = -1
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        offset: Int64 = 0,
        leaderEpoch: Int32 = -1,
        metadata: String = "",
        commitTimestamp: Int64 = 0,
        expireTimestamp: Int64 = -1
    ) {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
        self.commitTimestamp = commitTimestamp
        self.expireTimestamp = expireTimestamp
    }

    package init(from reader: inout WireReader) throws(WireError) {
        offset = try reader.read()
        leaderEpoch = try reader.read(since: 3, else: -1)
        metadata = try reader.read()
        commitTimestamp = try reader.read()
        expireTimestamp = try reader.read(since: 1, until: 1, else: -1)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(offset)
        try writer.write(leaderEpoch, since: 3)
        try writer.write(metadata)
        try writer.write(commitTimestamp)
        try writer.write(expireTimestamp, since: 1, until: 1)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Key of a group's state in __consumer_offsets, after an int16 version (2).
///
/// Version 2; data.
package struct GroupMetadataKey: DataMessage {
    package static var versions: ClosedRange<Int16> { 2...2 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 2 }

    package var group: String = ""

    package init() {}

    package init(group: String = "") {
        self.group = group
    }

    package init(from reader: inout WireReader) throws(WireError) {
        group = try reader.read()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(group)
    }
}

/// State and members of a group in __consumer_offsets, after an int16 version.
///
/// Versions 0 to 4, flexible from 4; data.
package struct GroupMetadataValue: DataMessage {
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 14 }

    package var protocolType: String = ""
    package var generation: Int32 = 0
    package var `protocol`: String? = ""
    package var leader: String? = ""
    /// Since version 2.
    package var currentStateTimestamp: Int64 = -1
    package var members: [MemberMetadata] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        protocolType: String = "",
        generation: Int32 = 0,
        `protocol`: String? = "",
        leader: String? = "",
        currentStateTimestamp: Int64 = -1,
        members: [MemberMetadata] = []
    ) {
        self.protocolType = protocolType
        self.generation = generation
        self.`protocol` = `protocol`
        self.leader = leader
        self.currentStateTimestamp = currentStateTimestamp
        self.members = members
    }

    package init(from reader: inout WireReader) throws(WireError) {
        protocolType = try reader.read()
        generation = try reader.read()
        `protocol` = try reader.read()
        leader = try reader.read()
        currentStateTimestamp = try reader.read(since: 2, else: -1)
        members = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(protocolType)
        try writer.write(generation)
        try writer.write(`protocol`)
        try writer.write(leader)
        try writer.write(currentStateTimestamp, since: 2)
        try writer.write(members)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension GroupMetadataValue {
    package struct MemberMetadata: WireMessage {
        package static var minimumSize: Int { 15 }

        package var memberID: String = ""
        /// Since version 3.
        package var groupInstanceID: String? = nil
        package var clientID: String = ""
        package var clientHost: String = ""
        /// Since version 1.
        package var rebalanceTimeout: Int32 = -1
        package var sessionTimeout: Int32 = 0
        package var subscription: [UInt8] = []
        package var assignment: [UInt8] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            memberID: String = "",
            groupInstanceID: String? = nil,
            clientID: String = "",
            clientHost: String = "",
            rebalanceTimeout: Int32 = -1,
            sessionTimeout: Int32 = 0,
            subscription: [UInt8] = [],
            assignment: [UInt8] = []
        ) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.clientID = clientID
            self.clientHost = clientHost
            self.rebalanceTimeout = rebalanceTimeout
            self.sessionTimeout = sessionTimeout
            self.subscription = subscription
            self.assignment = assignment
        }

        package init(from reader: inout WireReader) throws(WireError) {
            memberID = try reader.read()
            groupInstanceID = try reader.read(since: 3, else: nil)
            clientID = try reader.read()
            clientHost = try reader.read()
            rebalanceTimeout = try reader.read(since: 1, else: -1)
            sessionTimeout = try reader.read()
            subscription = try reader.read()
            assignment = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(memberID)
            try writer.write(groupInstanceID, since: 3)
            try writer.write(clientID)
            try writer.write(clientHost)
            try writer.write(rebalanceTimeout, since: 1)
            try writer.write(sessionTimeout)
            try writer.write(subscription)
            try writer.write(assignment)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
