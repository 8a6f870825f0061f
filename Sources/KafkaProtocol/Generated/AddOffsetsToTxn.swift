// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AddOffsetsToTxn.schema by ProtocolGenerator.

import KafkaModel

/// Adds a group's offsets partition to a transaction.
///
/// Versions 0 to 4, flexible from 3; request.
package struct AddOffsetsToTxnRequest: RequestMessage {
    package typealias Response = AddOffsetsToTxnResponse
    package static var apiKey: ApiKey { .addOffsetsToTxn }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 13 }

    package var transactionalID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var groupID: String = ""
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(transactionalID: String = "", producerID: Int64 = 0, producerEpoch: Int16 = 0, groupID: String = "") {
        self.transactionalID = transactionalID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.groupID = groupID
    }

    package init(from reader: inout WireReader) throws(WireError) {
        transactionalID = try reader.read()
        producerID = try reader.read()
        producerEpoch = try reader.read()
        groupID = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(transactionalID)
        try writer.write(producerID)
        try writer.write(producerEpoch)
        try writer.write(groupID)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Adds a group's offsets partition to a transaction.
///
/// Versions 0 to 4, flexible from 3; response.
package struct AddOffsetsToTxnResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .addOffsetsToTxn }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, errorCode: ErrorCode = .none) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}
