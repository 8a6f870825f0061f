// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import NIOCore
import Synchronization
import Testing

@testable import KafkaNetworking

/// The listener over real sockets: what ill-behaved clients see, and what the others notice of them.
@Suite(.serialized) struct HostileClientTests {
    /// Bytes that no request begins with.
    static let garbage: [(String, [UInt8])] = [
        ("negative length", [0xff, 0xff, 0xff, 0xff]),
        ("huge length", [0x7f, 0xff, 0xff, 0xff]),
        ("a length just above the limit", [0x06, 0x40, 0x00, 0x01]),
        ("empty frame", [0, 0, 0, 0]),
        ("header cut short", [0, 0, 0, 6, 0, 12, 0, 0, 0, 0]),
        ("client id longer than the frame", [0, 0, 0, 10, 0, 12, 0, 0, 0, 0, 0, 1, 0x7f, 0xff]),
        ("unknown API", request(1, api: 99)),
        ("negative API", request(1, api: -1)),
        ("version not served", request(1, version: 99)),
        ("negative version", request(1, version: -1)),
        ("HTTP", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)),
        ("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01]),
    ]

    @Test(arguments: garbage.indices) func garbageClosesTheConnection(index: Int) async throws {
        try await withListener { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(Self.garbage[index].1)
            #expect(try await client.isClosed(), "\(Self.garbage[index].0)")
        }
    }

