// SPDX-License-Identifier: Apache-2.0

/// Several real ZooKeeper servers that form an ensemble on the loopback interface.
package final class ZooKeeperEnsemble: Sendable {
    package let servers: [ZooKeeperServer]

    /// All servers, separated by commas.
    package var connectString: String { servers.map(\.connectString).joined(separator: ",") }

    /// Starts so many servers and waits until all serve.
    package static func start(
        count: Int = 3, _ options: ZooKeeperServer.Options = ZooKeeperServer.Options()
    ) async throws -> ZooKeeperEnsemble {
        var failure: (any Error)?
        for _ in 0..<3 {
            let ensemble = try ZooKeeperEnsemble(count: count, options)
            do {
                for server in ensemble.servers { try server.launch() }
                for server in ensemble.servers { try await server.waitUntilServing() }
                return ensemble
            } catch {
                // Someone else may have taken one of the ports in between.
                failure = error
            }
        }
        throw failure ?? TestKitError("the ensemble does not start")
    }

    private init(count: Int, _ options: ZooKeeperServer.Options) throws {
        var ports: Set<UInt16> = []
        while ports.count < count * 3 { ports.insert(try Posix.freePort()) }
        let port = Array(ports)
        let lines = (0..<count).map { "server.\($0 + 1)=127.0.0.1:\(port[count + $0]):\(port[2 * count + $0])\n" }
        servers = try (0..<count).map {
            try ZooKeeperServer(options, port: port[$0], ensemble: lines.joined(), id: $0 + 1)
        }
    }

    /// The position of the leader in ``servers``; waits for one.
    package func leader(seconds: Int = 20) async throws -> Int {
        for _ in 0..<(seconds * 20) {
            for (index, server) in servers.enumerated() where try await server.mode() == "leader" { return index }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TestKitError("the ensemble has no leader")
    }

    /// `kill -9` of all servers.
    package func kill() {
        for server in servers { server.kill() }
    }

    /// Starts those of the servers that do not run, and waits until all serve.
    package func restart() async throws {
        for server in servers where try await server.mode() == nil { try server.launchAgain() }
        for server in servers { try await server.waitUntilServing() }
    }
}
