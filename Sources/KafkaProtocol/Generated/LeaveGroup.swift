// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/LeaveGroup.schema by ProtocolGenerator.

import KafkaModel

/// Members leave a group.
///
/// Versions 0 to 5, flexible from 4; request.
package struct LeaveGroupRequest: RequestMessage {
    package typealias Response = LeaveGroupResponse
    package static var apiKey: ApiKey { .leaveGroup }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 3 }

    package var groupID: String = ""
    /// Until version 2.
    package var memberID: String = ""
    /// Since version 3.
    package var members: [MemberIdentity] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(groupID: String = "", memberID: String = "", members: [MemberIdentity] = []) {
        self.groupID = groupID
        self.memberID = memberID
        self.members = members
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupID = try reader.read()
        memberID = try reader.read(until: 2, else: "")
        members = try reader.read(since: 3, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupID)
        try writer.write(memberID, until: 2, else: "", field: "memberId")
        try writer.write(members, since: 3, else: [], field: "members")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension LeaveGroupRequest {
    /// An element of `members`.
    package struct MemberIdentity: WireMessage {
        package static var minimumSize: Int { 1 }

        package var memberID: String = ""
        package var groupInstanceID: String? = nil
        /// Since version 5.
        package var reason: String? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(memberID: String = "", groupInstanceID: String? = nil, reason: String? = nil) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.reason = reason
        }

        package init(from reader: inout WireReader) throws(WireError) {
            memberID = try reader.read()
            groupInstanceID = try reader.read()
            reason = try reader.read(since: 5, else: nil)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(memberID)
            try writer.write(groupInstanceID)
            try writer.write(reason, since: 5)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Members leave a group.
///
/// Versions 0 to 5, flexible from 4; response.
package struct LeaveGroupResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .leaveGroup }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 2 }

    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    /// Since version 3.
    package var members: [MemberResponse] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, errorCode: ErrorCode = .none, members: [MemberResponse] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.members = members
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 1, else: 0)
        errorCode = try reader.read()
        members = try reader.read(since: 3, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 1)
        try writer.write(errorCode)
        try writer.write(members, since: 3, else: [], field: "members")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension LeaveGroupResponse {
    /// An element of `members`.
    package struct MemberResponse: WireMessage {
        package static var minimumSize: Int { 1 }

        package var memberID: String = ""
        package var groupInstanceID: String? = ""
        package var errorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(memberID: String = "", groupInstanceID: String? = "", errorCode: ErrorCode = .none) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            memberID = try reader.read()
            groupInstanceID = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(memberID)
            try writer.write(groupInstanceID)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
