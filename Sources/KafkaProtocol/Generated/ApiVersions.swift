// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ApiVersions.schema by ProtocolGenerator.

import KafkaModel

/// Which versions of which APIs a broker serves. The response's header is version 0 always.
///
/// Versions 0 to 4, flexible from 3; request.
package struct ApiVersionsRequest: RequestMessage {
    package typealias Response = ApiVersionsResponse
    package static var apiKey: ApiKey { .apiVersions }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 1 }

    /// Since version 3.
    package var clientSoftwareName: String = ""
    /// Since version 3.
    package var clientSoftwareVersion: String = ""
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(clientSoftwareName: String = "", clientSoftwareVersion: String = "") {
        self.clientSoftwareName = clientSoftwareName
        self.clientSoftwareVersion = clientSoftwareVersion
    }

    package init(from reader: inout WireReader) throws(WireError) {
        clientSoftwareName = try reader.read(since: 3, else: "")
        clientSoftwareVersion = try reader.read(since: 3, else: "")
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(clientSoftwareName, since: 3)
        try writer.write(clientSoftwareVersion, since: 3)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Which versions of which APIs a broker serves. The response's header is version 0 always.
///
/// Versions 0 to 4, flexible from 3; response.
package struct ApiVersionsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .apiVersions }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 6 }

    package var errorCode: ErrorCode = .none
    package var apiKeys: [ApiVersion] = []
    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    /// Since version 3.
    package var supportedFeatures: [SupportedFeatureKey] = []
    /// Since version 3.
    package var finalizedFeaturesEpoch: Int64 = -1
    /// Since version 3.
    package var finalizedFeatures: [FinalizedFeatureKey] = []
    /// Since version 3.
    package var zkMigrationReady: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        errorCode: ErrorCode = .none,
        apiKeys: [ApiVersion] = [],
        throttleTimeMs: Int32 = 0,
        supportedFeatures: [SupportedFeatureKey] = [],
        finalizedFeaturesEpoch: Int64 = -1,
        finalizedFeatures: [FinalizedFeatureKey] = [],
        zkMigrationReady: Bool = false
    ) {
        self.errorCode = errorCode
        self.apiKeys = apiKeys
        self.throttleTimeMs = throttleTimeMs
        self.supportedFeatures = supportedFeatures
        self.finalizedFeaturesEpoch = finalizedFeaturesEpoch
        self.finalizedFeatures = finalizedFeatures
        self.zkMigrationReady = zkMigrationReady
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        apiKeys = try reader.read()
        throttleTimeMs = try reader.read(since: 1, else: 0)
        var tags = try reader.beginTaggedFields()
        while let tag = try reader.nextTaggedField(&tags) {
            switch tag {
            case 0: supportedFeatures = try reader.read()
            case 1: finalizedFeaturesEpoch = try reader.read()
            case 2: finalizedFeatures = try reader.read()
            case 3: zkMigrationReady = try reader.read()
            default: try reader.keepUnknown(&tags)
            }
        }
        unknownTaggedFields = tags.unknown
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(apiKeys)
        try writer.write(throttleTimeMs, since: 1)
        var tags = try writer.beginTaggedFields(unknownTaggedFields)
        try writer.writeTagged(0, supportedFeatures, else: [], in: &tags)
        try writer.writeTagged(1, finalizedFeaturesEpoch, else: -1, in: &tags)
        try writer.writeTagged(2, finalizedFeatures, else: [], in: &tags)
        try writer.writeTagged(3, zkMigrationReady, else: false, in: &tags)
        try writer.endTaggedFields(&tags)
    }
}

extension ApiVersionsResponse {
    /// An element of `apiKeys`.
    package struct ApiVersion: WireMessage {
        package static var minimumSize: Int { 6 }

        /// Unique among its siblings.
        package var apiKey: Int16 = 0
        package var minVersion: Int16 = 0
        package var maxVersion: Int16 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(apiKey: Int16 = 0, minVersion: Int16 = 0, maxVersion: Int16 = 0) {
            self.apiKey = apiKey
            self.minVersion = minVersion
            self.maxVersion = maxVersion
        }

        package init(from reader: inout WireReader) throws(WireError) {
            apiKey = try reader.read()
            minVersion = try reader.read()
            maxVersion = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(apiKey)
            try writer.write(minVersion)
            try writer.write(maxVersion)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `supportedFeatures`.
    package struct SupportedFeatureKey: WireMessage {
        package static var minimumSize: Int { 1 }

        /// Unique among its siblings.
        package var name: String = ""
        package var minVersion: Int16 = 0
        package var maxVersion: Int16 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", minVersion: Int16 = 0, maxVersion: Int16 = 0) {
            self.name = name
            self.minVersion = minVersion
            self.maxVersion = maxVersion
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            minVersion = try reader.read()
            maxVersion = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(minVersion)
            try writer.write(maxVersion)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `finalizedFeatures`.
    package struct FinalizedFeatureKey: WireMessage {
        package static var minimumSize: Int { 1 }

        /// Unique among its siblings.
        package var name: String = ""
        package var maxVersionLevel: Int16 = 0
        package var minVersionLevel: Int16 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", maxVersionLevel: Int16 = 0, minVersionLevel: Int16 = 0) {
            self.name = name
            self.maxVersionLevel = maxVersionLevel
            self.minVersionLevel = minVersionLevel
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            maxVersionLevel = try reader.read()
            minVersionLevel = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(maxVersionLevel)
            try writer.write(minVersionLevel)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
