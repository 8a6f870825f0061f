// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AllocateProducerIds.schema by ProtocolGenerator.

import KafkaModel

/// A broker gets a block of producer ids from the controller (KIP-730).
///
/// Version 0, flexible from 0; request.
package struct AllocateProducerIdsRequest: RequestMessage {
    package typealias Response = AllocateProducerIdsResponse
    package static var apiKey: ApiKey { .allocateProducerIds }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 13 }

    package var brokerID: Int32 = 0
    package var brokerEpoch: Int64 = -1
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(brokerID: Int32 = 0, brokerEpoch: Int64 = -1) {
        self.brokerID = brokerID
        self.brokerEpoch = brokerEpoch
    }

    package init(from reader: inout WireReader) throws(WireError) {
        brokerID = try reader.read()
        brokerEpoch = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(brokerID)
        try writer.write(brokerEpoch)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// A broker gets a block of producer ids from the controller (KIP-730).
///
/// Version 0, flexible from 0; response.
package struct AllocateProducerIdsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .allocateProducerIds }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 19 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var producerIDStart: Int64 = 0
    package var producerIDLen: Int32 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        producerIDStart: Int64 = 0,
        producerIDLen: Int32 = 0
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.producerIDStart = producerIDStart
        self.producerIDLen = producerIDLen
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        producerIDStart = try reader.read()
        producerIDLen = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(producerIDStart)
        try writer.write(producerIDLen)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
