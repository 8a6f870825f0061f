// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// What went wrong, as an application sees it.
///
/// ``kind`` says who failed; ``code`` is the broker's number when a broker answered with an error. The messages are those
/// of Apache's clients where these have one.
public struct KafkaError: Error, Sendable, Hashable {
    /// Who or what failed.
    public enum Kind: Sendable, Hashable {
        /// A broker answered with an error; see ``KafkaError/code``.
        case broker
        /// The time allowed for an operation has passed.
        case timeout
        /// The connection to a broker was lost or could not be made.
        case disconnected
        /// The broker does not know a request, or not at the version that an operation needs.
        case unsupportedVersion
        /// A setting is missing or has a value that is not allowed.
        case configuration
        /// Bytes from a broker do not make sense.
        case malformedResponse
        /// A record is larger than a setting allows.
        case recordTooLarge
        /// There is no committed offset and no rule for where to start.
        case noOffset
        /// The group has moved on: partitions may belong to another member by now.
        case commitFailed
        /// Another producer took over this one's transactional id, or another consumer its instance id; final.
        case fenced
        /// The call makes no sense in the state the client is in.
        case illegalState
        /// The client has been closed.
        case closed
    }

    /// Who or what failed.
    public var kind: Kind
    /// Kafka's number of the error when ``kind`` is ``Kind/broker``; −1 otherwise.
    public var code: Int16
    /// One sentence.
    public var message: String

    /// An error of the client itself.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.code = -1
        self.message = message
    }

    /// What a broker answered. The message is the broker's own, or else Kafka's text for the code.
    package init(_ code: ErrorCode, _ message: String? = nil) {
        kind = .broker
        self.code = code.rawValue
        self.message = message ?? code.message
    }

    /// The broker's error code, if a broker answered with one.
    package var errorCode: ErrorCode? { kind == .broker ? ErrorCode(rawValue: code) : nil }

    /// Whether the same call may succeed a moment later.
    public var isRetriable: Bool {
        switch kind {
        case .broker: ErrorCode(rawValue: code).isRetriable
        case .timeout, .disconnected: true
        default: false
        }
    }
}

extension KafkaError: CustomStringConvertible {
    /// The message, with the error's name when a broker gave one.
    public var description: String {
        kind == .broker ? "\(ErrorCode(rawValue: code)): \(message)" : message
    }
}
