// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import Logging
import NIOPosix
import Synchronization
import Testing

@testable import BrokerServer

/// How the controller's decisions travel to a broker.
@Suite struct ControlRequestSenderTests {
    /// A broker that takes LeaderAndIsr.
    private struct Receiver: ApiHandler {
        typealias Request = LeaderAndIsrRequest

        let received: AsyncStream<LeaderAndIsrRequest>.Continuation

        func handle(_ request: LeaderAndIsrRequest, _ context: RequestContext<LeaderAndIsrResponse>) {
            received.yield(request)
            context.answer(LeaderAndIsrResponse())
        }
    }

    /// Requests of the controller have a listener of their own; followers fetch where brokers talk to each other.
    @Test func leadersAreNamedByTheInterBrokerListener() async throws {
        let logger = Logger(label: "scene") { _ in SwiftLogNoOpLogHandler() }
        let (requests, received) = AsyncStream<LeaderAndIsrRequest>.makeStream()
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await Listener.bind(
            ListenerConfiguration(
                endpoint: Endpoint(
                    listenerName: "CONTROL", host: "127.0.0.1", port: 0, securityProtocol: .plaintext)),
            handler: RequestDispatcher([Receiver(received: received)], metrics: nil, logger: logger), on: loops,
            logger: logger)
        let broker = BrokerInfo(
            id: 1, rack: nil,
            endpoints: [
                Endpoint(
                    listenerName: "CONTROL", host: "127.0.0.1", port: Int32(listener.port),
                    securityProtocol: .plaintext),
                Endpoint(listenerName: "INTERNAL", host: "inside", port: 9093, securityProtocol: .plaintext),
            ])
        let sender = ControlRequestSender(
            to: broker,
            .init(
                controllerID: 1, listener: "CONTROL", interBrokerListener: "INTERNAL", versions: ControlVersions(),
                group: MultiThreadedEventLoopGroup.singleton, requestTimeout: .seconds(10), logger: logger)
        ) { _ in }
        let state = PartitionState(leader: 1, leaderEpoch: 0, inSyncReplicas: [1], controllerEpoch: 1)
        sender.send(
            .leaderAndIsr(
                .init(
                    header: .init(controllerID: 1, controllerEpoch: 1, brokerEpoch: 1),
                    partitions: [
                        .init(
                            partition: TopicPartition("t", 0), state: state, assignment: PartitionAssignment([1]),
                            isNew: true)
                    ], topicIDs: [:], liveLeaders: [broker])))
        let request = await requests.first { _ in true }
        #expect(request?.liveLeaders.map(\.hostName) == ["inside"])
        #expect(request?.liveLeaders.map(\.port) == [9093])
        sender.stop()
        await listener.close()
        try await loops.shutdownGracefully()
    }
}
