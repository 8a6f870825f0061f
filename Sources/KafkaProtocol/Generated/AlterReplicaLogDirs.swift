// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AlterReplicaLogDirs.schema by ProtocolGenerator.

import KafkaModel

/// Moves replicas between the log directories of a broker (KIP-113).
///
/// Versions 0 to 2, flexible from 2; request.
package struct AlterReplicaLogDirsRequest: RequestMessage {
    package typealias Response = AlterReplicaLogDirsResponse
    package static var apiKey: ApiKey { .alterReplicaLogDirs }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 2 }

    package var dirs: [AlterReplicaLogDir] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(dirs: [AlterReplicaLogDir] = []) {
        self.dirs = dirs
    }

    package init(from reader: inout WireReader) throws(WireError) {
        dirs = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(dirs)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterReplicaLogDirsRequest {
    /// An element of `dirs`.
    package struct AlterReplicaLogDir: WireMessage {
        package static var minimumSize: Int { 3 }

        /// Unique among its siblings.
        package var path: String = ""
        package var topics: [AlterReplicaLogDirTopic] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(path: String = "", topics: [AlterReplicaLogDirTopic] = []) {
            self.path = path
            self.topics = topics
        }

        package init(from reader: inout WireReader) throws(WireError) {
            path = try reader.read()
            topics = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(path)
            try writer.write(topics)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `topics`.
    package struct AlterReplicaLogDirTopic: WireMessage {
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

/// Moves replicas between the log directories of a broker (KIP-113).
///
/// Versions 0 to 2, flexible from 2; response.
package struct AlterReplicaLogDirsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .alterReplicaLogDirs }
    package static var versions: ClosedRange<Int16> { 0...2 }
    package static var firstFlexibleVersion: Int16 { 2 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var results: [AlterReplicaLogDirTopicResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, results: [AlterReplicaLogDirTopicResult] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.results = results
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        results = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(results)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterReplicaLogDirsResponse {
    /// An element of `results`.
    package struct AlterReplicaLogDirTopicResult: WireMessage {
        package static var minimumSize: Int { 3 }

        package var topicName: String = ""
        package var partitions: [AlterReplicaLogDirPartitionResult] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(topicName: String = "", partitions: [AlterReplicaLogDirPartitionResult] = []) {
            self.topicName = topicName
            self.partitions = partitions
        }

        package init(from reader: inout WireReader) throws(WireError) {
            topicName = try reader.read()
            partitions = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(topicName)
            try writer.write(partitions)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `partitions`.
    package struct AlterReplicaLogDirPartitionResult: WireMessage {
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
