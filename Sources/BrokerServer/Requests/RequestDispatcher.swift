// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import KafkaProtocol
import Logging

/// From a frame to the handler of its API. Immutable once built.
final class RequestDispatcher: RequestHandler {
    private struct Route: Sendable {
        let versions: ClosedRange<Int16>
        let call: @Sendable (IncomingRequest, Responder, RequestDispatcher) throws(WireError) -> Void
    }

    private let routes: [ApiKey: Route]
    private let logger: Logger

    init(_ handlers: [any ApiHandler], logger: Logger) {
        var routes: [ApiKey: Route] = [:]
        for handler in handlers { Self.add(handler, to: &routes) }
        self.routes = routes
        self.logger = logger
    }

    /// What ApiVersions tells: every API that has a handler, with the versions the handler serves.
    var servedVersions: [(key: ApiKey, versions: ClosedRange<Int16>)] {
        routes.map { ($0.key, $0.value.versions) }.sorted { $0.key.rawValue < $1.key.rawValue }
    }

    func handle(_ request: IncomingRequest, _ responder: Responder) {
        guard let key = ApiKey(rawValue: request.header.apiKey), let route = routes[key] else {
            return responder.closeConnection()
        }
        do {
            try route.call(request, responder, self)
        } catch {
            logger.warning(
                "A request could not be read; its connection is closed",
                metadata: [
                    "kafka.api": "\(key)", "kafka.version": "\(request.header.apiVersion)",
                    "connection": "\(request.connection.id)", "error": "\(error)",
                ])
            responder.closeConnection()
        }
    }

    func cannotEncode(_ header: RequestHeader, _ error: any Error) {
        logger.error(
            "An answer could not be encoded; its connection is closed",
            metadata: [
                "kafka.api": "\(header.apiKey)", "kafka.version": "\(header.apiVersion)", "error": "\(error)",
            ])
    }

    private static func add<Handler: ApiHandler>(_ handler: Handler, to routes: inout [ApiKey: Route]) {
        let versions = handler.versions
        routes[Handler.Request.apiKey] = Route(versions: versions) {
            (request, responder, dispatcher) throws(WireError) in
            let version = request.header.apiVersion
            guard versions.contains(version) else { return responder.closeConnection() }
            let message = try Frame.body(of: Handler.Request.self, version: version, from: request.body)
            handler.handle(message, RequestContext(request, responder, dispatcher: dispatcher))
        }
    }
}