    @Test(arguments: garbage.indices) func requestsBeforeTheGarbageAreAnswered(index: Int) async throws {
        try await withListener { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(1) + request(2) + Self.garbage[index].1)
            #expect(try await client.response()?.correlationID == 1)
            #expect(try await client.response()?.correlationID == 2)
            #expect(try await client.isClosed(), "\(Self.garbage[index].0)")
        }
    }

    @Test func apiVersionsArrivesInAnyVersion() async throws {
        let handler = ClosureHandler(served: { _, _ in false }) { request, responder in
            responder.send(response(correlationID: request.header.correlationID, ByteBuffer()))
        }
        try await withListener(handler) { listener in
            let client = try RawClient(port: listener.port)
            // From version 3 on the header ends with tagged fields, here none.
            try await client.send(request(5, api: 18, version: 0) + request(6, api: 18, version: 99, body: 10))
            #expect(try await client.response()?.correlationID == 5)
        }
    }

    @Test func seededGarbageNeverDisturbsOthers() async throws {
        try await withListener { listener in
            let other = try RawClient(port: listener.port)
            var random = SeededRandom(seed: 1)
            for round in Int32(0)..<200 {
                let client = try RawClient(port: listener.port)
                var bytes = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                if round % 2 == 0 { bytes = request(round, body: 50) + bytes }
                if round % 3 == 0 {
                    bytes = request(1, body: 100)
                    bytes[Int.random(in: 0..<14, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                _ = client.sendWithoutWaiting(bytes)
                if round % 5 == 0 { client.reset() } else { client.endOutput() }
                try await other.send(request(round))
                #expect(try await other.response()?.correlationID == round)
            }
            #expect(try await eventually { listener.statistics.connectionsOpen == 1 })
        }
    }

    @Test func aNewcomerMustCompleteItsFirstFrameInTime() async throws {
        let limits = ConnectionLimits(newcomerTime: .milliseconds(100))
        try await withListener(limits: limits) { listener in
            let slow = try RawClient(port: listener.port)
            try await slow.send([0, 0, 0, 100, 0])
            #expect(try await slow.isClosed())
            // Who has had an answer may take its time, and who says nothing is merely idle.
            let known = try RawClient(port: listener.port)
            let silent = try RawClient(port: listener.port)
            try await known.send(request(1))
            #expect(try await known.response()?.correlationID == 1)
            try await known.send(Array(request(2).prefix(7)))
            try await Task.sleep(for: .milliseconds(250))
            try await known.send(Array(request(2).dropFirst(7)))
            #expect(try await known.response()?.correlationID == 2)
            try await silent.send(request(3))
            #expect(try await silent.response()?.correlationID == 3)
        }
    }

    @Test func anIdleConnectionIsClosed() async throws {
        try await withListener(limits: ConnectionLimits(idleTime: .milliseconds(100))) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(1))
            #expect(try await client.response()?.correlationID == 1)
            #expect(try await client.isClosed())
        }
    }

    @Test func aConnectionWithARequestInWorkIsNotIdle() async throws {
        let handler = ClosureHandler { request, responder in
            let answer = request.echo
            responder.eventLoop.scheduleTask(in: .milliseconds(400)) { responder.send(answer) }
        }
        try await withListener(handler, limits: ConnectionLimits(idleTime: .milliseconds(100))) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(1))
            #expect(try await client.response()?.correlationID == 1)
        }
    }

    /// Frames announced long, and begun: memory is claimed by what arrives, and all newcomers share one budget.
    @Test func aThousandHostileConnectionsDoNotMakeMemoryGrow() async throws {
        var files = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        files.rlim_cur = min(files.rlim_max, max(files.rlim_cur, 4096))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        let limits = ConnectionLimits(newcomerBytes: 16 << 20)
        try await withListener(limits: limits) { listener in
            // The process has grown to its usual size.
            let first = try RawClient(port: listener.port)
            try await first.send(request(0))
            _ = try await first.response()
            let before = residentBytes()
            let announcement: [UInt8] = [0x00, 0x10, 0x00, 0x00]
            let flood = announcement + [UInt8](repeating: 1, count: 1_000_000)
            var clients: [RawClient] = []
            for _ in 0..<1000 {
                let client = try RawClient(port: listener.port)
                _ = client.sendWithoutWaiting(flood)
                clients.append(client)
            }
            #expect(try await eventually { listener.statistics.connectionsOpen == 1001 })
            for _ in 0..<5 {
                for client in clients { _ = client.sendWithoutWaiting(flood) }
                try await Task.sleep(for: .milliseconds(20))
            }
            let growth = residentBytes() - before
            #expect(growth < 64 << 20, "resident memory grew by \(growth >> 20) MiB")
            // Newcomers with ordinary first requests, and those who were there before, are served as ever.
            let honest = try RawClient(port: listener.port)
            for client in [honest, first] {
                try await client.send(request(9, body: 5000))
                #expect(try await client.response()?.correlationID == 9)
            }
            // A known client's large requests are not paid from the newcomers' budget.
            try await first.send(request(10, body: 3_000_000))
            #expect(try await first.response()?.correlationID == 10)
            for client in clients { client.reset() }
            #expect(try await eventually { listener.statistics.connectionsOpen <= 2 })
        }
    }

    @Test func whatNewcomersHeldIsGivenBack() async throws {
        let limits = ConnectionLimits(newcomerBytes: 300_100)
        try await withListener(limits: limits) { listener in
            for round in Int32(0)..<20 {
                // One goes away in the middle of its frame, one completes it.
                let hostile = try RawClient(port: listener.port)
                try await hostile.send(Array(request(1, body: 300_000).prefix(90_000)))
                let client = try RawClient(port: listener.port)
                let sending = Task { try await client.send(request(round, body: 300_000)) }
                hostile.reset()
                #expect(try await client.response()?.correlationID == round)
                _ = try await sending.value
            }
        }
    }

    @Test func requestsOfAllConnectionsShareTheirMemory() async throws {
        let waiting = Mutex<[Responder]>([])
        let handler = ClosureHandler { _, responder in waiting.withLock { $0.append(responder) } }
        let memory = MemoryBudget(bytes: 500_000)
        try await withListener(handler, requestMemory: memory) { listener in
            var clients: [RawClient] = []
            for _ in 0..<4 {
                let client = try RawClient(port: listener.port)
                // Becomes a known one first.
                try await client.send(request(0))
                #expect(try await eventually { waiting.withLock { $0.count } == 1 })
                waiting.withLock { $0.removeFirst() }.send(response(correlationID: 0, ByteBuffer()))
                #expect(try await client.response()?.correlationID == 0)
                clients.append(client)
            }
            #expect(memory.available == 500_000)
            let sending = clients.map { client in Task { try await client.send(request(1, body: 300_000)) } }
            // The second exceeds what is left, and is the last that is taken.
            #expect(try await eventually { waiting.withLock { $0.count } == 2 })
            try await Task.sleep(for: .milliseconds(100))
            #expect(waiting.withLock { $0.count } == 2)
            for _ in 0..<4 {
                #expect(try await eventually { waiting.withLock { !$0.isEmpty } })
                waiting.withLock { $0.removeFirst() }.send(response(correlationID: 1, ByteBuffer()))
            }
            for task in sending { _ = try await task.value }
            #expect(try await eventually { memory.available == 500_000 })
        }
        #expect(memory.available == 500_000)
    }

    /// Given back and taken again, it would be free for a moment, in which who waits for it is let in besides.
    @Test func aRequestKeepsWhatItsFrameHasClaimed() async throws {
        let waiting = Mutex<[Responder]>([])
        let handler = ClosureHandler { _, responder in waiting.withLock { $0.append(responder) } }
        let memory = MemoryBudget(bytes: 500_000)
        try await withListener(handler, requestMemory: memory) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(0))
            #expect(try await eventually { waiting.withLock { $0.count } == 1 })
            waiting.withLock { $0.removeFirst() }.send(response(correlationID: 0, ByteBuffer()))
            #expect(try await client.response()?.correlationID == 0)
            let large = request(1, body: 600_000)
            try await client.send(Array(large.dropLast()))
            #expect(try await eventually { memory.available < 0 })
            let isLetIn = Mutex(false)
            #expect(!memory.take(1) { isLetIn.withLock { $0 = true } })
            try await client.send(Array(large.suffix(1)))
            #expect(try await eventually { waiting.withLock { $0.count } == 1 })
            #expect(!isLetIn.withLock { $0 })
            waiting.withLock { $0.removeFirst() }.send(response(correlationID: 1, ByteBuffer()))
            #expect(try await eventually { isLetIn.withLock { $0 } })
            #expect(try await eventually { memory.available == 500_000 })
        }
    }

    // MARK: Counts

    @Test func anAddressHasNoMoreConnectionsThanAllowed() async throws {
        let admission = ConnectionAdmission(limits: .init(perAddress: 5, perAddressOverrides: ["127.0.0.1": 2]))
        try await withListener(admission: admission) { listener in
            var first: RawClient? = try RawClient(port: listener.port)
            let second = try RawClient(port: listener.port)
            for client in [first, second] {
                try await client?.send(request(1))
                #expect(try await client?.response()?.correlationID == 1)
            }
            let refused = try RawClient(port: listener.port)
            #expect(try await refused.isClosed())
            #expect(listener.statistics.connectionsRefused == 1)
            first = nil
            #expect(try await eventually { admission.total == 1 })
            let third = try RawClient(port: listener.port)
            try await third.send(request(3))
            #expect(try await third.response()?.correlationID == 3)
        }
        #expect(try await eventually { admission.total == 0 })
    }

    @Test func aboveTheBrokersLimitConnectionsWaitForOthersToGo() async throws {
        let admission = ConnectionAdmission(limits: .init(total: 1))
        try await withListener(admission: admission) { listener in
            var first: RawClient? = try RawClient(port: listener.port)
            try await first?.send(request(1))
            #expect(try await first?.response()?.correlationID == 1)
            let second = try RawClient(port: listener.port)
            let third = try RawClient(port: listener.port)
            try await second.send(request(2))
            try await third.send(request(3))
            try await Task.sleep(for: .milliseconds(100))
            #expect(listener.statistics.connectionsAccepted == 1)
            first = nil
            #expect(try await second.response()?.correlationID == 2)
            admission.update(.init(total: 2))
            #expect(try await third.response()?.correlationID == 3)
        }
    }

    @Test func theRateOfNewConnectionsIsAHook() async throws {
        let admission = ConnectionAdmission(rate: { _, _ in .refuseAfter(.milliseconds(100)) })
        try await withListener(admission: admission) { listener in
            let before = NIODeadline.now()
            let client = try RawClient(port: listener.port)
            #expect(try await client.isClosed())
            #expect(NIODeadline.now() - before >= .milliseconds(100))
            #expect(admission.total == 0)
        }
    }
}

/// The memory of this process that is in RAM.
private func residentBytes() -> Int {
    let descriptor = open("/proc/self/statm", O_RDONLY)
    defer { close(descriptor) }
    var line = [UInt8](repeating: 0, count: 256)
    let count = read(descriptor, &line, line.count)
    let fields = String(decoding: line.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
}
