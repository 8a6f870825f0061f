// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

/// A message, or a structure inside of one: a single type for all versions. The version belongs to reader and writer.
package protocol WireMessage: WireNullable, Hashable {
    /// All fields at their defaults.
    init()
}

/// A message whose versions are known: an API's request or response, or data that is stored with its version.
package protocol VersionedMessage: WireMessage {
    static var versions: ClosedRange<Int16> { get }
    /// The first version with compact lengths and tagged fields (KIP-482); `Int16.max` if there is none.
    static var firstFlexibleVersion: Int16 { get }
}

/// The body of a request or response.
package protocol ApiMessage: VersionedMessage {
    static var apiKey: ApiKey { get }
}

/// The body of a request.
package protocol RequestMessage: ApiMessage {
    associatedtype Response: ResponseMessage
}

/// The body of a response.
package protocol ResponseMessage: ApiMessage {}

/// A response that tells its client how long the broker makes it wait for its quota (KIP-219).
package protocol ThrottledResponse: ResponseMessage {
    /// Milliseconds. Versions that lack the field drop it.
    var throttleTimeMs: Int32 { get set }
}

/// A record's key or value, or opaque bytes between clients, with the version in the first two bytes.
package protocol DataMessage: VersionedMessage {}

extension VersionedMessage {
    package static func isFlexible(_ version: Int16) -> Bool { version >= firstFlexibleVersion }

    /// Reads a message from its body (what follows the header).
    ///
    /// Bytes after the message are ignored, as Kafka does; `trailing` tells how many they are.
    /// - Throws: also when the message has no such version.
    package init(decoding body: ByteBuffer, version: Int16) throws(WireError) {
        var trailing = 0
        try self.init(decoding: body, version: version, trailing: &trailing)
    }

    /// As above; `trailing` becomes the number of bytes after the message.
    package init(decoding body: ByteBuffer, version: Int16, trailing: inout Int) throws(WireError) {
        try Self.check(version)
        var reader = WireReader(body, version: version, flexible: Self.isFlexible(version))
        try self.init(from: &reader)
        trailing = reader.remaining
    }

    /// The message's body in one buffer.
    /// - Throws: also when record data lies in files.
    package func encoded(version: Int16) throws(WireError) -> ByteBuffer {
        try Self.check(version)
        var writer = WireWriter(version: version, flexible: Self.isFlexible(version))
        try write(to: &writer)
        return try writer.finishInOneBuffer()
    }

    private static func check(_ version: Int16) throws(WireError) {
        guard versions.contains(version) else { throw unsupported(version) }
    }

    private static func unsupported(_ version: Int16) -> WireError {
        if let message = Self.self as? any ApiMessage.Type { return .unsupportedVersion(message.apiKey, version) }
        return .unsupportedDataVersion(version)
    }
}

extension DataMessage {
    /// Reads the version and then the message.
    ///
    /// - Parameter laterAsLatest: reads a version above the known ones as the latest known one, as consumers do with
    ///   each other's subscriptions and assignments: later versions only append fields.
    package init(withVersion bytes: ByteBuffer, laterAsLatest: Bool = false) throws(WireError) {
        var bytes = bytes
        guard var version = bytes.readInteger(as: Int16.self) else { throw .truncated }
        if laterAsLatest { version = min(version, Self.versions.upperBound) }
        try self.init(decoding: bytes, version: version)
    }

    /// The version and then the message.
    package func encodedWithVersion(_ version: Int16) throws(WireError) -> ByteBuffer {
        var bytes = ByteBuffer(integer: version)
        bytes.writeImmutableBuffer(try encoded(version: version))
        return bytes
    }
}
