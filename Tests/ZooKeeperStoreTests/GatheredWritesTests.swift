// SPDX-License-Identifier: Apache-2.0

import Testing
import ZooKeeperClient

@testable import ZooKeeperStore

@Suite struct GatheredWritesTests {
    private func write(_ number: Int, epochVersion: Int32 = 3) -> ZooKeeperRequest {
        .multi([
            .check(path: ZNodes.controllerEpoch, version: epochVersion),
            .setData(path: "/p/\(number)", data: [], version: Int32(number)),
        ])
    }

    @Test func fewWritesTravelAsKafkasDo() {
        let requests = (0..<GatheredWrites.limit).map { write($0) }
        #expect(GatheredWrites(requests).requests == requests)
    }

    @Test func manyShareOneCheckInTheirOrder() throws {
        let requests = (0..<GatheredWrites.limit + 1).map { write($0) }
        let gathered = GatheredWrites(requests)
        #expect(gathered.requests.count == 2)
        guard case .multi(let operations) = gathered.requests[0] else {
            Issue.record("no multi: \(gathered.requests[0])")
            return
        }
        #expect(operations.count == GatheredWrites.limit + 1)
        #expect(operations[0] == .check(path: ZNodes.controllerEpoch, version: 3))
        #expect(operations[5] == .setData(path: "/p/4", data: [], version: 4))
        #expect(gathered.requests[1] == requests[GatheredWrites.limit])
    }

    @Test func largeOnesDoNotOutgrowAMulti() {
        let large = [UInt8](repeating: 1, count: GatheredWrites.byteLimit / 2)
        let requests = (0..<GatheredWrites.limit + 1).map { number in
            ZooKeeperRequest.multi([
                .check(path: ZNodes.controllerEpoch, version: 3),
                .setData(path: "/t/\(number)", data: number == 9 ? large + large : large, version: -1),
            ])
        }
        let gathered = GatheredWrites(requests)
        var written = 0
        for case .multi(let operations) in gathered.requests {
            let sizes = operations.map { if case .setData(_, let data, _) = $0 { data?.count ?? 0 } else { 0 } }
            written += operations.count - 1
            #expect(sizes.reduce(0, +) <= GatheredWrites.byteLimit)
        }
        #expect(written == requests.count)
    }

    @Test func readsDeletionsAndOtherEpochsAreNotJoined() {
        var requests = (0..<GatheredWrites.limit).map { write($0) }
        requests.append(.getData(path: "/p"))
        requests += (0..<GatheredWrites.limit).map { write($0) }
        requests += (0..<GatheredWrites.limit).map { write($0, epochVersion: 4) }
        requests += (0..<2 * GatheredWrites.limit).map {
            .multi([.check(path: ZNodes.controllerEpoch, version: 3), .delete(path: "/p/\($0)")])
        }
        #expect(GatheredWrites(requests).requests == requests)
    }
}
