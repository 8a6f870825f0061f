// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Why bytes are not a message, or a message cannot become bytes.
package enum WireError: Error, Hashable, Sendable {
    // MARK: Reading

    /// A field wants more bytes than are left.
    case truncated
    /// A field that may not be null in this version is null.
    case unexpectedNull
    /// An array claims more elements than the bytes that are left can hold.
    case countTooLarge(Int)
    /// A variable-length number does not end within the bytes that its type allows.
    case overlongVarint
    /// A tagged field of this number is longer or shorter than the size before it says.
    case taggedFieldSize(UInt32)
    /// Bytes are left after the message, where none may be.
    case trailingBytes(Int)
    /// The number of an API that does not exist here.
    case unknownApiKey(Int16)

    // MARK: Both ways

    /// The API does not have this version.
    case unsupportedVersion(ApiKey, Int16)
    /// The data schema does not have this version.
    case unsupportedDataVersion(Int16)

    /// A string, array or frame is too long: for Kafka, or for the number in front of it.
    case tooLong(Int)

    // MARK: Writing

    /// A field holds something that this version cannot express, and that must not be dropped.
    case fieldNotInVersion(field: String, version: Int16)
    /// Unknown tagged fields are set, in a version that has none.
    case taggedFieldsNotInVersion(Int16)
    /// A field is null that may not be null in this version.
    case nullNotInVersion(field: String, version: Int16)
    /// Record data lies in files, but bytes were asked for.
    case recordsInFiles
}
