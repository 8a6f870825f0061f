// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeGroups.schema by ProtocolGenerator.

import KafkaModel

/// State and members of groups.
///
/// Versions 0 to 5, flexible from 5; request.
package struct DescribeGroupsRequest: RequestMessage {
    package typealias Response = DescribeGroupsResponse
    package static var apiKey: ApiKey { .describeGroups }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 5 }
    package static var minimumSize: Int { 3 }

    package var groups: [String] = []
    /// Since version 3.
    package var includeAuthorizedOperations: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(groups: [String] = [], includeAuthorizedOperations: Bool = false) {
        self.groups = groups
        self.includeAuthorizedOperations = includeAuthorizedOperations
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groups = try reader.read()
        includeAuthorizedOperations = try reader.read(since: 3, else: false)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groups)
        try writer.write(includeAuthorizedOperations, since: 3, else: false, field: "includeAuthorizedOperations")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// State and members of groups.
///
/// Versions 0 to 5, flexible from 5; response.
package struct DescribeGroupsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeGroups }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 5 }
    package static var minimumSize: Int { 4 }

    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    package var groups: [DescribedGroup] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, groups: [DescribedGroup] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.groups = groups
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 1, else: 0)
        groups = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 1)
        try writer.write(groups)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeGroupsResponse {
    /// An element of `groups`.
    package struct DescribedGroup: WireMessage {
        package static var minimumSize: Int { 12 }

        package var errorCode: ErrorCode = .none
        package var groupID: String = ""
        package var groupState: String = ""
        package var protocolType: String = ""
        package var protocolData: String = ""
        package var members: [DescribedGroupMember] = []
        /// Since version 3.
        package var authorizedOperations: Int32 = -2147483648
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            groupID: String = "",
            groupState: String = "",
            protocolType: String = "",
            protocolData: String = "",
            members: [DescribedGroupMember] = [],
            authorizedOperations: Int32 = -2147483648
        ) {
            self.errorCode = errorCode
            self.groupID = groupID
            self.groupState = groupState
            self.protocolType = protocolType
            self.protocolData = protocolData
            self.members = members
            self.authorizedOperations = authorizedOperations
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            groupID = try reader.read()
            groupState = try reader.read()
            protocolType = try reader.read()
            protocolData = try reader.read()
            members = try reader.read()
            authorizedOperations = try reader.read(since: 3, else: -2147483648)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(groupID)
            try writer.write(groupState)
            try writer.write(protocolType)
            try writer.write(protocolData)
            try writer.write(members)
            try writer.write(authorizedOperations, since: 3, else: -2147483648, field: "authorizedOperations")
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `members`.
    package struct DescribedGroupMember: WireMessage {
        package static var minimumSize: Int { 7 }

        package var memberID: String = ""
        /// Since version 4.
        package var groupInstanceID: String? = nil
        package var clientID: String = ""
        package var clientHost: String = ""
        package var memberMetadata: [UInt8] = []
        package var memberAssignment: [UInt8] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            memberID: String = "",
            groupInstanceID: String? = nil,
            clientID: String = "",
            clientHost: String = "",
            memberMetadata: [UInt8] = [],
            memberAssignment: [UInt8] = []
        ) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.clientID = clientID
            self.clientHost = clientHost
            self.memberMetadata = memberMetadata
            self.memberAssignment = memberAssignment
        }

        package init(from reader: inout WireReader) throws(WireError) {
            memberID = try reader.read()
            groupInstanceID = try reader.read(since: 4, else: nil)
            clientID = try reader.read()
            clientHost = try reader.read()
            memberMetadata = try reader.read()
            memberAssignment = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(memberID)
            try writer.write(groupInstanceID, since: 4)
            try writer.write(clientID)
            try writer.write(clientHost)
            try writer.write(memberMetadata)
            try writer.write(memberAssignment)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
