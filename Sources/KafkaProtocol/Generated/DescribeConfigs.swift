// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeConfigs.schema by ProtocolGenerator.

import KafkaModel

/// Settings of topics, brokers and loggers, with their sources.
///
/// Versions 0 to 4, flexible from 4; request.
package struct DescribeConfigsRequest: RequestMessage {
    package typealias Response = DescribeConfigsResponse
    package static var apiKey: ApiKey { .describeConfigs }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 4 }

    package var resources: [DescribeConfigsResource] = []
    /// Since version 1.
    package var includeSynonyms: Bool = false
    /// Since version 3.
    package var includeDocumentation: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        resources: [DescribeConfigsResource] = [],
        includeSynonyms: Bool = false,
        includeDocumentation: Bool = false
    ) {
        self.resources = resources
        self.includeSynonyms = includeSynonyms
        self.includeDocumentation = includeDocumentation
    }

    package init(from reader: inout WireReader) throws(WireError) {
        resources = try reader.read()
        includeSynonyms = try reader.read(since: 1, else: false)
        includeDocumentation = try reader.read(since: 3, else: false)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(resources)
        try writer.write(includeSynonyms, since: 1, else: false, field: "includeSynonyms")
        try writer.write(includeDocumentation, since: 3, else: false, field: "includeDocumentation")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeConfigsRequest {
    /// An element of `resources`.
    package struct DescribeConfigsResource: WireMessage {
        package static var minimumSize: Int { 4 }

        /// 2: topic; 4: broker; 8: logger.
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var configurationKeys: [String]? = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(resourceType: Int8 = 0, resourceName: String = "", configurationKeys: [String]? = []) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configurationKeys = configurationKeys
        }

        package init(from reader: inout WireReader) throws(WireError) {
            resourceType = try reader.read()
            resourceName = try reader.read()
            configurationKeys = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(resourceType)
            try writer.write(resourceName)
            try writer.write(configurationKeys)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Settings of topics, brokers and loggers, with their sources.
///
/// Versions 0 to 4, flexible from 4; response.
package struct DescribeConfigsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeConfigs }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 4 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var results: [DescribeConfigsResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, results: [DescribeConfigsResult] = []) {
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

extension DescribeConfigsResponse {
    /// An element of `results`.
    package struct DescribeConfigsResult: WireMessage {
        package static var minimumSize: Int { 7 }

        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var configs: [DescribeConfigsResourceResult] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            errorMessage: String? = "",
            resourceType: Int8 = 0,
            resourceName: String = "",
            configs: [DescribeConfigsResourceResult] = []
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configs = configs
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            errorMessage = try reader.read()
            resourceType = try reader.read()
            resourceName = try reader.read()
            configs = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.write(resourceType)
            try writer.write(resourceName)
            try writer.write(configs)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `configs`.
    package struct DescribeConfigsResourceResult: WireMessage {
        package static var minimumSize: Int { 7 }

        package var name: String = ""
        package var value: String? = ""
        package var readOnly: Bool = false
        /// Until version 0.
        package var isDefault: Bool = false
        /// 1: topic; 2: broker; 3: default of all brokers; 4: properties file; 5: default; 6: logger.
        /// Since version 1.
        package var configSource: Int8 = -1
        package var isSensitive: Bool = false
        /// Since version 1.
        package var synonyms: [DescribeConfigsSynonym] = []
        /// Since version 3.
        package var configType: Int8 = 0
        /// Since version 3.
        package var documentation: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            name: String = "",
            value: String? = "",
            readOnly: Bool = false,
            isDefault: Bool = false,
            configSource: Int8 = -1,
            isSensitive: Bool = false,
            synonyms: [DescribeConfigsSynonym] = [],
            configType: Int8 = 0,
            documentation: String? = ""
        ) {
            self.name = name
            self.value = value
            self.readOnly = readOnly
            self.isDefault = isDefault
            self.configSource = configSource
            self.isSensitive = isSensitive
            self.synonyms = synonyms
            self.configType = configType
            self.documentation = documentation
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            value = try reader.read()
            readOnly = try reader.read()
            isDefault = try reader.read(until: 0, else: false)
            configSource = try reader.read(since: 1, else: -1)
            isSensitive = try reader.read()
            synonyms = try reader.read(since: 1, else: [])
            configType = try reader.read(since: 3, else: 0)
            documentation = try reader.read(since: 3, else: "")
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(value)
            try writer.write(readOnly)
            try writer.write(isDefault, until: 0, else: false, field: "isDefault")
            try writer.write(configSource, since: 1)
            try writer.write(isSensitive)
            try writer.write(synonyms, since: 1)
            try writer.write(configType, since: 3)
            try writer.write(documentation, since: 3)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `synonyms`.
    package struct DescribeConfigsSynonym: WireMessage {
        package static var minimumSize: Int { 1 }

        package var name: String = ""
        package var value: String? = ""
        package var source: Int8 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", value: String? = "", source: Int8 = 0) {
            self.name = name
            self.value = value
            self.source = source
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            value = try reader.read()
            source = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(value)
            try writer.write(source)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
