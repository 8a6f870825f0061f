// SPDX-License-Identifier: Apache-2.0

package import KafkaModel

/// Why bytes are not acceptable as records. Each case has the error code that Kafka answers with.
package enum RecordError: Error, Hashable, Sendable {
    /// The bytes are not what was written: a wrong checksum, an impossible size, an unknown format.
    case corrupt(String)
    /// The bytes are what was written, but break a rule of the format or of what a producer may send.
    case invalid(String)
    /// Single records of a batch were refused, the rest has no fault. `code` is the one for the partition.
    case rejected(code: ErrorCode, records: [RejectedRecord])
    /// A batch is larger than the topic's `max.message.bytes`.
    case tooLarge(size: Int, limit: Int)
    /// Compressed records unpack to more bytes than anyone has use for: a decompression bomb, or a false length.
    case decompressedTooLarge(limit: Int)
    /// The codec is not allowed with this request version or format.
    case unsupportedCompression(String)
    /// The format in use cannot say what the batch says.
    case unsupportedForFormat(String)

    /// One record that was refused (KIP-467).
    package struct RejectedRecord: Hashable, Sendable {
        /// The record's place in its batch, from 0.
        package var index: Int32
        package var message: String

        package init(index: Int32, message: String) {
            self.index = index
            self.message = message
        }
    }

    package var errorCode: ErrorCode {
        switch self {
        case .corrupt: .corruptMessage
        case .invalid, .decompressedTooLarge: .invalidRecord
        case .rejected(let code, _): code
        case .tooLarge: .messageTooLarge
        case .unsupportedCompression: .unsupportedCompressionType
        case .unsupportedForFormat: .unsupportedForMessageFormat
        }
    }

    /// The text for the answer's error message.
    package var message: String {
        switch self {
        case .corrupt(let text), .invalid(let text), .unsupportedCompression(let text), .unsupportedForFormat(let text):
            text
        case .rejected(.invalidTimestamp, _):
            "One or more records have been rejected due to invalid timestamp"
        case .rejected(_, let records):
            "One or more records have been rejected due to \(records.count) record errors in total, and only showing "
                + "the first three errors at most: "
                + "[\(records.prefix(3).map { "RecordError(batchIndex=\($0.index), message='\($0.message)')" }.joined(separator: ", "))]"
        case .tooLarge(let size, let limit):
            "The record batch size is \(size) bytes which exceeds the maximum configured value of \(limit)."
        case .decompressedTooLarge(let limit):
            "The records unpack to more than \(limit) bytes."
        }
    }

    /// The refused records, for an answer that lists them.
    package var rejectedRecords: [RejectedRecord] {
        if case .rejected(_, let records) = self { records } else { [] }
    }
}
