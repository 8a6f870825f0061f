// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AddPartitionsToTxn.schema by ProtocolGenerator.

import KafkaModel

/// Adds partitions to a transaction. From version 4 brokers verify partitions with it (KIP-890).
///
/// Versions 0 to 5, flexible from 3; request.
package struct AddPartitionsToTxnRequest: RequestMessage {
    package typealias Response = AddPartitionsToTxnResponse
    package static var apiKey: ApiKey { .addPartitionsToTxn }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 2 }

    /// Since version 4.
    package var transactions: [AddPartitionsToTxnTransaction] = []
    /// Until version 3.
    package var v3AndBelowTransactionalID: String = ""
    /// Until version 3.
    package var v3AndBelowProducerID: Int64 = 0
    /// Until version 3.
    package var v3AndBelowProducerEpoch: Int16 = 0
    /// Until version 3.
    package var v3AndBelowTopics: [AddPartitionsToTxnTopic] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        transactions: [AddPartitionsToTxnTransaction] = [],
        v3AndBelowTransactionalID: String = "",
        v3AndBelowProducerID: Int64 = 0,
        v3AndBelowProducerEpoch: Int16 = 0,
        v3AndBelowTopics: [AddPartitionsToTxnTopic] = []
    ) {
        self.transactions = transactions
        self.v3AndBelowTransactionalID = v3AndBelowTransactionalID
        self.v3AndBelowProducerID = v3AndBelowProducerID
        self.v3AndBelowProducerEpoch = v3AndBelowProducerEpoch
        self.v3AndBelowTopics = v3AndBelowTopics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        transactions = try reader.read(since: 4, else: [])
        v3AndBelowTransactionalID = try reader.read(until: 3, else: "")
        v3AndBelowProducerID = try reader.read(until: 3, else: 0)
        v3AndBelowProducerEpoch = try reader.read(until: 3, else: 0)
        v3AndBelowTopics = try reader.read(until: 3, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(transactions, since: 4, else: [], field: "transactions")
        try writer.write(v3AndBelowTransactionalID, until: 3, else: "", field: "v3AndBelowTransactionalId")
        try writer.write(v3AndBelowProducerID, until: 3, else: 0, field: "v3AndBelowProducerId")
        try writer.write(v3AndBelowProducerEpoch, until: 3, else: 0, field: "v3AndBelowProducerEpoch")
        try writer.write(v3AndBelowTopics, until: 3, else: [], field: "v3AndBelowTopics")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AddPartitionsToTxnRequest {
    /// An element of `transactions`.
    package struct AddPartitionsToTxnTransaction: WireMessage {
        package static var minimumSize: Int { 1 }

        /// Unique among its siblings.
        package var transactionalID: String = ""
        package var producerID: Int64 = 0
        package var producerEpoch: Int16 = 0
        package var verifyOnly: Bool = false
        package var topics: [AddPartitionsToTxnTopic] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            transactionalID: String = "",
            producerID: Int64 = 0,
            producerEpoch: Int16 = 0,
            verifyOnly: Bool = false,
            topics: [AddPartitionsToTxnTopic] = []
        ) {
            self.transactionalID = transactionalID
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.verifyOnly = verifyOnly
            self.topics = topics
        }

        package init(from reader: inout WireReader) throws(WireError) {
            transactionalID = try reader.read()
            producerID = try reader.read()
            producerEpoch = try reader.read()
            verifyOnly = try reader.read()
            topics = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(transactionalID)
            try writer.write(producerID)
            try writer.write(producerEpoch)
            try writer.write(verifyOnly)
            try writer.write(topics)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    package struct AddPartitionsToTxnTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var name: String = ""
        package var partitions: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [Int32] = []) {
            self.name = name
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Adds partitions to a transaction. From version 4 brokers verify partitions with it (KIP-890).
///
/// Versions 0 to 5, flexible from 3; response.
package struct AddPartitionsToTxnResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .addPartitionsToTxn }
    package static var versions: ClosedRange<Int16> { 0...5 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    /// Since version 4.
    package var errorCode: ErrorCode = .none
    /// Since version 4.
    package var resultsByTransaction: [AddPartitionsToTxnResult] = []
    /// Until version 3.
    package var resultsByTopicV3AndBelow: [AddPartitionsToTxnTopicResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        resultsByTransaction: [AddPartitionsToTxnResult] = [],
        resultsByTopicV3AndBelow: [AddPartitionsToTxnTopicResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.resultsByTransaction = resultsByTransaction
        self.resultsByTopicV3AndBelow = resultsByTopicV3AndBelow
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read(since: 4, else: .none)
        resultsByTransaction = try reader.read(since: 4, else: [])
        resultsByTopicV3AndBelow = try reader.read(until: 3, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode, since: 4)
        try writer.write(resultsByTransaction, since: 4, else: [], field: "resultsByTransaction")
        try writer.write(resultsByTopicV3AndBelow, until: 3, else: [], field: "resultsByTopicV3AndBelow")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AddPartitionsToTxnResponse {
    /// An element of `resultsByTransaction`.
    package struct AddPartitionsToTxnResult: WireMessage {
        package static var minimumSize: Int { 1 }

        /// Unique among its siblings.
        package var transactionalID: String = ""
        package var topicResults: [AddPartitionsToTxnTopicResult] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(transactionalID: String = "", topicResults: [AddPartitionsToTxnTopicResult] = []) {
            self.transactionalID = transactionalID
            self.topicResults = topicResults
        }

        package init(from reader: inout WireReader) throws(WireError) {
            transactionalID = try reader.read()
            topicResults = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(transactionalID)
            try writer.write(topicResults)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    package struct AddPartitionsToTxnTopicResult: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var name: String = ""
        package var resultsByPartition: [AddPartitionsToTxnPartitionResult] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", resultsByPartition: [AddPartitionsToTxnPartitionResult] = []) {
            self.name = name
            self.resultsByPartition = resultsByPartition
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            resultsByPartition = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(resultsByPartition)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    package struct AddPartitionsToTxnPartitionResult: WireMessage {
        package static var minimumSize: Int { 6 }

        /// Unique among its siblings.
        package var partitionIndex: Int32 = 0
        package var partitionErrorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partitionIndex: Int32 = 0, partitionErrorCode: ErrorCode = .none) {
            self.partitionIndex = partitionIndex
            self.partitionErrorCode = partitionErrorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            partitionErrorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(partitionErrorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
