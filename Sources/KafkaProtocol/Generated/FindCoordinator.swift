// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/FindCoordinator.schema by ProtocolGenerator.

import KafkaModel

/// Finds the broker that coordinates a group or a transactional id.
///
/// Versions 0 to 6, flexible from 3; request.
package struct FindCoordinatorRequest: RequestMessage {
    package typealias Response = FindCoordinatorResponse
    package static var apiKey: ApiKey { .findCoordinator }
    package static var versions: ClosedRange<Int16> { 0...6 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 2 }

    /// Until version 3.
    package var key: String = ""
    /// 0: group; 1: transactional id; 2: share group.
    /// Since version 1.
    package var keyType: Int8 = 0
    /// Since version 4.
    package var coordinatorKeys: [String] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(key: String = "", keyType: Int8 = 0, coordinatorKeys: [String] = []) {
        self.key = key
        self.keyType = keyType
        self.coordinatorKeys = coordinatorKeys
    }

    package init(from reader: inout WireReader) throws(WireError) {
        key = try reader.read(until: 3, else: "")
        keyType = try reader.read(since: 1, else: 0)
        coordinatorKeys = try reader.read(since: 4, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(key, until: 3, else: "", field: "key")
        try writer.write(keyType, since: 1, else: 0, field: "keyType")
        try writer.write(coordinatorKeys, since: 4, else: [], field: "coordinatorKeys")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Finds the broker that coordinates a group or a transactional id.
///
/// Versions 0 to 6, flexible from 3; response.
package struct FindCoordinatorResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .findCoordinator }
    package static var versions: ClosedRange<Int16> { 0...6 }
    package static var firstFlexibleVersion: Int16 { 3 }
    package static var minimumSize: Int { 6 }

    /// Since version 1.
    package var throttleTimeMs: Int32 = 0
    /// Until version 3.
    package var errorCode: ErrorCode = .none
    /// Versions 1 to 3.
    package var errorMessage: String? = ""
    /// Until version 3.
    package var nodeID: Int32 = 0
    /// Until version 3.
    package var host: String = ""
    /// Until version 3.
    package var port: Int32 = 0
    /// Since version 4.
    package var coordinators: [Coordinator] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        errorMessage: String? = "",
        nodeID: Int32 = 0,
        host: String = "",
        port: Int32 = 0,
        coordinators: [Coordinator] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.nodeID = nodeID
        self.host = host
        self.port = port
        self.coordinators = coordinators
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read(since: 1, else: 0)
        errorCode = try reader.read(until: 3, else: .none)
        errorMessage = try reader.read(since: 1, until: 3, else: "")
        nodeID = try reader.read(until: 3, else: 0)
        host = try reader.read(until: 3, else: "")
        port = try reader.read(until: 3, else: 0)
        coordinators = try reader.read(since: 4, else: [])
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs, since: 1)
        try writer.write(errorCode, until: 3, else: .none, field: "errorCode")
        try writer.write(errorMessage, since: 1, until: 3)
        try writer.write(nodeID, until: 3, else: 0, field: "nodeId")
        try writer.write(host, until: 3, else: "", field: "host")
        try writer.write(port, until: 3, else: 0, field: "port")
        try writer.write(coordinators, since: 4, else: [], field: "coordinators")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension FindCoordinatorResponse {
    /// An element of `coordinators`.
    package struct Coordinator: WireMessage {
        package static var minimumSize: Int { 1 }

        package var key: String = ""
        package var nodeID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            key: String = "",
            nodeID: Int32 = 0,
            host: String = "",
            port: Int32 = 0,
            errorCode: ErrorCode = .none,
            errorMessage: String? = ""
        ) {
            self.key = key
            self.nodeID = nodeID
            self.host = host
            self.port = port
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            key = try reader.read()
            nodeID = try reader.read()
            host = try reader.read()
            port = try reader.read()
            errorCode = try reader.read()
            errorMessage = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(key)
            try writer.write(nodeID)
            try writer.write(host)
            try writer.write(port)
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
