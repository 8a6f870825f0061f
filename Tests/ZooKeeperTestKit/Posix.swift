// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc

/// What went wrong in the kit itself.
package struct TestKitError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// The few system calls that the kit needs.
enum Posix {
    /// A TCP port on the loopback interface that nobody listens on now; below the range of outgoing connections, so that
    /// it stays free between two starts of a server.
    static func freePort() throws -> UInt16 {
        for _ in 0..<200 {
            let port = UInt16.random(in: 15_000..<32_000)
            if let descriptor = listen(port) {
                close(descriptor)
                return port
            }
        }
        throw TestKitError("no free port")
    }

    /// A listening socket on 127.0.0.1, or nil if the port is taken.
    static func listen(_ port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let bound = withAddress(port) { Glibc.bind(descriptor, $0, $1) }
        guard bound == 0, Glibc.listen(descriptor, 64) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// A connection to 127.0.0.1, or nil if nobody listens.
    static func connect(_ port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard withAddress(port, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Whether all bytes went out.
    static func send(_ descriptor: Int32, _ bytes: some Collection<UInt8>) -> Bool {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// What is there to read, at least one byte; empty at the end or on failure.
    static func receive(_ descriptor: Int32, limit: Int = 65_536) -> [UInt8] {
        while true {
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
                count = recv(descriptor, buffer.baseAddress, limit, 0)
                initialized = max(count, 0)
            }
            if count < 0 && errno == EINTR { continue }
            return bytes
        }
    }

    /// Runs blocking work away from Swift's cooperative threads.
    static func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            thread { continuation.resume(with: Result(catching: work)) }
        }
    }

    /// Runs `body` on a thread of its own.
    static func thread(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Box(body)).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, context)
        precondition(code == 0, "no thread")
        pthread_detach(thread)
    }

    /// Both ends of a new pipe that no program started later inherits.
    static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw TestKitError("no pipe: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Has a program started with these actions begin without descriptors from `first` on. Swift does not see the
    /// function, which glibc has had since 2.34.
    static func addCloseFrom(_ actions: inout posix_spawn_file_actions_t, _ first: Int32) {
        typealias Function = @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
        let function = unsafeBitCast(symbol, to: Function.self)
        _ = withUnsafeMutablePointer(to: &actions) { function(UnsafeMutableRawPointer($0), first) }
    }

    static func removeDirectory(_ path: String) {
        var process = pid_t()
        let command: [String] = ["/bin/rm", "-rf", path]
        let words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        defer { for word in words { free(word) } }
        guard posix_spawn(&process, "/bin/rm", nil, nil, words + [nil], environ) == 0 else { return }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    }

    static func temporaryDirectory() throws -> String {
        var template = Array("/tmp/martlet-zookeeper-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestKitError("mkdtemp failed: \(errno)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else { throw TestKitError("cannot write \(path)") }
        defer { fclose(file) }
        guard fputs(text, file) >= 0 else { throw TestKitError("cannot write \(path)") }
    }

    static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func withAddress(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
