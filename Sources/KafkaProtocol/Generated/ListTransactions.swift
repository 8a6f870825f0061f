// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ListTransactions.schema by ProtocolGenerator.

import KafkaModel

/// The transactional ids that a broker coordinates (KIP-664).
///
/// Versions 0 to 1, flexible from 0; request.
package struct ListTransactionsRequest: RequestMessage {
    package typealias Response = ListTransactionsResponse
    package static var apiKey: ApiKey { .listTransactions }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 3 }

    package var stateFilters: [String] = []
    package var producerIDFilters: [Int64] = []
    /// Since version 1.
    package var durationFilter: Int64 = -1
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(stateFilters: [String] = [], producerIDFilters: [Int64] = [], durationFilter: Int64 = -1) {
        self.stateFilters = stateFilters
        self.producerIDFilters = producerIDFilters
        self.durationFilter = durationFilter
    }

    package init(from reader: inout WireReader) throws(WireError) {
        stateFilters = try reader.read()
        producerIDFilters = try reader.read()
        durationFilter = try reader.read(since: 1, else: -1)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(stateFilters)
        try writer.write(producerIDFilters)
        try writer.write(durationFilter, since: 1, else: -1, field: "durationFilter")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// The transactional ids that a broker coordinates (KIP-664).
///
/// Versions 0 to 1, flexible from 0; response.
package struct ListTransactionsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .listTransactions }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 9 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var unknownStateFilters: [String] = []
    package var transactionStates: [TransactionState] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        unknownStateFilters: [String] = [],
        transactionStates: [TransactionState] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.unknownStateFilters = unknownStateFilters
        self.transactionStates = transactionStates
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        unknownStateFilters = try reader.read()
        transactionStates = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(unknownStateFilters)
        try writer.write(transactionStates)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ListTransactionsResponse {
    /// An element of `transactionStates`.
    package struct TransactionState: WireMessage {
        package static var minimumSize: Int { 11 }

        package var transactionalID: String = ""
        package var producerID: Int64 = 0
        package var transactionState: String = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(transactionalID: String = "", producerID: Int64 = 0, transactionState: String = "") {
            self.transactionalID = transactionalID
            self.producerID = producerID
            self.transactionState = transactionState
        }

        package init(from reader: inout WireReader) throws(WireError) {
            transactionalID = try reader.read()
            producerID = try reader.read()
            transactionState = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(transactionalID)
            try writer.write(producerID)
            try writer.write(transactionState)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
