// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import NIOCore
import NIOPosix
import Synchronization

/// A port that is bound and not listened on: whoever connects is refused, as where nobody is, and tries elsewhere.
///
/// So a start finds out at once whether it can have its ports, and nobody waits at them while it reads logs for minutes.
/// Life: from ``Listener/claim(_:)`` to ``Listener/serve(_:handler:on:admission:requestMemory:observer:logger:)``, which takes
/// the socket over, or to the last reference, which closes it.
package final class ClaimedPort: Sendable {
    package let configuration: ListenerConfiguration
    /// The port that was bound: the configured one, or what the kernel chose for 0.
    package let port: Int
    /// −1 once it is somebody else's.
    private let descriptor: Atomic<Int32>

    private init(_ configuration: ListenerConfiguration, _ descriptor: Int32) {
        self.configuration = configuration
        self.descriptor = Atomic(descriptor)
        port = Self.port(of: descriptor) ?? Int(configuration.endpoint.port)
    }

    deinit {
        let descriptor = descriptor.load(ordering: .acquiring)
        if descriptor >= 0 { close(descriptor) }
    }

    /// Lets the kernel take connections; nothing answers them yet.
    package func listen() throws(BindError) {
        let backlog = Int32(clamping: configuration.sockets.backlog)
        if Glibc.listen(descriptor.load(ordering: .acquiring), backlog) < 0 { throw error(errno) }
    }

    /// The socket, which is the caller's from here on.
    func takeSocket() -> Int32 { descriptor.exchange(-1, ordering: .acquiringAndReleasing) }

    private func error(_ code: Int32) -> BindError { Self.error(code, configuration.endpoint) }
}

extension ClaimedPort {
    /// Binds the port of a listener. Waits for the name server where the host is a name.
    static func bind(_ configuration: ListenerConfiguration) async throws(BindError) -> ClaimedPort {
        let endpoint = configuration.endpoint
        var failure = BindError.unknownHost(endpoint.host)
        for address in try await addresses(of: endpoint) {
            let descriptor = socket(address.protocol == .inet6 ? AF_INET6 : AF_INET, kind, 0)
            guard descriptor >= 0 else {
                failure = error(errno, endpoint)
                continue
            }
            set(SO_REUSEADDR, to: 1, of: descriptor)
            if let bytes = configuration.sockets.receiveBufferBytes {
                // Before listening, so that the window offered in the handshake is known to be this large.
                set(SO_RCVBUF, to: Int32(clamping: bytes), of: descriptor)
            }
            let code = address.withSockAddr { pointer, size in
                Glibc.bind(descriptor, pointer, socklen_t(size)) == 0 ? 0 : errno
            }
            guard code == 0 else {
                close(descriptor)
                failure = error(code, endpoint)
                // All interfaces are one IPv6 socket that takes IPv4 too, or an IPv4 socket where there is no IPv6.
                guard code == EAFNOSUPPORT || code == EADDRNOTAVAIL else { throw failure }
                continue
            }
            let port = ClaimedPort(configuration, descriptor)
            // One that the kernel chose is known to nobody, and might be given to another socket that does not listen.
            if endpoint.port == 0 { try port.listen() }
            return port
        }
        throw failure
    }

    private static var kind: Int32 { Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) }

    private static func addresses(of endpoint: Endpoint) async throws(BindError) -> [SocketAddress] {
        let (host, port) = (endpoint.host, Int(endpoint.port))
        do {
            if host.isEmpty {
                return try ["::", "0.0.0.0"].map { try SocketAddress(ipAddress: $0, port: port) }
            }
            // Only a name has to wait for somebody.
            if let address = try? SocketAddress(ipAddress: host, port: port) { return [address] }
            return try await NIOThreadPool.singleton.runIfActive {
                [try SocketAddress.makeAddressResolvingHost(host, port: port)]
            }
        } catch {
            throw .unknownHost(host)
        }
    }

    private static func set(_ option: Int32, to value: Int32, of descriptor: Int32) {
        var value = value
        setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func port(of descriptor: Int32) -> Int? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) == 0 }
        }
        guard isKnown else { return nil }
        // Both kinds of addresses have the port in the same place.
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { Int(UInt16(bigEndian: $0.pointee.sin_port)) }
        }
    }

    private static func error(_ code: Int32, _ endpoint: Endpoint) -> BindError {
        let (host, port) = (endpoint.host, Int(endpoint.port))
        return switch code {
        case EADDRINUSE: .addressInUse(host: host, port: port)
        case EADDRNOTAVAIL: .addressNotAvailable(host: host, port: port)
        case EACCES, EPERM: .permissionDenied(host: host, port: port)
        default: .other(host: host, port: port, reason: String(cString: strerror(code)))
        }
    }
}
