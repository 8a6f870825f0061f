// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What a route says.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package var contentType: String
    package var body: ByteBuffer

    package init(status: Int, contentType: String, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package init(status: Int, _ text: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", body: ByteBuffer(string: text))
    }
}

/// Answers the requests for one path. Called on the listener's event loop, so it must not block; it calls its argument
/// once, now or later, on any thread.
package typealias HTTPRoute = @Sendable (_ answer: @escaping @Sendable (HTTPAnswer) -> Void) -> Void

/// What connections may claim. A request has no use for a body, so none is read.
package struct HTTPLimits: Hashable, Sendable {
    /// Open connections. One more closes the one that has waited longest for its client.
    package var connections: Int
    /// How many bytes may come until a request is whole, those of others behind it included.
    package var requestBytes: Int
    /// How long a connection may take, or wait, for its next request to be whole.
    package var requestTime: Duration
    /// How long a client may take to receive an answer.
    package var answerTime: Duration

    package init(
        connections: Int = 64, requestBytes: Int = 64 << 10, requestTime: Duration = .seconds(75),
        answerTime: Duration = .seconds(30)
    ) {
        self.connections = connections
        self.requestBytes = requestBytes
        self.requestTime = requestTime
        self.answerTime = answerTime
    }
}

/// Why a listener could not be bound.
package struct HTTPBindError: Error, CustomStringConvertible {
    package let description: String
    /// The port is privileged, or a policy forbids it.
    package let isPermissionDenied: Bool
}
