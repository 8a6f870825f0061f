// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/JoinGroup.schema by ProtocolGenerator.

import KafkaModel

/// A member joins a group, or takes part in its rebalance. The leader learns all members.
///
/// Versions 0 to 9, flexible from 6; request.
package struct JoinGroupRequest: RequestMessage {
    package typealias Response = JoinGroupResponse
    package static var apiKey: ApiKey { .joinGroup }
    package static var versions: ClosedRange<Int16> { 0...9 }
    package static var firstFlexibleVersion: Int16 { 6 }
    package static var minimumSize: Int { 14 }

    package var groupID: String = ""
    package var sessionTimeoutMs: Int32 = 0
    /// Version 0 uses the session timeout in its place.
    /// Since version 1.
    package var rebalanceTimeoutMs: Int32 = -1
    package var memberID: String = ""
    /// Since version 5.
    package var groupInstanceID: String? = nil
    package var protocolType: String = ""
    package var protocols: [JoinGroupRequestProtocol] = []
    /// Since version 8.
    package var reason: String? = nil
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        groupID: String = "",
        sessionTimeoutMs: Int32 = 0,
        rebalanceTimeoutMs: Int32 = -1,
        memberID: String = "",
        groupInstanceID: String? = nil,
        protocolType: String = "",
        protocols: [JoinGroupRequestProtocol] = [],
        reason: String? = nil
    ) {
        self.groupID = groupID
        self.sessionTimeoutMs = sessionTimeoutMs
        self.rebalanceTimeoutMs = rebalanceTimeoutMs
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.protocolType = protocolType
        self.protocols = protocols
        self.reason = reason
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupID = try reader.read()
        sessionTimeoutMs = try reader.read()
        rebalanceTimeoutMs = try reader.read(since: 1, else: -1)
        memberID = try reader.read()
        groupInstanceID = try reader.read(since: 5, else: nil)
        protocolType = try reader.read()
        protocols = try reader.read()
        reason = try reader.read(since: 8, else: nil)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupID)
        try writer.write(sessionTimeoutMs)
        try writer.write(rebalanceTimeoutMs, since: 1)
        try writer.write(memberID)
        try writer.write(groupInstanceID, since: 5, else: nil, field: "groupInstanceId")
        try writer.write(protocolType)
        try writer.write(protocols)
        try writer.write(reason, since: 8)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension JoinGroupRequest {
    /// An element of `protocols`.
    package struct JoinGroupRequestProtocol: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var name: String = ""
        package var metadata: [UInt8] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", metadata: [UInt8] = []) {
            self.name = name
            self.metadata = metadata
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            metadata = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(metadata)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// A member joins a group, or takes part in its rebalance. The leader learns all members.
///
/// Versions 0 to 9, flexible from 6; response.
package struct JoinGroupResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .joinGroup }
    package static var versions: ClosedRange<Int16> { 0...9 }
    package static var firstFlexibleVersion: Int16 { 6 }
    package static var minimumSize: Int { 15 }

    /// Since version 2.
    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var generationID: Int32 = -1
    /// Since version 7.
    package var protocolType: String? = nil
    package var protocolName: String? = ""
    package var leader: String = ""
    /// Since version 9.
    package var skipAssignment: Bool = false
    /// What the broker made up for a member that came without one.
    package var memberID: String = ""
    package var members: [JoinGroupResponseMember] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        generationID: Int32 = -1,
        protocolType: String? = nil,
        protocolName: String? = "",
        leader: String = "",
        skipAssignment: Bool = false,
        memberID: String = "",
        members: [JoinGroupResponseMember] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.generationID = generationID
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.leader = leader
        self.skipAssignment = skipAssignment
        self.memberID = memberID
        self.members = members
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 2, else: 0)
        errorCode = try reader.read()
        generationID = try reader.read()
        protocolType = try reader.read(since: 7, else: nil)
        protocolName = try reader.read(nullableSince: 7, else: "")
        leader = try reader.read()
        skipAssignment = try reader.read(since: 9, else: false)
        memberID = try reader.read()
        members = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 2)
        try writer.write(errorCode)
        try writer.write(generationID)
        try writer.write(protocolType, since: 7)
        try writer.write(protocolName, nullableSince: 7, else: "", field: "protocolName")
        try writer.write(leader)
        try writer.write(skipAssignment, since: 9, else: false, field: "skipAssignment")
        try writer.write(memberID)
        try writer.write(members)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension JoinGroupResponse {
    /// An element of `members`.
    package struct JoinGroupResponseMember: WireMessage {
        package static var minimumSize: Int { 4 }

        /// What the broker made up for a member that came without one.
        package var memberID: String = ""
        /// Since version 5.
        package var groupInstanceID: String? = nil
        package var metadata: [UInt8] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(memberID: String = "", groupInstanceID: String? = nil, metadata: [UInt8] = []) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.metadata = metadata
        }

        package init(from reader: inout WireReader) throws(WireError) {
            memberID = try reader.read()
            groupInstanceID = try reader.read(since: 5, else: nil)
            metadata = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(memberID)
            try writer.write(groupInstanceID, since: 5)
            try writer.write(metadata)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
