// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeProducers.schema by ProtocolGenerator.

import KafkaModel

/// The producers that are active on partitions (KIP-664).
///
/// Version 0, flexible from 0; request.
package struct DescribeProducersRequest: RequestMessage {
    package typealias Response = DescribeProducersResponse
    package static var apiKey: ApiKey { .describeProducers }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 2 }

    package var topics: [TopicRequest] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(topics: [TopicRequest] = []) {
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeProducersRequest {
    /// An element of `topics`.
    package struct TopicRequest: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitionIndexes: [Int32] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitionIndexes: [Int32] = []) {
            self.name = name
            self.partitionIndexes = partitionIndexes
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            partitionIndexes = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(partitionIndexes)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// The producers that are active on partitions (KIP-664).
///
/// Version 0, flexible from 0; response.
package struct DescribeProducersResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeProducers }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var topics: [TopicResponse] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, topics: [TopicResponse] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        topics = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(topics)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeProducersResponse {
    /// An element of `topics`.
    package struct TopicResponse: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [PartitionResponse] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [PartitionResponse] = []) {
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

    /// An element of `partitions`.
    package struct PartitionResponse: WireMessage {
        package static var minimumSize: Int { 9 }

        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = nil
        package var activeProducers: [ProducerState] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            errorCode: ErrorCode = .none,
            errorMessage: String? = nil,
            activeProducers: [ProducerState] = []
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.activeProducers = activeProducers
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            errorMessage = try reader.read()
            activeProducers = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.write(activeProducers)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `activeProducers`.
    package struct ProducerState: WireMessage {
        package static var minimumSize: Int { 37 }

        package var producerID: Int64 = 0
        package var producerEpoch: Int32 = 0
        package var lastSequence: Int32 = -1
        package var lastTimestamp: Int64 = -1
        package var coordinatorEpoch: Int32 = 0
        package var currentTxnStartOffset: Int64 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            producerID: Int64 = 0,
            producerEpoch: Int32 = 0,
            lastSequence: Int32 = -1,
            lastTimestamp: Int64 = -1,
            coordinatorEpoch: Int32 = 0,
            currentTxnStartOffset: Int64 = -1
        ) {
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.lastSequence = lastSequence
            self.lastTimestamp = lastTimestamp
            self.coordinatorEpoch = coordinatorEpoch
            self.currentTxnStartOffset = currentTxnStartOffset
        }

        package init(from reader: inout WireReader) throws(WireError) {
            producerID = try reader.read()
            producerEpoch = try reader.read()
            lastSequence = try reader.read()
            lastTimestamp = try reader.read()
            coordinatorEpoch = try reader.read()
            currentTxnStartOffset = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(producerID)
            try writer.write(producerEpoch)
            try writer.write(lastSequence)
            try writer.write(lastTimestamp)
            try writer.write(coordinatorEpoch)
            try writer.write(currentTxnStartOffset)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
