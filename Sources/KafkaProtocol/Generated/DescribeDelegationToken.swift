// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeDelegationToken.schema by ProtocolGenerator.

import KafkaModel

/// Lists delegation tokens.
///
/// Versions 0 to 3, flexible from 2; request.
package struct DescribeDelegationTokenRequest: RequestMessage {
    package typealias Response = DescribeDelegationTokenResponse
    package static var apiKey: ApiKey { .describeDelegationToken }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 2 }

    package var owners: [DescribeDelegationTokenOwner]? = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(owners: [DescribeDelegationTokenOwner]? = []) {
        self.owners = owners
    }

    package init(from reader: inout WireReader) throws(WireError) {
        owners = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(owners)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeDelegationTokenRequest {
    /// An element of `owners`.
    package struct DescribeDelegationTokenOwner: WireMessage {
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

/// Lists delegation tokens.
///
/// Versions 0 to 3, flexible from 2; response.
package struct DescribeDelegationTokenResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeDelegationToken }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 8 }

    package var errorCode: ErrorCode = .none
    package var tokens: [DescribedDelegationToken] = []
    package var throttleTimeMs: Int32 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(errorCode: ErrorCode = .none, tokens: [DescribedDelegationToken] = [], throttleTimeMs: Int32 = 0) {
        self.errorCode = errorCode
        self.tokens = tokens
        self.throttleTimeMs = throttleTimeMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        tokens = try reader.read()
        throttleTimeMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(tokens)
        try writer.write(throttleTimeMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeDelegationTokenResponse {
    /// An element of `tokens`.
    package struct DescribedDelegationToken: WireMessage {
        package static var minimumSize: Int { 30 }

        package var principalType: String = ""
        package var principalName: String = ""
        /// Since version 3.
        package var tokenRequesterPrincipalType: String = ""
        /// Since version 3.
        package var tokenRequesterPrincipalName: String = ""
        package var issueTimestamp: Int64 = 0
        package var expiryTimestamp: Int64 = 0
        package var maxTimestamp: Int64 = 0
        package var tokenID: String = ""
        package var hmac: [UInt8] = []
        package var renewers: [DescribedDelegationTokenRenewer] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            principalType: String = "",
            principalName: String = "",
            tokenRequesterPrincipalType: String = "",
            tokenRequesterPrincipalName: String = "",
            issueTimestamp: Int64 = 0,
            expiryTimestamp: Int64 = 0,
            maxTimestamp: Int64 = 0,
            tokenID: String = "",
            hmac: [UInt8] = [],
            renewers: [DescribedDelegationTokenRenewer] = []
        ) {
            self.principalType = principalType
            self.principalName = principalName
            self.tokenRequesterPrincipalType = tokenRequesterPrincipalType
            self.tokenRequesterPrincipalName = tokenRequesterPrincipalName
            self.issueTimestamp = issueTimestamp
            self.expiryTimestamp = expiryTimestamp
            self.maxTimestamp = maxTimestamp
            self.tokenID = tokenID
            self.hmac = hmac
            self.renewers = renewers
        }

        package init(from reader: inout WireReader) throws(WireError) {
            principalType = try reader.read()
            principalName = try reader.read()
            tokenRequesterPrincipalType = try reader.read(since: 3, else: "")
            tokenRequesterPrincipalName = try reader.read(since: 3, else: "")
            issueTimestamp = try reader.read()
            expiryTimestamp = try reader.read()
            maxTimestamp = try reader.read()
            tokenID = try reader.read()
            hmac = try reader.read()
            renewers = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(principalType)
            try writer.write(principalName)
            try writer.write(tokenRequesterPrincipalType, since: 3, else: "", field: "tokenRequesterPrincipalType")
            try writer.write(tokenRequesterPrincipalName, since: 3, else: "", field: "tokenRequesterPrincipalName")
            try writer.write(issueTimestamp)
            try writer.write(expiryTimestamp)
            try writer.write(maxTimestamp)
            try writer.write(tokenID)
            try writer.write(hmac)
            try writer.write(renewers)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `renewers`.
    package struct DescribedDelegationTokenRenewer: WireMessage {
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
