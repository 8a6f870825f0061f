// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DeleteGroups.schema by ProtocolGenerator.

import KafkaModel

/// Deletes groups without members.
///
/// Versions 0 to 2, flexible from 2; request.
package struct DeleteGroupsRequest: RequestMessage {
    package typealias Response = DeleteGroupsResponse
    package static var apiKey: ApiKey { .deleteGroups }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 2 }

    package var groupsNames: [String] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(groupsNames: [String] = []) {
        self.groupsNames = groupsNames
    }

    package init(from reader: inout WireReader) throws(WireError) {
        groupsNames = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(groupsNames)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Deletes groups without members.
///
/// Versions 0 to 2, flexible from 2; response.
package struct DeleteGroupsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .deleteGroups }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var results: [DeletableGroupResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, results: [DeletableGroupResult] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.results = results
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        results = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(results)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DeleteGroupsResponse {
    /// An element of `results`.
    package struct DeletableGroupResult: WireMessage {
        package static var minimumSize: Int { 4 }

        /// Unique among its siblings.
        package var groupID: String = ""
        package var errorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(groupID: String = "", errorCode: ErrorCode = .none) {
            self.groupID = groupID
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            groupID = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(groupID)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
