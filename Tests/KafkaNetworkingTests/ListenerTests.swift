// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import KafkaProtocol
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import KafkaNetworking

/// The listener over real sockets: what well-behaved clients see.
@Suite struct ListenerTests {
    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        // Each says at once that the next may start, and is answered after a while of its own.
        let handler = ClosureHandler { request, responder in
            responder.started()
            let answer = request.echo
            responder.eventLoop.scheduleTask(in: .microseconds(Int64(request.header.correlationID * 37 % 11) * 500)) {
                responder.send(answer)
            }
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send((0..<200).flatMap { request($0, body: Int($0) * 100) })
            for number in Int32(0)..<200 {
                let response = try #require(try await client.response())
                #expect(response.correlationID == number)
                #expect(response.body.count == Int(number) * 100)
            }
        }
    }

    @Test func requestsAreServedOneAtATimeUnlessTheySayOtherwise() async throws {
        let inWork = Mutex((now: 0, most: 0))
        let handler = ClosureHandler { request, responder in
            inWork.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            let answer = request.echo
            // Answered on another thread.
            NIOSingletons.posixBlockingThreadPool.submit { _ in
                inWork.withLock { $0.now -= 1 }
                responder.send(answer)
            }
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send((0..<100).flatMap { request($0) })
            for number in Int32(0)..<100 { #expect(try await client.response()?.correlationID == number) }
        }
        #expect(inWork.withLock { $0.most } == 1)
    }

    @Test func noAnswerIsSentForRequestsWithoutOne() async throws {
        let handler = ClosureHandler { request, responder in
            if request.header.correlationID % 2 == 0 { responder.sendNothing() } else { responder.send(request.echo) }
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send((0..<6).flatMap { request($0) })
            for number: Int32 in [1, 3, 5] { #expect(try await client.response()?.correlationID == number) }
        }
    }

    @Test func aLargeRequestArrivesWhole() async throws {
        let handler = ClosureHandler { request, responder in
            let sent = ByteBuffer(
                repeating: UInt8(request.header.correlationID), count: request.body.readableBytes)
            let isWhole = request.body == sent
            let answer = ByteBuffer(integer: isWhole ? request.body.readableBytes : -1)
            responder.send(response(correlationID: request.header.correlationID, answer))
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            for (number, size) in [3_000_000, 1_048_588, 20_000, 0, 10_000_000].enumerated() {
                try await client.send(request(Int32(number), body: size))
                let answer = try #require(try await client.response())
                #expect(ByteBuffer(bytes: answer.body).getInteger(at: 0, as: Int.self) == size)
            }
        }
    }

    /// The frame's buffer belongs to the request alone, so that offsets can be patched into it without a copy.
    @Test func theBodyOfALargeRequestIsTheOnlyReferenceToItsBuffer() async throws {
        let handler = ClosureHandler { request, responder in
            let correlationID = request.header.correlationID
            let body = Mutex(request.body)
            // Once this has returned nobody else may hold the body.
            responder.eventLoop.execute {
                let isUnique = body.withLock { $0.modifyIfUniquelyOwned { _ in true } } ?? false
                responder.send(response(correlationID: correlationID, ByteBuffer(integer: isUnique ? 1 : 0)))
            }
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            for number in Int32(0)..<3 {
                try await client.send(request(number, body: 1_000_000))
                #expect(try await client.response()?.body.last == 1)
            }
        }
    }

    @Test func readingStopsAtTheBoundOfBytesInFlight() async throws {
        let waiting = Mutex<[Responder]>([])
        let handler = ClosureHandler { request, responder in
            responder.started()
            waiting.withLock { $0.append(responder) }
        }
        let limits = ConnectionLimits(bytesInFlight: 500_000)
        try await withListener(handler, limits: limits) { listener in
            let client = try RawClient(port: listener.port)
            let bytes = (0..<500).flatMap { request($0, body: 100_000) }
            let sending = Task { try await client.send(bytes) }
            #expect(try await eventually { waiting.withLock { $0.count } == 5 })
            // The sixth would exceed the bound.
            try await Task.sleep(for: .milliseconds(100))
            #expect(waiting.withLock { $0.count } == 5)
            for number in Int32(0)..<500 {
                #expect(try await eventually { waiting.withLock { !$0.isEmpty } })
                let oldest = waiting.withLock { $0.removeFirst() }
                oldest.send(response(correlationID: number, ByteBuffer()))
                #expect(waiting.withLock { $0.count } <= 6)
                #expect(try await client.response()?.correlationID == number)
            }
            #expect(try await sending.value == bytes.count)
        }
    }

    /// Who asks without reading the answers is not served on and on.
    @Test func requestsStopToStartWhileAnswersAreNotTaken() async throws {
        let started = Mutex(0)
        let answer = ByteBuffer(repeating: 1, count: 100_000)
        let handler = ClosureHandler { request, responder in
            started.withLock { $0 += 1 }
            responder.send(response(correlationID: request.header.correlationID, answer))
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send((0..<2000).flatMap { request($0) })
            try await Task.sleep(for: .milliseconds(200))
            // What the kernel's buffers hold, and one more.
            let count = started.withLock { $0 }
            #expect(count < 200)
            for number in Int32(0)..<2000 { #expect(try await client.response()?.correlationID == number) }
            #expect(started.withLock { $0 } == 2000)
        }
    }

    @Test func aThrottledClientIsAnsweredAtOnceAndThenWaits() async throws {
        let times = Mutex<[NIODeadline]>([])
        let handler = ClosureHandler { request, responder in
            times.withLock { $0.append(.now()) }
            responder.send(request.echo, throttle: .milliseconds(150))
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(0) + request(1))
            #expect(try await client.response()?.correlationID == 0)
            #expect(try await client.response()?.correlationID == 1)
            #expect(times.withLock { $0[1] - $0[0] } >= .milliseconds(150))
        }
    }

    @Test func answersMayConsistOfBytesAndFiles() async throws {
        try await withTemporaryFile(ByteBuffer(repeating: 5, count: 3_000_000)) { handle in
            let handler = ClosureHandler { request, responder in
                var head = ByteBuffer(integer: Int32(4 + 3 + 2_000_000 + 2))
                head.writeInteger(request.header.correlationID)
                head.writeBytes([1, 2, 3])
                responder.send([
                    .bytes(head), .file(FileRegion(fileHandle: handle, readerIndex: 1000, endIndex: 2_001_000)),
                    .bytes(ByteBuffer(bytes: [8, 9])),
                ])
            }
            try await withListener(handler) { listener in
                let client = try RawClient(port: listener.port)
                try await client.send(request(0) + request(1))
                for number: Int32 in [0, 1] {
                    let answer = try #require(try await client.response())
                    #expect(answer.correlationID == number)
                    #expect(answer.body == [1, 2, 3] + [UInt8](repeating: 5, count: 2_000_000) + [8, 9])
                }
            }
        }
    }

    @Test func filesAreReleasedWhenTheClientGoesAway() async throws {
        try await withTemporaryFile(ByteBuffer(repeating: 5, count: 20_000_000)) { handle in
            let region = Mutex<FileRegion?>(
                FileRegion(fileHandle: try handle.duplicate(), readerIndex: 0, endIndex: 20_000_000))
            weak let watched = region.withLock { $0?.fileHandle }
            let handler = ClosureHandler { request, responder in
                guard let region = region.withLock({ $0.take() }) else { return responder.sendNothing() }
                try? region.fileHandle.close()
                responder.send([.file(region)])
            }
            _ = handle
            try await withListener(handler) { listener in
                let client = try RawClient(port: listener.port)
                try await client.send(request(0))
                #expect(try await eventually { listener.statistics.requestsStarted == 1 })
                client.reset()
                #expect(try await eventually { listener.statistics.connectionsOpen == 0 })
                #expect(try await eventually { watched == nil })
            }
        }
    }

    @Test func answersToAClientThatHasGoneAreDropped() async throws {
        let responders = Mutex<[Responder]>([])
        let handler = ClosureHandler { _, responder in responders.withLock { $0.append(responder) } }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(0) + request(1))
            #expect(try await eventually { responders.withLock { $0.count } == 1 })
            client.reset()
            #expect(try await eventually { listener.statistics.connectionsOpen == 0 })
            responders.withLock { $0[0] }.send(response(correlationID: 0, ByteBuffer()))
            let other = try RawClient(port: listener.port)
            try await other.send(request(0))
            #expect(try await eventually { responders.withLock { $0.count } == 2 })
            responders.withLock { $0[1] }.send(response(correlationID: 7, ByteBuffer()))
            #expect(try await other.response()?.correlationID == 7)
        }
    }

    @Test func aFailedRequestClosesItsConnectionAfterEarlierAnswers() async throws {
        let handler = ClosureHandler { request, responder in
            if request.header.correlationID == 2 { responder.closeConnection() } else { responder.send(request.echo) }
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send((0..<5).flatMap { request($0) })
            #expect(try await client.response()?.correlationID == 0)
            #expect(try await client.response()?.correlationID == 1)
            #expect(try await client.isClosed())
        }
    }

    @Test func theConnectionIsDescribed() async throws {
        let seen = Mutex<[ConnectionInfo]>([])
        let handler = ClosureHandler { request, responder in
            seen.withLock { $0.append(request.connection) }
            request.connection.clientSoftware = .init(name: "test", version: "1")
            responder.send(request.echo)
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(0) + request(1))
            _ = try await client.response()
            _ = try await client.response()
            let infos = seen.withLock { $0 }
            #expect(infos[0].id.hasPrefix("127.0.0.1:\(listener.port)-127.0.0.1:"))
            #expect(infos[0].id.hasSuffix("-0"))
            #expect(infos[0].remoteHost == "127.0.0.1")
            #expect(infos[0].listenerName == "PLAINTEXT")
            #expect(infos[0].principal == "User:ANONYMOUS")
            #expect(infos[0] === infos[1])
            #expect(infos[1].clientSoftware?.name == "test")
        }
    }

    @Test func allInterfacesMeansIPv4Too() async throws {
        let listener = try await Listener.bind(
            ListenerConfiguration(endpoint: endpoint(host: "")), handler: echo,
            on: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test"))
        let client = try RawClient(port: listener.port)
        try await client.send(request(3))
        #expect(try await client.response()?.correlationID == 3)
        await listener.close()
    }

    // MARK: Starting and stopping

    @Test func aClaimedPortRefusesConnectionsUntilItIsServed() async throws {
        // A port that is free, as far as anyone can know.
        let free = try await Listener.claim(ListenerConfiguration(endpoint: endpoint())).port
        let claim = try await Listener.claim(ListenerConfiguration(endpoint: endpoint(port: free)))
        #expect(claim.port == free)
        #expect(throws: RawClient.SystemError.self) { try RawClient(port: free) }
        // Between `listen` and `serve` a connection is made, and waits.
        try claim.listen()
        let early = try RawClient(port: free)
        try await early.send(request(1))
        let listener = try await Listener.serve(
            claim, handler: echo, on: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        #expect(listener.port == free)
        #expect(try await early.response()?.correlationID == 1)
        await listener.close()
    }

    @Test func aClaimThatIsGivenUpFreesItsPort() async throws {
        var claim: ClaimedPort? = try await Listener.claim(ListenerConfiguration(endpoint: endpoint()))
        let port = try #require(claim?.port)
        await #expect(throws: BindError.addressInUse(host: "127.0.0.1", port: port)) {
            try await Listener.claim(ListenerConfiguration(endpoint: endpoint(port: port)))
        }
        claim = nil
        _ = try await Listener.claim(ListenerConfiguration(endpoint: endpoint(port: port)))
    }

    @Test func whoListensFirstHasThePort() async throws {
        let free = try await Listener.claim(ListenerConfiguration(endpoint: endpoint())).port
        let claims = try await [
            Listener.claim(ListenerConfiguration(endpoint: endpoint(port: free))),
            Listener.claim(ListenerConfiguration(endpoint: endpoint(port: free))),
        ]
        try claims[0].listen()
        #expect(throws: BindError.addressInUse(host: "127.0.0.1", port: free)) { try claims[1].listen() }
    }

    @Test func aPortInUseIsATypedError() async throws {
        try await withListener { listener in
            await #expect(throws: BindError.addressInUse(host: "127.0.0.1", port: listener.port)) {
                try await Listener.bind(
                    ListenerConfiguration(endpoint: endpoint(port: listener.port)), handler: echo,
                    on: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
            }
        }
    }

    @Test func anAddressOfAnotherMachineIsATypedError() async throws {
        await #expect(throws: BindError.addressNotAvailable(host: "192.0.2.1", port: 0)) {
            try await Listener.bind(
                ListenerConfiguration(endpoint: endpoint(host: "192.0.2.1")), handler: echo,
                on: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        }
    }

    @Test(arguments: [SecurityProtocol.ssl, .saslPlaintext, .saslSSL])
    func whatCannotBeProtectedIsNotServed(securityProtocol: SecurityProtocol) async throws {
        await #expect(throws: BindError.securityProtocolNotServed(securityProtocol, listener: "X")) {
            try await Listener.bind(
                ListenerConfiguration(
                    endpoint: Endpoint(
                        listenerName: "X", host: "127.0.0.1", port: 0, securityProtocol: securityProtocol)),
                handler: echo, on: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        }
    }

    @Test func aClosedListenerClosesItsConnectionsAndFreesItsPort() async throws {
        var port = 0
        var client: RawClient?
        try await withListener { listener in
            port = listener.port
            client = try RawClient(port: port)
            try await client?.send(request(0))
            #expect(try await client?.response()?.correlationID == 0)
        }
        #expect(try await client?.isClosed() == true)
        #expect(throws: RawClient.SystemError.self) { try RawClient(port: port) }
    }
}
