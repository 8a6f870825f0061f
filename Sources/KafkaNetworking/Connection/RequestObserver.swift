// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import NIOCore

/// One request that is done, and when what happened to it.
package struct FinishedRequest: Sendable {
    package var api: ApiKey
    package var version: Int16
    /// Without the lengths of the frames. The answer has none where the protocol has no answer (Produce with acks=0).
    package var requestBytes: Int
    package var responseBytes: Int
    /// The frame was whole.
    package var received: NIODeadline
    /// Those before it on its connection let it start.
    package var started: NIODeadline
    /// What this broker itself had to do was done; from here on the answer waited for others.
    package var processed: NIODeadline
    /// The answer was made.
    package var answered: NIODeadline
    /// The answer was handed to the socket, behind those of earlier requests.
    package var sent: NIODeadline
    /// Another broker asked, to copy what is here.
    package var isFromFollower: Bool

    package init(
        api: ApiKey, version: Int16, requestBytes: Int, responseBytes: Int, received: NIODeadline,
        started: NIODeadline, processed: NIODeadline, answered: NIODeadline, sent: NIODeadline, isFromFollower: Bool
    ) {
        self.api = api
        self.version = version
        self.requestBytes = requestBytes
        self.responseBytes = responseBytes
        self.received = received
        self.started = started
        self.processed = processed
        self.answered = answered
        self.sent = sent
        self.isFromFollower = isFromFollower
    }
}

/// What a handler tells observers along with its answer.
package struct AnswerNotes: Sendable {
    /// When this broker had done its own part and began to wait for others; nil where that is when the handler
    /// returned, or answered before that.
    package var processed: NIODeadline?
    package var isFromFollower: Bool

    package init(processed: NIODeadline? = nil, isFromFollower: Bool = false) {
        self.processed = processed
        self.isFromFollower = isFromFollower
    }
}

/// Watches the requests of a listener. Called on the connections' event loops, so it must not block.
package protocol RequestObserver: Sendable {
    func finished(_ request: FinishedRequest)
}

/// An answer on its way through the connection's machine.
struct OutgoingAnswer {
    /// Nil for requests that have no answer.
    var parts: [WirePart]?
    var notes: AnswerNotes
    /// Nil while nobody observes.
    var answered: NIODeadline?
}

/// What is known of a request in work.
struct RequestInWork {
    let api: ApiKey
    let version: Int16
    let bytes: Int
    let received: NIODeadline
    let started: NIODeadline
    var returned: NIODeadline?

    func finished(_ answer: OutgoingAnswer, bytes responseBytes: Int, sent: NIODeadline) -> FinishedRequest {
        let answered = answer.answered ?? sent
        let processed = min(answer.notes.processed ?? returned ?? answered, answered)
        return FinishedRequest(
            api: api, version: version, requestBytes: bytes, responseBytes: responseBytes, received: received,
            started: started, processed: max(processed, started), answered: answered, sent: sent,
            isFromFollower: answer.notes.isFromFollower)
    }
}
