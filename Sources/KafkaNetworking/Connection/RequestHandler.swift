// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import NIOCore

/// One request of a client, its header read, its body not yet.
package struct IncomingRequest: Sendable {
    package var header: RequestHeader
    /// What follows the header: a slice of the buffer that the frame was received in. Nothing else refers to that
    /// buffer, unless the frame is small and came together with others.
    package var body: ByteBuffer
    package var connection: ConnectionInfo
    /// When the frame was complete.
    package var receivedAt: NIODeadline
    /// The frame's length, for quotas and metrics.
    package var byteCount: Int

    package init(
        header: RequestHeader, body: ByteBuffer, connection: ConnectionInfo, receivedAt: NIODeadline, byteCount: Int
    ) {
        self.header = header
        self.body = body
        self.connection = connection
        self.receivedAt = receivedAt
        self.byteCount = byteCount
    }
}

/// Serves the requests of a listener's connections.
package protocol RequestHandler: Sendable {
    /// Whether this version of the API is served. Requests of others close their connection without an answer, except
    /// ApiVersions, which arrives in any version, for it has an answer to versions it does not know.
    func serves(_ api: ApiKey, version: Int16) -> Bool

    /// Called on the connection's event loop, with one request of a connection at a time: the next one comes when this
    /// one was answered, or `responder.started()` was called. Must not block. The responder may be used from any thread.
    func handle(_ request: consuming IncomingRequest, _ responder: Responder)
}

/// Takes the answer to one request. Exactly one of `send`, `sendNothing`, `closeConnection` must be called, once, from
/// any thread; after the connection has gone they do nothing.
package struct Responder: Sendable {
    let connection: ConnectionHandler
    let number: UInt64

    /// Where the connection lives: answers made on it leave without a hop.
    package var eventLoop: any EventLoop { connection.eventLoop }

    /// Sends the answer's frame when the answers to all earlier requests have been sent.
    ///
    /// - Parameters:
    ///   - parts: the whole frame with its length. Files are kept open until it is sent or the connection is gone.
    ///   - throttle: how long the client is not read from after the answer (KIP-219).
    package func send(_ parts: [WirePart], throttle: Duration? = nil, notes: AnswerNotes = AnswerNotes()) {
        settle(parts, throttle, notes)
    }

    /// The request is done, and has no answer (Produce with acks=0).
    package func sendNothing(throttle: Duration? = nil, notes: AnswerNotes = AnswerNotes()) {
        settle(nil, throttle, notes)
    }

    private func settle(_ parts: [WirePart]?, _ throttle: Duration?, _ notes: AnswerNotes) {
        let answer = OutgoingAnswer(parts: parts, notes: notes, answered: connection.isObserved ? .now() : nil)
        connection.settle(number, .answer(answer, throttle: throttle))
    }

    /// The order of this request against later ones is settled: the next one may start before this one is answered.
    package func started() {
        connection.settle(number, .started)
    }

    /// Closes the connection once the answers to all earlier requests have been sent. For failures that the protocol
    /// cannot express, such as a body that does not decode.
    package func closeConnection() {
        connection.settle(number, .failure)
    }
}
