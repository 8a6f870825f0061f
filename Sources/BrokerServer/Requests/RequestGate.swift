// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import Synchronization

/// Stands between the listeners, which are bound first so that a port in use ends the start early, and the handlers, which
/// exist only when the broker is whole. Requests that come in between end their connection: the client tries again.
final class RequestGate: RequestHandler {
    private let handler = Mutex<RequestDispatcher?>(nil)

    func open(_ dispatcher: RequestDispatcher) { handler.withLock { $0 = dispatcher } }

    func serves(_ api: ApiKey, version: Int16) -> Bool {
        handler.withLock { $0 }?.serves(api, version: version) ?? false
    }

    func handle(_ request: consuming IncomingRequest, _ responder: Responder) {
        guard let dispatcher = handler.withLock({ $0 }) else { return responder.closeConnection() }
        dispatcher.handle(request, responder)
    }
}
