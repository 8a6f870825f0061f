// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// Tells systemd how the broker fares (`Type=notify`): ready, stopping, alive. Silent where no one listens.
///
/// A value: the protocol is one datagram per message to the socket that `NOTIFY_SOCKET` names.
package struct ServiceNotifier: Sendable {
    private let address: String

    /// - Parameter environment: the value of `NOTIFY_SOCKET`: a path, or `@name` for an abstract socket. Nil when the
    ///   process was not started by systemd.
    package init?(notifySocket: String?) {
        guard let notifySocket, let first = notifySocket.utf8.first else { return nil }
        guard first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else { return nil }
        // sun_path holds 108 bytes with its end mark.
        guard notifySocket.utf8.count < 108 else { return nil }
        address = notifySocket
    }

    /// The broker serves; systemd may start what waits for it.
    package func ready(status: String) { send("READY=1\nSTATUS=\(status)") }

    /// A line for `systemctl status`.
    package func status(_ status: String) { send("STATUS=\(status)") }

    /// A start that goes on may last longer: the next such message, or ``ready(status:)``, is expected before `time` has
    /// passed, once the unit's `TimeoutStartSec` has.
    package func extendTimeout(by time: Duration) {
        send("EXTEND_TIMEOUT_USEC=\(Int64(time / .microseconds(1)))")
    }

    /// The controlled shutdown has begun.
    package func stopping() { send("STOPPING=1\nSTATUS=Shutting down") }

    /// The broker makes progress (`WatchdogSec`).
    package func alive() { send("WATCHDOG=1") }

    private func send(_ message: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var socketAddress = sockaddr_un()
        socketAddress.sun_family = sa_family_t(AF_UNIX)
        var path = Array(address.utf8)
        // An abstract name starts with a zero byte in place of its "@".
        if path.first == UInt8(ascii: "@") { path[0] = 0 }
        withUnsafeMutableBytes(of: &socketAddress.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let bytes = Array(message.utf8)
        withUnsafePointer(to: &socketAddress) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), pointer, length)
            }
        }
    }
}
