// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HTTPServing

#if canImport(Glibc)
import Glibc
#endif

struct HTTPListenerTests {
    /// A client that says exactly what it is told to.
    private final class Client {
        private let descriptor: Int32

        init(port: Int) throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(UInt16(port).bigEndian)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(code == 0)
            var patience = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        }

        deinit { Glibc.close(descriptor) }

        /// False when the other side has closed.
        @discardableResult
        func send(_ text: String) -> Bool {
            let bytes = Array(text.utf8)
            return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        }

        /// Up to `count` bytes, or until the other side closes; nil when it does not within ten seconds.
        func receive(_ count: Int = .max) -> String? {
            var all: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while all.count < count {
                let got = recv(descriptor, &chunk, min(chunk.count, count - all.count), 0)
                if got == 0 || got < 0 && errno == ECONNRESET { break }
                guard got > 0 else { return nil }
                all += chunk[..<got]
            }
            return String(decoding: all, as: UTF8.self)
        }
    }

    private static let routes: [String: HTTPRoute] = [
        "/hello": { $0(HTTPAnswer(status: 200, "hello\n")) },
        "/later": { answer in Task { answer(HTTPAnswer(status: 503, "not yet\n")) } },
    ]

    private func listening<Result: Sendable>(
        _ limits: HTTPLimits = HTTPLimits(), routes: [String: HTTPRoute] = Self.routes,
        _ body: @escaping @Sendable (Int) throws -> Result
    ) async throws -> Result {
        let listener = try await HTTPListener.bind(
            host: "127.0.0.1", port: 0, routes: routes, limits: limits, logger: Logger(label: "test"))
        let port = listener.port
        // The clients here block, which tasks must not.
        let outcome = try await NIOThreadPool.singleton.runIfActive { Swift.Result { try body(port) } }
        await listener.close()
        return try outcome.get()
    }

    @Test func aPathIsAnsweredAndTheConnectionKept() async throws {
        try await listening { port in
            let client = try Client(port: port)
            for _ in 0..<3 {
                client.send("GET /hello?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
                let expected =
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n"
                    + "Cache-Control: no-store\r\nConnection: keep-alive\r\n\r\nhello\n"
                #expect(client.receive(expected.utf8.count) == expected)
            }
        }
    }

    @Test func aLateAnswerIsSentAndRequestsBehindWaitForIt() async throws {
        try await listening { port in
            let client = try Client(port: port)
            client.send("GET /later HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")
            let answer = try #require(client.receive())
            #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            let first = try #require(answer.firstRange(of: "not yet"))
            let second = try #require(answer.firstRange(of: "hello"))
            #expect(first.upperBound < second.lowerBound)
        }
    }

    @Test func headHasNoBody() async throws {
        try await listening { port in
            let client = try Client(port: port)
            client.send("HEAD /hello HTTP/1.1\r\nConnection: close\r\n\r\n")
            let answer = try #require(client.receive())
            #expect(answer.contains("Content-Length: 6\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test(arguments: [
        ("GET /nothing HTTP/1.0\r\n\r\n", "404"), ("POST /hello HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "405"),
        ("GET /hello HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "413"), ("no HTTP at all\r\n\r\n", "400"),
        ("GET /hello HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400"),
    ])
    func whatIsNotServedIsRefusedAndItsConnectionClosed(_ request: String, _ status: String) async throws {
        try await listening { port in
            let client = try Client(port: port)
            client.send(request)
            let answer = try #require(client.receive(), "the connection stays open")
            #expect(answer.split(separator: " ").dropFirst().first.map(String.init) == status, "\(answer)")
        }
    }

    @Test func aHeadWithoutEndIsNotGathered() async throws {
        try await listening { port in
            let client = try Client(port: port)
            client.send("GET /hello HTTP/1.1\r\n")
            let line = "X-Long: " + String(repeating: "x", count: 8000) + "\r\n"
            var sent = 0
            // What the kernel's buffers hold is sent even if nobody reads it.
            while sent < 64 << 20, client.send(line) { sent += line.utf8.count }
            #expect(sent < 64 << 20)
            let other = try Client(port: port)
            other.send("GET /hello HTTP/1.0\r\n\r\n")
            #expect(other.receive()?.hasSuffix("hello\n") == true)
        }
    }

    @Test func aClientThatSaysNothingIsClosed() async throws {
        try await listening(HTTPLimits(requestTime: .milliseconds(200))) { port in
            let client = try Client(port: port)
            client.send("GET /hel")
            #expect(client.receive() == "")
        }
    }

    @Test func aClientThatDoesNotTakeItsAnswerIsClosed() async throws {
        let large = ByteBuffer(repeating: UInt8(ascii: "x"), count: 64 << 20)
        try await listening(
            HTTPLimits(answerTime: .milliseconds(300)),
            routes: ["/large": { $0(HTTPAnswer(status: 200, contentType: "text/plain", body: large)) }]
        ) { port in
            let client = try Client(port: port)
            client.send("GET /large HTTP/1.1\r\n\r\n")
            usleep(1_500_000)
            let answer = try #require(client.receive())
            #expect(answer.utf8.count < 64 << 20)
        }
    }

    @Test func oneConnectionTooManyClosesTheOneThatWaitedLongest() async throws {
        try await listening(HTTPLimits(connections: 2)) { port in
            let first = try Client(port: port)
            first.send("GET /hello HTTP/1.1\r\n\r\n")
            _ = first.receive(20)
            let second = try Client(port: port)
            second.send("GET /hel")
            usleep(200_000)
            // The first has been answered since the second came, so the second has waited longer.
            first.send("GET /hello HTTP/1.1\r\n\r\n")
            usleep(200_000)
            let third = try Client(port: port)
            third.send("GET /hello HTTP/1.0\r\n\r\n")
            #expect(third.receive()?.hasSuffix("hello\n") == true)
            #expect(second.receive() == "")
            first.send("GET /hello HTTP/1.0\r\n\r\n")
            #expect(first.receive()?.hasSuffix("hello\n") == true)
        }
    }

    @Test func aPortInUseIsNamed() async throws {
        let listener = try await HTTPListener.bind(
            host: "127.0.0.1", port: 0, routes: [:], logger: Logger(label: "test"))
        await #expect(throws: HTTPBindError.self) {
            try await HTTPListener.bind(
                host: "127.0.0.1", port: listener.port, routes: [:], logger: Logger(label: "test"))
        }
        do throws(HTTPBindError) {
            _ = try await HTTPListener.bind(
                host: "127.0.0.1", port: listener.port, routes: [:], logger: Logger(label: "test"))
        } catch {
            #expect(error.description == "127.0.0.1:\(listener.port) cannot be bound: the port is in use")
        }
        await listener.close()
    }
}
