// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ExpireDelegationToken.schema by ProtocolGenerator.

import KafkaModel

/// Ends a delegation token, at once or at a given time.
///
/// Versions 0 to 2, flexible from 2; request.
package struct ExpireDelegationTokenRequest: RequestMessage {
    package typealias Response = ExpireDelegationTokenResponse
    package static var apiKey: ApiKey { .expireDelegationToken }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 10 }

    package var hmac: [UInt8] = []
    package var expiryTimePeriodMs: Int64 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(hmac: [UInt8] = [], expiryTimePeriodMs: Int64 = 0) {
        self.hmac = hmac
        self.expiryTimePeriodMs = expiryTimePeriodMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        hmac = try reader.read()
        expiryTimePeriodMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(hmac)
        try writer.write(expiryTimePeriodMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Ends a delegation token, at once or at a given time.
///
/// Versions 0 to 2, flexible from 2; response.
package struct ExpireDelegationTokenResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .expireDelegationToken }
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
