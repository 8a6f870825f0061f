// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/ConsumerProtocol.schema by ProtocolGenerator.

import KafkaModel

/// What a consumer sends as its JoinGroup metadata, after an int16 version.
///
/// Versions 0 to 3; data.
package struct ConsumerProtocolSubscription: DataMessage {
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 8 }

    package var topics: [String] = []
    package var userData: [UInt8]? = nil
    /// Since version 1.
    package var ownedPartitions: [TopicPartition] = []
    /// Since version 2.
    package var generationID: Int32 = -1
    /// Since version 3.
    package var rackID: String? = nil

    package init() {}

    package init(
        topics: [String] = [],
        userData: [UInt8]? = nil,
        ownedPartitions: [TopicPartition] = [],
        generationID: Int32 = -1,
        rackID: String? = nil
    ) {
        self.topics = topics
        self.userData = userData
        self.ownedPartitions = ownedPartitions
        self.generationID = generationID
        self.rackID = rackID
    }

    package init(from reader: inout WireReader) throws(WireError) {
        topics = try reader.read()
        userData = try reader.read()
        ownedPartitions = try reader.read(since: 1, else: [])
        generationID = try reader.read(since: 2, else: -1)
        rackID = try reader.read(since: 3, else: nil)
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(topics)
        try writer.write(userData)
        try writer.write(ownedPartitions, since: 1)
        try writer.write(generationID, since: 2)
        try writer.write(rackID, since: 3)
    }
}

extension ConsumerProtocolSubscription {
    /// An element of `ownedPartitions`.
    package struct TopicPartition: WireMessage {
        package static var minimumSize: Int { 1 }

        /// Unique among its siblings.
        package var topic: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package init(topic: String = "", partitions: [Int32] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read()
            partitions = try reader.read()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic)
            try writer.write(partitions)
        }
    }
}

/// What a consumer gets as its SyncGroup assignment, after an int16 version.
///
/// Versions 0 to 3; data.
package struct ConsumerProtocolAssignment: DataMessage {
    package static var versions: ClosedRange<Int16> { 0...3 }
    package static var firstFlexibleVersion: Int16 { .max }
    package static var minimumSize: Int { 8 }

    package var assignedPartitions: [TopicPartition] = []
    package var userData: [UInt8]? = nil

    package init() {}

    package init(assignedPartitions: [TopicPartition] = [], userData: [UInt8]? = nil) {
        self.assignedPartitions = assignedPartitions
        self.userData = userData
    }

    package init(from reader: inout WireReader) throws(WireError) {
        assignedPartitions = try reader.read()
        userData = try reader.read()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(assignedPartitions)
        try writer.write(userData)
    }
}

extension ConsumerProtocolAssignment {
    /// An element of `assignedPartitions`.
    package struct TopicPartition: WireMessage {
        package static var minimumSize: Int { 6 }

        /// Unique among its siblings.
        package var topic: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package init(topic: String = "", partitions: [Int32] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topic = try reader.read()
            partitions = try reader.read()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topic)
            try writer.write(partitions)
        }
    }
}
