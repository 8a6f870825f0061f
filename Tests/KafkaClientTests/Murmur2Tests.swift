// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KafkaClient

/// The vectors of Apache Kafka's own test of its hash.
@Test(
    arguments: [
        ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ] as [(String, Int32)])
func murmur2HashesAsJavaDoes(_ text: String, _ hash: Int32) {
    #expect(Array(text.utf8).withUnsafeBytes { Murmur2.hash($0) } == hash)
}

@Test func keysOfNegativeHashHavePartitionsToo() {
    let partition = Array("21".utf8).withUnsafeBytes { Murmur2.partition(of: $0, count: 7) }
    #expect(partition == (-973_932_308 & 0x7fff_ffff) % 7)
}

@Test func recordsWithoutKeyStayWithOnePartitionForABatch() {
    var sticky = StickyPartitions(batchSize: 1000)
    var generator = SystemRandomNumberGenerator()
    var runs: [Int32] = []
    for _ in 0..<10_000 {
        let partition = sticky.partition(
            for: "t", bytes: 100, count: 4, available: [1, 3], using: &generator)
        runs.append(partition)
    }
    #expect(Set(runs) == [1, 3])
    for start in stride(from: 0, to: runs.count, by: 10) {
        #expect(Set(runs[start..<(start + 10)]).count == 1)
    }
}
