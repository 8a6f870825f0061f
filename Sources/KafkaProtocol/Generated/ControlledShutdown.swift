// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ControlledShutdown.schema by ProtocolGenerator.

import KafkaModel

/// A broker asks the controller to move its leaderships before it stops.
///
/// Versions 0 to 3, flexible from 3; request.
package struct ControlledShutdownRequest: RequestMessage {
    package typealias Response = ControlledShutdownResponse
    package static var apiKey: ApiKey { .controlledShutdown }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 4 }

    package var brokerID: Int32 = 0
    /// Since version 2.
    package var brokerEpoch: Int64 = -1
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(brokerID: Int32 = 0, brokerEpoch: Int64 = -1) {
        self.brokerID = brokerID
        self.brokerEpoch = brokerEpoch
    }

    package init(from reader: inout WireReader) throws(WireError) {
        brokerID = try reader.read()
        brokerEpoch = try reader.read(since: 2, else: -1)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(brokerID)
        try writer.write(brokerEpoch, since: 2)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// A broker asks the controller to move its leaderships before it stops.
///
/// Versions 0 to 3, flexible from 3; response.
package struct ControlledShutdownResponse: ResponseMessage {
    package static var apiKey: ApiKey { .controlledShutdown }
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 4 }

    package var errorCode: ErrorCode = .none
    package var remainingPartitions: [RemainingPartition] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(errorCode: ErrorCode = .none, remainingPartitions: [RemainingPartition] = []) {
        self.errorCode = errorCode
        self.remainingPartitions = remainingPartitions
    }

    package init(from reader: inout WireReader) throws(WireError) {
        errorCode = try reader.read()
        remainingPartitions = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(errorCode)
        try writer.write(remainingPartitions)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension ControlledShutdownResponse {
    /// An element of `remainingPartitions`.
    package struct RemainingPartition: WireMessage {
        package static var minimumSize: Int { 6 }

        /// Unique among its siblings.
        package var topicName: String = ""
        /// Unique among its siblings.
        package var partitionIndex: Int32 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicName: String = "", partitionIndex: Int32 = 0) {
            self.topicName = topicName
            self.partitionIndex = partitionIndex
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read()
            partitionIndex = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName)
            try writer.write(partitionIndex)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
