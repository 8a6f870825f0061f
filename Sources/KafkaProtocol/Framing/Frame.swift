// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

/// Requests and responses as they cross a socket: an int32 length, a header, a body.
package enum Frame {
    /// The bytes of the length in front of a frame.
    package static let lengthBytes = 4

    // MARK: Writing

    /// A whole request with its length, in one buffer.
    package static func encodeRequest(
        _ header: RequestHeader, _ message: some RequestMessage
    ) throws(WireError) -> ByteBuffer {
        try request(header, message).finishInOneBuffer()
    }

    /// A whole request with its length, in parts: record data is not copied.
    package static func encodeRequestParts(
        _ header: RequestHeader, _ message: some RequestMessage
    ) throws(WireError) -> [WirePart] {
        try request(header, message).finish()
    }

    /// A whole response with its length, in parts: record data is not copied.
    /// - Parameter version: of the request that is answered. If ApiVersions does not have it, the answer is version 0.
    package static func encodeResponse(
        correlationID: Int32, _ message: some ResponseMessage, version: Int16
    ) throws(WireError) -> [WirePart] {
        try encodeResponse(ResponseHeader(correlationID: correlationID), message, version: version)
    }

    /// As above, with a header that may hold tagged fields.
    package static func encodeResponse(
        _ header: ResponseHeader, _ message: some ResponseMessage, version: Int16
    ) throws(WireError) -> [WirePart] {
        try response(header, message, version: version).finish()
    }

    /// As above, with the errors that the response tells of, as often as it does.
    package static func encodeResponseNotingErrors(
        correlationID: Int32, _ message: some ResponseMessage, version: Int16
    ) throws(WireError) -> (parts: [WirePart], errors: [ErrorCode]) {
        let writer = try response(ResponseHeader(correlationID: correlationID), message, version: version)
        let errors = writer.errors
        return (writer.finish(), errors)
    }

    private static func response<Message: ResponseMessage>(
        _ header: ResponseHeader, _ message: Message, version: Int16
    ) throws(WireError) -> WireWriter {
        let version = try responseVersion(Message.apiKey, requestVersion: version)
        var writer = WireWriter(version: version, flexible: Message.isFlexible(version))
        writer.writeInteger(Int32(0))
        try header.write(to: &writer, apiKey: Message.apiKey, apiVersion: version)
        try message.write(to: &writer)
        try writer.setFrameLength()
        return writer
    }

    private static func request<Message: RequestMessage>(
        _ header: RequestHeader, _ message: Message
    ) throws(WireError) -> WireWriter {
        let version = header.apiVersion
        guard header.apiKey == Message.apiKey, Message.versions.contains(version) else {
            throw .unsupportedVersion(header.apiKey, version)
        }
        var writer = WireWriter(version: version, flexible: Message.isFlexible(version))
        writer.writeInteger(Int32(0))
        try header.write(to: &writer)
        try message.write(to: &writer)
        try writer.setFrameLength()
        return writer
    }

    // MARK: Reading

    /// Splits a request, without its length, into header and body. The body is a slice.
    package static func decodeRequest(
        _ frame: ByteBuffer
    ) throws(WireError) -> (header: RequestHeader, body: ByteBuffer) {
        var body = frame
        let header = try RequestHeader(from: &body)
        return (header, body)
    }

    /// Reads a response, without its length.
    /// - Parameter version: of the request that is answered.
    package static func decodeResponse<Message: ResponseMessage>(
        _: Message.Type = Message.self, _ frame: ByteBuffer, version: Int16
    ) throws(WireError) -> (header: ResponseHeader, message: Message) {
        var body = frame
        let header = try ResponseHeader(from: &body, apiKey: Message.apiKey, apiVersion: version)
        return (header, try Message(decoding: body, version: version))
    }

    /// The version of the answer to a request: the same, but 0 for an ApiVersions request of a version that is not
    /// served, since the client is still finding out what is.
    package static func responseVersion(_ apiKey: ApiKey, requestVersion: Int16) throws(WireError) -> Int16 {
        if apiKey.versions.contains(requestVersion) { return requestVersion }
        guard apiKey == .apiVersions else { throw .unsupportedVersion(apiKey, requestVersion) }
        return 0
    }
}
