// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeAcls.schema by ProtocolGenerator.

import KafkaModel

/// Lists the access rules that match a filter.
///
/// Versions 0 to 3, flexible from 2; request.
package struct DescribeAclsRequest: RequestMessage {
    package typealias Response = DescribeAclsResponse
    package static var apiKey: ApiKey { .describeAcls }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
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

/// Lists the access rules that match a filter.
///
/// Versions 0 to 3, flexible from 2; response.
package struct DescribeAclsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeAcls }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 9 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var errorMessage: String? = ""
    package var resources: [DescribeAclsResource] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        errorMessage: String? = "",
        resources: [DescribeAclsResource] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.resources = resources
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        errorMessage = try reader.read()
        resources = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(errorMessage)
        try writer.write(resources)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeAclsResponse {
    /// An element of `resources`.
    package struct DescribeAclsResource: WireMessage {
        package static var minimumSize: Int { 5 }

        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        /// Since version 1.
        package var patternType: Int8 = 3
        package var acls: [AclDescription] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            resourceType: Int8 = 0,
            resourceName: String = "",
            patternType: Int8 = 3,
            acls: [AclDescription] = []
        ) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.patternType = patternType
            self.acls = acls
        }

        package init(from reader: inout WireReader) throws(WireError) {
            resourceType = try reader.read()
            resourceName = try reader.read()
            patternType = try reader.read(since: 1, else: 3)
            acls = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(resourceType)
            try writer.write(resourceName)
            try writer.write(patternType, since: 1, else: 3, field: "patternType")
            try writer.write(acls)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `acls`.
    package struct AclDescription: WireMessage {
        package static var minimumSize: Int { 5 }

        package var principal: String = ""
        package var host: String = ""
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(principal: String = "", host: String = "", operation: Int8 = 0, permissionType: Int8 = 0) {
            self.principal = principal
            self.host = host
            self.operation = operation
            self.permissionType = permissionType
        }

        package init(from reader: inout WireReader) throws(WireError) {
            principal = try reader.read()
            host = try reader.read()
            operation = try reader.read()
            permissionType = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(principal)
            try writer.write(host)
            try writer.write(operation)
            try writer.write(permissionType)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
