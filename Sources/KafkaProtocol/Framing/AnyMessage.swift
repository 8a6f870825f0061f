// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore

/// Whether a message asks or answers.
package enum MessageDirection: Hashable, Sendable, CaseIterable {
    case request
    case response
}

/// Messages whose type is known only at run time: for tools, tests and fuzzing.
package enum AnyMessage {
    /// The type of an API's request or response.
    package static func type(_ apiKey: ApiKey, _ direction: MessageDirection) -> any ApiMessage.Type {
        switch direction {
        case .request: apiKey.requestType
        case .response: apiKey.responseType
        }
    }

    /// Reads a body. `trailing` becomes the number of bytes after the message.
    package static func decode(
        _ apiKey: ApiKey, version: Int16, _ direction: MessageDirection, body: ByteBuffer, trailing: inout Int
    ) throws(WireError) -> any ApiMessage {
        try type(apiKey, direction).init(decoding: body, version: version, trailing: &trailing)
    }

    /// Reads a body, which must be nothing but the message.
    package static func decode(
        _ apiKey: ApiKey, version: Int16, _ direction: MessageDirection, body: ByteBuffer
    ) throws(WireError) -> any ApiMessage {
        var trailing = 0
        let message = try decode(apiKey, version: version, direction, body: body, trailing: &trailing)
        guard trailing == 0 else { throw .trailingBytes(trailing) }
        return message
    }
}
