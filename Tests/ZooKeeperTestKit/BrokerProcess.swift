// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The broker of this build with a ZooKeeper server of its own, on the loopback interface.
///
/// Both go, with their directories, when the object goes or the process ends.
package final class BrokerProcess: Sendable {
    /// The port for clients.
    package let port: UInt16
    private let zooKeeper: ZooKeeperServer
    private let process: ChildProcess

    /// Starts a broker and waits until it listens. `settings` are further lines of its properties.
    package static func start(_ settings: [String: String] = [:]) async throws -> BrokerProcess {
        let zooKeeper = try await ZooKeeperServer.start()
        let broker = try BrokerProcess(zooKeeper, settings)
        try await broker.waitUntilListening()
        return broker
    }

    private init(_ zooKeeper: ZooKeeperServer, _ settings: [String: String]) throws {
        self.zooKeeper = zooKeeper
        port = try Posix.freePort()
        let directory = try Posix.temporaryDirectory()
        var properties = settings
        properties["broker.id"] = "1"
        properties["listeners"] = "PLAINTEXT://127.0.0.1:\(port)"
        properties["log.dirs"] = directory + "/data"
        properties["zookeeper.connect"] = zooKeeper.connectString
        properties["offsets.topic.replication.factor"] = "1"
        properties["offsets.topic.num.partitions"] = "4"
        properties["transaction.state.log.replication.factor"] = "1"
        properties["transaction.state.log.num.partitions"] = "2"
        properties["transaction.state.log.min.isr"] = "1"
        try Posix.write(
            properties.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined(),
            to: directory + "/server.properties")
        process = try ChildProcess(
            [Self.program, "broker", directory + "/server.properties"], directory: directory)
    }

    /// It lies beside the tests.
    private static var program: String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = max(readlink("/proc/self/exe", &path, path.count), 0)
        let tests = String(decoding: path[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return tests[..<(tests.lastIndex(of: "/") ?? tests.startIndex)] + "/martlet"
    }

    private func waitUntilListening() async throws {
        let (port, process) = (port, process)
        let listens = try await Posix.blocking {
            for _ in 0..<1500 where process.isRunning {
                if let descriptor = Posix.connect(port) {
                    close(descriptor)
                    return true
                }
                usleep(20_000)
            }
            return false
        }
        if !listens { throw TestKitError("The broker on port \(port) does not listen") }
    }
}
