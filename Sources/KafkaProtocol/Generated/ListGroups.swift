// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ListGroups.schema by ProtocolGenerator.

import KafkaModel

/// The groups that a broker coordinates.
///
/// Versions 0 to 5, flexible from 3; request.
package struct ListGroupsRequest: RequestMessage {
    package typealias Response = ListGroupsResponse
    package static var apiKey: ApiKey { .listGroups }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 1 }

    /// Since version 4.
    package var statesFilter: [String] = []
    /// Since version 5.
    package var typesFilter: [String] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(statesFilter: [String] = [], typesFilter: [String] = []) {
        self.statesFilter = statesFilter
        self.typesFilter = typesFilter
    }

    package init(from reader: inout WireReader) throws(WireError) {
        statesFilter = try reader.read(since: 4, else: [])
        typesFilter = try reader.read(since: 5, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(statesFilter, since: 4, else: [], field: "statesFilter")
        try writer.write(typesFilter, since: 5, else: [], field: "typesFilter")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// The groups that a broker coordinates.
///
/// Versions 0 to 5, flexible from 3; response.
package struct ListGroupsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .listGroups }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 6 }

    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var groups: [ListedGroup] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, errorCode: ErrorCode = .none, groups: [ListedGroup] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.groups = groups
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 1, else: 0)
        errorCode = try reader.read()
        groups = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 1)
        try writer.write(errorCode)
        try writer.write(groups)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ListGroupsResponse {
    /// An element of `groups`.
    package struct ListedGroup: WireMessage {
        package static var minimumSize: Int { 3 }

        package var groupID: String = ""
        package var protocolType: String = ""
        /// Since version 4.
        package var groupState: String = ""
        /// Since version 5.
        package var groupType: String = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(groupID: String = "", protocolType: String = "", groupState: String = "", groupType: String = "") {
            self.groupID = groupID
            self.protocolType = protocolType
            self.groupState = groupState
            self.groupType = groupType
        }

        package init(from reader: inout WireReader) throws(WireError) {
            groupID = try reader.read()
            protocolType = try reader.read()
            groupState = try reader.read(since: 4, else: "")
            groupType = try reader.read(since: 5, else: "")
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(groupID)
            try writer.write(protocolType)
            try writer.write(groupState, since: 4)
            try writer.write(groupType, since: 5)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
