// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import ZooKeeperClient
import ZooKeeperTestKit

/// What a larger window of requests is worth; run by `MARTLET_MEASURE=1 swift test --filter RequestWindowMeasurement`.
@Suite(.serialized, .enabled(if: getenv("MARTLET_MEASURE") != nil)) struct RequestWindowMeasurement {
    @Test(arguments: [UInt32(0), 1], [10, 100, 1000])
    func tenThousandRequests(delayMilliseconds: UInt32, inFlight: Int) async throws {
        let server = try await SharedZooKeeper.server()
        let proxy = try ChaosProxy(to: server.port)
        proxy.set(.pass(delayMilliseconds: delayMilliseconds))
        let port = delayMilliseconds == 0 ? server.port : proxy.port
        let session = ZooKeeperSession(
            ZooKeeperConfiguration(
                connect: try ZooKeeperConnectString("127.0.0.1:\(port)"), sessionTimeout: .seconds(30),
                maxInFlightRequests: inFlight))
        try await session.connect()
        let root = try await session.create("/test-", data: nil, mode: .persistentSequential).path
        func seconds(_ request: (String) -> ZooKeeperRequest) async -> String {
            let requests = (0..<10_000).map { request("\(root)/n\($0)") }
            let time = await ContinuousClock().measure {
                for case .failure(let error) in await session.submit(requests) { Issue.record(error) }
            }
            return "\(time / .milliseconds(1)) ms"
        }
        let creates = await seconds { .create(path: $0, data: nil) }
        let reads = await seconds { .getData(path: $0) }
        let writes = await seconds {
            .multi([.check(path: root, version: 0), .setData(path: $0, data: [1])])
        }
        print(
            "\(delayMilliseconds) ms each way, \(inFlight) in flight: creates \(creates), reads \(reads), checked writes \(writes)"
        )
        await session.close()
        proxy.stop()
    }
}
