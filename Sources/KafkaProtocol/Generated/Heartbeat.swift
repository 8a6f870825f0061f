// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/Heartbeat.schema by ProtocolGenerator.

import KafkaModel

/// Keeps a group member alive, and tells it of a rebalance.
///
/// Versions 0 to 4, flexible from 4; request.
package struct HeartbeatRequest: RequestMessage {
    package typealias Response = HeartbeatResponse
    package static var apiKey: ApiKey { .heartbeat }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 8 }

    package var groupID: String = ""
    package var generationID: Int32 = 0
    package var memberID: String = ""
    /// Since version 3.
    package var groupInstanceID: String? = nil
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(groupID: String = "", generationID: Int32 = 0, memberID: String = "", groupInstanceID: String? = nil) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupID = try reader.read()
        generationID = try reader.read()
        memberID = try reader.read()
        groupInstanceID = try reader.read(since: 3, else: nil)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupID)
        try writer.write(generationID)
        try writer.write(memberID)
        try writer.write(groupInstanceID, since: 3, else: nil, field: "groupInstanceId")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Keeps a group member alive, and tells it of a rebalance.
///
/// Versions 0 to 4, flexible from 4; response.
package struct HeartbeatResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .heartbeat }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 2 }

    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, errorCode: ErrorCode = .none) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 1, else: 0)
        errorCode = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 1)
        try writer.write(errorCode)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
