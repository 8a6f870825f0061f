// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import KafkaProtocol
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import KafkaNetworking

/// Serves with a closure.
struct ClosureHandler: RequestHandler {
    var served: @Sendable (ApiKey, Int16) -> Bool = { _, version in (0...4).contains(version) }
    let body: @Sendable (IncomingRequest, Responder) -> Void

    func serves(_ api: ApiKey, version: Int16) -> Bool { served(api, version) }

    func handle(_ request: consuming IncomingRequest, _ responder: Responder) { body(request, responder) }
}

/// Answers each request with its correlation number and its body.
let echo = ClosureHandler { request, responder in responder.send(request.echo) }

extension IncomingRequest {
    var echo: [WirePart] { response(correlationID: header.correlationID, body) }
}

func response(correlationID: Int32, _ body: ByteBuffer) -> [WirePart] {
    var frame = ByteBuffer(integer: Int32(4 + body.readableBytes))
    frame.writeInteger(correlationID)
    frame.writeImmutableBuffer(body)
    return [.bytes(frame)]
}

/// A request's frame with its length; Heartbeat v0 unless told otherwise.
func request(_ correlationID: Int32, api: Int16 = 12, version: Int16 = 0, body: Int = 0) -> [UInt8] {
    var frame = ByteBuffer(integer: Int32(10 + body))
    frame.writeMultipleIntegers(api, version, correlationID, Int16(-1))
    frame.writeRepeatingByte(UInt8(truncatingIfNeeded: correlationID), count: body)
    return [UInt8](frame.readableBytesView)
}

func endpoint(host: String = "127.0.0.1", port: Int = 0) -> Endpoint {
    Endpoint(listenerName: "PLAINTEXT", host: host, port: Int32(port), securityProtocol: .plaintext)
}

/// A listener on a free port of the loopback interface for the time of `body`.
func withListener(
    _ handler: any RequestHandler = echo, limits: ConnectionLimits = ConnectionLimits(),
    admission: ConnectionAdmission = ConnectionAdmission(), requestMemory: MemoryBudget? = nil,
    observer: (any RequestObserver)? = nil, _ body: (Listener) async throws -> Void
) async throws {
    let listener = try await Listener.bind(
        ListenerConfiguration(endpoint: endpoint(), limits: limits), handler: handler,
        on: MultiThreadedEventLoopGroup.singleton, admission: admission, requestMemory: requestMemory,
        observer: observer, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    do {
        try await body(listener)
    } catch {
        await listener.close()
        throw error
    }
    await listener.close()
}

/// A bare socket. Its blocking calls run on threads of their own.
final class RawClient: Sendable {
    struct SystemError: Error {
        var call: String
        var code: Int32
    }

    /// Own threads, since handlers under test may use those of NIO's pool.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 32)
        threads.start()
        return threads
    }()

    private let descriptor: Int32
    private let isReset = Atomic(false)

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw SystemError(call: "connect", code: errno) }
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        if !isReset.load(ordering: .relaxed) { close(descriptor) }
    }

    /// Ends this direction; the other stays open.
    func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends both directions at once: the peer sees a reset. Nothing else may be called afterwards, or be under way.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        if !isReset.exchange(true, ordering: .relaxed) { close(descriptor) }
    }

    /// Sends as much as the other side takes within the time of 10 s. Returns how much that was.
    @discardableResult
    func send(_ bytes: [UInt8]) async throws -> Int {
        try await Self.threads.runIfActive { [descriptor] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count < 0 { break }
                sent += count
            }
            return sent
        }
    }

    /// Sends what the socket takes at once.
    func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
    }

    /// The next `count` bytes; fewer when the other side has closed before.
    func receive(_ count: Int) async throws -> [UInt8] {
        try await Self.threads.runIfActive { [descriptor] in
            var bytes = [UInt8](repeating: 0, count: count)
            var received = 0
            while received < count {
                let more = bytes[received...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
                if more < 0, errno == EAGAIN { throw SystemError(call: "recv", code: EAGAIN) }
                if more <= 0 { break }
                received += more
            }
            return Array(bytes.prefix(received))
        }
    }

    /// The next response without its length; nil when the other side has closed.
    func response() async throws -> (correlationID: Int32, body: [UInt8])? {
        var head = ByteBuffer(bytes: try await receive(8))
        guard let (length, correlationID) = head.readMultipleIntegers(as: (Int32, Int32).self) else { return nil }
        return (correlationID, try await receive(Int(length) - 4))
    }

    /// How many packets with data have come in (`tcpi_data_segs_in`).
    var packetsReceived: Int {
        var information = [UInt8](repeating: 0, count: 192)
        var length = socklen_t(information.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &information, &length) == 0, length >= 156 else {
            return -1
        }
        return information.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: 152, as: UInt32.self)) }
    }

    /// Whether the other side closes, without sending anything before, within the time of 10 s.
    func isClosed() async throws -> Bool { try await receive(1).isEmpty }
}

/// Waits until the condition holds, 10 s at most.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<1000 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}

/// A file with this content that goes away by itself.
func withTemporaryFile(
    _ content: ByteBuffer, _ body: (NIOFileHandle) async throws -> Void
) async throws {
    let path = "/tmp/martlet-networking-\(UInt64.random(in: 0 ... .max))"
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
    unlink(path)
    _ = content.withUnsafeReadableBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    defer { try? handle.close() }
    try await body(handle)
}
