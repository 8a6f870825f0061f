// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/SyncGroup.schema by ProtocolGenerator.

import KafkaModel

/// The leader hands over the assignment, every member gets its own part.
///
/// Versions 0 to 5, flexible from 4; request.
package struct SyncGroupRequest: RequestMessage {
    package typealias Response = SyncGroupResponse
    package static var apiKey: ApiKey { .syncGroup }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 9 }

    package var groupID: String = ""
    package var generationID: Int32 = 0
    package var memberID: String = ""
    /// Since version 3.
    package var groupInstanceID: String? = nil
    /// Since version 5.
    package var protocolType: String? = nil
    /// Since version 5.
    package var protocolName: String? = nil
    package var assignments: [SyncGroupRequestAssignment] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        groupID: String = "",
        generationID: Int32 = 0,
        memberID: String = "",
        groupInstanceID: String? = nil,
        protocolType: String? = nil,
        protocolName: String? = nil,
        assignments: [SyncGroupRequestAssignment] = []
    ) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.assignments = assignments
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupID = try reader.read()
        generationID = try reader.read()
        memberID = try reader.read()
        groupInstanceID = try reader.read(since: 3, else: nil)
        protocolType = try reader.read(since: 5, else: nil)
        protocolName = try reader.read(since: 5, else: nil)
        assignments = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupID)
        try writer.write(generationID)
        try writer.write(memberID)
        try writer.write(groupInstanceID, since: 3, else: nil, field: "groupInstanceId")
        try writer.write(protocolType, since: 5)
        try writer.write(protocolName, since: 5)
        try writer.write(assignments)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension SyncGroupRequest {
    /// An element of `assignments`.
    package struct SyncGroupRequestAssignment: WireMessage {
        package static var minimumSize: Int { 3 }

        package var memberID: String = ""
        package var assignment: [UInt8] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(memberID: String = "", assignment: [UInt8] = []) {
            self.memberID = memberID
            self.assignment = assignment
        }

        package init(from reader: inout WireReader) throws(WireError) {
            memberID = try reader.read()
            assignment = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(memberID)
            try writer.write(assignment)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// The leader hands over the assignment, every member gets its own part.
///
/// Versions 0 to 5, flexible from 4; response.
package struct SyncGroupResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .syncGroup }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 6 }

    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    /// Since version 5.
    package var protocolType: String? = nil
    /// Since version 5.
    package var protocolName: String? = nil
    package var assignment: [UInt8] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        protocolType: String? = nil,
        protocolName: String? = nil,
        assignment: [UInt8] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.assignment = assignment
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 1, else: 0)
        errorCode = try reader.read()
        protocolType = try reader.read(since: 5, else: nil)
        protocolName = try reader.read(since: 5, else: nil)
        assignment = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 1)
        try writer.write(errorCode)
        try writer.write(protocolType, since: 5)
        try writer.write(protocolName, since: 5)
        try writer.write(assignment)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
