// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import KafkaProtocol
import NIOCore

/// Serves one API. The list in `Handlers/AllHandlers.swift` yields both the dispatch table and the answer to ApiVersions,
/// so what is advertised is what is served.
///
/// ``handle(_:_:)`` runs on the connection's event loop: it must not block, and answers at once or later, from any
/// thread, exactly once. The next request of the connection starts when this one is answered, or when the handler
/// calls ``RequestContext/started()`` before that.
protocol ApiHandler: Sendable {
    associatedtype Request: RequestMessage

    /// The versions served: all that the schema has, unless the handler says otherwise.
    var versions: ClosedRange<Int16> { get }

    func handle(_ request: Request, _ context: RequestContext<Request.Response>)
}

extension ApiHandler {
    var versions: ClosedRange<Int16> { Request.versions }
}

/// Serves an API of low rate whose answer may take a while: it waits for ZooKeeper, the controller or other brokers.
protocol WaitingApiHandler: ApiHandler {
    func answer(_ request: Request, _ context: RequestContext<Request.Response>) async -> Request.Response
}

extension WaitingApiHandler {
    func handle(_ request: Request, _ context: RequestContext<Request.Response>) {
        // A bare task: it lives as long as the request, and the connection's rules bound how many there are.
        Task { context.answer(await answer(request, context)) }
    }
}

/// What a handler knows of a request besides its body, and how it answers.
struct RequestContext<Response: ResponseMessage>: Sendable {
    let header: RequestHeader
    let connection: ConnectionInfo
    /// When the request had arrived whole.
    let receivedAt: NIODeadline
    private let responder: Responder
    private let dispatcher: RequestDispatcher

    init(_ request: IncomingRequest, _ responder: Responder, dispatcher: RequestDispatcher) {
        header = request.header
        connection = request.connection
        receivedAt = request.receivedAt
        self.responder = responder
        self.dispatcher = dispatcher
    }

    var version: Int16 { header.apiVersion }

    /// Sends the answer. An answer that this version cannot express is a defect of the broker: it is logged, and the
    /// connection is closed, since the client would wait for ever.
    func answer(_ response: Response, _ notes: AnswerNotes = AnswerNotes()) {
        do {
            let (parts, errors) = try Frame.encodeResponseNotingErrors(
                correlationID: header.correlationID, response, version: version)
            if !errors.isEmpty { dispatcher.told(errors, in: header.apiKey) }
            responder.send(parts, notes: notes)
        } catch {
            dispatcher.cannotEncode(header, error)
            responder.closeConnection()
        }
    }

    /// Ends a request that the protocol does not answer (a produce with acks=0).
    func answerNothing(_ notes: AnswerNotes = AnswerNotes()) { responder.sendNothing(notes: notes) }

    /// Runs the last step of an answer that was waited for on the connection's event loop, where it must go in any case:
    /// what happens until the loop gets to it is still part of the answer, and whoever made it happen is free again.
    func onConnection(_ body: @escaping @Sendable () -> Void) {
        if responder.eventLoop.inEventLoop { body() } else { responder.eventLoop.execute(body) }
    }

    /// Runs `body` on the connection's event loop, later.
    @discardableResult
    func onConnection(
        afterNanoseconds pause: Int64, _ body: @escaping @Sendable () -> Void
    ) -> Scheduled<Void> {
        responder.eventLoop.scheduleTask(in: .nanoseconds(pause), body)
    }

    /// Lets the next request of the connection start although this one is not answered yet.
    func started() { responder.started() }

    /// Ends the connection, where the protocol has no other way to tell of an error.
    func closeConnection() { responder.closeConnection() }
}
