// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/EndTxn.schema by ProtocolGenerator.

import KafkaModel

/// Commits or aborts a transaction.
///
/// Versions 0 to 4, flexible from 3; request.
package struct EndTxnRequest: RequestMessage {
    package typealias Response = EndTxnResponse
    package static var apiKey: ApiKey { .endTxn }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 13 }

    package var transactionalID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    /// Whether to commit; else to abort.
    package var committed: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        transactionalID: String = "",
        producerID: Int64 = 0,
        producerEpoch: Int16 = 0,
        committed: Bool = false
    ) {
        self.transactionalID = transactionalID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.committed = committed
    }

    package init(from reader: inout WireReader) throws(WireError) {
        transactionalID = try reader.read()
        producerID = try reader.read()
        producerEpoch = try reader.read()
        committed = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(transactionalID)
        try writer.write(producerID)
        try writer.write(producerEpoch)
        try writer.write(committed)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Commits or aborts a transaction.
///
/// Versions 0 to 4, flexible from 3; response.
package struct EndTxnResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .endTxn }
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
