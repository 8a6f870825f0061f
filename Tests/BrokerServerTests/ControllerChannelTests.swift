// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import BrokerServer

/// The one connection of a broker to the controller, which many ask for at the same time.
@Suite struct ControllerChannelTests {
    /// A controller that only says what it serves, and a channel to it.
    private func serving(
        versions: [(key: ApiKey, versions: ClosedRange<Int16>)] = [(.apiVersions, 0...0)],
        _ body: (ControllerChannel, Listener) async throws -> Void
    ) async throws {
        let dispatcher = RequestDispatcher(
            [ApiVersionsHandler(servedVersions: { versions }, finalizedFeaturesEpoch: { -1 })], metrics: nil,
            logger: Listener.silent)
        try await Listener.serving(dispatcher) { listener in
            let endpoint = Endpoint(
                listenerName: "PLAINTEXT", host: "127.0.0.1", port: Int32(listener.port), securityProtocol: .plaintext)
            let controller = BrokerInfo(id: 1, rack: nil, endpoints: [endpoint])
            let metadata = MetadataCache(clusterID: "c")
            _ = metadata.apply(MetadataUpdate(controllerID: 1, brokers: [controller], topics: []))
            let channel = ControllerChannel(
                metadata: metadata, listener: "PLAINTEXT", clientID: "2", group: MultiThreadedEventLoopGroup.singleton)
            defer { channel.reset() }
            try await body(channel, listener)
        }
    }

    private func ask(_ channel: ControllerChannel, times: Int) async throws -> Int {
        try await withThrowingTaskGroup(of: ErrorCode.self) { group in
            for _ in 0..<times {
                group.addTask { try await channel.send { _ in ApiVersionsRequest() }.response.errorCode }
            }
            return try await group.reduce(0) { $0 + ($1 == .none ? 1 : 0) }
        }
    }

    /// Whether all connections end within ten seconds.
    private func allClose(_ listener: Listener) async throws -> Bool {
        for _ in 0..<2000 where listener.statistics.connectionsOpen > 0 { try await Task.sleep(for: .milliseconds(5)) }
        return listener.statistics.connectionsOpen == 0
    }

    @Test func whoComesWhileItIsMadeWaitsForIt() async throws {
        try await serving { channel, listener in
            var answered = try await ask(channel, times: 20)
            #expect(answered == 20)
            #expect(listener.statistics.connectionsAccepted == 1)
            answered = try await ask(channel, times: 20)
            #expect(answered == 20)
            #expect(listener.statistics.connectionsAccepted == 1)
        }
    }

    @Test func afterAResetThereIsAnotherAndTheOldIsClosed() async throws {
        try await serving { channel, listener in
            for round in 1...3 {
                let answered = try await ask(channel, times: 3)
                #expect(answered == 3)
                #expect(listener.statistics.connectionsAccepted == round)
                channel.reset()
            }
            let areClosed = try await allClose(listener)
            #expect(areClosed)
        }
    }

    /// One that nobody wants any more is not left open.
    @Test func aResetWhileItIsMadeLeavesNothingOpen() async throws {
        try await serving { channel, listener in
            for _ in 0..<20 {
                async let answers = ask(channel, times: 2)
                await Task.yield()
                channel.reset()
                _ = try? await answers
                channel.reset()
            }
            let areClosed = try await allClose(listener)
            #expect(areClosed)
        }
    }
}
