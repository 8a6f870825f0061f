// SPDX-License-Identifier: Apache-2.0

import Testing
import ZooKeeperClient
import ZooKeeperTestKit

/// Every operation, and what ZooKeeper refuses, on a server of its own.
@Suite(.timeLimit(.minutes(1))) struct ZooKeeperSessionTests {
    @Test func everyOperationAnswers() async throws {
        try await withSession { session, root in
            let created = try await session.create("\(root)/a", data: [1, 2, 3])
            #expect(created.path == "\(root)/a")
            #expect(created.stat.dataLength == 3)
            #expect(created.stat.version == 0)

            let read = try await session.getData("\(root)/a")
            #expect(read.data == [1, 2, 3])
            #expect(read.stat == created.stat)

            let set = try await session.setData("\(root)/a", data: [4], version: 0)
            #expect(set.version == 1)
            #expect(set.creationTransaction == created.stat.creationTransaction)
            #expect(set.modificationTransaction > set.creationTransaction)

            try await session.create("\(root)/a/b", data: nil)
            let children = try await session.getChildren("\(root)/a")
            #expect(children.names == ["b"])
            #expect(children.stat.childCount == 1)

            #expect(try await session.exists("\(root)/a")?.childCount == 1)
            #expect(try await session.exists("\(root)/none") == nil)
            try await session.sync()

            #expect(try await session.getACL("\(root)/a").acl == .open)
            try await session.setACL("\(root)/a", acl: .anyoneRead + [ZNodeACL(.all, scheme: "ip", id: "127.0.0.1")])
            let acl = try await session.getACL("\(root)/a")
            #expect(acl.acl.count == 2)
            #expect(acl.stat.aclVersion == 1)

            try await session.delete("\(root)/a/b")
            try await session.delete("\(root)/a", version: 1)
            #expect(try await session.exists("\(root)/a") == nil)
        }
    }
}

/// Runs `body` with a connected session and an empty path of its own on the shared server.
func withSession(
    maxInFlight: Int = 10, _ body: (ZooKeeperSession, _ root: String) async throws -> Void
) async throws {
    let server = try await SharedZooKeeper.server()
    let configuration = ZooKeeperConfiguration(
        connect: try ZooKeeperConnectString(server.connectString), sessionTimeout: .seconds(10),
        maxInFlightRequests: maxInFlight)
    let session = ZooKeeperSession(configuration)
    try await session.connect()
    let root = try await session.create("/test-", data: nil, mode: .persistentSequential).path
    do {
        try await body(session, root)
    } catch {
        await session.close()
        throw error
    }
    await session.close()
    #expect(await session.countUnderWay() == 0)
}
