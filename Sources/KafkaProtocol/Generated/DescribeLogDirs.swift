// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeLogDirs.schema by ProtocolGenerator.

import KafkaModel

/// Log directories of a broker, with the sizes of the replicas there.
///
/// Versions 0 to 4, flexible from 2; request.
package struct DescribeLogDirsRequest: RequestMessage {
    package typealias Response = DescribeLogDirsResponse
    package static var apiKey: ApiKey { .describeLogDirs }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 2 }

    package var topics: [DescribableLogDirTopic]? = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(topics: [DescribableLogDirTopic]? = []) {
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

extension DescribeLogDirsRequest {
    /// An element of `topics`.
    package struct DescribableLogDirTopic: WireMessage {
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

/// Log directories of a broker, with the sizes of the replicas there.
///
/// Versions 0 to 4, flexible from 2; response.
package struct DescribeLogDirsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeLogDirs }
    package static var versions: ClosedRange<Int16> { 0...4 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    /// Since version 3.
    package var errorCode: ErrorCode = .none
    package var results: [DescribeLogDirsResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, errorCode: ErrorCode = .none, results: [DescribeLogDirsResult] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.results = results
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read(since: 3, else: .none)
        results = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode, since: 3)
        try writer.write(results)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeLogDirsResponse {
    /// An element of `results`.
    package struct DescribeLogDirsResult: WireMessage {
        package static var minimumSize: Int { 5 }

        package var errorCode: ErrorCode = .none
        package var logDir: String = ""
        package var topics: [DescribeLogDirsTopic] = []
        /// Since version 4.
        package var totalBytes: Int64 = -1
        /// Since version 4.
        package var usableBytes: Int64 = -1
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            errorCode: ErrorCode = .none,
            logDir: String = "",
            topics: [DescribeLogDirsTopic] = [],
            totalBytes: Int64 = -1,
            usableBytes: Int64 = -1
        ) {
            self.errorCode = errorCode
            self.logDir = logDir
            self.topics = topics
            self.totalBytes = totalBytes
            self.usableBytes = usableBytes
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            logDir = try reader.read()
            topics = try reader.read()
            totalBytes = try reader.read(since: 4, else: -1)
            usableBytes = try reader.read(since: 4, else: -1)
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(logDir)
            try writer.write(topics)
            try writer.write(totalBytes, since: 4)
            try writer.write(usableBytes, since: 4)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct DescribeLogDirsTopic: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        package var partitions: [DescribeLogDirsPartition] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", partitions: [DescribeLogDirsPartition] = []) {
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
    package struct DescribeLogDirsPartition: WireMessage {
        package static var minimumSize: Int { 21 }

        package var partitionIndex: Int32 = 0
        package var partitionSize: Int64 = 0
        package var offsetLag: Int64 = 0
        package var isFutureKey: Bool = false
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            partitionIndex: Int32 = 0,
            partitionSize: Int64 = 0,
            offsetLag: Int64 = 0,
            isFutureKey: Bool = false
        ) {
            self.partitionIndex = partitionIndex
            self.partitionSize = partitionSize
            self.offsetLag = offsetLag
            self.isFutureKey = isFutureKey
        }

        package init(from reader: inout WireReader) throws(WireError) {
            partitionIndex = try reader.read()
            partitionSize = try reader.read()
            offsetLag = try reader.read()
            isFutureKey = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(partitionIndex)
            try writer.write(partitionSize)
            try writer.write(offsetLag)
            try writer.write(isFutureKey)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
