// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/InitProducerId.schema by ProtocolGenerator.

import KafkaModel

/// Gives a producer its id and epoch, and fences its predecessor (KIP-98).
///
/// Versions 0 to 5, flexible from 2; request.
package struct InitProducerIdRequest: RequestMessage {
    package typealias Response = InitProducerIdResponse
    package static var apiKey: ApiKey { .initProducerId }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 6 }

    /// Null for idempotence without transactions.
    package var transactionalID: String? = ""
    package var transactionTimeoutMs: Int32 = 0
    /// Since version 3.
    package var producerID: Int64 = -1
    /// Since version 3.
    package var producerEpoch: Int16 = -1
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        transactionalID: String? = "",
        transactionTimeoutMs: Int32 = 0,
        producerID: Int64 = -1,
        producerEpoch: Int16 = -1
    ) {
        self.transactionalID = transactionalID
        self.transactionTimeoutMs = transactionTimeoutMs
        self.producerID = producerID
        self.producerEpoch = producerEpoch
    }

    package init(from reader: inout WireReader) throws(WireError) {
        transactionalID = try reader.read()
        transactionTimeoutMs = try reader.read()
        producerID = try reader.read(since: 3, else: -1)
        producerEpoch = try reader.read(since: 3, else: -1)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(transactionalID)
        try writer.write(transactionTimeoutMs)
        try writer.write(producerID, since: 3, else: -1, field: "producerId")
        try writer.write(producerEpoch, since: 3, else: -1, field: "producerEpoch")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Gives a producer its id and epoch, and fences its predecessor (KIP-98).
///
/// Versions 0 to 5, flexible from 2; response.
package struct InitProducerIdResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .initProducerId }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 16 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        producerID: Int64 = -1,
        producerEpoch: Int16 = 0
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.producerID = producerID
        self.producerEpoch = producerEpoch
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        producerID = try reader.read()
        producerEpoch = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(producerID)
        try writer.write(producerEpoch)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
