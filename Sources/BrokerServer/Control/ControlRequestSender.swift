// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import Logging
import NIOCore

/// Sends the controller's decisions to one broker: one at a time, in order, again and again until the broker answers or
/// the sender is stopped.
///
/// Life: from the broker's appearance (``start()``) to its disappearance or the end of the controllership (``stop()``);
/// what waits in the queue then is lost, since the next controller tells everything anew.
final class ControlRequestSender: Sendable {
    /// What is the same for all senders of a broker.
    struct Environment: Sendable {
        let controllerID: BrokerID
        /// Where brokers take control requests: `control.plane.listener.name`, or else the inter-broker listener.
        let listener: String
        /// By which leaders and brokers are named in requests that name but one address of each.
        let interBrokerListener: String
        let versions: ControlVersions
        let group: any EventLoopGroup
        let requestTimeout: Duration
        let logger: Logger
    }

    private let broker: BrokerInfo
    private let environment: Environment
    private let answered: @Sendable (ControllerEvent) -> Void
    private let queue: AsyncStream<ControlRequest>.Continuation
    private let task: Task<Void, Never>

    init(to broker: BrokerInfo, _ environment: Environment, answered: @escaping @Sendable (ControllerEvent) -> Void) {
        self.broker = broker
        self.environment = environment
        self.answered = answered
        let (requests, queue) = AsyncStream<ControlRequest>.makeStream()
        self.queue = queue
        // A bare task: its life is this object's, which the controller starts and stops as brokers come and go.
        task = Task { [broker, environment, answered] in
            var link = Link(broker: broker, environment: environment)
            for await request in requests {
                guard let event = await link.deliver(request) else { break }
                answered(event)
            }
            link.close()
        }
    }

    func send(_ request: ControlRequest) { queue.yield(request) }

    func stop() {
        queue.finish()
        task.cancel()
    }

    /// The connection, remade as often as need be.
    private struct Link {
        let broker: BrokerInfo
        let environment: Environment
        var connection: BrokerConnection?
        /// So that a broker that is down for an hour fills no log.
        var hasComplained = false

        init(broker: BrokerInfo, environment: Environment) {
            self.broker = broker
            self.environment = environment
        }

        /// Nil when the sender was stopped before an answer came.
        mutating func deliver(_ request: ControlRequest) async -> ControllerEvent? {
            while !Task.isCancelled {
                do {
                    let event = try await exchange(request)
                    hasComplained = false
                    return event
                } catch {
                    if Task.isCancelled { return nil }
                    if !hasComplained {
                        environment.logger.warning(
                            "A control request could not be delivered; trying again",
                            metadata: ["kafka.broker": "\(broker.id)", "error": "\(error)"])
                        hasComplained = true
                    }
                    close()
                    try? await Task.sleep(for: .milliseconds(100))
                }
            }
            return nil
        }

        mutating func close() {
            guard let connection else { return }
            self.connection = nil
            connection.closeSoon()
        }

        private mutating func exchange(_ request: ControlRequest) async throws -> ControllerEvent {
            let connection = try await connected()
            let versions = environment.versions
            switch request {
            case .leaderAndIsr(let request):
                let message = ControlMessages.message(
                    request, version: versions.leaderAndIsr, listener: environment.interBrokerListener)
                let response = try await connection.send(message, version: versions.leaderAndIsr)
                let names = Dictionary(
                    request.topicIDs.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
                return .leaderAndIsrAnswered(
                    broker.id, request, ControlMessages.answer(response, topicNames: names))
            case .updateMetadata(let request):
                let message = ControlMessages.message(
                    request, version: versions.updateMetadata, listener: environment.interBrokerListener)
                let response = try await connection.send(message, version: versions.updateMetadata)
                return .updateMetadataAnswered(broker.id, ControlAnswer(error: response.errorCode))
            case .stopReplica(let request):
                var answer = ControlAnswer()
                for message in ControlMessages.messages(request, version: versions.stopReplica) {
                    let part = ControlMessages.answer(
                        try await connection.send(message, version: versions.stopReplica))
                    if answer.error.isNone { answer.error = part.error }
                    answer.partitions.merge(part.partitions) { $1 }
                }
                return .stopReplicaAnswered(broker.id, request, answer)
            }
        }

        private mutating func connected() async throws -> BrokerConnection {
            if let connection, connection.isOpen { return connection }
            guard let endpoint = broker.endpoint(environment.listener) else {
                throw MissingListener(broker: broker.id, listener: environment.listener)
            }
            let made = try await BrokerConnection.connect(
                host: endpoint.host, port: Int(endpoint.port),
                options: .init(
                    clientID: "\(environment.controllerID)", requestTimeout: environment.requestTimeout),
                on: environment.group)
            connection = made
            return made
        }
    }

    private struct MissingListener: Error, CustomStringConvertible {
        let broker: BrokerID
        let listener: String

        var description: String { "broker \(broker) has no listener \(listener)" }
    }
}

/// In which versions a controller speaks to brokers, which `inter.broker.protocol.version` decides: the connection is not
/// negotiated.
struct ControlVersions: Hashable, Sendable {
    var leaderAndIsr: Int16 = 7
    var updateMetadata: Int16 = 8
    var stopReplica: Int16 = 4
    var controlledShutdown: Int16 = 3
}
