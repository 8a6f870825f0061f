// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import KafkaNetworking

@Suite struct RequestPipelineTests {
    typealias Pipeline = RequestPipeline<String, String, Int>

    private func submit(_ request: String, _ id: Int32, to pipeline: inout Pipeline, deadline: Int = 0) -> Bool {
        pipeline.submit(.init(request: request, correlationID: id, reply: request.uppercased(), deadline: deadline))
    }

    @Test func requestsLeaveInOrderUpToTheBound() throws {
        var pipeline = Pipeline(limit: 2, waitingLimit: 10)
        for (id, name) in ["a", "b", "c"].enumerated() { _ = submit(name, Int32(id), to: &pipeline) }
        #expect(pipeline.next() == "a")
        #expect(pipeline.next() == "b")
        #expect(pipeline.next() == nil)
        #expect(try pipeline.received(correlationID: 0) == "A")
        #expect(pipeline.next() == "c")
    }

    @Test func tooManyWaitingRequestsAreRefused() {
        var pipeline = Pipeline(limit: 1, waitingLimit: 1)
        #expect(submit("a", 0, to: &pipeline))
        #expect(!submit("b", 1, to: &pipeline))
    }

    @Test func requestsWithoutResponseTakeNoPlace() {
        var pipeline = Pipeline(limit: 1, waitingLimit: 10)
        for id in Int32(0)..<3 {
            _ = pipeline.submit(.init(request: "\(id)", correlationID: id, reply: nil, deadline: 0))
        }
        #expect([pipeline.next(), pipeline.next(), pipeline.next()] == ["0", "1", "2"])
        #expect(pipeline.earliestDeadline == nil)
    }

    @Test func responsesBelongToTheOldestRequest() {
        var pipeline = Pipeline(limit: 5, waitingLimit: 10)
        #expect(throws: ConnectionError.unexpectedCorrelation(expected: -1, actual: 0)) {
            try pipeline.received(correlationID: 0)
        }
        _ = submit("a", 4, to: &pipeline)
        _ = pipeline.next()
        #expect(throws: ConnectionError.unexpectedCorrelation(expected: 4, actual: 5)) {
            try pipeline.received(correlationID: 5)
        }
    }

    @Test func theEndTellsWhatWasSentFromWhatWasNot() {
        var pipeline = Pipeline(limit: 1, waitingLimit: 10)
        _ = submit("a", 0, to: &pipeline, deadline: 9)
        _ = submit("b", 1, to: &pipeline, deadline: 4)
        _ = pipeline.next()
        #expect(pipeline.earliestDeadline == 4)
        let (sent, notSent) = pipeline.ended()
        #expect(sent == ["A"])
        #expect(notSent == ["B"])
    }
}

@Suite struct BrokerConnectionTests {
    private func connect(
        _ listener: Listener, _ options: BrokerConnection.Options = .init(clientID: "tester")
    ) async throws -> BrokerConnection {
        try await .connect(
            host: "127.0.0.1", port: listener.port, options: options, on: MultiThreadedEventLoopGroup.singleton)
    }

    /// Answers a Metadata request with a cluster of the name that the request's first topic has.
    private static let metadata = ClosureHandler(served: { api, _ in api == .metadata }) { request, responder in
        let version = request.header.apiVersion
        guard let message = try? MetadataRequest(decoding: request.body, version: version) else {
            return responder.closeConnection()
        }
        var answer = MetadataResponse()
        answer.clusterID = (message.topics?.first?.name ?? "") + (request.header.clientID ?? "-")
        guard
            let parts = try? Frame.encodeResponse(
                correlationID: request.header.correlationID, answer, version: version)
        else { return responder.closeConnection() }
        responder.send(parts)
    }

    private func metadata(_ topic: String) -> MetadataRequest {
        var request = MetadataRequest()
        var entry = MetadataRequest.MetadataRequestTopic()
        entry.name = topic
        request.topics = [entry]
        return request
    }

    @Test(arguments: [Int16(4), 9, 12]) func aRequestHasItsResponse(version: Int16) async throws {
        try await withListener(Self.metadata) { listener in
            let connection = try await connect(listener)
            let response = try await connection.send(metadata("x-"), version: version)
            #expect(response.clusterID == "x-tester")
            #expect(connection.isOpen)
            await connection.close()
            #expect(!connection.isOpen)
        }
    }

    @Test func manyRequestsAreOnTheirWayAtOnce() async throws {
        try await withListener(Self.metadata) { listener in
            let connection = try await connect(listener)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        try await connection.send(metadata("\(number)."), version: 9).clusterID == "\(number).tester"
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            let futures = (0..<100).map { connection.submit(metadata("\($0)"), version: 9) }
            for (number, future) in futures.enumerated() {
                #expect(try await future.get().clusterID == "\(number)tester")
            }
            await connection.close()
        }
    }

