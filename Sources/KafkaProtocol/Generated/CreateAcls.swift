// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/CreateAcls.schema by ProtocolGenerator.

import KafkaModel

/// Adds access rules.
///
/// Versions 0 to 3, flexible from 2; request.
package struct CreateAclsRequest: RequestMessage {
    package typealias Response = CreateAclsResponse
    package static var apiKey: ApiKey { .createAcls }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 2 }

    package var creations: [AclCreation] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(creations: [AclCreation] = []) {
        self.creations = creations
    }

    package init(from reader: inout WireReader) throws(WireError) {
        creations = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(creations)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension CreateAclsRequest {
    /// An element of `creations`.
    package struct AclCreation: WireMessage {
        package static var minimumSize: Int { 8 }

        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        /// Since version 1.
        package var resourcePatternType: Int8 = 3
        package var principal: String = ""
        package var host: String = ""
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            resourceType: Int8 = 0,
            resourceName: String = "",
            resourcePatternType: Int8 = 3,
            principal: String = "",
            host: String = "",
            operation: Int8 = 0,
            permissionType: Int8 = 0
        ) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.resourcePatternType = resourcePatternType
            self.principal = principal
            self.host = host
            self.operation = operation
            self.permissionType = permissionType
        }

        package init(from reader: inout WireReader) throws(WireError) {
            resourceType = try reader.read()
            resourceName = try reader.read()
            resourcePatternType = try reader.read(since: 1, else: 3)
            principal = try reader.read()
            host = try reader.read()
            operation = try reader.read()
            permissionType = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(resourceType)
            try writer.write(resourceName)
            try writer.write(resourcePatternType, since: 1, else: 3, field: "resourcePatternType")
            try writer.write(principal)
            try writer.write(host)
            try writer.write(operation)
            try writer.write(permissionType)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Adds access rules.
///
/// Versions 0 to 3, flexible from 2; response.
package struct CreateAclsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .createAcls }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var results: [AclCreationResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, results: [AclCreationResult] = []) {
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

extension CreateAclsResponse {
    /// An element of `results`.
    package struct AclCreationResult: WireMessage {
        package static var minimumSize: Int { 4 }

        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(errorCode: ErrorCode = .none, errorMessage: String? = "") {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            errorMessage = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
