// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/TransactionCoordinatorRecords.schema by ProtocolGenerator.

import KafkaModel

/// Key of a transactional id in __transaction_state, after an int16 version.
///
/// Version 0; data.
package struct TransactionLogKey: DataMessage {
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 2 }

    package var transactionalID: String = ""

    package init() {}

    package init(transactionalID: String = "") {
        self.transactionalID = transactionalID
    }

    package init(from reader: inout WireReader) throws(WireError) {
        transactionalID = try reader.read()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(transactionalID)
    }
}

/// State of a transactional id in __transaction_state, after an int16 version.
///
/// Versions 0 to 1, flexible from 1; data.
package struct TransactionLogValue: DataMessage {
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 1 }
    package static var minimumSize: Int { 33 }

    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var transactionTimeoutMs: Int32 = 0
    package var transactionStatus: Int8 = 0
    package var transactionPartitions: [PartitionsSchema]? = []
    package var transactionLastUpdateTimestampMs: Int64 = 0
    package var transactionStartTimestampMs: Int64 = 0
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        producerID: Int64 = 0,
        producerEpoch: Int16 = 0,
        transactionTimeoutMs: Int32 = 0,
        transactionStatus: Int8 = 0,
        transactionPartitions: [PartitionsSchema]? = [],
        transactionLastUpdateTimestampMs: Int64 = 0,
        transactionStartTimestampMs: Int64 = 0
    ) {
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.transactionTimeoutMs = transactionTimeoutMs
        self.transactionStatus = transactionStatus
        self.transactionPartitions = transactionPartitions
        self.transactionLastUpdateTimestampMs = transactionLastUpdateTimestampMs
        self.transactionStartTimestampMs = transactionStartTimestampMs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        producerID = try reader.read()
        producerEpoch = try reader.read()
        transactionTimeoutMs = try reader.read()
        transactionStatus = try reader.read()
        transactionPartitions = try reader.read()
        transactionLastUpdateTimestampMs = try reader.read()
        transactionStartTimestampMs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(producerID)
        try writer.write(producerEpoch)
        try writer.write(transactionTimeoutMs)
        try writer.write(transactionStatus)
        try writer.write(transactionPartitions)
        try writer.write(transactionLastUpdateTimestampMs)
        try writer.write(transactionStartTimestampMs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension TransactionLogValue {
    /// An element of `transactionPartitions`.
    package struct PartitionsSchema: WireMessage {
        package static var minimumSize: Int { 3 }

        package var topic: String = ""
        package var partitionIDs: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topic: String = "", partitionIDs: [Int32] = []) {
            self.topic = topic
            self.partitionIDs = partitionIDs
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read()
            partitionIDs = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic)
            try writer.write(partitionIDs)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
