// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/Envelope.schema by ProtocolGenerator.

import KafkaModel

/// Carries a request of a client from a broker to the controller (KIP-590).
///
/// Version 0, flexible from 0; request.
package struct EnvelopeRequest: RequestMessage {
    package typealias Response = EnvelopeResponse
    package static var apiKey: ApiKey { .envelope }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 4 }

    package var requestData: [UInt8] = []
    package var requestPrincipal: [UInt8]? = []
    package var clientHostAddress: [UInt8] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(requestData: [UInt8] = [], requestPrincipal: [UInt8]? = [], clientHostAddress: [UInt8] = []) {
        self.requestData = requestData
        self.requestPrincipal = requestPrincipal
        self.clientHostAddress = clientHostAddress
    }

    package init(from reader: inout WireReader) throws(WireError) {
        requestData = try reader.read()
        requestPrincipal = try reader.read()
        clientHostAddress = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(requestData)
        try writer.write(requestPrincipal)
        try writer.write(clientHostAddress)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Carries a request of a client from a broker to the controller (KIP-590).
///
/// Version 0, flexible from 0; response.
package struct EnvelopeResponse: ResponseMessage {
    package static var apiKey: ApiKey { .envelope }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 4 }

    package var responseData: [UInt8]? = nil
    package var errorCode: ErrorCode = .none
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(responseData: [UInt8]? = nil, errorCode: ErrorCode = .none) {
        self.responseData = responseData
        self.errorCode = errorCode
    }

    package init(from reader: inout WireReader) throws(WireError) {
        responseData = try reader.read()
        errorCode = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(responseData)
        try writer.write(errorCode)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
