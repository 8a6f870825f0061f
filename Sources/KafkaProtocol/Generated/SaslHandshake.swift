// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/SaslHandshake.schema by ProtocolGenerator.

import KafkaModel

/// Chooses the SASL mechanism of a connection.
///
/// Versions 0 to 1; request.
package struct SaslHandshakeRequest: RequestMessage {
    package typealias Response = SaslHandshakeResponse
    package static var apiKey: ApiKey { .saslHandshake }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 2 }

    package var mechanism: String = ""

    package init() {}

    package init(mechanism: String = "") {
        self.mechanism = mechanism
    }

    package init(from reader: inout WireReader) throws(WireError) {
        mechanism = try reader.read()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(mechanism)
    }
}

/// Chooses the SASL mechanism of a connection.
///
/// Versions 0 to 1; response.
package struct SaslHandshakeResponse: ResponseMessage {
    package static var apiKey: ApiKey { .saslHandshake }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 6 }

    package var errorCode: ErrorCode = .none
    package var mechanisms: [String] = []

    package init() {}

    package init(errorCode: ErrorCode = .none, mechanisms: [String] = []) {
        self.errorCode = errorCode
        self.mechanisms = mechanisms
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        mechanisms = try reader.read()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(mechanisms)
    }
}
