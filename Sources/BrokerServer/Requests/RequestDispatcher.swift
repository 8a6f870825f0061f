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
    /// Nil while nobody asks for them.
    private let metrics: RequestMetrics?
    private let logger: Logger

    init(_ handlers: [any ApiHandler], metrics: RequestMetrics?, logger: Logger) {
        var routes: [ApiKey: Route] = [:]
        for handler in handlers { Self.add(handler, to: &routes) }
        self.routes = routes
        self.metrics = metrics
        self.logger = logger
    }

    /// What ApiVersions tells: every API that has a handler, with the versions the handler serves.
    var servedVersions: [(key: ApiKey, versions: ClosedRange<Int16>)] {
        routes.map { ($0.key, $0.value.versions) }.sorted { $0.key.rawValue < $1.key.rawValue }
    }

    func serves(_ api: ApiKey, version: Int16) -> Bool {
        routes[api]?.versions.contains(version) ?? false
    }

    func handle(_ request: consuming IncomingRequest, _ responder: Responder) {
        guard let route = routes[request.header.apiKey] else { return responder.closeConnection() }
        let (api, header, connection) = (request.header.apiKey, request.header, request.connection)
        do {
            try route.call(request, responder, self)
        } catch {
            logger.warning(
                "A request could not be read; its connection is closed",
                metadata: [
                    "kafka.api": "\(api)", "kafka.version": "\(header.apiVersion)",
                    "kafka.connection": "\(connection.id)", "error": "\(error)",
                ])
            responder.closeConnection()
        }
    }

    /// An answer tells of errors.
    func told(_ errors: [ErrorCode], in api: ApiKey) { metrics?.told(errors, in: api) }

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
            guard versions.contains(version) else { return Self.refuse(version, request, responder, versions) }
            let message = try Handler.Request(decoding: request.body, version: version)
            handler.handle(message, RequestContext(request, responder, dispatcher: dispatcher))
        }
    }

    /// A client that asks for the versions in one that is not known here is told how to ask (version 0 of the answer);
    /// every other request ends its connection.
    private static func refuse(
        _ version: Int16, _ request: IncomingRequest, _ responder: Responder, _ versions: ClosedRange<Int16>
    ) {
        guard request.header.apiKey == .apiVersions else { return responder.closeConnection() }
        var response = ApiVersionsResponse()
        response.errorCode = .unsupportedVersion
        var entry = ApiVersionsResponse.ApiVersion()
        entry.apiKey = ApiKey.apiVersions.rawValue
        entry.minVersion = versions.lowerBound
        entry.maxVersion = versions.upperBound
        response.apiKeys = [entry]
        do throws(WireError) {
            responder.send(
                try Frame.encodeResponse(correlationID: request.header.correlationID, response, version: 0))
        } catch {
            responder.closeConnection()
        }
    }
}
