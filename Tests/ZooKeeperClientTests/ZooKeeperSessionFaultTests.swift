// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import ZooKeeperClient
import ZooKeeperTestKit

/// What a session does with refusals, watches, many requests, and an end that comes too early.
@Suite struct ZooKeeperSessionFaultTests {
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

    @Test func aSessionResumedAndClosedElsewhereExpires() async throws {
        let server = try await SharedZooKeeper.server()
        // The owner is cut off first: a live one would take its session back at once.
        let proxy = try ChaosProxy(to: server.port)
        let configuration = ZooKeeperConfiguration(
            connect: try ZooKeeperConnectString(proxy.connectString), sessionTimeout: .seconds(20))
        try await withSession { observer, root in
            let (events, continuation) = AsyncStream.makeStream(of: ZooKeeperEvent.self)
            let connection = ZooKeeperConnection(configuration, onEvent: { continuation.yield($0) })
            try await connection.connect()
            try await connection.create("\(root)/e", data: nil, mode: .ephemeral)
            proxy.set(.refuse)
            let direct = ZooKeeperConfiguration(connect: try ZooKeeperConnectString(server.connectString))
            let other = ZooKeeperSession(direct, resuming: connection.identity)
            try await other.connect()
            await other.close()
            proxy.set(.pass())
            #expect(try await observer.exists("\(root)/e") == nil)
            var seen: [String] = []
            for await event in events {
                switch event {
                case .connected: seen.append("connected")
                case .disconnected: seen.append("disconnected")
                case .expired: seen.append("expired")
                case .sessionReplaced: seen.append("replaced")
                default: seen.append("other")
                }
                if case .sessionReplaced = event { break }
            }
            #expect(seen == ["connected", "disconnected", "expired", "replaced"])
            #expect(try await connection.exists("/") != nil)
            await connection.close()
        }
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
