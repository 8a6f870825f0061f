// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DeleteAcls.schema by ProtocolGenerator.

import KafkaModel

/// Removes the access rules that match filters.
///
/// Versions 0 to 3, flexible from 2; request.
package struct DeleteAclsRequest: RequestMessage {
    package typealias Response = DeleteAclsResponse
    package static var apiKey: ApiKey { .deleteAcls }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 2 }

    package var filters: [DeleteAclsFilter] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(filters: [DeleteAclsFilter] = []) {
        self.filters = filters
    }

    package init(from reader: inout WireReader) throws(WireError) {
        filters = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(filters)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DeleteAclsRequest {
    /// An element of `filters`.
    package struct DeleteAclsFilter: WireMessage {
        package static var minimumSize: Int { 8 }

        package var resourceTypeFilter: Int8 = 0
        package var resourceNameFilter: String? = ""
        /// Since version 1.
        package var patternTypeFilter: Int8 = 3
        package var principalFilter: String? = ""
        package var hostFilter: String? = ""
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            resourceTypeFilter: Int8 = 0,
            resourceNameFilter: String? = "",
            patternTypeFilter: Int8 = 3,
            principalFilter: String? = "",
            hostFilter: String? = "",
            operation: Int8 = 0,
            permissionType: Int8 = 0
        ) {
            self.resourceTypeFilter = resourceTypeFilter
            self.resourceNameFilter = resourceNameFilter
            self.patternTypeFilter = patternTypeFilter
            self.principalFilter = principalFilter
            self.hostFilter = hostFilter
            self.operation = operation
            self.permissionType = permissionType
        }

        package init(from reader: inout WireReader) throws(WireError) {
            resourceTypeFilter = try reader.read()
            resourceNameFilter = try reader.read()
            patternTypeFilter = try reader.read(since: 1, else: 3)
            principalFilter = try reader.read()
            hostFilter = try reader.read()
            operation = try reader.read()
            permissionType = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(resourceTypeFilter)
            try writer.write(resourceNameFilter)
            try writer.write(patternTypeFilter, since: 1, else: 3, field: "patternTypeFilter")
            try writer.write(principalFilter)
            try writer.write(hostFilter)
            try writer.write(operation)
            try writer.write(permissionType)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Removes the access rules that match filters.
///
/// Versions 0 to 3, flexible from 2; response.
package struct DeleteAclsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .deleteAcls }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var filterResults: [DeleteAclsFilterResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, filterResults: [DeleteAclsFilterResult] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.filterResults = filterResults
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        filterResults = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(filterResults)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DeleteAclsResponse {
    /// An element of `filterResults`.
    package struct DeleteAclsFilterResult: WireMessage {
        package static var minimumSize: Int { 5 }

        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var matchingAcls: [DeleteAclsMatchingAcl] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            errorMessage: String? = "",
            matchingAcls: [DeleteAclsMatchingAcl] = []
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.matchingAcls = matchingAcls
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            errorMessage = try reader.read()
            matchingAcls = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.write(matchingAcls)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `matchingAcls`.
    package struct DeleteAclsMatchingAcl: WireMessage {
        package static var minimumSize: Int { 11 }

        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        /// Since version 1.
        package var patternType: Int8 = 3
        package var principal: String = ""
        package var host: String = ""
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            errorMessage: String? = "",
            resourceType: Int8 = 0,
            resourceName: String = "",
            patternType: Int8 = 3,
            principal: String = "",
            host: String = "",
            operation: Int8 = 0,
            permissionType: Int8 = 0
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.patternType = patternType
            self.principal = principal
            self.host = host
            self.operation = operation
            self.permissionType = permissionType
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            errorMessage = try reader.read()
            resourceType = try reader.read()
            resourceName = try reader.read()
            patternType = try reader.read(since: 1, else: 3)
            principal = try reader.read()
            host = try reader.read()
            operation = try reader.read()
            permissionType = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.write(resourceType)
            try writer.write(resourceName)
            try writer.write(patternType, since: 1, else: 3, field: "patternType")
            try writer.write(principal)
            try writer.write(host)
            try writer.write(operation)
            try writer.write(permissionType)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
