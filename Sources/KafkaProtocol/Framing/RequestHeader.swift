// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

/// What precedes the body of every request.
///
/// ```
/// v0  int16 API key, int16 API version, int32 correlation id       only ControlledShutdown v0
/// v1  … nullable string client id (int16 length in all versions)
/// v2  … tagged fields                                              before flexible bodies
/// ```
package struct RequestHeader: Hashable, Sendable {
    /// One of ``ApiKey``: reading refuses others.
    package var apiKey: ApiKey
    /// Perhaps not a version that the API has: that is for the dispatcher to decide, since ApiVersions answers then.
    package var apiVersion: Int16
    /// Chosen by the client, returned with the response.
    package var correlationID: Int32
    package var clientID: String?
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init(apiKey: ApiKey, apiVersion: Int16, correlationID: Int32, clientID: String?) {
        self.apiKey = apiKey
        self.apiVersion = apiVersion
        self.correlationID = correlationID
        self.clientID = clientID
    }

    /// The version of the header before a body: 0, 1 or 2.
    package static func version(apiKey: ApiKey, apiVersion: Int16) -> Int16 {
        if apiVersion >= apiKey.firstFlexibleVersion { return 2 }
        return apiKey == .controlledShutdown && apiVersion == 0 ? 0 : 1
    }

    /// Reads a header, and moves the buffer's reader index behind it.
    package init(from buffer: inout ByteBuffer) throws(WireError) {
        // No length in a header is compact; only the tagged fields at its end are as in flexible bodies.
        var reader = WireReader(buffer, version: 1, flexible: false)
        let rawKey = try reader.readInteger(Int16.self)
        guard let key = ApiKey(rawValue: rawKey) else { throw .unknownApiKey(rawKey) }
        apiKey = key
        apiVersion = try reader.readInteger()
        correlationID = try reader.readInteger()
        let headerVersion = Self.version(apiKey: key, apiVersion: apiVersion)
        if headerVersion >= 1 { clientID = try reader.read() }
        var rest = reader.rest
        if headerVersion >= 2 { unknownTaggedFields = try [UnknownTaggedField](from: &rest) }
        buffer = rest
    }

    /// Writes the header at the start of a request.
    package func write(to writer: inout WireWriter) throws(WireError) {
        let headerVersion = Self.version(apiKey: apiKey, apiVersion: apiVersion)
        writer.writeInteger(apiKey.rawValue)
        writer.writeInteger(apiVersion)
        writer.writeInteger(correlationID)
        if headerVersion >= 1 {
            let length = clientID?.utf8.count ?? -1
            guard let short = Int16(exactly: length) else { throw .tooLong(length) }
            writer.writeInteger(short)
            writer.writeText(clientID ?? "")
        }
        if headerVersion >= 2 { try writer.writeTaggedFields(unknownTaggedFields) }
    }
}

/// What precedes the body of every response: the correlation id, and before flexible bodies tagged fields.
package struct ResponseHeader: Hashable, Sendable {
    package var correlationID: Int32
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init(correlationID: Int32) {
        self.correlationID = correlationID
    }

    /// The version of the header before a body: 0 or 1.
    ///
    /// Always 0 for ApiVersions: its answer must be readable before anyone knows what the other side can read.
    package static func version(apiKey: ApiKey, apiVersion: Int16) -> Int16 {
        apiVersion >= apiKey.firstFlexibleVersion && apiKey != .apiVersions ? 1 : 0
    }

    /// Reads a header, and moves the buffer's reader index behind it.
    package init(from buffer: inout ByteBuffer, apiKey: ApiKey, apiVersion: Int16) throws(WireError) {
        guard let correlationID = buffer.readInteger(as: Int32.self) else { throw .truncated }
        self.correlationID = correlationID
        if Self.version(apiKey: apiKey, apiVersion: apiVersion) >= 1 {
            unknownTaggedFields = try [UnknownTaggedField](from: &buffer)
        }
    }

    /// Writes the header at the start of a response.
    package func write(to writer: inout WireWriter, apiKey: ApiKey, apiVersion: Int16) throws(WireError) {
        writer.writeInteger(correlationID)
        if Self.version(apiKey: apiKey, apiVersion: apiVersion) >= 1 {
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

extension [UnknownTaggedField] {
    /// Reads the tagged fields of a header, which knows none.
    fileprivate init(from buffer: inout ByteBuffer) throws(WireError) {
        var reader = WireReader(buffer, version: 0, flexible: true)
        self = try reader.readTaggedFields()
        buffer = reader.rest
    }
}
