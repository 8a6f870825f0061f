// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeTransactions.schema by ProtocolGenerator.

import KafkaModel

/// State of transactional ids (KIP-664).
///
/// Version 0, flexible from 0; request.
package struct DescribeTransactionsRequest: RequestMessage {
    package typealias Response = DescribeTransactionsResponse
    package static var apiKey: ApiKey { .describeTransactions }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 2 }

    package var transactionalIDs: [String] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(transactionalIDs: [String] = []) {
        self.transactionalIDs = transactionalIDs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        transactionalIDs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(transactionalIDs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// State of transactional ids (KIP-664).
///
/// Version 0, flexible from 0; response.
package struct DescribeTransactionsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeTransactions }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var transactionStates: [TransactionState] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, transactionStates: [TransactionState] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.transactionStates = transactionStates
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        transactionStates = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(transactionStates)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeTransactionsResponse {
    /// An element of `transactionStates`.
    package struct TransactionState: WireMessage {
        package static var minimumSize: Int { 28 }

        package var errorCode: ErrorCode = .none
        package var transactionalID: String = ""
        package var transactionState: String = ""
        package var transactionTimeoutMs: Int32 = 0
        package var transactionStartTimeMs: Int64 = 0
        package var producerID: Int64 = 0
        package var producerEpoch: Int16 = 0
        package var topics: [TopicData] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            transactionalID: String = "",
            transactionState: String = "",
            transactionTimeoutMs: Int32 = 0,
            transactionStartTimeMs: Int64 = 0,
            producerID: Int64 = 0,
            producerEpoch: Int16 = 0,
            topics: [TopicData] = []
        ) {
            self.errorCode = errorCode
            self.transactionalID = transactionalID
            self.transactionState = transactionState
            self.transactionTimeoutMs = transactionTimeoutMs
            self.transactionStartTimeMs = transactionStartTimeMs
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.topics = topics
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            transactionalID = try reader.read()
            transactionState = try reader.read()
            transactionTimeoutMs = try reader.read()
            transactionStartTimeMs = try reader.read()
            producerID = try reader.read()
            producerEpoch = try reader.read()
            topics = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(transactionalID)
            try writer.write(transactionState)
            try writer.write(transactionTimeoutMs)
            try writer.write(transactionStartTimeMs)
            try writer.write(producerID)
            try writer.write(producerEpoch)
            try writer.write(topics)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct TopicData: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var topic: String = ""
        package var partitions: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", partitions: [Int32] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
