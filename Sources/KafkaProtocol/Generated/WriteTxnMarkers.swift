// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/WriteTxnMarkers.schema by ProtocolGenerator.

import KafkaModel

/// A transaction coordinator has leaders write the end of a transaction to their partitions.
///
/// Versions 0 to 1, flexible from 1; request.
package struct WriteTxnMarkersRequest: RequestMessage {
    package typealias Response = WriteTxnMarkersResponse
    package static var apiKey: ApiKey { .writeTxnMarkers }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 1 }
    package static var minimumSize: Int { 2 }

    package var markers: [WritableTxnMarker] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(markers: [WritableTxnMarker] = []) {
        self.markers = markers
    }

    package init(from reader: inout WireReader) throws(WireError) {
        markers = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(markers)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension WriteTxnMarkersRequest {
    /// An element of `markers`.
    package struct WritableTxnMarker: WireMessage {
        package static var minimumSize: Int { 17 }

        package var producerID: Int64 = 0
        package var producerEpoch: Int16 = 0
        package var transactionResult: Bool = false
        package var topics: [WritableTxnMarkerTopic] = []
        package var coordinatorEpoch: Int32 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            producerID: Int64 = 0,
            producerEpoch: Int16 = 0,
            transactionResult: Bool = false,
            topics: [WritableTxnMarkerTopic] = [],
            coordinatorEpoch: Int32 = 0
        ) {
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.transactionResult = transactionResult
            self.topics = topics
            self.coordinatorEpoch = coordinatorEpoch
        }

        package init(from reader: inout WireReader) throws(WireError) {
            producerID = try reader.read()
            producerEpoch = try reader.read()
            transactionResult = try reader.read()
            topics = try reader.read()
            coordinatorEpoch = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(producerID)
            try writer.write(producerEpoch)
            try writer.write(transactionResult)
            try writer.write(topics)
            try writer.write(coordinatorEpoch)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct WritableTxnMarkerTopic: WireMessage {
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

/// A transaction coordinator has leaders write the end of a transaction to their partitions.
///
/// Versions 0 to 1, flexible from 1; response.
package struct WriteTxnMarkersResponse: ResponseMessage {
    package static var apiKey: ApiKey { .writeTxnMarkers }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 1 }
    package static var minimumSize: Int { 2 }

    package var markers: [WritableTxnMarkerResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(markers: [WritableTxnMarkerResult] = []) {
        self.markers = markers
    }

    package init(from reader: inout WireReader) throws(WireError) {
        markers = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(markers)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension WriteTxnMarkersResponse {
    /// An element of `markers`.
    package struct WritableTxnMarkerResult: WireMessage {
        package static var minimumSize: Int { 10 }

        package var producerID: Int64 = 0
        package var topics: [WritableTxnMarkerTopicResult] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(producerID: Int64 = 0, topics: [WritableTxnMarkerTopicResult] = []) {
            self.producerID = producerID
            self.topics = topics
        }

        package init(from reader: inout WireReader) throws(WireError) {
            producerID = try reader.read()
            topics = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(producerID)
            try writer.write(topics)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct WritableTxnMarkerTopicResult: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [WritableTxnMarkerPartitionResult] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [WritableTxnMarkerPartitionResult] = []) {
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
    package struct WritableTxnMarkerPartitionResult: WireMessage {
        package static var minimumSize: Int { 6 }

        package var partitionIndex: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(partitionIndex: Int32 = 0, errorCode: ErrorCode = .none) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            errorCode = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(errorCode)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