    @Test func aLateResponseEndsTheConnection() async throws {
        let handler = ClosureHandler { _, _ in }
        try await withListener(handler) { listener in
            let connection = try await connect(listener)
            await #expect(throws: ConnectionError.timedOut) {
                _ = try await connection.send(HeartbeatRequest(), version: 0, timeout: .milliseconds(100))
            }
            #expect(try await eventually { !connection.isOpen })
            await #expect(throws: ConnectionError.notSent) {
                _ = try await connection.send(HeartbeatRequest(), version: 0)
            }
        }
    }

    @Test func theEndOfTheConnectionFailsWhatWaits() async throws {
        let responders = Mutex<[Responder]>([])
        let handler = ClosureHandler { _, responder in responders.withLock { $0.append(responder) } }
        try await withListener(handler) { listener in
            let connection = try await connect(listener, .init(requestsInFlight: 2, requestsWaiting: 3))
            let futures = (0..<6).map { _ in connection.submit(HeartbeatRequest(), version: 0) }
            #expect(try await eventually { responders.withLock { $0.count } == 1 })
            responders.withLock { $0[0] }.closeConnection()
            var errors: [ConnectionError?] = []
            for future in futures {
                do {
                    _ = try await future.get()
                } catch {
                    errors.append(error as? ConnectionError)
                }
            }
            #expect(errors == [.disconnected, .disconnected, .notSent, .notSent, .notSent, .tooManyRequests])
        }
    }

    @Test func aWrongCorrelationEndsTheConnection() async throws {
        let handler = ClosureHandler { request, responder in
            responder.send(response(correlationID: request.header.correlationID + 1, ByteBuffer()))
        }
        try await withListener(handler) { listener in
            let connection = try await connect(listener)
            await #expect(throws: ConnectionError.unexpectedCorrelation(expected: 0, actual: 1)) {
                _ = try await connection.send(HeartbeatRequest(), version: 0)
            }
            #expect(try await eventually { !connection.isOpen })
        }
    }

    @Test func aResponseThatDoesNotDecodeIsATypedError() async throws {
        let handler = ClosureHandler { request, responder in
            responder.send(response(correlationID: request.header.correlationID, ByteBuffer()))
        }
        try await withListener(handler) { listener in
            let connection = try await connect(listener)
            await #expect(throws: ConnectionError.wire("\(WireError.truncated)")) {
                _ = try await connection.send(HeartbeatRequest(), version: 0)
            }
            #expect(connection.isOpen)
            await connection.close()
        }
    }

    @Test func aVersionThatTheRequestDoesNotHaveIsATypedError() async throws {
        try await withListener { listener in
            let connection = try await connect(listener)
            await #expect(throws: ConnectionError.self) {
                _ = try await connection.send(HeartbeatRequest(), version: 99)
            }
            await connection.close()
        }
    }

    @Test func aTooLongResponseEndsTheConnection() async throws {
        try await withListener { listener in
            let connection = try await connect(listener, .init(responseBytes: 3))
            await #expect(throws: ConnectionError.frame(.lengthOutOfRange(12, limit: 3))) {
                _ = try await connection.send(HeartbeatRequest(), version: 0)
            }
        }
    }

    @Test func aLargeResponseArrivesInOneBufferOfItsOwn() async throws {
        let answer = ByteBuffer(repeating: 3, count: 5_000_000)
        let handler = ClosureHandler { request, responder in
            responder.send(response(correlationID: request.header.correlationID, answer))
        }
        try await withListener(handler) { listener in
            let connection = try await connect(listener)
            let frame = try await connection.submitFrame(HeartbeatRequest(), version: 0).get()
            #expect(frame.readableBytes == 5_000_004)
            #expect(frame.getSlice(at: 4, length: 5_000_000) == answer)
            await connection.close()
        }
    }

    @Test func aRequestWithoutResponseIsFollowedByOthers() async throws {
        let handler = ClosureHandler { request, responder in
            if request.header.apiKey == .produce { responder.sendNothing() } else { responder.send(request.echo) }
        }
        try await withListener(handler) { listener in
            let connection = try await connect(listener)
            var produce = ProduceRequest()
            produce.acks = 0
            try connection.sendWithoutResponse(produce, version: 3)
            let frame = try await connection.submitFrame(HeartbeatRequest(), version: 0).get()
            #expect(frame.getInteger(at: 0, as: Int32.self) == 1)
            await connection.close()
        }
    }

    @Test func aRefusedConnectionIsATypedError() async throws {
        var port = 0
        try await withListener { port = $0.port }
        await #expect {
            _ = try await BrokerConnection.connect(
                host: "127.0.0.1", port: port, on: MultiThreadedEventLoopGroup.singleton)
        } throws: { error in
            if case .cannotConnect("127.0.0.1", port, _) = error as? ConnectionError { true } else { false }
        }
    }

    @Test func anUnknownHostIsATypedError() async throws {
        await #expect(throws: ConnectionError.unknownHost("broker.invalid")) {
            _ = try await BrokerConnection.connect(
                host: "broker.invalid", port: 9092, on: MultiThreadedEventLoopGroup.singleton)
        }
    }
}
