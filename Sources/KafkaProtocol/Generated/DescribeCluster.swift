// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeCluster.schema by ProtocolGenerator.

import KafkaModel

/// Cluster id, controller and brokers (KIP-700).
///
/// Versions 0 to 1, flexible from 0; request.
package struct DescribeClusterRequest: RequestMessage {
    package typealias Response = DescribeClusterResponse
    package static var apiKey: ApiKey { .describeCluster }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 2 }

    package var includeClusterAuthorizedOperations: Bool = false
    /// 1: brokers; 2: controllers.
    /// Since version 1.
    package var endpointType: Int8 = 1
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(includeClusterAuthorizedOperations: Bool = false, endpointType: Int8 = 1) {
        self.includeClusterAuthorizedOperations = includeClusterAuthorizedOperations
        self.endpointType = endpointType
    }

    package init(from reader: inout WireReader) throws(WireError) {
        includeClusterAuthorizedOperations = try reader.read()
        endpointType = try reader.read(since: 1, else: 1)
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(includeClusterAuthorizedOperations)
        try writer.write(endpointType, since: 1, else: 1, field: "endpointType")
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

/// Cluster id, controller and brokers (KIP-700).
///
/// Versions 0 to 1, flexible from 0; response.
package struct DescribeClusterResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeCluster }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 18 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var errorMessage: String? = nil
    /// Since version 1.
    package var endpointType: Int8 = 1
    package var clusterID: String = ""
    package var controllerID: Int32 = -1
    package var brokers: [DescribeClusterBroker] = []
    package var clusterAuthorizedOperations: Int32 = -2147483648
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        errorMessage: String? = nil,
        endpointType: Int8 = 1,
        clusterID: String = "",
        controllerID: Int32 = -1,
        brokers: [DescribeClusterBroker] = [],
        clusterAuthorizedOperations: Int32 = -2147483648
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.endpointType = endpointType
        self.clusterID = clusterID
        self.controllerID = controllerID
        self.brokers = brokers
        self.clusterAuthorizedOperations = clusterAuthorizedOperations
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        errorMessage = try reader.read()
        endpointType = try reader.read(since: 1, else: 1)
        clusterID = try reader.read()
        controllerID = try reader.read()
        brokers = try reader.read()
        clusterAuthorizedOperations = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(errorMessage)
        try writer.write(endpointType, since: 1, else: 1, field: "endpointType")
        try writer.write(clusterID)
        try writer.write(controllerID)
        try writer.write(brokers)
        try writer.write(clusterAuthorizedOperations)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeClusterResponse {
    /// An element of `brokers`.
    package struct DescribeClusterBroker: WireMessage {
        package static var minimumSize: Int { 11 }

        /// Unique among its siblings.
        package var brokerID: Int32 = 0
        package var host: String = ""
        package var port: Int32 = 0
        package var rack: String? = nil
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(brokerID: Int32 = 0, host: String = "", port: Int32 = 0, rack: String? = nil) {
            self.brokerID = brokerID
            self.host = host
            self.port = port
            self.rack = rack
        }

        package init(from reader: inout WireReader) throws(WireError) {
            brokerID = try reader.read()
            host = try reader.read()
            port = try reader.read()
            rack = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(brokerID)
            try writer.write(host)
            try writer.write(port)
            try writer.write(rack)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
