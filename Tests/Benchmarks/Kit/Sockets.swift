// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Blocking TCP sockets on the loopback interface, as plain as the kernel has them.
package enum Sockets {
    package static func listen(port: Int = 0) -> (descriptor: Int32, port: Int) {
        let descriptor = checked(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), "socket")
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        _ = withAddress(port: port) { checked(bind(descriptor, $0, $1), "bind") }
        checked(Glibc.listen(descriptor, 16), "listen")
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    package static func accept(_ listener: Int32) -> Int32 {
        withoutDelay(checked(Glibc.accept(listener, nil, nil), "accept"))
    }

    package static func connect(port: Int) -> Int32 {
        let descriptor = checked(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), "socket")
        _ = withAddress(port: port) { checked(Glibc.connect(descriptor, $0, $1), "connect") }
        return withoutDelay(descriptor)
    }

    /// Nil when nobody listens.
    package static func tryConnect(port: Int) -> Int32? {
        let descriptor = checked(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), "socket")
        if withAddress(port: port, { Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    /// Sends all bytes; false when the other side has gone.
    package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = Glibc.send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Fills the place; false when the other side has gone.
    package static func receive(_ descriptor: Int32, _ place: UnsafeMutableRawBufferPointer) -> Bool {
        var received = 0
        while received < place.count {
            let count = recv(
                descriptor, place.baseAddress! + received, place.count - received, Int32(MSG_WAITALL))
            if count <= 0 { return false }
            received += count
        }
        return true
    }

    private static func withoutDelay(_ descriptor: Int32) -> Int32 {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        return descriptor
    }

    private static func withAddress<Result>(
        port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

/// Runs the body on a thread of its own. Returns a handle for `join`.
package func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Box {
        let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body)).toOpaque()
    checked(
        -pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box), "pthread_create")
    return thread
}

package func join(_ thread: pthread_t) { pthread_join(thread, nil) }
