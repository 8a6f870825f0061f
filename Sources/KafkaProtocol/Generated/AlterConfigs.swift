// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AlterConfigs.schema by ProtocolGenerator.

import KafkaModel

/// Replaces all settings of a resource.
///
/// Versions 0 to 2, flexible from 2; request.
package struct AlterConfigsRequest: RequestMessage {
    package typealias Response = AlterConfigsResponse
    package static var apiKey: ApiKey { .alterConfigs }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 3 }

    package var resources: [AlterConfigsResource] = []
    package var validateOnly: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(resources: [AlterConfigsResource] = [], validateOnly: Bool = false) {
        self.resources = resources
        self.validateOnly = validateOnly
    }

    package init(from reader: inout WireReader) throws(WireError) {
        resources = try reader.read()
        validateOnly = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(resources)
        try writer.write(validateOnly)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterConfigsRequest {
    /// An element of `resources`.
    package struct AlterConfigsResource: WireMessage {
        package static var minimumSize: Int { 4 }

        /// Unique among its siblings.
        package var resourceType: Int8 = 0
        /// Unique among its siblings.
        package var resourceName: String = ""
        package var configs: [AlterableConfig] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(resourceType: Int8 = 0, resourceName: String = "", configs: [AlterableConfig] = []) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configs = configs
        }

        package init(from reader: inout WireReader) throws(WireError) {
            resourceType = try reader.read()
            resourceName = try reader.read()
            configs = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(resourceType)
            try writer.write(resourceName)
            try writer.write(configs)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `configs`.
    package struct AlterableConfig: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var name: String = ""
        package var value: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", value: String? = "") {
            self.name = name
            self.value = value
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            value = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(value)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Replaces all settings of a resource.
///
/// Versions 0 to 2, flexible from 2; response.
package struct AlterConfigsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .alterConfigs }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var responses: [AlterConfigsResourceResponse] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, responses: [AlterConfigsResourceResponse] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.responses = responses
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        responses = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(responses)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterConfigsResponse {
    /// An element of `responses`.
    package struct AlterConfigsResourceResponse: WireMessage {
        package static var minimumSize: Int { 6 }

        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            errorMessage: String? = "",
            resourceType: Int8 = 0,
            resourceName: String = ""
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceType = resourceType
            self.resourceName = resourceName
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            errorMessage = try reader.read()
            resourceType = try reader.read()
            resourceName = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.write(resourceType)
            try writer.write(resourceName)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
