// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A real ZooKeeper server of Debian's package, on the loopback interface and in a directory of its own.
///
/// It goes, with its directory, when the object goes or the process ends.
package final class ZooKeeperServer: Sendable {
    /// How a server is run. The defaults are for tests: short ticks, nothing forced to disk.
    package struct Options: Sendable {
        /// The server's unit of time; it looks for expired sessions once per tick.
        package var tickMilliseconds = 100
        /// The shortest session timeout that it grants.
        package var minSessionMilliseconds = 500
        package var maxSessionMilliseconds = 60_000
        /// Whether a write waits for the disk. Only a crash of the machine makes a difference.
        package var forcesSync = false
        /// Further lines of its configuration.
        package var settings: [String: String] = [:]
        /// Further Java system properties.
        package var properties: [String: String] = [:]

        package init() {}
    }

    /// The port for clients.
    package let port: UInt16
    /// Its configuration, data and log are here.
    package let directory: String
    private let options: Options
    private let child = Mutex<ChildProcess?>(nil)

    /// `host:port`.
    package var connectString: String { "127.0.0.1:\(port)" }

    /// Whether Java and ZooKeeper are installed.
    package static var isAvailable: Bool {
        access(jar, R_OK) == 0 && (access("/usr/bin/java", X_OK) == 0)
    }

    private static let jar = "/usr/share/java/zookeeper.jar"

    /// Starts a server and waits until it serves.
    package static func start(_ options: Options = Options()) async throws -> ZooKeeperServer {
        for _ in 0..<3 {
            let server = try ZooKeeperServer(options, port: try Posix.freePort(), ensemble: "", id: nil)
            try server.launch()
            if try await server.waitUntilServing(seconds: 20, throwing: false) { return server }
            // Someone else may have taken the port in between.
        }
        throw TestKitError("ZooKeeper does not start")
    }

    /// `ensemble` has the `server.N` lines; `id` is this server's number among them.
    init(_ options: Options, port: UInt16, ensemble: String, id: Int?) throws {
        guard Self.isAvailable else { throw TestKitError("Debian's zookeeper package is not installed") }
        self.options = options
        self.port = port
        directory = try Posix.temporaryDirectory()
        mkdir(directory + "/data", 0o700)
        if let id { try Posix.write("\(id)\n", to: directory + "/data/myid") }
        var settings = options.settings
        settings["tickTime"] = "\(options.tickMilliseconds)"
        settings["initLimit"] = "100"
        settings["syncLimit"] = "20"
        settings["dataDir"] = directory + "/data"
        settings["clientPortAddress"] = "127.0.0.1"
        settings["clientPort"] = "\(port)"
        settings["minSessionTimeout"] = "\(options.minSessionMilliseconds)"
        settings["maxSessionTimeout"] = "\(options.maxSessionMilliseconds)"
        settings["maxClientCnxns"] = "0"
        settings["admin.enableServer"] = "false"
        settings["4lw.commands.whitelist"] = "*"
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
        try Posix.write(lines + ensemble, to: directory + "/zoo.cfg")
    }

    func launch() throws {
        var properties = options.properties
        properties["zookeeper.jmx.log4j.disable"] = "true"
        properties["zookeeper.extendedTypesEnabled"] = "true"
        properties["zookeeper.forceSync"] = options.forcesSync ? "yes" : "no"
        // The transaction log grows by so many KiB at a time.
        properties["zookeeper.preAllocSize"] = "1024"
        properties["org.slf4j.simpleLogger.defaultLogLevel"] = "warn"
        let arguments =
            ["/usr/bin/java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:+UseSerialGC"]
            + properties.sorted { $0.key < $1.key }.map { "-D\($0.key)=\($0.value)" } + [
                "-cp", "\(Self.jar):/usr/share/java/slf4j-simple.jar",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain", directory + "/zoo.cfg",
            ]
        let process = try ChildProcess(arguments, directory: directory)
        child.withLock { $0 = process }
    }

    deinit {
        child.withLock { $0 }?.end(keepingDirectory: false)
        // A server that was killed has no process that would remove its directory.
        if access(directory, F_OK) == 0 { Posix.removeDirectory(directory) }
    }

    /// `kill -9`; its data stays for ``restart()``.
    package func kill() {
        let process = child.withLock { process in
            defer { process = nil }
            return process
        }
        process?.end(keepingDirectory: true)
    }

    /// A clean stop; its data stays for ``restart()``.
    package func stop() async throws {
        guard let process = child.withLock({ $0 }) else { return }
        process.signal(SIGTERM)
        try await Posix.blocking {
            for _ in 0..<500 where process.isRunning { usleep(10_000) }
        }
        kill()
    }

    /// SIGSTOP: connections stay open and nothing answers.
    package func pause() {
        child.withLock { $0 }?.signal(SIGSTOP)
    }

    /// SIGCONT after ``pause()``.
    package func resume() {
        child.withLock { $0 }?.signal(SIGCONT)
    }

    /// Starts it again on the same port with the same data, and waits until it serves.
    package func restart() async throws {
        try launchAgain()
        try await waitUntilServing()
    }

    func launchAgain() throws {
        kill()
        try launch()
    }

    /// The answer to a four-letter command such as `srvr`, `cons` or `dump`; nil if the server does not answer.
    package func ask(_ command: String) async throws -> String? {
        let port = port
        return try await Posix.blocking { Self.ask(command, port) }
    }

    private static func ask(_ command: String, _ port: UInt16) -> String? {
        guard let descriptor = Posix.connect(port) else { return nil }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard Posix.send(descriptor, command.utf8) else { return nil }
        var answer: [UInt8] = []
        while true {
            let bytes = Posix.receive(descriptor)
            if bytes.isEmpty { break }
            answer += bytes
        }
        return answer.isEmpty ? nil : String(decoding: answer, as: UTF8.self)
    }

    /// Its part: `standalone`, `leader` or `follower`; nil while it does not serve.
    package func mode() async throws -> String? {
        guard let answer = try await ask("srvr") else { return nil }
        for line in answer.split(separator: "\n") where line.hasPrefix("Mode: ") {
            return String(line.dropFirst("Mode: ".count))
        }
        return nil
    }

    /// Waits until it serves requests.
    @discardableResult
    package func waitUntilServing(seconds: Int = 20, throwing: Bool = true) async throws -> Bool {
        let port = port
        let process = child.withLock { $0 }
        let serves = try await Posix.blocking {
            for _ in 0..<(seconds * 50) {
                if process?.isRunning == false { return false }
                if Self.ask("srvr", port)?.contains("Mode: ") == true { return true }
                usleep(20_000)
            }
            return false
        }
        if !serves && throwing {
            throw TestKitError(
                "ZooKeeper on port \(port) does not serve:\n\(Posix.read(directory + "/log").suffix(2000))")
        }
        return serves
    }
}

/// One server that the tests of a process share, each below a path of its own.
package actor SharedZooKeeper {
    private static let shared = SharedZooKeeper()
    private var starting: Task<ZooKeeperServer, any Error>?

    /// The shared server, started at the first call.
    package static func server() async throws -> ZooKeeperServer { try await shared.server() }

    private func server() async throws -> ZooKeeperServer {
        if let starting { return try await starting.value }
        // A task, so that callers who come meanwhile wait for the same start.
        let task = Task { try await ZooKeeperServer.start() }
        starting = task
        return try await task.value
    }
}
