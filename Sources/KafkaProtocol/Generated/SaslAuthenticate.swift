// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/SaslAuthenticate.schema by ProtocolGenerator.

import KafkaModel

/// Carries one message of a SASL exchange.
///
/// Versions 0 to 2, flexible from 2; request.
package struct SaslAuthenticateRequest: RequestMessage {
    package typealias Response = SaslAuthenticateResponse
    package static var apiKey: ApiKey { .saslAuthenticate }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 2 }

    package var authBytes: [UInt8] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(authBytes: [UInt8] = []) {
        self.authBytes = authBytes
    }

    package init(from reader: inout WireReader) throws(WireError) {
        authBytes = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(authBytes)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Carries one message of a SASL exchange.
///
/// Versions 0 to 2, flexible from 2; response.
package struct SaslAuthenticateResponse: ResponseMessage {
    package static var apiKey: ApiKey { .saslAuthenticate }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 8 }

    package var errorCode: ErrorCode = .none
    package var errorMessage: String? = ""
    package var authBytes: [UInt8] = []
    /// Since version 1.
    package var sessionLifetimeMs: Int64 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        errorCode: ErrorCode = .none,
        errorMessage: String? = "",
        authBytes: [UInt8] = [],
        sessionLifetimeMs: Int64 = 0
    ) {
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.authBytes = authBytes
        self.sessionLifetimeMs = sessionLifetimeMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        errorMessage = try reader.read()
        authBytes = try reader.read()
        sessionLifetimeMs = try reader.read(since: 1, else: 0)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(errorMessage)
        try writer.write(authBytes)
        try writer.write(sessionLifetimeMs, since: 1)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
