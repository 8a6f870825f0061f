// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/CreateDelegationToken.schema by ProtocolGenerator.

import KafkaModel

/// Creates a delegation token (KIP-48).
///
/// Versions 0 to 3, flexible from 2; request.
package struct CreateDelegationTokenRequest: RequestMessage {
    package typealias Response = CreateDelegationTokenResponse
    package static var apiKey: ApiKey { .createDelegationToken }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 10 }

    /// Since version 3.
    package var ownerPrincipalType: String? = ""
    /// Since version 3.
    package var ownerPrincipalName: String? = ""
    package var renewers: [CreatableRenewers] = []
    package var maxLifetimeMs: Int64 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        ownerPrincipalType: String? = "",
        ownerPrincipalName: String? = "",
        renewers: [CreatableRenewers] = [],
        maxLifetimeMs: Int64 = 0
    ) {
        self.ownerPrincipalType = ownerPrincipalType
        self.ownerPrincipalName = ownerPrincipalName
        self.renewers = renewers
        self.maxLifetimeMs = maxLifetimeMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        ownerPrincipalType = try reader.read(since: 3, else: "")
        ownerPrincipalName = try reader.read(since: 3, else: "")
        renewers = try reader.read()
        maxLifetimeMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(ownerPrincipalType, since: 3, else: "", field: "ownerPrincipalType")
        try writer.write(ownerPrincipalName, since: 3, else: "", field: "ownerPrincipalName")
        try writer.write(renewers)
        try writer.write(maxLifetimeMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension CreateDelegationTokenRequest {
    /// An element of `renewers`.
    package struct CreatableRenewers: WireMessage {
        package static var minimumSize: Int { 3 }

        package var principalType: String = ""
        package var principalName: String = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(principalType: String = "", principalName: String = "") {
            self.principalType = principalType
            self.principalName = principalName
        }

        package init(from reader: inout WireReader) throws(WireError) {
            principalType = try reader.read()
            principalName = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(principalType)
            try writer.write(principalName)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Creates a delegation token (KIP-48).
///
/// Versions 0 to 3, flexible from 2; response.
package struct CreateDelegationTokenResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .createDelegationToken }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 35 }

    package var errorCode: ErrorCode = .none
    package var principalType: String = ""
    package var principalName: String = ""
    /// Since version 3.
    package var tokenRequesterPrincipalType: String = ""
    /// Since version 3.
    package var tokenRequesterPrincipalName: String = ""
    package var issueTimestampMs: Int64 = 0
    package var expiryTimestampMs: Int64 = 0
    package var maxTimestampMs: Int64 = 0
    package var tokenID: String = ""
    package var hmac: [UInt8] = []
    package var throttleTimeMs: Int32 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        errorCode: ErrorCode = .none,
        principalType: String = "",
        principalName: String = "",
        tokenRequesterPrincipalType: String = "",
        tokenRequesterPrincipalName: String = "",
        issueTimestampMs: Int64 = 0,
        expiryTimestampMs: Int64 = 0,
        maxTimestampMs: Int64 = 0,
        tokenID: String = "",
        hmac: [UInt8] = [],
        throttleTimeMs: Int32 = 0
    ) {
        self.errorCode = errorCode
        self.principalType = principalType
        self.principalName = principalName
        self.tokenRequesterPrincipalType = tokenRequesterPrincipalType
        self.tokenRequesterPrincipalName = tokenRequesterPrincipalName
        self.issueTimestampMs = issueTimestampMs
        self.expiryTimestampMs = expiryTimestampMs
        self.maxTimestampMs = maxTimestampMs
        self.tokenID = tokenID
        self.hmac = hmac
        self.throttleTimeMs = throttleTimeMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        principalType = try reader.read()
        principalName = try reader.read()
        tokenRequesterPrincipalType = try reader.read(since: 3, else: "")
        tokenRequesterPrincipalName = try reader.read(since: 3, else: "")
        issueTimestampMs = try reader.read()
        expiryTimestampMs = try reader.read()
        maxTimestampMs = try reader.read()
        tokenID = try reader.read()
        hmac = try reader.read()
        throttleTimeMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(principalType)
        try writer.write(principalName)
        try writer.write(tokenRequesterPrincipalType, since: 3, else: "", field: "tokenRequesterPrincipalType")
        try writer.write(tokenRequesterPrincipalName, since: 3, else: "", field: "tokenRequesterPrincipalName")
        try writer.write(issueTimestampMs)
        try writer.write(expiryTimestampMs)
        try writer.write(maxTimestampMs)
        try writer.write(tokenID)
        try writer.write(hmac)
        try writer.write(throttleTimeMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
