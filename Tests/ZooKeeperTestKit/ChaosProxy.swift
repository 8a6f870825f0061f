// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A TCP proxy between a client and a server on the loopback interface that fails as told.
package final class ChaosProxy: Sendable {
    /// What happens to bytes and connections from now on.
    package enum Behaviour: Hashable, Sendable {
        /// Everything passes, so much later in each direction.
        case pass(delayMilliseconds: UInt32 = 0)
        /// Nothing passes and nothing is closed; new connections are accepted and hear nothing.
        case blackhole
        /// Existing connections are closed, new ones are closed at once.
        case refuse
        /// What the client sends passes; what the server answers is thrown away.
        case swallowAnswers
    }

    private struct State {
        var behaviour = Behaviour.pass()
        var connections: [Int: (client: Int32, server: Int32)] = [:]
        var nextConnection = 0
        var listener: Int32?
        var bytesFromClient = 0
        /// Cut when the client has sent so many bytes in all.
        var cutAt: Int?
        var accepted = 0
    }

    /// Where clients connect.
    package let port: UInt16
    private let target: UInt16
    private let state = Mutex(State())

    /// `host:port`.
    package var connectString: String { "127.0.0.1:\(port)" }

    /// Starts to listen on a free port.
    package init(to target: UInt16) throws {
        self.target = target
        port = try Posix.freePort()
        guard let listener = Posix.listen(port) else { throw TestKitError("port \(port) is taken") }
        state.withLock { $0.listener = listener }
        Posix.thread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    return
                }
                guard let self else {
                    close(client)
                    return
                }
                self.accepted(client)
            }
        }
    }

    deinit {
        stop()
    }

    /// Closes everything.
    package func stop() {
        let listener = state.withLock { state in
            defer { state.listener = nil }
            return state.listener
        }
        if let listener {
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
        }
        cut()
    }

    package func set(_ behaviour: Behaviour) {
        state.withLock { $0.behaviour = behaviour }
        if behaviour == .refuse { cut() }
    }

    /// Closes all connections at once; new ones are treated as before.
    package func cut() {
        state.withLock { state in
            for (client, server) in state.connections.values {
                shutdown(client, Int32(SHUT_RDWR))
                shutdown(server, Int32(SHUT_RDWR))
            }
        }
    }

    /// Closes all connections once the clients have sent so many bytes more; those bytes pass.
    package func cut(afterBytesFromClient count: Int) {
        state.withLock { $0.cutAt = $0.bytesFromClient + count }
    }

    /// How many connections it has taken so far.
    package var acceptedConnections: Int { state.withLock { $0.accepted } }

    /// How many bytes clients have sent so far.
    package var bytesFromClients: Int { state.withLock { $0.bytesFromClient } }

    private func accepted(_ client: Int32) {
        let refuses = state.withLock { state in
            state.accepted += 1
            return state.behaviour == .refuse || state.listener == nil
        }
        guard !refuses, let server = Posix.connect(target) else {
            close(client)
            return
        }
        var yes: Int32 = 1
        setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        let number = state.withLock { state in
            state.nextConnection += 1
            state.connections[state.nextConnection] = (client, server)
            return state.nextConnection
        }
        let open = Mutex(2)
        final class Shared: Sendable {
            let open: Mutex<Int>
            init(_ open: consuming Mutex<Int>) { self.open = open }
        }
        let shared = Shared(open)
        for fromClient in [true, false] {
            Posix.thread { [self] in
                pump(from: fromClient ? client : server, to: fromClient ? server : client, fromClient: fromClient)
                shutdown(client, Int32(SHUT_RDWR))
                shutdown(server, Int32(SHUT_RDWR))
                let isLast = shared.open.withLock { count in
                    count -= 1
                    return count == 0
                }
                guard isLast else { return }
                // Only now can nobody shut down a descriptor that already belongs to someone else.
                state.withLock { _ = $0.connections.removeValue(forKey: number) }
                close(client)
                close(server)
            }
        }
    }

    private func pump(from source: Int32, to target: Int32, fromClient: Bool) {
        while true {
            let bytes = Posix.receive(source)
            if bytes.isEmpty { return }
            var behaviour = state.withLock { $0.behaviour }
            if case .pass(let delay) = behaviour, delay > 0 { usleep(delay * 1000) }
            while behaviour == .blackhole {
                usleep(5_000)
                // The end of the connection is noticed by a send that fails, or by the other side's pump.
                guard state.withLock({ $0.listener != nil }), !isShut(source) else { return }
                behaviour = state.withLock { $0.behaviour }
            }
            if behaviour == .refuse { return }
            if behaviour == .swallowAnswers && !fromClient { continue }
            var passing = bytes[...]
            var cuts = false
            if fromClient {
                state.withLock { state in
                    if let limit = state.cutAt, state.bytesFromClient + bytes.count >= limit {
                        passing = bytes.prefix(max(0, limit - state.bytesFromClient))
                        state.cutAt = nil
                        cuts = true
                    }
                    state.bytesFromClient += passing.count
                }
            }
            guard Posix.send(target, passing) else { return }
            if cuts {
                cut()
                return
            }
        }
    }

    private func isShut(_ descriptor: Int32) -> Bool {
        // POLLRDHUP, which Swift does not see: the peer has closed its side.
        let peerClosed: Int16 = 0x2000
        var poll = pollfd(fd: descriptor, events: peerClosed, revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0 && poll.revents & (Int16(POLLHUP) | peerClosed) != 0
    }
}
