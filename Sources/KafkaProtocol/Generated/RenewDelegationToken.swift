// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/RenewDelegationToken.schema by ProtocolGenerator.

import KafkaModel

/// Prolongs a delegation token.
///
/// Versions 0 to 2, flexible from 2; request.
package struct RenewDelegationTokenRequest: RequestMessage {
    package typealias Response = RenewDelegationTokenResponse
    package static var apiKey: ApiKey { .renewDelegationToken }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 10 }

    package var hmac: [UInt8] = []
    package var renewPeriodMs: Int64 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(hmac: [UInt8] = [], renewPeriodMs: Int64 = 0) {
        self.hmac = hmac
        self.renewPeriodMs = renewPeriodMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        hmac = try reader.read()
        renewPeriodMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(hmac)
        try writer.write(renewPeriodMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Prolongs a delegation token.
///
/// Versions 0 to 2, flexible from 2; response.
package struct RenewDelegationTokenResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .renewDelegationToken }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 14 }

    package var errorCode: ErrorCode = .none
    package var expiryTimestampMs: Int64 = 0
    package var throttleTimeMs: Int32 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(errorCode: ErrorCode = .none, expiryTimestampMs: Int64 = 0, throttleTimeMs: Int32 = 0) {
        self.errorCode = errorCode
        self.expiryTimestampMs = expiryTimestampMs
        self.throttleTimeMs = throttleTimeMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        expiryTimestampMs = try reader.read()
        throttleTimeMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(expiryTimestampMs)
        try writer.write(throttleTimeMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
