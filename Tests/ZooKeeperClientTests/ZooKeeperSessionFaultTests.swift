// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import ZooKeeperClient
import ZooKeeperTestKit

/// What a session does with refusals, watches, many requests, and an end that comes too early.
@Suite(.timeLimit(.minutes(1))) struct ZooKeeperSessionFaultTests {
    @Test func refusalsAreTypedErrors() async throws {
        try await withSession { session, root in
            try await session.create("\(root)/a", data: nil)
            try await session.create("\(root)/e", data: nil, mode: .ephemeral)
            try await session.create("\(root)/a/b", data: nil)
            let bad: [(ZooKeeperRequest, ZooKeeperError)] = [
                (.getData(path: "\(root)/none"), .noNode),
                (.create(path: "\(root)/none/x", data: nil), .noNode),
                (.create(path: "\(root)/a", data: nil), .nodeExists),
                (.setData(path: "\(root)/a", data: nil, version: 9), .badVersion),
                (.delete(path: "\(root)/a"), .notEmpty),
                (.create(path: "\(root)/e/x", data: nil), .noChildrenForEphemerals),
                (.create(path: "\(root)/x", data: nil, acl: []), .invalidACL),
                (.getData(path: "relative"), .badArguments),
                (.getData(path: "/a//b"), .badArguments),
                (.getData(path: "/a\0b"), .badArguments),
                (.multi([.delete(path: "/a/../b"), .check(path: "/", version: 0)]), .badArguments),
                (.create(path: "\(root)/t", data: nil, mode: .persistentWithTTL(milliseconds: 0)), .badArguments),
            ]
            let results = await session.submit(bad.map(\.0))
            for ((request, error), result) in zip(bad, results) {
                #expect(result == .failure(error), "\(request)")
            }
        }
    }

    @Test func nullAndEmptyDataAreDifferent() async throws {
        try await withSession { session, root in
            try await session.create("\(root)/null", data: nil)
            try await session.create("\(root)/empty", data: [])
            #expect(try await session.getData("\(root)/null").data == nil)
            #expect(try await session.getData("\(root)/empty").data == [])
            try await session.setData("\(root)/empty", data: nil)
            #expect(try await session.getData("\(root)/empty").data == nil)
            let outcome = try await session.multi([
                .setData(path: "\(root)/null", data: []), .create(path: "\(root)/third", data: nil),
            ])
            #expect(outcome.failure == nil)
            #expect(try await session.getData("\(root)/null").data == [])
            #expect(try await session.getData("\(root)/third").data == nil)
        }
    }

    @Test func everyModeCreatesItsKindOfNode() async throws {
        try await withSession { session, root in
            #expect(
                try await session.create("\(root)/s-", data: nil, mode: .persistentSequential).path
                    == "\(root)/s-0000000000")
            let ephemeral = try await session.create("\(root)/e-", data: nil, mode: .ephemeralSequential)
            #expect(ephemeral.path == "\(root)/e-0000000001")
            #expect(ephemeral.stat.ephemeralOwner == session.identity?.id)
            #expect(try await session.create("\(root)/c", data: nil, mode: .container).path == "\(root)/c")
            #expect(
                try await session.create("\(root)/t", data: nil, mode: .persistentWithTTL(milliseconds: 60_000)).path
                    == "\(root)/t")
        }
    }

    @Test func aMultiIsAllOrNothingAndTellsWhichOperationFailed() async throws {
        try await withSession { session, root in
            let done = try await session.multi([
                .create(path: "\(root)/a", data: [1]), .setData(path: "\(root)/a", data: [2], version: 0),
                .check(path: "\(root)/a", version: 1),
                .create(path: "\(root)/s-", data: nil, mode: .persistentSequential),
            ])
            #expect(done.failure == nil)
            #expect(done.results[0] == .success(.created(path: "\(root)/a")))
            #expect(done.stat(at: 1)?.version == 1)
            #expect(done.results[3] == .success(.created(path: "\(root)/s-0000000001")))

            let refused = try await session.multi([
                .delete(path: "\(root)/a"), .check(path: "\(root)/none", version: 0), .delete(path: "\(root)/a"),
            ])
            #expect(refused.failure?.index == 1)
            #expect(refused.failure?.error == .noNode)
            #expect(refused.results[2] == .failure(.runtimeInconsistency))
            #expect(try await session.exists("\(root)/a") != nil)
        }
    }

    @Test func tenThousandPipelinedCreatesKeepTheirOrder() async throws {
        try await withSession(maxInFlight: 1000) { session, root in
            let results = await session.submit(
                (0..<10_000).map { .create(path: "\(root)/n\($0)", data: nil) })
            var last: Int64 = 0
            for result in results {
                guard case .success(.created(_, let stat)) = result else {
                    Issue.record("\(result)")
                    return
                }
                #expect(stat.creationTransaction > last)
                last = stat.creationTransaction
            }
        }
    }

    @Test func closingCompletesEveryRequestUnderWay() async throws {
        let server = try await SharedZooKeeper.server()
        for _ in 0..<20 {
            let session = ZooKeeperSession(
                ZooKeeperConfiguration(
                    connect: try ZooKeeperConnectString(server.connectString), maxInFlightRequests: 500))
            try await session.connect()
            async let results = session.submit((0..<2000).map { _ in .multi([.check(path: "/", version: 0)]) })
            async let closed: Void = session.close()
            for result in await results {
                if case .failure(let error) = result { #expect(error == .closing) }
            }
            await closed
            #expect(await session.countUnderWay() == 0)
            #expect(await session.submit([.exists(path: "/")]) == [.failure(.closing)])
        }
    }

    @Test func aChrootIsInvisible() async throws {
        let server = try await SharedZooKeeper.server()
        try await withSession { session, root in
            let events = Mutex<[ZooKeeperEvent]>([])
            let inner = ZooKeeperSession(
                ZooKeeperConfiguration(connect: try ZooKeeperConnectString(server.connectString + root))
            ) { event in events.withLock { $0.append(event) } }
            try await inner.connect()
            #expect(try await inner.create("/a", data: nil).path == "/a")
            _ = try await inner.exists("/a", watch: true)
            #expect(try await inner.getChildren("/").names == ["a"])
            try await session.delete("\(root)/a")
            try await inner.sync()
            #expect(events.withLock { $0 }.contains(.watch(path: "/a", kind: .deleted)))
            await inner.close()
        }
    }

    @Test func digestCredentialsOpenProtectedNodes() async throws {
        let server = try await SharedZooKeeper.server()
        try await withSession { session, root in
            let owner = ZooKeeperSession(
                ZooKeeperConfiguration(
                    connect: try ZooKeeperConnectString(server.connectString),
                    credentials: [.digest(user: "u", password: "p")]))
            try await owner.connect()
            try await owner.create("\(root)/secret", data: [1], acl: .creatorAll)
            #expect(try await owner.getData("\(root)/secret").data == [1])
            await #expect(throws: ZooKeeperError.notAuthorised) { try await session.getData("\(root)/secret") }
            await owner.close()
        }
    }

    /// A quick restart and `martlet fence` build on this: after the end, nothing is in the way of a new registration.
    @Test func aDeadOwnersSessionIsEndedWithItsNodes() async throws {
        let server = try await SharedZooKeeper.server()
        let proxy = try ChaosProxy(to: server.port)
        try await withSession { observer, root in
            for number in 0..<5 {
                let owner = ZooKeeperSession(
                    ZooKeeperConfiguration(
                        connect: try ZooKeeperConnectString(proxy.connectString), sessionTimeout: .seconds(30)))
                try await owner.connect()
                let path = "\(root)/e\(number)"
                try await owner.create(path, data: nil, mode: .ephemeral)
                let identity = try #require(owner.identity)
                proxy.set(.refuse)
                let direct = ZooKeeperConfiguration(
                    connect: try ZooKeeperConnectString(server.connectString), connectionTimeout: .seconds(5))
                #expect(try await ZooKeeperSession.end(identity, direct))
                #expect(try await observer.exists(path) == nil)
                try await observer.create(path, data: nil, mode: .ephemeral)
                #expect(try await !ZooKeeperSession.end(identity, direct))
                // The owner comes back and hears that it is dead.
                proxy.set(.pass())
                try await eventually { await owner.submit([.exists(path: "/")]) == [.failure(.sessionExpired)] }
                await owner.close()
            }
        }
        proxy.stop()
    }

    /// The C client does not await the answer to its close, so a close can be lost without a word.
    @Test func aCloseThatIsLostIsNotTakenForTheEnd() async throws {
        let server = try await SharedZooKeeper.server()
        let (dying, probed, lossy) = (
            try ChaosProxy(to: server.port), try ChaosProxy(to: server.port), try ChaosProxy(to: server.port)
        )
        func session(_ proxy: ChaosProxy) async throws -> ZooKeeperSession {
            let session = ZooKeeperSession(
                ZooKeeperConfiguration(
                    connect: try ZooKeeperConnectString(proxy.connectString), sessionTimeout: .seconds(30)))
            try await session.connect()
            return session
        }
        let probe = try await session(probed)
        let handshake = probed.bytesFromClients
        await probe.close()
        try await withSession { observer, root in
            let owner = try await session(dying)
            try await owner.create("\(root)/e", data: nil, mode: .ephemeral)
            let identity = try #require(owner.identity)
            dying.set(.refuse)
            // The session is resumed, and a part of the close still passes.
            lossy.cut(afterBytesFromClient: handshake + 4)
            let ended = try await ZooKeeperSession.end(
                identity,
                ZooKeeperConfiguration(
                    connect: try ZooKeeperConnectString(lossy.connectString), sessionTimeout: .seconds(30),
                    connectionTimeout: .seconds(20)))
            #expect(ended)
            #expect(try await observer.exists("\(root)/e") == nil)
            #expect(lossy.acceptedConnections >= 3)
            await owner.close()
        }
        for proxy in [dying, probed, lossy] { proxy.stop() }
    }

    @Test func aSessionIsEndedThroughAnotherServerOfAnEnsemble() async throws {
        let ensemble = try await ZooKeeperEnsemble.start()
        func configuration(_ server: Int) throws -> ZooKeeperConfiguration {
            ZooKeeperConfiguration(
                connect: try ZooKeeperConnectString(ensemble.servers[server].connectString),
                sessionTimeout: .seconds(30), connectionTimeout: .seconds(5))
        }
        let proxy = try ChaosProxy(to: ensemble.servers[0].port)
        let observer = ZooKeeperSession(try configuration(2))
        try await observer.connect()
        for number in 0..<5 {
            let owner = ZooKeeperSession(
                ZooKeeperConfiguration(
                    connect: try ZooKeeperConnectString(proxy.connectString), sessionTimeout: .seconds(30)))
            try await owner.connect()
            try await owner.create("/e\(number)", data: nil, mode: .ephemeral)
            let identity = try #require(owner.identity)
            proxy.set(.refuse)
            #expect(try await ZooKeeperSession.end(identity, try configuration(1)))
            try await observer.create("/e\(number)", data: nil, mode: .ephemeral)
            proxy.set(.pass())
            await owner.close()
        }
        await observer.close()
        proxy.stop()
        ensemble.kill()
    }

    @Test func anExpiredSessionIsReplaced() async throws {
        let server = try await SharedZooKeeper.server()
        let proxy = try ChaosProxy(to: server.port)
        try await withSession { observer, root in
            let (events, continuation) = AsyncStream.makeStream(of: ZooKeeperEvent.self)
            let prepared = Mutex(0)
            let connection = ZooKeeperConnection(
                ZooKeeperConfiguration(
                    connect: try ZooKeeperConnectString(proxy.connectString), sessionTimeout: .seconds(1),
                    connectionTimeout: .seconds(10)),
                beforeReplacing: { prepared.withLock { $0 += 1 } }, onEvent: { continuation.yield($0) })
            try await connection.connect()
            let first = try #require(connection.identity)
            try await connection.create("\(root)/e", data: nil, mode: .ephemeral)
            proxy.set(.refuse)
            // Sent into the dead session: it must not be applied in the next.
            async let lost = connection.submit([.create(path: "\(root)/late", data: nil)])
            try await eventually { try await observer.exists("\(root)/e") == nil }
            proxy.set(.pass())
            var seen: [String] = []
            events: for await event in events {
                switch event {
                case .connected: seen.append("connected")
                case .disconnected: seen.append("disconnected")
                case .expired: seen.append("expired")
                case .sessionReplaced(let identity):
                    #expect(identity.id != first.id)
                    seen.append("replaced")
                    break events
                default: seen.append("\(event)")
                }
            }
            #expect(seen == ["connected", "disconnected", "expired", "replaced"])
            #expect(prepared.withLock { $0 } == 1)
            #expect(await lost == [.failure(.sessionExpired)])
            #expect(try await observer.exists("\(root)/late") == nil)
            try await connection.create("\(root)/e", data: nil, mode: .ephemeral)
            #expect(try await observer.exists("\(root)/e")?.ephemeralOwner == connection.identity?.id)
            await connection.close()
        }
        proxy.stop()
    }

    @Test func aRequestLostAfterItsCommitIsSentAgain() async throws {
        let server = try await SharedZooKeeper.server()
        let proxy = try ChaosProxy(to: server.port)
        let connection = ZooKeeperConnection(
            ZooKeeperConfiguration(connect: try ZooKeeperConnectString(proxy.connectString)))
        try await connection.connect()
        try await withSession { observer, root in
            proxy.set(.swallowAnswers)
            async let outcome = connection.multi([
                .create(path: "\(root)/a", data: nil), .create(path: "\(root)/b", data: nil),
            ])
            while try await observer.exists("\(root)/b") == nil { try await Task.sleep(for: .milliseconds(5)) }
            proxy.set(.pass())
            proxy.cut()
            // Applied the first time, so the second finds it done.
            #expect(try await outcome.failure?.error == .nodeExists)
        }
        await connection.close()
        proxy.stop()
    }

    @Test func anEnsembleThatIsDownIsAClearErrorInTime() async throws {
        let server = try await ZooKeeperServer.start()
        server.kill()
        let connection = ZooKeeperConnection(
            ZooKeeperConfiguration(
                connect: try ZooKeeperConnectString(server.connectString), connectionTimeout: .milliseconds(300)))
        await #expect(
            throws: ZooKeeperError.connectionTimeout(servers: server.connectString, milliseconds: 300)
        ) { try await connection.connect() }
        await connection.close()
    }

    @Test func aWatchThatFiresWhileDisconnectedIsReportedOnReturn() async throws {
        let server = try await ZooKeeperServer.start()
        let proxy = try ChaosProxy(to: server.port)
        let (events, continuation) = AsyncStream.makeStream(of: ZooKeeperEvent.self)
        let watcher = ZooKeeperConnection(
            ZooKeeperConfiguration(connect: try ZooKeeperConnectString(proxy.connectString)),
            onEvent: { continuation.yield($0) })
        let writer = ZooKeeperConnection(
            ZooKeeperConfiguration(connect: try ZooKeeperConnectString(server.connectString)))
        try await watcher.connect()
        try await writer.connect()
        #expect(try await watcher.exists("/w", watch: true) == nil)
        proxy.set(.refuse)
        try await writer.create("/w", data: nil)
        proxy.set(.pass())
        for await event in events where event == .watch(path: "/w", kind: .created) { break }
        // And a restart of the server: requests wait and succeed.
        server.kill()
        async let set = writer.setData("/w", data: [1], version: 0)
        try await server.restart()
        #expect(try await set.version == 1)
        await watcher.close()
        await writer.close()
        proxy.stop()
    }

    @Test func anEnsembleSurvivesTheLossOfItsLeader() async throws {
        let ensemble = try await ZooKeeperEnsemble.start()
        let connection = ZooKeeperConnection(
            ZooKeeperConfiguration(connect: try ZooKeeperConnectString(ensemble.connectString)))
        try await connection.connect()
        try await connection.create("/a", data: nil)
        ensemble.servers[try await ensemble.leader()].kill()
        try await connection.setData("/a", data: [1])
        #expect(try await connection.getData("/a").data == [1])
        await connection.close()
        ensemble.kill()
    }
}

/// Waits until the condition holds; the suite's time limit ends what never comes true.
func eventually(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await Task.sleep(for: .milliseconds(5)) }
}
