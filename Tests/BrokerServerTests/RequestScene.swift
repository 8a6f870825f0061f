// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import BrokerServer

/// A scene's replicas behind the handlers that read them, asked over real connections, which share one event loop.
struct RequestScene {
    private let listener: Listener

    /// - Parameters:
    ///   - fetchMaxBytes: `fetch.max.bytes`.
    ///   - leaderRate: how many bytes per second throttled followers are sent.
    static func serving(
        _ scene: ReplicaScene, fetchMaxBytes: Int = 55 << 20, leaderRate: Int = .max,
        _ body: (RequestScene) async throws -> Void
    ) async throws {
        let throttle = ReplicationThrottle(.init(samples: 11, sampleLength: .seconds(1)), limit: { leaderRate })
        if leaderRate < .max { throttle.record(leaderRate * 100) }
        let dispatcher = RequestDispatcher(
            [
                FetchHandler(
                    replicas: scene.replicas, metadata: scene.metadata, sessions: FetchSessions(slots: 10),
                    maxBytes: fetchMaxBytes, selectsReplicasByRack: false,
                    throttle: throttle),
                ListOffsetsHandler(replicas: scene.replicas),
                DeleteRecordsHandler(replicas: scene.replicas, metadata: scene.metadata),
                DescribeProducersHandler(replicas: scene.replicas),
                AlterReplicaLogDirsHandler(replicas: scene.replicas),
            ], metrics: nil, logger: Listener.silent)
        try await Listener.serving(dispatcher) { try await body(RequestScene(listener: $0)) }
    }

    func connect() async throws -> BrokerConnection {
        try await BrokerConnection.connect(
            host: "127.0.0.1", port: listener.port, on: MultiThreadedEventLoopGroup.singleton)
    }

    /// Whether an answer has come.
    final class Arrival<Response: Sendable>: Sendable {
        private let flag = Atomic(false)
        let response: EventLoopFuture<Response>

        init(_ response: EventLoopFuture<Response>) {
            self.response = response
            response.whenComplete { [self] _ in flag.store(true, ordering: .releasing) }
        }

        var hasCome: Bool { flag.load(ordering: .acquiring) }
    }
}

extension Listener {
    static let silent = Logger(label: "scene") { _ in SwiftLogNoOpLogHandler() }

    /// Serves on a port of its own and an event loop of its own until `body` ends.
    static func serving(
        _ handler: any RequestHandler, _ body: (Listener) async throws -> Void
    ) async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await bind(
            ListenerConfiguration(
                endpoint: Endpoint(
                    listenerName: "PLAINTEXT", host: "127.0.0.1", port: 0, securityProtocol: .plaintext)),
            handler: handler, on: loops, logger: silent)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(listener))
        } catch {
            outcome = .failure(error)
        }
        await listener.close()
        try await loops.shutdownGracefully()
        try outcome.get()
    }
}

extension FetchRequest {
    /// Of a topic's first partitions, as many as there are offsets.
    init(_ topic: String, id: KafkaUUID = .zero, offsets: Offset..., maxBytes: Int32 = 1 << 20) {
        self.init()
        topics = [
            FetchTopic(
                topic: topic, topicID: id,
                partitions: offsets.enumerated().map { index, offset in
                    var partition = FetchPartition()
                    partition.partition = Int32(index)
                    partition.fetchOffset = offset
                    partition.partitionMaxBytes = maxBytes
                    return partition
                })
        ]
    }

    func with(_ change: (inout FetchRequest) -> Void) -> FetchRequest {
        var changed = self
        change(&changed)
        return changed
    }
}

extension FetchResponse {
    var partitions: [PartitionData] { responses.flatMap(\.partitions) }
    var errors: [ErrorCode] { partitions.map(\.errorCode) }
    var sizes: [Int] { partitions.map { $0.records?.readableBytes ?? 0 } }
}

extension ListOffsetsRequest {
    /// Of a topic's partition 0, by a consumer unless told otherwise.
    init(_ topic: String, at timestamp: Timestamp, count: Int32 = 1, replica: BrokerID = -1) {
        self.init()
        replicaID = replica
        var partition = ListOffsetsPartition()
        partition.timestamp = timestamp
        partition.maxNumOffsets = count
        topics = [ListOffsetsTopic(name: topic, partitions: [partition])]
    }
}

extension ListOffsetsResponse {
    var first: ListOffsetsPartitionResponse { topics.first?.partitions.first ?? ListOffsetsPartitionResponse() }
}
