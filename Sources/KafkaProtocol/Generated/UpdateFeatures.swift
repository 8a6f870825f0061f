// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/UpdateFeatures.schema by ProtocolGenerator.

import KafkaModel

/// Changes the finalized features of the cluster (KIP-584).
///
/// Versions 0 to 1, flexible from 0; request.
package struct UpdateFeaturesRequest: RequestMessage {
    package typealias Response = UpdateFeaturesResponse
    package static var apiKey: ApiKey { .updateFeatures }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 6 }

    package var timeoutMs: Int32 = 60000
    package var featureUpdates: [FeatureUpdateKey] = []
    /// Since version 1.
    package var validateOnly: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(timeoutMs: Int32 = 60000, featureUpdates: [FeatureUpdateKey] = [], validateOnly: Bool = false) {
        self.timeoutMs = timeoutMs
        self.featureUpdates = featureUpdates
        self.validateOnly = validateOnly
    }

    package init(from reader: inout WireReader) throws(WireError) {
        timeoutMs = try reader.read()
        featureUpdates = try reader.read()
        validateOnly = try reader.read(since: 1, else: false)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(timeoutMs)
        try writer.write(featureUpdates)
        try writer.write(validateOnly, since: 1, else: false, field: "validateOnly")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension UpdateFeaturesRequest {
    /// An element of `featureUpdates`.
    package struct FeatureUpdateKey: WireMessage {
        package static var minimumSize: Int { 5 }

        /// Unique among its siblings.
        package var feature: String = ""
        package var maxVersionLevel: Int16 = 0
        /// Until version 0.
        package var allowDowngrade: Bool = false
        /// Since version 1.
        package var upgradeType: Int8 = 1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            feature: String = "",
            maxVersionLevel: Int16 = 0,
            allowDowngrade: Bool = false,
            upgradeType: Int8 = 1
        ) {
            self.feature = feature
            self.maxVersionLevel = maxVersionLevel
            self.allowDowngrade = allowDowngrade
            self.upgradeType = upgradeType
        }

        package init(from reader: inout WireReader) throws(WireError) {
            feature = try reader.read()
            maxVersionLevel = try reader.read()
            allowDowngrade = try reader.read(until: 0, else: false)
            upgradeType = try reader.read(since: 1, else: 1)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(feature)
            try writer.write(maxVersionLevel)
            try writer.write(allowDowngrade, until: 0, else: false, field: "allowDowngrade")
            try writer.write(upgradeType, since: 1, else: 1, field: "upgradeType")
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Changes the finalized features of the cluster (KIP-584).
///
/// Versions 0 to 1, flexible from 0; response.
package struct UpdateFeaturesResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .updateFeatures }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 9 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var errorMessage: String? = ""
    package var results: [UpdatableFeatureResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        errorMessage: String? = "",
        results: [UpdatableFeatureResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.results = results
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        errorMessage = try reader.read()
        results = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(errorMessage)
        try writer.write(results)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension UpdateFeaturesResponse {
    /// An element of `results`.
    package struct UpdatableFeatureResult: WireMessage {
        package static var minimumSize: Int { 5 }

        /// Unique among its siblings.
        package var feature: String = ""
        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(feature: String = "", errorCode: ErrorCode = .none, errorMessage: String? = "") {
            self.feature = feature
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            feature = try reader.read()
            errorCode = try reader.read()
            errorMessage = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(feature)
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
